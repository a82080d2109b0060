"""Webhooks against a real target: all is posted, in order, signed, again until it is taken, and once by one server."""

from __future__ import annotations

import logging
import subprocess
import sys
import time
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from metrica.dashboard.database.errors import DatabaseError
from metrica.dashboard.kpis.events import HOUR, MINUTE, SECOND
from metrica.dashboard.store.database import Database
from metrica.dashboard.store.records import Span
from metrica.dashboard.webhooks.table import MOST, QUARTER, Webhook, WebhookKind, Webhooks
from metrica.dashboard.webhooks.worker import delivering
from tests.dashboard.client import NOON, STORE, ManualClock
from tests.dashboard.footfall import event
from tests.dashboard.webhooks.receiver import Receiver, receiving, until
from tests.paths import ROOT


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def database(tmp_path: Path, clock: ManualClock) -> Generator[Database]:
    with Database(tmp_path / "metrica.db", clock=clock) as opened:
        opened.stores.put(STORE)
        yield opened


@pytest.fixture
def target() -> Generator[Receiver]:
    with receiving() as receiver:
        yield receiver


def register(database: Database, target: Receiver, kind: WebhookKind = "event") -> Webhook:
    return Webhooks(database).add(STORE.id, target.address, kind, allow_private=True)


def now_of(database: Database, hook: Webhook) -> Webhook:
    found = Webhooks(database).get(hook.store, hook.n)
    assert found is not None
    return found


def send(database: Database, *numbers: int, time: int = NOON) -> None:
    database.events.add(STORE.id, [event(n, time + n * SECOND, "in" if n % 3 else "out") for n in numbers]).result()


def ids(target: Receiver) -> list[str]:
    return [message["id"] for message in target.taken]


def test_each_crossing_from_then_on_is_posted_once_in_order(database: Database, target: Receiver) -> None:
    send(database, 1, 2)
    hook = register(database, target)
    with delivering(database, look=0.05):
        send(database, *range(3, 250))
        until(lambda: len(target.posts) >= 247)
        send(database, 250)
        until(lambda: len(target.posts) == 248)
        until(lambda: now_of(database, hook).delivered == 248)
    assert ids(target) == [f"door/main/epoch/{n}" for n in range(3, 251)]
    assert target.taken[0] == {
        "v": 1,
        "id": "door/main/epoch/3",
        "type": "crossing",
        "store": "tunis-01",
        "data": {
            "camera": "door",
            "line": "main",
            "direction": "out",
            "time": "2026-11-22T12:00:03+01:00",
            "received": "2026-11-22T12:00:00+01:00",
        },
    }
    assert target.posts[0][0]["Metrica-Delivery"] == "door/main/epoch/3"
    assert target.most_at_once == 1


def test_nothing_is_lost_when_the_server_ends_and_nothing_of_another_store_is_posted(
    database: Database, target: Receiver
) -> None:
    hook = register(database, target)
    database.stores.put(type(STORE)("sfax-01", "UTC"))
    with delivering(database, look=0.05):
        send(database, 1)
        until(lambda: now_of(database, hook).delivered == 1)
    send(database, 2, 3)
    database.events.add("sfax-01", [event(99, NOON)]).result()
    with delivering(database, look=0.05):
        until(lambda: len(target.posts) >= 3)
        until(lambda: now_of(database, hook).delivered == 3)
    assert ids(target) == [f"door/main/epoch/{n}" for n in (1, 2, 3)]


