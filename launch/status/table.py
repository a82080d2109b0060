"""Boxes as a table for people, and as JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from rich.cells import cell_len

from metrica.box import Hello
from metrica.box.troubles import in_words
from metrica.launch.status.found import Found

_HEADS = ("store", "box", "heard", "version", "nodes", "cameras", "unsent", "disk free", "°C", "state")
_NONE = "–"


def as_text(found: Sequence[Found]) -> str:
    """One line for each box, and below it a line for each thing that is wrong, with what to do."""
    rows = [_row(box) for box in found]
    widths = [max(cell_len(cell) for cell in column) for column in zip(_HEADS, *rows, strict=True)]
    lines = [_line(_HEADS, widths)]
    for box, row in zip(found, rows, strict=True):
        lines.append(_line(row, widths))
        lines += [f"    {trouble.what}: {trouble.remedy}" for trouble in box.wrong]
    return "\n".join(lines)


def as_json(found: Sequence[Found]) -> str:
    """A list with one object for each box."""
    return json.dumps([_object(box) for box in found], ensure_ascii=False, indent=1)


def _object(box: Found) -> dict[str, Any]:
    wrong = [{"code": t.code, "subject": t.subject, "what": t.what, "remedy": t.remedy} for t in box.wrong]
    return {
        "store": box.store,
        "box": box.box,
        "silent_s": round(box.silent_s, 1),
        "wrong": wrong,
        "hello": box.hello.model_dump(),
    }


def _row(box: Found) -> tuple[str, ...]:
    hello = box.hello
    runs = sum(node.state in ("active", "finished") for node in hello.nodes)
    return (
        box.store,
        box.box or _NONE,
        f"{in_words(box.silent_s)} ago",
        hello.version,
        f"{runs} of {len(hello.nodes)}",
        _cameras(hello),
        _NONE if hello.unsent is None else str(hello.unsent),
        _NONE if hello.disk_free is None else f"{hello.disk_free / 1e9:.1f} GB",
        _NONE if hello.temperature is None else f"{hello.temperature:.0f}",
        f"{len(box.wrong)} wrong" if box.wrong else "well",
    )


def _cameras(hello: Hello) -> str:
    looked = sum(camera.looked_s is not None and camera.looked_s < 60 for camera in hello.cameras)
    return f"{looked} of {len(hello.cameras)} look"


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = [cell + " " * (width - cell_len(cell)) for cell, width in zip(cells, widths, strict=True)]
    return "  ".join(padded).rstrip()
