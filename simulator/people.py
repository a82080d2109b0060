"""People and the routes they take: visitors, groups, staff, passers-by, and those who turn round or loiter."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from metrica.simulator.figures.figure import Figure, make_figure
from metrica.simulator.figures.gait import MovementStyle
from metrica.simulator.figures.looks import Look, adult, child, staff
from metrica.simulator.figures.sampling import choose
from metrica.simulator.path import Walk, Waypoint, make_walk
from metrica.simulator.place import Place

_HOLDS = ("", "phone", "call", "carry", "push", "pockets", "fold")
_HOLD_ODDS = (7, 1, 0.5, 0.5, 0.5, 0.8, 0.3)


@dataclass(slots=True)
class Person:
    """A simulated person, with the walks planned so far."""

    number: int
    """From 1; 0 until the person gets the first walk."""
    role: str
    """visitor, staff or passer."""
    group: int
    """The number of the group that the person belongs to."""
    seed: int
    """Chooses the person's looks and speed."""
    grown: bool = True
    """False: a child."""
    uniform: tuple[int, int, int] = (120, 60, 30)
    """Colour of the clothes of staff: blue, green, red."""
    walks: list[Walk] = field(default_factory=list[Walk])
    speed: float = 1.2
    """Walking speed, m/s; drawn from the seed."""
    height: float = 1.7
    """Metres; drawn from the seed."""
    _figure: Figure | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        rng = np.random.default_rng((self.seed, 0))
        self.height = self._look(rng).height
        self.speed = float(np.clip(rng.normal(1.2, 0.18), 0.75, 1.75)) * (0.85 + 0.15 * min(1.0, self.height / 1.6))

    def _look(self, rng: np.random.Generator) -> Look:
        if not self.grown:
            return child(rng)
        return staff(rng, self.uniform) if self.role == "staff" else adult(rng)

    @property
    def figure(self) -> Figure:
        """Mesh and texture; made at the first use."""
        if self._figure is None:
            rng = np.random.default_rng((self.seed, 0))
            self._figure = random_figure(rng, self._look(rng), self.grown)
        return self._figure

    def release_figure(self) -> None:
        """Free the memory of the figure; it is made anew if it is needed again."""
        self._figure = None

    def plan_walk(self, begins: float, waypoints: list[Waypoint], speed: float | None = None) -> Walk:
        """A walk through the waypoints from a time on, by default at the person's own speed; it is not added."""
        return make_walk(begins, speed or self.speed, self.height, waypoints)


def random_figure(rng: np.random.Generator, look: Look, grown: bool) -> Figure:
    """The figure of somebody with these looks, with a random movement style and perhaps a pram or a trolley."""
    hold = "carry" if look.bag == "box" else choose(rng, _HOLDS, _HOLD_ODDS)
    pushes = choose(rng, ("pram", "trolley")) if hold == "push" and grown else ""
    style = MovementStyle(
        swing=float(rng.uniform(0.4, 1.3)),
        lean=float(rng.normal(0.06, 0.05)),
        hold="" if hold == "push" and not pushes else hold,
        head_down=0.45 if hold == "phone" else float(rng.normal(0.1, 0.1)),
        seed=float(rng.uniform(0, 100)),
    )
    return make_figure(replace(look, bag="none") if pushes else look, style, pushes)


