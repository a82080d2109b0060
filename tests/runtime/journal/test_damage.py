"""A damaged journal: put aside and never deleted, what can be read carried over, and the store goes on counting."""

from __future__ import annotations

import logging
import re
import sqlite3
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from metrica.journal import Counts, Journal
from tests.runtime.journal.ledgers import NotedLedger
from tests.runtime.journal.positions import positions


def put_aside(path: Path) -> list[Path]:
    return sorted(found for found in path.parent.iterdir() if re.search(r"\.corrupt-\d{8}T\d{6}Z(-\d+)?$", found.name))


def overwrite(path: Path, at: int, count: int) -> None:
    """Write from another process: closing a descriptor here would drop SQLite's locks on the file."""
    script = "import sys; f = open(sys.argv[1], 'r+b'); f.seek(int(sys.argv[2])); f.write(b'\\xff' * int(sys.argv[3]))"
    subprocess.run([sys.executable, "-c", script, str(path), str(at), str(count)], check=True)


@pytest.mark.parametrize(
    "rubbish", [b"this is no database " * 500, bytes(8192), b"short"], ids=["text", "zeros", "short"]
)
def test_a_file_of_rubbish_is_put_aside_and_a_new_journal_begun(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, rubbish: bytes
) -> None:
    path = tmp_path / "journal.db"
    path.write_bytes(rubbish)
    with Journal(path) as journal:
        assert journal.append("a", "Crossing", b"")
        assert journal.counts() == Counts(1, 0, 0)
    (aside,) = put_aside(path)
    assert aside.read_bytes() == rubbish
    (record,) = caplog.records
    assert record.levelno == logging.ERROR
    assert re.fullmatch(
        rf"the journal {path} was damaged \(.+\): it is kept as {aside}, "
        "a new one has begun, and the 0 events that could still be read were carried over",
        record.getMessage(),
    )
    caplog.clear()
    with Journal(path) as journal:
        assert journal.counts() == Counts(1, 0, 0)
    assert caplog.records == []


def test_what_can_still_be_read_is_carried_over_with_its_state(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    with Journal(path) as journal:
        journal.append_many([(f"e{n}", "Crossing", bytes([n % 256]) * 100) for n in range(3000)])
        journal.mark_sent([f"e{n}" for n in range(10)])
        journal.refuse("e2999", "no")
    pages = path.stat().st_size // 4096
    overwrite(path, pages // 2 * 4096, 4096)
    with Journal(path) as journal:
        counts = journal.counts()
        assert (counts.sent, counts.refused) == (10, 1)
        assert 2900 < sum(counts) <= 3000
        unsent = journal.unsent(10_000)
        order = positions(path)
        assert [order[entry.id] for entry in unsent] == sorted(order[entry.id] for entry in unsent)
        assert all(entry.payload == bytes([int(entry.id[1:]) % 256]) * 100 for entry in unsent)
        assert journal.refused(1)[0].reason == "no"
        assert journal.append("new", "Crossing", b"")
    assert len(put_aside(path)) == 1


def test_damage_that_appears_while_the_journal_is_open_costs_no_event_that_comes_after(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    with Journal(path) as journal:
        journal.append_many([(f"e{n}", "Crossing", bytes(500)) for n in range(20_000)])  # more than SQLite's cache
        with sqlite3.connect(path, isolation_level=None) as other:
            other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        other.close()
        half = path.stat().st_size // 2 // 4096 * 4096
        overwrite(path, half, 20 * 4096)
        assert len(journal.unsent(100_000)) > 15_000
        assert journal.append("new", "Crossing", b"")
        assert journal.unsent(100_000)[-1].id == "new"
    assert len(put_aside(path)) == 1


def test_a_second_damage_does_not_overwrite_what_was_put_aside_before(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    for _ in range(3):
        path.write_bytes(b"rubbish" * 1000)
        with Journal(path) as journal:
            assert journal.append("a", "Crossing", b"")
    assert [aside.read_bytes() for aside in put_aside(path)] == [b"rubbish" * 1000] * 3


@pytest.mark.parametrize("rubbish", [b"", b"rubbish" * 1000], ids=["new", "damaged"])
def test_several_that_open_the_same_file_at_once_make_one_journal(tmp_path: Path, rubbish: bytes) -> None:
    def append(path: Path, name: str) -> bool:
        together.wait(60)
        with Journal(path, timeout=20) as journal:
            return journal.append(name, "Crossing", b"")

    names = ["door", "back", "side", "yard"]
    together = threading.Barrier(len(names))
    with ThreadPoolExecutor(len(names)) as pool:
        for attempt in range(25):
            path = tmp_path / f"attempt{attempt}" / "journal.db"
            path.parent.mkdir()
            path.write_bytes(rubbish)
            assert list(pool.map(append, [path] * len(names), names)) == [True] * len(names)
            assert len(put_aside(path)) == (1 if rubbish else 0)
            with Journal(path) as journal:
                assert {entry.id for entry in journal.unsent(10)} == set(names)


def test_a_journal_whose_table_is_gone_is_damaged(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    Journal(path).close()
    with sqlite3.connect(path) as other:
        other.execute("DROP TABLE event")
    other.close()
    with Journal(path) as journal:
        assert journal.append("a", "Crossing", b"")
    assert len(put_aside(path)) == 1


def test_a_journal_that_was_removed_while_open_begins_anew(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "journal.db"
    with Journal(path) as journal:
        journal.append("a", "Crossing", b"")
        path.unlink()
        assert journal.append("b", "Crossing", b"")
        with Journal(path) as other:
            assert [entry.id for entry in other.unsent(10)] == ["b"]
    assert "was removed while it was in use" in caplog.text


def test_publishers_do_not_notice_the_damage(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    path.write_bytes(b"rubbish" * 1000)
    ledger = NotedLedger(path)
    assert ledger.add("a") == ["a"]
    assert ledger.waiting == 0
    ledger.close()
