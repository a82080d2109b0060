"""When a store is open: by weekday, on single days, and in Ramadan. A span may pass midnight; a siesta makes two.

The hours of a day are those that begin on it: what is open on Friday from 20:00 to 02:00 closes on Saturday.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from metrica.dashboard.kpis.ramadan import is_ramadan

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
"""The weekdays by their number, Monday first."""
MOST_SPANS = 6
"""Most spans of one day."""
MOST_DAYS = 1000
"""Most single days that have hours of their own."""

_SPAN = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-4]):([0-5]\d)")
_DAY = 24 * 60  # minutes

Week = tuple[tuple["OpenSpan", ...], ...]
"""The spans of each weekday, Monday first."""


@dataclass(frozen=True, slots=True, order=True)
class OpenSpan:
    """A time in which the store is open, in minutes of local time after the midnight at which its day begins."""

    start: int
    """0 to 1439."""
    end: int
    """After `start`; more than 1440 if it is after midnight, 2879 at most."""

    @classmethod
    def of(cls, text: str) -> OpenSpan:
        """Read a span such as 09:00-13:00, 20:00-02:00 (until the next day) or 00:00-24:00. Raises ValueError."""
        found = _SPAN.fullmatch(text)
        if found is None:
            raise ValueError(f"{text!r} is no time of opening: write it like 09:00-18:30")
        first, last = (60 * int(found[n]) + int(found[n + 1]) for n in (1, 3))
        if last > _DAY:
            raise ValueError(f"{text!r} ends after 24:00: write the time of the next day, like 20:00-02:00")
        if first == last:
            raise ValueError(f"{text!r} is open for no time: for a whole day write 00:00-24:00")
        return cls(first, last if last > first else last + _DAY)

    def __str__(self) -> str:
        end = self.end if self.end <= _DAY else self.end - _DAY
        return f"{self.start // 60:02}:{self.start % 60:02}-{end // 60:02}:{end % 60:02}"


@dataclass(frozen=True, slots=True)
class OpeningHours:
    """When a store is open. Raises ValueError, as one sentence, for hours that cannot be."""

    week: Week
    """The usual hours."""
    exceptions: Mapping[date, tuple[OpenSpan, ...]] = field(default_factory=dict[date, tuple[OpenSpan, ...]])
    """Single days with other hours; without a span the store is closed."""
    ramadan: Week | None = None
    """The hours in Ramadan; None: as usual."""
    ramadan_dates: tuple[tuple[date, date], ...] = ()
    """First and last day of Ramadan as it was announced; in other years, as it is computed."""

    def __post_init__(self) -> None:
        _check_week(self.week, "")
        if self.ramadan is not None:
            _check_week(self.ramadan, " in Ramadan")
        if len(self.exceptions) > MOST_DAYS:
            raise ValueError(f"{len(self.exceptions)} single days are too many: give at most {MOST_DAYS}")
        for day, spans in self.exceptions.items():
            _check_day(spans, str(day))
        for first, last in self.ramadan_dates:
            if not 28 <= (last - first).days + 1 <= 31:
                raise ValueError(f"Ramadan cannot be from {first} to {last}: it has 29 or 30 days")

    def on(self, day: date) -> tuple[OpenSpan, ...]:
        """Return the spans that begin on a day, in order; none if the store is closed."""
        if day in self.exceptions:
            return self.exceptions[day]
        fasting = self.ramadan is not None and is_ramadan(day, self.ramadan_dates)
        week = self.ramadan if fasting and self.ramadan is not None else self.week
        return week[day.weekday()]

    def between(self, first: date, last: date, timezone: str) -> list[tuple[datetime, datetime]]:
        """Return from when to when the store is open on the days from `first` to `last`, with the UTC offset."""
        zone, day, found = ZoneInfo(timezone), first, list[tuple[datetime, datetime]]()
        while day <= last:
            midnight = datetime(day.year, day.month, day.day, tzinfo=zone)
            # Added to local time, so that 09:00 is 09:00 on the day on which the clocks change too.
            found += [
                (midnight + timedelta(minutes=span.start), midnight + timedelta(minutes=span.end))
                for span in self.on(day)
            ]
            day += timedelta(days=1)
        return found

    def is_open(self, moment: datetime, timezone: str) -> bool:
        """Whether the store is open at a moment, which has a UTC offset."""
        local = moment.astimezone(ZoneInfo(timezone))
        today = local.date()
        return any(
            start.timestamp() <= local.timestamp() < end.timestamp()
            for start, end in self.between(today - timedelta(days=1), today, timezone)
        )

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> OpeningHours:
        """Read hours as they are kept and sent, see `as_document`. Raises ValueError, as one sentence."""
        unknown = set(document) - {"weekdays", "exceptions", "ramadan", "ramadan_dates"}
        if unknown:
            raise ValueError(f"opening hours have no {sorted(unknown)[0]!r}: give weekdays, exceptions or ramadan")
        ramadan, exceptions = document.get("ramadan"), document.get("exceptions") or {}
        if not isinstance(exceptions, Mapping):
            raise ValueError("single days are given by date, such as {'2026-12-25': []}")
        single: Mapping[Any, Any] = exceptions
        return cls(
            _week(document.get("weekdays") or {}),
            {_date(day): _spans(spans) for day, spans in single.items()},
            None if ramadan is None else _week(ramadan),
            _periods(document.get("ramadan_dates") or ()),
        )

    def as_document(self) -> dict[str, Any]:
        """Return the hours as they are kept and sent: dicts, lists and texts only."""
        made: dict[str, Any] = {"weekdays": _as_week(self.week)}
        if self.exceptions:
            made["exceptions"] = {str(day): [str(s) for s in spans] for day, spans in sorted(self.exceptions.items())}
        if self.ramadan is not None:
            made["ramadan"] = _as_week(self.ramadan)
        if self.ramadan_dates:
            made["ramadan_dates"] = [[str(first), str(last)] for first, last in sorted(self.ramadan_dates)]
        return made


def _check_week(week: Week, when: str) -> None:
    for name, spans in zip(WEEKDAYS, week, strict=True):
        _check_day(spans, f"{name.capitalize()}{when}")
    for number, spans in enumerate(week):
        after = (number + 1) % 7
        if spans and week[after] and spans[-1].end > week[after][0].start + _DAY:
            raise ValueError(
                f"{WEEKDAYS[number].capitalize()}'s {spans[-1]} goes on after {week[after][0]} of"
                f" {WEEKDAYS[after].capitalize()} has begun{when}: let it end before"
            )


def _check_day(spans: Sequence[OpenSpan], day: str) -> None:
    if len(spans) > MOST_SPANS:
        raise ValueError(f"{day} has {len(spans)} times of opening: give at most {MOST_SPANS}")
    for before, after in itertools.pairwise(spans):
        if before.end > after.start:
            raise ValueError(f"the times {before} and {after} of {day} overlap: join them, or let one end earlier")


def _week(document: object) -> Week:
    if not isinstance(document, Mapping):
        raise ValueError("the hours of a week are given by weekday, such as {'monday': ['09:00-18:00']}")
    days: Mapping[Any, Any] = document
    for name in days:
        if name not in WEEKDAYS:
            raise ValueError(f"{name!r} is no weekday: use {', '.join(WEEKDAYS)}")
    return tuple(_spans(days.get(name) or ()) for name in WEEKDAYS)


def _spans(given: object) -> tuple[OpenSpan, ...]:
    if not isinstance(given, Sequence) or isinstance(given, str):
        raise ValueError(f"{given!r} is no list of times of opening: write them like ['09:00-13:00', '16:00-20:00']")
    listed: Sequence[Any] = given
    return tuple(sorted(OpenSpan.of(str(text)) for text in listed))


def _date(text: object) -> date:
    try:
        return date.fromisoformat(str(text))
    except ValueError:
        raise ValueError(f"{text!r} is no date: write it like 2026-12-25") from None


def _periods(given: object) -> tuple[tuple[date, date], ...]:
    pairs: list[Any] = list(given) if isinstance(given, list | tuple) else [given]
    for pair in pairs:
        if not isinstance(pair, list | tuple) or len(list[Any](pair)) != 2:
            raise ValueError(
                f"{pair!r} is not first and last day of Ramadan: write them like ['2026-02-19', '2026-03-19']"
            )
    return tuple((_date(pair[0]), _date(pair[1])) for pair in pairs)


def _as_week(week: Week) -> dict[str, list[str]]:
    return {name: [str(span) for span in spans] for name, spans in zip(WEEKDAYS, week, strict=True) if spans}
