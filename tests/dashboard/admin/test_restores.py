"""A backup comes back whole, only where nobody uses the database, and what was there is kept."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sqlite3
import stat
import time
from pathlib import Path

import pytest
from sqlite_utils import Database as SqliteDatabase

from metrica.dashboard.database.sqlite.migrations import migrations
from metrica.dashboard.kpis.store import Store
from metrica.dashboard.store.database import Database
from metrica.dashboard.upkeep.backup import checked
from tests.dashboard.admin.commands import Here, admin
from tests.dashboard.admin.test_backups import NOON, count, filled, names
from tests.dashboard.client import STORE, Client
from tests.dashboard.footfall import event
from tests.dashboard.ingest.test_processes import serving


def test_a_restore_brings_everything_back_and_keeps_what_was_there(in_file: Here, tmp_path: Path) -> None:
    token = filled(in_file.data, 100)
    in_file.ok("backup", str(tmp_path / "copy.db"))
    with Database(in_file.data / "metrica.db") as database:
        database.events.add(STORE.id, [event(n, NOON + n) for n in range(100, 120)]).result()
        database.stores.put(Store("sfax-01", "Africa/Tunis"))
    said = in_file.ok("restore", str(tmp_path / "copy.db"))
    aside = next(in_file.data.glob("metrica.db.before-*"))
    assert f"the database before is {aside}" in said
    assert (count(in_file.data / "metrica.db"), count(aside)) == (100, 120)
    assert {stat.S_IMODE(file.stat().st_mode) for file in (aside, in_file.data / "metrica.db")} == {0o600}
    assert names(in_file.data) == ["copy.db", "metrica.db", aside.name]
    with serving(in_file.data) as (_, address):
        assert Client(address, token).send([event(1, NOON + 1)]).body["duplicates"] == 1


def test_a_restore_is_refused_while_a_server_uses_the_database(tmp_path: Path) -> None:
    token = filled(tmp_path, 100)
    assert admin("backup", str(tmp_path / "copy.db"), data=tmp_path).returncode == 0
    with serving(tmp_path) as (process, address):
        refused = admin("restore", str(tmp_path / "copy.db"), data=tmp_path)
        assert (refused.returncode, refused.stderr) == (
            1,
            f"metrica-admin: error: process {process.pid} has the database {tmp_path / 'metrica.db'} open: stop the"
            " server first, nothing is changed\n",
        )
        assert Client(address, token).send([event(500, time.time_ns())]).status == 200
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    assert count(tmp_path / "metrica.db") == 101
    assert admin("restore", str(tmp_path / "copy.db"), data=tmp_path).returncode == 0
    assert count(tmp_path / "metrica.db") == 100


def test_a_backup_of_an_older_schema_is_brought_up_to_date(in_file: Here, tmp_path: Path) -> None:
    old = tmp_path / "old.db"
    with contextlib.closing(sqlite3.connect(old)) as conn:
        migrations.apply(SqliteDatabase(conn, execute_plugins=False), stop_before="m004_marks")
        conn.execute("INSERT INTO stores (id, timezone, cutoff_hour) VALUES ('old-01', 'UTC', 4)")
        conn.commit()
    in_file.ok("restore", str(old))
    with Database(in_file.data / "metrica.db") as database:
        assert [store.id for store in database.stores.all()] == ["old-01"]
    assert "m004_marks" not in checked(old).schema, "the backup itself stays as it was"


def test_what_is_no_backup_is_refused_and_nothing_is_changed(in_file: Here, tmp_path: Path) -> None:
    filled(in_file.data, 3000)
    good = tmp_path / "good.db"
    in_file.ok("backup", str(good))
    before = (in_file.data / "metrica.db").read_bytes()

    def made(name: str, *statements: str) -> Path:
        path = tmp_path / name
        shutil.copy(good, path)
        with contextlib.closing(sqlite3.connect(path)) as conn:
            for statement in statements:
                conn.execute(statement)
            conn.commit()
        return path

    cut = tmp_path / "cut.db"
    cut.write_bytes(good.read_bytes()[:-8192])
    text = tmp_path / "text.db"
    text.write_text("dear diary " * 1000)
    empty = tmp_path / "empty.db"
    empty.touch()
    other = tmp_path / "other.db"
    with contextlib.closing(sqlite3.connect(other)) as conn:
        conn.execute("CREATE TABLE songs (name)")
    newer = made(
        "newer.db", "INSERT INTO _sqlite_migrations (migration_set, name, applied_at) VALUES ('metrica', 'm999_x', '')"
    )
    loose = made("loose.db", "PRAGMA foreign_keys=OFF", "DELETE FROM stores")
    for path, sentence in (
        (cut, "damaged"),
        (text, "not a database"),
        (empty, "is empty, not a database of Metrica"),
        (other, "is a database of another program"),
        (newer, "was written by a newer Metrica (it has m999_x)"),
        (loose, "a row belongs to no store"),
        (tmp_path / "none.db", "there is no file"),
        (in_file.data / "metrica.db", "is the database itself"),
    ):
        assert sentence in in_file.fails("restore", str(path)), path.name
    assert (in_file.data / "metrica.db").read_bytes() == before
    assert [name for name in names(in_file.data) if "before" in name or "partial" in name] == []


def test_a_damaged_database_is_moved_aside(in_file: Here, tmp_path: Path) -> None:
    filled(in_file.data, 3000)
    in_file.ok("backup", str(tmp_path / "copy.db"))
    (in_file.data / "metrica.db").write_bytes(b"no database any more" * 1000)
    said = in_file.ok("restore", str(tmp_path / "copy.db"))
    assert "it does not tell which tokens were revoked" in said
    assert count(in_file.data / "metrica.db") == 3000
    aside = next(in_file.data.glob("metrica.db.before-*Z"))
    assert aside.read_bytes().startswith(b"no database any more")


def test_what_was_revoked_or_deleted_since_the_backup_does_not_come_back_unnoticed(
    in_file: Here, tmp_path: Path
) -> None:
    token = filled(in_file.data, 10)
    with Database(in_file.data / "metrica.db") as database:
        database.stores.put(Store("sfax-01", "Africa/Tunis"))
        key = database.tokens.of_store(STORE.id)[0].key
    in_file.ok("backup", str(tmp_path / "copy.db"))
    in_file.ok("token", "revoke", STORE.id, key)
    in_file.ok("delete", "sfax-01", "--yes")
    said = in_file.ok("restore", str(tmp_path / "copy.db"))
    assert (
        "sfax-01 was deleted since the backup and is back: delete it again with 'metrica-admin delete sfax-01'" in said
    )
    with Database(in_file.data / "metrica.db") as database:
        assert database.tokens.store_of(token) is None
    in_file.ok("delete", "sfax-01", "--yes")
    assert "sfax-01" not in in_file.ok("store", "list")


def test_a_restore_into_an_empty_folder_makes_the_database(in_file: Here, tmp_path: Path) -> None:
    filled(in_file.data, 10)
    in_file.ok("backup", str(tmp_path / "copy.db"))
    fresh = Here(tmp_path / "fresh" / "deep", in_file._capsys)  # pyright: ignore[reportPrivateUsage]
    fresh.ok("restore", str(tmp_path / "copy.db"))
    assert (names(fresh.data), count(fresh.data / "metrica.db")) == (["metrica.db"], 10)
    assert stat.S_IMODE(fresh.data.stat().st_mode) == 0o700


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_what_root_restores_belongs_to_the_user_of_the_server(in_file: Here, tmp_path: Path) -> None:
    in_file.ok("backup", str(tmp_path / "copy.db"))
    os.chown(in_file.data / "metrica.db", 65534, 65534)
    in_file.ok("restore", str(tmp_path / "copy.db"))
    owners = {file.stat().st_uid for file in in_file.data.iterdir() if file.name.startswith("metrica.db")}
    assert owners == {65534}
