"""The ledger against a model: whatever fails and when, each event is written and published once, in order."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metrica.errors import JournalError, TransportError
from metrica.journal import Journal, Ledger
from metrica.messages import Detections, Message
from tests.paths import ROOT
from tests.runtime.journal.ledgers import NotedLedger, event

STEPS = st.lists(st.sampled_from(["add", "lock", "unlock", "retry"]), max_size=25)


@settings(max_examples=40, deadline=None)
@given(STEPS)
def test_each_event_is_published_once_in_order_and_only_when_it_is_in_the_journal(steps: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "journal.db"
        ledger = NotedLedger(path, timeout=0)
        other = sqlite3.connect(path, isolation_level=None)
        recorded: list[str] = []
        for step in steps:
            if step == "add":
                recorded.append(f"e{len(recorded)}")
                ledger.add(recorded[-1])
            elif step == "lock" and not other.in_transaction:
                other.execute("BEGIN IMMEDIATE")
            elif step == "unlock" and other.in_transaction:
                other.execute("ROLLBACK")
            elif step == "retry":
                ledger.again()
                assert other.in_transaction or ledger.waiting == 0
            written = [row[0] for row in other.execute("SELECT id FROM event ORDER BY position")]
            assert ledger.published == written
            assert written == recorded[: len(recorded) - ledger.waiting]
            assert bool(ledger.trouble) >= bool(ledger.waiting)
        other.close()
        ledger.close()
        with Journal(path) as journal:
            assert [entry.id for entry in journal.unsent(100)] == recorded == ledger.published


def test_an_event_that_cannot_be_put_on_its_topic_is_in_the_journal_and_counted(tmp_path: Path) -> None:
    def publish(port: str, msg: Message) -> None:
        raise TransportError("a subscriber takes nothing in")

    ledger = Ledger(tmp_path / "journal.db", publish)
    ledger.record("crossings", event("a"))
    assert (ledger.unpublished, ledger.waiting, ledger.trouble) == (1, 0, "")
    ledger.close()
    with Journal(tmp_path / "journal.db") as journal:
        assert [(entry.id, entry.kind) for entry in journal.unsent(10)] == [("a", "Crossing")]


def test_a_message_without_an_id_is_no_event(tmp_path: Path) -> None:
    ledger = NotedLedger(tmp_path / "journal.db")
    with pytest.raises(TypeError, match="Detections has no 'id: str', so it cannot be an event"):
        ledger.record("detections", Detections.__new__(Detections))
    ledger.close()


def test_an_event_that_comes_first_to_a_file_of_something_else_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE something (id)")
    other.close()
    ledger = Ledger(path, lambda port, msg: None)
    for _ in range(2):
        with pytest.raises(JournalError, match="not a journal: name another file"):
            ledger.record("crossings", event("a"))
    assert ledger.waiting == 0
    ledger.close()


def test_the_journal_is_tried_again_without_being_asked(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    published: list[str] = []
    woken = threading.Event()
    ledger = Ledger(
        path, lambda port, msg: published.append(msg.header.camera), timeout=0.1, retry_seconds=0.1, wake=woken.set
    )
    ledger.open()
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    ledger.record("crossings", event("a"))
    ledger.record("crossings", event("b"))
    ledger.publish_written()
    assert (published, ledger.waiting) == ([], 2)
    other.execute("ROLLBACK")
    other.close()
    while ledger.waiting:
        assert woken.wait(30)
        woken.clear()
    ledger.publish_written()
    assert published == ["door", "door"]
    ledger.close()


def test_recording_never_waits_longer_than_a_frame_for_a_journal_that_is_locked(tmp_path: Path) -> None:
    """Each call must come back long before the writer gives up; were it to wait, 60 events would take two minutes."""
    ledger = Ledger(tmp_path / "journal.db", lambda port, msg: None, timeout=2.0)
    ledger.open()
    other = sqlite3.connect(tmp_path / "journal.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    begin = time.monotonic()
    for number in range(60):
        ledger.record("crossings", event(f"e{number}"))
        ledger.publish_written()
    assert time.monotonic() - begin < 2.0
    assert ledger.waiting == 60
    other.execute("ROLLBACK")
    other.close()
    ledger.retry(60)
    assert ledger.waiting == 0
    ledger.close()


def test_what_ends_the_writer_comes_out_in_the_loop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = NotedLedger(tmp_path / "journal.db")

    def fails(*_: object) -> int:
        raise ZeroDivisionError("not an error of SQLite")

    monkeypatch.setattr(Journal, "append_many", fails)
    with pytest.raises(ZeroDivisionError):
        ledger.add("a")
    with pytest.raises(ZeroDivisionError):
        ledger.publish_written()
    ledger.close()


def test_a_ledger_belongs_to_its_process(tmp_path: Path) -> None:
    script = """
import os, sys
from pathlib import Path
from metrica.errors import JournalError
from tests.paths import ROOT
from tests.runtime.journal.ledgers import NotedLedger
ledger = NotedLedger(Path(sys.argv[1]))
if not os.fork():
    try:
        ledger.add("child")
    except JournalError as error:
        print(error, flush=True)
    ledger.close()
    os._exit(0)
os.wait()
print(ledger.add("parent"))
ledger.close()
"""
    command = [sys.executable, "-c", script, str(tmp_path / "journal.db")]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    assert "was opened before a fork: open it again in the new process\n['parent']\n" in done.stdout
