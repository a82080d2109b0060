"""What a node sees of the code that runs it (an executor, an inline graph or a test bench): runtime, clock and log."""

from __future__ import annotations

import ctypes
import logging
import time
from collections.abc import Callable
from concurrent.futures import Future
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

from metrica.background import T
from metrica.context import Context
from metrica.errors import LifecycleError
from metrica.messages import Message

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_TIMEX_BYTES = 512  # more than `struct timex` has on any machine; all zero: change nothing, only read
_TIME_ERROR = 5  # what adjtimex(2) returns while no time service has set the clock


class Clock(Protocol):
    """Where a node gets the time from."""

    def now(self) -> int:
        """The time, in nanoseconds since 1970-01-01 UTC. It jumps when the machine's clock is set."""
        ...

    def monotonic(self) -> int:
        """The time on a clock that never jumps, in nanoseconds. All processes of one machine share it."""
        ...

    def uptime(self) -> int:
        """Like `monotonic`, but it goes on while the machine sleeps: nanoseconds since its start."""
        ...

    def boot(self) -> int:
        """A random number that the machine has from its start to its end, below 2**63; 0 if it has none."""
        ...

    def is_synchronised(self) -> bool:
        """Whether a time service has set the clock and keeps it right, as far as the machine knows."""
        ...


class SystemClock:
    """The clocks of the machine."""

    def now(self) -> int:
        """The time, in nanoseconds since 1970-01-01 UTC."""
        return time.time_ns()

    def monotonic(self) -> int:
        """The time on the machine's monotonic clock, in nanoseconds."""
        return time.monotonic_ns()

    def uptime(self) -> int:
        """Nanoseconds since the machine's start, time asleep included."""
        return time.clock_gettime_ns(time.CLOCK_BOOTTIME)

    def boot(self) -> int:
        """A number made of the kernel's boot id, which is random; 0 if the kernel tells none."""
        return _boot_number()

    def is_synchronised(self) -> bool:
        """Whether the kernel says that a time service keeps the clock right."""
        return _is_synchronised()


@lru_cache(maxsize=1)
def _boot_number() -> int:
    try:
        return int(_BOOT_ID.read_text().strip().replace("-", ""), 16) >> 65
    except (OSError, ValueError):
        return 0


def _is_synchronised() -> bool:
    adjtimex = getattr(ctypes.CDLL(None), "adjtimex", None)
    if adjtimex is None:
        return False
    state = int(adjtimex(ctypes.create_string_buffer(_TIMEX_BYTES)))
    return 0 <= state < _TIME_ERROR  # -1: this process may not ask


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
