"""What the journal keeps, in which order, and what becomes of each event; against a model in plain Python."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from metrica.errors import JournalError
from metrica.journal import Counts, Entry, Journal, JournalUnavailableError
from tests.runtime.journal.positions import positions

IDS = st.sampled_from([f"event-{n}" for n in range(12)]) | st.text(st.characters(codec="utf-8"), max_size=8)
PAYLOADS = st.binary(max_size=40)


def test_an_appended_event_is_unsent_until_the_server_has_it(tmp_path: Path) -> None:
    with Journal(tmp_path / "journal.db") as journal:
        assert journal.append("a", "Crossing", b"\x00one")
        assert journal.append("b", "Crossing", b"")
        assert journal.unsent(10) == [Entry("a", "Crossing", b"\x00one"), Entry("b", "Crossing", b"")]
        assert journal.mark_sent(["a", "unknown"]) == 1
        assert [entry.id for entry in journal.unsent(10)] == ["b"]
        assert journal.counts() == Counts(unsent=1, sent=1, refused=0)


def test_the_same_event_twice_is_one_event_even_after_it_was_sent(tmp_path: Path) -> None:
    with Journal(tmp_path / "journal.db") as journal:
        assert journal.append("a", "Crossing", b"one")
        assert not journal.append("a", "Crossing", b"another")
        assert [entry.payload for entry in journal.unsent(10)] == [b"one"]
        journal.mark_sent(["a"])
        assert not journal.append("a", "Crossing", b"one")
        assert journal.unsent(10) == []


def test_events_are_read_in_the_order_of_their_commits_and_no_more_than_asked_for(tmp_path: Path) -> None:
    with Journal(tmp_path / "journal.db") as journal:
        assert journal.append_many((f"e{n}", "Crossing", b"") for n in range(100)) == 100
        assert journal.append_many([("e5", "Crossing", b""), ("e100", "Crossing", b"")]) == 1
        assert journal.append_many([]) == 0
        assert [entry.id for entry in journal.unsent(3)] == ["e0", "e1", "e2"]
        assert [entry.id for entry in journal.unsent(1000)] == [f"e{n}" for n in range(101)]


def test_a_refused_event_is_kept_with_the_reason_and_never_sent_again(tmp_path: Path) -> None:
    with Journal(tmp_path / "journal.db") as journal:
        journal.append_many([("a", "Crossing", b"1"), ("b", "Crossing", b"2"), ("c", "Crossing", b"3")])
        assert journal.refuse("b", "422: the line is unknown")
        assert not journal.refuse("unknown", "…")
        assert journal.mark_sent(["b"]) == 0
        journal.mark_sent(["c"])
        assert not journal.refuse("c", "too late")
        assert [entry.id for entry in journal.unsent(10)] == ["a"]
        assert journal.refused(10) == [Entry("b", "Crossing", b"2", "422: the line is unknown")]
        assert journal.counts() == Counts(unsent=1, sent=1, refused=1)


def test_pruning_takes_only_what_the_server_has_had_for_long_enough(tmp_path: Path) -> None:
    now = 0
    with Journal(tmp_path / "journal.db", now=lambda: now * 10**9) as journal:
        journal.append_many([(name, "Crossing", b"") for name in ("sent", "sent late", "refused", "unsent")])
        journal.mark_sent(["sent"])
        journal.refuse("refused", "no")
        now = 100
        journal.mark_sent(["sent late"])
        now = 110
        assert journal.prune(60) == 1
        assert journal.counts() == Counts(unsent=1, sent=1, refused=1)
        assert journal.prune(60, keep_unsent=False) == 2
        assert journal.counts() == Counts(unsent=0, sent=1, refused=0)
        # Positions are never given again: an event that comes later is never read earlier.
        journal.append("next", "Crossing", b"")
        assert positions(tmp_path / "journal.db")["next"] == 5


def test_a_journal_in_a_folder_that_does_not_exist_makes_the_folder(tmp_path: Path) -> None:
    with Journal(tmp_path / "new" / "folder" / "journal.db") as journal:
        assert journal.append("a", "Crossing", b"")


def test_a_closed_journal_leaves_one_file_with_its_lock_and_its_reserve(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.db")
    journal.append("a", "Crossing", b"")
    journal.close()
    journal.close()
    assert {path.name for path in tmp_path.iterdir()} == {"journal.db", "journal.db.lock", "journal.db.reserve"}


def test_a_path_that_can_hold_no_file_is_one_clear_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(JournalUnavailableError, match=r"the journal .*file/journal.db cannot be written: "):
        Journal(tmp_path / "file" / "journal.db")
    (tmp_path / "folder").mkdir()
    with pytest.raises(JournalUnavailableError, match=r"cannot be written: unable to open database file"):
        Journal(tmp_path / "folder")


def test_the_journal_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    with Journal(path) as journal:
        journal.append("a", "Crossing", b"")
    with sqlite3.connect(path) as other:
        other.execute("PRAGMA user_version = 3")
    other.close()
    with pytest.raises(JournalError, match=r"written by a newer Metrica \(schema 3, this one knows 2\)") as caught:
        Journal(path)
    assert not isinstance(caught.value, JournalUnavailableError)
    with sqlite3.connect(path) as other:
        assert other.execute("SELECT id FROM event").fetchall() == [("a",)]
    other.close()


def test_a_database_of_something_else_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "metrica.db"
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE event (id)")
    other.close()
    before = path.read_bytes()
    with pytest.raises(JournalError, match="is a SQLite database but not a journal: name another file"):
        Journal(path)
    assert path.read_bytes() == before


def test_an_instance_belongs_to_its_thread(tmp_path: Path) -> None:
    caught: list[Exception] = []

    def use() -> None:
        try:
            journal.append("from another thread", "Crossing", b"")
        except sqlite3.ProgrammingError as error:
            caught.append(error)

    with Journal(tmp_path / "journal.db") as journal:
        thread = threading.Thread(target=use)
        thread.start()
        thread.join()
        assert len(caught) == 1
        assert journal.append("a", "Crossing", b"")
        assert journal.counts() == Counts(1, 0, 0)


def test_an_instance_belongs_to_its_process(tmp_path: Path) -> None:
    script = """
