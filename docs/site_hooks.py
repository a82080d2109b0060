"""What the site needs beyond the pages of docs/; mkdocs calls these functions while it builds (mkdocs.yml, `hooks`).

The pages are written for GitHub. Three things differ on the site: the README and its neighbours are pages of it; a link
to a file of the repository leads to the repository's address; and diagrams need Mermaid, which `make docs` puts into
build/. A link to a file that does not exist is a warning, and a strict build names all its warnings and fails.
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
    """Turn the links of a page as GitHub understands them into those of the site."""
    name = page.file.src_uri
    source = next((source for source, page_name in PAGES.items() if page_name == name), f"docs/{name}")

    def link(match: re.Match[str]) -> str:
        if match["code"]:
            return match[0]
        return match["before"] + site_link(match["target"], source, name, files, config.extra["repository"])

    return _CODE_OR_LINK.sub(link, markdown)


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
