"""Hypothesis strategies for messages: every field of every class, from its declaration."""

from __future__ import annotations

import types
from dataclasses import fields, is_dataclass
from typing import Annotated, Any, Literal, cast, get_args, get_origin, get_type_hints

import msgpack
import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from metrica.messages import (
    ArraySpec,
    Crossing,
    Detections,
    Frame,
    FrameRef,
    Header,
    Health,
    Message,
    Occupancy,
    Tracks,
    Visit,
)
from metrica.messages.text import TextSpec

CLASSES: tuple[type[Message], ...] = (Frame, FrameRef, Detections, Tracks, Crossing, Visit, Occupancy, Health)

INT64 = st.integers(-(2**63), 2**63 - 1)
CHARACTERS = st.characters(codec="utf-8")
TEXTS = st.text(CHARACTERS)


def packed(value: Any) -> bytes:
    return cast(bytes, msgpack.packb(value))


def short_texts(length: int = 200) -> st.SearchStrategy[str]:
    return st.text(CHARACTERS, max_size=length)


HEADERS = st.builds(Header, stamp=INT64, mono=INT64, seq=INT64, epoch=INT64, camera=short_texts())


def values(hint: Any, rows: int) -> st.SearchStrategy[Any]:
    """Values of a declared type; open dimensions of arrays are `rows` long, as the rows of one message agree."""
    origin, args = get_origin(hint), get_args(hint)
    if origin is Annotated and isinstance(args[1], ArraySpec):
        shape = tuple(rows if n is None else n for n in args[1].shape)
        # A message that holds a NaN is not equal to itself, as everywhere in Python.
        dtype = np.dtype(args[1].dtype)
        return npst.arrays(dtype, shape, elements={"allow_nan": False} if dtype.kind == "f" else None)
    if origin is Annotated and isinstance(args[1], TextSpec):
        return short_texts(args[1].length)
    if origin is Literal:
        return st.sampled_from(args)
    if origin is tuple and args[1] is Ellipsis:
        return st.lists(values(args[0], rows), max_size=5).map(tuple)
    if origin is tuple:
        return st.tuples(*(values(a, rows) for a in args))
    if origin is dict:
        return st.dictionaries(values(args[0], rows), values(args[1], rows), max_size=5)
    if origin is types.UnionType:
        return st.none() | values(next(a for a in args if a is not type(None)), rows)
    if is_dataclass(hint) and isinstance(hint, type):
        return built(hint, rows)
    simple: dict[Any, st.SearchStrategy[Any]] = {
        int: INT64,
        float: st.floats(allow_nan=False),
        str: TEXTS,
        bool: st.booleans(),
        bytes: st.binary(max_size=100),
    }
    return simple[hint]


def built(cls: type[Any], rows: int) -> st.SearchStrategy[Any]:
    hints = get_type_hints(cls, include_extras=True)
    names = [f.name for f in fields(cls) if f.name != "header" and f.metadata.get("wire", True)]
    return st.builds(cls, **{name: values(hints[name], rows) for name in names})


def messages(cls: type[Message]) -> st.SearchStrategy[Any]:
    """Messages of a class, from none to a few rows, with any header."""
    return st.integers(0, 5).flatmap(lambda rows: st.tuples(built(cls, rows), HEADERS)).map(_with_header)


ANY_MESSAGE = st.sampled_from(CLASSES).flatmap(messages)


def _with_header(pair: tuple[Message, Header]) -> Message:
    msg, header = pair
    own = {f.name: getattr(msg, f.name) for f in fields(msg) if f.metadata.get("wire", True)}
    return type(msg)(**{**own, "header": header})
