"""Two ingest processes behind one PostgreSQL database: a box may send to either, and nothing counts twice."""

from __future__ import annotations

import contextlib
import threading
import time
from pathlib import Path

import pytest
import urllib3

from metrica.dashboard.store.database import Database
from metrica.dashboard.store.records import Event
from tests.dashboard.client import STORE, Client
from tests.dashboard.footfall import event
from tests.dashboard.ingest.test_processes import serving

BATCHES, SIZE = 30, 50


@pytest.fixture
def token(postgresql: str) -> str:
    with Database(postgresql) as database:
        database.stores.put(STORE)
        return database.tokens.create(STORE.id, "box")


def batches() -> list[list[Event]]:
    now = time.time_ns()
    return [[event(SIZE * b + n, now - b * 10**9 - n) for n in range(SIZE)] for b in range(BATCHES)]


def kept(postgresql: str) -> tuple[int, int]:
    """How many events there are, and how many the sums say."""
    with Database(postgresql) as database:
        return database.events.count(STORE.id), database.rows("SELECT sum(entered) + sum(left_) FROM quarters")[0][0]


def test_a_box_that_sends_to_both_in_turn_counts_once_and_both_say_the_same(
    tmp_path: Path, postgresql: str, token: str
) -> None:
    with (
        serving(tmp_path / "one", "--database", postgresql) as (_, one),
        serving(tmp_path / "two", "--database", postgresql) as (_, two),
    ):
        clients = [Client(one, token), Client(two, token)]
        for n, batch in enumerate(batches()):
            assert clients[n % 2].send(batch).body["accepted"] == SIZE
            assert clients[(n + 1) % 2].send(batch).body["duplicates"] == SIZE, "the other one knows it at once"
        said = [client.get("/v1/stores/tunis-01/kpis").body["today"]["in"] for client in clients]
    assert said[0] == said[1]
    assert kept(postgresql) == (BATCHES * SIZE, BATCHES * SIZE)


def test_the_same_batches_sent_to_both_at_the_same_moment_and_one_server_killed_count_once(
    tmp_path: Path, postgresql: str, token: str
) -> None:
    sent = batches()
    accepted = [0, 0]
    with (
        serving(tmp_path / "one", "--database", postgresql) as (doomed, one),
        serving(tmp_path / "two", "--database", postgresql) as (_, two),
    ):

        def send(n: int, address: str) -> None:
            client = Client(address, token)
            with contextlib.suppress(urllib3.exceptions.HTTPError, OSError):
                for batch in sent:
                    accepted[n] += client.send(batch).body["accepted"]

        senders = [threading.Thread(target=send, args=(n, address)) for n, address in enumerate((one, two))]
        for sender in senders:
            sender.start()
        while accepted[0] + accepted[1] < SIZE * BATCHES // 3:
            time.sleep(0.001)
        doomed.kill()
        for sender in senders:
            sender.join()
        again = [Client(two, token).send(batch).body["duplicates"] for batch in sent]
    assert again == [SIZE] * BATCHES, "nothing is lost"
    assert SIZE * BATCHES - SIZE <= sum(accepted) <= SIZE * BATCHES, "one answer may have died with its server"
    assert kept(postgresql) == (BATCHES * SIZE, BATCHES * SIZE)
