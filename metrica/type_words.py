"""Questions about the declared type of a parameter: what it is called in a sentence, what it takes."""

from __future__ import annotations

from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

_NAMES = {int: "a whole number", float: "a number", bool: "true or false", str: "a text"}
_PLURALS = {int: "whole numbers", float: "numbers", bool: "true or false values", str: "texts"}


def describe_type(hint: Any) -> str:
    """The type in words, such as 'a whole number' or "one of 'center', 'top_center'"."""
    origin, args = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return describe_type(args[0])
    if origin is Literal:
        return "one of " + ", ".join(map(repr, args))
    if origin is tuple and args and args[-1] is not Ellipsis and len(set(args)) == 1:
        return f"{len(args)} {_plural(args[0])}"
    if origin in (tuple, list):
        return f"a list of {_plural(args[0])}" if args else "a list"
    if origin is dict:
        return f"a mapping of names to {describe_type(args[1])}"
    if args and type(None) in args:
        return " or ".join(describe_type(a) for a in args if a is not type(None)) + ", or null"
    if args:
        return " or ".join(describe_type(a) for a in args)
    return _NAMES.get(hint, f"a {getattr(hint, '__name__', str(hint)).lower()}")


def _plural(hint: Any) -> str:
    args = get_args(hint)
    if get_origin(hint) in (tuple, list) and args:
        alike = len(set(args)) == 1 and Ellipsis not in args and get_origin(hint) is tuple
        return f"lists of {len(args)} {_plural(args[0])}" if alike else f"lists of {_plural(args[0])}"
    return _PLURALS.get(hint, "values")


def type_at(hint: Any, path: tuple[int | str, ...]) -> Any:
    """The declared type of the item that `path` leads to."""
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


def takes_bool(hint: Any) -> bool:
    """Whether true and false are values of the type."""
    if hint is bool or hint is Any:
        return True
    if get_origin(hint) is Literal:
        return any(type(a) is bool for a in get_args(hint))
    return get_origin(hint) in (Annotated, Union, UnionType) and any(takes_bool(a) for a in get_args(hint))


def is_number(hint: Any) -> bool:
    """Whether every value of the type is a number or null."""
    members = get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)
    return all(m in (int, float, type(None)) for m in members)


def choices(hint: Any) -> tuple[Any, ...]:
    """The values of a `Literal`, or of all literals in a union; empty for another type."""
    if get_origin(hint) in (Union, UnionType):
        return tuple(c for a in get_args(hint) for c in choices(a))
    return get_args(hint) if get_origin(hint) is Literal else ()
