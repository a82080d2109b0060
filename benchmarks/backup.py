"""Measures `metrica-admin backup` of a large database while another process writes to it as fast as it can.

    python -m benchmarks.backup [--events 2000000] [--folder DIR]

The peer is a plain copy of the file with the same bytes, which would be torn: it is the time that the disk needs. What
SQLite's `.backup` does, 100 pages at a time, is tried too, for at most three times as long: it begins again whenever
somebody else writes.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator
from contextlib import closing, contextmanager
from pathlib import Path

from benchmarks.harness import ROOT, figure
from metrica.dashboard.kpis.store import Store
from metrica.dashboard.store.database import Database
from metrica.dashboard.store.records import Event

STORE = Store("tunis-01", "Africa/Tunis")
BATCH = 5000
BEGIN = 1_700_000_000_000_000_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=2_000_000, help="how many events the database has")
    parser.add_argument("--folder", type=Path, help="where it is made; the disk is what is measured")
    parser.add_argument("--write", type=Path, help=argparse.SUPPRESS)  # the other process
    args = parser.parse_args()
    if args.write is not None:
        write_for_ever(args.write)
    with tempfile.TemporaryDirectory(prefix="metrica-backup-", dir=args.folder) as name:
        measure(Path(name), args.events)


def measure(folder: Path, events: int) -> None:
    path = folder / "metrica.db"
    fill(path, events)
    size = path.stat().st_size / 1e6
    print(f"{events} events, {size:.0f} MB", flush=True)
    plain = timed(lambda: plain_copy(path, folder / "plain.db"))
    quiet = timed(lambda: backup(path, folder / "quiet.db"))
    with writing(path) as written:
        before, began = written(), time.monotonic()
        busy = timed(lambda: backup(path, folder / "busy.db"))
        rate = (written() - before) / (time.monotonic() - began)
        limit = 3 * busy
        step = timed(lambda: shell_backup(path, folder / "shell.db", limit))
    print(f"plain copy {plain:.1f} s; backup {quiet:.1f} s, while {rate:.0f} events/s are written {busy:.1f} s")
    print(f"SQLite's .backup, 100 pages at a time: {'given up after' if step >= limit else 'done in'} {step:.1f} s")
    figure("backup_seconds", busy, "s", goal="< 60")
    figure("backup_mb_per_s", size / busy, "MB/s", goal="> 20")
    figure("backup_to_plain_copy", busy / plain, goal="< 20")
    figure("written_meanwhile_per_s", rate, "events/s", goal="> 1000")


def fill(path: Path, events: int) -> None:
    with Database(path) as database:
        database.stores.put(STORE)
        for start in range(0, events, BATCH):
            database.events.add(STORE.id, batch(start, min(BATCH, events - start))).result()


def batch(start: int, count: int) -> list[Event]:
    return [
        Event(
            id=f"/door/counter/main/6f2c8a1e/{n}",
            camera="door",
            line="main",
            direction="in" if n % 2 else "out",
            track=n,
            time=BEGIN + n * 10**9,
        )
        for n in range(start, start + count)
    ]


def backup(path: Path, target: Path) -> None:
    command = "import sys; from metrica.dashboard.admin.cli import main; sys.exit(main())"
    arguments = ["backup", str(target), "--database", str(path)]
    subprocess.run([sys.executable, "-c", command, *arguments], check=True, stdout=subprocess.DEVNULL, cwd=ROOT)


def plain_copy(path: Path, target: Path) -> None:
    shutil.copyfile(path, target)
    with target.open("rb") as file:
        os.fsync(file.fileno())


def shell_backup(path: Path, target: Path, limit: float) -> None:
    """Copy as the `.backup` of SQLite's shell does. Gives up after `limit` seconds."""
    deadline = time.monotonic() + limit

    def look(*_: int) -> None:
        if time.monotonic() > deadline:
            raise TimeoutError

    with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(target)) as copy:
        try:
            source.backup(copy, pages=100, progress=look, sleep=0)
        except TimeoutError:
            time.sleep(max(0.0, deadline - time.monotonic()))


@contextmanager
def writing(path: Path) -> Generator[Callable[[], int]]:
    """Inside, another process writes all the time. Gives a function that says how many events it has written."""
    process = subprocess.Popen([sys.executable, "-m", "benchmarks.backup", "--write", str(path)], cwd=ROOT)

    def count() -> int:
        with closing(sqlite3.connect(path)) as conn:
            return int(conn.execute("SELECT max(n) FROM events").fetchone()[0])

    first = count()
    while count() == first and process.poll() is None:
        time.sleep(0.05)
    try:
        yield count
    finally:
        process.kill()
        process.wait()


def write_for_ever(path: Path) -> None:
    with Database(path) as database:
        start = 1_000_000_000
        while True:
            database.events.add(STORE.id, batch(start, 500)).result()
            start += 500


def timed(work: Callable[[], None]) -> float:
    began = time.monotonic()
    work()
    return time.monotonic() - began


if __name__ == "__main__":
    main()
