"""Times at which a camera saw nothing because it did not look. They are no data, and never a zero.

A box that says when its cameras are watching (`POST /v1/watched`) is believed to the minute. Of a store whose boxes
never said so, a long silence at a time that is always busy is taken for a gap.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from metrica.dashboard.kpis.business_day import Calendar
from metrica.dashboard.kpis.coverage import TOLERANCE, Coverage
from metrica.dashboard.kpis.events import HOUR, MINUTE, Events

_REMOVED = 72 * HOUR
_SURELY = 16  # as many events were to be expected in the silence: by chance e^-16, with groups still rare
_SHORTEST_SILENCE = 30 * MINUTE
_STEP = 30 * MINUTE
_WEEKS = 4


@dataclass(frozen=True, slots=True)
class Gap:
    """From `start` up to `end` (ns UTC) at least one camera did not look."""

    start: int
    end: int
    whole: bool = True
    """No camera looked."""


def is_touched(gaps: Sequence[Gap], start: int, end: int) -> bool:
    """Whether any gap lies in `start` <= time < `end`."""
    return any(gap.start < end and gap.end > start for gap in gaps)


def missing(gaps: Sequence[Gap], start: int, end: int) -> int:
    """For how long of `start` <= time < `end` at least one camera did not look, ns."""
    return sum(max(0, min(gap.end, end) - max(gap.start, start)) for gap in gaps)


def gaps_in_coverage(coverage: Coverage, now: int) -> list[Gap]:
    """The gaps of the cameras, each given as the (start, end) of the times at which it looked, ns UTC.

    A camera is expected to look from its first time on, until it has been silent for three days while another looks:
    then it was taken away. A store's gaps are those of all of its cameras together.
    """
    edges: list[tuple[int, int, int]] = []
    newest = max((end for spans in coverage.values() for _, end in spans), default=0)
    for spans in coverage.values():
        until: int | None = None
        for start, end in sorted(spans):
            if until is None:
                edges.append((start, 0, 1))  # from here on the camera is expected to look
            elif start - until > TOLERANCE:
                edges += [(until, -1, 0), (start, 1, 0)]
            until = max(end, until or end)
        if until is not None and newest - until > _REMOVED:
            edges.append((until, 0, -1))
        elif until is not None and now - until > TOLERANCE:
            edges.append((until, -1, 0))
    found: list[Gap] = []
    blind = cameras = 0
    since = 0
    for time, sight, new in [*sorted(edges), (now, 0, 0)]:
        if blind and time > since:
            gap = Gap(since, time, blind == cameras)
            if found and found[-1].end == since and found[-1].whole == gap.whole:
                found[-1] = Gap(found[-1].start, time, gap.whole)
            else:
                found.append(gap)
        blind, cameras, since = blind - sight, cameras + new, time
    return found


def gaps_in_silence(events: Events, calendar: Calendar, start: int, end: int, first: int) -> list[Gap]:
    """Silences between `start` and `end` (ns UTC) in which the same hours of the last four weeks had many events.

    Only for a store without word of its cameras; a day on which the shop is shut looks the same, and is no data too.
    first: the time of the store's first event ever.
    """
    edges = np.concatenate(([start], events.between(start, end).times, [end]))
    found: list[Gap] = []
    for place in np.flatnonzero(np.diff(edges) >= _SHORTEST_SILENCE).tolist():
        since, until = int(edges[place]), int(edges[place + 1])
        counts = sorted(usual(events, calendar, since, until, first))
        # The smallest but one of three or more: a feast with crowds does not make a quiet day a gap.
        if len(counts) > 2 and counts[1] >= _SURELY:
            found += in_busy_hours([Gap(since, until)], events, calendar, first)
    return found


def in_busy_hours(gaps: Sequence[Gap], events: Events, calendar: Calendar, first: int | None) -> list[Gap]:
    """The gaps without those hours in which nobody ever comes: a box that is switched off at night loses nothing."""
    found: list[Gap] = []
    for gap in gaps:
        kept: list[Gap] = []
        for step in range(gap.start, gap.end, _STEP):
            stop = min(step + _STEP, gap.end)
            # The whole step, also where the gap ends in the middle of it: ten seconds are nearly always empty.
            counts = [] if first is None else usual(events, calendar, step, step + _STEP, first)
            if counts and not any(counts):
                continue
            if kept and kept[-1].end == step:
                kept[-1] = Gap(kept[-1].start, stop, gap.whole)
            else:
                kept.append(Gap(step, stop, gap.whole))
        found += kept
    return found


def usual(events: Events, calendar: Calendar, start: int, end: int, first: int) -> list[int]:
    """Events between the same two times of the clock on this weekday of each of the last four weeks that had data."""
    counts: list[int] = []
    for _ in range(_WEEKS):
        start, end = calendar.week_before(start), calendar.week_before(end)
        if start < first:
            break
        counts.append(len(events.between(start, end)))
    return counts
