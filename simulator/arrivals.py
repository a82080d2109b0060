"""Plans who comes when.

Visits are a Poisson process whose rate follows the hour of the day. A walk is planned only where it keeps its distance
from all other walks, so that nobody walks through anybody else.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from metrica.messages import Direction
from metrica.nodes.geometry.arrays import Floats
from metrica.simulator.address import SceneSettings
from metrica.simulator.path import Walk, Waypoint
from metrica.simulator.people import Person, Routes
from metrica.simulator.place import Place

HOURLY_PROFILE = (
    0.02, 0.01, 0.01, 0.01, 0.01, 0.02, 0.05, 0.12, 0.25, 0.45, 0.62, 0.75,
    0.70, 0.48, 0.45, 0.60, 0.85, 1.0, 0.95, 0.75, 0.45, 0.22, 0.10, 0.04,
)  # fmt: skip
"""For each hour of the day, the rate of arrivals as a share of the busiest hour's."""
_BLOCK = 20.0
"""Seconds that are planned at a time."""
_WARM_UP = 600.0
"""Seconds before the first picture at which planning begins, so that some people are already in the shop."""
_FIRST_CROSSING = 3.0
"""Seconds after the first picture at which the first visitor crosses the line."""
_TICK = 0.2
"""Seconds between the points of a sampled walk."""
_MIN_DISTANCE = 0.62
"""Metres that the centres of two people keep between them."""
_MIN_DISTANCE_IN_GROUP = 0.42
"""Metres that the centres of two people of the same group keep between them."""
SampledWalk = tuple[int, Floats]
"""A walk sampled at the ticks of a clock that all walks share: number of the first tick, x and y in metres [N, 2]."""


@dataclass(frozen=True, slots=True)
class TrueCrossing:
    """A crossing of the line in the ground truth: the point of the floor under a person's hips passes it."""

    time: float
    """Seconds from the first picture; below 0 before it."""
    direction: Direction
    person: int
    """The person's number, from 1."""
    role: str
    """visitor, staff or passer."""
    group: int
    """The number of the group that the person came with; a person who came alone is a group of one."""


class Arrivals:
    """Plans who comes, in blocks of time; `plan_until` extends the plan."""

    def __init__(self, settings: SceneSettings, place: Place) -> None:
        self.people: list[Person] = []
        """Everybody planned so far, with their walks."""
        self.crossings: list[TrueCrossing] = []
        """The crossings of the line planned so far, in no order."""
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
        """Plan everybody who can be in the scene up to this time, in seconds from the first picture."""
        while self._planned < time + 60:
            self._plan_block(self._planned)
            self._planned += _BLOCK
            self._reserved = [w for w in self._reserved if (w[0] + len(w[1])) * _TICK > self._planned - 120]

    def forget_before(self, time: float) -> None:
        """Drop the people who have left before this time, and the crossings before it."""
        self.people = [p for p in self.people if p.role == "staff" or p.walks[-1].ends > time]
        self.crossings = [c for c in self.crossings if c.time > time]
        for person in self._staff:
            person.walks = [w for w in person.walks if w.ends > time] or person.walks[-1:]

    def relative_rate(self, time: float) -> float:
        """The rate of arrivals at a time, as a share of the busiest hour's: between two hours it is interpolated."""
        hour = (self._settings.start + time / 3600) % 24
        i = int(hour)
        part = hour - i
        return HOURLY_PROFILE[i] * (1 - part) + HOURLY_PROFILE[(i + 1) % 24] * part if part > 0 else HOURLY_PROFILE[i]

    def _plan_block(self, start: float) -> None:
        rng, settings = self._rng, self._settings
        share = self.relative_rate(start)
        mean_size = 1 + settings.groups * 1.4  # visitors per visit: a group brings several
        visits = rng.poisson(settings.visitors_per_hour * share / mean_size / 3600 * _BLOCK)
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
        """One visit: a person who turns round, one who loiters, or a group of one to four."""
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
        """A group comes in, stays for a while and goes out."""
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
        """A visitor who is on the way in at the first picture and crosses the line soon after."""
        person = self._new_person("visitor", self._new_group())
        rng = self._rng
        waypoints = self._routes.enter(rng)
        trial = person.plan_walk(0.0, waypoints)
        found = trial.crossings(self._place.line_y, self._place.reach)
        begins = _FIRST_CROSSING - (found[0][0] if found else 5.0)
        self._add_walk(person, person.plan_walk(begins, waypoints))

    def _try_walk(
        self, members: list[Person], time: float, waypoints: Callable[[float], list[Waypoint]], tries: int
    ) -> bool:
        """Let a group walk at this time or a little later, when its way is free.

        `waypoints` draws the way of a member from its sideways shift in metres. Returns False, with nothing planned,
        if the way is not free at any of so many tries.
        """
        rng = self._rng
        gap = 0.66
        for attempt in range(tries):
            begins = time + attempt * float(rng.uniform(0.5, 1.2))
            state = rng.bit_generator.state
            speed = min(m.speed for m in members)
            found: list[Walk] = []
            for i, member in enumerate(members):
                # The same random state for each: all members take the same way, side by side and slightly delayed.
                rng.bit_generator.state = state
                shift = (i - (len(members) - 1) / 2) * gap if len(members) < 3 else ((i % 2) - 0.5) * gap
                lag = (i // 2) * 0.9 + 0.15 * (i % 2)
                found.append(member.plan_walk(begins + lag, waypoints(shift), speed))
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
        """Give a person a walk: reserve its way, and note its crossings. A person gets a number at the first walk."""
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
    """The smallest distance between two people while both walk, metres; infinity if they never do at the same time."""
    first, end = max(one[0], other[0]), min(one[0] + len(one[1]), other[0] + len(other[1]))
    if first >= end:
        return math.inf
    offset = one[1][first - one[0] : end - one[0]] - other[1][first - other[0] : end - other[0]]
    return math.sqrt(float((offset * offset).sum(1).min()))


def _sampled(walk: Walk) -> SampledWalk:
    first, last = math.ceil(walk.begins / _TICK), math.floor(walk.ends / _TICK)
    t = np.arange(first, last + 1) * _TICK
    return first, np.stack((np.interp(t, walk.times, walk.x), np.interp(t, walk.times, walk.y)), axis=1)
