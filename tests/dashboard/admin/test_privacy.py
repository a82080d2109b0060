"""`metrica-admin privacy-file`: papers that say what this installation really does, in three languages."""

from __future__ import annotations

import re
import zlib
from pathlib import Path
from typing import Any

import pytest
import yaml

from metrica.dashboard.privacy.documents import LANGUAGES, PAPERS
from metrica.dashboard.privacy.facts import BoxFacts, box_facts
from tests.dashboard.admin.commands import Here
from tests.dashboard.client import STORE
from tests.paths import ROOT

TEXTS = ROOT / "dashboard" / "privacy"


@pytest.fixture
def launch_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DOOR_RTSP", "rtsp://admin:very-secret@192.168.1.20/stream1")
    text = (ROOT / "launch" / "store.yaml").read_text(encoding="utf-8")
    file = tmp_path / "store.yaml"
    # The first one is the uploader's, which keeps days.
    file.write_text(
        text.replace('{url: "http://127.0.0.1:8080"}', '{url: "https://counts.example.tn", keep_days: 12}', 1)
    )
    return file


def write(here: Here, out: Path, *options: str) -> dict[str, str]:
    here.ok("privacy-file", STORE.id, "--format", "html", "--output", str(out), *options)
    return {path.name: path.read_text(encoding="utf-8") for path in out.iterdir()}


def test_the_papers_say_what_is_set_here(here: Here, launch_file: Path, tmp_path: Path) -> None:
    here.ok("retention", "--store", STORE.id, "--set", "333")
    papers = write(here, tmp_path / "out", "--launch", str(launch_file), "--controller", "Boutique <Lina>")
    assert set(papers) == {f"{name}-{language}.html" for name in PAPERS for language in LANGUAGES}
    for language in LANGUAGES:
        record = papers[f"record-{language}.html"]
        assert "333" in record and "12" in record and "counts.example.tn" in record and "door" in record
        assert "Boutique &lt;Lina&gt;" in papers[f"sign-{language}.html"], "what is given is text, not markup"
    assert 'dir="rtl"' in papers["sign-ar.html"] and 'dir="ltr"' in papers["sign-fr.html"]
    assert not [name for name, page in papers.items() if "very-secret" in page or "192.168.1.20" in page]


def test_what_is_not_known_is_left_to_be_filled_in(here: Here, tmp_path: Path) -> None:
    papers = write(here, tmp_path / "out", "--language", "en")
    assert set(papers) == {f"{name}-en.html" for name in PAPERS}
    assert "to be filled in (no launch file was given)" in papers["record-en.html"]
    assert "Responsible: ……" in papers["sign-en.html"]


def test_a_pdf_is_one_with_its_letters_in_it(here: Here, tmp_path: Path) -> None:
    pytest.importorskip("weasyprint", reason="the extra 'documents' is not installed")
    here.ok("privacy-file", STORE.id, "--language", "ar", "--output", str(tmp_path / "out"))
    for name in PAPERS:
        content = (tmp_path / "out" / f"{name}-ar.pdf").read_bytes()
        assert content.startswith(b"%PDF-") and content.rstrip().endswith(b"%%EOF")
        parts = [
            zlib.decompress(part) for part in re.findall(rb"FlateDecode.*?stream\n(.*?)\nendstream", content, re.DOTALL)
        ]
        assert any(b"/FontFile" in part for part in parts), (
            "the font travels along: a print shop may have no Arabic one"
        )


def test_nothing_is_overwritten_and_errors_are_one_sentence(here: Here, tmp_path: Path) -> None:
    out = tmp_path / "out"
    write(here, out, "--language", "fr")
    assert "exists already" in here.fails("privacy-file", STORE.id, "--format", "html", "--output", str(out))
    assert "there is no store 'nobody'" in here.fails(
        "privacy-file", "nobody", "--format", "html", "--output", str(out)
    )
    wrong = here.fails("privacy-file", STORE.id, "--format", "html", "--launch", str(tmp_path / "no.yaml"))
    assert "no.yaml" in wrong


def test_without_the_extra_it_says_what_to_install(here: Here, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "weasyprint", None)
    said = here.fails("privacy-file", STORE.id, "--output", str(tmp_path / "out"))
    assert "pip install 'metrica[documents]'" in said and "--format html" in said
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_the_same_papers_with_the_same_facts(language: str) -> None:
    assert shape(texts(language)) == shape(texts("en"))


def test_the_facts_of_a_box_come_from_its_graph() -> None:
    def uploader(url: str, days: str) -> dict[str, Any]:
        return {"name": "/u", "type": "uploader", "camera": "", "params": {"url": url, "keep_days": days}}

    preview = {"name": "/door/preview", "type": "preview", "camera": "door", "params": {"port": 1}}
    graph: dict[str, Any] = {"cameras": ["door", "back"], "nodes": [uploader("http://127.0.0.1:8080", "30")]}
    assert box_facts(graph) == BoxFacts(("door", "back"), 30, "", False)
    graph["nodes"] += [uploader("https://a.example", "90"), preview]
    assert box_facts(graph) == BoxFacts(("door", "back"), 90, "a.example", True)


def texts(language: str) -> Any:
    return yaml.safe_load((TEXTS / f"texts_{language}.yaml").read_text(encoding="utf-8"))


def shape(part: Any) -> Any:
    """The structure of the texts, with the placeholders of each."""
    if isinstance(part, dict):
        return {key: shape(value) for key, value in part.items()}
    if isinstance(part, list):
        return [shape(value) for value in part]
    return sorted(re.findall(r"{(\w+)}", part))
