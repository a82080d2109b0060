"""Estimates for one store at a moment: the gaps of its cameras, the people inside today, and their dwell.

Past days are evaluated once and today's events are replayed once: each question continues where the last one ended.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from metrica.dashboard.kpis.business_day import Calendar
from metrica.dashboard.kpis.coverage import Coverage
from metrica.dashboard.kpis.dwell import Dwell, dwell_today
from metrica.dashboard.kpis.events import HOUR, SECOND, Events
from metrica.dashboard.kpis.gaps import (
    STEP,
    Gap,
    UsualTraffic,
    gaps_in_coverage,
    gaps_in_silence,
    time_in_gaps,
)
from metrica.dashboard.kpis.headcount import ErrorRates, Occupancy
from metrica.dashboard.kpis.history import Calibration, calibrate, past_days
from metrica.dashboard.kpis.occupancy import DayContext, DayReplay, UnseenTraffic
from metrica.dashboard.kpis.store import Store

LOOK_BACK = 35
"""For how many business days before today gaps are looked for."""

_LOOK_BACK = timedelta(days=LOOK_BACK)
_WEEKS_COMPARED = 4 * 7 * 24 * HOUR + HOUR  # how far back the silences of a day depend on events; an hour for clocks


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
    """Estimates for one store. It keeps intermediate results; they make answers faster, and never change them."""

    def __init__(self) -> None:
        self._silences: dict[date, tuple[object, list[Gap]]] = {}
        self._calibration: tuple[object, Calibration] | None = None
        self._replay: tuple[object, DayReplay] | None = None
        self._usual: tuple[object, UsualTraffic] | None = None

    @property
    def memory(self) -> int:
        """About how much memory the intermediate results take, bytes."""
        return self._replay[1].memory if self._replay is not None else 0

    def gaps(self, events: Events, calendar: Calendar, now: int, first: int | None, coverage: Coverage) -> list[Gap]:
        """Return the gaps of the last `LOOK_BACK` business days and of today up to `now`, the oldest first.

        Where there is coverage, those before the first event too.
        first: the time of the first event of the store's history, ns UTC.
        coverage: empty for a store whose boxes send none.
        """
        today = calendar.day_of(now)
        if coverage:
            start = calendar.start(today - _LOOK_BACK)
            # One before the first event stays, however old: until then the looks of a camera are all that is known.
            recent = [
                gap for gap in gaps_in_coverage(coverage, now) if gap.end > start or first is None or gap.start < first
            ]
            return self._usual_traffic(events, calendar, today, first).in_busy_hours(recent)
        if first is None:
            return []
        found: list[Gap] = []
        kept: dict[date, tuple[object, list[Gap]]] = {}
        for back in range(LOOK_BACK, -1, -1):
            day = today - timedelta(days=back)
            start, end = calendar.bounds(day)
            if end <= first:
                continue
            key = (calendar, first, len(events.between(start - _WEEKS_COMPARED, end)), back == 0 and now)
            if day not in self._silences or self._silences[day][0] != key:
                begin = max(start, first)
                self._silences[day] = key, gaps_in_silence(events, calendar, begin, min(end, now), first)
            kept[day] = self._silences[day]
            found += kept[day][1]
        self._silences = kept
        return found

    def today(
        self,
        store: Store,
        events: Events,
        calendar: Calendar,
        now: int,
        first: int | None,
        gaps: Sequence[Gap],
        empty_times: Sequence[int] = (),
    ) -> TodayEstimate:
        """Estimate who is inside at `now`, and for how long people stay.

        first: the time of the first event of the store's history, ns UTC. gaps: as `gaps` returns them.
        empty_times: when somebody marked the store as empty, ns UTC; the store's empty hour is added here.
        """
        start = calendar.start(calendar.day_of(now))
        calibration = self._calibrate(store, events, calendar, now, gaps)
        usual = self._usual_traffic(events, calendar, calendar.day_of(now), first)
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

    def _calibrate(
        self, store: Store, events: Events, calendar: Calendar, now: int, gaps: Sequence[Gap]
    ) -> Calibration:
        """Return the calibration from past days; it is computed once per day, and again when late events arrive."""
        day = calendar.day_of(now)
        past_gaps = tuple(gap for gap in gaps if gap.start < calendar.start(day))
        key = (store, day, past_gaps, len(events.between(0, calendar.start(day))))
        if self._calibration is None or self._calibration[0] != key:
            days = past_days(events, calendar, now, past_gaps)
            self._calibration = key, calibrate(days, measured_rates(store))
        return self._calibration[1]

    def _usual_traffic(self, events: Events, calendar: Calendar, today: date, first: int | None) -> UsualTraffic:
        """Return what is usual up to today; it is looked up again each day, and when late events arrive."""
        key = (calendar, today, first, len(events.between(0, calendar.start(today))))
        if self._usual is None or self._usual[0] != key:
            self._usual = key, UsualTraffic(events, calendar, first)
        return self._usual[1]


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
    skipped = max(0, begin - gap.start) // STEP * STEP
    parts: list[UnseenTraffic] = []
    for start in range(gap.start + skipped, gap.end, STEP):
        # A gap that lasts up to now has no end yet.
        end = start + STEP if gap.end >= now else min(start + STEP, gap.end)
        parts.append(UnseenTraffic(start, end, seen_share, (1 - seen_share) * usual.people_per_second(start)))
    return parts
