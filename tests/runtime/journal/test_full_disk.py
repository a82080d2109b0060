"""A journal that cannot be written for a while: one clear sentence, no event lost, all in order afterwards."""

from __future__ import annotations

import fcntl
import resource
import sqlite3
import subprocess
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from metrica.errors import JournalError
from metrica.journal import Counts, Journal, JournalUnavailableError
from tests.runtime.journal.ledgers import NotedLedger
from tests.small_disk import fill, small_disk


@pytest.fixture
def tiny(tmp_path: Path) -> Iterator[Path]:
    """A disk of one MiB."""
    with small_disk(tmp_path) as disk:
        yield disk


@contextmanager
def no_file_larger_than(size: int) -> Generator[None]:
    """Writing beyond `size` bytes fails: an input/output error that needs no root."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def allow_no_more_pages(journal: Journal) -> None:
    """Make SQLite report SQLITE_FULL when it needs another page, until the connection is closed."""
    connection = journal._file._connection  # pyright: ignore[reportPrivateUsage]
    assert connection is not None
    connection.execute("PRAGMA max_page_count = 1")


def test_a_full_database_is_one_clear_sentence_and_works_again_afterwards(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    with Journal(path) as journal:
        allow_no_more_pages(journal)
        with pytest.raises(JournalUnavailableError) as caught:
            journal.append_many([(f"e{n}", "Crossing", bytes(1000)) for n in range(100)])
        assert str(caught.value) == f"the journal {path} cannot be written: disk full"
        assert journal.counts() == Counts(0, 0, 0)
        assert journal.append_many([(f"e{n}", "Crossing", bytes(1000)) for n in range(100)]) == 100


def test_events_wait_in_memory_while_the_disk_is_full_and_arrive_in_order(
    tiny: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tiny / "journal.db"
    ledger = NotedLedger(path)
    durable = ledger.add("e0")
    others = fill(tiny)
    number = 1
    while ledger.waiting < 50:  # what is left in half-filled pages still takes some
        durable += ledger.add(f"e{number}")
        durable += ledger.again()
        number += 1
    assert ledger.trouble == f"the journal {path} cannot be written: disk full; 50 events wait in memory"
    assert ledger.add(f"e{number - 1}") == []
    assert ledger.waiting == 50  # the same event twice waits once
    assert durable == [f"e{n}" for n in range(number - 50)]
    assert [record.getMessage() for record in caplog.records] == [
        f"the journal {path} cannot be written: disk full; 1 event waits in memory, free some space"
    ]

    others.unlink()
    durable += ledger.again()
    assert durable == [f"e{n}" for n in range(number)]
    assert (ledger.waiting, ledger.trouble) == (0, "")
    assert [record.getMessage() for record in caplog.records[1:]] == [
        f"the journal {path} can be written again: no event waits in memory any more"
    ]
    assert ledger.again() == []
    ledger.close()
    with Journal(path) as journal:
        assert [entry.id for entry in journal.unsent(1000)] == durable


def test_what_is_in_the_journal_can_be_read_and_sent_while_the_disk_is_full(tiny: Path) -> None:
    with Journal(tiny / "journal.db") as journal:
        journal.append_many([(f"e{n}", "Crossing", bytes(300)) for n in range(100)])
        others = fill(tiny)
        assert len(journal.unsent(1000)) == 100
        with suppress(JournalUnavailableError):  # it may still fit; if not, they are sent again, which is harmless
            journal.mark_sent([f"e{n}" for n in range(100)])
        assert sum(journal.counts()) == 100
        others.unlink()
        journal.mark_sent([f"e{n}" for n in range(100)])
        assert journal.counts() == Counts(0, 100, 0)


def test_a_counter_that_starts_on_a_full_disk_counts_all_the_same(tiny: Path) -> None:
    others = fill(tiny)
    ledger = NotedLedger(tiny / "journal.db")
    assert ledger.add("a") == []
    assert ledger.add("b") == []
    assert ledger.again() == []
    others.unlink()
    assert ledger.again() == ["a", "b"]
    ledger.close()


def test_a_disk_that_turns_read_only_is_waited_for(tiny: Path) -> None:
    path = tiny / "journal.db"
    Journal(path).close()
    subprocess.run(["mount", "-o", "remount,ro", str(tiny)], check=True)
    ledger = NotedLedger(path)
    assert ledger.add("a") == []
    assert ledger.trouble == f"the journal {path} cannot be written: Read-only file system; 1 event waits in memory"
    subprocess.run(["mount", "-o", "remount,rw", str(tiny)], check=True)
    assert ledger.again() == ["a"]
    ledger.close()


def test_an_input_output_error_loses_nothing(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    ledger = NotedLedger(path)
    ids = [f"e{n}" for n in range(2000)]
    durable: list[str] = []
    with no_file_larger_than(128 << 10):
        for event_id in ids:
            durable += ledger.add(event_id)
        assert ledger.waiting == len(ids) - len(durable) > 1000
        assert ledger.again() == []
    durable += ledger.again()
    assert durable == ids
    ledger.close()
    with Journal(path) as journal:
        assert [entry.id for entry in journal.unsent(10_000)] == ids


def test_a_journal_locked_for_long_by_another_program_is_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    ledger = NotedLedger(path, timeout=0.1)
    ledger.add("a")
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    assert ledger.add("b") == []
    assert ledger.add("c") == []
    assert "another process has kept it locked for 0.1 s; 2 events wait in memory" in ledger.trouble
    other.execute("COMMIT")
    other.close()
    assert ledger.add("d") == []
    assert ledger.again() == ["b", "c", "d"]
    ledger.close()


def test_a_process_that_is_stopped_in_the_middle_of_its_work_does_not_stop_the_others(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    Journal(path).close()
    with path.with_name("journal.db.lock").open() as stopped:
        fcntl.flock(stopped, fcntl.LOCK_SH)
        ledger = NotedLedger(path, timeout=0.05)
        assert ledger.add("a") == []
        assert "another process has kept it locked for 0.05 s; 1 event waits" in ledger.trouble
    assert ledger.again() == ["a"]
    ledger.close()


def test_closing_writes_what_waited_or_says_how_much_is_lost(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "journal.db"
    for locked in (False, True):
        ledger = NotedLedger(path, timeout=0.05)
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        ledger.add(f"a{locked}")
        if not locked:
            other.execute("ROLLBACK")
        caplog.clear()
        assert ledger.end() == ([] if locked else ["aFalse"])
        other.close()
        assert ("1 events that waited in memory are lost" in caplog.text) == locked


def test_an_event_that_the_journal_has_already_is_published_again(tmp_path: Path) -> None:
    ledger = NotedLedger(tmp_path / "journal.db")
    for _ in range(2):
        assert ledger.add("a") == ["a"]
    ledger.close()
    with Journal(tmp_path / "journal.db") as journal:
        assert journal.counts() == Counts(1, 0, 0)


def test_a_file_that_will_never_do_is_an_error_at_the_start(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE something (id)")
    other.close()
    with pytest.raises(JournalError, match="not a journal: name another file"):
        NotedLedger(path)
