"""The rooms of the code and the imports between them, drawn as Mermaid into architecture.md.

    python docs/draw_rooms.py            # draw it anew
    python docs/draw_rooms.py --check    # say whether the drawing is stale (exit 1)

A room is a folder with Python files of ours. An arrow goes from the room that imports to the room that is imported;
a dotted arrow is an import inside a function, which happens only when it is needed.
"""

from __future__ import annotations

import argparse
import ast
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "architecture.md"
BEGIN, END = "<!-- rooms: drawn by docs/draw_rooms.py -->", "<!-- rooms end -->"

FOLDERS = ("metrica", "messages", "models", "nodes", "simulator", "tools", "launch", "dashboard")
"""The folders of the top level whose imports are drawn. `metrica` is the runtime."""
FREE = {"metrica.version"}
"""One number, which everybody may read: no arrow."""


def source_files() -> list[Path]:
    """Every Python file of ours, relative to the checkout. The links in `metrica/` are not followed."""
    found: list[Path] = []
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*.py")):
            if not any(parent.is_symlink() for parent in path.parents if parent != ROOT):
                found.append(path.relative_to(ROOT))
    return found


def room_of(path: Path) -> str:
    """The room that a file lies in, such as `nodes/tracking`."""
    return path.parent.as_posix()


def modules() -> dict[str, Path]:
    """The file of each module, by the name that it is imported by."""
    named: dict[str, Path] = {}
    for path in source_files():
        parts = path.with_suffix("").parts if path.name != "__init__.py" else path.parent.parts
        named[".".join(parts if parts[0] == "metrica" else ("metrica", *parts))] = path
    return named


def imports(path: Path, known: dict[str, Path]) -> Iterator[tuple[str, bool]]:
    """Each module of ours that a file imports, and whether only inside a function."""
    tree = ast.parse((ROOT / path).read_text("utf-8"))
    inside = {
        id(child)
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for child in ast.walk(function)
    }
    for node in ast.walk(tree):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            whole = [f"{node.module}.{alias.name}" for alias in node.names]
            names = [name if name in known else node.module for name in whole]
        for name in names:
            if name in known and name not in FREE:
                yield name, id(node) in inside


def arrows() -> dict[tuple[str, str], bool]:
    """(importing room, imported room) -> whether all of those imports are inside functions."""
    known = modules()
    found: dict[tuple[str, str], bool] = {}
    for path in known.values():
        for name, lazy in imports(path, known):
            pair = room_of(path), room_of(known[name])
            if pair[0] != pair[1]:
                found[pair] = found.get(pair, True) and lazy
    return found


def rooms() -> list[str]:
    """The rooms with code in them, folder by folder; one that only holds a docstring is no room of its own."""
    full = {room_of(path) for path in source_files() if path.name != "__init__.py"}
    return sorted(full, key=lambda room: (FOLDERS.index(room.partition("/")[0]), room))


def reduced(pairs: set[tuple[str, str]]) -> set[tuple[str, str]]:
    """The arrows without those that a longer way already shows: if a > b > c, then a > c is not drawn."""
    below: dict[str, set[str]] = {}
    for a, b in pairs:
        below.setdefault(a, set()).add(b)

    def reach(room: str) -> set[str]:
        found: set[str] = set()
        todo = list(below.get(room, ()))
        while todo:
            one = todo.pop()
            if one not in found:
                found.add(one)
                todo += below.get(one, ())
        return found

    return {(a, b) for a, b in pairs if not any(b in reach(c) for c in below[a] if c != b)}


def drawing() -> str:
    """The Mermaid block."""
    every = arrows()
    lines = ["```mermaid", "flowchart TB"]
    for folder in FOLDERS:
        inside = [room for room in rooms() if room.partition("/")[0] == folder]
        lines.append(f'  subgraph {folder}_["{folder}/"]')
        for room in inside:
            label = room.partition("/")[2] or {"metrica": "the runtime"}.get(folder, folder)
            lines.append(f'    {room.replace("/", "_")}["{label}"]')
        lines.append("  end")
    for a, b in sorted(reduced(set(every))):
        lines.append(f"  {a.replace('/', '_')} {'-.->' if every[a, b] else '-->'} {b.replace('/', '_')}")
    lines.append("```")
    return "\n".join(lines)


def drawn(text: str) -> str:
    """The page with the drawing as it is today."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{drawing()}\n\n{END}{after}"


def main() -> int:
    """The command; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="only say whether the drawing is stale")
    options = parser.parse_args()
    text = PAGE.read_text("utf-8")
    if options.check:
        return int(drawn(text) != text)
    PAGE.write_text(drawn(text), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
