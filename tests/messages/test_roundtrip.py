"""What goes in comes out, for every message and every value that its fields can have; the rest is refused at once."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrica.messages import (
    Boxes,
    Crossing,
    Detections,
    Frame,
    Header,
    Health,
    Message,
    Tracks,
    check_message,
    decode,
    encode,
    message,
)
from tests.messages.strategies import ANY_MESSAGE, CLASSES, INT64


@given(ANY_MESSAGE)
def test_every_message_comes_back_equal(msg: Message) -> None:
    assert decode(encode(msg)) == msg


@given(ANY_MESSAGE, INT64, INT64)
def test_a_publisher_writes_its_own_seq_and_epoch_and_nothing_else(msg: Message, seq: int, epoch: int) -> None:
    got = decode(encode(msg, seq=seq, epoch=epoch))
    assert got == replace(msg, header=replace(msg.header, seq=seq, epoch=epoch))


@given(st.integers(0, 40))
def test_arrays_arrive_aligned_and_read_only_without_a_copy(rows: int) -> None:
    tracks = Tracks(
        boxes=np.ones((rows, 4), np.float32),
        ids=np.arange(rows, dtype=np.int64),
        scores=np.ones(rows, np.float32),
        ages=np.ones(rows, np.int32),
        size=(1, 1),
    )
    got = decode(encode(tracks))
    assert isinstance(got, Tracks)
    for array in (got.boxes, got.ids, got.scores, got.ages):
        assert array.flags.aligned
        assert array.flags.c_contiguous
        assert not array.flags.writeable


def test_an_array_that_is_a_view_into_another_travels_as_what_it_shows() -> None:
    large = np.arange(80, dtype=np.float32).reshape(20, 4)
    msg = Detections(boxes=large[::-2], scores=large[10:, 1][::1], size=(1, 1))
    got = decode(encode(msg))
    assert got == msg


def test_a_value_of_a_derived_type_travels_as_its_base() -> None:
    class Word(StrEnum):
        ACTIVE = "active"

    got = decode(encode(Health(node="/a", state=Word.ACTIVE, gauges={"fps": np.float64(3.5)})))
    assert isinstance(got, Health)
    assert (got.state, type(got.state), got.gauges) == ("active", str, {"fps": 3.5})


GOOD = np.zeros((2, 4), np.float32)
SCORES = np.zeros(2, np.float32)


def crossing(**change: Any) -> Crossing:
    fields: dict[str, Any] = {"id": "a", "line": "door", "direction": "in", "track": 1, "time": 2}
    fields.update(change)
    return Crossing(**fields)


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (
            lambda: Detections(boxes=GOOD.astype(np.float64), scores=SCORES, size=(1, 2)),  # pyright: ignore[reportArgumentType]
            "Detections.boxes must be an array of float32 [N, 4], not float64 [2, 4]",
        ),
        (
            lambda: Detections(boxes=GOOD[:, :2], scores=SCORES, size=(1, 2)),
            "Detections.boxes must be an array of float32 [N, 4], not float32 [2, 2]",
        ),
        (
            lambda: Detections(boxes=[[1, 2, 3, 4]] * 2, scores=SCORES, size=(1, 2)),  # type: ignore[arg-type]
            "Detections.boxes must be an array of float32 [N, 4], not list [[1, 2, 3, 4], [1, 2, 3, 4]]",
        ),
        (
            lambda: Detections(boxes=GOOD, scores=SCORES, size=(1, 2, 3)),  # type: ignore[arg-type]
            "Detections.size must be of type tuple[int, int], not tuple (1, 2, 3)",
        ),
        (
            lambda: Frame(image=np.zeros((4, 5), np.uint8)),
            "Frame.image must be an array of uint8 [N, N, 3], not uint8 [4, 5]",
        ),
        (
            lambda: crossing(track=np.int64(3)),
            "Crossing.track must be of type int, not int64 np.int64(3)",
        ),
        (lambda: crossing(track=True), "Crossing.track must be of type int, not bool True"),
        (
            lambda: crossing(time=2**63),
            "Crossing.time must be of type int, not int 9223372036854775808",
        ),
        (
            lambda: crossing(direction="up"),
            "Crossing.direction must be one of 'in', 'out', not str 'up'",
        ),
        (
            lambda: crossing(line="x" * 201),
            "Crossing.line must be a text of 200 characters at most, not str '" + "x" * 74 + "…",
        ),
        (
            lambda: crossing(header=Header(camera="x" * 201)),
            "Crossing has no valid header: Header(stamp=0, mono=0, seq=0, epoch=0, camera='" + "x" * 201 + "')",
        ),
        (
            lambda: Health(node="/a", state="b", counters={"n": 1.5}),  # type: ignore[dict-item]
            "Health.counters must be of type dict[str, int], not dict {'n': 1.5}",
        ),
        (
            lambda: crossing(line="a\ud800"),
            "Crossing cannot travel: 'utf-8' codec can't encode character '\\ud800' in position 1: "
            "surrogates not allowed",
        ),
    ],
)
def test_what_nobody_could_decode_is_refused_where_it_is_published(make: Any, sentence: str) -> None:
    with pytest.raises(TypeError) as caught:
        encode(make())
    assert str(caught.value) == sentence


def test_rows_that_do_not_match_are_refused_when_the_message_is_made() -> None:
    with pytest.raises(ValueError, match="2 boxes, 3 scores"):
        Detections(boxes=GOOD, scores=np.zeros(3, np.float32), size=(1, 1))
    with pytest.raises(ValueError, match="2 boxes, 2 ids, 2 scores, 1 ages"):
        Tracks(boxes=GOOD, ids=np.zeros(2, np.int64), scores=SCORES, ages=np.zeros(1, np.int32), size=(1, 1))


@pytest.mark.parametrize("cls", CLASSES)
def test_messages_are_frozen_and_take_keywords_only(cls: type[Message]) -> None:
    with pytest.raises(TypeError):
        cls(Header())  # type: ignore[call-arg]
    with pytest.raises(AttributeError):
        crossing().track = 5  # type: ignore[misc]


def test_messages_are_equal_if_their_arrays_are_element_by_element() -> None:
    one = Detections(boxes=GOOD, scores=SCORES, size=(1, 2))
    assert one == replace(one, boxes=GOOD.copy())
    assert one != replace(one, boxes=GOOD + 1)
    assert one != replace(one, header=Header(seq=1))
    assert one != crossing()
    assert hash(one) == hash(replace(one, boxes=GOOD + 1))


@dataclass(frozen=True, slots=True, kw_only=True)
class Spot:
    x: float
    name: str = "spot"


@message
class RoundtripOfEverything(Message):
    """A message of another project, with every kind of field that can be encoded."""

    boxes: Boxes
    spot: Spot
    spots: tuple[Spot, ...] = ()
    note: str | None = None
    raw: bytes = b""
    flag: bool = False
    table: dict[str, tuple[int, str]] | None = None


def test_a_message_of_somebody_else_travels_with_nested_values() -> None:
    msg = RoundtripOfEverything(
        boxes=GOOD,
        spot=Spot(x=1),
        spots=(Spot(x=2.5, name="a"), Spot(x=3.5)),
        note="é",
        raw=b"\x00\xff",
        flag=True,
        table={"a": (1, "b")},
    )
    assert decode(encode(msg)) == msg
    assert decode(encode(RoundtripOfEverything(boxes=GOOD, spot=Spot(x=1)))).header == Header()


def test_two_messages_of_one_name_are_refused() -> None:
    with pytest.raises(TypeError, match=r"two messages are called Crossing: metrica.messages.crossing and tests\."):
        message(type("Crossing", (Message,), {"__module__": __name__}))


def test_a_field_with_a_name_that_the_wire_needs_is_refused() -> None:
    with pytest.raises(TypeError, match=r"Thermometer\.t: the wire needs that name itself, call the field something"):

        @message
        class Thermometer(Message):  # pyright: ignore[reportUnusedClass]
            t: float


def test_a_field_that_cannot_travel_is_named() -> None:
    @message
    class WithAnything(Message):
        what: object = None

    with pytest.raises(TypeError, match=r"a message field of type .*object.* cannot travel"):
        check_message(WithAnything())
