"""What a business day teaches once it is over: everything that later figures need of it, without its events."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from metrica.dashboard.kpis.business_day import Calendar
from metrica.dashboard.kpis.counts import Counts, Quarters
from metrica.dashboard.kpis.coverage import TOLERANCE, Coverage
from metrica.dashboard.kpis.events import HOUR, IN, OUT, Events
from metrica.dashboard.kpis.gaps import TAKEN_AWAY, Gap, UsualTraffic, gaps_in_coverage, gaps_in_silence, time_in_gaps
from metrica.dashboard.kpis.history import MIN_EVENTS, PastDay, mean_dwell_of_day

EXPECTED = 63 * 24 * HOUR
"""For how long after it looked a camera is expected to look again, ns. Without any, silences are taken for gaps."""
COMPARED = 29 * 24 * HOUR
"""How far back counts are needed to judge the gaps of a day, ns: four weeks, and a day for changes of the clocks."""


@dataclass(frozen=True, slots=True)
class Day:
    """A business day that is over."""

    since: int
    """When it began, ns UTC."""
    until: int
    """When it ended, ns UTC."""
    entered: int
    """INs."""
    left: int
    """OUTs."""
    dwell: float | None
    """Mean dwell, seconds; None where the counts give none."""
    peak: tuple[int, int] | None
    """When the clock hour with the most visitors began (ns UTC), and how many these were; None without visitors."""
    pauses: tuple[tuple[Gap, bool], ...]
    """The times at which a camera did not look, in order; each with whether people usually come then."""
    again: int | None = None
    """When a camera has looked later than this (ns UTC), another one was taken away and this is to be computed anew."""

    @property
    def gaps(self) -> list[Gap]:
        """The pauses that matter: at times at which people usually come."""
        return [gap for gap, busy in self.pauses if busy]

    @property
    def missing(self) -> int:
        """For how long a camera did not look at such times, ns."""
        return time_in_gaps(self.gaps, self.since, self.until)

    @property
    def past_day(self) -> PastDay | None:
        """What it says about the counter; None if it is not to be used for that: few events, or a gap."""
        usable = self.entered + self.left >= MIN_EVENTS and not self.gaps
        return PastDay(self.entered, self.left, self.dwell) if usable else None


@dataclass(frozen=True, slots=True)
class Looks:
    """When the cameras of a store looked."""

    coverage: Coverage
    """Their spans in order of time: those of some days at least, the last ones before and the first ones after."""
    newest: int | None
    """Up to when any of them looked, ns UTC."""

    def around(self, begin: int, end: int) -> Coverage:
        """Return what says how long the cameras that were expected did not look from `begin` to `end`, ns UTC."""
        found: Coverage = {}
        for camera, spans in self.coverage.items():
            before = [span for span in spans if span[1] < begin][-1:]
            within = [span for span in spans if span[1] >= begin and span[0] < end]
            after = [span for span in spans if span[0] >= end][:1]
            known = [span for span in before if span[1] >= begin - EXPECTED] + within
            if known:
                found[camera] = known + after
        return found


def close_day(calendar: Calendar, day: date, events: Events, usual: UsualTraffic, looks: Looks, now: int) -> Day:
    """Return what a business day teaches that is over.

    events: those of the day. usual: knows `COMPARED` before it. now: ns UTC.
    """
    begin, end = calendar.bounds(day)
    of_day = events.between(begin, end)
    # A camera that looked up to the last seconds of the day goes on, or will be found to have stopped then.
    pauses = pauses_between(begin, end, of_day, usual, looks, max(now, end + TOLERANCE + 1))
    return Day(
        since=begin,
        until=end,
        entered=of_day.count(IN),
        left=of_day.count(OUT),
        dwell=mean_dwell_of_day(of_day),
        peak=peak_of(calendar, day, of_day),
        pauses=tuple(pauses),
        again=_again(looks, begin, end),
    )


def sum_day(calendar: Calendar, day: date, counts: Quarters, pauses: Sequence[tuple[Gap, bool]]) -> Day:
    """Return what is left to say of a day whose events are gone: all but the dwell.

    pauses: what is known of the time around the day.
    """
    begin, end = calendar.bounds(day)
    edges = np.array((begin, end), np.int64)
    cut = [
        (Gap(max(gap.start, begin), min(gap.end, end), gap.whole), busy)
        for gap, busy in pauses
        if gap.start < end and gap.end > begin
    ]
    entered, left = int(counts.entered(edges)[0]), int(counts.left(edges)[0])
    return Day(begin, end, entered, left, None, peak_of(calendar, day, counts), tuple(cut))


def pauses_between(
    begin: int, end: int, events: Events, usual: UsualTraffic, looks: Looks, now: int
) -> list[tuple[Gap, bool]]:
    """Return when a camera did not look from `begin` to `end`, both of one business day, up to `now` (all ns UTC).

    Each with whether people usually come then. A box that sends coverage is believed; otherwise long silences count.
    """
    coverage = looks.around(begin, end)
    if coverage:
        cut = [
            Gap(max(gap.start, begin), min(gap.end, end), gap.whole)
            for gap in gaps_in_coverage(coverage, now, looks.newest)
            if gap.start < end and gap.end > begin
        ]
        return usual.judged(cut)
    first = usual.first
    if first is None or first >= min(end, now):
        return []
    return [(gap, True) for gap in gaps_in_silence(events, usual, max(begin, first), min(end, now))]


def peak_of(calendar: Calendar, day: date, counts: Counts) -> tuple[int, int] | None:
    """Return when the clock hour of a day with the most visitors began (ns UTC), and how many; None without any."""
    hours = calendar.hours(day)
    entered = counts.entered(np.array([hour.start for hour in hours] + [hours[-1].end], np.int64))
    if not entered.any():
        return None
    place = int(entered.argmax())
    return hours[place].start, int(entered[place])


def _again(looks: Looks, begin: int, end: int) -> int | None:
    """Return from when on a camera that has stopped counts as taken away, ns UTC; None if that changes nothing."""
    times = [
        spans[-1][1] + TAKEN_AWAY
        for spans in looks.around(begin, end).values()
        if spans[-1][1] < end and (looks.newest or 0) - spans[-1][1] <= TAKEN_AWAY
    ]
    return min(times, default=None)
