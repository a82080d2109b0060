"""Whatever arrives is a message or a DecodeError: never another exception, never a crash."""

from __future__ import annotations

import struct
from typing import Any

import msgpack
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from metrica.messages import DecodeError, Message, decode, encode
from tests.messages.make_golden import EXAMPLES
from tests.messages.strategies import ANY_MESSAGE, TEXTS, packed

IDS = [type(msg).__name__ for msg in EXAMPLES]
WIRES = [encode(msg) for msg in EXAMPLES]

# What msgpack can say, and more: keys that are no texts, integers of 64 bits without a sign, extensions of all codes.
JSON_LIKE: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats()
    | TEXTS
    | st.binary()
    | st.builds(msgpack.ExtType, st.integers(0, 127), st.binary(max_size=40)),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5) | st.binary(max_size=5), inner),
    max_leaves=12,
)


def decoded_or_refused(data: bytes) -> Message | None:
    try:
        return decode(data)
    except DecodeError as error:
        assert str(error), "an error without a sentence"
        assert len(str(error)) < 400, "a sentence for a person is short"
        return None


@given(st.binary(max_size=400))
@example(b"")
@example(b"\xc1")
@example(b"\xdf\xff\xff\xff\xff")
@example(b"\xdd\xff\xff\xff\xff")
@example(b"\xc9\xff\xff\xff\xff\x01")
@example(b"\x91" * 100_000)
@example(b"\x81\xa1t" * 5_000)
@example(b"\xd6\xff\xff\xff\xff\xff")
@example(b"\xc7\x0c\xff" + b"\xff" * 12)
@example(b"\x81\x81\xa1t\x01\x02")
@example(b"\x82\xa1t\xa4\xff\xff\xff\xff\xa1v\x01")
def test_random_bytes_are_refused(data: bytes) -> None:
    assert decoded_or_refused(data) is None


@pytest.mark.parametrize("wire", WIRES, ids=IDS)
def test_every_truncation_is_refused(wire: bytes) -> None:
    for length in range(len(wire)):
        with pytest.raises(DecodeError, match=f"^{length} bytes are not a message: "):
            decode(wire[:length])


@pytest.mark.parametrize("wire", WIRES, ids=IDS)
def test_bytes_after_the_end_are_refused(wire: bytes) -> None:
    for tail in (b"\x00", wire):
        with pytest.raises(DecodeError):
            decode(wire + tail)


@pytest.mark.parametrize("wire", WIRES, ids=IDS)
def test_every_flipped_bit_is_a_message_or_refused(wire: bytes) -> None:
    for at in range(len(wire)):
        for bit in range(8):
            damaged = bytearray(wire)
            damaged[at] ^= 1 << bit
            if msg := decoded_or_refused(bytes(damaged)):
                assert encode(msg), "whatever was decoded can be sent on"


@given(ANY_MESSAGE, st.data())
def test_damage_in_several_places_is_a_message_or_refused(msg: Message, data: st.DataObject) -> None:
    wire = bytearray(encode(msg))
    for _ in range(data.draw(st.integers(1, 8))):
        at = data.draw(st.integers(0, len(wire) - 1))
        wire[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=4))
        if not wire:
            break
    decoded_or_refused(bytes(wire))


@given(JSON_LIKE)
def test_any_other_msgpack_is_refused(value: Any) -> None:
    assert decoded_or_refused(packed(value)) is None


@given(st.sampled_from(WIRES), JSON_LIKE, st.data())
def test_any_value_in_any_field_is_a_message_or_refused(wire: bytes, value: Any, data: st.DataObject) -> None:
    fields = msgpack.unpackb(wire)
    fields[data.draw(st.sampled_from(sorted(fields)))] = value
    if msg := decoded_or_refused(packed(fields)):
        assert encode(msg)


@given(st.sampled_from(WIRES), st.integers(0, 4), JSON_LIKE)
def test_any_value_in_the_header_is_a_message_or_refused(wire: bytes, at: int, value: Any) -> None:
    fields = msgpack.unpackb(wire)
    fields["h"][at] = value
    decoded_or_refused(packed(fields))


def array(code: int, shape: tuple[int, ...], elements: bytes, *, ndim: int | None = None) -> msgpack.ExtType:
    head = struct.pack(f"<BBxx{len(shape)}I", code, len(shape) if ndim is None else ndim, *shape)
    return msgpack.ExtType(1, head.ljust(-(-len(head) // 8) * 8, b"\0") + elements)


HUGE = 2**32 - 1


@pytest.mark.parametrize(
    "boxes",
    [
        array(0, (2**31, 2**31, 4), b""),
        array(0, (HUGE, 4), b"\0" * 32),
        array(0, (0, HUGE, HUGE, HUGE), b""),
        array(0, (2, 4), b"\0" * 31),
        array(0, (2, 4), b"\0" * 33),
        array(0, (2, 3), b"\0" * 24),
        array(0, (8,), b"\0" * 32),
        array(5, (2, 4), b"\0" * 64),
        array(7, (2, 4), b"\0" * 32),
        array(255, (2, 4), b"\0" * 32),
        array(0, (1,) * 70, b"\0" * 4),
        array(0, (2, 4), b"\0" * 32, ndim=255),
        array(0, (), b"\0" * 4),
        msgpack.ExtType(1, b""),
        msgpack.ExtType(1, b"\0"),
        msgpack.ExtType(2, b"\0" * 40),
        msgpack.Timestamp(5),
        [[1.0, 2.0, 3.0, 4.0]] * 2,
        b"\0" * 32,
        None,
    ],
)
def test_an_array_of_another_type_or_shape_or_size_is_refused(boxes: Any) -> None:
    wire = msgpack.unpackb(next(w for w, name in zip(WIRES, IDS, strict=True) if name == "Detections"))
    wire["boxes"] = boxes
    with pytest.raises(DecodeError) as caught:
        decode(packed(wire))
    assert str(caught.value) == "Detections.boxes is not an array of float32 [N, 4]"


def test_rows_that_do_not_match_are_refused() -> None:
    wire = msgpack.unpackb(next(w for w, name in zip(WIRES, IDS, strict=True) if name == "Detections"))
    wire["boxes"] = array(0, (3, 4), b"\0" * 48)
    with pytest.raises(DecodeError, match="Detections contradicts itself: 3 boxes, 2 scores"):
        decode(packed(wire))


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (packed([1]), "2 bytes are msgpack, but not a message"),
        (packed({"v": 1}), "4 bytes are msgpack, but not a message"),
        (packed({"t": 5}), "4 bytes are msgpack, but not a message"),
        (packed({"t": "Weather"}), "there is no message type 'Weather'"),
        (packed({"t": "W" * 1000}), f"there is no message type '{'W' * 40}'"),
        (packed({"t": "Crossing"}), "Crossing has no valid header"),
        (packed({"t": "Crossing", "h": [1, 2, 3, 4]}), "Crossing has no valid header"),
        (packed({"t": "Crossing", "h": [1, 2, 3, 2**63, "a"]}), "Crossing has no valid header"),
        (packed({"t": "Crossing", "h": [1, 2, True, 4, "a"]}), "Crossing has no valid header"),
        (packed({"t": "Crossing", "h": [1, 2, 3, 4, "a"], "id": 5}),
         "Crossing.id is not a text of 200 characters at most"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_in_one_sentence(data: bytes, sentence: str) -> None:
    with pytest.raises(DecodeError) as caught:
        decode(data)
    assert str(caught.value) == sentence
