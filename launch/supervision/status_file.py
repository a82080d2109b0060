"""The file in the run folder that says how the nodes are: for `metrica-status`, and for a box that reports itself."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterable, Mapping
from pathlib import Path

from metrica.box.clean import cleaned
from metrica.box.launched import STATUS_FILE, Launched, LaunchedNode
from metrica.files.whole import write_whole
from metrica.launch.reading.graph import Graph
from metrica.launch.reading.nodes import LaunchNode
from metrica.launch.reading.source import Source
from metrica.launch.supervision.chains import counting_chains
from metrica.launch.supervision.console import Console
from metrica.launch.supervision.supervised_node import Status, SupervisedNode
from metrica.messages import Frame, Health
from metrica.secrets import hide
from metrica.version import __version__

PERIOD = 5.0
"""Seconds between two writes."""


class Looks:
    """Knows when each camera last looked: when its counter was last heard to have got pictures that it could use."""

    def __init__(self, cameras: Iterable[str]) -> None:
        self.last: dict[str, int | None] = dict.fromkeys(cameras)
        """Camera -> monotonic ns; None if not yet."""
        self._used: dict[str, tuple[int, int]] = {}

    def hear(self, health: Health) -> None:
        """Note a heartbeat of a counter."""
        used = sum(n for name, n in health.counters.items() if name.startswith("received."))
        used -= sum(n for name, n in health.counters.items() if name.startswith("unwatched."))
        epoch, before = self._used.get(health.node, (0, 0))
        self._used[health.node] = (health.header.epoch, used)
        if used > (before if epoch == health.header.epoch else 0) and health.header.camera:
            self.last[health.header.camera] = health.header.mono


class StatusFile:
    """Writes it every few seconds. A chore of the launcher's loop; a folder that is full is said once."""

    fd = None

    def __init__(self, graph: Graph, run_dir: Path, nodes: Mapping[str, SupervisedNode], console: Console) -> None:
        self._path, self._graph, self._nodes, self._console = run_dir / STATUS_FILE, graph, nodes, console
        self._counters = counting_chains(graph)
        cameras = {node.camera for node in graph.nodes if node.camera} | set(graph.document.cameras)
        self._looks = Looks(sorted(cameras))
        self._digest, self._began = digest(graph.document.source), time.monotonic_ns()
        self._failed = False
        self.due_at: float | None = 0.0

    def do(self, now: float) -> None:
        """Write it."""
        self.due_at = now + PERIOD
        try:
            write_whole(self._path, self.state(time.monotonic_ns()).model_dump_json().encode(), private=True)
        except OSError as error:
            if not self._failed:
                self._console.warning(f"{self._path} cannot be written: {error.strerror}; metrica-status sees nothing")
            self._failed = True
            return
        self._failed = False

    def state(self, now: int) -> Launched:
        """Return what is to be written. now: monotonic ns."""
        for name in self._counters:
            if (health := self._nodes[name].health) is not None:
                self._looks.hear(health)
        ended = {node.camera for node in self._graph.nodes if self._nodes[node.name].status is Status.FINISHED}
        return Launched(
            store=self._graph.document.store,
            version=__version__,
            digest=self._digest,
            pid=os.getpid(),
            data_dir=self._graph.document.data_dir,
            began=self._began,
            written=now,
            nodes=[self._node(node, self._nodes[node.name]) for node in self._graph.nodes],
            looked={camera: moment for camera, moment in self._looks.last.items() if camera not in ended},
        )

    def _node(self, node: LaunchNode, seen: SupervisedNode) -> LaunchedNode:
        health = seen.health
        return LaunchedNode(
            name=node.name,
            camera=node.camera,
            role="counter" if node.name in self._counters else "source" if _brings_pictures(node) else "",
            status=seen.status.value,
            restarts=max(0, seen.starts - 1),
            trouble=cleaned(hide(health.detail if health is not None else seen.last_error)),
            counters=health.counters if health is not None else {},
            clock_ahead=health.gauges.get("server_clock_ahead") if health is not None else None,
            latency_ms=health.gauges.get("latency_ms") if health is not None else None,
        )


def digest(source: Source) -> str:
    """Return what stands for the text of a launch file: 12 hexadecimal digits. Secrets are left out before."""
    shown = "\n".join(source.shown(line) for line in range(len(source.lines)))
    return hashlib.sha256(shown.encode("utf-8", "replace")).hexdigest()[:12]


def _brings_pictures(node: LaunchNode) -> bool:
    return node.cls is not None and any(issubclass(p.message, Frame) for p in node.cls.publishers.values())
