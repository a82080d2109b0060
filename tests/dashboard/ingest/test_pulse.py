"""/healthz is answered from what a thread has seen: at once, and never better than it is."""

from __future__ import annotations

import threading
import time
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from metrica.dashboard.database.errors import DatabaseError, DatabaseFullError
from metrica.dashboard.ingest.pulse import Pulse
from metrica.dashboard.store.database import Database
from tests.dashboard.client import ingest_server
from tests.dashboard.database.sqlite import engine


@pytest.fixture
def database(tmp_path: Path) -> Generator[Database]:
    with Database(tmp_path / "metrica.db") as opened:
        yield opened


def wait_for(words: str, pulse: Pulse) -> None:
    end = time.monotonic() + 20
    while time.monotonic() < end:
        try:
            pulse.require()
        except DatabaseError as error:
            if words in str(error):
                return
        time.sleep(0.01)
    raise AssertionError(f"never said: {words}")


def test_what_the_last_look_found_is_raised_until_the_next_one_finds_it_well(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    pulse = Pulse(database, each=0.02)
    pulse.require()
    broken = threading.Event()
    rows = engine(database).rows

    def sometimes(sql: str, *values: Any) -> list[Any]:
        if broken.is_set():
            raise DatabaseError("the disk is gone")
        return rows(sql, *values)

    monkeypatch.setattr(engine(database), "rows", sometimes)
    broken.set()
    wait_for("the disk is gone", pulse)
    broken.clear()
    end = time.monotonic() + 20
    while True:
        try:
            pulse.require()
            break
        except DatabaseError:
            assert time.monotonic() < end
            time.sleep(0.01)


def test_a_database_that_does_not_answer_at_all_is_not_well(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    pulse = Pulse(database, each=0.02, late=0.3)
    answers = threading.Event()
    monkeypatch.setattr(engine(database), "rows", lambda *_: answers.wait(60))
    wait_for("has not answered for", pulse)
    answers.set()


def test_a_writer_that_has_ended_is_known_at_once(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    pulse = Pulse(database, each=60)
    monkeypatch.setattr(type(database), "writing", property(lambda _: False))
    with pytest.raises(DatabaseError, match="nothing can be written"):
        pulse.require()


def test_a_database_that_breaks_at_the_first_look_is_said_and_not_raised(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> list[Any]:
        raise DatabaseError("the disk is gone")

    monkeypatch.setattr(engine(database), "rows", fails)
    with pytest.raises(DatabaseError, match="the disk is gone"):
        Pulse(database, each=60).require()


def test_healthz_waits_for_no_thread_and_for_no_question_to_the_database(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ingest_server(tmp_path) as server:
        assert server.get("/healthz").status == 200
        answers = threading.Event()
        monkeypatch.setattr(engine(server.database), "rows", lambda *_: [answers.wait(60)][:0])
        try:
            assert server.get("/healthz").status == 200
            end = time.monotonic() + 20
            while server.get("/healthz").status != 503:
                assert time.monotonic() < end, "a database that does not answer is said all the same"
                time.sleep(0.1)
        finally:
            answers.set()


def test_a_database_that_can_be_read_but_takes_no_writes_is_not_well(database: Database) -> None:
    pulse = Pulse(database, each=0.02)
    (pages,) = database.write(lambda db: db.execute("PRAGMA page_count").fetchone()).result()
    database.write(lambda db: db.execute(f"PRAGMA max_page_count = {pages}").fetchone()).result()
    fill = "INSERT INTO organisations (id, name, created) VALUES ('big', ?, 1)"
    with pytest.raises(DatabaseFullError):
        database.write(lambda db: db.execute(fill, ("x" * 1_000_000,)).rowcount).result()
    wait_for("the disk is full", pulse)
    database.write(lambda db: db.execute("PRAGMA max_page_count = 1000000000").fetchone()).result()
    database.write(lambda db: db.execute(fill, ("x" * 1_000_000,)).rowcount).result()
    end = time.monotonic() + 20
    while True:
        try:
            pulse.require()
            break
        except DatabaseError:
            assert time.monotonic() < end
            time.sleep(0.01)
