"""The simulated entrance: the same pictures in every process, and a ground truth that fits them."""

from __future__ import annotations

import hashlib
import subprocess
import sys

import numpy as np
import pytest

from metrica.errors import ParameterError
from metrica.simulator.address import KINDS, SceneSettings, read_sim_address
from metrica.simulator.arrivals import Arrivals
from metrica.simulator.path import make_walk
from metrica.simulator.people import Person
from metrica.simulator.place import make_place
from metrica.simulator.scene import Scene

SMALL = "width=320&height=180"
DIGEST = """
import hashlib
from metrica.simulator.scene import Scene
from metrica.simulator.address import read_sim_address
scene = Scene(read_sim_address({uri!r}))
print(hashlib.sha256(b"".join(scene.frame(n)[0].tobytes() for n in {numbers})).hexdigest())
"""


@pytest.fixture(scope="module")
def scene() -> Scene:
    return Scene(read_sim_address(f"sim://shopfront?seed=4&visitors_per_hour=600&passers_per_hour=600&{SMALL}"))


def test_a_frame_is_the_same_in_another_process_and_after_other_frames(scene: Scene) -> None:
    uri = f"sim://shopfront?seed=4&visitors_per_hour=600&passers_per_hour=600&{SMALL}"
    there = subprocess.run(
        [sys.executable, "-c", DIGEST.format(uri=uri, numbers=[40, 3])], capture_output=True, text=True, check=True
    )
    scene.frame(20)
    here = hashlib.sha256(b"".join(scene.frame(n)[0].tobytes() for n in (40, 3)))
    assert there.stdout.strip() == here.hexdigest()


def test_another_seed_is_another_place() -> None:
    assert make_place(SceneSettings(seed=1)).line != make_place(SceneSettings(seed=2)).line


def test_boxes_lie_in_the_picture_and_somebody_is_seen_whole(scene: Scene) -> None:
    seen = [p for number in (0, 15, 30, 45) for p in scene.frame(number)[1]]
    assert len(seen) > 8
    for person in seen:
        x1, y1, x2, y2 = person.box
        assert 0 <= x1 < x2 <= 320
        assert 0 <= y1 < y2 <= 180
        assert 0 <= person.visible <= 1
    assert max(p.visible for p in seen) > 0.9
    assert min(p.visible for p in seen) < 0.5


def test_a_picture_shows_the_people_of_its_truth_and_nobody_else() -> None:
    nobody = Scene(read_sim_address(f"sim://entrance?seed=11&visitors_per_hour=0&passers_per_hour=0&staff=0&{SMALL}"))
    before, seen = nobody.frame(0)
    assert seen == []
    person = Person(1, "visitor", 1, 5)
    person.walks.append(make_walk(-5.0, 0.2, person.height, [(0.0, 0.4, 0.0), (0.0, 2.4, 0.0)]))
    nobody.add([person])
    after, seen = nobody.frame(0)
    x1, y1, x2, y2 = (round(v) for v in seen[0].box)
    changed = np.abs(after.astype(int) - before).max(axis=2) > 25
    assert changed[y1:y2, x1:x2].mean() > 0.3
    far = changed.copy()
    far[max(0, y1 - 4) : y2 + 40, max(0, x1 - 40) : x2 + 40] = False  # the shadow lies beside the box
    assert far.mean() < 0.002


def test_who_stands_behind_somebody_is_less_visible() -> None:
    scene = Scene(read_sim_address(f"sim://entrance?seed=11&visitors_per_hour=0&passers_per_hour=0&staff=0&{SMALL}"))
    camera = scene.place.camera
    people: list[Person] = []
    for number, part in ((1, 0.62), (2, 0.72)):
        person = Person(number, "visitor", number, 5)
        x, y = camera.x * (1 - part), camera.y + part * (0.5 - camera.y)  # on one line of sight
        person.walks.append(make_walk(-5.0, 0.01, person.height, [(x, y, 0.0), (x, y - 0.3, 0.0)]))
        people.append(person)
    scene.add(people)
    visible = {p.person: p.visible for p in scene.frame(0)[1]}
    assert visible[1] > 0.9
    assert visible[2] < 0.7


@pytest.mark.parametrize("kind", KINDS)
def test_who_comes_in_passes_the_line_from_left_to_right(kind: str) -> None:
    for seed in (1, 2, 3):
        place = make_place(SceneSettings(kind=kind, seed=seed))
        x1, y1, x2, y2 = place.line
        points = np.array([[0, place.line_y - 0.4, 0], [0, place.line_y + 0.4, 0]], np.float32)
        at = place.camera.project(points)[:, :2]
        outside, inside = (at - [x1, y1]) @ [y1 - y2, x2 - x1]  # above 0 to the right of the line
        assert outside < 0 < inside


def arrivals(seconds: float, **asked: float) -> Arrivals:
    settings = SceneSettings(seed=3, **asked)  # type: ignore[arg-type]
    planned = Arrivals(settings, make_place(settings))
    planned.plan_until(seconds)
    return planned


def test_the_first_visitor_passes_the_line_within_five_seconds() -> None:
    for seed in (1, 7):
        settings = SceneSettings(seed=seed)
        planned = Arrivals(settings, make_place(settings))
        planned.plan_until(5)
        assert any(0 <= c.time <= 5 and c.direction == "in" for c in planned.crossings)


def test_as_many_come_as_were_asked_for_and_fewer_at_quiet_hours() -> None:
    busy = arrivals(1800, visitors_per_hour=240.0, u_turns=0.0, loiterers=0.0, staff=0)
    came = sum(c.direction == "in" and 0 <= c.time < 1800 for c in busy.crossings)
    assert 85 < came < 155
    quiet = arrivals(1800, visitors_per_hour=240.0, start=21.0, staff=0)
    assert sum(c.direction == "in" and 0 <= c.time < 1800 for c in quiet.crossings) < 0.5 * came


def test_nobody_walks_through_anybody_else() -> None:
    people = arrivals(300, visitors_per_hour=900.0, passers_per_hour=300.0).people
    for time in np.arange(0, 300, 1.0):
        here = [w.at(float(time))[:2] for p in people for w in p.walks if w.begins <= time <= w.ends]
        places = np.array(here).reshape(-1, 2)
        apart = np.hypot(*(places[:, None] - places[None]).transpose(2, 0, 1)) + 9 * np.eye(len(places))
        assert apart.min(initial=9) > 0.3


def test_who_turns_round_passes_the_line_twice_or_not_at_all() -> None:
    turning = arrivals(300, visitors_per_hour=200.0, u_turns=1.0, groups=0.0, passers_per_hour=0.0, staff=0)
    directions: dict[int, list[str]] = {}
    for crossing in sorted(turning.crossings, key=lambda c: c.time):
        directions.setdefault(crossing.person, []).append(crossing.direction)
    directions.pop(1)  # the first visitor comes in whatever the share of U-turns
    assert directions
    assert set(map(tuple, directions.values())) == {("in", "out")}
    assert len(directions) < len(turning.people) - 1


def test_days_do_not_fill_the_memory() -> None:
    planned = arrivals(900, visitors_per_hour=300.0)
    everybody = len(planned.people)
    planned.forget_before(850)
    assert len(planned.people) < everybody / 2
    assert all(c.time > 850 for c in planned.crossings)


def test_a_camera_that_cannot_see_the_door_is_refused() -> None:
    with pytest.raises(ParameterError, match="does not see the door"):
        make_place(read_sim_address("sim://entrance?tilt=5&fov=40"))
