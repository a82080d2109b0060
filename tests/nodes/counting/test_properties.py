"""What must hold for any scene: mirrors, scales, shifts and frame rates do not change who came in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from metrica.nodes.counting.crossing import LineCrossingRule
from metrica.nodes.counting.occlusion import MAX_OCCLUSION
from metrica.nodes.geometry.lines import Line
from tests.nodes.counting.scenes import FRAME, START, UPRIGHT, Person, Scene, directions, play

WIDTH, HEIGHT = FRAME


@dataclass(frozen=True)
class Walk:
    """One person on a way through the picture: turns round at `turn` seconds, if ever; never stands near the line."""

    x: float
    y: float
    speed: float
    height: float
    turn: float

    def place(self, t: float) -> float:
        return self.x + self.speed * (min(t, self.turn) - max(t - self.turn, 0.0))


@st.composite
def walks(draw: st.DrawFn) -> Walk:
    height = draw(st.floats(60, 300))
    x = draw(st.one_of(st.floats(200, 560), st.floats(720, 1080)))
    speed = draw(st.floats(0.4, 1.2)) * height * draw(st.sampled_from([-1, 1]))
    walk = Walk(x, draw(st.floats(350, 650)), speed, height, draw(st.floats(1, 10)))
    # A turn next to the line is decided by a pixel; those have their own tests.
    turned = walk.place(walk.turn)
    if abs(turned - 640) < 0.6 * height:
        walk = Walk(walk.x, walk.y, walk.speed, height, 100.0)
    return walk


def scene(people: Sequence[Walk]) -> Scene:
    def at(t: float) -> list[Person]:
        ways = [(i + 1, w.place(t), w.y + 3 * i, w.height) for i, w in enumerate(people)]
        return [p for p in ways if -0.2 * p[3] < p[1] < WIDTH + 0.2 * p[3]]

    return at


crowds = st.lists(walks(), min_size=1, max_size=3)
few = settings(max_examples=25, deadline=None)


@few
@given(walks())
def test_what_is_counted_is_where_the_walk_ends(walk: Walk) -> None:
    counted = directions(play(scene([walk]), 6))
    places = [walk.place(i / 15) for i in range(91)]
    inside = [x for x in places if 100 < x < 1180]
    net = counted.count("in") - counted.count("out")
    if abs(inside[-1] - 640) > walk.height:
        assert net == (int(inside[-1] > 640) - int(inside[0] > 640))


@few
@given(crowds)
def test_a_mirrored_scene_has_the_other_directions(people: list[Walk]) -> None:
    straight = scene(people)
    mirrored: Scene = lambda t: [(i, WIDTH - x, y, h) for i, x, y, h in straight(t)]  # noqa: E731
    flipped = {"in": "out", "out": "in"}
    assert directions(play(mirrored, 6)) == [flipped[d] for d in directions(play(straight, 6))]


@few
@given(crowds)
def test_a_line_drawn_the_other_way_has_the_other_directions(people: list[Walk]) -> None:
    turned = Line("main", UPRIGHT.end, UPRIGHT.start)
    flipped = {"in": "out", "out": "in"}
    assert directions(play(scene(people), 6, lines=[turned])) == [
        flipped[d] for d in directions(play(scene(people), 6))
    ]


@few
@given(crowds, st.sampled_from([0.25, 0.5, 2.0, 4.0]))
def test_a_picture_of_another_size_counts_the_same(people: list[Walk], scale: float) -> None:
    original = scene(people)
    scaled: Scene = lambda t: [(i, scale * x, scale * y, scale * h) for i, x, y, h in original(t)]  # noqa: E731
    line = Line("main", (640 * scale, 720 * scale), (640 * scale, 0))
    size = (round(WIDTH * scale), round(HEIGHT * scale))
    expected = [(p.track, p.direction) for p in play(original, 6)]
    assert [(p.track, p.direction) for p in play(scaled, 6, lines=[line], size=size)] == expected


@few
@given(st.floats(-250, 250), st.floats(-40, 40), st.sampled_from([-1, 1]))
def test_a_scene_that_is_moved_together_with_its_line_counts_the_same(dx: float, dy: float, sign: int) -> None:
    line = Line("main", (640 + dx, 600 + dy), (640 + dx, 200 + dy))
    moved: Scene = lambda t: [(1, 640 + dx + sign * (70 * t - 210), 450 + dy, 120)]  # noqa: E731
    assert directions(play(moved, 6, lines=[line])) == ["in" if sign > 0 else "out"]


@few
@given(walks())
def test_the_frame_rate_does_not_change_who_came_in(walk: Walk) -> None:
    counts = [sorted(directions(play(scene([walk]), 6, fps))) for fps in (30, 15, 8, 5)]
    end = walk.place(6.0)
    if abs(end - 640) > 0.8 * walk.height:
        assert counts[0] == counts[1] == counts[2] == counts[3]


@few
@given(
    st.integers(0, 2**32 - 1),
    st.floats(-0.5, 0.5),
    st.floats(0.0, 0.05),
    st.floats(80, 300),
    st.sampled_from([5, 15, 30]),
)
def test_a_loiterer_on_the_line_never_counts(seed: int, off: float, jitter: float, height: float, fps: int) -> None:
    """Wherever in the band somebody stands, and with noise of up to 5 % of the height (10 px at 200)."""
    noise = np.random.default_rng(seed).normal(0, jitter * height, (fps * 61, 2))
    stand: Scene = lambda t: [  # noqa: E731
        (1, 640 + off * 0.1 * height + noise[round(t * fps), 0], 500 + noise[round(t * fps), 1], height)
    ]
    assert play(stand, 60, fps, flush=True) == []


def test_a_million_tracks_leave_no_more_behind_than_a_thousand() -> None:
    """A few thousand here, ten new ones in every frame; what is remembered depends on the last seconds only."""
    rule = LineCrossingRule([UPRIGHT])
    rng = np.random.default_rng(0)
    sizes: list[tuple[int, int]] = []
    for i in range(1500):
        feet = rng.uniform((100, 300), (1180, 700), (10, 2))
        boxes = np.column_stack((feet - 40, feet + 40)).astype(np.float32)
        ids = np.arange(10 * i, 10 * i + 10, dtype=np.int64)
        rule.update(START + i * 100_000_000, 1, boxes, ids, np.ones(10, np.int32), FRAME)
        sizes.append((rule.remembered, rule.capacity))
    most, capacity = (max(column) for column in zip(*sizes, strict=True))
    assert most <= 10 * 10 * MAX_OCCLUSION + 20  # ten a frame at ten frames/s, and those of this frame and the last
    assert capacity == max(size for _, size in sizes[:100])
    rule.update(START + 10**12, 1, np.zeros((0, 4), np.float32), np.zeros(0, np.int64), np.zeros(0, np.int32), FRAME)
    assert rule.remembered == 0
