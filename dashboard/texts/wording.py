"""Figures as text for the pages: 12 min, 17:00 – 18:00, 2 hours ago."""

from __future__ import annotations

from datetime import date, datetime

from metrica.dashboard.kpis.dwell import Dwell
from metrica.dashboard.kpis.events import HOUR, MINUTE
from metrica.dashboard.kpis.footfall import Peak
from metrica.dashboard.kpis.headcount import Occupancy
from metrica.dashboard.texts.texts import Texts

DAY = 24 * HOUR


def number(value: int, t: Texts) -> str:
    """A number with separators between the thousands."""
    return t.number(value)


def margin(occupancy: Occupancy, t: Texts) -> str:
    """± 2, or nothing for a margin of zero."""
    return t("margin", n=number(occupancy.margin, t)) if occupancy.margin else ""


def dwell_note(dwell: Dwell | None, t: Texts) -> str:
    """The number of visits that the average is made of, and the median, marked as an estimate."""
    if dwell is None:
        return t("dwell_empty")
    parts = [t.many("dwell_note", dwell.sessions)]
    if dwell.percentiles is not None:
        parts.append(t("dwell_half", stay=duration(dwell.percentiles.p50, t)))
    return " · ".join(parts)


def duration(seconds: float, t: Texts) -> str:
    """A duration: in seconds below a minute, in minutes below an hour, else in hours and minutes."""
    if seconds < 60:
        return t("seconds_value", n=round(seconds))
    minutes = round(seconds / 60)
    if minutes < 60:
        return t("minutes_value", n=minutes)
    return t("hours_value", hours=minutes // 60, minutes=minutes % 60)


def hour_span(hour: int, t: Texts) -> str:
    """A clock hour (0 to 23) from its beginning to its end: 17:00 – 18:00."""
    return t("hour_span", start=hour, end=(hour + 1) % 24)


def age(last: int | None, now: int, t: Texts) -> str:
    """How long ago the last event was. last, now: ns UTC; last is None before the first event."""
    if last is None:
        return t("last_event_never")
    past = max(0, now - last)
    if past < MINUTE:
        return t("last_event_now")
    if past < HOUR:
        return t.many("last_event_minutes", past // MINUTE)
    if past < 2 * DAY:
        return t.many("last_event_hours", past // HOUR)
    return t.many("last_event_days", past // DAY)


def freshness(last: int | None, now: int) -> str:
    """The CSS class of the dot beside the age: `live` (under 30 minutes), `quiet`, or `silent` (over a day)."""
    if last is None or now - last > DAY:
        return "silent"
    return "live" if now - last < 30 * MINUTE else "quiet"


def date_long(day: date, t: Texts) -> str:
    """Sunday 22 November."""
    return t("date_long", weekday=weekday(day, t), day=day.day, month=t.item("months", day.month - 1))


def date_short(day: date, t: Texts) -> str:
    """Sun 22 Nov."""
    short = t.item("weekdays_short", day.weekday())
    return t("date_short", weekday=short, day=day.day, month=t.item("months_short", day.month - 1))


def date_tick(day: date, t: Texts) -> str:
    """22 Nov."""
    return t("date_tick", day=day.day, month=t.item("months_short", day.month - 1))


def weekday(day: date, t: Texts) -> str:
    """Sunday."""
    return t.item("weekdays", day.weekday())


def clock(moment: datetime, t: Texts) -> str:
    """17:05."""
    return t("clock", hour=moment.hour, minute=moment.minute)


def comparison(entered: int, last_week: int | None, day: date, t: Texts) -> tuple[str, str]:
    """Today's visitors compared with last week's up to the same time, and a CSS class: `up`, `down` or empty.

    last_week: None if there is nothing to compare with; both texts are then empty.
    """
    name = weekday(day, t)
    if last_week is None:
        return "", ""
    if last_week == 0:
        return (t("none_last_week", weekday=name), "up") if entered else (t("same_as_last_week", weekday=name), "")
    percent = round(100 * (entered - last_week) / last_week)
    if percent > 0:
        return t("more_than_last_week", percent=number(percent, t), weekday=name), "up"
    if percent < 0:
        return t("less_than_last_week", percent=-percent, weekday=name), "down"
    return t("same_as_last_week", weekday=name), ""


def peak_note(peak: Peak | None, usual: Peak | None, t: Texts) -> str:
    """The visitors of the busiest hour, and the hour that usually is the busiest on this weekday."""
    parts = [t.many("peak_note", round(peak.visitors)) if peak else t("peak_empty")]
    if usual:
        parts.append(t("peak_usual", span=hour_span(usual.hour, t)))
    return " · ".join(parts)
