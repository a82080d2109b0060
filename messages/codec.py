"""Encode messages to bytes and decode them: each is one msgpack map, `{"t": "Tracks", "v": 1, "h": […], …}`.

A new version of a message only adds fields, with a default, and readers ignore keys that they do not know. So an old
reader understands a new writer, and the other way round. Every version keeps a golden file in tests/messages/golden/.
"""

from __future__ import annotations

import types
from collections.abc import Callable
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass
from typing import Annotated, Any, Literal, Union, cast, get_args, get_origin, get_type_hints

import msgpack
import numpy as np

from metrica.messages.arrays import ArraySpec, pack_array, unpack_array
from metrica.messages.errors import DecodeError
from metrica.messages.header import Header
from metrica.messages.message import Message, message_type
from metrica.messages.text import MAX_TEXT, TextSpec

_ARRAY = 1  # the msgpack extension type of an array
_INT64 = 1 << 63  # one more than the largest integer of 64 bits with a sign


def encode(msg: Message, *, seq: int | None = None, epoch: int | None = None) -> bytes:
    """Encode a message to bytes.

    Args:
        msg: The message.
        seq: Replaces the header's `seq`; each publisher writes its own.
        epoch: Replaces the header's `epoch`; each publisher writes its own.

    Raises:
        TypeError: A field has another type than declared, or cannot be encoded.
    """
    check_message(msg)
    header = msg.header
    wire: dict[str, Any] = {
        "t": type(msg).__name__,
        "v": msg.version,
        "h": [
            header.stamp,
            header.mono,
            header.seq if seq is None else seq,
            header.epoch if epoch is None else epoch,
            header.camera,
        ],
    }
    for f in _schema(type(msg)):
        wire[f.name] = getattr(msg, f.name)
    try:
        return cast(bytes, msgpack.packb(wire, default=_to_wire))
    except (UnicodeEncodeError, OverflowError) as error:
        raise TypeError(f"{type(msg).__name__} cannot travel: {error}") from None


def check_message(msg: Message) -> None:
    """Check that every field has the type that it declares; a reader could not decode the message otherwise.

    Raises:
        TypeError: A field has another type; the text names it.
    """
    owner = type(msg).__name__
    header = msg.header
    if not _is_header([header.stamp, header.mono, header.seq, header.epoch, header.camera]):
        raise TypeError(f"{owner} has no valid header: {header}")
    for f in _schema(type(msg)):
        f.check(owner, getattr(msg, f.name))


def decode(data: bytes) -> Message:
    """Decode a message. Its arrays are read-only views of `data`.

    Raises:
        DecodeError: The bytes are not a message, or of an unknown type, or a field is missing or wrong. It raises
            nothing else, whatever the bytes are.
    """
    try:
        wire = msgpack.unpackb(data, ext_hook=_from_ext, strict_map_key=True)
    except (ValueError, TypeError, RecursionError, msgpack.UnpackException) as error:
        raise DecodeError(f"{len(data)} bytes are not a message: {_reason(error)}") from None
    if not isinstance(wire, dict) or not isinstance(wire.get("t"), str):
        raise DecodeError(f"{len(data)} bytes are msgpack, but not a message")
    cls = message_type(wire["t"])
    if cls is None:
        raise DecodeError(f"there is no message type {wire['t'][:40]!r}")
    values: dict[str, Any] = {"header": _header(cls.__name__, wire.get("h"))}
    for f in _schema(cls):
        if f.name in wire:
            values[f.name] = f.read(cls.__name__, wire[f.name])
        elif f.required:
            raise DecodeError(f"{cls.__name__} lacks its field '{f.name}'")
    try:
        return cls(**values)
    except ValueError as error:
        raise DecodeError(f"{cls.__name__} contradicts itself: {error}") from None


@dataclass(frozen=True, slots=True)
class _WireField:
    """One field of a message type, as it is encoded."""

    name: str
    required: bool
    convert: Callable[[Any], Any]
    """Returns a value as the field's type, or raises TypeError or ValueError."""
    expected: str
    """What the field must be, in words."""

    def read(self, owner: str, value: Any) -> Any:
        """The field's value from what was decoded. Raises DecodeError."""
        try:
            return self.convert(value)
        except (TypeError, ValueError):
            raise DecodeError(f"{owner}.{self.name} is not {self.expected}") from None

    def check(self, owner: str, value: Any) -> None:
        """Raise TypeError if a value is not of the field's type."""
        try:
            self.convert(value)
        except (TypeError, ValueError):
            raise TypeError(f"{owner}.{self.name} must be {self.expected}, not {_shown(value)}") from None


_schemas: dict[type[Message], tuple[_WireField, ...]] = {}


def _schema(cls: type[Message]) -> tuple[_WireField, ...]:
    """The fields of a message type that are encoded, without the header."""
    schema = _schemas.get(cls)
    if schema is None:
        schema = _schemas[cls] = _read_schema(cls)
    return schema


