"""The parameters of a node: declared in its class body and checked before anything starts.

    class LineCounter(Node):
        min_age: int = param(default=3, ge=1, unit="frames", help="younger tracks are ignored")

The declared type decides how a value is read: the text `5` of a launch file becomes a number for an `int` and stays a
text for a `str`. pydantic converts (lax mode). A wrong value is explained in one sentence.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Annotated, Any, Literal, TypeVar, overload

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from metrica.errors import DeclarationError, ParameterError
from metrica.secrets.addresses import register_address
from metrica.secrets.registry import register
from metrica.type_words import choices, describe_type, is_number, takes_bool, type_at

T = TypeVar("T")
_REQUIRED: Any = object()


@dataclass(frozen=True, slots=True)
class ParamSpec:
    """What a node class declares about one parameter."""

    name: str = ""
    """The parameter's name."""
    type: Any = None
    """The annotated type, such as `int` or `list[float]`."""
    default: Any = _REQUIRED
    """The value if none is given."""
    default_factory: Callable[[], Any] | None = None
    """Makes the value if none is given; for lists and mappings."""
    limits: dict[str, float] = field(default_factory=dict[str, float])
    """Limits of a number, by `ge`, `gt`, `le` and `lt`."""
    unit: str = ""
    """The unit, such as "px" or "s"."""
    help: str = ""
    """What the parameter is for, in one line."""
    secret: bool | Literal["address"] = False
    """Whether logs, graphs and errors must not show the value; `address`: it may be an address with a password."""
    _adapter: Any = None

    @property
    def required(self) -> bool:
        """Whether a value must be given."""
        return self.default is _REQUIRED and self.default_factory is None

    def initial(self) -> Any:
        """The value if none is given."""
        return self.default_factory() if self.default_factory else self.default

    def named(self, name: str, hint: Any) -> ParamSpec:
        """This declaration with the name and the type that the class body gives it. Raises DeclarationError."""
        limits: Any = self.limits
        if limits and not is_number(hint):
            raise DeclarationError(f"parameter '{name}' has limits, but is {describe_type(hint)}: only a number has")
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
        """Convert a value to the declared type. Raises InvalidValue; its `path` says which item is wrong."""
        self.hide(value)
        try:
            if type(value) is bool and not takes_bool(self.type):
                raise InvalidValue(
                    self, (), self._sentence((), describe_type(self.type), value)
                )  # pydantic would read True as 1
            return self._adapter.validate_python(value)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            path = _existing(value, first["loc"])
            raise InvalidValue(self, path, self._explain(first, path, value)) from None

    def hide(self, value: Any) -> None:
        """Make known what is secret in a value, so that no log shows it: all of it, or what addresses in it hold."""
        if self.secret is True:
            register(value)
        elif isinstance(value, str) and (self.secret or "://" in value):
            register_address(value)
        elif isinstance(value, (list, tuple, dict)):
            for item in value.values() if isinstance(value, dict) else value:  # pyright: ignore[reportUnknownVariableType]
                self.hide(item)

    def describe_type(self) -> str:
        """The type in words, such as 'a whole number' or "one of 'center', 'top_center'"."""
        return describe_type(self.type)

    def _explain(self, error: ErrorDetails, path: tuple[int | str, ...], value: Any) -> str:
        words = _LIMIT_WORDS.get(error["type"])
        if words is not None:
            limit = error.get("ctx", {})[_LIMIT_KEYS[error["type"]]]
            unit = f" {self.unit}" if self.unit else ""
            return self._sentence(path, f"{words} {_number(limit)}{unit}", value)
        inner = type_at(self.type, path)
        near = closest(str(_at(value, path)), [c for c in choices(inner) if isinstance(c, str)])
        hint = f": did you mean '{near}'?" if near and not self.secret else ""
        return self._sentence(path, describe_type(inner), value) + hint

    def _sentence(self, path: tuple[int | str, ...], wanted: str, value: Any) -> str:
        where = f"'{self.name}'" + "".join(f"[{p}]" for p in path)
        return f"{where} must be {wanted}, not {'a secret' if self.secret else _shown(_at(value, path))}"


