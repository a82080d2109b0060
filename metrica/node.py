"""The base class of nodes. The body of a node class declares its parameters, subscriptions, publishers and timers."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, ClassVar, dataclass_transform

from metrica.background import T
from metrica.context import Context
from metrica.declarations import read_declarations
from metrica.params import ParamSpec, param, read_params
from metrica.ports import Publisher, SubscriptionSpec, TimerSpec
from metrica.runtime import Clock, Detached, NodeLog, Runtime


@dataclass_transform(kw_only_default=True, field_specifiers=(param,))
class Node:
    """The base class of all nodes.

    The constructor takes the declared parameters as keyword arguments and checks them. It opens no file and no socket,
    so a launcher can make all nodes of a graph to check it before anything runs.

    The lifecycle is that of ROS 2. Its hooks are all optional: `on_configure`, `on_activate`, `on_deactivate`,
    `on_cleanup`, `on_shutdown`. The callbacks of one node (hooks, subscriptions, timers) never run at the same time.

    Raises:
        ParameterError: A parameter is unknown, missing, of the wrong type, or out of range.
    """

    params: ClassVar[dict[str, ParamSpec]] = {}
    """The declared parameters, by name."""
    publishers: ClassVar[dict[str, Publisher[Any]]] = {}
    """The declared publishers, by name."""
    subscriptions: ClassVar[dict[str, SubscriptionSpec]] = {}
    """The declared subscriptions, by the name of their method."""
    timers: ClassVar[dict[str, TimerSpec]] = {}
    """The declared timers, by the name of their method."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        declared = read_declarations(cls, Node)
        cls.params, cls.publishers = declared.params, declared.publishers
        cls.subscriptions, cls.timers = declared.subscriptions, declared.timers

    def __init__(self, **params: Any) -> None:
        for name, value in read_params(self.params, params, type(self).__name__).items():
            setattr(self, name, value)
        # Two underscores: node classes may use any other name for their own attributes.
        self.__counters: dict[str, int] = {}
        self.__gauges: dict[str, float] = {}
        self.__trouble = ""
        self.__runtime: Runtime = Detached()
        for name, port in self.publishers.items():
            self.__dict__[name] = port.bound(None)

    def check(self) -> None:
        """Hook: check parameters that depend on each other, or that name a file.

        It is called by `metrica-launch --check`, and before `on_configure`. It may read files, but must not keep them
        open. Raise ParameterError for a parameter that is wrong, with `may_pass=True` for a file that may come
        later.
        """

    def on_configure(self) -> None:
        """Hook: load and allocate what the node needs. Raise NodeError if that is not possible."""

    def on_activate(self) -> None:
        """Hook: the node begins its work; messages and timers come after this."""

    def on_deactivate(self) -> None:
        """Hook: the node ends its work; publish what the node still holds. No message or timer comes after this."""

    def on_cleanup(self) -> None:
        """Hook: release what `on_configure` has loaded and allocated."""

    def on_shutdown(self) -> None:
        """Hook: the last call to the node."""

    @property
    def name(self) -> str:
        """The node's full name, such as /door/tracker."""
        return self.__runtime.name

    @property
    def context(self) -> Context:
        """The node's store, its camera, and the folder for its files."""
        return self.__runtime.context

    @property
    def clock(self) -> Clock:
        """Where the node gets the time from: the machine's clock, or the one of a test."""
        return self.__runtime.clock

    @property
    def log(self) -> NodeLog:
        """The node's log. Keyword arguments become fields: `self.log.info("camera opened", fps=15.0)`."""
        return NodeLog(logging.getLogger("metrica.node"), {"node": self.__runtime.name})

    def count(self, what: str, n: int = 1) -> None:
        """Add to one of the counters in the node's health.

        Args:
            what: The counter's name, such as "skipped".
            n: How much to add.
        """
        self.__counters[what] = self.__counters.get(what, 0) + int(n)

    def gauge(self, what: str, value: float) -> None:
        """Set one of the gauges (current values) in the node's health.

        Args:
            what: The gauge's name, such as "fps".
            value: Its value from now on.
        """
        self.__gauges[what] = float(value)  # a numpy number cannot be encoded

    def trouble(self, sentence: str) -> None:
        """Say in the node's health what is wrong, while the node goes on.

        Args:
            sentence: One sentence; an empty text says that nothing is wrong any more.
        """
        self.__trouble = sentence

    @property
    def counters(self) -> dict[str, int]:
        """The counters that the node has set with `count`, by name."""
        return dict(self.__counters)

    @property
    def gauges(self) -> dict[str, float]:
        """The gauges that the node has set with `gauge`, by name."""
        return dict(self.__gauges)

    @property
    def present_trouble(self) -> str:
        """The sentence that the node has last set with `trouble`."""
        return self.__trouble

    def call_soon(self, function: Callable[..., None], *args: Any) -> None:
        """Run a function between two callbacks of this node. It is the only method that another thread may call.

        Args:
            function: The function; it may publish.
            args: Its arguments.
        """
        self.__runtime.call_soon(function, *args)

    def in_background(self, work: Callable[[], T], done: Callable[[Future[T]], None]) -> None:
        """Do slow work in a thread, while the node still receives messages and sends heartbeats.

        Where no message may be lost (a LOSSLESS subscription, an inline graph, the test bench), `done` is called before
        this returns: the message that needs the work waits for it. Else it is called later, like a callback.

        Args:
            work: What to do; it must not use the node, whose callbacks go on meanwhile.
            done: Gets the finished future; its `result()` is what `work` returned, or raises what it raised.
        """
        self.__runtime.in_background(work, done)

    def finish(self) -> None:
        """Say that the node's work is done, such as when a file has been read to its end. The node is then stopped."""
        self.__runtime.finish()

    def attach(self, runtime: Runtime) -> None:
        """Connect the node to what runs it. Runtimes call this; a node does not."""
        self.__runtime = runtime
        for name, port in self.publishers.items():
            self.__dict__[name] = port.bound(_sender(runtime, name))


def _sender(runtime: Runtime, port: str) -> Callable[[Any], None]:
    return lambda msg: runtime.send(port, msg)
