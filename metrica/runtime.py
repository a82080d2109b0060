"""What a node sees of whatever runs it: a process of its own, one process for all, or a test bench."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, Protocol

from metrica.clock import Clock, SystemClock
from metrica.context import Context
from metrica.errors import LifecycleError
from metrica.messages import Message


class Runtime(Protocol):
    """The surroundings of one node."""

    @property
    def name(self) -> str:
        """The node's full name, such as /door/tracker."""
        ...

    @property
    def context(self) -> Context: ...

    @property
    def clock(self) -> Clock: ...

    def send(self, port: str, msg: Message) -> None:
        """Publish on one of the node's ports."""
        ...

    def call_soon(self, function: Callable[..., None], *args: Any) -> None:
        """Run a function between two callbacks of the node; callable from any thread."""
        ...

    def finish(self) -> None:
        """The node has nothing left to do."""
        ...


class Detached:
    """The runtime of a node that nothing runs yet: it can be looked at, but not send."""

    name = "(not running)"
    context = Context()
    clock: Clock = SystemClock()

    def send(self, port: str, msg: Message) -> None:
        raise LifecycleError(f"'{port}' is not connected: run the node, or test it with a bench")

    def call_soon(self, function: Callable[..., None], *args: Any) -> None:
        raise LifecycleError("a node that does not run has no callbacks")

    def finish(self) -> None:
        raise LifecycleError("a node that does not run cannot finish")


class NodeLog(logging.LoggerAdapter[logging.Logger]):
    """A logger whose lines carry the node's name; extra keyword arguments (but `msg` and `level`) become key=value.

    self.log.info("camera opened", width=1280, fps=15.0)
    """

    def process(self, msg: Any, kwargs: Any) -> tuple[Any, Any]:
        known = {k: kwargs.pop(k) for k in ("exc_info", "stack_info", "stacklevel") if k in kwargs}
        fields = dict(kwargs)
        return msg, {**known, "extra": {"node": (self.extra or {}).get("node", ""), "fields": fields}}