def _read_schema(cls: type[Message]) -> tuple[_WireField, ...]:
    hints = get_type_hints(cls, include_extras=True)
    return tuple(
        _WireField(f.name, _is_required(f), _converter(hints[f.name]), _describe(hints[f.name]))
        for f in fields(cls)
        if f.name != "header" and f.metadata.get("wire", True)
    )


def _is_required(f: Field[Any]) -> bool:
    return f.default is MISSING and f.default_factory is MISSING


def _converter(hint: Any) -> Callable[[Any], Any]:
    """A function that returns a value as the type `hint`, or raises TypeError or ValueError.

    The function takes both what msgpack decodes (lists, dicts) and what the field itself holds (tuples, dataclasses).
    """
    origin, args = get_origin(hint), get_args(hint)
    if origin is Annotated and isinstance(args[1], (ArraySpec, TextSpec)):
        return _checked(args[1].fits)
    if origin is Literal:
        return _checked(lambda value: isinstance(value, str) and value in args)
    if origin is tuple:
        return _tuple_converter(args)
    if origin is dict:
        key, item = _converter(args[0]), _converter(args[1])
        return lambda value: {key(k): item(v) for k, v in _exactly(dict, value).items()}
    if origin in (Union, types.UnionType) and len(args) == 2 and type(None) in args:
        inner = _converter(args[0] if args[1] is type(None) else args[1])
        return lambda value: None if value is None else inner(value)
    if is_dataclass(hint) and isinstance(hint, type):
        return _nested_converter(hint)
    if hint is int:
        return _checked(_is_int)
    if hint is float:
        return lambda value: value if isinstance(value, float) else float(_exactly(int, value))
    if hint in (str, bool, bytes):
        return lambda value: _exactly(hint, value)
    raise TypeError(f"a message field of type {hint} cannot travel")


def _tuple_converter(args: tuple[Any, ...]) -> Callable[[Any], Any]:
    if len(args) == 2 and args[1] is Ellipsis:
        item = _converter(args[0])
        return lambda value: tuple(item(v) for v in _exactly((list, tuple), value))
    items = [_converter(arg) for arg in args]
    return lambda value: tuple(item(v) for item, v in zip(items, _exactly((list, tuple), value), strict=True))


def _nested_converter(cls: type[Any]) -> Callable[[Any], Any]:
    hints = get_type_hints(cls, include_extras=True)
    converters = {f.name: _converter(hints[f.name]) for f in fields(cls)}

    def convert(value: Any) -> Any:
        given = _plain(value) if isinstance(value, cls) else _exactly(dict, value)
        return cls(**{k: converters[k](v) for k, v in given.items() if k in converters})

    return convert


def _checked(fits: Callable[[Any], bool]) -> Callable[[Any], Any]:
    def convert(value: Any) -> Any:
        if not fits(value):
            raise TypeError
        return value

    return convert


def _exactly(kind: type | tuple[type, ...], value: Any) -> Any:
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):  # True is an int
        raise TypeError
    return value


def _is_int(value: Any) -> bool:
    """Whether a value is an integer of 64 bits with a sign, which a database and a numpy array can hold."""
    return isinstance(value, int) and not isinstance(value, bool) and -_INT64 <= value < _INT64


def _describe(hint: Any) -> str:
    args = get_args(hint)
    if get_origin(hint) is Annotated:
        return str(args[1])
    if get_origin(hint) is Literal:
        return "one of " + ", ".join(repr(choice) for choice in args)
    return f"of type {getattr(hint, '__name__', hint)}" if not args else f"of type {hint}".replace("typing.", "")


def _shown(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"{value.dtype} {list(value.shape)}"
    text = f"{type(value).__name__} {value!r}"
    return text if len(text) <= 80 else f"{text[:79]}…"


def _header(owner: str, value: Any) -> Header:
    if not isinstance(value, list) or not _is_header(value):
        raise DecodeError(f"{owner} has no valid header")
    return Header(stamp=value[0], mono=value[1], seq=value[2], epoch=value[3], camera=value[4])


def _is_header(value: list[Any]) -> bool:
    return len(value) >= 5 and all(_is_int(v) for v in value[:4]) and TextSpec(MAX_TEXT).fits(value[4])


def _to_wire(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return msgpack.ExtType(_ARRAY, pack_array(value))
    if is_dataclass(value) and not isinstance(value, type):
        return _plain(value)
    raise TypeError(f"{type(value).__name__} cannot travel in a message")


def _plain(value: Any) -> dict[str, Any]:
    return {f.name: getattr(value, f.name) for f in fields(value)}


def _from_ext(code: int, data: bytes) -> Any:
    """Decode an array. Anything else stays as it is: it may belong to a field of a newer version of the message."""
    try:
        return unpack_array(data) if code == _ARRAY else msgpack.ExtType(code, data)
    except DecodeError:
        return msgpack.ExtType(code, data)


def _reason(error: Exception) -> str:
    return str(error) or type(error).__name__
