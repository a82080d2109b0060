"""Figures as people say them: 12 min, 17:00 – 18:00, two hours ago."""

from __future__ import annotations

from datetime import date, datetime

from metrica.dashboard.kpis.dwell import Dwell
from metrica.dashboard.kpis.events import HOUR, MINUTE
from metrica.dashboard.kpis.footfall import Peak
from metrica.dashboard.kpis.headcount import Inside
from metrica.dashboard.web.texts import Texts

DAY = 24 * HOUR


def number(value: int, t: Texts) -> str:
    """With separators between the thousands."""
    return t.number(value)


def margin(inside: Inside, t: Texts) -> str:
    """± 2, or nothing where there is no doubt."""
    return t("margin", n=number(inside.margin, t)) if inside.margin else ""


def dwell_note(dwell: Dwell | None, t: Texts) -> str:
    """Of how many visits the average is, and the percentiles, marked as estimates."""
    if dwell is None:
        return t("dwell_empty")
    parts = [t.many("dwell_note", dwell.sessions)]
    if dwell.percentiles is not None:
        parts.append(t("dwell_half", stay=duration(dwell.percentiles.half, t)))
    return " · ".join(parts)


def duration(seconds: float, t: Texts) -> str:
    """As precise as it is of interest: seconds below a minute, minutes below an hour."""
    if seconds < 60:
        return t("seconds_value", n=round(seconds))
    minutes = round(seconds / 60)
    if minutes < 60:
        return t("minutes_value", n=minutes)
    return t("hours_value", hours=minutes // 60, minutes=minutes % 60)


def hour_span(hour: int, t: Texts) -> str:
    """A clock hour from its beginning to its end."""
    return t("hour_span", start=hour, end=(hour + 1) % 24)


def age(last: int | None, now: int, t: Texts) -> str:
    """How long ago the last event was, both ns UTC."""
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
    """`live`, `quiet` or `silent`: a class name for the dot beside the age."""
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
    return t.item("weekdays", day.weekday())


def clock(moment: datetime, t: Texts) -> str:
    return t("clock", hour=moment.hour, minute=moment.minute)


def comparison(entered: int, last_week: int | None, day: date, t: Texts) -> tuple[str, str]:
    """Today's visitors against last week's by now, and a class name: `up`, `down` or empty."""
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
    """How many visitors the busiest hour had, and which hour usually is it."""
    parts = [t.many("peak_note", round(peak.visitors)) if peak else t("peak_empty")]
    if usual:
        parts.append(t("peak_usual", span=hour_span(usual.hour, t)))
    return " · ".join(parts)