def test_what_is_not_taken_is_tried_again_later_and_later(
    database: Database, target: Receiver, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    hook = register(database, target)
    target.status = 500
    waits: list[float] = []
    with delivering(database, look=0.05):
        send(database, 1, 2)
        for failures in range(1, 8):
            until(lambda failures=failures: now_of(database, hook).failures == failures)
            found = now_of(database, hook)
            waits.append((found.next_try - clock.now) / SECOND)
            clock.now = found.next_try
        assert found.trouble == "it answered 500"
        target.status = 200
        clock.now += HOUR
        until(lambda: now_of(database, hook).delivered == 2)
    assert all(2.5 * 2**n <= wait <= 5 * 2**n for n, wait in enumerate(waits)), waits
    assert set(ids(target)) == {"door/main/epoch/1", "door/main/epoch/2"} and ids(target)[-1] == "door/main/epoch/2"
    found = now_of(database, hook)
    assert (found.failures, found.trouble, found.failing_since) == (0, "", None)
    said = [record.getMessage() for record in caplog.records if "webhook 1" in record.getMessage()]
    assert len(said) == 2 and "tried again" in said[0] and "is posted again" in said[1]
    assert "key-4711" not in caplog.text and hook.secret not in caplog.text


def test_a_target_may_ask_for_a_pause(database: Database, target: Receiver, clock: ManualClock) -> None:
    hook = register(database, target)
    target.status, target.headers = 429, {"Retry-After": "1800"}
    with delivering(database, look=0.05):
        send(database, 1)
        until(lambda: now_of(database, hook).failures == 1)
    assert now_of(database, hook).next_try - clock.now == 1800 * SECOND


def test_one_that_fails_for_days_is_paused_and_goes_on_when_it_is_resumed(
    database: Database, target: Receiver, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    hook = register(database, target)
    target.status = 503
    with delivering(database, look=0.05):
        send(database, 1)
        until(lambda: now_of(database, hook).failures == 1)
        clock.now += 3 * 24 * HOUR
        until(lambda: now_of(database, hook).paused is not None)
        tries = len(target.posts)
        target.status = 200
        send(database, 2)
        clock.now += 24 * HOUR
        time.sleep(0.3)
        assert len(target.posts) == tries
        assert f"'metrica-admin webhook resume tunis-01 {hook.n}' posts again" in caplog.text
        assert [entry.action for entry in database.audit.all()][-1] == "webhook paused"
        assert Webhooks(database).resume(STORE.id, hook.n)
        until(lambda: now_of(database, hook).delivered == 2)
    assert ids(target)[-2:] == ["door/main/epoch/1", "door/main/epoch/2"]


def test_a_target_that_is_gone_is_paused_at_once(database: Database, target: Receiver) -> None:
    hook = register(database, target)
    target.status = 410
    with delivering(database, look=0.05):
        send(database, 1)
        until(lambda: now_of(database, hook).paused is not None)
        assert Webhooks(database).resume(STORE.id, hook.n, from_now=True)
        target.status = 200
        send(database, 2)
        until(lambda: now_of(database, hook).delivered == 1)
    assert ids(target) == ["door/main/epoch/1", "door/main/epoch/2"]


def test_no_redirect_is_followed(database: Database, target: Receiver) -> None:
    hook = register(database, target)
    target.status, target.headers = 302, {"Location": target.address}
    with delivering(database, look=0.05):
        send(database, 1)
        until(lambda: now_of(database, hook).trouble)
    assert "redirects are not followed" in now_of(database, hook).trouble
    assert len(target.posts) == 1


def test_a_slow_target_holds_up_no_other_one(
    database: Database, target: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    from metrica.dashboard.webhooks import sender

    monkeypatch.setattr(sender, "ClientTimeout", lambda total: __import__("aiohttp").ClientTimeout(total=2))
    slow = register(database, target)
    target.delay = 30
    with receiving() as quick:
        other = register(database, quick)
        with delivering(database, look=0.05):
            send(database, 1, 2, 3)
            until(lambda: now_of(database, other).delivered == 3)
            until(lambda: "did not answer" in now_of(database, slow).trouble)
        target.delay = 0


def test_a_quarter_is_posted_after_its_end_with_what_nobody_saw_as_null(
    database: Database, target: Receiver, clock: ManualClock
) -> None:
    hook = register(database, target, "quarter")
    send(database, 1, 2, 3)
    database.coverage.add(STORE.id, [Span(camera="door", start=NOON - HOUR, end=NOON + 15 * MINUTE)]).result()
    with delivering(database, look=0.05):
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
    with delivering(database, look=0.05):
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


def test_two_servers_on_one_database_post_each_crossing_once(tmp_path: Path, target: Receiver) -> None:
    """In processes of their own, with the machine's clock."""
    path = tmp_path / "shared.db"
    with Database(path) as database:
        database.stores.put(STORE)
        hook = register(database, target)
        program = (
            "import sys, pathlib\n"
            "from metrica.dashboard.store.database import Database\n"
            "from metrica.dashboard.webhooks.worker import delivering\n"
            "with Database(pathlib.Path(sys.argv[1])) as d, delivering(d, look=0.01):\n"
            "    print('ready', flush=True); sys.stdin.read()\n"
        )
        servers = [
            subprocess.Popen(
                [sys.executable, "-c", program, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT
            )
            for _ in range(2)
        ]
        try:
            for server in servers:
                assert server.stdout is not None and server.stdout.readline() == b"ready\n"
            for n in range(60):
                send(database, n)
            until(lambda: now_of(database, hook).delivered == 60, 60)
        finally:
            for server in servers:
                server.communicate(b"", timeout=60)
    assert sorted(ids(target)) == sorted(f"door/main/epoch/{n}" for n in range(60))


def test_a_killed_server_loses_nothing(tmp_path: Path, target: Receiver) -> None:
    path = tmp_path / "killed.db"
    target.delay = 0.02
    with Database(path) as database:
        database.stores.put(STORE)
        hook = register(database, target)
        send(database, *range(100))
        program = (
            "import sys, pathlib, time\n"
            "from metrica.dashboard.store.database import Database\n"
            "from metrica.dashboard.webhooks.worker import delivering\n"
            "with Database(pathlib.Path(sys.argv[1])) as d, delivering(d, look=0.01): time.sleep(60)\n"
        )
        with subprocess.Popen([sys.executable, "-c", program, path], cwd=ROOT) as server:
            until(lambda: len(target.posts) > 20)
            server.kill()
        database.write(lambda db: db.execute("UPDATE webhooks SET claimed_until = 0")).result()  # its lease is over
        with delivering(database, look=0.05):
            until(lambda: now_of(database, hook).position >= 100 and len(set(ids(target))) == 100)
    assert set(ids(target)) == {f"door/main/epoch/{n}" for n in range(100)}


def test_one_that_was_removed_gets_nothing_more(database: Database, target: Receiver) -> None:
    hook = register(database, target)
    with delivering(database, look=0.05):
        send(database, 1)
        until(lambda: len(target.posts) == 1)
        assert Webhooks(database).remove(STORE.id, hook.n)
        assert not Webhooks(database).remove(STORE.id, hook.n)
        send(database, 2)
        time.sleep(0.3)
    assert len(target.posts) == 1


def test_a_store_has_so_many_webhooks_and_no_more(database: Database, target: Receiver) -> None:
    for _ in range(MOST):
        register(database, target)
    with pytest.raises(DatabaseError, match="remove one first"):
        register(database, target)


def test_the_webhooks_of_an_erased_store_are_gone(database: Database, target: Receiver) -> None:
    from metrica.dashboard.upkeep.erasure import Erasure

    register(database, target)
    Erasure(database).erase(STORE.id)
    found: list[Any] = database.rows("SELECT * FROM webhooks")
    assert found == []
