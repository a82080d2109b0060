"""The ingest and the dashboard as nodes: they serve while configured, and fail in one sentence when they cannot."""

from __future__ import annotations

import logging
import socket
import sqlite3
import stat
import threading
from pathlib import Path

import pytest
import urllib3

from metrica import testing
from metrica.context import Context
from metrica.dashboard.database.errors import database_error
from metrica.dashboard.nodes import Dashboard, Ingest
from metrica.dashboard.store.database import Database
from metrica.dashboard.store.users import User
from metrica.dashboard.web.passwords import OWNER, hashed, is_right
from metrica.errors import NodeError, ParameterError
from tests.dashboard.client import Client
from tests.dashboard.database.test_sqlite_writer import end
from tests.dashboard.footfall import event


def context(folder: Path) -> Context:
    return Context(store="tunis-01", timezone="Africa/Tunis", data=folder / "data")


def address(node: Ingest | Dashboard) -> str:
    server = node._server  # pyright: ignore[reportPrivateUsage]
    assert server is not None
    return server.address


def threads() -> set[str]:
    return {thread.name for thread in threading.enumerate() if thread.name.startswith("metrica-")}


def test_the_ingest_takes_what_this_boxes_own_uploader_sends(tmp_path: Path) -> None:
    where = context(tmp_path)
    node = Ingest(port=0, cutoff_hour=6)
    with testing.run(node, context=where) as bench:
        client = Client(address(node), where.local_token())
        assert client.send([event(1, bench.clock.now())]).body["accepted"] == 1
        shown = client.get("/v1/stores/tunis-01").body
        assert (shown["timezone"], shown["cutoff_hour"]) == ("Africa/Tunis", 6)
        assert client.get("/v1/stores/tunis-01/kpis").body["inside"] == 1, "at the bench's own time"
        bench.advance(20)
    assert threads() == set()
    with pytest.raises(urllib3.exceptions.HTTPError):
        client.get("/healthz")


def test_the_ingest_may_be_given_a_token_and_a_database(tmp_path: Path) -> None:
    node = Ingest(port=0, token="given by the installer", database=str(tmp_path / "elsewhere.db"))
    with testing.run(node, context=context(tmp_path)) as bench:
        assert Client(address(node), "given by the installer").send([event(1, bench.clock.now())]).status == 200
        assert Client(address(node), "another").send([]).status == 401
    assert (tmp_path / "elsewhere.db").exists()
    assert not (tmp_path / "data").exists()


def test_a_restarted_ingest_goes_on_with_the_same_data_and_token(tmp_path: Path) -> None:
    where = context(tmp_path)
    for expected in ({"accepted": 1, "duplicates": 0}, {"accepted": 0, "duplicates": 1}):
        node = Ingest(port=0)
        with testing.run(node, context=where) as bench:
            answer = Client(address(node), where.local_token()).send([event(1, bench.clock.now())])
            assert answer.body == expected | {"refused": []}


@pytest.mark.parametrize("kind", [Ingest, Dashboard])
def test_a_taken_port_may_be_free_later_and_leaves_nothing_open(
    tmp_path: Path, kind: type[Ingest] | type[Dashboard]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(NodeError) as caught, testing.run(kind(port=port), context=context(tmp_path)):
            pass
    assert str(caught.value) == f"port {port} is taken by another program: choose another port, or stop it"
    assert not caught.value.permanent
    assert threads() == set()
    with Database(tmp_path / "data" / "metrica.db") as database:
        assert database.users.all() == [], "no password was made that nobody could read"


@pytest.mark.parametrize("kind", [Ingest, Dashboard])
@pytest.mark.parametrize(
    "code", [sqlite3.SQLITE_IOERR, sqlite3.SQLITE_FULL, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_CANTOPEN]
)
def test_what_a_disk_does_may_pass(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: type[Ingest] | type[Dashboard], code: int
) -> None:
    def fails(*_: object, **__: object) -> None:
        error = sqlite3.OperationalError("disk I/O error")
        error.sqlite_errorcode = code
        raise database_error(error, tmp_path / "metrica.db")

    monkeypatch.setattr("metrica.dashboard.nodes.Database", fails)
    with pytest.raises(NodeError) as caught, testing.run(kind(port=0), context=context(tmp_path)):
        pass
    assert not caught.value.permanent


@pytest.mark.parametrize("kind", [Ingest, Dashboard])
def test_a_damaged_database_is_a_permanent_error(tmp_path: Path, kind: type[Ingest] | type[Dashboard]) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "metrica.db").write_text("dear diary " * 100)
    with (
        pytest.raises(NodeError, match="not a database") as caught,
        testing.run(kind(port=0), context=context(tmp_path)),
    ):
        pass
    assert caught.value.permanent


