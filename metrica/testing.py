"""Test a node without sockets, processes or waiting.

    with testing.run(LineCounter(line=(0, 360, 1280, 360))) as bench:
        bench.send("tracks", before, after)
        assert [c.direction for c in bench.sent("crossings")] == ["in"]

The node is really configured and activated; what it publishes is kept, and time stands still until the
test moves it.
"""

from __future__ import annotations

import queue
import tempfile
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from metrica.clock import Clock
from metrica.context import Context
from metrica.lifecycle import Lifecycle, State
from metrica.messages import Message, check_message
from metrica.node import Node

START = 1_767_225_600_000_000_000
"""Where a fake clock begins: 2026-01-01 00:00 UTC, in nanoseconds."""


@dataclass
class FakeClock:
    """A clock that only the test moves."""

    nanoseconds: int = START

    def now(self) -> int:
        return self.nanoseconds

    def monotonic(self) -> int:
        return self.nanoseconds - START

    def advance(self, seconds: float) -> None:
        self.nanoseconds += round(seconds * 1e9)


@dataclass
class Bench:
    """One node on a bench: send it messages, move the clock, look at what it published."""

    node: Node
    name: str
    context: Context
    fake_clock: FakeClock = field(default_factory=FakeClock)
    finished: bool = False
    _sent: dict[str, list[Message]] = field(default_factory=dict[str, list[Message]])
    _calls: queue.Queue[tuple[Callable[..., None], tuple[Any, ...]]] = field(default_factory=queue.Queue)
    _due: dict[str, int] = field(default_factory=dict[str, int])

    @property
    def clock(self) -> Clock:
        return self.fake_clock

    def send(self, subscription: str, *messages: Message) -> None:
        """Hand the messages to one of the node's inputs, as they would arrive from its topic.

        Raises KeyError for an unknown input and TypeError for a message of the wrong type, or with a wrong field.
        """
        spec = self.node.subscriptions[subscription]
        for msg in messages:
            if not isinstance(msg, spec.message):
                raise TypeError(f"'{subscription}' takes {spec.message.__name__}, not {type(msg).__name__}")
            check_message(msg)
            getattr(self.node, subscription)(msg)
            self.settle()

    def sent(self, publisher: str) -> list[Any]:
        """Everything that the node has published on one of its outputs so far. Raises KeyError."""
        self.node.publishers[publisher]
        return list(self._sent.get(publisher, []))

    def advance(self, seconds: float) -> None:
        """Move the clock, calling the node's timers at the moments they are due, until the node has finished."""
        end = self.fake_clock.nanoseconds + round(seconds * 1e9)
        while self._due and not self.finished:
            name = min(self._due, key=self._due.__getitem__)
            if self._due[name] > end:
                break
            self.fake_clock.nanoseconds = max(self.fake_clock.nanoseconds, self._due[name])
            self._due[name] += self._period(name)
            getattr(self.node, name)()
            self.settle()
        self.fake_clock.nanoseconds = max(self.fake_clock.nanoseconds, end)

    def spin(self, times: int = 1) -> None:
        """Call the timers of period 0 (whenever idle) so many times, or until the node has finished."""
        for _ in range(times):
            for name in self.node.timers:
                if self._period(name) == 0 and not self.finished:
                    getattr(self.node, name)()
            self.settle()

    def settle(self) -> None:
        """Run what the node's own threads have asked for with `call_soon`."""
        while not self._calls.empty():
            function, args = self._calls.get()
            function(*args)

    def wait_for(self, publisher: str, count: int, timeout: float = 10.0) -> list[Any]:
        """Real waiting, for a node with threads: until it has published so many messages. Raises TimeoutError."""
        end = time.monotonic() + timeout
        while len(self.sent(publisher)) < count:
            if time.monotonic() > end:
                raise TimeoutError(f"{len(self.sent(publisher))} of {count} messages on '{publisher}'")
            try:
                function, args = self._calls.get(timeout=0.05)
            except queue.Empty:
                continue
            function(*args)
        return self.sent(publisher)

    def call_soon(self, function: Callable[..., None], *args: Any) -> None:
        self._calls.put((function, args))

    def finish(self) -> None:
        self.finished = True

    def publish(self, port: str, msg: Message) -> None:
        check_message(msg)
        self._sent.setdefault(port, []).append(msg)

    def start_timers(self) -> None:
        periods = {name: self._period(name) for name in self.node.timers}
        self._due = {name: self.fake_clock.nanoseconds + period for name, period in periods.items() if period > 0}

    def _period(self, timer: str) -> int:
        """In whole nanoseconds: three times 0.1 s is 0.3 s."""
        return max(0, round(self.node.timers[timer].period(self.node) * 1e9))


class _BenchRuntime:
    """What the node sees of its bench: `send` means publish here, and hand over to the node there."""

    def __init__(self, bench: Bench) -> None:
        self.name, self.context, self.clock = bench.name, bench.context, bench.clock
        self.send, self.call_soon, self.finish = bench.publish, bench.call_soon, bench.finish


@contextmanager
def run(
    node: Node, *, name: str = "/door/node", clock: FakeClock | None = None, context: Context | None = None
) -> Generator[Bench]:
    """Configure and activate a node on a bench; deactivate, clean up and shut it down at the end.

    Without a context the node is that of camera `door`, in a data folder of its own that is gone afterwards.
    """
    with tempfile.TemporaryDirectory(prefix="metrica-bench-") as folder:
        context = context or Context(store="test", camera="door", data_dir=Path(folder))
        bench = Bench(node, name, context, clock or FakeClock())
        node.attach(_BenchRuntime(bench))
        lifecycle = Lifecycle(node)
        try:
            lifecycle.configure()
            lifecycle.activate()
            bench.start_timers()
            yield bench
            bench.settle()
            lifecycle.deactivate()
            bench.settle()  # what a thread has handed over at the last moment, while the node still has its things
        finally:
            if lifecycle.state is not State.UNCONFIGURED:
                lifecycle.shutdown()
