"""What leaves the box cannot hold a picture or an identity: its fields are too small for one."""

from __future__ import annotations

from dataclasses import fields
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

import pytest

from metrica.messages import Crossing, Detections, Frame, Header, Tracks, encode
from metrica.messages.text import MAX_TEXT, TextSpec
from metrica.nodes.delivery.delivery import event_fields
from tests.messages.make_golden import EXAMPLES

LEAVES_THE_BOX = (Crossing,)
"""The messages that the uploader sends; the others stay between the processes of one box."""


def is_short_scalar(hint: Any) -> bool:
    """Whether a type can hold little: a 64-bit number, a choice, or a text of limited length."""
    if get_origin(hint) is Annotated:
        return any(isinstance(spec, TextSpec) and spec.length <= MAX_TEXT for spec in get_args(hint)[1:])
    return hint is int or get_origin(hint) is Literal


@pytest.mark.parametrize("cls", LEAVES_THE_BOX)
def test_no_field_of_what_leaves_the_box_can_hold_a_picture(cls: type[Any]) -> None:
    hints = get_type_hints(cls, include_extras=True)
    for field in fields(cls):
        if field.name != "header":
            assert is_short_scalar(hints[field.name]), f"{cls.__name__}.{field.name}"


def test_the_fields_of_an_event_are_these_and_no_others() -> None:
    """If you add a field, add it here, and say why it can be neither a picture nor an identity.

    `boot` and `uptime` are whole numbers of 64 bits: a random one and a time. Neither leaves the box.
    """
    assert [f.name for f in fields(Crossing)] == [
        "header",
        "id",
        "line",
        "direction",
        "track",
        "time",
        "boot",
        "uptime",
    ]
    assert [f.name for f in fields(Header)] == ["stamp", "mono", "seq", "epoch", "camera"]


def test_the_uploader_sends_a_part_of_the_event_and_nothing_else() -> None:
    crossing = next(msg for msg in EXAMPLES if isinstance(msg, Crossing))
    assert set(event_fields(crossing)) == {"id", "camera", "line", "direction", "track", "time"}


def test_even_the_largest_event_is_smaller_than_the_smallest_picture_of_a_face() -> None:
    large = Crossing(
        header=Header(stamp=2**62, mono=2**62, seq=2**62, epoch=2**62, camera="x" * MAX_TEXT),
        id="x" * MAX_TEXT,
        line="x" * MAX_TEXT,
        direction="out",
        track=2**62,
        time=2**62,
        boot=2**62,
        uptime=2**62,
    )
    assert len(encode(large)) < 800


@pytest.mark.parametrize("cls", [Frame, Detections, Tracks])
def test_the_check_itself_would_find_a_field_that_is_too_large(cls: type[Any]) -> None:
    hints = get_type_hints(cls, include_extras=True)
    assert not all(is_short_scalar(hints[f.name]) for f in fields(cls) if f.name != "header")
