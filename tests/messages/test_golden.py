"""What was once on the wire can be read for ever."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import msgpack
import pytest

from metrica.messages import DecodeError, Detections, Message, Thresholds, decode, encode
from tests.messages.make_golden import EXAMPLES, GOLDEN, golden_file
from tests.messages.strategies import CLASSES, packed

IDS = [type(msg).__name__ for msg in EXAMPLES]


FILES = sorted(path for path in GOLDEN.rglob("*") if path.is_file())


@pytest.mark.parametrize("path", FILES, ids=[f"{path.parent.name}/{path.stem}" for path in FILES])
def test_a_golden_file_of_any_version_decodes_to_what_was_encoded(path: Path) -> None:
    """A field that the version did not have yet takes its default."""
    (example,) = (msg for msg in EXAMPLES if type(msg).__name__ == path.stem)
    wire = msgpack.unpackb(path.read_bytes())
    known = {f.name: getattr(example, f.name) for f in fields(example) if f.name in wire or f.name == "header"}
    assert decode(path.read_bytes()) == type(example)(**known)
    assert f"v{wire['v']}" == path.parent.name


def test_every_message_has_a_golden_file_of_every_version() -> None:
    assert {type(msg) for msg in EXAMPLES} == set(CLASSES)
    versions = {GOLDEN / f"v{n}" / f"{type(m).__name__}.msgpack" for m in EXAMPLES for n in range(1, m.version + 1)}
    assert set(FILES) == versions


@pytest.mark.parametrize("msg", EXAMPLES, ids=IDS)
def test_the_present_codec_still_writes_what_an_old_reader_knows(msg: Message) -> None:
    """Keys may be added; the keys of the golden file stay, with their values."""
    old = msgpack.unpackb(golden_file(msg).read_bytes())
    new = msgpack.unpackb(encode(msg))
    assert {key: new.get(key) for key in old} == old


@pytest.mark.parametrize("msg", EXAMPLES, ids=IDS)
def test_a_field_that_a_newer_version_added_is_ignored_whatever_it_is(msg: Message) -> None:
    wire = msgpack.unpackb(golden_file(msg).read_bytes())
    wire["v"] = 99
    wire["h"] = [*wire["h"], "a newer field of the header"]
    wire["weather"] = {
        "sky": ["grey", None, 2.5],
        "picture": msgpack.ExtType(77, b"\x00"),
        "when": msgpack.Timestamp(5),
    }
    wire["array"] = msgpack.ExtType(1, b"\xff\x01of a dtype that this version does not know")
    assert decode(packed(wire)) == msg


OPTIONAL = {
    "Crossing": {"boot", "uptime"},
    "Detections": {"thresholds"},
    "Health": {"counters", "gauges", "subscribers", "detail"},
}


@pytest.mark.parametrize("msg", EXAMPLES, ids=IDS)
def test_a_missing_field_takes_its_default_or_is_one_clear_sentence(msg: Message) -> None:
    golden = msgpack.unpackb(golden_file(msg).read_bytes())
    name = type(msg).__name__
    for key in golden.keys() - {"t", "v", "h"}:
        cut = packed({k: v for k, v in golden.items() if k != key})
        if key in OPTIONAL.get(name, set()):
            others = {f.name: getattr(msg, f.name) for f in fields(msg) if f.name != key}
            assert decode(cut) == type(msg)(**others)
        else:
            with pytest.raises(DecodeError) as caught:
                decode(cut)
            assert str(caught.value) == f"{name} lacks its field '{key}'"


def test_a_nested_field_that_is_missing_takes_its_default_too() -> None:
    wire = msgpack.unpackb((GOLDEN / "v1" / "Detections.msgpack").read_bytes())
    wire["thresholds"] = {"new": 0.9, "invented": 1}
    got = decode(packed(wire))
    assert isinstance(got, Detections)
    assert got.thresholds == Thresholds(new=0.9)
