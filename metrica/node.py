"""The node: a class whose body declares its parameters, its inputs and its outputs."""

from __future__ import annotations

import inspect
import logging
import sys
from collections.abc import Callable
from typing import Any, ClassVar, dataclass_transform, get_origin

from metrica.clock import Clock
from metrica.context import Context
from metrica.errors import DeclarationError
from metrica.params import ParamSpec, param, read_params
from metrica.ports import (
    Publisher,
    SubscriptionSpec,
    TimerSpec,
    declared_subscription,
    declared_timer,
)
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
        cls.params = {**cls.params, **_declared_params(cls)}
        cls.publishers = {**cls.publishers, **{k: v for k, v in vars(cls).items() if isinstance(v, Publisher)}}
        methods = [(k, getattr(cls, k)) for k in dir(cls) if not k.startswith("__")]
        cls.subscriptions = {k: s for k, m in methods if (s := declared_subscription(m))}
        cls.timers = {k: t for k, m in methods if (t := declared_timer(m))}
        _refuse_reserved_names(cls)

    def __init__(self, **params: Any) -> None:
        for name, value in read_params(self.params, params, type(self).__name__).items():
            setattr(self, name, value)
        self._counters: dict[str, int] = {}
        self._gauges: dict[str, float] = {}
        self._trouble = ""
        self._runtime: Runtime = Detached()
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
        return self._runtime.name

    @property
    def context(self) -> Context:
        """The store, the camera, and where files may lie."""
        return self._runtime.context

    @property
    def clock(self) -> Clock:
        """The time."""
        return self._runtime.clock

    @property
    def log(self) -> NodeLog:
        """The node's log: `self.log.info("camera opened", fps=15.0)`."""
        return NodeLog(logging.getLogger("metrica.node"), {"node": self._runtime.name})

    def count(self, what: str, n: int = 1) -> None:
        """Add to one of the counters that the node's health reports."""
        self._counters[what] = self._counters.get(what, 0) + n

    def gauge(self, what: str, value: float) -> None:
        """Set one of the present values that the node's health reports."""
        self._gauges[what] = value

    def trouble(self, sentence: str) -> None:
        """Say in the node's health what is wrong, in one sentence; an empty text says that it is over."""
        self._trouble = sentence

    @property
    def counters(self) -> dict[str, int]:
        """What the node has counted so far."""
        return dict(self._counters)

    @property
    def gauges(self) -> dict[str, float]:
        """The present values that the node has set."""
        return dict(self._gauges)

    @property
    def present_trouble(self) -> str:
        """What the node has last said with `trouble`."""
        return self._trouble

    def call_soon(self, function: Callable[..., None], *args: Any) -> None:
        """Run a function between two callbacks of this node: the one thing that another thread may call."""
        self._runtime.call_soon(function, *args)

    def finish(self) -> None:
        """Say that there is nothing left to do: a file has been read to its end."""
        self._runtime.finish()

    def attach(self, runtime: Runtime) -> None:
        """Connect the node to what runs it; for runtimes, not for nodes."""
        self._runtime = runtime
        for name, port in self.publishers.items():
            self.__dict__[name] = port.bound(_sender(runtime, name))


def _sender(runtime: Runtime, port: str) -> Callable[[Any], None]:
    return lambda msg: runtime.send(port, msg)


def _declared_params(cls: type[Node]) -> dict[str, ParamSpec]:
    """The parameters of a class body. Raises DeclarationError for an annotated field that is none."""
    found: dict[str, ParamSpec] = {}
    for name, annotation in inspect.get_annotations(cls).items():
        hint = _resolve(cls, name, annotation)
        if hint is ClassVar or get_origin(hint) is ClassVar:
            continue
        declared = vars(cls).get(name)
        if not isinstance(declared, ParamSpec):
            raise DeclarationError(
                f"{cls.__name__}.{name} is annotated in the class body, so it must be a parameter: "
                f"write '{name}: … = param(…)', or set it in on_configure"
            )
        found[name] = declared.named(name, hint)
    for name, value in vars(cls).items():
        if isinstance(value, ParamSpec) and name not in found:
            raise DeclarationError(
                f"{cls.__name__}.{name} is a parameter without a type: write '{name}: int = param(…)'"
            )
    return found


def _resolve(cls: type[Node], name: str, annotation: Any) -> Any:
    """An annotation as a type; a text (from __future__ import annotations) is looked up in the class's module."""
    if not isinstance(annotation, str):
        return annotation
    if annotation.startswith(("ClassVar", "typing.ClassVar")):
        return ClassVar  # its argument may be known to type checkers only
    try:
        return eval(annotation, vars(sys.modules[cls.__module__]), dict(vars(cls)))
    except NameError as error:
        raise DeclarationError(
            f"the type of {cls.__name__}.{name} cannot be found: {error} (import it at the top of the module)"
        ) from None


def _refuse_reserved_names(cls: type[Node]) -> None:
    reserved = {name for name in vars(Node) if not name.startswith("__")}
    for name in [*cls.params, *cls.publishers, *cls.subscriptions]:
        if name in reserved or name.startswith("_"):
            raise DeclarationError(f"{cls.__name__}: '{name}' is a name of every node, call it something else")
    both = (set(cls.publishers) & set(cls.subscriptions)) | (set(cls.params) & set(cls.publishers))
    if both:
        raise DeclarationError(f"{cls.__name__}: '{sorted(both)[0]}' is declared twice")
