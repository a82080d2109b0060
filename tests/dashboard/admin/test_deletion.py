"""What is deleted is gone from the file itself, stays gone whatever a box or a launch file says, and is noted."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import time
from pathlib import Path

import pytest

from metrica import testing
from metrica.context import Context
from metrica.dashboard.copying.copying import source_of
from metrica.dashboard.kpis.events import HOUR
from metrica.dashboard.kpis.store import Store
from metrica.dashboard.nodes import Dashboard, Ingest
from metrica.dashboard.store.audit import record
from metrica.dashboard.store.database import Database
from metrica.dashboard.store.gone import tables_of_stores
from metrica.dashboard.store.records import Span
from metrica.dashboard.upkeep.erasure import Erasure
from metrica.dashboard.upkeep.retention import Retention
from metrica.errors import NodeError
from tests.dashboard.admin.commands import Here, admin
from tests.dashboard.client import STORE, Client, ManualClock
from tests.dashboard.footfall import at, event
from tests.dashboard.ingest.test_processes import serving

DAY = 24 * HOUR
OTHER = Store("sfax-01", "Africa/Tunis")


def fill(database: Database, store: Store, events: int = 3000) -> str:
    """Put something about the store into every table that has a place for it, and also remove some of it again."""
    now = database.clock()
    database.stores.put(store)
    token = database.tokens.create(store.id, f"box of {store.id}")
    database.events.add(store.id, [event(n, now - n * 10**9) for n in range(events)]).result()
    for n in range(300):  # spans that grow, so that old rows of the table are freed again and again
        database.coverage.add(store.id, [Span(camera="door", start=now - HOUR, end=now - HOUR + n * 10**9)]).result()
    database.empty_marks.add(store.id, "leila")
    return token


def traces(here: Here, name: str) -> list[str]:
    """The files of a SQLite database that have a store's id in any of their bytes, also in free pages; the tables of a
    PostgreSQL one that have it in any row."""
    if isinstance(here.place, Path):
        return [file.name for file in here.data.glob("metrica.db*") if name.encode() in file.read_bytes()]
    with Database(here.place) as database:
        tables = [row[0] for row in database.rows("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")]
        found = "SELECT 1 FROM {} t WHERE strpos(t::text, ?) > 0"
        return [table for table in tables if database.rows(found.format(table), name)]


def database_of(here: Here) -> str | None:
    """The parameter `database` of the nodes."""
    return here.place if isinstance(here.place, str) else None


def test_nothing_of_a_deleted_store_is_left_in_the_database_of_a_running_server(here: Here) -> None:
    with Database(here.place) as database:
        token, other = fill(database, STORE), fill(database, OTHER)
    with serving(here.data, *here.options) as (_, address):
        client, bystander = Client(address, token), Client(address, other)
        assert client.get("/v1/stores/tunis-01/kpis").body["today"]["in"] > 0
        stretch = ("--from", "2020-01-01", "--to", "2020-01-02", "--why", "x", "--yes")
        assert admin("remove-events", STORE.id, *stretch, data=here).returncode == 0
        assert traces(here, STORE.id)
        done = admin("delete", STORE.id, "--yes", data=here)
        assert (done.returncode, done.stderr) == (0, "")
        assert "deleted tunis-01: 3000 events" in done.stdout
        assert traces(here, STORE.id) == []
        assert client.send([event(1, time.time_ns())]).status == 401
        assert client.get("/v1/stores/tunis-01/kpis").status == 401
        assert bystander.send([event(1, time.time_ns())], OTHER.id).status == 200
        assert bystander.get("/v1/stores/sfax-01/kpis").body["today"]["in"] > 0
    with Database(here.place) as database:
        assert database.events.count(OTHER.id) == 3000
        assert [store.id for store in database.stores.all()] == [OTHER.id]


def test_without_the_clean_up_there_are_traces_so_that_the_test_above_can_fail(in_file: Here) -> None:
    with Database(in_file.place) as database:
        fill(database, STORE)
        with contextlib.closing(sqlite3.connect(in_file.place)) as conn:
            for table in database.write(lambda db: tables_of_stores(database, db)).result():
                conn.execute(f'DELETE FROM "{table}" WHERE store = ?', (STORE.id,))
            conn.execute("DELETE FROM stores")
            conn.execute("DELETE FROM audit")
            conn.commit()
            assert traces(in_file, STORE.id)


def test_the_audit_log_keeps_that_it_happened_without_the_name(here: Here) -> None:
    with Database(here.place) as database:
        fill(database, STORE, 10)
        now = database.clock()
        database.write(lambda db: record(db, now, "leila", "user added", "tunis-01")).result()
        database.write(
            lambda db: record(db, now, "leila", "remark", "x", detail={"said": "tunis-01, tunis-010"})
        ).result()
    before = len(here.ok("audit").splitlines())
    here.ok("delete", STORE.id, "--yes")
    lines = [json.loads(line) for line in here.ok("audit", "--json").splitlines()]
    assert len(lines) == before + 1
    assert (lines[-1]["action"], lines[-1]["subject"], lines[-1]["detail"]["events"]) == (
        "store deleted",
        "(deleted)",
        10,
    )
    by_action = {line["action"]: line for line in lines}
    assert by_action["user added"]["subject"] == "tunis-01", "a user of that name is somebody else"
    assert by_action["remark"]["detail"] == {"said": "(deleted), tunis-010"}
    assert (by_action["token added"]["subject"], by_action["token added"]["detail"]) == ("(deleted)", {})


def test_every_table_about_a_store_is_known_also_one_that_comes_later(here: Here) -> None:
    with Database(here.place) as database:
        known = set(database.write(lambda db: tables_of_stores(database, db)).result())
        with source_of(here.place) as everything:
            tables = everything.tables().values()
        naming = {table.name for table in tables if any("store" in column for column in table.names)}
        assert naming == known - {"event_ids"}, "a table that names stores otherwise"
        kind = "WITHOUT ROWID" if database.kind == "sqlite" else ""
        database.write(
            lambda db: db.execute(
                f"CREATE TABLE later (store TEXT REFERENCES stores(id), d TEXT, PRIMARY KEY (store, d)) {kind}"
            )
        ).result()
        database.write(lambda db: db.execute("INSERT INTO later VALUES (?, 'x')", (STORE.id,))).result()
        Erasure(database).erase(STORE.id)
        assert database.rows("SELECT * FROM later") == []


def test_a_launch_file_brings_neither_the_store_nor_its_tokens_back(here: Here) -> None:
    where = Context(store="tunis-01", timezone="Africa/Tunis", data=here.data)
    with testing.run(Ingest(port=0, database=database_of(here)), context=where):
        pass
    token = where.local_token()
    here.ok("delete", STORE.id, "--yes")
    node = Ingest(port=0, database=database_of(here))
    with (
        pytest.raises(
            NodeError, match="the store 'tunis-01' was deleted by an administrator: give the launch file another"
        ),
        testing.run(node, context=where),
    ):
        pass
    with testing.run(Dashboard(port=0, password="long enough", database=database_of(here)), context=where):
        assert here.ok("store", "list") == "", "the pages run, and do not bring it back either"
    here.ok("store", "add", STORE.id, "--timezone", "Africa/Tunis")
    with testing.run(node, context=where) as bench:
        server = node._server  # pyright: ignore[reportPrivateUsage]
        assert server is not None
        assert Client(server.address, token).send([event(1, bench.clock.now())]).status == 401


def test_a_removed_token_stays_invalid_whatever_the_launch_file_says(here: Here) -> None:
    where = Context(store="tunis-01", timezone="Africa/Tunis", data=here.data)
    with testing.run(Ingest(port=0, database=database_of(here)), context=where):
        key = here.ok("token", "list", STORE.id).split("\t")[0]
    assert here.fails("token", "remove", STORE.id, key) == f"the token {key} is valid: revoke it first"
    here.ok("token", "revoke", STORE.id, key)
    here.ok("token", "remove", STORE.id, key)
    assert here.ok("token", "list", STORE.id) == ""
    with testing.run(Ingest(port=0, database=database_of(here)), context=where), Database(here.place) as database:
        assert database.tokens.store_of(where.local_token()) is None


def test_deleting_asks_and_an_unknown_store_is_said(here: Here) -> None:
    assert admin("delete", STORE.id, data=here, typed="tunis-01\n").returncode == 1, "no terminal, so --yes is needed"
    assert here.fails("delete", "nowhere", "--yes").startswith("there is no store 'nowhere'")
    assert "tunis-01" in here.ok("store", "list")
    here.ok("delete", STORE.id, "--yes")
    assert "tunis-01 was deleted on " in here.ok("delete", STORE.id), "again: what was left half done would be finished"


# What is too old.


def test_what_is_older_than_it_is_kept_is_shown_then_removed_and_stays_away(here: Here) -> None:
    now = time.time_ns()
    with Database(here.place) as database:
        token = database.tokens.create(STORE.id)
        old = [event(n, now - 390 * DAY - n) for n in range(700)]
        database.events.add(STORE.id, [*old, *(event(9000 + n, now - n * HOUR) for n in range(1, 11))]).result()
        spans = [Span(camera="door", start=now - 600 * DAY, end=now - DAY)]
        database.coverage.add(STORE.id, spans).result()
    shown = here.ok("retention", "--days", "100", "--dry-run")
    assert "before " in shown
    assert "are 700 events, the oldest from " in shown
    assert "no figure changes" in shown
    assert shown.endswith("nothing is changed without --yes\n")
    with serving(here.data, *here.options) as (_, address):
        client = Client(address, token)
        before = client.get("/v1/stores/tunis-01/daily?days=400").body["days"]
        assert sum(day["visitors"] or 0 for day in before) == 710
        assert "removed " in here.ok("retention", "--days", "100", "--yes")
        assert client.get("/v1/stores/tunis-01/daily?days=400").body["days"] == before
        assert client.send(old[:5]).body == {"accepted": 0, "duplicates": 5, "refused": []}
    with Database(here.place) as database:
        assert database.events.count(STORE.id) == 10
        database.coverage.add(STORE.id, spans).result()
        ((start, _),) = database.coverage.since(STORE.id, 0)["door"]
        assert now - 102 * DAY < start
    assert "nothing is older" in here.ok("retention", "--days", "100", "--yes")
    assert here.ok("audit", "--action", "old data removed").count("\n") == 1


def test_a_store_keeps_as_many_days_as_was_chosen_and_400_otherwise(here: Here) -> None:
    assert "tunis-01: 400 days are kept" in here.ok("retention")
    here.ok("retention", "--set", "30", "--store", STORE.id)
    here.ok("store", "add", "sfax-01", "--timezone", "UTC")
    said = here.ok("retention")
    assert "tunis-01: 30 days are kept" in said
    assert "sfax-01: 400 days are kept" in said
    with Database(here.place) as database:
        database.events.add(STORE.id, [event(1, time.time_ns() - 40 * DAY)]).result()
    assert "no figure changes" in here.ok("retention", "--store", STORE.id)
    assert here.fails("retention", "--days", "0").startswith("0 days cannot be kept: give a number from 8 to")
    assert here.fails("retention", "--set", "99999999999").startswith("99999999999 days cannot be kept")
    assert here.fails("retention", "--set", "5", "--yes").startswith("--set removes nothing")


def test_a_business_day_is_kept_whole(here: Here) -> None:
    clock = ManualClock(at("Africa/Tunis", 2026, 11, 22, 2))  # by the store's calendar still the 21st
    begin = at("Africa/Tunis", 2026, 11, 11, 4)
    with Database(here.place, clock=clock) as database:
        database.events.add(STORE.id, [event(1, begin - 1), event(2, begin)]).result()
        expired = Retention(database).expired(STORE, 10)
        assert (expired.day.isoformat(), expired.since, expired.events) == ("2026-11-11", begin, 1)
