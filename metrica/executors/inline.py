"""Run several nodes in one process and one thread: for recorded files, for tests, for trying things out.

    with InlineGraph({"capture": capture, "detector": detector, "tracker": tracker}) as graph:
        graph.tap("tracks", print)
        graph.run()

Each publisher is connected to the subscriptions of the same name. Every message is delivered, whatever the QoS says:
the nodes take turns, so a slow node delays the source, and no message is lost.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from metrica.background import T, settled
from metrica.context import Context
from metrica.errors import TopicError
from metrica.executors.inline_topics import topic_publishers, upstream_first
from metrica.executors.schedule import Schedule
from metrica.journal import Ledger
from metrica.lifecycle import Lifecycle, State
from metrica.messages import Message, check_message
from metrica.node import Node
from metrica.params import did_you_mean
from metrica.qos import EVENTS
from metrica.runtime import Clock, SystemClock

_IDLE_SECONDS = 1.0
_PATIENCE_SECONDS = 5.0  # so that an event comes before what is published after it, unless the journal fails


class InlineGraph:
    """A graph that runs in the calling thread. Use it as a context manager.

    Entering configures all nodes and activates them, sinks first. Leaving shuts them down. Both raise what the nodes'
    own hooks raise.

    Args:
        nodes: The nodes by name.
        context: The context that all nodes see; by default that of a camera named `camera`.
        clock: The clock that all nodes see; by default the machine's.
        journal: The file where EVENTS are written before they are delivered. Without it, they are only delivered.

    Raises:
        TopicError: Two nodes publish one topic, or a subscription has no publisher of its name and message.
    """

    def __init__(
        self,
        nodes: Mapping[str, Node],
        *,
        context: Context | None = None,
        clock: Clock | None = None,
        journal: Path | None = None,
    ) -> None:
        self.context = context or Context(camera="camera")
        self.clock = clock or SystemClock()
        self._publishers = topic_publishers(nodes)
        self._runtimes = [_InlineRuntime(self, name, nodes[name]) for name in upstream_first(nodes, self._publishers)]
        self._listeners: dict[str, list[Callable[[Any], None]]] = {topic: [] for topic in self._publishers}
        for runtime in self._runtimes:
            for topic in runtime.node.subscriptions:
                self._listeners[topic].append(runtime.receiver(topic))
        self._queue: deque[tuple[Callable[..., None], tuple[Any, ...]]] = deque()
        self._wake = threading.Event()
        self._stopping = False
        self._epoch = self.clock.now()
        self._seq: dict[tuple[str, str], int] = {}
        self._ledger = (
            Ledger(journal, self._deliver, patience=_PATIENCE_SECONDS, wake=self._wake.set) if journal else None
        )

    def tap(self, topic: str, listener: Callable[[Any], None]) -> None:
        """Call `listener` with every message of a topic, before the nodes get it.

        Raises:
            TopicError: No node publishes the topic.
        """
        if topic not in self._listeners:
            raise TopicError(f"nobody publishes '{topic}'{did_you_mean(topic, list(self._listeners))}")
        self._listeners[topic].insert(0, listener)

    def run(self) -> None:
        """Work until every source (a node without subscriptions) has finished or `stop` is called, then deactivate.

        Nodes are deactivated from the sources to the sinks, so each node still receives what the nodes before it
        publish when they are deactivated.
        """
        sources = [runtime for runtime in self._runtimes if not runtime.node.subscriptions]
        while not self._stopping and any(not s.finished for s in sources):
            self._run_queue()
            for runtime in self._runtimes:
                if runtime.active:
                    runtime.schedule.run_due(partial(self._is_done, runtime))
                    self._run_queue()
            self._wait()
        for runtime in self._runtimes:
            self._run_rest()
            if runtime.lifecycle.state is State.ACTIVE:
                runtime.lifecycle.deactivate()
        self._run_rest()

    def stop(self) -> None:
        """Make `run` end soon and deliver what is on the way; may be called from a signal handler."""
        self._stopping = True
        self._wake.set()

    def __enter__(self) -> Self:
        try:
            for runtime in self._runtimes:
                runtime.lifecycle.configure()
            if self._ledger and any(port.qos is EVENTS for r in self._runtimes for port in r.node.publishers.values()):
                self._ledger.open()
            for runtime in reversed(self._runtimes):
                runtime.lifecycle.activate()
                runtime.schedule.start()
        except BaseException:
            self._shut_down()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._shut_down()

    # For the runtimes of the nodes.

    def send(self, port: str, msg: Message, *, per_camera: bool) -> None:
        check_message(msg)  # as between processes
        topic = (port, msg.header.camera if per_camera else "")
        seq = self._seq[topic] = self._seq.get(topic, 0) + 1
        msg = replace(msg, header=replace(msg.header, seq=seq, epoch=self._epoch))
        if self._ledger and self._publishers[port].publishers[port].qos is EVENTS:
            self._ledger.record(port, msg)  # calls _deliver when the event is on the disk
        else:
            self._deliver(port, msg)

    def call_soon(self, function: Callable[..., None], *args: Any) -> None:
        self._queue.append((function, args))
        self._wake.set()

    def _deliver(self, topic: str, msg: Message) -> None:
        for listener in self._listeners[topic]:
            self._queue.append((listener, (msg,)))

    def _is_done(self, runtime: _InlineRuntime) -> bool:
        return runtime.finished or self._stopping

    def _run_queue(self) -> None:
        if self._ledger:
            self._ledger.publish_written()
        while self._queue:
            function, args = self._queue.popleft()
            function(*args)

    def _run_rest(self) -> None:
        """Run the queue at the end: events that wait for the journal are tried once more."""
        self._run_queue()
        while self._ledger and self._ledger.waiting:
            before = self._ledger.waiting
            self._ledger.retry()
            self._run_queue()
            if self._ledger.waiting >= before:
                return

    def _wait(self) -> None:
        latest = time.monotonic() + _IDLE_SECONDS
        seconds = min((s.schedule.seconds_to_next(latest) for s in self._runtimes if s.active), default=0.0)
        if seconds > 0 and not self._queue:
            self._wake.wait(seconds)
        self._wake.clear()

    def _shut_down(self) -> None:
        """Shut down every node, even if one of them raises; then raise the first error."""
        errors: list[Exception] = []
        for runtime in self._runtimes:
            try:
                runtime.lifecycle.shutdown()
            except Exception as error:  # noqa: BLE001 - raised again below, when the other nodes have been closed
                errors.append(error)
        self._queue.clear()
        if self._ledger:
            self._ledger.close()
        if errors:
            raise errors[0]


@dataclass
class _InlineRuntime:
    """The runtime of one node of the graph."""

    graph: InlineGraph
    short_name: str
    node: Node
    finished: bool = False

    def __post_init__(self) -> None:
        self.node.attach(self)
        self.lifecycle = Lifecycle(self.node)
        self.schedule = Schedule(self.node)

    @property
    def name(self) -> str:
        return f"/{self.short_name}"

    @property
    def context(self) -> Context:
        return self.graph.context

    @property
    def clock(self) -> Clock:
        return self.graph.clock

    @property
    def active(self) -> bool:
        return self.lifecycle.state is State.ACTIVE and not self.finished

    def send(self, port: str, msg: Message) -> None:
        self.graph.send(port, msg, per_camera=self.node.publishers[port].per_camera)

    def call_soon(self, function: Callable[..., None], *args: Any) -> None:
        self.graph.call_soon(function, *args)

    def in_background(self, work: Callable[[], T], done: Callable[[Future[T]], None]) -> None:
        done(settled(work))  # no message is lost here, so the message that needs the work waits for it

    def finish(self) -> None:
        self.finished = True

    def receiver(self, topic: str) -> Callable[[Message], None]:
        def receive(msg: Message) -> None:
            if self.active:
                getattr(self.node, topic)(msg)

        return receive
