"""Organisations, their members and stores: what may be said of them, and what an existing installation becomes."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Generator
from contextlib import closing, suppress
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from sqlite_utils import Database as SqliteDatabase

from metrica.dashboard.alerts.alert import Alert, Changes
from metrica.dashboard.alerts.notices import NoticeTable
from metrica.dashboard.alerts.targets import TargetTable
from metrica.dashboard.database.sqlite.migrations import migrations
from metrica.dashboard.kpis.store import Store
from metrica.dashboard.people import members, organisations
from metrica.dashboard.people.access import Access
from metrica.dashboard.people.errors import UnknownError
from metrica.dashboard.people.members import MemberTable, checked_name
from metrica.dashboard.people.organisations import MAIN, OrganisationTable
from metrica.dashboard.people.rights import Right, Role
from metrica.dashboard.store import stores
from metrica.dashboard.store.database import Database
from tests.dashboard.client import ManualClock
from tests.dashboard.database.places import Place


@pytest.fixture
def database(place: Place) -> Generator[Database]:
    with Database(place, clock=ManualClock()) as opened:
        opened.stores.put(Store("tunis-01", "Africa/Tunis"))
        OrganisationTable(opened).add("medina", "La Médina")
        opened.stores.say("sfax-01", {"timezone": "Africa/Tunis"}, organisation="medina")
        yield opened


def test_an_existing_installation_becomes_one_organisation_whose_users_are_owners(tmp_path: Path) -> None:
    path = tmp_path / "metrica.db"
    with closing(sqlite3.connect(path)) as conn:
        migrations.apply(SqliteDatabase(conn), stop_before="m010_organisations")
        for store in ("sfax-01", "tunis-01"):
            conn.execute("INSERT INTO stores (id, timezone, cutoff_hour) VALUES (?, 'Africa/Tunis', 4)", (store,))
        for name in ("amel", "owner"):
            conn.execute("INSERT INTO users (name, password, created) VALUES (?, 'hash', 1)", (name,))
        conn.execute("INSERT INTO tokens (hash, store, created) VALUES ('abc', 'tunis-01', 1)")
        conn.commit()
    with Database(path) as database:
        assert [one.id for one in OrganisationTable(database).all()] == [MAIN]
        members = MemberTable(database).all(MAIN)
        assert [(m.name, m.role, m.stores) for m in members] == [
            ("amel", Role.OWNER, None),
            ("owner", Role.OWNER, None),
        ]
        access = Access(database)
        for member in members:
            asker = access.of_user(member.name)
            assert asker is not None
            assert [store.id for store in access.stores(asker, Right.PEOPLE)] == ["sfax-01", "tunis-01"]
        assert [token.store for token in database.tokens.of_store("tunis-01")] == ["tunis-01"]


def test_members_are_of_one_organisation_and_named_stores_too(database: Database) -> None:
    table = MemberTable(database)
    table.add(MAIN, "amel", "hash", Role.MANAGER, ["tunis-01"])
    table.add("medina", "sami@medina", "hash", Role.OWNER)
    assert [member.name for member in table.all(MAIN)] == ["amel"]
    assert [member.name for member in table.all("medina")] == ["sami@medina"]
    for organisation, name in (
        (MAIN, "sami@medina"),
        ("medina", "amel"),
        (MAIN, "nobody"),
        (MAIN, "\0"),
        (MAIN, "\ud800"),
    ):
        with pytest.raises(UnknownError):
            table.get(organisation, name)
        with pytest.raises(UnknownError):
            table.change(organisation, name, Role.VIEWER, None)
        with pytest.raises(UnknownError):
            table.remove(organisation, name)
    for store in ("sfax-01", "nowhere", "\0"):
        with pytest.raises(UnknownError):
            table.change(MAIN, "amel", Role.MANAGER, [store])
    assert table.get(MAIN, "amel").stores == ("tunis-01",), "nothing is changed by what fails"


def test_an_organisation_keeps_an_owner(database: Database) -> None:
    table = MemberTable(database)
    table.add("medina", "sami@medina", "hash", Role.OWNER)
    table.add("medina", "amel@medina", "hash", Role.MANAGER)
    with pytest.raises(ValueError, match="'sami@medina' is the last owner"):
        table.change("medina", "sami@medina", Role.VIEWER, None)
    with pytest.raises(ValueError, match="'sami@medina' is the last owner"):
        table.remove("medina", "sami@medina")
    table.change("medina", "amel@medina", Role.OWNER, None)
    table.remove("medina", "sami@medina")
    assert [member.name for member in table.all("medina")] == ["amel@medina"]


def _at_once(*changes: Callable[[], object]) -> list[str]:
    """Run changes in threads of their own; returns what those that fail say."""
    failed: list[str] = []

    def run(change: Callable[[], object]) -> None:
        try:
            change()
        except (ValueError, UnknownError) as error:
            failed.append(str(error))

    threads = [threading.Thread(target=run, args=(change,)) for change in changes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return failed


def _meet_after(monkeypatch: pytest.MonkeyPatch, step: str, *modules: ModuleType) -> None:
    """Let two writes wait for each other after a step, for half a second if the other one cannot come that far."""
    meeting, original = threading.Barrier(2), getattr(modules[0], step)

    def done(*values: Any, **more: Any) -> Any:
        result = original(*values, **more)
        with suppress(threading.BrokenBarrierError):
            meeting.wait(0.5)
        return result

    for module in modules:
        monkeypatch.setattr(module, step, done)


@pytest.mark.parametrize("second", ["change", "remove"])
def test_two_programs_that_end_two_owners_at_once_leave_one(
    database: Database, place: Place, monkeypatch: pytest.MonkeyPatch, second: str
) -> None:
    for name in ("sami@medina", "amel@medina"):
        MemberTable(database).add("medina", name, "hash", Role.OWNER)
    _meet_after(monkeypatch, "_require_another_owner", members)
    with Database(place, clock=ManualClock()) as other:
        failed = _at_once(
            lambda: MemberTable(database).change("medina", "sami@medina", Role.VIEWER, None),
            lambda: (
                MemberTable(other).change("medina", "amel@medina", Role.VIEWER, None)
                if second == "change"
                else MemberTable(other).remove("medina", "amel@medina")
            ),
        )
    assert len(failed) == 1, "one of them was not the last owner, the other one was"
    assert "is the last owner" in failed[0]
    assert [member.role for member in MemberTable(database).all("medina")].count(Role.OWNER) == 1


@pytest.mark.parametrize("what", ["user", "store"])
def test_an_organisation_is_not_removed_while_something_is_added_to_it(
    database: Database, place: Place, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    OrganisationTable(database).add("kasbah")
    _meet_after(monkeypatch, "record", organisations, members if what == "user" else stores)
    with Database(place, clock=ManualClock()) as other:
        failed = _at_once(
            lambda: OrganisationTable(database).remove("kasbah"),
            lambda: (
                MemberTable(other).add("kasbah", "olfa@kasbah", "hash", Role.OWNER)
                if what == "user"
                else other.stores.say("sousse-01", {"timezone": "Africa/Tunis"}, organisation="kasbah")
            ),
        )
    assert len(failed) == 1
    known = {one.id for one in OrganisationTable(database).all()}
    owned = {row[0] for row in database.rows("SELECT organisation FROM users UNION SELECT organisation FROM stores")}
    assert owned <= known, "nothing belongs to an organisation that is gone"


def test_an_owner_has_all_stores(database: Database) -> None:
    with pytest.raises(ValueError, match="an owner has all stores"):
        MemberTable(database).add(MAIN, "amel", "hash", Role.OWNER, ["tunis-01"])


@pytest.mark.parametrize("name", ["amel", "amel@shop.example", "Amel B."])
def test_names_of_the_first_organisation_are_plain_or_addresses(name: str) -> None:
    assert checked_name(name, MAIN) == name
    with pytest.raises(ValueError, match="is called something like"):
        checked_name(name, "medina")


@pytest.mark.parametrize("name", ["amel@medina", "@medina", "a@b@medina", "", " amel", "a/b", "x" * 101, "a\0"])
def test_names_of_others_are_not_taken_in_the_first(name: str) -> None:
    with pytest.raises(ValueError, match="cannot name a user"):
        checked_name(name, MAIN)
    if name != "amel@medina":
        with pytest.raises(ValueError, match=r"cannot name a user|is called something like"):
            checked_name(name, "medina")


def test_an_organisation_cannot_take_the_end_of_somebodys_name(database: Database) -> None:
    database.write(
        lambda db: db.execute("INSERT INTO users (name, password, created) VALUES ('amel@shop', 'hash', 1)")
    ).result()
    with pytest.raises(ValueError, match="because there is a user 'amel@shop'"):
        OrganisationTable(database).add("shop")


@pytest.mark.parametrize("name", ["", "Medina", "a b", "-a", "a.b", "é", "x" * 41, "main", "medina"])
def test_an_organisation_has_an_id_of_its_own(database: Database, name: str) -> None:
    with pytest.raises(ValueError, match=r"cannot name an organisation|already"):
        OrganisationTable(database).add(name)


def test_only_an_empty_organisation_is_removed(database: Database) -> None:
    table = OrganisationTable(database)
    with pytest.raises(ValueError, match="has stores"):
        table.remove("medina")
    table.move_store("sfax-01", MAIN)
    MemberTable(database).add("medina", "sami@medina", "hash", Role.OWNER)
    with pytest.raises(ValueError, match="has users"):
        table.remove("medina")
    database.users.remove("sami@medina")
    table.remove("medina")
    assert [one.id for one in table.all()] == [MAIN]
    with pytest.raises(ValueError, match="cannot be removed"):
        table.remove(MAIN)


def test_every_change_is_in_the_audit_log(database: Database) -> None:
    members, organisations = MemberTable(database), OrganisationTable(database)
    members.add(MAIN, "olfa", "hash", Role.OWNER, actor="owner", address="192.0.2.7")
    members.add(MAIN, "amel", "hash", Role.VIEWER, ["tunis-01"], actor="owner")
    members.change(MAIN, "amel", Role.MANAGER, None, actor="owner")
    members.set_password(MAIN, "amel", "hash of another", actor="owner")
    members.remove(MAIN, "amel", actor="owner")
    organisations.rename("medina", "Médina", actor="owner")
    organisations.move_store("sfax-01", MAIN)
    entries = database.audit.all()[-7:]
    assert [(entry.action, entry.subject) for entry in entries] == [
        ("user added", "olfa"),
        ("user added", "amel"),
        ("role changed", "amel"),
        ("password changed", "amel"),
        ("user removed", "amel"),
        ("organisation changed", "medina"),
        ("store moved", "sfax-01"),
    ]
    assert entries[0].address == "192.0.2.0/24"
    assert entries[2].detail == {"organisation": MAIN, "role": "manager", "stores": "all", "role before": "viewer"}
    assert "hash" not in repr(entries)


def test_who_was_told_of_alerts_hears_nothing_of_a_store_that_was_given_away(database: Database) -> None:
    targets, notices = TargetTable(database), NoticeTable(database)
    of_store = targets.add("https://old.example/store", organisation="medina", store="sfax-01")
    of_old = targets.add("https://old.example/all", organisation="medina")
    of_new = targets.add("https://new.example", organisation=MAIN)
    server = targets.add("https://server.example")
    silent = Alert("sfax-01", "box_silent", "box-1", 1)
    notices.apply(Changes([silent], []), targets.all(), {"sfax-01": "medina"})
    for notice in notices.due(10):
        notices.told(notice)
    OrganisationTable(database).move_store("sfax-01", MAIN)
    notices.apply(Changes([], [silent]), targets.all(), {"sfax-01": MAIN})
    assert {notice.target for notice in notices.due(10)} == {server}
    notices.apply(Changes([silent], []), targets.all(), {"sfax-01": MAIN})
    assert {notice.target for notice in notices.due(10) if not notice.over} == {of_new, server}
    assert [target.n for target in targets.all()] == [of_old, of_new, server] and of_store
    OrganisationTable(database).remove("medina")
    assert [target.n for target in targets.all()] == [of_new, server]
