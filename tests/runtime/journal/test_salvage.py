"""What can be read of a damaged journal is carried over: all of it, whatever is damaged, also on a full disk."""

from __future__ import annotations

import logging
import random
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metrica.journal import Journal, JournalUnavailableError, Ledger
from metrica.journal import file as journal_file
from metrica.journal.upkeep import Upkeep
from tests.runtime.journal.test_damage import overwrite, put_aside
from tests.runtime.sockets import eventually
from tests.small_disk import fill, small_disk

PAGE = 4096


def filled(path: Path, count: int) -> None:
    with Journal(path) as journal:
        journal.append_many([(f"e{n}", "Crossing", bytes([n % 256]) * 300) for n in range(count)])
        journal.mark_sent([f"e{n}" for n in range(0, count, 7)])


def table_leaves(path: Path) -> dict[int, list[int]]:
    """The positions of the events on each leaf page of the table, by the page's number, read from the bytes."""
    data = path.read_bytes()
    with closing(sqlite3.connect(path)) as connection:
        names = {row[0]: row[1] for row in connection.execute("SELECT rootpage, name FROM sqlite_master")}
        order = [row[0] for row in connection.execute("SELECT position FROM event ORDER BY position")]
    root = next(page for page, name in names.items() if name == "event")
    found: dict[int, list[int]] = {}

    def walk(page: int) -> None:
        start = (page - 1) * PAGE
        kind, cells = data[start], int.from_bytes(data[start + 3 : start + 5])
        if kind == 13:
            taken = sum(map(len, found.values()))
            found[page] = order[taken : taken + cells]
            return
        assert kind == 5
        for n in range(cells):
            at = start + int.from_bytes(data[start + 12 + 2 * n : start + 14 + 2 * n])
            walk(int.from_bytes(data[at : at + 4]))
        walk(int.from_bytes(data[start + 8 : start + 12]))

    walk(root)
    return found


@settings(max_examples=15, deadline=None)
@given(st.sets(st.integers(0, 10_000), min_size=1, max_size=6))
def test_every_event_on_a_page_that_is_not_damaged_is_carried_over(bad: set[int]) -> None:
    """Also those between two damaged pages, and the one before a damaged page."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "journal.db"
        filled(path, 2000)
        leaves = table_leaves(path)
        pages = sorted(leaves)
        damaged = {pages[n % len(pages)] for n in bad}
        with path.open("r+b") as file:  # no connection is open in this process
            for page in damaged:
                file.seek((page - 1) * PAGE)
                file.write(b"\xff" * PAGE)
        expected = {f"e{position - 1}" for page, held in leaves.items() if page not in damaged for position in held}
        with Journal(path) as journal:
            journal.check()
            with closing(sqlite3.connect(path)) as connection:
                found = {row[0] for row in connection.execute("SELECT id FROM event")}
            assert found == expected
            assert sum(journal.counts()) == len(expected)
            assert journal.append("new", "Crossing", b"")
        assert len(put_aside(path)) == 1


@pytest.mark.parametrize("seed", range(4))
def test_a_page_of_any_kind_that_is_damaged_costs_only_what_was_on_it(tmp_path: Path, seed: int) -> None:
    """An index, the table of the counts: the events are all still there."""
    path = tmp_path / "journal.db"
    filled(path, 3000)
    leaves = table_leaves(path)
    pages = path.stat().st_size // PAGE
    data = path.read_bytes()
    # Not page 1 and not the inner pages of the table: they say where everything else is.
    others = [p for p in range(2, pages + 1) if p not in leaves and data[(p - 1) * PAGE] != 5]
    overwrite(path, (random.Random(seed).choice(others) - 1) * PAGE, PAGE)
    position: int | None = 0
    with Journal(path) as journal:
        while position is not None:
            position = journal.check(position)
        with closing(sqlite3.connect(path)) as connection:
            assert connection.execute("SELECT count(*) FROM event").fetchone() == (3000,)
            assert connection.execute("PRAGMA quick_check").fetchone() == ("ok",)


def test_a_text_that_is_none_costs_its_own_row_only(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    filled(path, 1000)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("UPDATE event SET kind = CAST(x'ff' AS TEXT) WHERE position = 500")
        other.execute("DROP INDEX event_changed")  # damage, so that it is carried over
    with Journal(path) as journal:
        assert sum(journal.counts()) == 999
        assert len(journal.unsent(2000)) > 800


def test_damage_in_a_large_journal_is_found_by_the_writer_itself(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("metrica.journal.upkeep._PAUSE", 0.0)
    path = tmp_path / "journal.db"
    filled(path, 12_000)
    leaves = table_leaves(path)
    page = sorted(leaves)[len(leaves) // 2]
    overwrite(path, (page - 1) * PAGE, PAGE)
    caplog.set_level(logging.ERROR)
    ledger = Ledger(path, lambda port, msg: None)
    ledger.open()
    assert put_aside(path) == [], "opening looks at a large file for a moment only"
    eventually(lambda: put_aside(path), "the writer looks at all of it, piece by piece")
    eventually(lambda: "could still be read were carried over" in caplog.text)
    ledger.close()
    with Journal(path) as journal:
        assert sum(journal.counts()) == 12_000 - len(leaves[page])


def test_a_repair_that_is_interrupted_is_taken_up_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "journal.db"
    filled(path, 2000)
    leaves = table_leaves(path)
    overwrite(path, (sorted(leaves)[3] - 1) * PAGE, PAGE)

    def killed(*_: object) -> int:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(journal_file, "rebuild", killed)
        with pytest.raises(KeyboardInterrupt):
            Journal(path).check()
    assert not path.exists()
    with Journal(path) as journal:
        assert sum(journal.counts()) == 2000 - len(leaves[sorted(leaves)[3]])
    assert len(put_aside(path)) == 1
    assert not path.with_name("journal.db.damaged").exists()


def test_a_repair_that_finds_no_room_gives_up_nothing(tmp_path: Path) -> None:
    """A new journal without the old events would be worse than one that has to wait."""
    with small_disk(tmp_path, "24m") as disk:
        path = disk / "journal.db"
        filled(path, 20_000)  # larger than the reserve, which would take it
        leaves = table_leaves(path)
        lost = len(leaves[sorted(leaves)[3]])
        overwrite(path, (sorted(leaves)[3] - 1) * PAGE, PAGE)
        filler = fill(disk)
        for _ in range(2):
            with pytest.raises(JournalUnavailableError, match="disk full"), Journal(path) as journal:
                journal.check()
        filler.unlink()
        with Journal(path) as journal:
            assert sum(journal.counts()) == 20_000 - lost


def test_sums_are_carried_over(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    with Journal(path) as journal:
        journal.append_many([(f"e{n}", "Visit", b"") for n in range(10)])
        assert journal.fold(-1) == 10
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("DROP TABLE event")
    with Journal(path) as journal:
        assert journal.summed() == 10
    assert len(put_aside(path)) == 1


def test_the_look_for_damage_comes_to_an_end(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    filled(path, 2000)
    care = Upkeep(path, 30, logging.getLogger())
    with Journal(path) as journal:
        for _ in range(8):
            care.step(journal)
    assert care.seconds_to_next() > 1
