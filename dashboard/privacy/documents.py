"""The papers of a shop, as HTML and PDF: the sign for the door, the record of processing, the impact assessment."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any

import yaml
from jinja2 import Environment, PackageLoader, StrictUndefined

from metrica.dashboard.privacy.facts import Facts
from metrica.version import __version__

LANGUAGES = ("ar", "fr", "en")
"""The languages of the papers."""
PAPERS = ("sign", "record", "assessment")
"""The papers: each is a section of the texts."""

_BY_HAND = "…" * 20


@dataclass(frozen=True, slots=True)
class Responsible:
    """Who is responsible for the counting; what is left empty is filled in by hand on the paper."""

    name: str = ""
    """The shop or company, the "controller" of the law."""
    contact: str = ""
    """Where people can ask: an e-mail address or a telephone number."""
    address: str = ""
    """Its postal address."""


def paper(name: str, language: str, facts: Facts, responsible: Responsible) -> str:
    """Return one of `PAPERS` as an HTML page that needs nothing else."""
    texts = _texts(language)
    values = _values(facts, responsible, texts["words"])
    template = _environment().get_template("sign.html" if name == "sign" else "paper.html")
    return template.render(
        language=language,
        direction="rtl" if language == "ar" else "ltr",
        paper=_filled(texts[name], values),
        words=texts["words"],
        version=__version__,
        day=f"{facts.day:%Y-%m-%d}",
    )


def _values(facts: Facts, responsible: Responsible, words: dict[str, str]) -> dict[str, str]:
    """Return what the placeholders of the texts stand for."""
    box = facts.box
    return {
        "name": _isolated(responsible.name) or _BY_HAND,
        "contact": _isolated(responsible.contact) or _BY_HAND,
        "address": _isolated(responsible.address) or _BY_HAND,
        "store": _isolated(facts.store.id),
        "cameras": ", ".join(map(_isolated, facts.cameras)) or words["no_camera"],
        "kept_days": str(facts.kept_days),
        "sums_time": words["no_end"] if facts.sums_days is None else words["days"].format(n=facts.sums_days),
        "audit_days": str(facts.audit_days),
        "session_days": str(facts.session_days),
        "users": str(facts.users),
        "sent_days": str(box.sent_days) if box is not None else _BY_HAND,
        "server": words["unknown"] if box is None else _isolated(box.server) or words["same_box"],
        "preview": words["unknown" if box is None else "preview_on" if box.preview else "preview_off"],
    }


def _isolated(text: str) -> str:
    """Return a text that keeps its own direction of writing within another (Unicode standard annex 9, isolates)."""
    return f"\u2068{text}\u2069" if text else ""


def _filled(texts: Any, values: dict[str, str]) -> Any:
    """Return a text, or every text of a list or mapping, with its placeholders filled in."""
    if isinstance(texts, dict):
        return {key: _filled(text, values) for key, text in texts.items()}
    if isinstance(texts, list):
        return [_filled(text, values) for text in texts]
    return str(texts).format(**values)


@lru_cache
def _texts(language: str) -> dict[str, Any]:
    source = files("metrica.dashboard.privacy").joinpath(f"texts_{language}.yaml")
    texts: dict[str, Any] = yaml.safe_load(source.read_text(encoding="utf-8"))
    return texts


@lru_cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("metrica.dashboard.privacy", "."), autoescape=True, undefined=StrictUndefined
    )
