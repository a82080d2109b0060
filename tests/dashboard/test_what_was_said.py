"""The nodes at each start: a launch file fills what nobody said, and says in the log what of it is not used and why."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from metrica import testing
from metrica.context import Context
from metrica.dashboard.admin.cli import main as admin
from metrica.dashboard.kpis.store import Store
from metrica.dashboard.nodes import Dashboard, Ingest
from metrica.dashboard.store.database import Database
from metrica.dashboard.store.origins import ADMIN
from metrica.dashboard.store.users import OWNER, User
from metrica.dashboard.web.passwords import hashed, is_right
from metrica.errors import ParameterError
from tests.dashboard.client import Client

FIRST, SECOND = "the first token of the box", "the second token of the box"


@pytest.fixture
def where(tmp_path: Path) -> Context:
    return Context(store="tunis-01", timezone="Africa/Tunis", data=tmp_path / "data")


@contextlib.contextmanager
def ingest(where: Context, **params: Any) -> Generator[str]:
    """A node that is started with these parameters; gives its address."""
    node = Ingest(port=0, **params)
    with testing.run(node, context=where):
        server = node._server  # pyright: ignore[reportPrivateUsage]
        assert server is not None
        yield server.address


def accepted(address: str, token: str) -> bool:
    return Client(address, token).get("/v1/stores/tunis-01").status == 200


def command(where: Context, *arguments: str) -> None:
    assert admin([*arguments, "--data", str(where.data)]) == 0


def keys(where: Context) -> list[str]:
    with Database(where.data_dir / "metrica.db") as database:
        return [token.key for token in database.tokens.of_store("tunis-01") if token.revoked is None]


def test_a_revoked_token_of_the_launch_file_stays_revoked_and_the_log_says_the_remedy(
    where: Context, caplog: pytest.LogCaptureFixture
) -> None:
    with ingest(where, token=FIRST) as address:
        assert accepted(address, FIRST)
        command(where, "token", "revoke", "tunis-01", *keys(where))
        assert not accepted(address, FIRST), "at once"
    for _ in range(2):
        caplog.clear()
        with ingest(where, token=FIRST) as address:
            assert not accepted(address, FIRST)
        warned = [record.message for record in caplog.records if record.levelno == logging.WARNING]
        assert warned == [
            "the token of the launch file was revoked, so nobody can send events with it: write another one there,"
            " then start again"
        ]
    caplog.clear()
    with ingest(where, token=SECOND) as address:
        assert accepted(address, SECOND)
        assert not accepted(address, FIRST)
    assert [record.message for record in caplog.records if record.levelno == logging.WARNING] == []


def test_a_revoked_token_that_the_box_made_itself_stays_revoked_too(
    where: Context, caplog: pytest.LogCaptureFixture
) -> None:
    with ingest(where):
        command(where, "token", "revoke", "tunis-01", *keys(where))
    revoked = where.local_token()
    with ingest(where) as address:
        assert not accepted(address, revoked)
    file = where.data_dir / "token"
    assert f"the token in {file} was revoked, so nobody can send events with it: delete the file, and" in caplog.text
    file.unlink()
    with ingest(where) as address:
        assert accepted(address, where.local_token())
        assert not accepted(address, revoked)


def test_an_old_token_of_a_changed_launch_file_is_worth_nothing(where: Context) -> None:
    with ingest(where, token=FIRST):
        pass
    with ingest(where, token=SECOND) as address:
        assert accepted(address, SECOND)
        assert not accepted(address, FIRST)
    with ingest(where) as address:
        assert accepted(address, where.local_token())
        assert not accepted(address, SECOND)
    with ingest(where, token=FIRST) as address:
        assert accepted(address, FIRST), "who writes it again means it"


def test_a_token_of_an_administrator_works_beside_the_launch_files(where: Context) -> None:
    with ingest(where, token=FIRST), Database(where.data_dir / "metrica.db") as database:
        other = database.tokens.create("tunis-01")
    for token in (SECOND, FIRST, ""):
        with ingest(where, token=token) as address:
            assert accepted(address, other)


@pytest.mark.parametrize("token", ["x", "12345678", "aaaaaaaaaaaaaaaaaaaaaaaa", " the first token of the box"])
def test_a_weak_token_is_refused_before_anything_starts(where: Context, token: str) -> None:
    with pytest.raises(ParameterError, match="'token': the token ") as caught, ingest(where, token=token):
        pass
    assert repr(token) not in str(caught.value)
    assert not where.data_dir.exists()


def test_figures_of_an_administrator_survive_every_start(where: Context, caplog: pytest.LogCaptureFixture) -> None:
    with ingest(where, cutoff_hour=6):
        pass
    command(where, "store", "add", "tunis-01", "--timezone", "Africa/Tunis", "--recall", "0.98", "--precision", "0.995")
    command(where, "store", "set", "tunis-01", "--cutoff", "3")
    starts: list[dict[str, Any]] = [{"cutoff_hour": 6}, {"cutoff_hour": 6, "empty_hour": 23}, {"recall": 0.9}, {}]
    for params in starts:
        with ingest(where, **params):
            pass
        with Database(where.data_dir / "metrica.db") as database:
            empty = params.get("empty_hour")
            assert database.stores.get("tunis-01") == Store("tunis-01", "Africa/Tunis", 3, empty, 0.98, 0.995)
    assert (
        "the store's cutoff_hour stays 3, as an administrator chose it, and the launch file's 6 is not used: take it "
        "out, or change the store with 'metrica-admin store set tunis-01'"
    ) in caplog.text


def test_a_launch_file_changes_what_it_said_itself(where: Context) -> None:
    for cutoff in (6, 5, None):
        with ingest(where, cutoff_hour=cutoff), Database(where.data_dir / "metrica.db") as database:
            assert database.stores.get("tunis-01") == Store("tunis-01", "Africa/Tunis", *([cutoff] if cutoff else []))


def test_a_password_that_the_owner_has_chosen_survives_every_start(
    where: Context, caplog: pytest.LogCaptureFixture
) -> None:
    with testing.run(Dashboard(port=0, password="of the launch file"), context=where):
        pass
    with Database(where.data_dir / "metrica.db") as database:
        assert is_right(database.users.get(OWNER), "of the launch file")
        database.users.put(User(OWNER, hashed("chosen on the page"), ADMIN), actor=OWNER)
    with testing.run(Dashboard(port=0, password="of the launch file"), context=where):
        pass
    with Database(where.data_dir / "metrica.db") as database:
        assert is_right(database.users.get(OWNER), "chosen on the page")
    assert "the given password is not used, because 'owner' has chosen another one since" in caplog.text
    assert "of the launch file" not in caplog.text, "and the password itself is not said"


@pytest.mark.parametrize("password", ["short", "aaaaaaaa"])
def test_a_bad_password_is_refused_before_anything_starts(where: Context, password: str) -> None:
    with (
        pytest.raises(ParameterError, match="'password': the password is too "),
        testing.run(Dashboard(port=0, password=password), context=where),
    ):
        pass
    assert not where.data_dir.exists()
