"""Who comes when: a Poisson process that follows the hours of the day, and nobody walks through anybody else."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from metrica.messages import Direction
from metrica.nodes.geometry.arrays import Floats
from metrica.simulator.address import SceneSettings
from metrica.simulator.path import Walk, Waypoint
from metrica.simulator.people import Person, Routes, way
from metrica.simulator.place import Place

HOURLY_PROFILE = (0.02, 0.01, 0.01, 0.01, 0.01, 0.02, 0.05, 0.12, 0.25, 0.45, 0.62, 0.75, 0.70, 0.48, 0.45, 0.60, 0.85, 1.0,
           0.95, 0.75, 0.45, 0.22, 0.10, 0.04)  # fmt: skip
"""For each hour of the day how many come, against the busiest."""
_BLOCK = 20.0  # seconds that are planned at a time
_WARM_UP = 600.0  # seconds before the first picture from which people have come: some are in the shop then
_FIRST_CROSSING = 3.0
_TICK = 0.2
_MIN_DISTANCE, _MIN_DISTANCE_IN_GROUP = (
    0.62,
    0.42,
)  # metres between the middles of two people, and of two of one company
SampledWalk = tuple[int, Floats]
"""Places at every tick of the clock that all share: the first tick, and [N, 2]."""


@dataclass(frozen=True, slots=True)
class TrueCrossing:
    """Somebody's feet pass the line."""

    time: float
    """Seconds from the first picture."""
    direction: Direction
    person: int
    role: str
    group: int


