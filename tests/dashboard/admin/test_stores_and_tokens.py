"""Stores and tokens as an administrator manages them, on the database of a running server too."""

from __future__ import annotations

import argparse
import contextlib
import json
import re
import shlex
import sqlite3
import threading
import time

import pytest

from metrica.dashboard.admin.cli import SUBJECTS, main
from metrica.dashboard.store.database import Database
from tests.dashboard.admin.commands import Here, admin
from tests.dashboard.client import STORE, Client
from tests.dashboard.footfall import event
from tests.dashboard.ingest.test_processes import serving


def test_a_store_is_added_changed_listed_and_removed(here: Here) -> None:
    here.ok("store", "add", "sfax-01", "--timezone", "UTC", "--cutoff", "5")
    assert here.ok("store", "list") == "sfax-01\tUTC\t05:00\ntunis-01\tAfrica/Tunis\t04:00\n"
    assert here.ok("store", "set", "sfax-01", "--empty", "23", "--recall", "0.97") == (
        "sfax-01: empty_hour was None, is 23\nsfax-01: recall was None, is 0.97\n"
    )
    here.ok("store", "set", "sfax-01", "--empty", "none")
    with Database(here.place) as database:
        sfax = database.stores.get("sfax-01")
        assert sfax is not None
        assert (sfax.cutoff_hour, sfax.empty_hour, sfax.recall) == (5, None, 0.97), "the others are kept"
        database.events.add(STORE.id, [event(1, 10)]).result()
    here.ok("token", "add", "sfax-01")
    assert here.ok("store", "remove", "sfax-01") == "removed sfax-01\n"
    assert here.fails("store", "remove", STORE.id) == (
        "the store 'tunis-01' has data: 'metrica-admin delete tunis-01' removes it with all of them"
    )
    assert here.ok("store", "list").startswith("tunis-01")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("store", "add", "x", "--timezone", "Africa/Tuni"), "there is no time zone 'Africa/Tuni'"),
        (("store", "add", "x", "--timezone", "UTC", "--cutoff", "25"), "the day cannot begin at 25"),
        (("store", "set", "tunis-01"), "nothing to change: give --timezone"),
        (
            ("store", "set", "nowhere", "--cutoff", "3"),
            "there is no store 'nowhere': add it with 'metrica-admin store add",
        ),
        (("store", "remove", "nowhere"), "there is no store 'nowhere'"),
        (("token", "add", "nowhere"), "there is no store 'nowhere'"),
        (("token", "list", "nowhere"), "there is no store 'nowhere'"),
        (("token", "revoke", "tunis-01", "abcdef"), "no token of 'tunis-01' has the key 'abcdef'"),
        (("token", "rotate", "tunis-01", ""), "no token of 'tunis-01' has the key ''"),
    ],
)
def test_a_wrong_argument_is_one_sentence_and_exit_1(here: Here, arguments: tuple[str, ...], sentence: str) -> None:
    assert here.fails(*arguments).startswith(sentence)


def test_a_token_is_rotated_with_effect_on_a_running_server(here: Here) -> None:
    old = here.ok("token", "add", STORE.id, "--label", "box at the door").strip()
    key = here.ok("token", "list", STORE.id).split("\t")[0]
    with serving(here.data, *here.options) as (_, address):
        assert Client(address, old).send([event(1, time.time_ns())]).status == 200
        new = here.ok("token", "rotate", STORE.id, key[:6]).strip()
        assert Client(address, old).send([event(2, time.time_ns())]).status == 401
        assert Client(address, new).send([event(2, time.time_ns())]).status == 200
        listed = [line.split("\t") for line in here.ok("token", "list", STORE.id).splitlines()]
        assert [(state, label) for _, _, state, label in listed] == [
            ("revoked", "box at the door"),
            ("valid", "box at the door"),
        ]
        assert here.fails("token", "rotate", STORE.id, key).startswith(f"the token {key} is revoked: make a new one")
        here.ok("token", "remove", STORE.id, key)
        assert key not in here.ok("token", "list", STORE.id)
        assert Client(address, old).send([event(3, time.time_ns())]).status == 401