class InvalidValue(ParameterError):
    """The value of a parameter has the wrong type or is out of range."""

    def __init__(self, spec: ParamSpec, path: tuple[int | str, ...], message: str) -> None:
        super().__init__(spec.name, message)
        self.path = path
        """Keys and indices that lead to the wrong item inside the value; empty for the value itself."""


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
    secret: bool | Literal["address"] = False,
) -> T: ...
@overload
def param(
    *, default_factory: Callable[[], T], unit: str = "", help: str = "", secret: bool | Literal["address"] = False
) -> T: ...
@overload
def param(
    *,
    ge: float | None = None,
    gt: float | None = None,
    le: float | None = None,
    lt: float | None = None,
    unit: str = "",
    help: str = "",
    secret: bool | Literal["address"] = False,
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
    secret: bool | Literal["address"] = False,
) -> Any:
    """Declare a parameter of a node. Without a default, a value must be given.

    The annotation of the field is the parameter's type: `fps: float = param(default=15.0, gt=0)`.

    Args:
        default: The value if none is given.
        default_factory: Makes the value if none is given; for lists and mappings.
        ge: A number must be at least this.
        gt: A number must be more than this.
        le: A number must be at most this.
        lt: A number must be less than this.
        unit: The unit, such as "px", "s" or "frames per second".
        help: What the parameter is for, in one line.
        secret: Never show the value in logs, graphs or errors. With "address" it may be an address, of which only the
            user, the password and the tokens are hidden in logs.
    """
    limits = {k: v for k, v in (("ge", ge), ("gt", gt), ("le", le), ("lt", lt)) if v is not None}
    return ParamSpec(
        default=default, default_factory=default_factory, limits=limits, unit=unit, help=help, secret=secret
    )


def read_params(specs: dict[str, ParamSpec], given: dict[str, Any], owner: str) -> dict[str, Any]:
    """The values of all parameters of a node, with defaults filled in.

    Args:
        specs: The declared parameters, by name.
        given: The values that are given, by name.
        owner: Name of the node's class, for errors.

    Raises:
        ParameterError: A parameter is unknown or missing, or its value is wrong; the error is about the first one.
    """
    for name in given:
        if name not in specs:
            raise ParameterError(name, f"{owner} has no parameter '{name}'{did_you_mean(name, list(specs))}")
    values: dict[str, Any] = {}
    for name, spec in specs.items():
        if name in given:
            values[name] = spec.read(given[name])
        elif spec.required:
            raise ParameterError(name, f"{owner} needs its parameter '{name}' ({describe_type(spec.type)})")
        else:
            values[name] = spec.initial()
            spec.hide(values[name])
    return values


def closest(word: str, candidates: Sequence[str]) -> str | None:
    """The candidate that is most similar to `word`, or None if none is similar."""
    found = difflib.get_close_matches(word, candidates, n=1, cutoff=0.6)
    return found[0] if found else None


def did_you_mean(word: str, candidates: Sequence[str]) -> str:
    """ ": did you mean '…'?", with the candidate that is most similar to `word`; an empty text if none is similar."""
    near = closest(word, candidates)
    return f": did you mean '{near}'?" if near else ""


_LIMIT_KEYS = {"greater_than_equal": "ge", "greater_than": "gt", "less_than_equal": "le", "less_than": "lt"}
_LIMIT_WORDS = {
    "greater_than_equal": "at least",
    "greater_than": "more than",
    "less_than_equal": "at most",
    "less_than": "less than",
}


def _existing(value: Any, path: tuple[int | str, ...]) -> tuple[int | str, ...]:
    """The part of pydantic's location that exists in the value. The rest names missing items and members of unions."""
    found: list[int | str] = []
    if path[-1:] == ("[key]",):  # a key of a mapping is wrong: report the mapping
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
