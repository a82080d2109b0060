"""A journal that cannot be written for a while: one clear sentence, nothing lost, everything in order afterwards."""

from __future__ import annotations

import fcntl
import resource
import shutil
import sqlite3
import subprocess
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from metrica.errors import JournalError
from metrica.journal.journal import Counts, Journal, JournalUnavailableError, PendingJournal


@pytest.fixture
def tiny(tmp_path: Path) -> Iterator[Path]:
    """A disk of one MiB."""
    directory = tmp_path / "tiny"
    directory.mkdir()
    mount = shutil.which("mount")
    command = [mount or "mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(directory)]
    if mount is None or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("a small file system can only be mounted by root")
    yield directory
    subprocess.run(["umount", "--lazy", str(directory)], check=True)


def fill(disk: Path) -> Path:
    """Write until nothing more fits, and return the file to remove again."""
    others = disk / "others"
    with others.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(4096))
    return others


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
    """Let SQLite say SQLITE_FULL at the next page; the limit goes with the connection."""
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
    pending = PendingJournal(path)
    durable = [event.id for event in pending.append("e0", "Crossing", bytes(300))]
    others = fill(tiny)
    number = 1
    while pending.waiting < 50:  # what is left in half-filled pages still takes some
        durable += [event.id for event in pending.append(f"e{number}", "Crossing", bytes(300))]
        durable += [event.id for event in pending.retry()]
        number += 1
    assert pending.failing
    assert pending.trouble == f"the journal {path} cannot be written: disk full; 50 events wait in memory"
    assert pending.append(f"e{number - 1}", "Crossing", bytes(300)) == []
    assert pending.waiting == 50  # the same event twice waits once
    assert durable == [f"e{n}" for n in range(number - 50)]
    assert [record.getMessage() for record in caplog.records] == [
        f"the journal {path} cannot be written: disk full; 1 event waits in memory, free some space"
    ]

    others.unlink()
    durable += [event.id for event in pending.retry()]
    assert durable == [f"e{n}" for n in range(number)]
    assert (pending.waiting, pending.failing, pending.trouble) == (0, False, "")
    assert [record.getMessage() for record in caplog.records[1:]] == [
        f"the journal {path} can be written again: no event waits in memory any more"
    ]
    assert pending.retry() == []
    pending.close()
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
    pending = PendingJournal(tiny / "journal.db")
    assert pending.append("a", "Crossing", b"1") == []
    assert pending.append("b", "Crossing", b"2") == []
    assert pending.retry() == []
    others.unlink()
    assert [event.id for event in pending.retry()] == ["a", "b"]
    pending.close()


def test_a_disk_that_turns_read_only_is_waited_for(tiny: Path) -> None:
    path = tiny / "journal.db"
    Journal(path).close()
    subprocess.run(["mount", "-o", "remount,ro", str(tiny)], check=True)
    pending = PendingJournal(path)
    assert pending.append("a", "Crossing", b"1") == []
    assert pending.trouble == f"the journal {path} cannot be written: Read-only file system; 1 event waits in memory"
    subprocess.run(["mount", "-o", "remount,rw", str(tiny)], check=True)
    assert [event.id for event in pending.retry()] == ["a"]
    pending.close()


def test_an_input_output_error_loses_nothing(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    pending = PendingJournal(path)
    ids = [f"e{n}" for n in range(2000)]
    durable: list[str] = []
    with no_file_larger_than(128 << 10):
        for event_id in ids:
            durable += [event.id for event in pending.append(event_id, "Crossing", bytes(300))]
        assert pending.waiting == len(ids) - len(durable) > 1000
        assert pending.retry() == []
    durable += [event.id for event in pending.retry()]
    assert durable == ids
    pending.close()
    with Journal(path) as journal:
        assert [entry.id for entry in journal.unsent(10_000)] == ids


def test_a_journal_locked_for_long_by_another_program_is_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    pending = PendingJournal(path, timeout=0.1)
    pending.append("a", "Crossing", b"1")
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    assert pending.append("b", "Crossing", b"2") == []
    assert pending.append("c", "Crossing", b"3") == []
    assert "another process has kept it locked for 0.1 s; 2 events wait in memory" in pending.trouble
    other.execute("COMMIT")
    other.close()
    assert [event.id for event in pending.append("d", "Crossing", b"4")] == []
    assert [event.id for event in pending.retry()] == ["b", "c", "d"]
    pending.close()


def test_a_process_that_is_stopped_in_the_middle_of_its_work_does_not_stop_the_others(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    Journal(path).close()
    with path.with_name("journal.db.lock").open() as stopped:
        fcntl.flock(stopped, fcntl.LOCK_SH)
        pending = PendingJournal(path, timeout=0.05)
        assert pending.append("a", "Crossing", b"1") == []
        assert "another process has kept it locked for 0.05 s; 1 event waits" in pending.trouble
    assert [event.id for event in pending.retry()] == ["a"]
    pending.close()


def test_closing_writes_what_waited_or_says_how_much_is_lost(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "journal.db"
    for locked in (False, True):
        pending = PendingJournal(path, timeout=0.05)
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        pending.append(f"a{locked}", "Crossing", b"1")
        if not locked:
            other.execute("ROLLBACK")
        caplog.clear()
        assert [event.id for event in pending.close()] == ([] if locked else ["aFalse"])
        other.close()
        assert ("1 events that waited in memory are lost" in caplog.text) == locked


def test_an_event_that_the_journal_has_already_is_reported_durable_again(tmp_path: Path) -> None:
    pending = PendingJournal(tmp_path / "journal.db")
    for _ in range(2):
        assert [event.id for event in pending.append("a", "Crossing", b"1")] == ["a"]
    pending.close()
    with Journal(tmp_path / "journal.db") as journal:
        assert journal.counts() == Counts(1, 0, 0)


def test_a_file_that_will_never_do_is_an_error_at_the_start(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE something (id)")
    other.close()
    with pytest.raises(JournalError, match="not a journal: name another file"):
        PendingJournal(path)