def test_a_database_that_is_busy_for_a_moment_is_waited_for_and_longer_is_one_sentence(in_file: Here) -> None:
    with contextlib.closing(sqlite3.connect(in_file.place, isolation_level=None, check_same_thread=False)) as other:
        other.execute("BEGIN IMMEDIATE")
        threading.Timer(1.0, lambda: other.execute("COMMIT")).start()
        in_file.ok("store", "set", STORE.id, "--cutoff", "6")
        other.execute("BEGIN IMMEDIATE")
        assert "is locked by another program" in in_file.fails("store", "set", STORE.id, "--cutoff", "7")
        other.execute("COMMIT")


def test_the_audit_log_is_listed_filtered_and_machine_readable(here: Here) -> None:
    here.ok("store", "add", "sfax-01", "--timezone", "UTC")
    here.ok("token", "add", "sfax-01", "--label", "box")
    with Database(here.place) as database:
        database.audit.add("leila", "login failed", "leila", address="203.0.113.9", tries=3).result()
    text = here.ok("audit").splitlines()
    assert re.fullmatch(
        r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\tleila\tlogin failed\tleila\t203\.0\.113\.0/24\ttries=3", text[-1]
    )
    everything = [json.loads(line) for line in here.ok("audit", "--json").splitlines()]
    assert [entry["n"] for entry in everything] == sorted(entry["n"] for entry in everything)
    assert [e["action"] for e in everything if e["subject"] == "sfax-01"] == ["store added", "token added"]

    def count(*filters: str) -> int:
        return len(here.ok("audit", *filters).splitlines())

    assert count("--actor", "leila") == 1
    assert count("--action", "token") == 1
    assert count("--subject", "sfax-01") == 2
    assert count("--last", "2") == 2
    assert count("--since", "2100-01-01") == 0
    assert count("--until", "2020-01-01") == 0
    assert count("--since", "2020-01-01", "--until", "2100-01-01") == len(everything)
    assert here.fails("audit", "--last", "0") == "--last takes a number from 1 up"
    assert "no time" in here.fails("audit", "--since", "yesterday")


def test_every_command_has_a_help_with_an_example_that_it_understands() -> None:
    examples: list[str] = []
    parser = argparse.ArgumentParser(prog="metrica-admin")
    top = parser.add_subparsers(required=True)
    for subject in SUBJECTS:
        subject.add_commands(top)

    def walk(one: argparse.ArgumentParser) -> None:
        inner = [a for a in one._actions if isinstance(a, argparse._SubParsersAction)]  # pyright: ignore[reportPrivateUsage]
        for action in inner:
            for choice in action.choices.values():
                walk(choice)
        if not inner:
            assert one.epilog is not None, one.prog
            examples.append(one.epilog.partition("example:\n  ")[2])

    walk(parser)
    assert len(examples) > 15
    for example in examples:
        for call in example.split(" && "):
            words = shlex.split(call.replace("$(date +%F)", "2026-11-28"))
            assert words[0] == "metrica-admin", example
            parser.parse_args(words[1:])


def test_usage_is_exit_2_and_a_database_can_be_named(in_file: Here) -> None:
    for wrong in ((), ("store",), ("store", "add", "x"), ("backup",), ("remove-events", "x"), ("nothing",)):
        with pytest.raises(SystemExit) as ended:
            main([*wrong])
        assert ended.value.code == 2
    (in_file.data / "metrica.db").rename(in_file.data / "other.db")
    assert in_file.ok("store", "list", "--database", str(in_file.data / "other.db")).startswith("tunis-01")


def test_it_is_a_program(here: Here) -> None:
    ended = admin("store", "list", data=here)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "tunis-01\tAfrica/Tunis\t04:00\n", "")