import os, sys
from pathlib import Path
from metrica.errors import JournalError
from metrica.journal import Journal
journal = Journal(Path(sys.argv[1]))
if not os.fork():
    try:
        journal.append("child", "Crossing", b"")
    except JournalError as error:
        print(error, flush=True)
    os._exit(0)
os.wait()
print(journal.append("parent", "Crossing", b""))
"""
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "journal.db")], capture_output=True, text=True, check=True
    )
    assert "was opened before a fork: open it again in the new process\nTrue\n" in done.stdout


class JournalAgainstModel(RuleBasedStateMachine):
    """Any sequence of appends, acknowledgements, refusals, prunings and restarts, compared with a dict."""

    @initialize()
    def begin(self) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.seconds = 0
        self.model: dict[str, tuple[str, bytes, int]] = {}  # state, payload, second of its last change
        self.open()

    def open(self) -> None:
        self.journal = Journal(self.folder / "journal.db", now=lambda: self.seconds * 10**9)

    @rule(event_id=IDS, payload=PAYLOADS)
    def append(self, event_id: str, payload: bytes) -> None:
        assert self.journal.append(event_id, "Crossing", payload) == (event_id not in self.model)
        self.model.setdefault(event_id, ("unsent", payload, self.seconds))

    @rule(events=st.lists(st.tuples(IDS, st.just("Crossing"), PAYLOADS), max_size=6))
    def append_many(self, events: list[tuple[str, str, bytes]]) -> None:
        before = len(self.model)
        for event_id, _, payload in events:
            self.model.setdefault(event_id, ("unsent", payload, self.seconds))
        assert self.journal.append_many(events) == len(self.model) - before

    @rule(ids=st.lists(IDS, max_size=6))
    def mark_sent(self, ids: list[str]) -> None:
        changed = [i for i in dict.fromkeys(ids) if self.state(i) == "unsent"]
        for i in changed:
            self.model[i] = ("sent", self.model[i][1], self.seconds)
        assert self.journal.mark_sent(ids) == len(changed)

    @rule(event_id=IDS)
    def refuse(self, event_id: str) -> None:
        unsent = self.state(event_id) == "unsent"
        if unsent:
            self.model[event_id] = ("refused", self.model[event_id][1], self.seconds)
        assert self.journal.refuse(event_id, f"no {event_id}") == unsent

    @rule(age=st.integers(0, 20), keep=st.booleans())
    def prune(self, age: int, keep: bool) -> None:
        old = [i for i, (s, _, t) in self.model.items() if t < self.seconds - age and (s == "sent" or not keep)]
        for i in old:
            del self.model[i]
        assert self.journal.prune(age, keep_unsent=keep) == len(old)

    @rule(seconds=st.integers(1, 10))
    def wait(self, seconds: int) -> None:
        self.seconds += seconds

    @rule()
    def restart(self) -> None:
        self.journal.close()
        self.open()

    @invariant()
    def holds_what_the_model_holds(self) -> None:
        unsent = [(i, payload) for i, (state, payload, _) in self.model.items() if state == "unsent"]
        assert [(entry.id, entry.payload) for entry in self.journal.unsent(1000)] == unsent
        refused = [(i, f"no {i}") for i, (state, _, _) in self.model.items() if state == "refused"]
        assert [(entry.id, entry.reason) for entry in reversed(self.journal.refused(1000))] == refused
        states = [state for state, _, _ in self.model.values()]
        assert self.journal.counts() == tuple(states.count(s) for s in ("unsent", "sent", "refused"))

    def state(self, event_id: str) -> str:
        return self.model[event_id][0] if event_id in self.model else ""

    def teardown(self) -> None:
        self.journal.close()
        shutil.rmtree(self.folder)


TestJournalAgainstModel = JournalAgainstModel.TestCase
TestJournalAgainstModel.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)
