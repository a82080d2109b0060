"""Whatever a PostgreSQL server refuses is one sentence with a remedy, and no password."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import time
from pathlib import Path

import pytest

from metrica.dashboard.database.errors import (
    DatabaseAwayError,
    DatabaseBusyError,
    DatabaseDamagedError,
    DatabaseError,
    DatabaseFullError,
)
from metrica.dashboard.database.interface import Connection
from metrica.dashboard.kpis.store import Store
from metrica.dashboard.store.database import Database
from metrica.dashboard.store.events import Added
from metrica.dashboard.store.users import User
from tests.dashboard.database.server import GUARDED, Server
from tests.dashboard.footfall import event
from tests.small_disk import fill, small_disk

TUNIS = Store("tunis-01", "Africa/Tunis")
SECRET = "not-the-right-one"


def refusal(url: str) -> str:
    with pytest.raises(DatabaseError) as caught:
        Database(url).close()
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_wrong_password_and_a_missing_one(postgresql_server: Server, tmp_path: Path) -> None:
    url = postgresql_server.new_database(empty=True)
    name = url.rpartition("/")[2]
    postgresql_server.execute(f"CREATE ROLE {GUARDED} LOGIN PASSWORD 'the right one'")
    postgresql_server.execute(f"ALTER DATABASE {name} OWNER TO {GUARDED}")
    for user in (f"{GUARDED}:{SECRET}", GUARDED):
        said = refusal(postgresql_server.url(name, user))
        assert "refuses the password" in said
        assert SECRET not in said
    file = tmp_path / "password"
    file.write_text("the right one\n")
    with Database(f"{postgresql_server.url(name, GUARDED)}?password_file={file}") as database:
        database.stores.put(TUNIS)
        assert database.stores.all() == [TUNIS]
    passes = tmp_path / "passes"
    passes.write_text(f"127.0.0.1:*:*:{GUARDED}:the right one\n")
    passes.chmod(0o600)
    with Database(f"{postgresql_server.url(name, GUARDED)}?passfile={passes}") as database:
        assert database.stores.all() == [TUNIS]
    postgresql_server.drop(url)


def test_what_is_not_there(postgresql_server: Server) -> None:
    assert "there is no database" in refusal(postgresql_server.url("nothing_here"))
    assert "does not know this user" in refusal(postgresql_server.url("postgres", "nobody_here"))
    assert "does not answer" in refusal("postgresql://metrica@127.0.0.1:1/metrica")
    assert "does not answer" in refusal("postgresql://metrica@no-such-host.invalid/metrica")


def test_a_database_of_another_program_and_one_of_a_newer_metrica_are_left_alone(postgresql_server: Server) -> None:
    url = postgresql_server.new_database(empty=True)
    name = url.rpartition("/")[2]
    postgresql_server.execute("CREATE TABLE recipes (name text)", name)
    assert "of another program (it has the table recipes)" in refusal(url)
    postgresql_server.execute("DROP TABLE recipes", name)
    Database(url).close()
    postgresql_server.execute("INSERT INTO metrica_steps VALUES ('m999_later', 1)", name)
    with pytest.raises(DatabaseDamagedError, match="m999_later"):
        Database(url)
    postgresql_server.drop(url)


def test_a_database_that_does_not_keep_every_letter_is_refused(postgresql_server: Server) -> None:
    postgresql_server.execute("CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0")
    assert "keeps text as LATIN1: make one with ENCODING 'UTF8'" in refusal(postgresql_server.url("latin"))


def test_a_user_who_may_make_no_tables_is_told_so(postgresql_server: Server) -> None:
    url = postgresql_server.new_database(empty=True)
    postgresql_server.execute("CREATE ROLE guest LOGIN")
    postgresql_server.execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC", url.rpartition("/")[2])
    assert "may not do this" in refusal(url.replace("metrica@", "guest@"))
    postgresql_server.drop(url)


def test_a_server_that_takes_no_more_connections_is_busy(postgresql_server: Server) -> None:
    url = postgresql_server.new_database(empty=True)
    name = url.rpartition("/")[2]
    postgresql_server.execute("CREATE ROLE few LOGIN CONNECTION LIMIT 0")
    postgresql_server.execute(f"ALTER DATABASE {name} OWNER TO few")
    assert "takes no more connections" in refusal(url.replace("metrica@", "few@"))
    postgresql_server.drop(url)


def test_a_database_that_can_only_be_read_refuses_writes_and_says_why(
    postgresql: str, postgresql_server: Server
) -> None:
    postgresql_server.execute(f"ALTER DATABASE {postgresql.rpartition('/')[2]} SET default_transaction_read_only = on")
    with (
        Database(postgresql) as database,
        pytest.raises(DatabaseError, match="can only be read here: name the primary"),
    ):
        database.stores.put(TUNIS)


def test_a_text_with_a_nul_is_refused_and_takes_no_other_write_along(postgresql: str) -> None:
    with Database(postgresql) as database:
        bad = database.write(lambda db: db.execute("INSERT INTO users VALUES (?, 'x', 1)", ("a\0b",)))
        worse = database.write(lambda db: db.execute("INSERT INTO users VALUES (?, 'x', 1)", ("\ud800",)))
        good = database.write(lambda db: db.execute("INSERT INTO users VALUES (?, 'x', 1)", ("ab",)))
        with pytest.raises(DatabaseError, match="NUL"):
            bad.result(20)
        with pytest.raises(UnicodeEncodeError):
            worse.result(20)
        good.result(20)
        assert [user.name for user in database.users.all()] == ["ab"]


def test_a_job_that_goes_on_after_a_failed_statement_is_undone_and_said_so(postgresql: str) -> None:
    def careless(db: Connection) -> None:
        db.execute("INSERT INTO users VALUES ('leila', 'x', 1)")
        with contextlib.suppress(Exception):
            db.execute("SELECT * FROM no_such_table")

    with Database(postgresql) as database:
        for _ in range(3):  # also when it is not the first of its transaction
            waiting = [database.write(lambda db: None), database.write(careless), database.write(lambda db: None)]
            assert waiting[0].exception(20) is waiting[2].exception(20) is None
            with pytest.raises(DatabaseError, match="the job went on"):
                waiting[1].result(20)
        assert database.users.all() == []


def test_a_full_disk_refuses_the_write_keeps_the_rest_and_recovers(postgresql_server: Server) -> None:
    with small_disk(postgresql_server.folder, "24m") as disk:
        own = (postgresql_server.folder / "data").stat()
        os.chown(disk, own.st_uid, own.st_gid)
        disk.chmod(0o700)
        postgresql_server.execute(f"CREATE TABLESPACE small LOCATION '{disk}'")
        postgresql_server.execute("CREATE DATABASE filling TABLESPACE small")
        try:
            with Database(postgresql_server.url("filling")) as database:
                database.stores.put(TUNIS)
                database.events.add(TUNIS.id, [event(0, 5)]).result()
                filler = fill(disk)
                many = [event(n, n) for n in range(1, 3000)]
                with pytest.raises(DatabaseFullError, match="disk is full"):
                    database.events.add(TUNIS.id, many).result()
                filler.unlink()
                first = database.events.count(TUNIS.id)
                added = database.events.add(TUNIS.id, many).result()
                assert added == Added(3000 - first, first - 1)
        finally:
            postgresql_server.execute("DROP DATABASE IF EXISTS filling WITH (FORCE)")
            postgresql_server.execute("DROP TABLESPACE small")


def test_a_store_that_another_program_holds_is_busy_after_a_while(
    postgresql: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Database(postgresql + "?options=-c%20lock_timeout%3D100") as database, Database(postgresql) as other:
        database.stores.put(TUNIS)
        database.write(lambda db: None, TUNIS.id).result()

        def hold(db: Connection) -> Added:
            other.lock_store(db, TUNIS.id)
            with pytest.raises(DatabaseBusyError, match="locked by another program"):
                database.events.add(TUNIS.id, [event(1, 10)]).result(20)
            assert database.events.count(TUNIS.id) == 0, "reading goes on"
            return Added(0, 0)

        other.write(hold).result(30)
        assert database.events.add(TUNIS.id, [event(1, 10)]).result(20) == Added(1, 0)


def test_a_server_that_goes_and_comes_back_is_said_once_each_and_needs_no_restart(
    caplog: pytest.LogCaptureFixture,
) -> None:
    server = Server()
    try:
        with Database(server.new_database(empty=True)) as database:
            database.stores.put(TUNIS)
            database.require_writing()
            server.stop()
            with caplog.at_level(logging.WARNING):
                for n in range(3):
                    with pytest.raises(DatabaseAwayError, match="does not answer"):
                        database.events.add(TUNIS.id, [event(n, 10)]).result(20)
                    with pytest.raises(DatabaseAwayError, match="does not answer"):
                        database.stores.all()
                    with pytest.raises(DatabaseAwayError):
                        database.require_writing()
                server.start()
                assert database.events.add(TUNIS.id, [event(1, 10)]).result(20) == Added(1, 0)
                patience = time.monotonic() + 20
                while not _answers(database):
                    assert time.monotonic() < patience
                database.require_writing()
            said = [record.getMessage() for record in caplog.records if "answer" in record.getMessage()]
            assert len(said) == 2, said
            assert "tried again until it answers" in said[0]
            assert "answers again" in said[1]
    finally:
        server.remove()


def _answers(database: Database) -> bool:
    try:
        return database.stores.all() == [TUNIS]
    except DatabaseAwayError:
        return False


def test_connections_that_were_ended_meanwhile_are_made_anew_and_nobody_notices(
    postgresql: str, postgresql_server: Server
) -> None:
    end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'metrica'"
    with Database(postgresql) as database:
        for n in range(3):
            database.stores.put(TUNIS)
            assert database.events.add(TUNIS.id, [event(n, 10)]).result(20) == Added(1, 0)
            assert database.events.count(TUNIS.id) == n + 1
            with database.snapshot() as conn:
                assert conn.execute("SELECT count(*) FROM stores").fetchone() == (1,)
            postgresql_server.execute(end)
        with database.snapshot() as conn:
            assert conn.execute("SELECT count(*) FROM stores").fetchone() == (1,)


def test_a_server_that_hangs_is_found_out_in_some_seconds() -> None:
    server = Server()
    try:
        with Database(server.new_database(empty=True)) as database:
            database.require_writing()
            server.signal(signal.SIGSTOP)
            try:
                began = time.monotonic()
                for _ in range(2):
                    with pytest.raises(DatabaseAwayError, match="has not answered for 3 seconds"):
                        database.require_writing()
                assert time.monotonic() - began < 20
            finally:
                server.signal(signal.SIGCONT)
            patience = time.monotonic() + 20
            while time.monotonic() < patience:
                try:
                    database.require_writing()
                    break
                except DatabaseAwayError:
                    continue
            else:
                pytest.fail("it did not come back")
    finally:
        server.remove()


def test_a_read_connection_cannot_write(postgresql: str) -> None:
    with Database(postgresql) as database:
        database.users.put(User("leila", "x"))
        with pytest.raises(DatabaseError, match="can only be read"):
            database.rows("DELETE FROM users RETURNING name")
        assert database.users.all() == [User("leila", "x")]
