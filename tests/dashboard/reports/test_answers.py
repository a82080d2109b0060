"""Nobody waits long for a figure: not for another store's, and not for one that takes longer than usual."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Generator
from pathlib import Path

import pytest

from metrica.dashboard.database.errors import DatabaseError
from metrica.dashboard.kpis.events import MINUTE
from metrica.dashboard.kpis.store import Store
from metrica.dashboard.reports.answers import Answer, Answers
from metrica.dashboard.reports.reports import Reports
from metrica.dashboard.store.database import Database
from metrica.dashboard.upkeep.removals import Removals, Stretch
from tests.dashboard.footfall import at, event

TUNIS, SFAX = Store("tunis-01", "Africa/Tunis"), Store("sfax-01", "Africa/Tunis")
NOON = at("Africa/Tunis", 2026, 11, 22, 12)


@pytest.fixture
def database(tmp_path: Path) -> Generator[Database]:
    with Database(tmp_path / "metrica.db") as opened:
        opened.stores.put(TUNIS)
        opened.stores.put(SFAX)
        yield opened


def entered(answers: Answers, store: Store, now: int) -> Answer[int]:
    return answers.ask(store, "entered", now, lambda reports: reports.headline(store, now).traffic.entered)


class Slow:
    """A computation that goes on until `go` is set."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.calls = 0

    def __call__(self, _reports: Reports) -> str:
        self.calls += 1
        assert self.go.wait(20)
        return "fresh"


def test_what_takes_long_is_answered_as_it_last_was_with_its_moment(database: Database) -> None:
    answers, slow = Answers(Reports(database), patience=0.01), Slow()
    assert answers.ask(TUNIS, "q", NOON, lambda _: "old") == Answer("old", NOON)
    later = NOON + 9 * MINUTE
    assert answers.ask(TUNIS, "q", later, slow) == Answer("old", NOON)
    assert answers.ask(TUNIS, "q", later + 1, slow) == Answer("old", NOON)
    assert asyncio.run(answers.ask_async(TUNIS, "q", later + 1, slow)) == Answer("old", NOON)
    assert slow.calls == 1, "many who ask the same wait for one computation"
    slow.go.set()
    assert answers.ask(TUNIS, "q", NOON + 20 * MINUTE, slow).value == "fresh"


def test_an_answer_that_is_too_old_is_not_given(database: Database) -> None:
    answers, slow = Answers(Reports(database), patience=0.01), Slow()
    answers.ask(TUNIS, "q", NOON, lambda _: "old")
    threading.Timer(0.2, slow.go.set).start()
    assert answers.ask(TUNIS, "q", NOON + 11 * MINUTE, slow) == Answer("fresh", NOON + 11 * MINUTE)


def test_what_was_computed_from_rows_that_are_removed_is_not_given_any_more(database: Database) -> None:
    answers, slow = Answers(Reports(database), patience=0.01), Slow()
    database.events.add(TUNIS.id, [event(n, NOON - MINUTE) for n in range(5)]).result()
    answers.ask(TUNIS, "q", NOON, lambda _: "old")
    assert entered(answers, TUNIS, NOON).value == 5
    Removals(database).remove(Stretch(TUNIS.id, 0, NOON), "bad")
    threading.Timer(0.2, slow.go.set).start()
    assert answers.ask(TUNIS, "q", NOON, slow).value == "fresh"
    assert entered(answers, TUNIS, NOON).value == 0
    Removals(database).restore(1)
    assert entered(answers, TUNIS, NOON).value == 5


def test_another_setting_of_the_store_is_never_answered_with_the_old_figures(database: Database) -> None:
    answers, slow = Answers(Reports(database), patience=0.01), Slow()
    answers.ask(TUNIS, "q", NOON, lambda _: "old")
    slow.go.set()
    assert answers.ask(Store("tunis-01", "Asia/Dubai"), "q", NOON, slow).value == "fresh"


def test_the_figures_of_a_busy_store_keep_no_other_waiting(database: Database) -> None:
    database.events.add(SFAX.id, [event(1, NOON)]).result()
    answers, slow = Answers(Reports(database)), Slow()
    waiting = threading.Thread(target=answers.ask, args=(TUNIS, "q", NOON, slow))
    waiting.start()
    try:
        assert entered(answers, SFAX, NOON) == Answer(1, NOON)
        assert waiting.is_alive()
    finally:
        slow.go.set()
        waiting.join()


def test_a_failure_is_raised_and_the_next_question_is_answered(database: Database) -> None:
    def fail(_reports: Reports) -> int:
        raise DatabaseError("the disk is gone")

    answers = Answers(Reports(database), patience=1.0)
    for _ in range(2):
        with pytest.raises(DatabaseError, match="the disk is gone"):
            answers.ask(TUNIS, "q", NOON, fail)
        with pytest.raises(DatabaseError, match="the disk is gone"):
            asyncio.run(answers.ask_async(TUNIS, "q", NOON, fail))
    assert answers.ask(TUNIS, "q", NOON, lambda _: 7).value == 7


def test_what_is_kept_of_many_stores_is_bounded_and_forgetting_changes_no_figure(database: Database) -> None:
    reports = Reports(database, max_memory=60_000)
    stores = [Store(f"shop-{n}", "Africa/Tunis") for n in range(6)]
    for n, store in enumerate(stores):
        database.stores.put(store)
        database.events.add(store.id, [event(k, NOON - k * 1_000_000_000) for k in range(500 + n)]).result()
    for _ in range(2):
        for n, store in enumerate(stores):
            assert reports.headline(store, NOON).traffic.entered == 500 + n
            assert reports.memory < 200_000, "the store that is asked, and what fits beside it"
