"""The commands and the nodes on a PostgreSQL database: named in an option, the environment, or a launch file."""

from __future__ import annotations

import logging
import subprocess
import sys
from pathlib import Path

import pytest

from metrica import Context, testing
from metrica.dashboard.nodes import Dashboard, Ingest
from metrica.dashboard.store.database import Database
from metrica.errors import NodeError, ParameterError
from tests.dashboard.client import STORE, Client
from tests.dashboard.database.server import GUARDED, Server
from tests.dashboard.footfall import event
from tests.dashboard.test_nodes import address

SECRET = "s3cr3t-of-the-shop"


def admin(*arguments: str, data: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    code = "import sys; from metrica.dashboard.admin.cli import main; sys.exit(main())"
    return subprocess.run(
        [sys.executable, "-c", code, *arguments, "--data", str(data)],
        capture_output=True, text=True, timeout=60, check=False, env={"PATH": "", **variables},
    )  # fmt: skip


def test_the_database_is_named_by_the_environment_and_an_option_says_otherwise(postgresql: str, tmp_path: Path) -> None:
    add = ("store", "add", "tunis-01", "--timezone", "Africa/Tunis")
    assert admin(*add, data=tmp_path, METRICA_DATABASE=postgresql).returncode == 0
    assert list(tmp_path.iterdir()) == [], "no file is made"
    listed = admin("store", "list", "--database", postgresql, data=tmp_path)
    assert listed.stdout == "tunis-01\tAfrica/Tunis\t04:00\n"
    file = tmp_path / "other.db"
    elsewhere = admin(*add, "--database", str(file), data=tmp_path, METRICA_DATABASE=postgresql)
    assert (elsewhere.returncode, file.exists()) == (0, True)


@pytest.mark.parametrize("place", ["postgresql://m:{}@127.0.0.1:1/metrica", "postgresql://m:{}@[/metrica"])
def test_no_password_is_in_what_a_command_says(tmp_path: Path, place: str) -> None:
    for how in ("variable", "option"):
        named = place.format(SECRET)
        ended = (
            admin("store", "list", data=tmp_path, METRICA_DATABASE=named)
            if how == "variable"
            else admin("store", "list", "--database", named, data=tmp_path)
        )
        assert (ended.returncode, ended.stdout, ended.stderr.count("\n")) == (1, "", 1)
        assert SECRET not in ended.stderr


def test_a_box_keeps_its_events_in_postgresql_and_its_pages_read_them(postgresql: str, tmp_path: Path) -> None:
    where = Context(store="tunis-01", timezone="Africa/Tunis", data=tmp_path / "data")
    node = Ingest(port=0, database=postgresql)
    with testing.run(node, context=where) as bench:
        client = Client(address(node), where.local_token())
        assert client.send([event(1, bench.clock.now())]).body["accepted"] == 1
        assert client.get("/v1/stores/tunis-01/kpis").body["inside"] == 1
        bench.advance(20)
    with testing.run(Dashboard(port=0, database=postgresql), context=where) as bench:
        bench.advance(20)
    assert not (tmp_path / "data" / "metrica.db").exists()
    with Database(postgresql) as database:
        assert database.events.count("tunis-01") == 1


def test_an_address_that_cannot_be_read_is_found_before_anything_runs(tmp_path: Path) -> None:
    for kind in (Ingest, Dashboard):
        with pytest.raises(ParameterError, match="'database': the address of the database cannot be read") as caught:
            kind(port=0, database=f"postgresql://m:{SECRET}@[/metrica").check()
        assert SECRET not in str(caught.value)


def test_a_node_without_its_server_fails_for_now_and_shows_no_password(
    postgresql_server: Server, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    where = Context(store="tunis-01", timezone="Africa/Tunis", data=tmp_path / "data")
    wrong = postgresql_server.url("postgres", f"{GUARDED}:{SECRET}")
    for place, said in (
        (f"postgresql://m:{SECRET}@127.0.0.1:1/metrica", "does not answer"),
        (wrong, "refuses the password"),
    ):
        with caplog.at_level(logging.DEBUG), pytest.raises(NodeError, match=said) as caught:
            with testing.run(Ingest(port=0, database=place), context=where):
                pass
        assert not caught.value.permanent, "the server may come back"
        assert SECRET not in str(caught.value) + caplog.text


def test_without_the_extra_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("metrica.dashboard.database.postgresql")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(ParameterError, match=r"PostgreSQL needs psycopg, .* install metrica\[postgresql\]"):
        Ingest(port=0, database=f"postgresql://db.example/{STORE.id}").check()
