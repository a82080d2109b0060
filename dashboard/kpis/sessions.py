"""Sessions: pairs of one IN and one OUT, made without knowing which OUT belongs to which IN.

The pairing is first in, first out. Every pairing of the same INs and OUTs gives the same mean dwell, because the mean
depends only on the sum of the OUT times minus the sum of the IN times. Percentiles do depend on the pairing, so they
are estimates and are called that wherever they are shown. First in, first out makes the dwell times more alike than
they are, so the percentiles come out too close to the mean.

One missed crossing would shift every later pair. So after each event the queue of open INs is set to the estimated
number of people inside (`metrica.dashboard.kpis.occupancy`): if the queue is too long, the oldest INs are dropped, as
those people left unseen; if it is too short, placeholders are added for people who came in unseen.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from metrica.dashboard.kpis.events import HOUR, IN, SECOND, Events

MAX_DWELL = 4 * HOUR
"""Longest dwell, ns. An IN that is open for longer is ignored: its OUT was missed, or another door was used."""
MIN_SESSIONS = 10
"""How many sessions are needed for percentiles."""


@dataclass(frozen=True, slots=True)
class Session:
    """One visit: an IN and the OUT that it is paired with."""

    start: int
    """Time of the IN, ns UTC."""
    end: int
    """Time of the OUT, ns UTC."""


@dataclass(frozen=True, slots=True)
class DwellPercentiles:
    """Estimated percentiles of the dwell, seconds."""

    p50: float
    """Half of the visits are shorter."""
    p90: float
    """Nine of ten visits are shorter."""


def fifo_sessions(
    events: Events, max_dwell: int = MAX_DWELL, people_inside: Sequence[int] | None = None
) -> list[Session]:
    """Pair each OUT with the oldest open IN. The events are those of one business day.

    people_inside: estimated people inside after each event; None leaves the queue of open INs as it is.

    These make no session: an IN that is open for longer than `max_dwell` (ns), an OUT without an open IN, an IN that is
    open at the end of the day, and a person whose IN was missed.
    """
    open_ins: deque[int | None] = deque()  # times of the INs; None for a person whose IN was missed
    sessions: list[Session] = []
    for n, (time, sign) in enumerate(zip(events.times.tolist(), events.signs.tolist(), strict=True)):
        if sign == IN:
            open_ins.append(time)
        else:
            while open_ins and open_ins[0] is not None and time - open_ins[0] > max_dwell:
                open_ins.popleft()
            oldest = open_ins.popleft() if open_ins else None
            if oldest is not None and time - oldest <= max_dwell:
                sessions.append(Session(oldest, time))
        if people_inside is not None:
            while len(open_ins) > people_inside[n]:
                open_ins.popleft()
            while len(open_ins) < people_inside[n]:
                open_ins.append(None)
    return sessions


def percentiles(sessions: Sequence[Session]) -> DwellPercentiles | None:
    """Return the median and the 90th percentile of the dwell; None for fewer than `MIN_SESSIONS`."""
    if len(sessions) < MIN_SESSIONS:
        return None
    p50, p90 = np.percentile([(s.end - s.start) / SECOND for s in sessions], (50, 90)).tolist()
    return DwellPercentiles(p50, p90)
