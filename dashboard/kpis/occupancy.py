"""People inside through a business day: its events, the times at which the store is surely empty, and its gaps."""

from __future__ import annotations

from dataclasses import dataclass

from metrica.dashboard.kpis.events import IN, SECOND, Events
from metrica.dashboard.kpis.headcount import Headcount, Occupancy
from metrica.dashboard.kpis.history import UNCALIBRATED, Calibration


@dataclass(frozen=True, slots=True)
class UnseenTraffic:
    """What the head count assumes of a gap: from `start` up to `end` (ns UTC) some crossings were not seen."""

    start: int
    end: int
    seen_share: float = 0.0
    """Share of the crossings that was seen all the same, 0 to 1."""
    arrival_rate: float = 0.0
    """People per second who probably came in without being seen."""


@dataclass(frozen=True, slots=True)
class DayContext:
    """What is known of a business day besides its events."""

    empty_times: tuple[int, ...] = ()
    """Times at which the store was surely empty, ns UTC: its empty hour, and the empty marks of its owner."""
    unseen: tuple[UnseenTraffic, ...] = ()
    """The day's gaps."""


@dataclass(frozen=True, slots=True)
class DayTotals:
    """A business day up to a moment."""

    occupancy: Occupancy
    """People inside at that moment."""
    person_seconds: float
    """Expected sum of all dwell times so far, seconds; those of people who are still inside are included."""
    visits: float
    """Expected number of visits that have ended; those whose OUT was probably missed are included."""

    def mean_dwell(self, calibration: Calibration) -> float | None:
        """Return the mean dwell, seconds; None before the first visit has ended.

        The dwell of past days counts as `calibration.dwell.weight` more visits.
        """
        expected = calibration.dwell
        if self.visits < 0.5:
            return None
        return (self.person_seconds + expected.weight * expected.seconds) / (self.visits + expected.weight)


class DayReplay:
    """Replays a day's events through the head count, in order of time; each event is processed once."""

    def __init__(self, start: int, calibration: Calibration = UNCALIBRATED, context: DayContext = DayContext()) -> None:
        """Start with an empty store at `start`, ns UTC."""
        self._calibration, self._context = calibration, context
        self._start = self._last_event = start
        self._count = Headcount(0.0, calibration.rates, calibration.dwell)
        self._entered = 0
        self.people_after_events: list[int] = []
        """People inside after each event so far."""
        bounds = {bound for unseen in context.unseen for bound in (unseen.start, unseen.end)}
        self._stops = sorted(bounds | set(context.empty_times))

    def totals_at(self, events: Events, now: int) -> DayTotals:
        """Process the events that are new, and return the totals at `now`, ns UTC.

        events: the day's events in order of time; those of the last call must come first and be unchanged.
        now: any time after the last event that the last call processed; it may be earlier than the last call's.
        """
        seen = events.between(self._start, now + 1)
        done = len(self.people_after_events)
        for time, sign in zip(seen.times[done:].tolist(), seen.signs[done:].tolist(), strict=True):
            self._advance(self._count, time)
            self._last_event = time
            if sign == IN:
                self._count.came_in()
                self._entered += 1
            else:
                self._count.went_out()
            self.people_after_events.append(self._count.median)
        count = self._count.copy()
        self._advance(count, now + 1)
        rates, outs = self._calibration.rates, len(self.people_after_events) - self._entered
        entered = self._entered * (1 - rates.extra_in) / (1 - rates.missed_in)
        left = outs * (1 - rates.extra_out) / (1 - rates.missed_out)
        # The mean of two estimates of the ended visits: the people who left, and those who came and are not inside.
        return DayTotals(count.occupancy, count.person_seconds, max(0.0, (left + entered - count.mean) / 2))

    def _advance(self, count: Headcount, until: int) -> None:
        """Advance the count from the last event to `until`, through gaps and empty times on the way."""
        for stop in self._stops:
            if self._last_event <= stop < until:  # of an event and a stop at the same time, the event comes first
                self._advance_to_stop(count, stop)
                if stop in self._context.empty_times:
                    count.set_empty()
        self._advance_to_stop(count, until)

    def _advance_to_stop(self, count: Headcount, until: int) -> None:
        """Advance the count to `until`; no gap begins or ends before that."""
        seconds = (until - self._start) / SECOND
        begin = self._start + round(count.time * SECOND)
        for unseen in self._context.unseen:
            if unseen.start <= begin < unseen.end:
                count.advance(seconds, unseen.seen_share, unseen.arrival_rate)
                return
        count.advance(seconds)


def occupancy_at(
    events: Events,
    start: int,
    now: int,
    calibration: Calibration = UNCALIBRATED,
    context: DayContext = DayContext(),
) -> Occupancy:
    """Return the people inside at `now`, from the events since `start`; both ns UTC."""
    return DayReplay(start, calibration, context).totals_at(events, now).occupancy
