"""The line counter on a bench: tracks in, crossings out."""

from __future__ import annotations

import numpy as np
import pytest

from metrica import testing
from metrica.errors import ParameterError
from metrica.messages import Crossing, Header, Tracks
from metrica.nodes.counting.line_counter import LineCounter

LINE = (640, 720, 640, 0)


def seen(i: int, x: float | None, track: int = 1, epoch: int = 1) -> Tracks:
    """Somebody whose feet are at (x, 500) in frame i of a 10 frames/s camera, or nobody."""
    boxes = np.zeros((0, 4), np.float32) if x is None else np.array([[x - 30, 340, x + 30, 500]], np.float32)
    return Tracks(
        header=Header(stamp=testing.START + i * 100_000_000, seq=i, epoch=epoch, camera="door"),
        boxes=boxes,
        ids=np.array([track][: len(boxes)], np.int64),
        scores=np.full(len(boxes), 0.9, np.float32),
        ages=np.full(len(boxes), i + 1, np.int32),
        size=(1280, 720),
    )


def walk_in(track: int = 1, begin: int = 0) -> list[Tracks]:
    return [seen(begin + i, 400 + 16.0 * i, track) for i in range(30)]


def test_a_walk_over_the_line_is_one_crossing() -> None:
    with testing.run(LineCounter(line=LINE)) as bench:
        bench.send("tracks", *walk_in())
        (crossing,) = bench.sent("crossings")
    assert isinstance(crossing, Crossing)
    assert (crossing.line, crossing.direction, crossing.track) == ("main", "in", 1)
    assert abs(crossing.time - (testing.START + 1_500_000_000)) < 50_000_000
    assert crossing.header.camera == "door"
    assert crossing.header.stamp > crossing.time


def test_ids_name_camera_line_start_and_number() -> None:
    with testing.run(LineCounter(line=LINE, line_name="entrance")) as bench:
        bench.send("tracks", *walk_in(1), *walk_in(2, begin=100))
        ids = [c.id for c in bench.sent("crossings")]
    assert ids == [f"door/entrance/{testing.START:x}/1", f"door/entrance/{testing.START:x}/2"]


def test_a_counter_that_starts_again_gives_other_ids() -> None:
    ids: set[str] = set()
    for start in (testing.START, testing.START + 1_000_000_000):
        with testing.run(LineCounter(line=LINE), clock=testing.FakeClock(start)) as bench:
            bench.send("tracks", *walk_in())
            ids |= {c.id for c in bench.sent("crossings")}
    assert len(ids) == 2


@pytest.mark.parametrize("name", ["", " ", "x" * 81, "two\nlines"])
def test_a_name_that_no_server_takes_is_refused_before_the_start(name: str) -> None:
    with pytest.raises(ParameterError, match="cannot name a line"):
        LineCounter(line=LINE, line_name=name).check()
    with pytest.raises(ParameterError, match="cannot name a line"):
        LineCounter(lines={name: LINE}).check()


def test_several_named_lines() -> None:
    lines = {"outer": (500, 720, 500, 0), "inner": (700, 0, 700, 720)}
    with testing.run(LineCounter(lines=lines)) as bench:
        bench.send("tracks", *walk_in())
        assert [(c.line, c.direction) for c in bench.sent("crossings")] == [("outer", "in"), ("inner", "out")]
        assert bench.node.counters == {"in": 1, "out": 1}


def test_a_line_may_bend() -> None:
    with testing.run(LineCounter(line=(300, 700, 600, 450, 600, 0))) as bench:
        bench.send("tracks", *walk_in())
        assert [(c.line, c.direction) for c in bench.sent("crossings")] == [("main", "in")]


def test_the_anchor_is_a_parameter() -> None:
    level = (0, 420, 1280, 420)  # at the height of the middle of somebody who stands at 500

    def down(i: int) -> Tracks:
        y = 300 + 16.0 * i
        box = np.array([[570, y - 160, 630, y]], np.float32)
        return Tracks(
            header=Header(stamp=testing.START + i * 100_000_000),
            boxes=box,
            ids=np.ones(1, np.int64),
            scores=np.ones(1, np.float32),
            ages=np.full(1, i + 1, np.int32),
            size=(1280, 720),
        )

    times = {}
    for anchor in ("bottom_center", "center", "top_center"):
        with testing.run(LineCounter(line=level, anchor=anchor)) as bench:  # type: ignore[arg-type]
            bench.send("tracks", *(down(i) for i in range(35)))
            (crossing,) = bench.sent("crossings")
            assert crossing.direction == "in"
            times[anchor] = (crossing.time - testing.START) / 1e9
    assert times == pytest.approx({"bottom_center": 0.75, "center": 1.25, "top_center": 1.75}, abs=0.05)


def test_what_is_open_at_the_end_is_published_at_the_end() -> None:
    with testing.run(LineCounter(line=LINE)) as bench:
        bench.send("tracks", *(seen(i, 400 + 16.0 * i if i < 17 else None) for i in range(20)))
        assert bench.sent("crossings") == []
    assert [c.direction for c in bench.sent("crossings")] == ["in"]


def test_a_tracker_that_starts_again_does_not_make_a_crossing() -> None:
    with testing.run(LineCounter(line=LINE)) as bench:
        bench.send("tracks", *(seen(i, 560) for i in range(20)), *(seen(20 + i, 720, epoch=2) for i in range(20)))
    assert bench.sent("crossings") == []


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({}, r"there is no line to count at: give 'line: \[x1, y1, x2, y2\]', or 'lines'"),
        ({"line": LINE, "lines": {"a": LINE}}, "give 'line' for one line or 'lines' for several, not both"),
        ({"line": (5, 5, 6)}, "line 'main' has 3 numbers: give x and y of two or more points"),
        ({"line": (5, 5, 5, 5)}, r"line 'main' starts and ends at the same point \(5, 5\): give two different points"),
        ({"lines": {"a": LINE, "b": (1, 2, 1, 2)}}, "line 'b' starts and ends at the same point"),
    ],
)
def test_invalid_lines_are_explained(params: dict[str, object], words: str) -> None:
    with pytest.raises(ParameterError, match=words):
        LineCounter(**params).check()  # type: ignore[arg-type]


def test_a_wrong_anchor_is_explained() -> None:
    with pytest.raises(ParameterError, match="did you mean 'bottom_center'"):
        LineCounter(line=LINE, anchor="bottom_centre")  # type: ignore[arg-type]
