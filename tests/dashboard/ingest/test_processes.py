"""`metrica-ingest` as a program: killed in the middle, stopped politely, and told wrong things."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Generator
from pathlib import Path

import pytest
import urllib3

from metrica.dashboard.store.database import Database
from tests.dashboard.client import STORE, Client
from tests.dashboard.database.places import Place
from tests.dashboard.footfall import event

COMMAND = [sys.executable, "-c", "import sys; from metrica.dashboard.ingest.cli import main; sys.exit(main())"]


def ingest(*arguments: str, data: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *arguments, "--data", str(data)], capture_output=True, text=True, timeout=60, check=False
    )


@contextlib.contextmanager
def serving(data: Path, *options: str, database: str = "") -> Generator[tuple[subprocess.Popen[str], str]]:
    """A running server and its address."""
    command = [*COMMAND, "serve", "--port", "0", "--data", str(data), *options]
    variables = {**os.environ, "METRICA_DATABASE": database}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=variables)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        while line and not line.startswith("listening on "):
            line = process.stdout.readline()
        assert line, process.communicate()[1]
        yield process, line.removeprefix("listening on ").strip()
    finally:
        process.kill()
        process.communicate()


@pytest.fixture
def token(tmp_path: Path) -> str:
    with Database(tmp_path / "metrica.db") as database:
        database.stores.put(STORE)
        return database.tokens.create(STORE.id, "box")


def test_killed_in_the_middle_of_batches_nothing_acknowledged_is_lost_and_nothing_is_double(
    tmp_path: Path, place: Place
) -> None:
    with Database(place) as database:
        database.stores.put(STORE)
        token = database.tokens.create(STORE.id, "box")
    where = place if isinstance(place, str) else ""
    now = time.time_ns()
    batches = [[event(100 * b + n, now - b * 1000 - n) for n in range(100)] for b in range(200)]
    acknowledged: list[int] = []
    for kill_after in (5, 30, 60):
        with serving(tmp_path, database=where) as (process, address):
            client = Client(address, token)
            enough = len(acknowledged) + kill_after
            # Strictly in the middle: the kill comes while the next batch is on its way.
            killer = threading.Thread(target=kill_when, args=(process, acknowledged, enough))
            killer.start()
            with contextlib.suppress(urllib3.exceptions.HTTPError, OSError):
                for batch in batches[len(acknowledged) :]:
                    assert client.send(batch, zipped=True).status == 200
                    acknowledged.append(1)
            assert process.wait(30) == -signal.SIGKILL
    with serving(tmp_path, database=where) as (_, address):
        client = Client(address, token)
        kept = [client.send(batch).body for batch in batches[: len(acknowledged)]]
        assert all(answer == {"accepted": 0, "duplicates": 100, "refused": []} for answer in kept)
        rest = [client.send(batch).body for batch in batches[len(acknowledged) :]]
        # The batch under way when the process died is either all there or not at all.
        assert {answer["accepted"] for answer in rest} <= {0, 100}
        assert client.get("/v1/stores/tunis-01/daily?days=2").status == 200
        again = [client.send(batch).body["duplicates"] for batch in batches]
        assert sum(again) == 200 * 100


def kill_when(process: subprocess.Popen[str], acknowledged: list[int], enough: int) -> None:
    while len(acknowledged) < enough and process.poll() is None:
        time.sleep(0.001)
    process.kill()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_polite_stop_is_quick_clean_and_leaves_one_file(tmp_path: Path, token: str, number: int) -> None:
    with serving(tmp_path) as (process, address):
        assert Client(address, token).send([event(1, time.time_ns())]).status == 200
        process.send_signal(number)
        assert process.wait(20) == 0
        assert "Traceback" not in process.communicate()[1]
    assert [file.name for file in tmp_path.iterdir()] == ["metrica.db"]


def test_a_taken_port_is_one_sentence_and_exit_1(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = ingest("--port", str(port), data=tmp_path)
    assert ended.returncode == 1
    assert ended.stderr.strip() == (
        f"metrica-ingest: error: port {port} is taken by another program: choose another port, or stop it"
    )


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("serve", "--host", "192.0.2.1"), "the address 192.0.2.1 is not one of this machine"),
        (("serve", "--host", "no.such.host.invalid"), "the host 'no.such.host.invalid' is not known here"),
    ],
)
def test_a_wrong_argument_is_one_sentence_and_exit_1(
    tmp_path: Path, token: str, arguments: tuple[str, ...], sentence: str
) -> None:
    ended = ingest(*arguments, data=tmp_path)
    assert ended.returncode == 1
    assert ended.stderr.startswith(f"metrica-ingest: error: {sentence}")
    assert ended.stderr.count("\n") == 1


def test_a_damaged_database_is_one_sentence_and_exit_1(tmp_path: Path) -> None:
    (tmp_path / "metrica.db").write_text("not a database " * 100)
    ended = ingest("serve", "--port", "0", data=tmp_path)
    assert ended.returncode == 1
    assert "is not a database or is damaged" in ended.stderr
    assert ended.stderr.count("\n") == 1


def test_a_port_that_is_no_port_is_wrong_usage(tmp_path: Path) -> None:
    ended = ingest("serve", "--port", "http", data=tmp_path)
    assert (ended.returncode, "'http' is not a port: give a number from 0 to 65535" in ended.stderr) == (2, True)


def test_the_old_names_of_stores_and_tokens_do_the_same_and_say_the_new_one(tmp_path: Path, token: str) -> None:
    added = ingest("store", "add", "sfax-01", "--timezone", "UTC", "--cutoff", "5", data=tmp_path)
    assert (added.returncode, added.stdout) == (0, "sfax-01: UTC, the day begins at 05:00\n")
    assert added.stderr == (
        "metrica-ingest: 'metrica-ingest store add' is now 'metrica-admin store add'; the old name goes with the next"
        " release\n"
    )
    listed = ingest("store", "list", data=tmp_path).stdout
    assert listed == "sfax-01\tUTC\t05:00\ntunis-01\tAfrica/Tunis\t04:00\n"
    key, _, state, label = ingest("token", "list", "tunis-01", data=tmp_path).stdout.rstrip("\n").split("\t")
    assert (state, label, token in key) == ("valid", "box", False)
    assert ingest("token", "revoke", "tunis-01", key, data=tmp_path).stdout == f"revoked {key}\n"
    assert "\trevoked\t" in ingest("token", "list", "tunis-01", data=tmp_path).stdout
    with serving(tmp_path) as (_, address):
        assert Client(address, token).send([event(1, time.time_ns())]).status == 401
        fresh = ingest("token", "add", "tunis-01", data=tmp_path).stdout.strip()
        assert Client(address, fresh).send([event(1, time.time_ns())]).status == 200
    wrong = ingest("token", "add", "nowhere", data=tmp_path)
    assert (wrong.returncode, wrong.stdout) == (1, "")
    assert "metrica-admin: error: there is no store 'nowhere'" in wrong.stderr
    assert ingest("token", "add", data=tmp_path).returncode == 2
