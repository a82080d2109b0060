"""A bench for testing a node without sockets, processes or waiting.

    with testing.run(LineCounter(line=(0, 360, 1280, 360))) as bench:
        bench.send("tracks", before, after)
        assert [c.direction for c in bench.sent("crossings")] == ["in"]

The node goes through its real lifecycle. The bench keeps what it publishes. Time stands still until the test moves it.
"""

from __future__ import annotations

import queue
import tempfile
import time
from collections.abc import Callable, Generator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from metrica.background import T, settled
from metrica.context import Context
from metrica.lifecycle import Lifecycle, State
from metrica.messages import Message, check_message
from metrica.node import Node
from metrica.runtime import Clock

START = 1_767_225_600_000_000_000
"""The time at which a `FakeClock` begins: 2026-01-01 00:00 UTC, nanoseconds."""


@dataclass
class FakeClock:
    """A clock that only the test moves."""

    nanoseconds: int = START
    """The time, nanoseconds since 1970-01-01 UTC, as it would be if nobody had set the clock."""
    ahead: int = 0
    """By how much the clock was set forward (above 0) or back, nanoseconds: see `step`."""
    synchronised: bool = False
    """Whether a time service keeps the clock right."""
    boot_number: int = 1
    """What `boot` returns."""

    def now(self) -> int:
        """The time, nanoseconds since 1970-01-01 UTC."""
        return self.nanoseconds + self.ahead

    def monotonic(self) -> int:
        """Nanoseconds since `START`."""
        return self.nanoseconds - START

    def uptime(self) -> int:
        """The same as `monotonic`: this machine never sleeps."""
        return self.monotonic()

    def boot(self) -> int:
        """The number of this start of the machine."""
        return self.boot_number

    def is_synchronised(self) -> bool:
        """Whether a time service keeps the clock right."""
        return self.synchronised

    def step(self, seconds: float) -> None:
        """Set the clock forward (above 0) or back. `monotonic` does not change."""
        self.ahead += round(seconds * 1e9)

    def advance(self, seconds: float) -> None:
        """Move the clock. It calls no timers: to call those that fall due, use `Bench.advance`."""
        self.nanoseconds += round(seconds * 1e9)


@dataclass
class Bench:
    """One node on a bench: send it messages, move the clock, and look at what it published. Made by `run`."""

    node: Node
    """The node under test."""
    name: str
    """The node's full name."""
    context: Context
    """The context that the node sees."""
    fake_clock: FakeClock = field(default_factory=FakeClock)
    """The clock that the node sees."""
    finished: bool = False
    """Whether the node has called `finish`."""
    _sent: dict[str, list[Message]] = field(default_factory=dict[str, list[Message]])
    _calls: queue.Queue[tuple[Callable[..., None], tuple[Any, ...]]] = field(default_factory=queue.Queue)
    _due: dict[str, int] = field(default_factory=dict[str, int])

    @property
    def clock(self) -> Clock:
        """The clock that the node sees."""
        return self.fake_clock

    def send(self, subscription: str, *messages: Message) -> None:
        """Give messages to one of the node's subscriptions, as if they had arrived on its topic.

        Args:
            subscription: The subscription's name.
            messages: The messages, in order.

        Raises:
            KeyError: The node has no such subscription.
            TypeError: A message, or one of its fields, has the wrong type.
        """
        spec = self.node.subscriptions[subscription]
        for msg in messages:
            if not isinstance(msg, spec.message):
                raise TypeError(f"'{subscription}' takes {spec.message.__name__}, not {type(msg).__name__}")
            check_message(msg)
            getattr(self.node, subscription)(msg)
            self.settle()

    def sent(self, publisher: str) -> list[Any]:
        """All messages that the node has published so far with one of its publishers, oldest first.

        Raises:
            KeyError: The node has no such publisher.
        """
        self.node.publishers[publisher]
        return list(self._sent.get(publisher, []))

    def advance(self, seconds: float) -> None:
        """Move the clock by `seconds`, and call the node's timers when they are due.

        Timers of period 0 are not called: see `spin`. No timer is called after the node has finished.
        """
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
        """Call the timers of period 0 `times` times, or until the node has finished."""
        for _ in range(times):
            for name in self.node.timers:
                if self._period(name) == 0 and not self.finished:
                    getattr(self.node, name)()
            self.settle()

    def settle(self) -> None:
        """Run the calls that threads of the node have handed over with `call_soon`."""
        while not self._calls.empty():
            function, args = self._calls.get()
            function(*args)

    def wait_for(self, publisher: str, count: int, timeout: float = 10.0) -> list[Any]:
        """Wait, in real time, until the node has published so many messages; for a node with threads.

        Args:
            publisher: The publisher's name.
            count: How many messages to wait for.
            timeout: How long to wait, seconds.

        Returns:
            All messages that the publisher has sent so far; they may be more than `count`.

        Raises:
            KeyError: The node has no such publisher.
            TimeoutError: There were fewer messages when the time was over.
        """
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
        """Keep a call for `settle`; the node calls this from its threads."""
        self._calls.put((function, args))

    def finish(self) -> None:
        """Note that the node has finished; the node calls this."""
        self.finished = True

    def publish(self, port: str, msg: Message) -> None:
        """Keep a message that the node publishes. Raises TypeError if a field has the wrong type."""
        check_message(msg)
        self._sent.setdefault(port, []).append(msg)

    def start_timers(self) -> None:
        """Start the node's timers: each is due one period from now."""
        periods = {name: self._period(name) for name in self.node.timers}
        self._due = {name: self.fake_clock.nanoseconds + period for name, period in periods.items() if period > 0}

    def _period(self, timer: str) -> int:
        """A timer's period in whole nanoseconds, so that three times 0.1 s is exactly 0.3 s."""
        return max(0, round(self.node.timers[timer].period(self.node) * 1e9))


class _BenchRuntime:
    """The runtime that a node on a bench sees: the node's `send` is the bench's `publish`."""

    def __init__(self, bench: Bench) -> None:
        self.name, self.context, self.clock = bench.name, bench.context, bench.clock
        self.send, self.call_soon, self.finish = bench.publish, bench.call_soon, bench.finish

    def in_background(self, work: Callable[[], T], done: Callable[[Future[T]], None]) -> None:
        """Do the work at once: on the bench nothing has to wait for it."""
        done(settled(work))


@contextmanager
def run(
    node: Node, *, name: str = "/door/node", clock: FakeClock | None = None, context: Context | None = None
) -> Generator[Bench]:
    """Run a node on a bench: configure and activate it, and shut it down at the end of the `with` block.

    Args:
        node: The node, with its parameters.
        name: The node's full name.
        clock: The clock that the node sees; by default a new one that begins at `START`.
        context: The context that the node sees; by default the camera `door` of the store `test`, with a data folder
            that is removed at the end.

    Yields:
        The bench.
    """
    with tempfile.TemporaryDirectory(prefix="metrica-bench-") as folder:
        context = context or Context(store="test", camera="door", data=Path(folder))
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
            bench.settle()  # what a thread handed over until now, while the node still has its resources
        finally:
            if lifecycle.state is not State.UNCONFIGURED:
                lifecycle.shutdown()
