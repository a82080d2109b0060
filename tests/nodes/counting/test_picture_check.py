"""A camera that comes back at another resolution: the counter says so at once, and its time is not watched."""

from __future__ import annotations

import logging
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrica import Node, testing
from metrica.messages import Header, Health, Tracks
from metrica.nodes.counting.line_counter import LineCounter
from metrica.nodes.counting.zone_counter import ZoneCounter
from metrica.nodes.delivery.coverage import Progress
from metrica.nodes.geometry.visible import visible_share_of_line, visible_share_of_zone

LARGE, SMALL, TALL = (1280, 720), (640, 360), (1280, 1024)
POINTS = st.tuples(st.integers(-2000, 2000), st.integers(-2000, 2000))
SIZES = st.tuples(st.integers(1, 2000), st.integers(1, 2000))


def nobody(i: int, size: tuple[int, int]) -> Tracks:
    return Tracks(
        header=Header(stamp=testing.START + i * 100_000_000, epoch=1, camera="door"),
        boxes=np.zeros((0, 4), np.float32),
        ids=np.zeros(0, np.int64),
        scores=np.zeros(0, np.float32),
        ages=np.zeros(0, np.int32),
        size=size,
    )


NODES = {
    "line": lambda: LineCounter(line=(0, 500, 1280, 500)),
    "one of two lines": lambda: LineCounter(lines={"near": (0, 500, 1280, 500), "far": (10, 100, 500, 100)}),
    "zone": lambda: ZoneCounter(zones={"queue": [(700, 400), (900, 400), (900, 700), (700, 700)]}),
}


@pytest.mark.parametrize("what", NODES)
def test_a_line_outside_the_picture_is_said_once_per_change_and_again_when_it_fits(
    what: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    node = NODES[what]()
    with testing.run(node) as bench:
        bench.send("tracks", *(nobody(i, LARGE) for i in range(5)))
        assert node.present_trouble == ""
        bench.send("tracks", *(nobody(i, SMALL) for i in range(5, 10)))
        assert "outside the picture of 640x360: nobody can be counted there" in node.present_trouble
        assert "set the camera back" in node.present_trouble
        assert node.counters["unwatched.tracks"] == 5
        bench.send("tracks", *(nobody(i, LARGE) for i in range(10, 15)))
        assert node.present_trouble == ""
        assert node.counters["unwatched.tracks"] == 5
        bench.send("tracks", *(nobody(i, SMALL) for i in range(15, 20)))
    said = [r.message for r in caplog.records if "outside" in r.message]
    assert [("nothing lies outside" in message) for message in said] == [False, True, False]


def test_where_only_some_lines_lie_outside_the_sentence_says_what_becomes_of_the_others() -> None:
    partial = "and what the camera's other lines count is shown as partial; set the camera back"
    for what, said in (("one of two lines", True), ("line", False)):
        node = NODES[what]()
        with testing.run(node) as bench:
            bench.send("tracks", nobody(0, SMALL))
            assert (partial in node.present_trouble) is said


def test_a_camera_that_begins_with_the_wrong_resolution_is_said_with_its_first_picture() -> None:
    node = NODES["line"]()
    with testing.run(node) as bench:
        bench.send("tracks", nobody(0, SMALL))
        assert "the line 'main' lies outside the picture of 640x360" in node.present_trouble


def test_a_line_that_is_still_inside_lies_elsewhere_when_the_size_has_changed() -> None:
    node = NODES["line"]()
    with testing.run(node) as bench:
        bench.send("tracks", nobody(0, LARGE), nobody(1, TALL))
        assert "the pictures are 1280x1024 now and were 1280x720" in node.present_trouble
        assert "unwatched.tracks" not in node.counters
        bench.send("tracks", nobody(2, LARGE))
        assert node.present_trouble == ""


def test_a_line_that_is_drawn_a_little_beyond_the_picture_is_fine() -> None:
    node: Node = LineCounter(line=(-60, 500, 1400, 500))
    with testing.run(node) as bench:
        bench.send("tracks", nobody(0, LARGE))
        assert node.present_trouble == ""
        bench.send("tracks", nobody(1, (600, 720)))
        assert "mostly outside the picture of 600x720" in node.present_trouble


def test_the_time_in_which_a_line_lies_outside_the_picture_is_not_watched() -> None:
    second = 1_000_000_000

    def beat(at: int, received: int, unwatched: int) -> Health:
        counters = {"received.tracks": received, "unwatched.tracks": unwatched}
        header = Header(stamp=testing.START + at * second, epoch=1, camera="door")
        return Health(header=header, node="/door/counter", state="active", counters=counters)

    progress = Progress()
    assert progress.hear(beat(0, 10, 0)) is None
    assert progress.hear(beat(1, 20, 0)) is not None
    for at in range(2, 10):
        assert progress.hear(beat(at, 10 + 10 * at, 10 * at - 10)) is None
    assert progress.hear(replace(beat(10, 110, 80))) is not None


@given(st.lists(POINTS, min_size=2, max_size=5), SIZES)
def test_the_visible_share_of_a_line_is_that_of_many_small_parts(
    points: list[tuple[int, int]], size: tuple[int, int]
) -> None:
    share = visible_share_of_line(points, size)
    inside = total = 0.0
    for a, b in pairwise(points):
        steps = (np.arange(2000) + 0.5) / 2000
        x, y = a[0] + steps * (b[0] - a[0]), a[1] + steps * (b[1] - a[1])
        length = float(np.hypot(b[0] - a[0], b[1] - a[1]))
        total += length
        inside += length * float(((x > 0) & (x < size[0]) & (y > 0) & (y < size[1])).mean())
    assert share == pytest.approx(inside / total if total else 0.0, abs=0.01)


@given(st.integers(-500, 500), st.integers(-500, 500), st.integers(1, 800), st.integers(1, 800), SIZES)
def test_the_visible_share_of_a_rectangle_is_that_of_the_overlap(
    x: int, y: int, width: int, height: int, size: tuple[int, int]
) -> None:
    overlap_x = max(0, min(x + width, size[0]) - max(x, 0))
    overlap_y = max(0, min(y + height, size[1]) - max(y, 0))
    corners = [(x, y), (x + width, y), (x + width, y + height), (x, y + height)]
    expected = overlap_x * overlap_y / (width * height)
    assert visible_share_of_zone(corners, size) == pytest.approx(expected, abs=1e-9)
    assert visible_share_of_zone(corners[::-1], size) == pytest.approx(expected, abs=1e-9)
