"""Hellos of a box, made by hand."""

from __future__ import annotations

from typing import Any

from metrica.box import CameraState, Hello, NodeState

BOX = "box-0123456789"


def hello(**what: Any) -> Hello:
    """A hello of a box that is well, but for what is given."""
    usual: dict[str, Any] = {
        "v": 1,
        "store": "tunis-01",
        "version": "0.1",
        "launch": "0123456789ab",
        "up_s": 7200.0,
        "nodes": [node("/door/capture", camera="door"), node("/door/counter", camera="door"), node("/uploader")],
        "cameras": [camera("door")],
        "unsent": 0,
        "refused": 0,
        "disk_free": 20_000_000_000,
        "disk_total": 32_000_000_000,
        "temperature": 51.5,
        "clock_ahead": 0.2,
        "synchronised": True,
    }
    return Hello(**{**usual, **what})


def node(name: str, **what: Any) -> NodeState:
    return NodeState.model_validate({"name": name, "state": "active", **what})


def camera(name: str, looked_s: float | None = 1.0, **what: Any) -> CameraState:
    return CameraState(name=name, looked_s=looked_s, **what)
