"""Real node processes for tests, with a real control server: the steps of a launcher, one by one."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import pytest
import zmq

from metrica.executors.control import Command, ControlServer, control_endpoint
from metrica.journal import Journal
from metrica.messages import Detections, Health, Message
from metrica.qos import STREAM, QoS
from metrica.transport import Bindings, Connections, NodeSpec, TopicEndpoint
from tests.paths import ROOT
from tests.runtime.sockets import PATIENCE, Reader


class NodeProcess:
    """One `python -m metrica.executors.process`; its log is kept in `lines`."""

    def __init__(self, spec: NodeSpec | None, description: bytes = b"") -> None:
        self.name = spec.name if spec else ""
        self.lines: list[str] = []
        self.process = subprocess.Popen(
            [sys.executable, "-m", "metrica.executors.process"],
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        assert self.process.stdin
        self.process.stdin.write(spec.model_dump_json().encode() if spec else description)
        self.process.stdin.close()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def log(self) -> str:
        return "\n".join(self.lines)

    def end(self) -> int:
        """Wait until the process has ended, and return its exit status."""
        try:
            status = self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self.name} does not end:\n{self.log}") from None
        self._reader.join(5)
        return status

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        self._reader.join(5)

    def _read(self) -> None:
        assert self.process.stderr
        for line in self.process.stderr:
            self.lines.append(line.decode().rstrip())


class Processes:
    """A run folder with a control server; ends what was started in it."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="mp-"))
        self.frames = self.folder / "frames"
        self.frames.mkdir()
        self.data = self.folder / "data"
        self.context: zmq.Context[Any] = zmq.Context()
        self.control = ControlServer(self.context, control_endpoint(self.folder))
        self.beats: list[Health] = []
        self.nodes: list[NodeProcess] = []
        self.readers: list[Reader] = []

    def endpoint(self, topic: str) -> TopicEndpoint:
        return TopicEndpoint(topic=topic, endpoint=f"ipc://{self.folder}/{topic.strip('/').replace('/', '.')}")

    def spec(
        self,
        name: str,
        node: str,
        *,
        params: dict[str, Any] | None = None,
        connections: dict[str, tuple[str, str]] | None = None,
        bindings: dict[str, tuple[str, str]] | None = None,
        **more: Any,
    ) -> NodeSpec:
        """What a launcher would tell a node. `connections` and `bindings` give topic and profile, by port."""
        fields: dict[str, Any] = {
            "name": name,
            "type": node if ":" in node or node.islower() else f"tests.runtime.nodes:{node}",
            "params": params or {},
            "connections": {
                p: Connections(qos=q, endpoints=(self.endpoint(t),)) for p, (t, q) in (connections or {}).items()
            },
            "bindings": {
                p: Bindings(qos=q, endpoints={"": self.endpoint(t)}) for p, (t, q) in (bindings or {}).items()
            },
            "health": self.endpoint(f"{name}/health"),
            "control": control_endpoint(self.folder),
            "run_dir": self.folder,
            "frame_dir": self.frames,
            "store": "test",
            "timezone": "UTC",
            "camera": "door",
            "data_dir": self.data,
        }
        return NodeSpec(**{**fields, **more})

    def start(self, spec: NodeSpec, *, inactive: bool = True) -> NodeProcess:
        """Start a node and wait until it is configured."""
        node = NodeProcess(spec)
        self.nodes.append(node)
        if inactive:
            self.wait_for(spec.name, "inactive", since=len(self.beats))
        return node

    def activate(self, *nodes: NodeProcess) -> None:
        """Activate nodes, in the order given: sinks first."""
        for node in nodes:
            since = len(self.beats)
            self.control.command(node.name, Command.ACTIVATE)
            self.wait_for(node.name, "active", since=since)

    def stop(self, *nodes: NodeProcess) -> list[int]:
        """Stop nodes one after the other, as a launcher does: sources first. Returns their exit statuses."""
        status: list[int] = []
        for node in nodes:
            self.control.command(node.name, Command.STOP)
            status.append(node.end())
        return status

    def wait_for(self, name: str, state: str, *, since: int = 0) -> Health:
        return self.wait_until(lambda h: h.node == name and h.state == state, f"{name} {state}", since=since)

    def wait_until(self, so: Callable[[Health], bool], what: str, *, since: int | None = None) -> Health:
        """Wait for a heartbeat for which `so` is true, and return it.

        Without `since`, only heartbeats from now on count; with it, those after the first `since` ones.
        """
        at = len(self.beats) if since is None else since
        end = time.monotonic() + PATIENCE
        while True:
            self.listen()
            for health in self.beats[at:]:
                if so(health):
                    return health
            at = len(self.beats)
            logs = "\n".join(node.log for node in self.nodes)
            assert time.monotonic() < end, f"no heartbeat: {what}; the last: {self.beats[-3:]}\n{logs}"
            self.control.socket.poll(50)

    def listen(self) -> None:
        """Take in the heartbeats that have arrived."""
        while health := self.control.receive():
            self.beats.append(health)

    def matched(self, name: str, topic: str, count: int = 1) -> None:
        """Wait until a node reports `count` subscriptions of its topic."""
        self.wait_until(
            lambda h: h.node == name and h.subscribers.get(topic) == count, f"{count} subscriptions of {topic}", since=0
        )

    def reader(self, topic: str, qos: QoS = STREAM, message: type[Message] = Detections) -> Reader:
        reader = Reader(self.context, self.endpoint(topic), qos, message)
        self.readers.append(reader)
        return reader

    def journalled(self) -> list[str]:
        """The ids of the events in the journal, in their order."""
        with Journal(self.data / "journal.db") as journal:
            return [entry.id for entry in journal.unsent(100_000)]

    def close(self) -> None:
        for node in self.nodes:
            if node.process.poll() is None:
                node.process.send_signal(signal.SIGCONT)
                node.kill()
        for reader in self.readers:
            reader.close()
        self.control.close()
        self.context.destroy(linger=0)
        shutil.rmtree(self.folder)


SOURCE = {"detections": ("/door/detections", "stream")}
"""The bindings of a `Source` node."""


def numbers(path: Path) -> list[int]:
    return [int(line) for line in path.read_text().split()]


@pytest.fixture
def processes() -> Generator[Processes]:
    processes = Processes()
    yield processes
    processes.close()
