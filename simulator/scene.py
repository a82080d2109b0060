"""The simulated camera as a library: a picture for every moment, and the truth about it.

scene = Scene(read_sim_address("sim://entrance?seed=7"))
picture, seen = scene.frame(0)
scene.place.line            # x1, y1, x2, y2 in pixels, left to right is IN
scene.crossings(60.0)       # who passes it in the first minute
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from metrica.messages import Image
from metrica.simulator.address import SceneSettings
from metrica.simulator.arrivals import Arrivals, TrueCrossing
from metrica.simulator.figures.figure import Figure, Stance, make_figure, placed
from metrica.simulator.figures.gait import MovementStyle
from metrica.simulator.figures.looks import mannequin
from metrica.simulator.figures.sampling import choose
from metrica.simulator.people import Person
from metrica.simulator.place import Place, make_place
from metrica.simulator.world.backdrop import FINE, Backdrop, brightness_at, draw_room
from metrica.simulator.world.camera import FAR, NEAR
from metrica.simulator.world.draw import SETTINGS
from metrica.simulator.world.effects import Sensor
from metrica.simulator.world.painter import Box, Painter


@dataclass(frozen=True, slots=True)
class SeenPerson:
    """A person in one picture."""

    person: int
    box: Box
    """x1, y1, x2, y2 of the whole person, clipped to the picture, pixels."""
    visible: float
    """What part of the person shows."""


@dataclass(frozen=True, slots=True)
class Session:
    """One stay: from when a person came in until going out; None where that is not within the time asked for."""

    person: int
    role: str
    group: int
    entered: float | None
    left: float | None


class Scene:
    """A place and those who come to it. The same settings gives the same pictures on any machine of one kind.

    remember: keep what has passed; without it memory does not grow over days. Not for several threads at once.
    Raises ParameterError if the settings's camera cannot see the line.
    """

    def __init__(self, settings: SceneSettings, remember: bool = True) -> None:
        self.settings = settings
        self.place: Place = make_place(settings)
        self._remember = remember
        self._arrivals = Arrivals(settings, self.place)
        self._painter: Painter | None = None
        self._sensor: Sensor | None = None
        self._forgotten = 0.0
        self.mannequins: list[Box] = []
        """Where figures placed that are no people, pixels; known once a picture has been drawn."""

    def prepare(self) -> None:
        """Draw the empty room now, a second or so, instead of with the first frame."""
        self._prepared()

    def frame(self, number: int) -> tuple[Image, list[SeenPerson]]:
        """The picture [H, W, 3] (BGR) with this number, the first is 0, and who is in it."""
        time = number / self.settings.fps
        people = self._people_at(time)
        figures: list[tuple[Figure, Stance]] = []
        for person, stance in people:
            figures.append((person.figure, stance))
        painter, sensor = self._prepared()
        brightness = [brightness_at(self.place.room, s.x, s.y) for _, s in people]
        scene, seen = painter.paint(figures, brightness)
        shown = [SeenPerson(people[s.number][0].number, s.box, s.visible) for s in seen]
        if not self._remember and time - self._forgotten > 60:
            self._forgotten = time
            self._arrivals.forget_before(time - 30)
        return sensor.picture(scene, number, time), shown

    def crossings(self, until: float, since: float = 0.0) -> list[TrueCrossing]:
        """Who passes the line from one time to another, seconds from the first picture, in order."""
        self._arrivals.plan_until(until)
        return sorted((p for p in self._arrivals.crossings if since <= p.time < until), key=lambda p: p.time)

    def add(self, people: list[Person]) -> None:
        """Let others in as well, with ways of their own; they are in no truth."""
        self._arrivals.people += people

    def sessions(self, until: float) -> list[Session]:
        """The stays that begin or end before a time, in the order in which they begin."""
        found: list[Session] = []
        inside: dict[int, Session] = {}
        for crossing in self.crossings(until):
            stay = Session(crossing.person, crossing.role, crossing.group, None, None)
            if crossing.direction == "in":
                inside[crossing.person] = replace(stay, entered=crossing.time)
            else:
                found.append(replace(inside.pop(crossing.person, stay), left=crossing.time))
        found += inside.values()
        return sorted(found, key=lambda s: (s.entered or 0.0, s.person))

    def _people_at(self, time: float) -> list[tuple[Person, Stance]]:
        """Who is there, and how each stands."""
        self._arrivals.plan_until(time)
        found: list[tuple[Person, Stance]] = []
        for person in self._arrivals.people:
            walk = next((w for w in person.walks if w.begins <= time <= w.ends), None)
            if walk is None:
                if all(w.ends < time for w in person.walks):
                    person.release_figure()
                continue
            x, y, heading, phase, speed = walk.at(time)
            if self._may_be_seen(x, y):
                found.append((person, Stance(x, y, heading, phase, speed, time)))
        return found

    def _may_be_seen(self, x: float, y: float) -> bool:
        camera = self.place.camera
        ends = camera.project(np.array([[x, y, 0.0], [x, y, 1.0], [x, y, 1.9]], np.float32))
        ends = ends[ends[:, 2] > 0.1]
        margin = 0.5 * camera.width
        inside = (ends[:, 0] > -margin) & (ends[:, 0] < camera.width + margin)
        inside &= (ends[:, 1] > -margin) & (ends[:, 1] < camera.height + margin)
        return bool(inside.any())

    def _prepared(self) -> tuple[Painter, Sensor]:
        if self._painter is None or self._sensor is None:
            place, settings = self.place, self.settings
            backdrop = draw_room(place.room, place.camera)
            self.mannequins += _add_mannequins(place, backdrop, settings.seed)
            self._painter = Painter(place.camera, backdrop, place.light)
            self._sensor = Sensor(place.effects, settings.width, settings.height, settings.seed)
        return self._painter, self._sensor


def _add_mannequins(place: Place, backdrop: Backdrop, seed: int) -> list[Box]:
    """Put the mannequins into the empty room: they never move. Where they are in the picture."""
    rng = np.random.default_rng((seed, 3))
    still: list[tuple[Figure, Stance]] = []
    for x, y, heading in place.room.mannequins:
        style = MovementStyle(
            hold=choose(rng, ("", "pockets", "carry"), (4, 1, 1)), head_down=0.0, seed=float(rng.uniform(0, 9))
        )
        still.append((make_figure(mannequin(rng), style), Stance(x, y, heading, floor=float(choose(rng, (0.0, 0.2))))))
    if not still or backdrop.depth is None:
        return []
    picture, seen = Painter(place.camera, backdrop, place.light).paint(
        still, [brightness_at(place.room, s.x, s.y) for _, s in still]
    )
    backdrop.picture = picture
    camera = place.camera
    view = camera.view(0, 0, camera.width, camera.height, FINE)
    for figure, stance in still:
        points, _ = placed(figure, stance)
        cv2.triangleRasterizeDepth(
            points, figure.mesh.triangles, backdrop.depth, view.world2cam, view.fov_y, NEAR, FAR, SETTINGS
        )
    return [s.box for s in seen]
