"""The bound of a journal: what is too old goes if the server has it, and becomes a sum for its minute if not."""

from __future__ import annotations

import logging
import sqlite3
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metrica.journal import Counts, Journal, Ledger, sums
from metrica.journal.schema import SCHEMA
from metrica.journal.upkeep import Upkeep
from metrica.messages import Crossing, Header, encode
from tests.runtime.journal.ledgers import event
from tests.runtime.sockets import eventually

DAY = 86_400
SECOND = 10**9


def crossing(number: int, second: int, direction: str = "in", line: str = "entrance") -> tuple[str, str, bytes]:
    msg = Crossing(
        header=Header(camera="door"),
        id=f"e{number}",
        line=line,
        direction="in" if direction == "in" else "out",
        track=number,
        time=second * SECOND,
    )
    return msg.id, "Crossing", encode(msg)


def test_what_is_too_old_is_still_known_as_a_sum_for_each_minute(tmp_path: Path) -> None:
    now = 600
    with Journal(tmp_path / "journal.db", now=lambda: now * SECOND) as journal:
        journal.append_many(
            [crossing(1, 600), crossing(2, 659), crossing(3, 660), crossing(4, 661, "out"), crossing(5, 662, line="b")]
        )
        journal.append_many([crossing(6, 663), crossing(7, 664)])
        journal.append("odd", "Visit", b"\xff\xff")
        journal.refuse("e6", "no")
        journal.mark_sent(["e7"])
        now += 3 * DAY
        journal.append_many([crossing(8, now)])
        assert journal.fold(2 * DAY) == 7
        assert journal.counts() == Counts(unsent=1, sent=1, refused=0), "the new one, and the one that the server has"
        assert [tuple(entry) for entry in journal.sums()] == [
            ("Crossing", "door", "entrance", "in", 600, 60, 2, 0),
            ("Visit", "", "", "", 600, 60, 1, 0),
            ("Crossing", "door", "b", "in", 660, 60, 1, 0),
            ("Crossing", "door", "entrance", "in", 660, 60, 1, 1),
            ("Crossing", "door", "entrance", "out", 660, 60, 1, 0),
        ]
        assert journal.summed() == 7
        assert journal.fold(2 * DAY) == 0


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 400 * DAY), st.sampled_from(["in", "out"])), max_size=60), st.integers(1, 8))
def test_no_event_is_ever_missing_from_the_sums_however_coarse_they_become(
    events: list[tuple[int, str]], most: int
) -> None:
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(sums, "_MOST", most)
        now = 0
        with Journal(Path(folder) / "journal.db", now=lambda: now * SECOND) as journal:
            for number, (second, direction) in enumerate(events):
                journal.append_many([crossing(number, second, direction)])
                now += DAY
                journal.fold(DAY / 2)
            kept = journal.sums()
            assert sum(entry.unsent for entry in kept) == len(events)
            for direction in ("in", "out"):
                days = Counter[int]()
                for entry in kept:
                    assert entry.start % entry.seconds == 0
                    days[entry.start // DAY] += entry.unsent if entry.direction == direction else 0
                assert +days == Counter(second // DAY for second, found in events if found == direction)


def test_very_many_sums_become_fewer_longer_ones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sums, "_MOST", 100)
    now = 0
    with Journal(tmp_path / "journal.db", now=lambda: now * SECOND) as journal:
        journal.append_many([crossing(n, n * 600) for n in range(5000)])  # every ten minutes, for a month
        now = DAY
        assert journal.fold(60) == 5000
        kept = journal.sums()
        assert sum(entry.unsent for entry in kept) == 5000
        assert len(kept) < 500
        assert {entry.seconds for entry in kept} >= {3600, 86_400}


def test_a_ledger_keeps_the_journal_within_its_bound_and_says_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "journal.db"
    old = time.time_ns() - 10 * DAY * SECOND
    with Journal(path, now=lambda: old) as journal:
        journal.append_many([crossing(n, old // SECOND) for n in range(2500)])
        journal.mark_sent([f"e{n}" for n in range(500)])
        journal.refuse("e500", "no")
    with Journal(path, now=lambda: old + 2 * DAY * SECOND) as journal:
        journal.append_many([crossing(9999, old // SECOND + 2 * DAY)])
    ledger = Ledger(path, lambda port, msg: None, keep_days=9)
    ledger.open()
    eventually(lambda: ledger.notice, "it looks at the bound at its start")
    assert ledger.notice == "2000 events that no server has taken are kept as sums, see metrica-journal sums"
    ledger.record("crossings", event("new"))
    ledger.close()
    (record,) = caplog.records
    assert record.levelno == logging.ERROR
    assert record.getMessage() == (
        f"2000 events in the journal {path} were older than 9 days and no server had taken them: they are kept as "
        "sums for each minute, see `metrica-journal sums`"
    )
    with Journal(path) as journal:
        assert journal.counts() == Counts(2, 0, 0)
        assert sum(entry.refused for entry in journal.sums()) == 1
        assert journal.bound() == 9


def test_a_clock_that_has_jumped_makes_nothing_old(tmp_path: Path) -> None:
    """Undelivered events are given up for their sums only if time has really passed, not if somebody says so."""
    path = tmp_path / "journal.db"
    day = 0
    with Journal(path, now=lambda: day * DAY * SECOND) as journal:

        def look() -> int:
            care = Upkeep(path, 100, logging.getLogger())
            care.step(journal)
            return journal.counts().unsent

        for day in range(1000, 1090):
            journal.append_many([crossing(day, day * DAY)])
        assert look() == 90
        day = 8000  # the clock is wrong
        assert look() == 90
        journal.append_many([crossing(day, day * DAY)])
        assert look() == 91
        day = 1091  # it is right again
        assert look() == 91
        for day in range(1092, 1200):
            journal.append_many([crossing(day, day * DAY)])
        assert look() == 91 + 108 - 97, "now they are old, one day after the other"
        assert journal.summed() == 97
        day = 1400  # the box was off for long
        journal.append_many([crossing(day, day * DAY)])
        assert look() == 103
        for day in range(1401, 1432):
            journal.append_many([crossing(day, day * DAY)])
        assert look() == 33, "a month of events says that the clock is right"


def test_a_journal_of_the_first_version_is_brought_up_to_date(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    old = sqlite3.connect(path, isolation_level=None)
    old.executescript("""
        PRAGMA journal_mode = WAL;
        CREATE TABLE event (
            position INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, kind TEXT NOT NULL,
            payload BLOB NOT NULL, state INTEGER NOT NULL DEFAULT 0 CHECK (state IN (0, 1, 2)),
            changed INTEGER NOT NULL, reason TEXT
        );
        CREATE INDEX event_state ON event (state);
        INSERT INTO event (id, kind, payload, state, changed) VALUES
            ('a', 'Crossing', x'00', 0, 1), ('b', 'Crossing', x'01', 1, 1), ('c', 'Crossing', x'02', 0, 1);
        PRAGMA application_id = 0x4D4A524E;
        PRAGMA user_version = 1;
    """)
    old.close()
    with Journal(path) as journal:
        assert journal.counts() == Counts(2, 1, 0)
        assert [entry.id for entry in journal.unsent(10)] == ["a", "c"]
        journal.mark_sent(["a"])
        assert journal.counts() == Counts(1, 2, 0)
    check = sqlite3.connect(path)
    assert check.execute("PRAGMA user_version").fetchone() == (SCHEMA,)
    check.close()


def test_nothing_looks_at_every_event(tmp_path: Path) -> None:
    """Opening, appending, counting and looking for what is old must not become slower with more events."""
    path = tmp_path / "journal.db"
    with Journal(path) as journal:
        journal.append_many([(f"e{n}", "Crossing", bytes(300)) for n in range(30_000)])

    def steps(work: object) -> int:
        """How often SQLite has done a thousand of its instructions meanwhile."""
        assert callable(work)
        count = 0

        def one() -> int:
            nonlocal count
            count += 1
            return 0

        connection = journal._file._connection  # pyright: ignore[reportPrivateUsage]
        assert connection is not None
        connection.set_progress_handler(one, 1000)
        work()
        connection.set_progress_handler(None, 0)
        return count

    with Journal(path) as journal:
        assert steps(lambda: journal.append("new", "Crossing", b"")) <= 1
        assert steps(journal.counts) <= 1
        assert steps(journal.oldest_unsent) <= 1
        assert steps(lambda: journal.prune(DAY)) <= 1
        assert steps(lambda: journal.fold(DAY)) <= 1
        assert steps(lambda: journal.unsent(10)) <= 1
        assert steps(lambda: journal.unsent(30_000)) > 50, "the measure measures"


def test_opening_does_not_read_the_whole_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "journal.db"
    with Journal(path) as journal:
        journal.append_many([(f"e{n}", "Crossing", bytes(300)) for n in range(30_000)])
    assert path.stat().st_size > 8 << 20
    reads = Path(f"/proc/self/task/{threading.get_native_id()}/io")

    def read_bytes() -> int:
        return int(next(line for line in reads.read_text().splitlines() if line.startswith("rchar")).split()[1])

    before = read_bytes()
    Journal(path).close()
    assert read_bytes() - before < 1 << 20
