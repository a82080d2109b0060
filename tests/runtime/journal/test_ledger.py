"""The ledger against a model: whatever fails and when, each event is written and published once, in order."""

from __future__ import annotations

import sqlite3
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metrica.errors import JournalError, TransportError
from metrica.journal import Journal, Ledger
from metrica.messages import Detections, Message
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


def test_retry_waits_between_two_attempts(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    published: list[str] = []
    ledger = Ledger(path, lambda port, msg: published.append(msg.header.camera), timeout=0, retry_seconds=60)
    ledger.open()
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    ledger.record("crossings", event("a"))
    ledger.retry()  # the first attempt is made at once, and fails
    other.execute("ROLLBACK")
    other.close()
    ledger.retry()
    assert (published, ledger.waiting) == ([], 1)
    ledger.close()
    assert published == ["door"]
