"""Makes a hello of what the launcher wrote and of what the machine says. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from metrica.box.clean import cleaned
from metrica.box.hello import MAX_CAMERAS, MAX_NODES, CameraState, Hello, NodeState
from metrica.box.launched import Launched, LaunchedNode

_SECOND = 1_000_000_000
_LOST = ("lost", "undecodable", "wrong_type", "overwritten", "frames_overwritten", "frames_unreadable")
"""The counters of what did not arrive."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What the machine, the journal and the last hello say."""

    unsent: int | None = None
    """Events in the journal that the server does not have; None if the journal cannot be read, or is not there."""
    waiting_s: float | None = None
    """Since when the oldest of them waits, seconds."""
    refused: int | None = None
    """Events that the server has refused."""
    disk_free: int | None = None
    """Free bytes on the disk of the data folder."""
    disk_total: int | None = None
    """Bytes of that disk."""
    temperature: float | None = None
    """The warmest sensor, °C; None where there is none."""
    clock_ahead: float | None = None
    """By how many seconds the server's clock is ahead of this one; None before the first answer."""
    synchronised: bool | None = None
    """Whether a time service keeps the clock right."""


def hello_of(store: str, version: str, launched: Launched | None, machine: Machine, now: int) -> Hello:
    """Make the hello of a box. launched: None if nobody knows how the nodes are. now: monotonic ns."""
    nodes = launched.nodes if launched else []
    return Hello(
        v=1,
        store=store,
        version=version[:40],
        launch=launched.digest if launched else "",
        up_s=_ago(launched.began, now) if launched else None,
        nodes=[_node(node) for node in nodes[:MAX_NODES]],
        cameras=[_camera(name, nodes, looked, now) for name, looked in _cameras(launched)],
        unsent=machine.unsent,
        waiting_s=machine.waiting_s,
        refused=machine.refused,
        disk_free=machine.disk_free,
        disk_total=machine.disk_total,
        temperature=machine.temperature,
        clock_ahead=machine.clock_ahead,
        synchronised=machine.synchronised,
    )


def _cameras(launched: Launched | None) -> list[tuple[str, int | None]]:
    return list(launched.looked.items())[:MAX_CAMERAS] if launched else []


def _node(node: LaunchedNode) -> NodeState:
    counters = node.counters
    return NodeState(
        name=node.name[:200],
        camera=node.camera[:200],
        state=node.status,
        restarts=node.restarts,
        received=_sum(counters, "received."),
        sent=_sum(counters, "sent."),
        lost=sum(counters.get(name, 0) for name in _LOST),
        latency_ms=_shown(node.latency_ms),
        trouble=cleaned(node.trouble),
    )


def _camera(name: str, nodes: list[LaunchedNode], looked: int | None, now: int) -> CameraState:
    mine = [node for node in nodes if node.camera == name]
    counters = [node for node in mine if node.role == "counter"]
    late = [node.latency_ms for node in counters if node.latency_ms is not None]
    return CameraState(
        name=name[:200],
        looked_s=None if looked is None else _ago(looked, now),
        frames_in=sum(_sum(node.counters, "sent.") for node in mine if node.role == "source"),
        frames_out=max((_used(n.counters) for n in counters), default=0),
        latency_ms=_shown(max(late, default=None)),
    )


def _used(counters: Mapping[str, int]) -> int:
    return max(0, _sum(counters, "received.") - _sum(counters, "unwatched."))


def _sum(counters: Mapping[str, int], prefix: str) -> int:
    return sum(n for name, n in counters.items() if name.startswith(prefix))


def _shown(milliseconds: float | None) -> float | None:
    return None if milliseconds is None else round(max(0.0, milliseconds), 1)


def _ago(moment: int, now: int) -> float:
    return round(max(0, now - moment) / _SECOND, 1)
