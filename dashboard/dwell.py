"""How long people stay, without knowing who they are: one IN and one OUT make a session.

Who leaves is taken to be who came first. The mean does not depend on that choice (the sum of all leaving times
minus the sum of all coming times is the same for every pairing), percentiles would.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from metrica.dashboard.businessday import Calendar
from metrica.dashboard.events import HOUR, IN, SECOND, Events

MAX_DWELL = 4 * HOUR
"""Longer than this nobody stays in a shop: an IN without its OUT by then is a missed OUT, or a neighbour's door."""


@dataclass(frozen=True, slots=True)
class Session:
    """One stay, ns UTC."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Dwell:
    """The average stay of the sessions that ended today."""

    seconds: float
    sessions: int


def sessions(events: Events, max_dwell: int = MAX_DWELL) -> list[Session]:
    """Pair each OUT with the oldest IN that is still open; the events are those of one business day.

    An IN that stays open longer than `max_dwell` (ns) expires, an OUT without an open IN is ignored, and what
    is open at the end of the day is dropped: none of them makes a session.
    """
    waiting: deque[int] = deque()
    found: list[Session] = []
    for time, sign in zip(events.times.tolist(), events.signs.tolist(), strict=True):
        if sign == IN:
            waiting.append(time)
            continue
        while waiting and time - waiting[0] > max_dwell:
            waiting.popleft()
        if waiting:
            found.append(Session(waiting.popleft(), time))
    return found


def average_dwell(events: Events, calendar: Calendar, now: int, max_dwell: int = MAX_DWELL) -> Dwell | None:
    """The mean stay of today's finished sessions; None before the first of them."""
    start = calendar.start(calendar.day_of(now))
    found = sessions(events.between(start, now + 1), max_dwell)
    if not found:
        return None
    return Dwell(sum(s.end - s.start for s in found) / len(found) / SECOND, len(found))
