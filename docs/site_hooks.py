"""What the site needs beyond the pages of docs/; mkdocs calls these functions while it builds (mkdocs.yml, `hooks`).

The pages are written for GitHub. Four things differ on the site: the README and its neighbours are pages of it; a link
to a file of the repository leads to the repository's address; what belongs to an item of a list is indented deeper; and
diagrams need Mermaid, which `make docs` puts into build/. A link to a file that does not exist is a warning, and a
strict build names all its warnings and fails.
"""

from __future__ import annotations

import logging
import os
import posixpath
import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page
from pymdownx.superfences import fence_code_format

ROOT = Path(__file__).parents[1]
PAGES = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changes.md",
    "SECURITY.md": "security.md",
    "CODE_OF_CONDUCT.md": "conduct.md",
}
"""Files at the top of the repository that are pages of the site, each with its name there."""
MERMAID = Path(os.environ.get("METRICA_MERMAID", ROOT / "build" / "mermaid.min.js"))
"""Draws the diagrams in the reader's browser. Without it they stay text: the theme would fetch it from elsewhere."""
_SCRIPT = "assets/mermaid.min.js"
_CODE_OR_LINK = re.compile(
    r"(?P<code>^ *```.*?^ *```|`[^`\n]+`)|(?P<before>\]\(|\bsrc=\")(?P<target>[^)\s\"]+)", re.DOTALL | re.MULTILINE
)

_ITEM = re.compile(r"(?:\d+\.|[-*]) +")

log = logging.getLogger("mkdocs.hooks.site")


def on_config(config: MkDocsConfig) -> None:
    """Draw diagrams, if that needs nothing from elsewhere."""
    if MERMAID.is_file():
        config.extra_javascript.append(_SCRIPT)
        fence = {"name": "mermaid", "class": "mermaid", "format": fence_code_format}
        config.mdx_configs["pymdownx.superfences"] = {"custom_fences": [fence]}


def on_files(files: Files, config: MkDocsConfig) -> None:
    """Add what does not lie in docs/."""
    for source, name in PAGES.items():
        files.append(File.generated(config, name, abs_src_path=str(ROOT / source)))
    if MERMAID.is_file():
        files.append(File.generated(config, _SCRIPT, abs_src_path=str(MERMAID)))


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Turn a page as GitHub understands it into one of the site: its links and its lists."""
    name = page.file.src_uri
    source = next((source for source, page_name in PAGES.items() if page_name == name), f"docs/{name}")

    def link(match: re.Match[str]) -> str:
        if match["code"]:
            return match[0]
        return match["before"] + site_link(match["target"], source, name, files, config.extra["repository"])

    return deeper_lists(_CODE_OR_LINK.sub(link, markdown))


def deeper_lists(markdown: str) -> str:
    """Indent what belongs to an item of a list by four spaces; GitHub is content with two or three.

    An item that follows one of several paragraphs gets an empty line before it, without which it would be lost.
    """
    lines = [""]
    width, shift, loose, fenced = 0, -1, False, False  # of the item: its marker's width (0: no item), what is added
    for line in markdown.split("\n"):
        item = None if fenced else _ITEM.match(line)
        added = ""
        if line.startswith("```"):
            fenced, width = not fenced, 0
        elif item:
            lines += [""] if width and loose and lines[-1] else []
            width, shift, loose = item.end(), -1, False
        elif not line:
            loose = True
        elif width and line.startswith(" " * width):
            shift = max(0, 4 - len(line) + len(line.lstrip())) if shift < 0 else shift
            added = " " * shift
        elif not lines[-1]:
            width = 0
        lines.append(added + line)
    return "\n".join(lines[1:])


def site_link(target: str, source: str, name: str, files: Files, repository: str) -> str:
    """Where a link of a repository's file leads on the site.

    `target` is the link as it is written, `source` the file it stands in, `name` that file's page on the site.
    """
    path, hash_, anchor = target.partition("#")
    if not path or re.match(r"[a-z]+:", path):
        return target
    path = posixpath.normpath(posixpath.join(posixpath.dirname(source), path))
    on_site = PAGES.get(path, path.removeprefix("docs/"))
    if (path in PAGES or path.startswith("docs/")) and files.get_file_from_path(on_site):
        return posixpath.relpath(on_site, posixpath.dirname(name) or ".") + hash_ + anchor
    if path.startswith("../") or not (ROOT / path).exists():
        log.warning("%s: a link leads to '%s', which does not exist", source, target)
        return target
    kind = "tree" if (ROOT / path).is_dir() else "blob"
    return f"{repository}/{kind}/main/{path}{hash_}{anchor}"
