"""A backup is one whole file, made while a server writes; it comes back only where nobody uses the database."""

from __future__ import annotations

import contextlib
import signal
import sqlite3
import stat
import subprocess
import threading
import time
from collections.abc import Generator
from pathlib import Path

import pytest

from metrica.dashboard.store.database import Database
from tests.dashboard.admin.commands import COMMAND, Here, admin
from tests.dashboard.client import STORE, Client
from tests.dashboard.footfall import event
from tests.dashboard.ingest.test_processes import serving

NOON = 1_795_000_000_000_000_000


def filled(folder: Path, events: int) -> str:
    with Database(folder / "metrica.db") as database:
        database.stores.put(STORE)
        for start in range(0, events, 5000):
            part = [event(n, NOON + n) for n in range(start, min(start + 5000, events))]
            database.events.add(STORE.id, part).result()
        return database.tokens.create(STORE.id)


def count(path: Path) -> int:
    with contextlib.closing(sqlite3.connect(path)) as conn:
        return int(conn.execute("SELECT count(*) FROM events").fetchone()[0])


def names(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


def test_a_backup_while_a_server_takes_batches_at_full_speed_is_whole_and_holds_what_was_acknowledged(
    tmp_path: Path,
) -> None:
    data, away = tmp_path / "data", tmp_path / "away"
    away.mkdir()
    token = filled(data, 20_000)
    now, stop, sent = time.time_ns(), threading.Event(), [0]

    def send(address: str) -> None:
        client = Client(address, token)
        while not stop.is_set():
            batch = [event(100_000 + sent[0] + n, now - n) for n in range(500)]
            assert client.send(batch).status == 200
            sent[0] += 500

    with serving(data) as (_, address):
        sender = threading.Thread(target=send, args=(address,))
        sender.start()
        try:
            while sent[0] < 1000:
                time.sleep(0.01)
            before = sent[0]
            done = admin("backup", str(away / "copy.db"), data=data)
            after = sent[0]
        finally:
            stop.set()
            sender.join()
    assert (done.returncode, done.stderr) == (0, "")
    assert after > before, "the server went on"
    assert names(away) == ["copy.db"]
    assert stat.S_IMODE((away / "copy.db").stat().st_mode) == 0o600
    held = count(away / "copy.db")
    assert 20_000 + before <= held <= 20_000 + sent[0]
    assert (held - 20_000) % 500 == 0, "every batch is there whole, or not at all"
    assert f"{held} events" in done.stdout
    assert admin("audit", "--action", "backup", data=data).stdout.count("backup made\tcopy.db") == 1


def test_nothing_is_overwritten(in_file: Here, tmp_path: Path) -> None:
    target = tmp_path / "copy.db"
    target.write_text("the only photograph of somebody's grandmother")
    assert (
        in_file.fails("backup", str(target))
        == f"{target} exists already: name a file that does not, nothing is overwritten"
    )
    assert target.read_text() == "the only photograph of somebody's grandmother"
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    assert "exists already" in in_file.fails("backup", str(tmp_path / "link"))
    assert "there is no folder" in in_file.fails("backup", str(tmp_path / "none" / "copy.db"))
    assert in_file.fails("backup", str(in_file.data / "metrica.db")).startswith(str(in_file.data))


def test_without_a_database_there_is_no_backup_and_none_is_made(in_file: Here, tmp_path: Path) -> None:
    (in_file.data / "metrica.db").unlink()
    for call in (
        ("backup", str(tmp_path / "copy.db")),
        ("store", "list"),
        ("audit",),
        ("export", "x"),
        ("delete", "x"),
    ):
        assert in_file.fails(*call).startswith(
            f"there is no database {in_file.data / 'metrica.db'}: name its folder with --data"
        )
    assert names(in_file.data) == []


@contextlib.contextmanager
def small_disk(folder: Path) -> Generator[Path]:
    folder.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if done.returncode != 0:
        pytest.skip("this machine lets nobody mount a disk")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_is_one_sentence_and_leaves_nothing_behind(in_file: Here, tmp_path: Path) -> None:
    filled(in_file.data, 5000)
    with small_disk(tmp_path / "small") as disk:
        target = disk / "copy.db"
        sentence = f"there is no room for {target}: make room, or name a file on another disk"
        assert in_file.fails("backup", str(target)) == sentence
        assert names(disk) == []
        assert in_file.fails("export", STORE.id, "--output", str(target)) == sentence
        assert names(disk) == []


def test_a_damaged_database_gives_no_backup(in_file: Here, tmp_path: Path) -> None:
    filled(in_file.data, 5000)
    with (in_file.data / "metrica.db").open("r+b") as file:
        file.seek(40 * 4096)
        file.write(b"\xff" * 4096 * 20)
    assert "damaged" in in_file.fails("backup", str(tmp_path / "copy.db"))
    assert not (tmp_path / "copy.db").exists()
    assert [name for name in names(tmp_path) if "partial" in name] == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_a_backup_that_is_stopped_or_killed_leaves_no_file_under_its_name(tmp_path: Path, number: int) -> None:
    data, away = tmp_path / "data", tmp_path / "away"
    away.mkdir()
    filled(data, 30_000)
    process = subprocess.Popen(
        [*COMMAND, "backup", str(away / "copy.db"), "--data", str(data)], stderr=subprocess.PIPE, text=True
    )
    while process.poll() is None and not names(away):
        time.sleep(0.001)
    process.send_signal(number)
    _, error = process.communicate(timeout=60)
    if process.returncode == 0:
        pytest.skip("it was faster than the signal")
    assert "copy.db" not in names(away)
    if number == signal.SIGKILL:
        assert len(names(away)) >= 1, "what it had written"
    else:
        assert (process.returncode, error.count("\n"), "stopped" in error) == (1, 1, True)
        assert names(away) == []
    assert admin("backup", str(away / "copy.db"), data=data).returncode == 0
    assert names(away) == ["copy.db"], "what a killed one left is cleared away by the next"


def test_what_sqlite_left_beside_a_draft_of_a_killed_backup_is_cleared_away(tmp_path: Path) -> None:
    data, away = tmp_path / "data", tmp_path / "away"
    away.mkdir()
    filled(data, 10)
    for name in (".copy.db.0011aabb.partial", ".copy.db.0011aabb.partial-journal", ".copy.db.22334455.partial-wal"):
        (away / name).write_bytes(b"left behind")
    (away / ".other.db.0011aabb.partial-journal").write_bytes(b"of another file")
    assert admin("backup", str(away / "copy.db"), data=data).returncode == 0
    assert sorted(names(away)) == [".other.db.0011aabb.partial-journal", "copy.db"]