class Arrivals:
    """Plans who comes, block by block; `people` grows as `until` is called with later times."""

    def __init__(self, settings: SceneSettings, place: Place) -> None:
        self.people: list[Person] = []
        self.crossings: list[TrueCrossing] = []
        """Crossings of the line, in no order; those before the first picture have times below 0."""
        self._settings = settings
        self._place = place
        self._routes = Routes(place)
        self._rng = np.random.default_rng((settings.seed, 2))
        self._planned = -_WARM_UP
        self._reserved: list[SampledWalk] = []
        self._groups = self._numbers = 0
        rng = self._rng
        uniform = tuple(int(v) for v in rng.uniform(30, 190, 3))
        self._staff = [
            self._new_person("staff", self._new_group(), uniform=(uniform[0], uniform[1], uniform[2]))
            for _ in range(settings.staff)
        ]
        self._errands = [-_WARM_UP + float(rng.uniform(0, 200)) for _ in self._staff]
        if settings.visitors_per_hour > 0:
            self._plan_first_visitor()

    def plan_until(self, time: float) -> None:
        """Plan everybody who can be on the scene up to this time, seconds from the first picture."""
        while self._planned < time + 60:
            self._plan_block(self._planned)
            self._planned += _BLOCK
            self._reserved = [t for t in self._reserved if (t[0] + len(t[1])) * _TICK > self._planned - 120]

    def forget_before(self, time: float) -> None:
        """Drop what was before a time: whoever is gone by then does not come back."""
        self.people = [p for p in self.people if p.role == "staff" or p.walks[-1].ends > time]
        self.crossings = [p for p in self.crossings if p.time > time]
        for person in self._staff:
            person.walks = [w for w in person.walks if w.ends > time] or person.walks[-1:]

    def relative_rate(self, time: float) -> float:
        """How many come, against the busiest hour."""
        hour = (self._settings.start + time / 3600) % 24
        i = int(hour)
        part = hour - i
        return HOURLY_PROFILE[i] * (1 - part) + HOURLY_PROFILE[(i + 1) % 24] * part if part > 0 else HOURLY_PROFILE[i]

    # --- planning

    def _plan_block(self, start: float) -> None:
        rng, settings = self._rng, self._settings
        share = self.relative_rate(start)
        # Companies bring more than one each.
        company = 1 + settings.groups * 1.4
        visits = rng.poisson(settings.visitors_per_hour * share / company / 3600 * _BLOCK)
        passers = rng.poisson(settings.passers_per_hour * share / 3600 * _BLOCK)
        times = np.sort(rng.uniform(start, start + _BLOCK, visits))
        for time in times:
            self._plan_visit(float(time))
        for time in rng.uniform(start, start + _BLOCK, passers):
            self._plan_passers(float(time))
        for i, person in enumerate(self._staff):
            if start <= self._errands[i] < start + _BLOCK:
                last = max((w.ends for w in person.walks), default=-math.inf)
                self._errands[i] = start + float(rng.uniform(60, 240))
                if start > last:
                    self._try_walk([person], start, lambda _: self._routes.errand(rng), tries=12)

    def _plan_visit(self, time: float) -> None:
        rng, settings = self._rng, self._settings
        kind = rng.random()
        if kind < settings.u_turns:
            self._try_walk(
                [self._new_person("visitor", self._new_group())], time, lambda _: self._routes.u_turn(rng), tries=12
            )
        elif kind < settings.u_turns + settings.loiterers:
            self._try_walk(
                [self._new_person("visitor", self._new_group())], time, lambda _: self._routes.loiter(rng), tries=12
            )
        else:
            size = 1 if rng.random() >= settings.groups else int(rng.choice([2, 2, 2, 3, 4]))
            group = self._new_group()
            members = [self._new_person("visitor", group, grown=i < 2 or rng.random() < 0.3) for i in range(size)]
            if size > 1 and rng.random() < 0.3:
                members[1] = self._new_person("visitor", group, grown=False)
            self._plan_stay(members, time)

    def _plan_stay(self, members: list[Person], time: float) -> None:
        rng = self._rng
        if not self._try_walk(members, time, lambda shift: self._routes.enter(rng, shift), tries=12):
            return
        stay = float(np.clip(rng.lognormal(math.log(150), 0.8), 20, _WARM_UP - 60))
        leave = max(m.walks[-1].ends for m in members) + stay
        self._try_walk(members, leave, lambda shift: self._routes.leave(rng, shift), tries=60)

    def _plan_passers(self, time: float) -> None:
        rng = self._rng
        group = self._new_group()
        members = [self._new_person("passer", group) for _ in range(2 if rng.random() < 0.25 else 1)]
        self._try_walk(members, time, lambda shift: self._routes.pass_by(rng, shift), tries=6)

    def _plan_first_visitor(self) -> None:
        """Somebody who is on the way in when the picture begins."""
        person = self._new_person("visitor", self._new_group())
        rng = self._rng
        waypoints = self._routes.enter(rng)
        trial = way(person, 0.0, waypoints)
        found = trial.crossings(self._place.line_y, self._place.reach)
        begins = _FIRST_CROSSING - (found[0][0] if found else 5.0)
        self._add_walk(person, way(person, begins, waypoints))

    def _try_walk(
        self, members: list[Person], time: float, waypoints: Callable[[float], list[Waypoint]], tries: int
    ) -> bool:
        """Let a company walk at this time or a little later, where nobody is in the way; False if that cannot be."""
        rng = self._rng
        gap = 0.66
        for attempt in range(tries):
            begins = time + attempt * float(rng.uniform(0.5, 1.2))
            state = rng.bit_generator.state
            speed = min(m.speed for m in members)
            found: list[Walk] = []
            for i, member in enumerate(members):
                # All of a company take the same way, side by side and a little behind each other.
                rng.bit_generator.state = state
                shift = (i - (len(members) - 1) / 2) * gap if len(members) < 3 else ((i % 2) - 0.5) * gap
                lag = (i // 2) * 0.9 + 0.15 * (i % 2)
                found.append(way(member, begins + lag, waypoints(shift), speed))
            sampled = [_sampled(w) for w in found]
            close = any(
                _min_distance(a, b) < _MIN_DISTANCE_IN_GROUP for i, a in enumerate(sampled) for b in sampled[:i]
            )
            if not close and all(self._is_free(t) for t in sampled):
                for member, walk in zip(members, found, strict=True):
                    self._add_walk(member, walk)
                return True
        return False

    def _add_walk(self, person: Person, walk: Walk) -> None:
        if not person.walks:
            self._numbers += 1
            person.number = self._numbers
            self.people.append(person)
        person.walks.append(walk)
        for time, direction in walk.crossings(self._place.line_y, self._place.reach):
            self.crossings.append(TrueCrossing(time, direction, person.number, person.role, person.group))
        self._reserved.append(_sampled(walk))

    def _is_free(self, walk: SampledWalk) -> bool:
        return all(_min_distance(walk, other) >= _MIN_DISTANCE for other in self._reserved)

    def _new_person(
        self, role: str, group: int, *, grown: bool = True, uniform: tuple[int, int, int] = (0, 0, 0)
    ) -> Person:
        return Person(0, role, group, int(self._rng.integers(1 << 31)), grown, uniform)

    def _new_group(self) -> int:
        self._groups += 1
        return self._groups


def _min_distance(one: SampledWalk, other: SampledWalk) -> float:
    """How near two come to each other, metres."""
    a, b = max(one[0], other[0]), min(one[0] + len(one[1]), other[0] + len(other[1]))
    if a >= b:
        return math.inf
    apart = one[1][a - one[0] : b - one[0]] - other[1][a - other[0] : b - other[0]]
    return math.sqrt(float((apart * apart).sum(1).min()))


def _sampled(walk: Walk) -> SampledWalk:
    first, last = math.ceil(walk.begins / _TICK), math.floor(walk.ends / _TICK)
    t = np.arange(first, last + 1) * _TICK
    return first, np.stack((np.interp(t, walk.times, walk.x), np.interp(t, walk.times, walk.y)), axis=1)