class Routes:
    """Draws random routes through a place: lists of waypoints."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._lane = max(0.12, place.room.door - 0.38)

    def enter(self, rng: np.random.Generator, shift: float = 0.0) -> list[Waypoint]:
        """From the street through the door into the shop. shift: metres to the right, for a member of a group."""
        lane = self._through(rng, -1) + shift
        waypoints = [
            self._street(rng, shift),
            (lane, -1.1, 0.0),
            (lane, 0.1, 0.0),
            (lane + 0.3 * rng.normal(), self._place.line_y + 0.9, 0.0),
        ]
        if rng.random() < 0.12:  # looks around before going on
            waypoints.append((lane + 0.2 * rng.normal(), self._place.line_y + 1.6, float(rng.uniform(2, 7))))
        return [*waypoints, *self._away(rng, shift)]

    def leave(self, rng: np.random.Generator, shift: float = 0.0) -> list[Waypoint]:
        """From the shop to the street."""
        lane = self._through(rng, 1) + shift
        back = self._away(rng, shift)[::-1]
        return [
            *back,
            (lane, self._place.line_y + 0.9, 0.0),
            (lane, 0.1, 0.0),
            (lane, -1.1, 0.0),
            self._street(rng, shift),
        ]

    def u_turn(self, rng: np.random.Generator) -> list[Waypoint]:
        """Comes, turns round shortly before the line or well behind it, and leaves."""
        lane, line = self._through(rng, -1), self._place.line_y
        far = line - rng.uniform(0.55, 0.9) if rng.random() < 0.5 else line + rng.uniform(1.1, 1.9)
        back = lane + float(np.clip(0.4 * rng.normal(), -0.3, 0.3))
        there = (0.5 * (lane + back), far, float(rng.uniform(0.5, 3)))
        return [self._street(rng), (lane, -1.1, 0.0), (lane, 0.0, 0.0), there, (back, 0.0, 0.0), (back, -1.1, 0.0),
                self._street(rng)]  # fmt: skip

    def loiter(self, rng: np.random.Generator) -> list[Waypoint]:
        """Stands in the door for a while, then goes in or leaves."""
        side = 1 if rng.random() < 0.5 else -1
        x, y = side * self._lane, rng.uniform(-0.1, max(0.0, self._place.line_y - 0.5))
        waypoints = [self._street(rng), (x, -1.1, 0.0), (x, y, float(rng.uniform(8, 35)))]
        if rng.random() < 0.5:
            return [*waypoints, (x * 0.7, self._place.line_y + 0.9, 0.0), *self._away(rng, 0)]
        return [*waypoints, (x, -1.1, 0.0), self._street(rng)]

    def errand(self, rng: np.random.Generator) -> list[Waypoint]:
        """Staff: goes out of the door, waits in the street for a while, and comes in again."""
        out = self.leave(rng)
        lane = self._through(rng, -1)
        x, y, _ = out[-1]
        return [*out[:-1], (0.5 * x, y, float(rng.uniform(4, 20))), (lane, -1.1, 0.0), (lane, 0.1, 0.0),
                (lane, self._place.line_y + 0.9, 0.0), *self._away(rng, 0)]  # fmt: skip

    def pass_by(self, rng: np.random.Generator, shift: float = 0.0) -> list[Waypoint]:
        """Along the street, past the door, without coming in."""
        side, y = (1 if rng.random() < 0.5 else -1), -float(rng.uniform(1.9, 4.5)) + shift
        return [(-13.0 * side, y, 0.0), (0.0, y + 0.2 * rng.normal(), 0.0), (13.0 * side, y, 0.0)]

    def _through(self, rng: np.random.Generator, side: int) -> float:
        """x in the door, metres; most people keep to the right. side: -1 on the way in, 1 on the way out."""
        return float(np.clip(rng.normal(-0.35 * side * self._lane * -1, 0.45 * self._lane), -self._lane, self._lane))

    def _street(self, rng: np.random.Generator, shift: float = 0.0) -> Waypoint:
        """A point in the street, out of the camera's view."""
        if rng.random() < 0.25:
            return float(rng.uniform(-3, 3)) + shift, -8.0, 0.0
        # The shift has the sign of the side: who walks on the inner side of the turn at the door stays on it.
        side = 1 if rng.random() < 0.5 else -1
        return 12.0 * side, -float(rng.uniform(1.7, 3.5)) + side * shift, 0.0

    def _away(self, rng: np.random.Generator, shift: float) -> list[Waypoint]:
        """Further into the shop, until the camera does not see the person any more."""
        room, camera = self._place.room, self._place.camera
        deep = min(room.depth - 0.4, max(camera.y + 2.2, 5.5))
        wide = min(room.door + 0.3, room.width / 2 - 0.8)
        x = float(rng.uniform(-wide, wide))
        # Nobody walks close under the camera: a head would fill the picture.
        if abs(x - camera.x) < 0.7 and camera.tilt < 60:
            x = camera.x + (0.9 if x > camera.x else -0.9)
        return [(0.7 * x + shift, self._place.line_y + 2.4, 0.0), (x + shift, deep, 0.0)]
