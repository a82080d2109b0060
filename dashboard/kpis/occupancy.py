"""People inside through a business day: its events, the times at which the shop is surely empty, and the gaps."""

from __future__ import annotations

from dataclasses import dataclass

from metrica.dashboard.kpis.events import IN, SECOND, Events
from metrica.dashboard.kpis.headcount import Headcount, Inside
from metrica.dashboard.kpis.history import NOTHING, Learned


@dataclass(frozen=True, slots=True)
class Blind:
    """From `start` up to `end` (ns UTC) not every camera looked."""

    start: int
    end: int
    sight: float = 0.0
    """The share of the crossings that was seen all the same."""
    arrivals: float = 0.0
    """People per second who probably came in unseen."""


@dataclass(frozen=True, slots=True)
class Marks:
    """What is known of a day besides its events."""

    empties: tuple[int, ...] = ()
    """When the shop was surely empty, ns UTC: its empty hour, or somebody said so."""
    blinds: tuple[Blind, ...] = ()


@dataclass(frozen=True, slots=True)
class DayOfPeople:
    """What a day's events come to."""

    inside: Inside
    person_seconds: float
    """The expected sum of all stays so far, of those still inside too."""
    visits: float
    """How many have left, those included whose leaving was probably missed."""

    def stay(self, learned: Learned) -> float | None:
        """The mean stay, seconds, with what past days say of it for a few more visits; None before there is any."""
        visits = self.visits + learned.stay.weight
        if self.visits < 0.5:
            return None
        return (self.person_seconds + learned.stay.weight * learned.stay.seconds) / visits


class DayWalk:
    """Walks through a day in order of time, and can be asked on the way; what was walked is not walked again."""

    def __init__(self, start: int, learned: Learned = NOTHING, marks: Marks = Marks()) -> None:
        """The shop is empty at `start`, ns UTC."""
        self._learned, self._marks = learned, marks
        self._start = self._time = start
        self._count = Headcount(0.0, learned.rates, learned.stay)
        self._in = 0
        self.people: list[int] = []
        """After each event so far, how many people were inside."""
        edges = {edge for blind in marks.blinds for edge in (blind.start, blind.end)}
        self._edges = sorted(edges | set(marks.empties))

    def ask(self, events: Events, now: int) -> DayOfPeople:
        """What the day comes to at `now`, ns UTC.

        events: those of the day in order of time, as at the last call and perhaps more at the end; so `now` may be
        any time after the last of those that were counted then.
        """
        seen = events.between(self._start, now + 1)
        for time, sign in zip(
            seen.times[len(self.people) :].tolist(), seen.signs[len(self.people) :].tolist(), strict=True
        ):
            self._go(self._count, time)
            self._time = time
            if sign == IN:
                self._count.came_in()
                self._in += 1
            else:
                self._count.went_out()
            self.people.append(self._count.middle)
        count = self._count.copy()
        self._go(count, now + 1)
        rates, out = self._learned.rates, len(self.people) - self._in
        came = self._in * (1 - rates.extra_in) / (1 - rates.missed_in)
        left = out * (1 - rates.extra_out) / (1 - rates.missed_out)
        # Two counts of the same visits: who left, and who came and is not inside.
        return DayOfPeople(count.inside, count.person_seconds, max(0.0, (left + came - count.mean) / 2))

    def _go(self, count: Headcount, until: int) -> None:
        """Move from the last event to just before `until`."""
        for edge in self._edges:
            if self._time <= edge < until:  # at the very moment of an event, the event is first
                self._glide(count, edge)
                if edge in self._marks.empties:
                    count.set_empty()
        self._glide(count, until)

    def _glide(self, count: Headcount, until: int) -> None:
        time = (until - self._start) / SECOND
        at = self._start + round(count.time * SECOND)
        for blind in self._marks.blinds:
            if blind.start <= at < blind.end:
                count.move_to(time, blind.sight, blind.arrivals)
                return
        count.move_to(time)


def people_inside(events: Events, start: int, now: int, learned: Learned = NOTHING, marks: Marks = Marks()) -> Inside:
    """People in the store at `now`, after the events from `start` on (both ns UTC), with their margin."""
    return DayWalk(start, learned, marks).ask(events, now).inside
