"""The options of `metrica-admin store` for what is known of a store beside what its figures depend on."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from typing import Any

from metrica.dashboard.kpis.hours import WEEKDAYS
from metrica.dashboard.people.details import StoreDetails
from metrica.dashboard.people.details_table import as_document

NONE = "none"
"""The word that takes a setting back."""

_SPANS = "FROM-TO …"


def add_details(parser: argparse.ArgumentParser) -> None:
    """Add the options. Each takes the word "none" too."""
    parser.add_argument("--name", help="what people call the store, or 'none'")
    parser.add_argument("--address", help="its address, or 'none'")
    parser.add_argument("--country", metavar="CODE", help="its country in ISO 3166, such as TN, or 'none'")
    parser.add_argument("--currency", metavar="CODE", help="its currency in ISO 4217, such as TND, or 'none'")
    parser.add_argument("--floor-area", type=_number(float), metavar="M2", help="its floor in square metres, or 'none'")
    parser.add_argument("--capacity", type=_number(int), metavar="PEOPLE", help="the most people inside, or 'none'")
    parser.add_argument("--tag", action="append", help="a word by which it is found; again for more, or 'none'")
    parser.add_argument("--group", action="append", help="a group that it is counted in; again for more, or 'none'")
    parser.add_argument(
        "--open",
        action="append",
        metavar=f"DAYS {_SPANS}",
        help="its week, such as 'monday-friday 09:00-13:00 16:00-20:00'",
    )
    parser.add_argument(
        "--open-on", action="append", metavar=f"DATE {_SPANS}", help="a single day, such as '2026-12-25 closed'"
    )
    parser.add_argument(
        "--open-in-ramadan", action="append", metavar=f"DAYS {_SPANS}", help="its week in Ramadan, as for --open"
    )
    parser.add_argument(
        "--ramadan", action="append", metavar="FIRST..LAST", help="when Ramadan is in a year, if not as computed"
    )


def given_details(args: argparse.Namespace, present: StoreDetails) -> dict[str, Any]:
    """Return the details that the options change. present: those so far, of whose hours the others stay.

    Raises ValueError, as one sentence.
    """
    plain = ("name", "address", "country", "currency", "floor_area", "capacity")
    made = {name: _or_none(value) for name in plain if (value := getattr(args, name)) is not None}
    for option, name in (("tag", "tags"), ("group", "groups")):
        if (labels := getattr(args, option)) is not None:
            made[name] = [] if labels == [NONE] else labels
    hours = _given_hours(args, present)
    return made | ({"hours": hours} if hours is not None else {})


def described(details: StoreDetails) -> list[str]:
    """Return the details that are known, a line for each."""
    document = as_document(details)
    hours = document.pop("hours")
    lines = [f"{name}\t{_as_text(value)}" for name, value in document.items() if value not in (None, "", [])]
    if hours is None:
        return lines
    for title, week in (("open", hours["weekdays"]), ("open in ramadan", hours.get("ramadan") or {})):
        lines += [f"{title}\t{day} {' '.join(spans)}" for day, spans in week.items()]
    lines += [f"open on\t{day} {' '.join(spans) or 'closed'}" for day, spans in hours.get("exceptions", {}).items()]
    return lines + [f"ramadan\t{first}..{last}" for first, last in hours.get("ramadan_dates", ())]


def _given_hours(args: argparse.Namespace, present: StoreDetails) -> dict[str, Any] | None:
    """Return all opening hours with those that the options change; None if they change none."""
    readers: dict[str, tuple[str, Callable[[list[str]], Any]]] = {
        "open": ("weekdays", _week),
        "open_on": ("exceptions", lambda texts: dict(_split(text) for text in texts)),
        "open_in_ramadan": ("ramadan", _week),
        "ramadan": ("ramadan_dates", lambda texts: [_period(text) for text in texts]),
    }
    changes = {option: texts for option in readers if (texts := getattr(args, option)) is not None}
    if not changes:
        return None
    made: dict[str, Any] = present.hours.as_document() if present.hours is not None else {}
    for option, texts in changes.items():
        key, read = readers[option]
        if texts == [NONE]:
            made.pop(key, None)
        elif option == "open_on":
            made[key] = made.get(key, {}) | read(texts)
        elif option == "ramadan":
            made[key] = made.get(key, []) + read(texts)
        else:
            made[key] = read(texts)
    return made


def _week(texts: list[str]) -> dict[str, list[str]]:
    week: dict[str, list[str]] = {}
    for text in texts:
        days, spans = _split(text)
        for name in _weekdays(days):
            if name in week:
                raise ValueError(f"{name.capitalize()} is given twice: give all its times together")
            week[name] = spans
    return week


def _weekdays(text: str) -> list[str]:
    """Return the weekdays of a text such as monday-friday, or saturday,sunday."""
    found: list[str] = []
    for part in text.lower().split(","):
        first, _, last = part.partition("-")
        for name in (first, last or first):
            if name not in WEEKDAYS:
                raise ValueError(f"{name!r} is no weekday: use {', '.join(WEEKDAYS)}")
        begin, end = WEEKDAYS.index(first), WEEKDAYS.index(last or first)
        found += [WEEKDAYS[n % 7] for n in range(begin, (end if end >= begin else end + 7) + 1)]
    return found


def _split(text: str) -> tuple[str, list[str]]:
    """Return the days and the times of a text such as 'sunday 10:00-13:00'; no times for 'sunday closed'."""
    first, _, rest = text.strip().partition(" ")
    spans = rest.split()
    if not spans:
        raise ValueError(f"{text!r} has no times: write them like '09:00-13:00 16:00-20:00', or 'closed'")
    return first, [] if spans == ["closed"] else spans


def _period(text: str) -> list[str]:
    first, dots, last = text.partition("..")
    if not dots:
        raise ValueError(f"{text!r} is not first and last day: write them like 2027-02-08..2027-03-09")
    return [first, last]


def _or_none(value: Any) -> Any:
    return None if value == NONE else value


def _as_text(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(str(each) for each in value)
    return json.dumps(value, ensure_ascii=False) if "\n" in str(value) else str(value)


def _number(kind: type[int] | type[float]) -> Any:
    def read(text: str) -> int | float | str:
        return NONE if text == NONE else kind(text)

    read.__name__ = "number"  # argparse says "invalid number value: ..."
    return read
