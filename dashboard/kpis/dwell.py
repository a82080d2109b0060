"""How long people stay on average today: person-seconds over visits, with the percentiles of the sessions beside it.

The mean is not that of the sessions: Little's law needs no pairing, and the person-seconds come from a filter that
knows of missed crossings. docs/kpis.md has the errors of both.
"""

from __future__ import annotations

from dataclasses import dataclass

from metrica.dashboard.kpis.events import Events
from metrica.dashboard.kpis.history import Learned
from metrica.dashboard.kpis.occupancy import DayOfPeople, DayWalk
from metrica.dashboard.kpis.sessions import MAX_DWELL, Percentiles, fifo_sessions, percentiles


@dataclass(frozen=True, slots=True)
class Dwell:
    """The average stay of the visits that ended today."""

    seconds: float
    sessions: int
    """How many sessions today's events make."""
    percentiles: Percentiles | None
    """Estimates: they depend on who is taken to be who."""


def dwell_of(today: Events, day: DayOfPeople, walk: DayWalk, learned: Learned) -> Dwell | None:
    """The stay, after `walk` has come to `day` over today's events; None before the first session has ended."""
    found = fifo_sessions(today, MAX_DWELL, walk.people)
    seconds = day.stay(learned)
    if not found or seconds is None:
        return None
    return Dwell(seconds, len(found), percentiles(found))