def test_the_dashboard_makes_an_owner_once_and_keeps_the_password_in_a_private_file(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    where = context(tmp_path)
    kept, note = where.data_dir / "first-password", where.data_dir / "open" / "dashboard"
    made = ""
    with caplog.at_level(logging.DEBUG):
        for _ in range(2):
            node = Dashboard(port=0)
            with testing.run(node, name="/dashboard", context=where):
                assert urllib3.request("GET", f"{address(node)}/healthz").json() == {"status": "ok"}
                made = kept.read_text().strip()
                assert f"log in on {address(node)} as 'owner' with the password in {kept}" in caplog.text
                assert note.read_text() == f"{address(node)} (log in as owner, password {made})\n"
        assert made not in caplog.text
    assert (stat.S_IMODE(kept.stat().st_mode), stat.S_IMODE(note.stat().st_mode)) == (0o600, 0o600)
    assert stat.S_IMODE(note.parent.stat().st_mode) == 0o700
    with Database(tmp_path / "data" / "metrica.db") as database:
        assert is_right(database.users.get(OWNER), made)
        assert [store.id for store in database.stores.all()] == ["tunis-01"]
        database.users.put(User(OWNER, hashed("chosen by the owner")))
    caplog.clear()
    with testing.run(Dashboard(port=0), name="/dashboard", context=where):
        assert "password" not in note.read_text() + caplog.text
    assert not kept.exists(), "it opens nothing any more"
    assert threads() == set()


def test_the_dashboard_takes_the_password_it_is_given(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with (
        caplog.at_level(logging.INFO),
        testing.run(Dashboard(port=0, password="of the owner"), context=context(tmp_path)),
    ):
        pass
    assert "of the owner" not in caplog.text
    with Database(tmp_path / "data" / "metrica.db") as database:
        assert is_right(database.users.get(OWNER), "of the owner")


def test_a_short_password_is_refused_before_anything_starts(tmp_path: Path) -> None:
    with (
        pytest.raises(ParameterError, match="at least 8 characters"),
        testing.run(Dashboard(port=0, password="short"), context=context(tmp_path)),
    ):
        pass
    assert not (tmp_path / "data").exists()


def test_both_share_one_database(tmp_path: Path) -> None:
    where = context(tmp_path)
    ingest, dashboard = Ingest(port=0, cutoff_hour=5), Dashboard(port=0)
    with testing.run(dashboard, context=where), testing.run(ingest, context=where) as bench:
        Client(address(ingest), where.local_token()).send([event(1, bench.clock.now())])
    with Database(tmp_path / "data" / "metrica.db") as database:
        assert database.events.count("tunis-01") == 1
        assert database.stores.all()[0].cutoff_hour == 5


def test_a_server_whose_thread_has_ended_fails_the_node(tmp_path: Path) -> None:
    node = Ingest(port=0)
    with testing.run(node, context=context(tmp_path)):
        node.watch()
        server = node._server  # pyright: ignore[reportPrivateUsage]
        assert server is not None
        server.stop()
        with pytest.raises(NodeError, match="has ended"):
            node.watch()


def test_an_ingest_whose_writer_has_ended_is_not_healthy_and_fails_so_that_it_is_restarted(tmp_path: Path) -> None:
    node = Ingest(port=0)
    with testing.run(node, context=context(tmp_path)) as bench:
        client = Client(address(node), None)
        assert client.get("/healthz").status == 200
        end("metrica-store-writer")
        assert Client(address(node), context(tmp_path).local_token()).send([event(1, bench.clock.now())]).status == 503
        assert client.get("/healthz").status == 503
        with pytest.raises(NodeError, match="the thread that writes to the database"):
            bench.advance(10)
