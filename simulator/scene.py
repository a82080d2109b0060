"""The simulated camera as a library: a picture for every moment, and the ground truth about it.

scene = Scene(read_sim_address("sim://entrance?seed=7"))
picture, people = scene.frame(0)
scene.place.line            # x1, y1, x2, y2 in pixels; left to right is IN
scene.crossings(60.0)       # the crossings of the line in the first minute
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
    """The ground truth about one person in one picture."""

    person: int
    """The person's number, from 1."""
    box: Box
    """x1, y1, x2, y2 in pixels: the whole person, hidden parts included, clipped to the picture."""
    visible: float
    """The share of the person's pixels that can be seen, 0 to 1."""


@dataclass(frozen=True, slots=True)
class Session:
    """One stay of a person in the shop."""

    person: int
    """The person's number, from 1."""
    role: str
    """visitor, staff or passer."""
    group: int
    """The number of the person's group."""
    entered: float | None
    """Seconds from the first picture; None: before it."""
    left: float | None
    """Seconds from the first picture; None: after the time asked for."""


class Scene:
    """A place, and the people who come to it.

    The same settings give the same pictures, in any order and in any process on the same kind of machine. Not safe for
    several threads.

    remember: False drops people and crossings a minute after they are over, so that memory does not grow with time;
    the scene must then be asked in order of time.
    Raises ParameterError if the camera cannot see the line.
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
        """Boxes of the mannequins in the shop, pixels, clipped; empty until the first picture has been drawn."""

    def prepare(self) -> None:
        """Draw the empty room now (about a second) rather than with the first frame."""
        self._prepared()

    def frame(self, number: int) -> tuple[Image, list[SeenPerson]]:
        """The picture with this number (from 0), uint8 [H, W, 3], BGR, and the people in it."""
        time = number / self.settings.fps
        people = self._people_at(time)
        figures = [(person.figure, stance) for person, stance in people]
        painter, sensor = self._prepared()
        brightness = [brightness_at(self.place.room, s.x, s.y) for _, s in people]
        scene, drawn = painter.paint(figures, brightness)
        seen = [SeenPerson(people[d.index][0].number, d.box, d.visible) for d in drawn]
        if not self._remember and time - self._forgotten > 60:
            self._forgotten = time
            self._arrivals.forget_before(time - 30)
        return sensor.picture(scene, number, time), seen

    def crossings(self, until: float, since: float = 0.0) -> list[TrueCrossing]:
        """The crossings of the line from one time up to another, seconds from the first picture, in order of time."""
        self._arrivals.plan_until(until)
        return sorted((c for c in self._arrivals.crossings if since <= c.time < until), key=lambda c: c.time)

    def add(self, people: list[Person]) -> None:
        """Add people with walks of their own. They are drawn, but `crossings` and `sessions` do not know them."""
        self._arrivals.people += people

    def sessions(self, until: float) -> list[Session]:
        """The stays that begin or end before a time, in order of their begin."""
        found: list[Session] = []
        inside: dict[int, Session] = {}
        for crossing in self.crossings(until):
            session = Session(crossing.person, crossing.role, crossing.group, None, None)
            if crossing.direction == "in":
                inside[crossing.person] = replace(session, entered=crossing.time)
            else:
                found.append(replace(inside.pop(crossing.person, session), left=crossing.time))
        found += inside.values()
        return sorted(found, key=lambda s: (s.entered or 0.0, s.person))

    def _people_at(self, time: float) -> list[tuple[Person, Stance]]:
        """The people whom the camera may see at a time, and the stance of each."""
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
        """Whether a person on this point of the floor can be in the picture or throw a shadow into it."""
        camera = self.place.camera
        ends = camera.project(np.array([[x, y, 0.0], [x, y, 1.0], [x, y, 1.9]], np.float32))
        ends = ends[ends[:, 2] > 0.1]
        margin = 0.5 * camera.width
        inside = (ends[:, 0] > -margin) & (ends[:, 0] < camera.width + margin)
        inside &= (ends[:, 1] > -margin) & (ends[:, 1] < camera.height + margin)
        return bool(inside.any())

    def _prepared(self) -> tuple[Painter, Sensor]:
        """Painter and sensor; made at the first call."""
        if self._painter is None or self._sensor is None:
            place, settings = self.place, self.settings
            backdrop = draw_room(place.room, place.camera)
            self.mannequins += _add_mannequins(place, backdrop, settings.seed)
            self._painter = Painter(place.camera, backdrop, place.light)
            self._sensor = Sensor(place.effects, settings.width, settings.height, settings.seed)
        return self._painter, self._sensor


def _add_mannequins(place: Place, backdrop: Backdrop, seed: int) -> list[Box]:
    """Draw the mannequins into the picture and the depth of the empty room, and return their boxes in the picture."""
    rng = np.random.default_rng((seed, 3))
    still: list[tuple[Figure, Stance]] = []
    for x, y, heading in place.room.mannequins:
        style = MovementStyle(
            hold=choose(rng, ("", "pockets", "carry"), (4, 1, 1)), head_down=0.0, seed=float(rng.uniform(0, 9))
        )
        still.append((make_figure(mannequin(rng), style), Stance(x, y, heading, floor=float(choose(rng, (0.0, 0.2))))))
    if not still or backdrop.depth is None:
        return []
    picture, drawn = Painter(place.camera, backdrop, place.light).paint(
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
    return [d.box for d in drawn]
