"""People inside through a business day: its events, the times at which the store is surely empty, and its gaps."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass

from metrica.dashboard.kpis.events import END_OF_TIME, IN, NO_EVENTS, SECOND, Events
from metrica.dashboard.kpis.headcount import Headcount, Occupancy
from metrica.dashboard.kpis.history import UNCALIBRATED, Calibration

_CHECKPOINT_EVENTS = 50
_MAX_CHECKPOINTS = 20  # 14 KB each


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

    def differs_from(self, other: DayContext) -> int:
        """Return up to which time (ns UTC) both say the same of the day."""
        moments = set(self.empty_times) ^ set(other.empty_times)
        return min(moments | {gap.start for gap in set(self.unseen) ^ set(other.unseen)}, default=END_OF_TIME)


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


@dataclass(frozen=True, slots=True)
class _Checkpoint:
    """A replay after some of its events, to which it can go back."""

    done: int
    """How many events were processed."""
    entered: int
    """How many of these were INs."""
    last_event: int
    """Time of the last of them, ns UTC."""
    count: Headcount


class DayReplay:
    """Replays a day's events through the head count, in order of time.

    It continues where it ended. When an event arrives late, or more is known of a gap, it goes back only as far as
    that changes something, by checkpoints.
    """

    def __init__(self, start: int, calibration: Calibration = UNCALIBRATED) -> None:
        """Start with an empty store at `start`, ns UTC."""
        self._calibration = calibration
        self._start = self._last_event = start
        self._count = Headcount(0.0, calibration.rates, calibration.dwell)
        self._entered = 0
        self._events = NO_EVENTS
        self._context = DayContext()
        self._stops: list[int] = []
        self._checkpoints = [_Checkpoint(0, 0, start, self._count.copy())]
        self.people_after_events: list[int] = []
        """People inside after each event so far."""

    @property
    def memory(self) -> int:
        """About how much memory the replay takes, bytes."""
        return 9 * len(self._events) + 32 * len(self.people_after_events) + Headcount.MEMORY * len(self._checkpoints)

    def totals_at(self, events: Events, now: int, context: DayContext = DayContext()) -> DayTotals:
        """Return the totals at `now`, ns UTC, after all of the day's events up to then.

        events: the day's events in order of time. context: what else is known of the day up to `now`.
        """
        seen = events.between(self._start, now + 1)
        self._go_back(seen, context)
        self._process(seen)
        count = self._count.copy()
        self._advance(count, now + 1)
        rates, outs = self._calibration.rates, len(self.people_after_events) - self._entered
        entered = self._entered * (1 - rates.extra_in) / (1 - rates.missed_in)
        left = outs * (1 - rates.extra_out) / (1 - rates.missed_out)
        # The mean of two estimates of the ended visits: the people who left, and those who came and are not inside.
        return DayTotals(count.occupancy, count.person_seconds, max(0.0, (left + entered - count.mean) / 2))

    def _process(self, events: Events) -> None:
        """Process the events that are new."""
        done = len(self.people_after_events)
        for time, sign in zip(events.times[done:].tolist(), events.signs[done:].tolist(), strict=True):
            self._advance(self._count, time)
            self._last_event = time
            if sign == IN:
                self._count.came_in()
                self._entered += 1
            else:
                self._count.went_out()
            self.people_after_events.append(self._count.median)
            if len(self.people_after_events) % _CHECKPOINT_EVENTS == 0:
                self._keep_checkpoint()

    def _keep_checkpoint(self) -> None:
        done = len(self.people_after_events)
        self._checkpoints.append(_Checkpoint(done, self._entered, self._last_event, self._count.copy()))
        if len(self._checkpoints) > _MAX_CHECKPOINTS:
            # Late events are mostly a little late, so of the older half every second one is enough.
            half = _MAX_CHECKPOINTS // 2
            self._checkpoints[1:half] = self._checkpoints[2:half:2]

    def _go_back(self, events: Events, context: DayContext) -> None:
        """Go back to the last checkpoint that these events and this context would have led to as well."""
        same = events.common_start(self._events)
        until = context.differs_from(self._context)
        self._events, self._context = events, context
        bounds = {bound for unseen in context.unseen for bound in (unseen.start, unseen.end)}
        self._stops = sorted(bounds | set(context.empty_times))
        if same >= len(self.people_after_events) and self._last_event <= until:
            return
        while self._checkpoints[-1].done > same or self._checkpoints[-1].last_event > until:
            self._checkpoints.pop()
        last = self._checkpoints[-1]
        self._entered, self._last_event, self._count = last.entered, last.last_event, last.count.copy()
        del self.people_after_events[last.done :]

    def _advance(self, count: Headcount, until: int) -> None:
        """Advance the count from the last event to `until`, through gaps and empty times on the way."""
        # Of an event and a stop at the same time, the event comes first.
        for stop in self._stops[bisect_left(self._stops, self._last_event) : bisect_left(self._stops, until)]:
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
    return DayReplay(start, calibration).totals_at(events, now, context).occupancy
