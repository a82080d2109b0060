"""The site of the documentation builds without a warning, fetches nothing from elsewhere, and has every public name."""

from __future__ import annotations

import importlib
import logging
import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests.paths import ROOT
from tests.project.generators import site_hooks

pytest.importorskip("mkdocs", reason="mkdocs is missing: pip install '.[docs]'")
pytest.importorskip("material", reason="mkdocs-material is missing: pip install '.[docs]'")
pytest.importorskip("mkdocstrings", reason="mkdocstrings is missing: pip install '.[docs]'")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built site, with a stand-in for Mermaid: the real one comes from npm."""
    folder = tmp_path_factory.mktemp("site")
    mermaid = tmp_path_factory.mktemp("npm") / "mermaid.min.js"
    mermaid.write_text("var mermaid = {};\n")
    built = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)],
        cwd=ROOT,
        env=os.environ | {"METRICA_MERMAID": str(mermaid), "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stdout + built.stderr
    return folder


class Fetched(HTMLParser):
    """The addresses that a browser asks for by itself when it shows a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag == "link" and values.get("rel") not in ("canonical", "next", "prev"):
            self.addresses.append(values.get("href") or "")
        if tag in ("script", "img", "iframe", "source", "video", "audio", "embed"):
            self.addresses.append(values.get("src") or "")


def test_every_page_of_the_repository_is_on_the_site(site: Path) -> None:
    pages = {path.stem for path in (ROOT / "docs").glob("*.md")} | {"index", "contributing", "changes", "security"}
    assert {path.stem for path in site.glob("*.html")} >= pages


def test_a_reader_fetches_nothing_from_elsewhere(site: Path) -> None:
    for page in site.rglob("*.html"):
        addresses = Fetched(page.read_text("utf-8")).addresses
        assert [a for a in addresses if re.match(r"(\w+:)?//", a)] == [], page.name
    for sheet in site.rglob("*.css"):
        assert not re.search(r"url\([\"']?(\w+:)?//|@import", sheet.read_text("utf-8")), sheet.name


def test_whoever_has_diagrams_has_mermaid_too(site: Path) -> None:
    """Where it is missing, the theme would fetch it from a server elsewhere."""
    pages = {path: path.read_text("utf-8") for path in site.rglob("*.html")}
    drawn = {path.name: text for path, text in pages.items() if 'class="mermaid"' in text}
    assert {"index.html", "architecture.html"} <= set(drawn)
    for text in drawn.values():
        assert "assets/mermaid.min.js" in Fetched(text).addresses
    assert (site / "assets" / "mermaid.min.js").is_file()


def test_lists_tables_and_code_are_drawn(site: Path) -> None:
    """They need an empty line before them; GitHub asks for less."""
    for page in site.glob("*.html"):
        article = page.read_text("utf-8").partition("<article")[2].partition("</article>")[0]
        words = re.sub(r"<[^>]+>", "", re.sub(r"<(pre|code|h\d)\b.*?</\1>", "", article, flags=re.DOTALL))
        assert re.findall(r"^(?:[-*] |\d\. |```|\|).*", words, re.MULTILINE) == [], page.name


@pytest.mark.parametrize("module", ["metrica", "metrica.messages", "metrica.testing"])
def test_the_reference_holds_every_public_name(site: Path, module: str) -> None:
    page = (site / "reference" / f"{module.removeprefix('metrica.')}.html").read_text("utf-8")
    anchors = set(re.findall(r'\bid="([\w.]+)"', page))
    names = getattr(importlib.import_module(module), "__all__", ["run", "Bench", "FakeClock", "START"])
    # `message` has the name of the file that it is in, which hides it from the tool: its page names it itself.
    names = [name for name in names if name != "message"]
    assert [name for name in names if f"{module}.{name}" not in anchors] == []
    if module == "metrica.messages":
        assert "metrica.messages.message.message" in anchors


# What the hooks do with links.


def link(target: str, source: str, page: str) -> str:
    from mkdocs.structure.files import File, Files

    pages = [File(name, "docs", "site", False) for name in ("index.md", "counting.md", "images/line.svg", "changes.md")]
    return site_hooks().site_link(target, source, page, Files(pages), "https://example.org/metrica")


@pytest.mark.parametrize(
    ("target", "source", "page", "leads_to"),
    [
        ("counting.md#the-line", "docs/zones.md", "zones.md", "counting.md#the-line"),
        ("../counting.md", "docs/reference/metrica.md", "reference/metrica.md", "../counting.md"),
        ("docs/counting.md", "README.md", "index.md", "counting.md"),
        ("docs/images/line.svg", "README.md", "index.md", "images/line.svg"),
        ("CHANGELOG.md", "README.md", "index.md", "changes.md"),
        ("../README.md", "docs/zones.md", "zones.md", "index.md"),
        ("#below", "docs/zones.md", "zones.md", "#below"),
        ("https://example.org", "docs/zones.md", "zones.md", "https://example.org"),
        ("../messages", "docs/zones.md", "zones.md", "https://example.org/metrica/tree/main/messages"),
        ("launch/store.yaml", "README.md", "index.md", "https://example.org/metrica/blob/main/launch/store.yaml"),
    ],
)
def test_a_link_of_the_repository_leads_to_the_same_on_the_site(
    target: str, source: str, page: str, leads_to: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert link(target, source, page) == leads_to
    assert caplog.records == []


@pytest.mark.parametrize("target", ["../nowhere.py", "nowhere.md", "../../outside"])
def test_a_link_to_nothing_is_a_warning_which_fails_the_build(target: str, caplog: pytest.LogCaptureFixture) -> None:
    link(target, "docs/zones.md", "zones.md")
    (record,) = caplog.records
    assert record.name.startswith("mkdocs.")
    assert record.levelno == logging.WARNING
    assert record.getMessage() == f"docs/zones.md: a link leads to '{target}', which does not exist"


def test_code_is_left_alone() -> None:
    from mkdocs.config import load_config
    from mkdocs.structure.files import File, Files
    from mkdocs.structure.pages import Page

    config = load_config(str(ROOT / "mkdocs.yml"))
    page = Page(None, File("zones.md", "docs", "site", False), config)
    text = "`a](../x)` and [`b/`](../messages) or\n```python\nf[0](../y)\n```\n"
    written = site_hooks().on_page_markdown(text, page, config, Files([]))
    assert written == text.replace("../messages", f"{config.extra['repository']}/tree/main/messages")


def test_what_belongs_to_an_item_is_indented_as_the_site_needs_it() -> None:
    """GitHub takes two or three spaces, and an item right after a paragraph of the one before."""
    written = (
        "1. One\n   goes on:\n\n   ```\n     code\n   ```\n2. Two\n- a\n  - b\n\n  c\n\n"
        "No list:\n  x\n```\n- y\n  z\n```"
    )
    needed = (
        "1. One\n    goes on:\n\n    ```\n      code\n    ```\n\n2. Two\n- a\n    - b\n\n    c\n\n"
        "No list:\n  x\n```\n- y\n  z\n```"
    )
    assert site_hooks().deeper_lists(written) == needed
    assert site_hooks().deeper_lists(needed) == needed


def test_diagrams_stay_text_without_mermaid(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from mkdocs.config import load_config

    module = site_hooks()
    monkeypatch.setattr(module, "MERMAID", tmp_path / "mermaid.min.js")
    config = load_config(str(ROOT / "mkdocs.yml"))
    module.on_config(config)
    assert config.extra_javascript == []
    assert "pymdownx.superfences" not in config.mdx_configs
