"""Every command of `metrica-admin`, on a SQLite file and on PostgreSQL: it does its work and writes no traceback."""

from __future__ import annotations

import argparse
import io
from collections.abc import Iterator
from pathlib import Path

import pytest

from metrica.dashboard.admin.cli import SUBJECTS
from metrica.dashboard.copying.copying import sums_of
from metrica.dashboard.store.database import Database
from metrica.dashboard.store.records import Span
from tests.dashboard.admin.commands import Here
from tests.dashboard.client import STORE
from tests.dashboard.database.server import Server
from tests.dashboard.footfall import event
from tests.dashboard.webhooks.receiver import receiving

S = STORE.id
DAY = 24 * 3600 * 10**9
CALLS = [
    "organisation add medina --name Medina",
    "organisation rename medina --name Médina",
    "store add sfax-01 --timezone UTC --name Sfax --tag coast",
    "store set sfax-01 --cutoff 5 --capacity 40",
    "store show sfax-01",
    "store list",
    "organisation move sfax-01 medina",
    "organisation list",
    "user add amel --role manager --store tunis-01",
    "user role amel --role owner",
    "user passwd amel",
    "user list",
    "user sessions amel",
    "user logout amel",
    "token personal amel --scope figures:read --days 9 --label laptop",
    "token of-user amel",
    "token end amel PERSONAL",
    "token add tunis-01 --label box",
    "token list tunis-01",
    "token rotate tunis-01 KEY",
    "token revoke tunis-01 KEY",
    "token remove tunis-01 KEY",
    "box list tunis-01",
    "webhook add tunis-01 TARGET --allow-private",
    "webhook list tunis-01",
    "webhook test tunis-01 1",
    "webhook resume tunis-01 1",
    "webhook remove tunis-01 1",
    "alert add TARGET --store tunis-01 --allow-private",
    "alert list",
    "alert open",
    "alert test 1",
    "alert remove 1",
    "export tunis-01 --what events --output EVENTS",
    "export tunis-01 --what hours --format jsonl --output HOURS",
    "check --repair",
    "remove-events tunis-01 --from 2026-01-01 --to 2026-01-02 --why clock --yes",
    "restore-events 1",
    "restore-events",
    "retention --set 300",
    "retention --yes",
    "privacy-file tunis-01 --format html --language en --output OUT",
    "backup COPY",
    "user remove amel",
    "store remove sfax-01",
    "organisation remove medina",
    "delete tunis-01 --yes",
    "audit --json",
]
ELSEWHERE = {"copy", "restore", "box remove"}
"""Tried in tests of their own."""


def commands() -> Iterator[str]:
    """Every command, such as `store add`."""
    parser = argparse.ArgumentParser()
    top = parser.add_subparsers()
    for subject in SUBJECTS:
        subject.add_commands(top)

    def walk(one: argparse.ArgumentParser, name: str) -> Iterator[str]:
        inner = [a for a in one._actions if isinstance(a, argparse._SubParsersAction)]  # pyright: ignore[reportPrivateUsage]
        for action in inner:
            for word, choice in action.choices.items():
                yield from walk(choice, f"{name} {word}".strip())
        if not inner:
            yield name

    return walk(parser, "")


def test_no_command_is_forgotten_here() -> None:
    tried = {name for name in commands() if any(f"{call} ".startswith(f"{name} ") for call in CALLS)}
    assert tried | ELSEWHERE == set(commands())


def fill(here: Here) -> None:
    with Database(here.place) as database:
        now = database.clock()
        database.events.add(S, [event(n, now - n * DAY // 4) for n in range(1, 2000)]).result()
        database.coverage.add(S, [Span(camera="door", start=now - 500 * DAY, end=now - DAY)]).result()


def test_every_command_does_its_work(here: Here, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(here)
    with receiving() as target:
        known = {
            "TARGET": target.address,
            "EVENTS": str(tmp_path / "events.csv"),
            "HOURS": str(tmp_path / "hours.jsonl"),
            "OUT": str(tmp_path / "papers"),
            "COPY": str(tmp_path / "copy.db"),
        }
        for call in CALLS:
            monkeypatch.setattr("sys.stdin", io.StringIO("a long password 7\n"))
            if "KEY" in call:
                listed = [line.split("\t") for line in here.ok("token", "list", S).splitlines()]
                known["KEY"] = next(key for key, _, state, _ in listed if (state == "revoked") == ("remove" in call))
            if "PERSONAL" in call:
                known["PERSONAL"] = here.ok("token", "of-user", "amel").split("\t")[0]
            status, said, error = here.run(*(known.get(word, word) for word in call.split(" ")))
            assert (status, error) == (0, ""), f"{call}: {said}{error}"


def test_a_backup_of_postgresql_is_a_file_that_goes_into_an_empty_database(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], postgresql: str, postgresql_server: Server
) -> None:
    here = Here(tmp_path, capsys, postgresql)
    with Database(postgresql) as database:
        database.stores.put(STORE)
        token = database.tokens.create(S, "box")
        database.events.add(S, [event(n, database.clock() - n) for n in range(100)]).result()
    held = sums_of(postgresql)
    assert "1 stores, 100 events up to " in here.ok("backup", str(tmp_path / "copy.db"))
    assert sums_of(tmp_path / "copy.db") and {*sums_of(tmp_path / "copy.db")} == {*held}
    assert "exists already" in here.fails("backup", str(tmp_path / "copy.db"))
    assert "holds data already" in here.fails("restore", str(tmp_path / "copy.db"))
    assert sum(table.rows for table in sums_of(postgresql)) == sum(table.rows for table in held) + 1, "the backup noted"
    fresh = postgresql_server.new_database(empty=True)
    try:
        said = Here(tmp_path, capsys, fresh).ok("restore", str(tmp_path / "copy.db"))
        assert said.startswith(f"{fresh} is now {tmp_path / 'copy.db'}: schema ")
        assert said.endswith("it does not tell which tokens were revoked since the backup: revoke them again\n")
        with Database(fresh) as database:
            assert database.events.count(S) == 100
            assert database.tokens.store_of(token) == S
            assert database.audit.all()[-1].action == "database restored"
    finally:
        postgresql_server.drop(fresh)
