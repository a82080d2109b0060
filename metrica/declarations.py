"""Read a node class: find its parameters, publishers, subscriptions and timers, and refuse what is declared wrongly."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, get_origin

from metrica.errors import DeclarationError, TopicError
from metrica.params import ParamSpec
from metrica.ports import Publisher, SubscriptionSpec, TimerSpec, declared_subscription, declared_timer
from metrica.topics import check_name

HOOKS = ("check", "on_configure", "on_activate", "on_deactivate", "on_cleanup", "on_shutdown")
"""The methods of `Node` that a node class may override. A node class may use no other name of `Node`."""

_Declaration = ParamSpec | Publisher[Any] | SubscriptionSpec | TimerSpec
_WORDS = {ParamSpec: "a parameter", Publisher: "a publisher", SubscriptionSpec: "a subscription", TimerSpec: "a timer"}


@dataclass(frozen=True, slots=True)
class Declarations:
    """What a node class declares and inherits, each by name."""

    params: dict[str, ParamSpec]
    publishers: dict[str, Publisher[Any]]
    subscriptions: dict[str, SubscriptionSpec]
    timers: dict[str, TimerSpec]


def read_declarations(cls: type, root: type) -> Declarations:
    """The declarations of a node class, those of its bases included.

    A method that overrides an inherited subscription or timer is one too, with or without the decorator.

    Args:
        cls: The node class.
        root: The base of all nodes, `metrica.Node`.

    Raises:
        DeclarationError: The class is written wrongly.
    """
    for name in sorted(_taken(root).intersection(vars(cls))):
        raise DeclarationError(_taken_sentence(cls, name))
    found: dict[str, _Declaration] = {}
    for parent in reversed(cls.__mro__[:-1]):
        if parent is not root:
            _merge(found, parent, root)
    return Declarations(
        {name: declared for name, declared in found.items() if isinstance(declared, ParamSpec)},
        {name: declared for name, declared in found.items() if isinstance(declared, Publisher)},
        {name: declared for name, declared in found.items() if isinstance(declared, SubscriptionSpec)},
        {name: declared for name, declared in found.items() if isinstance(declared, TimerSpec)},
    )


def _merge(found: dict[str, _Declaration], cls: type, root: type) -> None:
    params = _params(cls, strict=issubclass(cls, root))
    for name, value in list(vars(cls).items()):
        declared = params.get(name) or _port(value)
        inherited = found.get(name)
        if declared is not None:
            _check_declared(cls, name, declared)
            if inherited is not None and type(inherited) is not type(declared):
                raise DeclarationError(
                    f"{cls.__name__}: '{name}' is declared twice, it is {_WORDS[type(inherited)]} too"
                )
            found[name] = declared
        elif inherited is not None and not (callable(value) and isinstance(inherited, (SubscriptionSpec, TimerSpec))):
            raise DeclarationError(
                f"{cls.__name__}.{name} hides {_WORDS[type(inherited)]} that it inherits: "
                "declare it again, or rename it"
            )


def _port(value: object) -> _Declaration | None:
    return value if isinstance(value, Publisher) else declared_subscription(value) or declared_timer(value)


def _check_declared(cls: type, name: str, declared: _Declaration) -> None:
    if name in HOOKS or (name.startswith("_") and not isinstance(declared, TimerSpec)):
        raise DeclarationError(_taken_sentence(cls, name))
    if isinstance(declared, (Publisher, SubscriptionSpec)):
        try:
            check_name(name, "topic")
        except TopicError as error:
            raise DeclarationError(f"{cls.__name__}: {error}") from None


def _taken(root: type) -> set[str]:
    return {name for name in vars(root) if not name.startswith("__") and name not in HOOKS}


def _taken_sentence(cls: type, name: str) -> str:
    return f"{cls.__name__}: '{name}' is a name of every node, call it something else"


def _params(cls: type, *, strict: bool) -> dict[str, ParamSpec]:
    """The parameters of one class body. If `strict`, every annotated field must be one."""
    found: dict[str, ParamSpec] = {}
    for name, annotation in inspect.get_annotations(cls).items():
        declared = vars(cls).get(name)
        if not strict and not isinstance(declared, ParamSpec):
            continue
        hint = _resolve(cls, name, annotation)
        if hint is ClassVar or get_origin(hint) is ClassVar:
            continue
        if not isinstance(declared, ParamSpec):
            raise DeclarationError(_no_param(cls, name, declared))
        found[name] = declared.named(name, hint)
    for name, value in vars(cls).items():
        if isinstance(value, ParamSpec) and name not in found:
            raise DeclarationError(
                f"{cls.__name__}.{name} is a parameter without a type: write '{name}: int = param(…)'"
            )
    return found


def _no_param(cls: type, name: str, declared: object) -> str:
    if isinstance(declared, Publisher):
        message = declared.message.__name__
        return (
            f"{cls.__name__}.{name} is a publisher: write '{name}: ClassVar[Publisher[{message}]] = publisher(…)', "
            f"or '{name} = publisher(…)'"
        )
    return (
        f"{cls.__name__}.{name} is annotated in the class body, so it must be a parameter: "
        f"write '{name}: … = param(…)', or set it in on_configure"
    )


def _resolve(cls: type, name: str, annotation: Any) -> Any:
    """The type that an annotation names. With `from __future__ import annotations` the annotation is a text, and its
    names are looked up in the class's module."""
    if not isinstance(annotation, str):
        return annotation
    if annotation.startswith(("ClassVar", "typing.ClassVar")):
        return ClassVar  # its argument may be imported for type checkers only
    try:
        return _evaluate(annotation, vars(sys.modules[cls.__module__]), dict(vars(cls)))
    except NameError as error:
        raise DeclarationError(
            f"the type of {cls.__name__}.{name} cannot be found: {error} (import it at the top of the module)"
        ) from None
    except (AttributeError, SyntaxError, TypeError) as error:
        raise DeclarationError(f"the type of {cls.__name__}.{name} is not a type: {error}") from None


_evaluate: Callable[..., Any] = eval  # what typing.get_type_hints does, one annotation at a time
