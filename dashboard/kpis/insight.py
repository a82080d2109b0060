"""What is known of a store at a moment: where its cameras did not look, what past days taught, and today's people.

Past days are looked at once, and today's events are walked through once: each question continues where the last ended.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from metrica.dashboard.kpis.business_day import Calendar
from metrica.dashboard.kpis.coverage import Coverage
from metrica.dashboard.kpis.dwell import Dwell, dwell_of
from metrica.dashboard.kpis.events import HOUR, SECOND, Events
from metrica.dashboard.kpis.gaps import Gap, gaps_in_coverage, gaps_in_silence, in_busy_hours, missing, usual
from metrica.dashboard.kpis.headcount import ErrorRates, Inside
from metrica.dashboard.kpis.history import Learned, learn, past_days
from metrica.dashboard.kpis.occupancy import Blind, DayWalk, Marks
from metrica.dashboard.kpis.store import Store

LOOK_BACK = 35
"""Business days whose gaps are looked for."""


@dataclass(frozen=True, slots=True)
class People:
    """Today's people, and how sure that is."""

    inside: Inside
    dwell: Dwell | None
    blind: bool
    """Just now no camera looks."""
    missing: int
    """For how long today a camera did not look, ns."""
    learned: Learned


@dataclass(slots=True)
class _Walk:
    key: object
    events: Events
    walk: DayWalk


class Insight:
    """Of one store. Its answers do not depend on what was asked before, only how fast they come."""

    def __init__(self) -> None:
        self._gaps: dict[date, tuple[object, list[Gap]]] = {}
        self._learned: tuple[object, Learned] | None = None
        self._walk: _Walk | None = None

    def gaps(self, events: Events, calendar: Calendar, now: int, first: int | None, coverage: Coverage) -> list[Gap]:
        """The gaps of the last `LOOK_BACK` business days and of today up to now, the oldest first."""
        today = calendar.day_of(now)
        if coverage:
            between = [gap for gap in gaps_in_coverage(coverage, now) if gap.end > calendar.start(today - _BACK)]
            return in_busy_hours(between, events, calendar, first)
        if first is None:
            return []
        found: list[Gap] = []
        kept: dict[date, tuple[object, list[Gap]]] = {}
        for back in range(LOOK_BACK, -1, -1):
            day = today - timedelta(days=back)
            start, end = calendar.bounds(day)
            if end <= first:
                continue
            key = (calendar, first, len(events.between(start - _SEEN, end)), back == 0 and now)
            if day not in self._gaps or self._gaps[day][0] != key:
                begin = max(start, first)
                self._gaps[day] = key, gaps_in_silence(events, calendar, begin, min(end, now), first)
            kept[day] = self._gaps[day]
            found += kept[day][1]
        self._gaps = kept
        return found

    def people(
        self, store: Store, events: Events, calendar: Calendar, now: int, gaps: Sequence[Gap], said: Sequence[int]
    ) -> People:
        """Who is inside, and for how long people stay; `said`: when somebody said that the shop is empty, ns UTC."""
        start = calendar.start(calendar.day_of(now))
        learned = self._learn(store, events, calendar, now, gaps)
        here = [gap for gap in gaps if gap.end > start and gap.start < now]
        marks = Marks(
            tuple(sorted({t for t in said if start <= t <= now} | _empty_hour(store, calendar, now))),
            tuple(_blind(gap, events, calendar, now) for gap in here),
        )
        today = events.between(start, now + 1)
        walk = self._walked(start, learned, marks, today)
        day = walk.ask(today, now)
        self._walk = _Walk((start, learned, marks), today, walk)
        return People(
            inside=day.inside,
            dwell=dwell_of(today, day, walk, learned),
            blind=any(gap.whole and gap.end >= now for gap in here),
            missing=missing(here, start, now),
            learned=learned,
        )

    def _learn(self, store: Store, events: Events, calendar: Calendar, now: int, gaps: Sequence[Gap]) -> Learned:
        day = calendar.day_of(now)
        past = tuple(gap for gap in gaps if gap.start < calendar.start(day))
        key = (store, day, past, len(events.between(0, calendar.start(day))))
        if self._learned is None or self._learned[0] != key:
            self._learned = key, learn(past_days(events, calendar, now, past), measured(store))
        return self._learned[1]

    def _walked(self, start: int, learned: Learned, marks: Marks, today: Events) -> DayWalk:
        """The walk of the last question if today only went on since, else a new one."""
        last = self._walk
        if last is not None and last.key == (start, learned, marks) and today.begins_with(last.events):
            return last.walk
        return DayWalk(start, learned, marks)


_BACK = timedelta(days=LOOK_BACK)
_SEEN = 4 * 7 * 24 * HOUR + HOUR


def measured(store: Store) -> ErrorRates | None:
    """The store's error rates, if somebody measured them with metrica-eval."""
    if store.recall is None and store.precision is None:
        return None
    missed, extra = 1 - (store.recall or 1.0), 1 - (store.precision or 1.0)
    return ErrorRates(missed, missed, extra, extra)


def _empty_hour(store: Store, calendar: Calendar, now: int) -> set[int]:
    """Today's empty hour, if it has come."""
    if store.empty_hour is None:
        return set()
    day = calendar.day_of(now)
    for date_ in (day, day + timedelta(days=1)):
        local = datetime.combine(date_, time(store.empty_hour), ZoneInfo(store.timezone))
        moment = round(local.timestamp()) * SECOND
        if calendar.day_of(moment) == day:
            return {moment} if moment <= now else set()
    return set()


def _blind(gap: Gap, events: Events, calendar: Calendar, now: int) -> Blind:
    """A gap of today as the head count takes it: so many as usual come in unseen."""
    end = 1 << 62 if gap.end >= now else gap.end
    counts = usual(events, calendar, gap.start, gap.end, int(events.times[0])) if len(events) else []
    seconds = max((gap.end - gap.start) / SECOND, 1.0)
    per_second = sum(counts) / len(counts) / 2 / seconds if counts else 0.0
    share = 0.0 if gap.whole else 0.5
    return Blind(gap.start, end, share, (1 - share) * per_second)
