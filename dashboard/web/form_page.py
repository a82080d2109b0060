"""A page that is one form on a card: the login, and the change of a password. It works without scripts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

from flask import render_template_string

from metrica.dashboard.texts.texts import LANGUAGES
from metrica.dashboard.web.language import request_texts
from metrica.dashboard.web.prefix import root
from metrica.dashboard.web.same_origin import csrf_token


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a form."""

    id: str
    """Its id, and its name in the request."""
    label: str
    """What stands above it."""
    autocomplete: str
    """What the browser's password manager may fill in, such as "current-password"."""
    type: str = "password"
    """The type of the input element."""
    value: str = ""
    """What stands in it at first."""
    shortest: int = 0
    """Least number of characters; 0 for any."""
    focus: bool = False
    """Whether the cursor is in it at first."""


def form_page(
    action: str,
    fields: Sequence[Field],
    *,
    title: str,
    button: str,
    heading: str = "",
    problem: str = "",
    done: str = "",
    help_text: str = "",
    back: str = "",
) -> str:
    """Make the page.

    done: what was done; it stands in the place of the form. back: the text of a link to the figures.
    """
    return render_template_string(
        _template(),
        t=request_texts(),
        languages=LANGUAGES,
        root=root(),
        csrf=csrf_token(),
        action=action,
        fields=fields,
        title=title,
        button=button,
        heading=heading,
        problem=problem,
        done=done,
        help=help_text,
        back=back,
    )


@lru_cache
def _template() -> str:
    return files("metrica.dashboard.web").joinpath("login.html").read_text(encoding="utf-8")
