"""The base of all messages: a frozen dataclass with a header, which the codec finds by the name of its class."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any, ClassVar, TypeVar, dataclass_transform

import numpy as np

from metrica.messages.header import Header


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Message:
    """The base of all messages.

    Two messages are equal if all their fields are equal; arrays are compared element by element.
    """

    version: ClassVar[int] = 1
    """The version of the message's schema; see "Evolution" in docs/messages.md."""

    header: Header = field(default_factory=Header)
    """When and where the picture was taken, and the number of the message on its topic."""

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return all(_equal(getattr(self, f.name), getattr(other, f.name)) for f in fields(self) if f.compare)

    def __hash__(self) -> int:
        return hash((type(self).__name__, self.header))


_registry: dict[str, type[Message]] = {}
_WIRE_KEYS = ("t", "v", "h")  # keys of the encoded map: the type's name, its version, the header

M = TypeVar("M", bound=Message)


@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(field,))
def message(cls: type[M]) -> type[M]:
    """Make a class a message: a frozen dataclass with keyword arguments, which can be decoded by its class name.

    Args:
        cls: A class derived from `Message`.

    Raises:
        TypeError: Another message has the same class name, or a field is called `t`, `v` or `h`: the encoded map uses
            these keys itself.
    """
    made = dataclass(frozen=True, slots=True, kw_only=True, eq=False)(cls)
    for f in fields(made):
        if f.name in _WIRE_KEYS:
            raise TypeError(f"{made.__name__}.{f.name}: the wire needs that name itself, call the field something else")
    other = _registry.get(made.__name__)
    if other is not None and (other.__module__, other.__qualname__) != (made.__module__, made.__qualname__):
        raise TypeError(f"two messages are called {made.__name__}: {other.__module__} and {made.__module__}")
    _registry[made.__name__] = made
    return made


def message_type(name: str) -> type[Message] | None:
    """The message class of a name, or None if there is none."""
    return _registry.get(name)


def _equal(a: Any, b: Any) -> bool:
    if isinstance(a, np.ndarray) or isinstance(b, np.ndarray):
        return isinstance(a, np.ndarray) and isinstance(b, np.ndarray) and a.dtype == b.dtype and np.array_equal(a, b)
    return bool(a == b)
