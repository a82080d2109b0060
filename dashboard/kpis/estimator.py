"""Estimates for one store at a moment: the people inside today, and their dwell.

Today's events are replayed once: each question continues where the last one ended.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from metrica.dashboard.kpis.business_day import Calendar
from metrica.dashboard.kpis.dwell import Dwell, dwell_today
from metrica.dashboard.kpis.events import SECOND, Events
from metrica.dashboard.kpis.gaps import STEP, Gap, UsualTraffic, half_hours, time_in_gaps
from metrica.dashboard.kpis.headcount import ErrorRates, Occupancy
from metrica.dashboard.kpis.history import Calibration
from metrica.dashboard.kpis.occupancy import DayContext, DayReplay, UnseenTraffic
from metrica.dashboard.kpis.store import Store


@dataclass(frozen=True, slots=True)
class TodayEstimate:
    """Today's people, and how sure that is."""

    occupancy: Occupancy
    """People inside now."""
    dwell: Dwell | None
    """How long people stay; None before the first visit has ended."""
    in_gap: bool
    """Whether no camera looks just now."""
    missing: int
    """For how long today a camera did not look, ns."""
    calibration: Calibration
    """What was assumed of the counter."""


class StoreEstimator:
    """Estimates for one store. It keeps today's replay; it makes answers faster, and never changes them."""

    def __init__(self) -> None:
        self._replay: tuple[object, DayReplay] | None = None

    @property
    def memory(self) -> int:
        """About how much memory the replay takes, bytes."""
        return self._replay[1].memory if self._replay is not None else 0

    def today(
        self,
        store: Store,
        events: Events,
        calendar: Calendar,
        now: int,
        calibration: Calibration,
        usual: UsualTraffic,
        gaps: Sequence[Gap],
        empty_times: Sequence[int] = (),
    ) -> TodayEstimate:
        """Estimate who is inside at `now`, and for how long people stay.

        events: of today at least. calibration: what past days have taught. gaps: of today at least.
        empty_times: when somebody marked the store as empty, ns UTC; the store's empty hour is added here.
        """
        start = calendar.start(calendar.day_of(now))
        gaps_today = [gap for gap in gaps if gap.end > start and gap.start < now]
        marked = {moment for moment in empty_times if start <= moment <= now}
        context = DayContext(
            tuple(sorted(marked | _empty_hour_today(store, calendar, now))),
            tuple(part for gap in gaps_today for part in _unseen_traffic(gap, usual, start, now)),
        )
        today = events.between(start, now + 1)
        if self._replay is None or self._replay[0] != (start, calibration):
            self._replay = (start, calibration), DayReplay(start, calibration)
        replay = self._replay[1]
        totals = replay.totals_at(today, now, context)
        return TodayEstimate(
            occupancy=totals.occupancy,
            dwell=dwell_today(today, replay, totals, calibration),
            in_gap=any(gap.whole and gap.end >= now for gap in gaps_today),
            missing=time_in_gaps(gaps_today, start, now),
            calibration=calibration,
        )


def measured_rates(store: Store) -> ErrorRates | None:
    """Return the error rates that metrica-eval measured for the store; None if nobody gave any."""
    if store.recall is None and store.precision is None:
        return None
    missed, extra = 1 - (store.recall or 1.0), 1 - (store.precision or 1.0)
    return ErrorRates(missed, missed, extra, extra)


def _empty_hour_today(store: Store, calendar: Calendar, now: int) -> set[int]:
    """Return the time of today's empty hour (ns UTC) if it has come, else nothing."""
    if store.empty_hour is None:
        return set()
    day = calendar.day_of(now)
    for local_date in (day, day + timedelta(days=1)):
        local = datetime.combine(local_date, time(store.empty_hour), ZoneInfo(store.timezone))
        moment = round(local.timestamp()) * SECOND
        if calendar.day_of(moment) == day:
            return {moment} if moment <= now else set()
    return set()


def _unseen_traffic(gap: Gap, usual: UsualTraffic, begin: int, now: int) -> list[UnseenTraffic]:
    """Return what the head count assumes of a gap of today: as many people come in as usual at that time.

    Each half hour has a rate of its own, which does not depend on `now`: so while a gap lasts, what was computed for
    its past stays. If some cameras look, half of the traffic is taken to be seen.

    begin: when the business day began, ns UTC.
    """
    seen_share = 0.0 if gap.whole else 0.5
    parts: list[UnseenTraffic] = []
    for step, start, end in half_hours(max(gap.start, begin), gap.end):
        # A gap that lasts up to now has no end yet.
        until = step + STEP if gap.end >= now else end
        parts.append(UnseenTraffic(start, until, seen_share, (1 - seen_share) * usual.people_per_second(step)))
    return parts
