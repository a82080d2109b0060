"""The node: a class whose body declares its parameters, its inputs and its outputs."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, ClassVar, dataclass_transform

from metrica.clock import Clock
from metrica.context import Context
from metrica.declarations import read_declarations
from metrica.params import ParamSpec, param, read_params
from metrica.ports import Publisher, SubscriptionSpec, TimerSpec
from metrica.runtime import Detached, NodeLog, Runtime


@dataclass_transform(kw_only_default=True, field_specifiers=(param,))
class Node:
    """The base of all nodes.

    The constructor takes the declared parameters as keywords, checks them, and does nothing else: it opens
    no file and no socket, so that a launcher can look at a graph before it runs. Raises ParameterError.

    The lifecycle is ROS 2's: `on_configure` (load, allocate), `on_activate`, `on_deactivate`, `on_cleanup`,
    `on_shutdown`, all optional. Callbacks of one node never overlap.
    """

    params: ClassVar[dict[str, ParamSpec]] = {}
    publishers: ClassVar[dict[str, Publisher[Any]]] = {}
    subscriptions: ClassVar[dict[str, SubscriptionSpec]] = {}
    timers: ClassVar[dict[str, TimerSpec]] = {}

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        declared = read_declarations(cls, Node)
        cls.params, cls.publishers = declared.params, declared.publishers
        cls.subscriptions, cls.timers = declared.subscriptions, declared.timers

    def __init__(self, **params: Any) -> None:
        for name, value in read_params(self.params, params, type(self).__name__).items():
            setattr(self, name, value)
        # Two underscores: a node's own attributes may have any other name.
        self.__counters: dict[str, int] = {}
        self.__gauges: dict[str, float] = {}
        self.__trouble = ""
        self.__runtime: Runtime = Detached()
        for name, port in self.publishers.items():
            self.__dict__[name] = port.bound(None)

    def check(self) -> None:
        """Raise ParameterError for values that do not fit each other, or name something that is missing.

        Called by `metrica-launch --check` and before `on_configure`; may read files, must not keep them open.
        """

    def on_configure(self) -> None:
        """Load and allocate. Raise NodeError to say that it cannot be done."""

    def on_activate(self) -> None:
        """Begin: messages and timers come from now on."""

    def on_deactivate(self) -> None:
        """Pause or end: publish what is still inside; no message or timer comes afterwards."""

    def on_cleanup(self) -> None:
        """Undo `on_configure`."""

    def on_shutdown(self) -> None:
        """Last call before the node is gone."""

    @property
    def name(self) -> str:
        """The node's full name, such as /door/tracker."""
        return self.__runtime.name

    @property
    def context(self) -> Context:
        """The store, the camera, and where files may lie."""
        return self.__runtime.context

    @property
    def clock(self) -> Clock:
        """The time."""
        return self.__runtime.clock

    @property
    def log(self) -> NodeLog:
        """The node's log: `self.log.info("camera opened", fps=15.0)`."""
        return NodeLog(logging.getLogger("metrica.node"), {"node": self.__runtime.name})

    def count(self, what: str, n: int = 1) -> None:
        """Add to one of the counters that the node's health reports."""
        self.__counters[what] = self.__counters.get(what, 0) + int(n)

    def gauge(self, what: str, value: float) -> None:
        """Set one of the present values that the node's health reports."""
        self.__gauges[what] = float(value)  # a number of numpy's cannot travel

    def trouble(self, sentence: str) -> None:
        """Say in the node's health what is wrong, in one sentence; an empty text says that it is over."""
        self.__trouble = sentence

    @property
    def counters(self) -> dict[str, int]:
        """What the node has counted so far."""
        return dict(self.__counters)

    @property
    def gauges(self) -> dict[str, float]:
        """The present values that the node has set."""
        return dict(self.__gauges)

    @property
    def present_trouble(self) -> str:
        """What the node has last said with `trouble`."""
        return self.__trouble

    def call_soon(self, function: Callable[..., None], *args: Any) -> None:
        """Run a function between two callbacks of this node: the one thing that another thread may call."""
        self.__runtime.call_soon(function, *args)

    def finish(self) -> None:
        """Say that there is nothing left to do: a file has been read to its end."""
        self.__runtime.finish()

    def attach(self, runtime: Runtime) -> None:
        """Connect the node to what runs it; for runtimes, not for nodes."""
        self.__runtime = runtime
        for name, port in self.publishers.items():
            self.__dict__[name] = port.bound(_sender(runtime, name))


def _sender(runtime: Runtime, port: str) -> Callable[[Any], None]:
    return lambda msg: runtime.send(port, msg)
