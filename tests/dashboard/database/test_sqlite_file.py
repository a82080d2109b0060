"""The SQLite file: for its owner only, safe against a power cut, and upgraded from older versions without a loss."""

from __future__ import annotations

import contextlib
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Generator
from pathlib import Path

import pytest

from metrica.dashboard.database.errors import DatabaseDamagedError, DatabaseError
from metrica.dashboard.database.sqlite.connections import open_writer
from metrica.dashboard.kpis.store import Store
from metrica.dashboard.store.database import Database
from metrica.dashboard.store.events import Added
from metrica.dashboard.store.users import User
from tests.dashboard.footfall import event

TUNIS = Store("tunis-01", "Africa/Tunis")


@pytest.fixture
def database(tmp_path: Path) -> Generator[Database]:
    with Database(tmp_path / "metrica.db") as opened:
        opened.stores.put(TUNIS)
        yield opened


def test_an_acknowledged_event_survives_a_power_cut(database: Database) -> None:
    # FULL (2) makes each commit wait until the disk has it; WAL with NORMAL would not.
    assert database.write(lambda db: db.execute("PRAGMA synchronous").fetchone()[0]).result() == 2
    assert database.write(lambda db: db.execute("PRAGMA journal_mode").fetchone()[0]).result() == "wal"


def test_the_file_is_for_its_owner_only(database: Database) -> None:
    assert stat.S_IMODE(database.path.stat().st_mode) == 0o600


def test_a_file_that_is_no_database_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "metrica.db"
    path.write_text("dear diary\n" * 200)
    with pytest.raises(DatabaseDamagedError, match="not a database"):
        Database(path)
    assert path.read_text().startswith("dear diary")


def test_a_database_of_another_program_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "metrica.db"
    with contextlib.closing(sqlite3.connect(path)) as other:
        other.execute("CREATE TABLE recipes (name TEXT)")
    with pytest.raises(DatabaseDamagedError, match="of another program"):
        Database(path)


def test_a_database_of_a_newer_metrica_is_left_alone(tmp_path: Path) -> None:
    Database(tmp_path / "metrica.db").close()
    with contextlib.closing(sqlite3.connect(tmp_path / "metrica.db")) as newer:
        newer.execute("INSERT INTO _sqlite_migrations (migration_set, name) VALUES ('metrica', 'm999_later')")
        newer.commit()
    with pytest.raises(DatabaseDamagedError, match="m999_later"):
        Database(tmp_path / "metrica.db")


def test_a_damaged_table_is_an_error_that_says_so(database: Database) -> None:
    database.events.add("tunis-01", [event(n, n) for n in range(2000)]).result()
    database.close()
    data = bytearray(database.path.read_bytes())
    data[8192:] = b"\xa5" * (len(data) - 8192)
    database.path.write_bytes(data)
    with pytest.raises(DatabaseDamagedError, match="damaged"), Database(database.path) as again:
        again.events.add("tunis-01", [event(9999, 1)]).result()


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DatabaseError, match="check the folder"):
        Database(tmp_path / "file" / "metrica.db")


FIRST_SCHEMA = """
CREATE TABLE _sqlite_migrations (id INTEGER PRIMARY KEY, migration_set TEXT, name TEXT, applied_at TEXT);
INSERT INTO _sqlite_migrations (migration_set, name) VALUES ('metrica', 'm001_stores_tokens_events');
CREATE TABLE stores (id TEXT PRIMARY KEY, timezone TEXT NOT NULL, cutoff_hour INTEGER NOT NULL) STRICT;
CREATE TABLE tokens (hash TEXT PRIMARY KEY, store TEXT NOT NULL REFERENCES stores(id), created INTEGER NOT NULL,
    revoked INTEGER) STRICT;
CREATE TABLE events (n INTEGER PRIMARY KEY AUTOINCREMENT, store TEXT NOT NULL REFERENCES stores(id), id TEXT NOT NULL,
    camera TEXT NOT NULL, line TEXT NOT NULL, direction INTEGER NOT NULL CHECK (direction IN (1, -1)),
    track INTEGER NOT NULL, time INTEGER NOT NULL, received INTEGER NOT NULL) STRICT;
CREATE UNIQUE INDEX events_by_id ON events (store, id);
CREATE INDEX events_by_time ON events (store, time, direction);
INSERT INTO stores VALUES ('tunis-01', 'Africa/Tunis', 4);
INSERT INTO tokens VALUES ('5994471abb01112afcc18159f6cc74b4f511b99806da59b3caf5a9c173cacfc5', 'tunis-01', 1, NULL);
INSERT INTO events VALUES (1, 'tunis-01', 'door/main/epoch/1', 'door', 'main', 1, 1, 10, 11);
"""


def test_a_file_of_the_first_schema_is_upgraded_and_loses_nothing(tmp_path: Path) -> None:
    with contextlib.closing(sqlite3.connect(tmp_path / "metrica.db")) as old:
        old.executescript(FIRST_SCHEMA)
    with Database(tmp_path / "metrica.db") as database:
        assert database.tokens.store_of("12345") == "tunis-01"
        assert database.tokens.of_store("tunis-01")[0].label == ""
        assert database.events.add("tunis-01", [event(1, 10), event(2, 20)]).result() == Added(1, 1)
        database.users.put(User("owner", "hash"))
    upgraded, fresh = schema(tmp_path / "metrica.db"), schema_of_a_new_file(tmp_path)
    assert upgraded == fresh


def schema_of_a_new_file(folder: Path) -> dict[str, list[str]]:
    Database(folder / "new.db").close()
    return schema(folder / "new.db")


def schema(path: Path) -> dict[str, list[str]]:
    with contextlib.closing(sqlite3.connect(path)) as conn:
        tables = [row[0] for row in conn.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {
            table: [str(row[1:5]) for row in conn.execute(f"PRAGMA table_info({table})")]
            for table in sorted(tables)
            if not table.startswith(("sqlite_", "_sqlite"))
        }


def test_programs_that_open_a_new_database_together_all_get_it(tmp_path: Path) -> None:
    code = (
        "import sys, pathlib; from metrica.dashboard.store.database import Database;"
        "Database(pathlib.Path(sys.argv[1])).close()"
    )
    path = str(tmp_path / "metrica.db")
    started = [subprocess.Popen([sys.executable, "-c", code, path], stderr=subprocess.PIPE) for _ in range(4)]
    assert [(p.wait(60), p.communicate()[1]) for p in started] == [(0, b"")] * 4
    open_writer(tmp_path / "metrica.db").close()


def test_a_program_waits_for_another_one_that_upgrades_the_file(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Summing the events of years takes longer than a write may wait for others."""
    path = tmp_path / "metrica.db"
    with contextlib.closing(sqlite3.connect(path)) as old:
        old.executescript("PRAGMA journal_mode=WAL;" + FIRST_SCHEMA)
    upgrading = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    upgrading.execute("BEGIN IMMEDIATE")
    ended = threading.Timer(0.6, lambda: upgrading.execute("COMMIT"))
    ended.start()
    open_writer(path, lock_timeout=0.1).close()
    ended.join()
    upgrading.close()
    assert f"bringing {path} up to date" in caplog.text
    caplog.clear()
    open_writer(path).close()
    assert not caplog.text
