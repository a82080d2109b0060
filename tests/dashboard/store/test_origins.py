"""What an administrator said stands; a launch file fills only what nobody said."""

from __future__ import annotations

import contextlib
import hashlib
import sqlite3
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlite_utils import Database as SqliteDatabase

from metrica.dashboard.database.sqlite.migrations import migrations
from metrica.dashboard.kpis.store import DEFAULT_CUTOFF_HOUR, Store
from metrica.dashboard.store.database import Database
from metrica.dashboard.store.origins import ADMIN, launch_file
from metrica.dashboard.store.tokens import check_token
from metrica.dashboard.store.users import OWNER, User
from tests.dashboard.database.places import Place

NODE = launch_file("/ingest")
TUNIS = {"timezone": "Africa/Tunis"}


@pytest.fixture
def database(place: Place) -> Generator[Database]:
    with Database(place) as opened:
        opened.stores.fill("tunis-01", TUNIS, NODE)
        yield opened


def states(database: Database) -> list[tuple[str, str]]:
    """Of each token who gave it and who revoked it."""
    return [(token.origin, token.revoked_by) for token in database.tokens.of_store("tunis-01")]


def actions(database: Database) -> list[tuple[str, str]]:
    return [(entry.actor, entry.action) for entry in database.audit.all()]


def test_a_token_that_was_revoked_stays_revoked_at_each_start(database: Database) -> None:
    assert database.tokens.fill("tunis-01", "token one", NODE) == "valid"
    assert database.tokens.fill("tunis-01", "token one", NODE) == "valid"
    assert database.tokens.store_of("token one") == "tunis-01"
    assert database.tokens.revoke("tunis-01", database.tokens.of_store("tunis-01")[0].key)
    for node in (NODE, launch_file("/another")):
        assert database.tokens.fill("tunis-01", "token one", node) == "revoked"
        assert database.tokens.store_of("token one") is None
    assert actions(database)[1:] == [(NODE, "token added"), ("command line", "token revoked")]


def test_a_changed_launch_file_retires_its_old_token_and_no_other(database: Database) -> None:
    of_admin = database.tokens.create("tunis-01")
    for token in ("token one", "token two"):
        database.tokens.fill("tunis-01", token, NODE)
    database.tokens.fill("tunis-01", "another's", launch_file("/another"))
    assert [database.tokens.store_of(t) for t in ("token one", "token two")] == [None, "tunis-01"]
    assert states(database)[1:3] == [(NODE, NODE), (NODE, "")]
    assert database.tokens.store_of(of_admin) == database.tokens.store_of("another's") == "tunis-01"
    database.tokens.fill("tunis-01", "token one", NODE)
    assert [database.tokens.store_of(t) for t in ("token one", "token two")] == ["tunis-01", None], "put back by hand"


def test_a_retired_token_can_be_revoked_for_good(database: Database) -> None:
    for token in ("token one", "token two"):
        database.tokens.fill("tunis-01", token, NODE)
    old = next(token for token in database.tokens.of_store("tunis-01") if token.revoked)
    assert database.tokens.revoke("tunis-01", old.key)
    assert database.tokens.fill("tunis-01", "token one", NODE) == "revoked"
    assert database.tokens.store_of("token two") is None, "the launch file has another one now"


def test_a_revoked_token_in_the_launch_file_still_retires_the_one_before(database: Database) -> None:
    database.tokens.fill("tunis-01", "token one", NODE)
    database.tokens.revoke("tunis-01", database.tokens.of_store("tunis-01")[0].key)
    database.tokens.fill("tunis-01", "token two", NODE)
    assert database.tokens.fill("tunis-01", "token one", NODE) == "revoked"
    assert database.tokens.store_of("token two") is None


def test_the_token_of_an_administrator_stays_with_its_store(database: Database) -> None:
    database.stores.put(Store("sfax-01", "Africa/Tunis"))
    token = database.tokens.create("sfax-01")
    assert database.tokens.fill("tunis-01", token, NODE) == "elsewhere"
    assert database.tokens.store_of(token) == "sfax-01"


def test_a_renamed_store_takes_its_launch_files_token_along(database: Database) -> None:
    database.tokens.fill("tunis-01", "token one", NODE)
    database.stores.fill("tunis-02", TUNIS, NODE)
    assert database.tokens.fill("tunis-02", "token one", NODE) == "valid"
    assert database.tokens.store_of("token one") == "tunis-02"


@pytest.mark.parametrize(
    "token", ["x", "fifteen letters", "a" * 40, "abcabcabcabcabcabc", " begins with a blank", "a\nb" * 9]
)
def test_a_token_that_can_be_guessed_or_not_sent_is_refused(token: str) -> None:
    with pytest.raises(ValueError, match="the token"):
        check_token(token)


def test_settings_of_an_administrator_stand_and_the_others_follow_the_launch_file(database: Database) -> None:
    database.stores.say("tunis-01", {"recall": 0.98, "cutoff_hour": 5})
    said = TUNIS | {"cutoff_hour": 6, "empty_hour": 23}
    assert database.stores.fill("tunis-01", said, NODE) == {"cutoff_hour": 5}
    assert database.stores.get("tunis-01") == Store("tunis-01", "Africa/Tunis", 5, 23, 0.98)
    assert database.stores.fill("tunis-01", {"timezone": "Asia/Riyadh", "recall": 0.9}, NODE) == {"recall": 0.98}
    assert database.stores.get("tunis-01") == Store("tunis-01", "Asia/Riyadh", 5, None, 0.98)
    assert database.stores.origins("tunis-01") == {"cutoff_hour": ADMIN, "recall": ADMIN, "timezone": NODE}


