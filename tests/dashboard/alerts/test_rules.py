"""Each rule, with what is known of a store made by hand; in several rounds, each alert begins once and ends once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrica.dashboard.alerts.alert import Alert, Finding, Key, changes
from metrica.dashboard.alerts.rules import (
    DAY,
    HOUR,
    SECOND,
    BoxSeen,
    Counted,
    Ending,
    StoreSeen,
    of_endings,
    of_store,
)

MINUTE = 60 * SECOND
NOW = 1_795_345_200 * SECOND
GB = 10**9


def box(**what: Any) -> BoxSeen:
    usual: dict[str, Any] = {
        "box": "box-1",
        "first_heard": NOW - 30 * DAY,
        "heard": NOW - 20 * SECOND,
        "looked": {"door": NOW - 25 * SECOND},
        "disk_free": 20 * GB,
        "disk_total": 32 * GB,
    }
    return BoxSeen(**{**usual, **what})


def seen(*boxes: BoxSeen, open_since: int | None = NOW - 3 * HOUR, **what: Any) -> StoreSeen:
    usual: dict[str, Any] = {"boxes": boxes, "uploaded": NOW - MINUTE, "open_since": lambda: open_since}
    return StoreSeen("s", **{**usual, **what})


def found(it: StoreSeen, listening: int = 0) -> list[tuple[str, str, bool]]:
    return [(f.alert.kind, f.alert.subject, f.begins) for f in of_store(it, NOW, listening)]


def test_of_a_store_that_is_well_nothing_is_said() -> None:
    assert found(seen(box())) == []
    assert found(seen()) == []
    assert found(StoreSeen("new")) == []


# A camera has not looked for five minutes in opening hours.


@pytest.mark.parametrize(
    ("looked", "open_since", "expected"),
    [
        (NOW - 4 * MINUTE, NOW - 3 * HOUR, []),
        (NOW - 6 * MINUTE, NOW - 3 * HOUR, [("camera_blind", "door", True)]),
        (NOW - 9 * HOUR, NOW - 3 * MINUTE, [("camera_blind", "door", False)]),
        (NOW - 9 * HOUR, NOW - 6 * MINUTE, [("camera_blind", "door", True)]),
        (NOW - 9 * HOUR, None, [("camera_blind", "door", False)]),
    ],
)
def test_a_camera_that_does_not_look(looked: int, open_since: int | None, expected: list[Any]) -> None:
    assert found(seen(box(looked={"door": looked}), open_since=open_since)) == expected


def test_a_camera_of_a_silent_box_is_as_it_was() -> None:
    silent = box(heard=NOW - 20 * MINUTE, looked={"door": NOW - 20 * MINUTE, "back": NOW - 40 * MINUTE})
    assert found(seen(silent)) == [("box_silent", "box-1", True), ("camera_blind", "back", False)]


def test_of_two_boxes_the_one_that_saw_the_camera_last_is_right() -> None:
    """The camera was moved to another box, and the old one still names it."""
    old, new = box(looked={"door": NOW - DAY}), box(box="box-2")
    assert found(seen(old, new)) == []


def test_without_hellos_the_coverage_tells_and_the_server_s_own_absence_does_not() -> None:
    blind = seen(coverage={"door": NOW - 10 * MINUTE, "back": NOW - MINUTE})
    assert found(blind) == [("camera_blind", "door", True)]
    assert found(blind, listening=NOW - 2 * MINUTE) == [("camera_blind", "door", False)]


# A box has been silent for a quarter of an hour.


def test_a_silent_box_by_day_and_by_night() -> None:
    assert found(seen(box(heard=NOW - 14 * MINUTE, looked={}))) == []
    for open_since in (NOW - HOUR, None):
        it = seen(box(heard=NOW - 15 * MINUTE, looked={}), open_since=open_since)
        assert found(it) == [("box_silent", "box-1", True)]


def test_a_server_that_was_down_heard_nobody() -> None:
    it = seen(box(heard=NOW - 5 * HOUR, looked={}), uploaded=NOW - 5 * HOUR)
    assert found(it, listening=NOW - MINUTE) == [("box_silent", "box-1", False), ("nothing_uploaded", "", False)]
    assert found(it, listening=NOW - 2 * HOUR) == [("box_silent", "box-1", True), ("nothing_uploaded", "", True)]


# Nothing was uploaded for an hour in opening hours.


@pytest.mark.parametrize(
    ("uploaded", "open_since", "expected"),
    [
        (NOW - 59 * MINUTE, NOW - 9 * HOUR, []),
        (NOW - 61 * MINUTE, NOW - 9 * HOUR, [("nothing_uploaded", "", True)]),
        (NOW - 12 * HOUR, NOW - 30 * MINUTE, [("nothing_uploaded", "", False)]),
        (NOW - 12 * HOUR, None, [("nothing_uploaded", "", False)]),
        (None, NOW - 9 * HOUR, [("nothing_uploaded", "", True)]),
    ],
)
def test_nothing_uploaded(uploaded: int | None, open_since: int | None, expected: list[Any]) -> None:
    assert found(seen(box(), uploaded=uploaded, open_since=open_since)) == expected


def test_a_new_box_has_an_hour_to_send_something() -> None:
    assert found(seen(box(first_heard=NOW - 30 * MINUTE), uploaded=None)) == []


def test_a_store_that_never_sent_anything_is_not_missed() -> None:
    assert found(seen(uploaded=None)) == []


# The disk is low.


@pytest.mark.parametrize(
    ("free", "total", "expected"),
    [
        (1 * GB, 32 * GB, [("disk_low", "box-1", True)]),
        (2.1 * GB, 32 * GB, [("disk_low", "box-1", False)]),
        (2.5 * GB, 32 * GB, []),
        (1.5 * GB, 8 * GB, []),
        (0.7 * GB, 8 * GB, [("disk_low", "box-1", True)]),
        (5 * GB, 2000 * GB, []),
        (None, None, []),
    ],
)
def test_a_low_disk(free: float | None, total: float | None, expected: list[Any]) -> None:
    assert found(seen(box(disk_free=free, disk_total=total))) == expected


# A count is zero in busy hours.


def counted(**what: Any) -> Counted:
    usual: dict[str, Any] = {
        "start": NOW - HOUR,
        "hour": 11,
        "usual": 60.0,
        "visitors": 0,
        "missing": 0.0,
        "last_event": NOW - 2 * HOUR,
    }
    return Counted(**{**usual, **what})


@pytest.mark.parametrize(
    ("what", "expected"),
    [
        ({}, [("count_zero", "", True)]),
        ({"usual": 19.0}, [("count_zero", "", False)]),
        ({"usual": None}, [("count_zero", "", False)]),
        ({"visitors": None, "missing": 1.0}, [("count_zero", "", False)]),
        ({"missing": 0.6}, [("count_zero", "", False)]),
        ({"last_event": NOW - 5 * MINUTE}, []),
        ({"last_event": None}, []),
    ],
)
def test_a_zero_in_a_busy_hour(what: dict[str, Any], expected: list[Any]) -> None:
    assert found(seen(box(), counted=counted(**what))) == expected


def test_a_zero_while_the_store_is_closed_is_none() -> None:
    assert found(seen(box(), counted=counted(), open_since=None)) == [("count_zero", "", False)]


def test_when_the_store_is_open_is_asked_only_if_it_matters() -> None:
    asked: list[int] = []

    def ask() -> int:
        asked.append(1)
        return 0

    of_store(StoreSeen("s", (box(),), uploaded=NOW, open_since=ask), NOW, 0)
    assert asked == []


# A certificate or a token is about to end.


@pytest.mark.parametrize(
    ("lasts", "left", "is_told"),
    [
        (90 * DAY, 15 * DAY, False),
        (90 * DAY, 14 * DAY, True),
        (90 * DAY, -DAY, True),
        (7 * DAY, 3 * DAY, False),
        (7 * DAY, DAY, True),
    ],
)
def test_what_ends(lasts: int, left: int, is_told: bool) -> None:
    ends = NOW + left
    findings = of_endings([Ending("certificate_ends", "", "shop.pem", ends - lasts, ends)], NOW)
    assert [(f.alert.key, f.begins) for f in findings] == ([(("", "certificate_ends", "shop.pem"), True)] * is_told)


# Once, and once when it is over.


@given(st.lists(st.lists(st.sampled_from(["a", "b", "a?", "b?"]), max_size=4, unique_by=lambda word: word[0])))
def test_each_alert_begins_once_and_ends_once(rounds: list[list[str]]) -> None:
    """`a?` is a finding that keeps an alert on, but begins none."""
    on: dict[Key, Alert] = {}
    told: dict[str, list[str]] = {"a": [], "b": []}
    for words in rounds:
        findings = [Finding(Alert("s", "disk_low", word[0], 1), not word.endswith("?")) for word in words]
        changed = changes(on, findings)
        for alert in changed.begun:
            told[alert.subject].append("on")
        for alert in changed.over:
            told[alert.subject].append("over")
        on = {key: alert for key, alert in on.items() if alert not in changed.over}
        on |= {alert.key: alert for alert in changed.begun}
        assert set(on) <= {finding.alert.key for finding in findings}
        assert {f.alert.key for f in findings if f.begins} <= set(on)
    for words in told.values():
        assert words == ["on", "over"] * (len(words) // 2) + ["on"] * (len(words) % 2)


@given(st.integers(0, 40 * 60), st.integers(0, 40 * 60), st.booleans())
def test_whatever_begins_is_kept_on_when_the_store_closes(silent: int, blind: int, uploads: bool) -> None:
    heard = NOW - silent * SECOND
    it = box(heard=heard, looked={"door": heard - blind * SECOND}, disk_free=GB)
    uploaded = NOW if uploads else NOW - 2 * HOUR

    def keys(open_since: Callable[[], int | None], *, begun: bool) -> set[Key]:
        state = StoreSeen("s", (it,), uploaded=uploaded, open_since=open_since, counted=counted())
        return {f.alert.key for f in of_store(state, NOW, 0) if f.begins or not begun}

    assert keys(lambda: 0, begun=True) <= keys(lambda: None, begun=False)
