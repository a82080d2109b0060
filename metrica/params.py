"""Parameters: declared in a node's class body, checked before anything starts, explained in one sentence.

    class LineCounter(Node):
        min_age: int = param(default=3, ge=1, unit="frames", help="younger tracks are ignored")

The declared type decides how a value is read, so the text `5` of a launch file is a number for an int and
a text for a str. Conversion is pydantic's (lax mode).
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from types import UnionType
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin, overload

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from metrica.errors import DeclarationError, ParameterError

T = TypeVar("T")
_REQUIRED: Any = object()


@dataclass(frozen=True, slots=True)
class ParamSpec:
    """What a node class says of one parameter."""

    name: str = ""
    type: Any = None
    default: Any = _REQUIRED
    default_factory: Callable[[], Any] | None = None
    limits: dict[str, float] = field(default_factory=dict[str, float])
    unit: str = ""
    help: str = ""
    secret: bool = False
    _adapter: Any = None

    @property
    def required(self) -> bool:
        return self.default is _REQUIRED and self.default_factory is None

    def initial(self) -> Any:
        """The value where none is given."""
        return self.default_factory() if self.default_factory else self.default

    def named(self, name: str, hint: Any) -> ParamSpec:
        """This declaration with its name and type, as the class body gives them. Raises DeclarationError."""
        limits: Any = self.limits
        if limits and not _is_number(hint):
            raise DeclarationError(f"parameter '{name}' has limits, but is {_describe(hint)}: only a number has")
        annotated: Any = Annotated[hint, Field(**limits)] if limits else hint
        try:
            adapter: TypeAdapter[Any] = TypeAdapter(annotated, config=ConfigDict(allow_inf_nan=False))
        except Exception as error:  # noqa: BLE001 - pydantic raises several kinds for a type that it cannot check
            raise DeclarationError(f"parameter '{name}' has a type that cannot be checked: {error}") from None
        named = replace(self, name=name, type=hint, _adapter=adapter)
        named._check_default()
        return named

    def _check_default(self) -> None:
        if isinstance(self.default, (list, dict, set)):
            kind = type(self.default).__name__
            raise DeclarationError(f"parameter '{self.name}' would share its default: write default_factory={kind}")
        if self.default is _REQUIRED:
            return
        try:
            self.read(self.default)
        except InvalidValue as error:
            raise DeclarationError(f"the default of parameter {error}") from None

    def read(self, value: Any) -> Any:
        """The value as the declared type. Raises InvalidValue; its `path` says where inside the value."""
        try:
            if type(value) is bool and not _takes_bool(self.type):
                raise InvalidValue(self, (), self._sentence((), _describe(self.type), value))  # True is no 1 here
            return self._adapter.validate_python(value)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            path = _existing(value, first["loc"])
            raise InvalidValue(self, path, self._explain(first, path, value)) from None

    def describe_type(self) -> str:
        """The type in words, such as 'a whole number' or "one of 'center', 'top_center'"."""
        return _describe(self.type)

    def _explain(self, error: ErrorDetails, path: tuple[int | str, ...], value: Any) -> str:
        words = _LIMIT_WORDS.get(error["type"])
        if words is not None:
            limit = error.get("ctx", {})[_LIMIT_KEYS[error["type"]]]
            unit = f" {self.unit}" if self.unit else ""
            return self._sentence(path, f"{words} {_number(limit)}{unit}", value)
        inner = _type_at(self.type, path)
        near = closest(str(_at(value, path)), [c for c in _choices(inner) if isinstance(c, str)])
        hint = f": did you mean '{near}'?" if near and not self.secret else ""
        return self._sentence(path, _describe(inner), value) + hint

    def _sentence(self, path: tuple[int | str, ...], wanted: str, value: Any) -> str:
        where = f"'{self.name}'" + "".join(f"[{p}]" for p in path)
        return f"{where} must be {wanted}, not {'a secret' if self.secret else _shown(_at(value, path))}"


class InvalidValue(ParameterError):
    """A value of the wrong type or out of range; `path` leads to the item that is wrong inside a list or mapping."""

    def __init__(self, spec: ParamSpec, path: tuple[int | str, ...], message: str) -> None:
        super().__init__(spec.name, message)
        self.path = path


@overload
def param(
    *,
    default: T,
    ge: float | None = None,
    gt: float | None = None,
    le: float | None = None,
    lt: float | None = None,
    unit: str = "",
    help: str = "",
    secret: bool = False,
) -> T: ...
@overload
def param(*, default_factory: Callable[[], T], unit: str = "", help: str = "", secret: bool = False) -> T: ...
@overload
def param(
    *,
    ge: float | None = None,
    gt: float | None = None,
    le: float | None = None,
    lt: float | None = None,
    unit: str = "",
    help: str = "",
    secret: bool = False,
) -> Any: ...
def param(
    *,
    default: Any = _REQUIRED,
    default_factory: Callable[[], Any] | None = None,
    ge: float | None = None,
    gt: float | None = None,
    le: float | None = None,
    lt: float | None = None,
    unit: str = "",
    help: str = "",
    secret: bool = False,
) -> Any:
    """Declare a parameter: without a default it must be given.

    ge, gt, le, lt: limits of a number. unit: such as "px", "s", "frames per second". help: one line.
    secret: never shown in logs, graphs or errors.
    """
    limits = {k: v for k, v in (("ge", ge), ("gt", gt), ("le", le), ("lt", lt)) if v is not None}
    return ParamSpec(
        default=default, default_factory=default_factory, limits=limits, unit=unit, help=help, secret=secret
    )


def read_params(specs: dict[str, ParamSpec], given: dict[str, Any], owner: str) -> dict[str, Any]:
    """All values of a node, defaults filled in. Raises ParameterError for the first one that is wrong."""
    for name in given:
        if name not in specs:
            raise ParameterError(name, f"{owner} has no parameter '{name}'{did_you_mean(name, list(specs))}")
    values: dict[str, Any] = {}
    for name, spec in specs.items():
        if name in given:
            values[name] = spec.read(given[name])
        elif spec.required:
            raise ParameterError(name, f"{owner} needs its parameter '{name}' ({_describe(spec.type)})")
        else:
            values[name] = spec.initial()
    return values


def closest(word: str, candidates: Sequence[str]) -> str | None:
    """The candidate that somebody who wrote `word` probably meant, or None."""
    found = difflib.get_close_matches(word, candidates, n=1, cutoff=0.6)
    return found[0] if found else None


def did_you_mean(word: str, candidates: Sequence[str]) -> str:
    near = closest(word, candidates)
    return f": did you mean '{near}'?" if near else ""


_LIMIT_KEYS = {"greater_than_equal": "ge", "greater_than": "gt", "less_than_equal": "le", "less_than": "lt"}
_LIMIT_WORDS = {
    "greater_than_equal": "at least",
    "greater_than": "more than",
    "less_than_equal": "at most",
    "less_than": "less than",
}
_NAMES = {int: "a whole number", float: "a number", bool: "true or false", str: "a text"}
_PLURALS = {int: "whole numbers", float: "numbers", bool: "true or false values", str: "texts"}


def _describe(hint: Any) -> str:
    origin, args = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return _describe(args[0])
    if origin is Literal:
        return "one of " + ", ".join(map(repr, args))
    if origin is tuple and args and args[-1] is not Ellipsis and len(set(args)) == 1:
        return f"{len(args)} {_plural(args[0])}"
    if origin in (tuple, list):
        return f"a list of {_plural(args[0])}" if args else "a list"
    if origin is dict:
        return f"a mapping of names to {_describe(args[1])}"
    if args and type(None) in args:
        return " or ".join(_describe(a) for a in args if a is not type(None)) + ", or null"
    if args:
        return " or ".join(_describe(a) for a in args)
    return _NAMES.get(hint, f"a {getattr(hint, '__name__', str(hint)).lower()}")


def _plural(hint: Any) -> str:
    args = get_args(hint)
    if get_origin(hint) in (tuple, list) and args:
        alike = len(set(args)) == 1 and Ellipsis not in args and get_origin(hint) is tuple
        return f"lists of {len(args)} {_plural(args[0])}" if alike else f"lists of {_plural(args[0])}"
    return _PLURALS.get(hint, "values")


def _type_at(hint: Any, path: tuple[int | str, ...]) -> Any:
    """The declared type of the item that a path leads to."""
    for key in path:
        args = get_args(_without_none(hint))
        if get_origin(_without_none(hint)) is dict:
            hint = args[1]
        elif isinstance(key, int) and args:
            hint = args[key] if Ellipsis not in args and key < len(args) else args[0]
    return hint


def _without_none(hint: Any) -> Any:
    args = get_args(hint)
    return next((a for a in args if a is not type(None)), hint) if type(None) in args else hint


def _takes_bool(hint: Any) -> bool:
    if hint is bool or hint is Any:
        return True
    if get_origin(hint) is Literal:
        return any(type(a) is bool for a in get_args(hint))
    return get_origin(hint) in (Annotated, Union, UnionType) and any(_takes_bool(a) for a in get_args(hint))


def _is_number(hint: Any) -> bool:
    members = get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)
    return all(m in (int, float, type(None)) for m in members)


def _choices(hint: Any) -> tuple[Any, ...]:
    if get_origin(hint) in (Union, UnionType):
        return tuple(c for a in get_args(hint) for c in _choices(a))
    return get_args(hint) if get_origin(hint) is Literal else ()


def _existing(value: Any, path: tuple[int | str, ...]) -> tuple[int | str, ...]:
    """The part of pydantic's location that is in the value itself: it also names missing items and union members."""
    found: list[int | str] = []
    if path[-1:] == ("[key]",):  # not the item is wrong but its name: the mapping is to blame
        path = path[:-2]
    for key in path:
        if isinstance(value, dict) and key in value:
            value = value[key]
        elif isinstance(value, (list, tuple)) and isinstance(key, int) and key < len(value):
            value = value[key]
        else:
            continue
        found.append(key)
    return tuple(found)


def _at(value: Any, path: tuple[int | str, ...]) -> Any:
    for key in path:
        value = value[key]
    return value


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else f"{value:g}"


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:79]}…"