def test_an_administrator_can_also_say_that_there_is_none(database: Database) -> None:
    database.stores.fill("tunis-01", TUNIS | {"recall": 0.9}, NODE)
    database.stores.say("tunis-01", {"recall": None})
    assert database.stores.fill("tunis-01", TUNIS | {"recall": 0.9}, NODE) == {"recall": None}


def test_what_a_whole_store_changes_counts_as_said(database: Database) -> None:
    database.stores.put(Store("tunis-01", "Africa/Tunis", 5, 23, 0.98, 0.995))
    database.stores.fill("tunis-01", TUNIS | {"cutoff_hour": 6, "recall": 0.9}, NODE)
    assert database.stores.get("tunis-01") == Store("tunis-01", "Africa/Tunis", 5, 23, 0.98, 0.995)


def test_a_start_that_changes_nothing_writes_nothing(database: Database) -> None:
    before = actions(database)
    for _ in range(3):
        database.stores.fill("tunis-01", TUNIS, NODE)
    assert actions(database) == before == [(NODE, "store added")]


SETTINGS = {
    "timezone": st.sampled_from(["Africa/Tunis", "Asia/Riyadh", "UTC"]),
    "cutoff_hour": st.integers(0, 23),
    "empty_hour": st.none() | st.integers(0, 23),
    "recall": st.none() | st.sampled_from([0.5, 0.9, 1.0]),
    "precision": st.none() | st.sampled_from([0.5, 0.9, 1.0]),
}
ADMIN_SAYS = st.tuples(st.just("admin"), st.fixed_dictionaries({}, optional=SETTINGS))
FILE_SAYS = st.tuples(
    st.just("file"),
    st.fixed_dictionaries(
        {"timezone": SETTINGS["timezone"]}, optional={k: v for k, v in SETTINGS.items() if k != "timezone"}
    ),
)


@settings(max_examples=40, deadline=None)
@given(steps=st.lists(ADMIN_SAYS | FILE_SAYS, max_size=8))
def test_in_any_order_of_commands_and_starts_each_setting_is_the_one_that_counts(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, dict[str, Any]]]
) -> None:
    admin: dict[str, Any] = {}
    file: dict[str, Any] = dict(TUNIS)
    with Database(tmp_path_factory.mktemp("database") / "metrica.db") as database:
        database.stores.fill("s", file, NODE)
        for who, said in steps:
            if who == "admin":
                admin |= said
                database.stores.say("s", said)
            else:
                file = {name: value for name, value in said.items() if value is not None}
                database.stores.fill("s", file, NODE)
        found = database.stores.get("s")
    usual = {"cutoff_hour": DEFAULT_CUTOFF_HOUR, "empty_hour": None, "recall": None, "precision": None}
    expected = usual | file | admin
    assert found is not None
    assert {name: getattr(found, name) for name in expected} == expected


def test_a_removed_owner_is_noted_and_other_names_are_not_kept(database: Database) -> None:
    for name in (OWNER, "amel"):
        database.users.put(User(name, "hash"))
        assert database.users.remove(name)
        assert not database.users.remove(name)
        assert database.users.get(name) is None
    assert (database.users.was_removed(OWNER), database.users.was_removed("amel")) == (True, False)
    assert database.users.all() == []
    database.users.put(User(OWNER, "hash"))
    assert not database.users.was_removed(OWNER)


def test_a_database_of_before_knows_who_gave_its_tokens(tmp_path: Path) -> None:
    """Until then a node put its token there with its own name as the label, and nobody noted who said what."""
    path = tmp_path / "metrica.db"
    with contextlib.closing(sqlite3.connect(path)) as conn:
        migrations.apply(SqliteDatabase(conn), stop_before="m006_sessions")
        conn.execute(
            "INSERT INTO stores (id, timezone, cutoff_hour, recall) VALUES ('tunis-01', 'Africa/Tunis', 5, 0.9)"
        )
        conn.execute("INSERT INTO users (name, password, created) VALUES ('owner', 'hash', 1)")
        for token, label, revoked in (("old", "/ingest", None), ("given", "a box", None), ("gone", "/ingest", 7)):
            row = (hashlib.sha256(token.encode()).hexdigest(), label, revoked)
            conn.execute(
                "INSERT INTO tokens (hash, store, created, label, revoked) VALUES (?, 'tunis-01', 1, ?, ?)", row
            )
        conn.commit()
    with Database(path) as database:
        assert database.tokens.fill("tunis-01", "gone", NODE) == "revoked"
        assert database.tokens.fill("tunis-01", "new", NODE) == "valid"
        assert [database.tokens.store_of(token) is not None for token in ("old", "given", "gone", "new")] == [
            False, True, False, True
        ]  # fmt: skip
        database.stores.fill("tunis-01", TUNIS, NODE)
        assert database.stores.get("tunis-01") == Store("tunis-01", "Africa/Tunis", 5, None, 0.9), "nothing is lost"
        assert database.users.get(OWNER) == User(OWNER, "hash")
