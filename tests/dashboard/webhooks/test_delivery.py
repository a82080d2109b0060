"""Webhooks against a real target: each crossing is posted in order, and nothing is lost."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest

from metrica.dashboard.database.errors import DatabaseError
from metrica.dashboard.people.organisations import OrganisationTable
from metrica.dashboard.store.database import Database
from metrica.dashboard.upkeep.erasure import Erasure
from metrica.dashboard.webhooks.table import MOST, Webhooks
from metrica.dashboard.webhooks.worker import delivering
from tests.dashboard.client import NOON, STORE
from tests.dashboard.database.places import Place
from tests.dashboard.footfall import event
from tests.dashboard.webhooks.receiver import Receiver, ids, now_of, register, send, until
from tests.paths import ROOT


def test_each_crossing_from_then_on_is_posted_once_in_order(database: Database, target: Receiver) -> None:
    send(database, 1, 2)
    hook = register(database, target)
    with delivering(database, look=0.05, ask=0.0):
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
    with delivering(database, look=0.05, ask=0.0):
        send(database, 1)
        until(lambda: now_of(database, hook).delivered == 1)
    send(database, 2, 3)
    database.events.add("sfax-01", [event(99, NOON)]).result()
    with delivering(database, look=0.05, ask=0.0):
        until(lambda: len(target.posts) >= 3)
        until(lambda: now_of(database, hook).delivered == 3)
    assert ids(target) == [f"door/main/epoch/{n}" for n in (1, 2, 3)]


def test_two_servers_on_one_database_post_each_crossing_once(place: Place, target: Receiver) -> None:
    """In processes of their own, with the machine's clock."""
    with Database(place) as database:
        database.stores.put(STORE)
        hook = register(database, target)
        program = (
            "import sys\n"
            "from tests.dashboard.webhooks.receiver import opened\n"
            "from metrica.dashboard.webhooks.worker import delivering\n"
            "with opened(sys.argv[1]) as d, delivering(d, look=0.01, ask=0.0):\n"
            "    print('ready', flush=True); sys.stdin.read()\n"
        )
        servers = [
            subprocess.Popen(
                [sys.executable, "-c", program, str(place)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT
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


def test_a_killed_server_loses_nothing(place: Place, target: Receiver) -> None:
    target.delay = 0.02
    with Database(place) as database:
        database.stores.put(STORE)
        hook = register(database, target)
        send(database, *range(100))
        program = (
            "import sys, time\n"
            "from tests.dashboard.webhooks.receiver import opened\n"
            "from metrica.dashboard.webhooks.worker import delivering\n"
            "with opened(sys.argv[1]) as d, delivering(d, look=0.01, ask=0.0): time.sleep(60)\n"
        )
        with subprocess.Popen([sys.executable, "-c", program, str(place)], cwd=ROOT) as server:
            until(lambda: len(target.posts) > 20)
            server.kill()
        database.write(lambda db: db.execute("UPDATE webhooks SET claimed_until = 0")).result()  # its lease is over
        with delivering(database, look=0.05, ask=0.0):
            until(lambda: now_of(database, hook).position >= 100 and len(set(ids(target))) == 100)
    assert set(ids(target)) == {f"door/main/epoch/{n}" for n in range(100)}


def test_one_that_was_removed_gets_nothing_more(database: Database, target: Receiver) -> None:
    hook = register(database, target)
    with delivering(database, look=0.05, ask=0.0):
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


def test_the_webhooks_of_a_store_that_is_erased_or_given_to_others_are_gone(
    database: Database, target: Receiver
) -> None:
    register(database, target)
    OrganisationTable(database).add("medina", "La Médina")
    OrganisationTable(database).move_store(STORE.id, "medina")
    assert Webhooks(database).of_store(STORE.id) == []
    register(database, target)
    if database.kind == "sqlite":
        Erasure(database).erase(STORE.id)
        assert database.rows("SELECT n FROM webhooks") == []


def test_what_this_server_has_taken_is_posted_without_waiting_for_the_next_look_at_all(
    database: Database, target: Receiver
) -> None:
    register(database, target)
    with delivering(database, look=0.05, ask=3600.0) as worker:
        time.sleep(0.5)
        send(database, 1)
        worker.nudge(STORE.id)
        until(lambda: len(target.posts) == 1)
