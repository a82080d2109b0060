"""`metrica-admin organisation`, the roles of users, their own tokens, and what is known of a store."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from metrica.dashboard.people.access import Access
from metrica.dashboard.people.rights import FIGURES, Role
from metrica.dashboard.store.database import Database
from tests.dashboard.admin.commands import Here

SHOP = "tunis-01"


def add_user(here: Here, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> str:
    monkeypatch.setattr("sys.stdin", io.StringIO("a good password\n"))
    return here.ok("user", "add", *arguments)


def test_whoever_has_one_shop_sees_nothing_of_organisations(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    add_user(here, monkeypatch, "amel")
    assert here.ok("user", "list") == "amel\n"
    assert here.ok("store", "list") == "tunis-01\tAfrica/Tunis\t04:00\n"


def test_an_organisation_gets_stores_and_users_and_loses_them(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "its users are called something like amel@medina" in here.ok("organisation", "add", "medina")
    here.ok("organisation", "rename", "medina", "--name", "La Médina")
    here.ok("store", "add", "sfax-01", "--timezone", "Africa/Tunis", "--organisation", "medina")
    assert "is of the organisation 'medina'" in here.fails(
        "store", "add", "sfax-01", "--timezone", "Africa/Tunis", "--organisation", "main"
    )
    add_user(here, monkeypatch, "sami@medina", "--organisation", "medina", "--role", "installer", "--all-stores")
    assert here.ok("user", "list") == "sami@medina\tinstaller\tall stores\tmedina\n"
    assert here.ok("organisation", "list").splitlines() == [
        "main\t1 stores\t0 users\t",
        "medina\t1 stores\t1 users\tLa Médina",
    ]
    assert "has stores" in here.fails("organisation", "remove", "medina")
    here.ok("organisation", "move", "sfax-01", "main")
    here.ok("user", "remove", "sami@medina")
    here.ok("organisation", "remove", "medina")
    assert "there is no organisation 'medina'" in here.fails("organisation", "move", "sfax-01", "medina")


def test_a_user_has_a_role_and_stores(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    add_user(here, monkeypatch, "amel", "--role", "manager", "--store", SHOP)
    assert here.ok("user", "list") == "amel\tmanager\ttunis-01\tmain\n"
    here.ok("user", "role", "amel", "--role", "viewer", "--all-stores")
    assert here.ok("user", "list") == "amel\tviewer\tall stores\tmain\n"
    assert "which stores does the viewer get?" in here.fails("user", "role", "amel", "--role", "viewer")
    assert "there is no role 'boss'" in here.fails("user", "role", "amel", "--role", "boss", "--all-stores")
    assert "there is no store 'nowhere'" in here.fails("user", "role", "amel", "--role", "viewer", "--store", "nowhere")
    assert "there is no user 'nobody'" in here.fails("user", "role", "nobody", "--role", "owner")


def test_a_token_of_a_users_own(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    add_user(here, monkeypatch, "amel", "--role", "viewer", "--store", SHOP)
    token = here.ok("token", "personal", "amel", "--scope", "figures:read", "--label", "spreadsheet").strip()
    with Database(here.place) as database:
        asker = Access(database).of_token(token)
        assert asker is not None
        assert (asker.name, asker.role, asker.rights) == ("amel", Role.VIEWER, {FIGURES})
    listed = here.ok("token", "of-user", "amel")
    assert listed.endswith("\tvalid\tfigures:read\tspreadsheet\n")
    here.ok("token", "end", "amel", listed.split("\t")[0])
    assert "\trevoked\t" in here.ok("token", "of-user", "amel")
    assert "has the role viewer" in here.fails("token", "personal", "amel", "--scope", "settings:write")
    assert "there is no scope 'all'" in here.fails("token", "personal", "amel", "--scope", "all")
    assert "no token has the key" in here.fails("token", "end", "amel", "0123456789ab")
    assert token not in here.ok("audit")


def test_a_restored_backup_does_not_bring_back_a_token_that_was_revoked(
    in_file: Here, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_user(in_file, monkeypatch, "amel")
    tokens = [in_file.ok("token", "personal", "amel", "--scope", "figures:read").strip() for _ in range(2)]
    in_file.ok("backup", str(tmp_path / "copy.db"))
    first = in_file.ok("token", "of-user", "amel").splitlines()
    with Database(in_file.place) as database:
        revoked = next(t for t in tokens if Access(database).of_token(t).token.startswith(first[0][:12]))  # type: ignore[union-attr]
    in_file.ok("token", "end", "amel", first[0].split("\t")[0])
    in_file.ok("restore", str(tmp_path / "copy.db"))
    with Database(in_file.place) as database:
        assert {t: Access(database).of_token(t) is not None for t in tokens} == {t: t != revoked for t in tokens}


def test_the_details_of_a_store(here: Here) -> None:
    said = here.ok(
        "store", "set", SHOP, "--name", "Lafayette", "--country", "tn", "--tag", "mall", "--floor-area", "180",
        "--open", "monday-saturday 09:00-13:00 16:00-20:00", "--open", "sunday closed",
        "--open-on", "2026-12-25 closed", "--open-in-ramadan", "saturday-monday 21:00-01:00",
        "--ramadan", "2027-02-08..2027-03-09",
    )  # fmt: skip
    assert "tunis-01: name was , is Lafayette\n" in said
    shown = here.ok("store", "show", SHOP)
    for line in (
        "name\tLafayette",
        "country\tTN",
        "floor_area\t180.0",
        "open\tsaturday 09:00-13:00 16:00-20:00",
        "open in ramadan\tsunday 21:00-01:00",
        "open on\t2026-12-25 closed",
        "ramadan\t2027-02-08..2027-03-09",
    ):
        assert f"{line}\n" in shown
    assert "open\tsunday" not in shown
    here.ok("store", "set", SHOP, "--open-on", "2026-12-31 09:00-14:00", "--tag", "none", "--floor-area", "none")
    shown = here.ok("store", "show", SHOP)
    assert "open on\t2026-12-25 closed\nopen on\t2026-12-31 09:00-14:00\n" in shown
    assert "tags" not in shown and "floor_area" not in shown
    here.ok("store", "set", SHOP, "--open", "none", "--open-on", "none")
    assert "open\t" not in here.ok("store", "show", SHOP)


@pytest.mark.parametrize(
    ("option", "value", "sentence"),
    [
        ("--open", "monday", "'monday' has no times"),
        ("--open", "", "'' has no times"),
        ("--open", "someday 09:00-10:00", "'someday' is no weekday"),
        ("--open", "monday-monday,monday 09:00-10:00", "Monday is given twice"),
        ("--open-on", "tomorrow closed", "'tomorrow' is no date"),
        ("--ramadan", "2027", "'2027' is not first and last day"),
        ("--capacity", "0", "a capacity of 0 people cannot be"),
        ("--currency", "TNB", "there is no currency 'TNB'"),
    ],
)
def test_a_detail_that_cannot_be_is_said(here: Here, option: str, value: str, sentence: str) -> None:
    assert sentence in here.fails("store", "set", SHOP, option, value)
