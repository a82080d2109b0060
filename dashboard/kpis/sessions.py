"""Sessions without knowing who is who: one IN and one OUT make one, and who came first is taken to leave first.

Every pairing of the same people gives the same mean, because it is the sum of the leaving times minus the sum of the
coming times; percentiles do depend on it, so they are estimates and are called so wherever they are shown. They come
out somewhat too close to the mean, as waiting in line is fairer than shopping.

One missed crossing shifts every later pair. So the queue is reconciled with the estimated number of people inside
(`metrica.dashboard.kpis.occupancy`) after each event: whoever is too many in it, waiting longest, has left unseen, and
whoever is missing from it came unseen and will make no session.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from metrica.dashboard.kpis.events import HOUR, IN, SECOND, Events

MAX_DWELL = 4 * HOUR
"""Longer than this nobody stays in a shop: an IN without its OUT by then is a missed OUT, or a neighbour's door."""
FEWEST = 10
"""So many sessions are needed for a percentile."""


@dataclass(frozen=True, slots=True)
class Session:
    """One stay, ns UTC."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Percentiles:
    """Estimates, seconds: half of the visits are shorter than `half`, nine of ten shorter than `most`."""

    half: float
    most: float


def fifo_sessions(events: Events, max_dwell: int = MAX_DWELL, people: Sequence[int] | None = None) -> list[Session]:
    """Pair each OUT with the oldest IN that is still open; the events are those of one business day.

    people: how many are believed to be inside after each event; the open INs are kept to that number.
    An IN that stays open longer than `max_dwell` (ns) expires, an OUT without an open IN is ignored, and what
    is open at the end of the day is dropped: none of them makes a session.
    """
    waiting: deque[int | None] = deque()
    """When who is inside came; None for somebody whom the counter missed."""
    found: list[Session] = []
    for n, (time, sign) in enumerate(zip(events.times.tolist(), events.signs.tolist(), strict=True)):
        if sign == IN:
            waiting.append(time)
        else:
            while waiting and waiting[0] is not None and time - waiting[0] > max_dwell:
                waiting.popleft()
            first = waiting.popleft() if waiting else None
            if first is not None and time - first <= max_dwell:
                found.append(Session(first, time))
        if people is not None:
            while len(waiting) > people[n]:
                waiting.popleft()
            while len(waiting) < people[n]:
                waiting.append(None)
    return found


def percentiles(sessions: Sequence[Session]) -> Percentiles | None:
    """The median and the 90th percentile of the stays; None for fewer than `FEWEST`."""
    if len(sessions) < FEWEST:
        return None
    half, most = np.percentile([(s.end - s.start) / SECOND for s in sessions], (50, 90)).tolist()
    return Percentiles(half, most)
