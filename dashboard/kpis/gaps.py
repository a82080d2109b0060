"""Gaps: times at which a camera did not look. They are "no data", which is not the same as zero visitors.

A box that reports the coverage of its cameras (`POST /v1/watched`) is believed to the minute. For a store without
coverage, a long silence at a time that is busy every week is taken for a gap.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from metrica.dashboard.kpis.business_day import Calendar
from metrica.dashboard.kpis.counts import Counts
from metrica.dashboard.kpis.coverage import TOLERANCE, Coverage
from metrica.dashboard.kpis.events import HOUR, MINUTE, QUARTER, SECOND, Events

STEP = 30 * MINUTE
"""A gap is judged in parts, the half hours of UTC, ns: whether people usually come then, and how many.

They are whole quarters of an hour, of which sums are kept longer than events.
"""
TAKEN_AWAY = 72 * HOUR
"""A camera that is silent for longer, while another looks, was taken away, ns."""

_MIN_USUAL_EVENTS = 16  # if so many are usual, none at all is improbable: e^-16, somewhat more as people come in groups
_MIN_SILENCE = 30 * MINUTE
_WEEKS = 4


@dataclass(frozen=True, slots=True)
class Gap:
    """A time from `start` up to `end` (ns UTC) in which at least one camera of the store did not look."""

    start: int
    end: int
    whole: bool = True
    """Whether no camera looked at all."""


def overlaps_gap(gaps: Sequence[Gap], start: int, end: int) -> bool:
    """Whether any part of `start` <= time < `end` is in a gap."""
    return any(gap.start < end and gap.end > start for gap in gaps)


def time_in_gaps(gaps: Sequence[Gap], start: int, end: int) -> int:
    """Return how much of `start` <= time < `end` is in gaps, ns. The gaps must not overlap."""
    return sum(max(0, min(gap.end, end) - max(gap.start, start)) for gap in gaps)


def gaps_in_coverage(coverage: Coverage, now: int, newest: int | None = None) -> list[Gap]:
    """Return the gaps of a store up to `now` (ns UTC), from the coverage of all of its cameras together.

    newest: up to when any camera looked (ns UTC), if that is not in `coverage`.

    A camera is expected to look from its first covered time on. When it has been silent for three days while another
    camera looks, it was taken away, and is expected no longer.
    """
    # Each change is (time, change of the cameras that look, change of the cameras that are expected to).
    changes: list[tuple[int, int, int]] = []
    newest = max((newest or 0, *(end for spans in coverage.values() for _, end in spans)))
    for spans in coverage.values():
        looked_until: int | None = None
        for start, end in sorted(spans):
            if looked_until is None:
                changes.append((start, 1, 1))
            elif start - looked_until > TOLERANCE:
                changes += [(looked_until, -1, 0), (start, 1, 0)]
            looked_until = max(end, looked_until or end)
        if looked_until is not None and newest - looked_until > TAKEN_AWAY:
            changes.append((looked_until, -1, -1))
        elif looked_until is not None and now - looked_until > TOLERANCE:
            changes.append((looked_until, -1, 0))
    gaps: list[Gap] = []
    looking = expected = 0
    since = 0
    for time, looking_change, expected_change in [*sorted(changes), (now, 0, 0)]:
        if looking < expected and time > since:
            _append(gaps, Gap(since, time, whole=looking == 0))
        looking, expected, since = looking + looking_change, expected + expected_change, time
    return gaps


def gaps_in_silence(events: Events, usual: UsualTraffic, start: int, end: int) -> list[Gap]:
    """Return the silences between `start` and `end` (ns UTC) at times that were busy in each of the last weeks.

    For a store without coverage only. A holiday on which the store is shut looks the same, and becomes a gap too.
    events: those between `start` and `end`. usual: what the silences are compared with.
    """
    edges = np.concatenate(([start], events.between(start, end).times, [end]))
    found: list[Gap] = []
    for place in np.flatnonzero(np.diff(edges) >= _MIN_SILENCE).tolist():
        since, until = int(edges[place]), int(edges[place + 1])
        # Of the past only whole quarters of an hour are counted, those within the silence.
        weeks = sorted(usual.in_past_weeks(since + -since % QUARTER, until - until % QUARTER))
        # At least three weeks of data, and all but one of them busy: so one week that was quiet may be ignored.
        if len(weeks) > 2 and weeks[1] >= _MIN_USUAL_EVENTS:
            found += usual.in_busy_hours([Gap(since, until)])
    return found


class UsualTraffic:
    """Knows how many crossings there usually are in a half hour; what it has looked up once it remembers.

    Only events from at least a week before a half hour are looked at, so later ones change nothing.
    """

    def __init__(self, counts: Counts, calendar: Calendar, first: int | None) -> None:
        self._counts, self._calendar = counts, calendar
        self.first = first
        """The time of the first event of the store's history, ns UTC; None before it."""
        self._known: dict[int, list[int]] = {}

    def counts(self, start: int) -> list[int]:
        """Return the crossings of the half hour from `start` (ns UTC) on, in each of the last weeks with data."""
        known = self._known.get(start)
        if known is None:
            known = self._known[start] = self.in_past_weeks(start, start + STEP)
        return known

    def in_past_weeks(self, start: int, end: int) -> list[int]:
        """Return the crossings between the same two clock times on this weekday, in each of the last weeks with data.

        start, end: whole quarters of an hour, ns UTC.
        """
        found: list[int] = []
        for _ in range(_WEEKS):
            start, end = self._calendar.week_before(start), self._calendar.week_before(end)
            if self.first is None or start < self.first:
                break
            found.append(self._counts.crossings(start, end))
        return found

    def people_per_second(self, start: int) -> float:
        """Return how many people usually come in in a second of the half hour from `start` (ns UTC) on."""
        counts = self.counts(start)
        # Half of all crossings are INs.
        return sum(counts) / len(counts) / 2 / (STEP / SECOND) if counts else 0.0

    def in_busy_hours(self, gaps: Sequence[Gap]) -> list[Gap]:
        """Return the gaps without the half hours in which nobody came in any of the last weeks.

        So a box that is switched off at night loses nothing. Without a week to compare with, all hours are busy.
        """
        return [gap for gap, busy in self.judged(gaps) if busy]

    def judged(self, gaps: Sequence[Gap]) -> list[tuple[Gap, bool]]:
        """Return the gaps, cut where a busy time begins or ends, each with whether it is one."""
        found: dict[bool, list[Gap]] = {True: [], False: []}
        for gap in gaps:
            kept: dict[bool, list[Gap]] = {True: [], False: []}
            for step, start, end in half_hours(gap.start, gap.end):
                # Past weeks are looked at over the whole half hour, also where the gap begins or ends within it: a few
                # seconds are nearly always without an event.
                counts = self.counts(step)
                _append(kept[not counts or any(counts)], Gap(start, end, gap.whole))
            for busy in (True, False):
                found[busy] += kept[busy]
        listed = [(gap, busy) for busy in (True, False) for gap in found[busy]]
        return sorted(listed, key=lambda one: one[0].start)


def half_hours(start: int, end: int) -> Iterator[tuple[int, int, int]]:
    """Cut `start` to `end` (ns UTC) at the half hours of UTC: when each begins, and the part of the time within it."""
    for step in range(start - start % STEP, end, STEP):
        yield step, max(step, start), min(step + STEP, end)


def _append(gaps: list[Gap], gap: Gap) -> None:
    """Append a gap, or extend the last one if it ends where this one begins and is of the same kind."""
    if gaps and gaps[-1].end == gap.start and gaps[-1].whole == gap.whole:
        gaps[-1] = Gap(gaps[-1].start, gap.end, gap.whole)
    else:
        gaps.append(gap)
