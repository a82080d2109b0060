"""The counts of each quarter of an hour, over a real target."""

from __future__ import annotations

import time

from metrica.dashboard.kpis.events import HOUR, MINUTE, QUARTER
from metrica.dashboard.store.database import Database
from metrica.dashboard.store.records import Span
from metrica.dashboard.webhooks.worker import delivering
from tests.dashboard.client import NOON, STORE, ManualClock
from tests.dashboard.webhooks.receiver import Receiver, now_of, register, send, until


def test_a_quarter_is_posted_after_its_end_with_what_nobody_saw_as_null(
    database: Database, target: Receiver, clock: ManualClock
) -> None:
    hook = register(database, target, "quarter")
    send(database, 1, 2, 3)
    database.coverage.add(STORE.id, [Span(camera="door", start=NOON - HOUR, end=NOON + 15 * MINUTE)]).result()
    with delivering(database, look=0.05, ask=0.0):
        clock.now = NOON + 17 * MINUTE
        time.sleep(0.3)
        assert target.posts == []
        clock.now = NOON + 34 * MINUTE
        until(lambda: len(target.posts) == 2)
        until(lambda: now_of(database, hook).quarter == NOON + 2 * QUARTER)
    first, second = target.taken
    assert first["type"] == "quarter" and first["data"] == {
        "quarter": "2026-11-22T12:00:00+01:00",
        "entered": 2,
        "left": 1,
        "missing_seconds": 0,
        "lines": [{"camera": "door", "line": "main", "entered": 2, "left": 1}],
    }
    assert second["data"] == {
        "quarter": "2026-11-22T12:15:00+01:00",
        "entered": None,
        "left": None,
        "missing_seconds": 900,
        "lines": [],
    }


def test_a_late_crossing_has_its_quarter_posted_again_with_another_id(
    database: Database, target: Receiver, clock: ManualClock
) -> None:
    hook = register(database, target, "quarter")
    send(database, 1)
    with delivering(database, look=0.05, ask=0.0):
        clock.now = NOON + 20 * MINUTE
        until(lambda: now_of(database, hook).quarter == NOON + QUARTER)
        send(database, 2)
        until(lambda: len(target.posts) == 2)
        until(lambda: now_of(database, hook).delivered == 2)
        clock.now = NOON + 35 * MINUTE
        until(lambda: len(target.posts) == 3)
    before, after, _ = target.taken
    assert before["data"]["quarter"] == after["data"]["quarter"] and before["id"] != after["id"]
    assert (before["data"]["entered"], after["data"]["entered"]) == (1, 2)
