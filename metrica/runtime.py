"""What a node sees of the code that runs it (an executor, an inline graph or a test bench): runtime, clock and log."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, Protocol

from metrica.background import T
from metrica.context import Context
from metrica.errors import LifecycleError
from metrica.messages import Message


class Clock(Protocol):
    """Where a node gets the time from."""

    def now(self) -> int:
        """The time, in nanoseconds since 1970-01-01 UTC. It jumps when the machine's clock is set."""
        ...

    def monotonic(self) -> int:
        """The time on a clock that never jumps, in nanoseconds. All processes of one machine share it."""
        ...


class SystemClock:
    """The clocks of the machine."""

    def now(self) -> int:
        """The time, in nanoseconds since 1970-01-01 UTC."""
        return time.time_ns()

    def monotonic(self) -> int:
        """The time on the machine's monotonic clock, in nanoseconds."""
        return time.monotonic_ns()


class Runtime(Protocol):
    """What runs one node. A node uses it through its own methods (`Node.log`, `Node.call_soon`, …)."""

    @property
    def name(self) -> str:
        """The node's full name, such as /door/tracker."""
        ...

    @property
    def context(self) -> Context:
        """The node's store, its camera, and the folder for its files."""
        ...

    @property
    def clock(self) -> Clock:
        """Where the node gets the time from."""
        ...

    def send(self, port: str, msg: Message) -> None:
        """Send a message of the publisher `port`."""
        ...

    def call_soon(self, function: Callable[..., None], *args: Any) -> None:
        """Run a function between two callbacks of the node; any thread may call this."""
        ...

    def in_background(self, work: Callable[[], T], done: Callable[[Future[T]], None]) -> None:
        """Do slow work beside the node's loop, then call `done`: between two callbacks, or before this returns."""
        ...

    def finish(self) -> None:
        """Note that the node's work is done."""
        ...


class Detached:
    """The runtime of a node that nothing runs yet: what needs a real runtime raises LifecycleError."""

    name = "(not running)"
    context = Context()
    clock: Clock = SystemClock()

    def send(self, port: str, msg: Message) -> None:
        raise LifecycleError(f"'{port}' is not connected: run the node, or test it with a bench")

    def call_soon(self, function: Callable[..., None], *args: Any) -> None:
        raise LifecycleError("a node that does not run has no callbacks")

    def in_background(self, work: Callable[[], T], done: Callable[[Future[T]], None]) -> None:
        raise LifecycleError("a node that does not run does no work")

    def finish(self) -> None:
        raise LifecycleError("a node that does not run cannot finish")


class NodeLog(logging.LoggerAdapter[logging.Logger]):
    """A logger that adds the node's name. Keyword arguments become fields of the record, except `msg` and `level`:

    self.log.info("camera opened", width=1280, fps=15.0)
    """

    def process(self, msg: Any, kwargs: Any) -> tuple[Any, Any]:
        """Move the keyword arguments that `logging` does not know into the record's fields."""
        standard = {k: kwargs.pop(k) for k in ("exc_info", "stack_info", "stacklevel") if k in kwargs}
        fields = dict(kwargs)
        return msg, {**standard, "extra": {"node": (self.extra or {}).get("node", ""), "fields": fields}}
