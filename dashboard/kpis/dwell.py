"""How long people stay on average today: person-seconds over visits, and percentiles of the sessions.

The mean is not that of the sessions. Little's law needs no pairing of INs with OUTs, and the person-seconds come from
a filter that allows for missed crossings. docs/kpis.md has the errors of both.
"""

from __future__ import annotations

from dataclasses import dataclass

from metrica.dashboard.kpis.events import Events
from metrica.dashboard.kpis.history import Calibration
from metrica.dashboard.kpis.occupancy import DayReplay, DayTotals
from metrica.dashboard.kpis.sessions import MAX_DWELL, DwellPercentiles, fifo_sessions, percentiles


@dataclass(frozen=True, slots=True)
class Dwell:
    """The dwell of the visits that ended today."""

    seconds: float
    """The mean."""
    sessions: int
    """How many sessions (an IN paired with an OUT) today's events make."""
    percentiles: DwellPercentiles | None
    """Estimates, because it is not known which OUT belongs to which IN; None for few sessions."""


def dwell_today(today: Events, replay: DayReplay, totals: DayTotals, calibration: Calibration) -> Dwell | None:
    """Return today's dwell; None before the first session has ended.

    replay: has processed exactly the events of `today`; totals: what it returned.
    """
    sessions = fifo_sessions(today, MAX_DWELL, replay.people_after_events)
    seconds = totals.mean_dwell(calibration)
    if not sessions or seconds is None:
        return None
    return Dwell(seconds, len(sessions), percentiles(sessions))
