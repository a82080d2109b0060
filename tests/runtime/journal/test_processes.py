"""The journal between real processes: killed while writing, and written, read and repaired by several at once."""

from __future__ import annotations

import os
import random
import sqlite3
import subprocess
import sys
from pathlib import Path

from metrica.journal import Counts, Journal
from tests.paths import ROOT
from tests.runtime.journal.positions import positions


def append_for_ever(path: Path, name: str) -> None:
    with Journal(path, timeout=20) as journal:
        number = 0
        while True:
            assert journal.append(f"{name}-{number}", "Crossing", bytes(200))
            os.write(1, f"{name}-{number}\n".encode())  # only once it is said to be durable
            number += 1


def append_some(path: Path, name: str, count: str) -> None:
    with Journal(path, timeout=20) as journal:
        for number in range(int(count)):
            assert journal.append(f"{name}-{number}", "Crossing", bytes(200))


def upload(path: Path, count: str) -> None:
    with Journal(path, timeout=20) as journal:
        sent = 0
        while sent < int(count):
            batch = journal.unsent(50)
            for entry in batch:
                print(entry.id)
            assert journal.mark_sent([entry.id for entry in batch]) == len(batch)
            sent += len(batch)


def child(*arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", __name__, *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)


def output(process: subprocess.Popen[str]) -> list[str]:
    printed, _ = process.communicate(timeout=100)
    assert process.returncode == 0
    return printed.splitlines()


def test_every_append_that_returned_is_there_after_kill_9(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    chance = random.Random(4)
    returned: list[str] = []
    for run in range(4):
        process = child("append_for_ever", path, f"run{run}")
        assert process.stdout is not None
        for _ in range(chance.randrange(1, 400)):
            returned.append(process.stdout.readline().strip())
        process.kill()
        # A line cut short by the kill cannot be: each is one write of a few bytes to a pipe.
        # Not communicate(): with a timeout it reads the pipe itself and passes over what readline() has buffered.
        returned += process.stdout.read().split()
        process.stdout.close()
        process.wait(timeout=30)
        with Journal(path) as journal:
            found = [entry.id for entry in journal.unsent(100_000)]
        # The last append may have been committed without having returned.
        assert [event_id for event_id in found if event_id in set(returned)] == returned
        assert len(found) == len(set(found)) <= len(returned) + run + 1
    assert not list(tmp_path.glob("*corrupt*"))


def test_two_counters_and_an_uploader_share_one_journal(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    counters = [child("append_some", path, name, 400) for name in ("door", "back")]
    uploader = child("upload", path, 800)
    for counter in counters:
        output(counter)
    sent = output(uploader)
    order = positions(path)
    assert [order[event_id] for event_id in sent] == sorted(order.values())
    for name in ("door", "back"):
        assert [event_id for event_id in sent if event_id.startswith(name)] == [f"{name}-{n}" for n in range(400)]
    with Journal(path) as journal:
        assert journal.counts() == Counts(unsent=0, sent=800, refused=0)


def test_processes_that_start_together_make_one_journal(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    for counter in [child("append_some", path, f"camera{n}", 3) for n in range(4)]:
        output(counter)
    with Journal(path) as journal:
        assert journal.counts() == Counts(unsent=12, sent=0, refused=0)
    assert not list(tmp_path.glob("*corrupt*"))


def test_no_event_goes_to_a_damaged_file_that_another_process_has_put_aside(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    with Journal(path) as counter:
        counter.append_many([(f"old{n}", "Crossing", bytes(200)) for n in range(2000)])
        damage(path)
        # Another process finds the damage, puts the file aside and begins a new one …
        assert output(child("append_some", path, "other", 1)) == []
        (aside,) = (found for found in tmp_path.glob("journal.db.corrupt-*") if found.name.count("-") == 1)
        # … and this one, which has had the old file open all the time, writes to the new one.
        assert counter.append("new", "Crossing", b"")
        counter.mark_sent(["old0"])
        with Journal(path) as uploader:
            found = [entry.id for entry in uploader.unsent(10_000)]
        assert found[-2:] == ["other-0", "new"]
        assert "old0" not in found
        assert {"old1", "old1999"} <= set(found)
    assert path.exists()
    assert aside.exists()


def damage(path: Path) -> None:
    """Overwrite a page in the middle of the file, from outside: this process has SQLite's locks on it."""
    with sqlite3.connect(path, isolation_level=None) as other:
        assert other.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0
    other.close()
    middle = path.stat().st_size // 2 // 4096
    command = ["dd", "if=/dev/urandom", f"of={path}", "bs=4096", "count=1", f"seek={middle}", "conv=notrunc"]
    subprocess.run(command, check=True, capture_output=True)


if __name__ == "__main__":
    work = {"append_for_ever": append_for_ever, "append_some": append_some, "upload": upload}[sys.argv[1]]
    work(Path(sys.argv[2]), *sys.argv[3:])
