"""Runs nodes as processes without a launch file, and prints figures in a form that programs can read."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import zmq

from metrica.executors.control import Command, ControlServer, control_endpoint
from metrica.messages import Health
from metrica.transport import Bindings, Connections, NodeSpec, TopicEndpoint

ROOT = Path(__file__).resolve().parents[1]


def figure(name: str, value: float, unit: str = "", *, goal: str) -> None:
    """Print a result as `figure NAME VALUE [UNIT] goal GOAL`; they are the last lines of a benchmark."""
    print(f"figure {name} {value:.3f}{' ' + unit if unit else ''} goal {goal}", flush=True)


class Processes:
    """Node processes with a common control socket. `with` starts and activates them, and cleans up at its end.

    shared_memory: False runs them without a folder for frames in /dev/shm.
    """

    def __init__(self, *, shared_memory: bool = True) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="mb-")
        self.run_dir = Path(self._folder.name)
        self._frames = tempfile.TemporaryDirectory(prefix="metrica-bench-", dir="/dev/shm") if shared_memory else None
        self._context: zmq.Context[Any] = zmq.Context()
        self._control = ControlServer(self._context, control_endpoint(self.run_dir))
        self._specs: list[NodeSpec] = []
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self.health: dict[str, Health] = {}
        """The last health message of each node."""

    def endpoint(self, topic: str) -> TopicEndpoint:
        """The endpoint of a topic, which its publisher binds and its subscribers connect to."""
        return TopicEndpoint(topic=topic, endpoint=f"ipc://{self.run_dir}/{topic.strip('/').replace('/', '.')}")

    def add(
        self,
        name: str,
        type: str,
        params: dict[str, Any],
        *,
        connections: dict[str, tuple[str, str]] | None = None,
        bindings: dict[str, tuple[str, str]] | None = None,
    ) -> None:
        """Add a node; publishers before their subscribers. connections, bindings: port -> (topic, QoS profile)."""
        self._specs.append(
            NodeSpec(
                name=name,
                type=type,
                params=params,
                connections={
                    p: Connections(qos=q, endpoints=(self.endpoint(t),)) for p, (t, q) in (connections or {}).items()
                },
                bindings={
                    p: Bindings(qos=q, endpoints={"": self.endpoint(t)}) for p, (t, q) in (bindings or {}).items()
                },
                health=self.endpoint(f"{name}/health"),
                control=control_endpoint(self.run_dir),
                run_dir=self.run_dir,
                frame_dir=Path(self._frames.name) if self._frames else None,
                store="benchmark",
                timezone="UTC",
                camera="door",
                data_dir=self.run_dir,
            )
        )

    def __enter__(self) -> Self:
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
        for spec in self._specs:
            process = subprocess.Popen(
                [sys.executable, "-m", "metrica.executors.process"], stdin=subprocess.PIPE, env=environment
            )
            assert process.stdin is not None
            process.stdin.write(spec.model_dump_json().encode())
            process.stdin.close()
            self._running[spec.name] = process
        self._wait_until_matched()
        for spec in reversed(self._specs):
            self._control.command(spec.name, Command.ACTIVATE)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for process in self._running.values():
            if process.poll() is None:
                process.kill()
            process.wait()
        self._control.close()
        self._context.term()
        self._folder.cleanup()
        if self._frames:
            self._frames.cleanup()

    def wait_for_end(self, source: str, *, timeout: float = 300.0) -> None:
        """Wait until the source has finished by itself; then stop the others one after the other, in order.

        Raises TimeoutError if the source does not finish.
        """
        end = time.monotonic() + timeout
        while self._running[source].poll() is None:
            self._listen()
            if time.monotonic() > end:
                raise TimeoutError(f"{source} did not finish within {timeout:g} s")
        for spec in self._specs:
            if spec.name != source:
                self._control.command(spec.name, Command.STOP)
                while self._running[spec.name].poll() is None:
                    self._listen()
        self._listen()

    def _wait_until_matched(self) -> None:
        wanted = [(w.topic) for s in self._specs for i in s.connections.values() for w in i.endpoints]
        end = time.monotonic() + 60
        while True:
            self._listen()
            inactive = [h for h in self.health.values() if h.state == "inactive"]
            matched: dict[str, int] = {}
            for health in inactive:
                matched.update(health.subscribers)
            if len(inactive) == len(self._specs) and all(matched.get(t, 0) >= wanted.count(t) for t in wanted):
                return
            if time.monotonic() > end or any(p.poll() for p in self._running.values()):
                raise RuntimeError("the nodes did not come up")

    def _listen(self) -> None:
        self._control.socket.poll(100)
        while health := self._control.receive():
            self.health[health.node] = health


def median(values: Iterable[float]) -> float:
    """The median; of an even number of values, the larger of the two in the middle."""
    ordered = sorted(values)
    return ordered[len(ordered) // 2]


def remove(path: Path) -> None:
    with suppress(FileNotFoundError):
        path.unlink()
