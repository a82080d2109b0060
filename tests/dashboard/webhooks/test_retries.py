"""What a target does not take is tried again, later and later, and not for ever."""

from __future__ import annotations

import logging
import time

import pytest

from metrica.dashboard.kpis.events import HOUR, SECOND
from metrica.dashboard.store.database import Database
from metrica.dashboard.webhooks import sender
from metrica.dashboard.webhooks.table import Webhook, Webhooks
from metrica.dashboard.webhooks.worker import delivering
from tests.dashboard.client import STORE, ManualClock
from tests.dashboard.webhooks.receiver import Receiver, ids, now_of, receiving, register, send, until


def test_what_is_not_taken_is_tried_again_later_and_later(
    database: Database, target: Receiver, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    hook = register(database, target)
    target.status = 500
    waits: list[float] = []
    with delivering(database, look=0.05, ask=0.0):
        send(database, 1, 2)
        for failures in range(1, 8):
            until(lambda failures=failures: now_of(database, hook).failures == failures)
            found = now_of(database, hook)
            waits.append((found.next_try - clock.now) / SECOND)
            clock.now = found.next_try
        assert now_of(database, hook).trouble == "it answered 500"
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
    with delivering(database, look=0.05, ask=0.0):
        send(database, 1)
        until(lambda: now_of(database, hook).failures == 1)
    assert now_of(database, hook).next_try - clock.now == 1800 * SECOND


def test_one_that_fails_for_days_is_paused_and_goes_on_when_it_is_resumed(
    database: Database, target: Receiver, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    hook = register(database, target)
    target.status = 503
    with delivering(database, look=0.05, ask=0.0):
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
    with delivering(database, look=0.05, ask=0.0):
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
    with delivering(database, look=0.05, ask=0.0):
        send(database, 1)
        until(lambda: now_of(database, hook).trouble)
    assert "redirects are not followed" in now_of(database, hook).trouble
    assert len(target.posts) == 1


def test_a_slow_target_holds_up_no_other_one(
    database: Database, target: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    timeout = sender.ClientTimeout
    monkeypatch.setattr(sender, "ClientTimeout", lambda total: timeout(total=2))
    slow = register(database, target)
    target.delay = 30
    with receiving() as quick:
        other = register(database, quick)
        with delivering(database, look=0.05, ask=0.0):
            send(database, 1, 2, 3)
            until(lambda: now_of(database, other).delivered == 3)
            until(lambda: "did not answer" in now_of(database, slow).trouble)
        target.delay = 0


def test_a_clock_that_is_set_back_does_not_stop_the_posts(
    database: Database, target: Receiver, clock: ManualClock
) -> None:
    table, hook = Webhooks(database), register(database, target)
    assert table.claim(hook.n, "a process that was killed", clock.now + 120 * SECOND) is not None
    target.status = 500
    clock.now += 121 * SECOND
    with delivering(database, look=0.05, ask=0.0):
        send(database, 1)
        until(lambda: now_of(database, hook).failures == 1)
    assert table.claim(hook.n, "another that was killed", clock.now + 120 * SECOND) is not None
    clock.now -= 5 * HOUR
    target.status = 200
    with delivering(database, look=0.05, ask=0.0):
        until(lambda: now_of(database, hook).delivered == 1, timeout=10)


def test_a_look_that_fails_for_whatever_reason_does_not_end_the_thread(
    database: Database, target: Receiver, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    due, failing = Webhooks.due, [True]

    def broken(self: Webhooks, now: int, after: int = 0, limit: int = 1000) -> list[Webhook]:
        if failing:
            raise RuntimeError("a mistake")
        return due(self, now, after, limit)

    monkeypatch.setattr(Webhooks, "due", broken)
    hook = register(database, target)
    with delivering(database, look=0.05, ask=0.0):
        send(database, 1)
        until(lambda: "a look at the webhooks failed" in caplog.text, timeout=10)
        failing.clear()
        until(lambda: now_of(database, hook).delivered == 1, timeout=10)
