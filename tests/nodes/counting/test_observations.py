"""The motion of all tracks at once, held to the same calculation for one track at a time."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from metrica.nodes.counting.observations import NOISE_MEMORY, SHORTEST_INTERVAL, SWERVE, VELOCITY_MEMORY
from metrica.nodes.counting.track_table import TrackTable


@dataclass
class ReferenceTrack:
    """The motion of one track, written to be read. Times in seconds, lengths in pixels."""

    first_seen: float
    first_point: tuple[float, float]
    last_seen: float = 0.0
    samples: int = 0
    point: list[float] = field(default_factory=lambda: [0.0, 0.0])
    velocity: list[float] = field(default_factory=lambda: [0.0, 0.0])
    noise: list[float] = field(default_factory=lambda: [0.0, 0.0])
    size: tuple[float, float] = (0.0, 0.0)

    def observe(self, time: float, point: tuple[float, float], size: tuple[float, float]) -> None:
        """Update the motion with a new position and size."""
        elapsed = max(time - self.last_seen, SHORTEST_INTERVAL)
        _, height = size
        for axis in (0, 1):
            if self.samples == 0:
                break
            error = point[axis] - (self.point[axis] + elapsed * self.velocity[axis])
            if self.samples == 1:
                self.velocity[axis] = (point[axis] - self.point[axis]) / elapsed
                continue
            # An acceleration of 2 * SWERVE moves a person by SWERVE * elapsed ** 2: that much is no noise.
            swerve = SWERVE * height * elapsed**2
            variance = max(error**2 - swerve**2, 0.0) / 2
            # A plain mean at first, and an exponential average once that is the slower of the two.
            weight = max(elapsed / (elapsed + NOISE_MEMORY), 1 / self.samples)
            self.noise[axis] += weight * (variance - self.noise[axis])
            self.velocity[axis] += error / (elapsed + VELOCITY_MEMORY)
        self.last_seen, self.point, self.size = time, list(point), size
        self.samples += 1

    def numbers(self) -> list[float]:
        """In the order of a motion array."""
        times = [self.last_seen, self.first_seen, self.samples]
        return [*times, *self.point, *self.velocity, *self.size, *self.noise, *self.first_point]


intervals = st.lists(st.one_of(st.sampled_from([0.0, 1 / 30, 0.1]), st.floats(0, 2)), min_size=1, max_size=40)


@settings(max_examples=60, deadline=None)
@given(intervals, st.integers(0, 2**32 - 1), st.floats(0, 1))
def test_all_tracks_at_once_move_as_each_one_alone(frames: list[float], seed: int, change: float) -> None:
    """Tracks are born, lost and found again, in any order; in between, frames have the same ids in a row.

    frames: seconds from each frame to the next. change: how likely it is that a frame has other tracks than the last.
    """
    random = Random(seed)
    table = TrackTable(lines=2)
    expected: dict[int, ReferenceTrack] = {}
    visible: list[int] = []
    now = 0.0
    for interval in frames:
        now += interval
        if random.random() < change:
            visible = random.sample(range(25), random.randint(0, 20))
        ids = np.array(visible, np.int64)
        if not table.has_same_ids(ids):
            table.set_visible(ids)
        if not visible:
            continue
        points = [(random.uniform(-50, 1300), random.uniform(-50, 800)) for _ in visible]
        sizes = [(random.uniform(10, 200), random.uniform(30, 500)) for _ in visible]
        table.observe(now).update_motion(now, np.array(points).T, np.array(sizes).T)
        for track, point, size in zip(visible, points, sizes, strict=True):
            expected.setdefault(track, ReferenceTrack(now, point)).observe(now, point, size)
    table.write_back()
    for track, reference in expected.items():
        row = table.row_of(track)
        assert row is not None
        np.testing.assert_allclose(table.columns.motion[row], reference.numbers(), rtol=1e-9, atol=1e-9)


def test_tracks_in_another_order_are_still_the_same_tracks() -> None:
    table = TrackTable(lines=1)
    places = {1: (10.0, 500.0), 2: (300.0, 600.0)}
    for frame, ids in enumerate(([1, 2], [1, 2], [2, 1], [2, 1])):
        if not table.has_same_ids(np.array(ids)):
            table.set_visible(np.array(ids))
        point = np.array([places[track] for track in ids]).T
        table.observe(0.1 * frame).update_motion(0.1 * frame, point, np.full((2, 2), 100.0))
    table.write_back()
    for track, place in places.items():
        row = table.row_of(track)
        assert row is not None
        motion = table.columns.motion_of(row)
        assert (motion.point, motion.speed_x, motion.speed_y, motion.samples) == (place, 0.0, 0.0, 4)
