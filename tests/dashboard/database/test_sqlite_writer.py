"""A write is all or nothing, waits its turn, and says clearly when the database cannot take it."""

from __future__ import annotations

import contextlib
import ctypes
import sqlite3
import threading
from collections.abc import Generator
from pathlib import Path

import pytest

from metrica.dashboard.database.errors import DatabaseBusyError, DatabaseError, DatabaseFullError
from metrica.dashboard.database.interface import Connection
from metrica.dashboard.database.sqlite.transactions import SqliteTransactions
from metrica.dashboard.database.writer import Writer
from metrica.dashboard.kpis.store import Store
from metrica.dashboard.store.database import Database
from metrica.dashboard.store.events import Added
from tests.dashboard.database.sqlite import sqlite
from tests.dashboard.footfall import event

TUNIS = Store("tunis-01", "Africa/Tunis")


@pytest.fixture
def database(tmp_path: Path) -> Generator[Database]:
    with Database(tmp_path / "metrica.db") as opened:
        opened.stores.put(TUNIS)
        yield opened


def test_closing_finishes_what_is_queued_and_folds_the_log_away(tmp_path: Path) -> None:
    database = Database(tmp_path / "metrica.db")
    database.stores.put(TUNIS)
    waiting = [database.events.add("tunis-01", [event(n, n)]) for n in range(200)]
    database.events.count("tunis-01")
    database.close()
    assert sum(done.result().accepted for done in waiting) == 200
    assert [f.name for f in tmp_path.iterdir()] == ["metrica.db"]
    with pytest.raises(DatabaseError, match="is closed"):
        database.events.add("tunis-01", [])
    with pytest.raises(DatabaseError, match="is closed"):
        database.stores.all()
    database.close()


def test_many_threads_may_write_and_read_at_once(database: Database) -> None:
    def work(start: int) -> None:
        for n in range(start, start + 40):
            database.events.add("tunis-01", [event(n, n)]).result()
            database.events.between("tunis-01", 0, 1000)

    threads = [threading.Thread(target=work, args=(start,)) for start in (0, 20, 40, 60)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert database.events.count("tunis-01") == 100


def test_too_many_waiting_writes_are_refused_with_busy(tmp_path: Path) -> None:
    writer = Writer(SqliteTransactions(tmp_path / "metrica.db"), max_waiting=2)
    hold = threading.Event()
    try:
        running = threading.Event()

        def block(_db: Connection) -> None:
            running.set()
            hold.wait(30)

        writer.submit(block)
        running.wait(30)
        for _ in range(2):
            writer.submit(lambda db: None)
        with pytest.raises(DatabaseBusyError, match="too many writes are waiting"):
            writer.submit(lambda db: None)
    finally:
        hold.set()
        writer.close()


def test_a_job_that_fails_undoes_only_itself(database: Database) -> None:
    def half(db: Connection) -> None:
        db.execute("INSERT INTO stores (id, timezone, cutoff_hour) VALUES ('half', 'UTC', 0)")
        raise KeyError("in the middle")

    failed = database.write(half)
    with pytest.raises(KeyError, match="in the middle"):
        failed.result()
    assert database.stores.all() == [TUNIS]


def test_a_database_locked_by_another_program_is_busy_and_nothing_is_kept(tmp_path: Path) -> None:
    with Database(tmp_path / "metrica.db", lock_timeout=0.05) as database:
        database.stores.put(TUNIS)
        with contextlib.closing(sqlite3.connect(database.path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(DatabaseBusyError, match="locked by another program"):
                database.events.add("tunis-01", [event(1, 10)]).result()
            assert database.events.count("tunis-01") == 0, "reading goes on"
        assert database.events.add("tunis-01", [event(1, 10)]).result() == Added(1, 0)


def test_a_full_disk_refuses_the_write_keeps_the_rest_and_recovers(database: Database) -> None:
    database.events.add("tunis-01", [event(0, 5)]).result()
    # SQLite's own limit on the file's size gives the very error that a full disk gives.
    pages = database.write(lambda db: db.execute("PRAGMA page_count").fetchone()[0]).result()
    database.write(lambda db: db.execute(f"PRAGMA max_page_count = {pages}").fetchone()).result()
    many = [event(n, n) for n in range(1, 3000)]
    with pytest.raises(DatabaseFullError, match="the disk is full"):
        database.events.add("tunis-01", many).result()
    assert database.events.count("tunis-01") == 1
    database.write(lambda db: db.execute("PRAGMA max_page_count = 100000").fetchone()).result()
    assert database.events.add("tunis-01", many).result() == Added(2999, 0)


def end(thread_name: str) -> None:
    """Make the next Python instruction of a thread raise SystemExit: a real end, wherever the thread is."""
    (thread,) = [thread for thread in threading.enumerate() if thread.name == thread_name]
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident or 0), ctypes.py_object(SystemExit))


@pytest.mark.parametrize("problem", [SystemExit("a library that ends the program"), MemoryError(), KeyError("x")])
def test_whatever_a_job_raises_is_its_own_and_the_thread_goes_on(database: Database, problem: BaseException) -> None:
    def job(db: Connection) -> None:
        db.execute("DELETE FROM stores")
        raise problem

    with pytest.raises(type(problem)):
        database.write(job).result(10)
    assert database.stores.all() == [TUNIS]
    assert database.events.add("tunis-01", [event(1, 10)]).result(10) == Added(1, 0)


def test_a_connection_that_is_lost_ends_the_thread_and_does_not_refuse_for_ever(database: Database) -> None:
    def job(db: Connection) -> None:
        sqlite(db).close()

    with pytest.raises(DatabaseError):
        database.write(job).result(10)
    with pytest.raises(DatabaseError):
        database.events.add("tunis-01", [event(1, 10)]).result(10)
    assert not database.writing


def test_when_the_thread_ends_every_write_fails_and_says_so(database: Database) -> None:
    hold, running = threading.Event(), threading.Event()

    def job(_db: Connection) -> None:
        running.set()
        hold.wait(30)

    first = database.write(job)
    running.wait(30)
    waiting = [database.events.add("tunis-01", [event(n, 10)]) for n in range(200)]
    first.add_done_callback(lambda _: end("metrica-store-writer"))
    hold.set()
    outcomes = [done.exception(30) for done in waiting]
    assert outcomes[-1] is not None and "has ended: restart" in str(outcomes[-1])
    with pytest.raises(DatabaseError, match="has ended: restart"):
        database.events.add("tunis-01", [event(1, 10)]).result(10)
    with pytest.raises(DatabaseError, match="restart this program"):
        database.require_writing()
    kept = sum(outcome is None for outcome in outcomes)
    assert database.events.count("tunis-01") == kept, "what failed is not there, what is there did not fail"
