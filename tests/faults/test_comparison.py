"""The comparison that the chaos benchmark relies on: what is lost, doubled and invented, and what may be either."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.chaos.plan import Round, Sizes, State, rounds
from benchmarks.chaos.result import GOALS, Result, figures, meets, percentile
from benchmarks.chaos.truth import Outage, Row, Walk, compare, read_walks

SECOND = 1_000_000_000


def walk(number: int, direction: str = "in", *, end: float | None = -1.0) -> Walk:
    """The walk of second 10 * number."""
    begin = 10.0 * number
    return Walk("a", number, direction, begin, int((begin + 1) * SECOND), begin + 2 if end == -1.0 else end)


def row(number: int, direction: str = "in", *, late: float = 0.0, copy: int = 0) -> Row:
    return Row(f"{number}/{copy}", "a", direction, number, int((10 * number + 1 + late) * SECOND))


@pytest.mark.parametrize("by_track", [False, True])
def test_each_walk_is_counted_once(by_track: bool) -> None:
    tally = compare([walk(1), walk(2)], [row(1), row(2)], by_track=by_track)
    assert (tally.certain, tally.counted, tally.lost, tally.doubled, tally.phantoms) == (2, 2, 0, 0, 0)


@pytest.mark.parametrize("by_track", [False, True])
def test_what_is_missing_is_lost_and_what_is_there_twice_is_doubled(by_track: bool) -> None:
    tally = compare([walk(1), walk(2)], [row(1), row(1, late=0.3, copy=1)], by_track=by_track)
    assert (tally.lost, tally.doubled, tally.phantoms) == (1, 1, 0)


@pytest.mark.parametrize("event", [row(5), row(1, "out"), Row("x", "b", "in", 1, 11 * SECOND)])
def test_an_event_without_a_walk_is_a_phantom(event: Row) -> None:
    assert compare([walk(1)], [row(1), event]).phantoms == 1


@pytest.mark.parametrize(
    ("outage", "lost"),
    [
        (Outage("/a/counter", 10.5, 11.0), 0),
        (Outage("/a/counter", 7.0, 9.0), 0),
        (Outage("/", 11.0, 12.0), 0),
        (Outage("/a/counter", 13.0, 14.0), 1),
        (Outage("/a/counter", 2.0, 8.0), 1),
        (Outage("/b/counter", 10.5, 11.0), 1),
        (Outage("/uploader", 10.5, 11.0), 1),
        (Outage("/ingest", 10.5, 11.0), 1),
    ],
)
def test_only_who_walks_while_a_node_before_the_journal_is_away_may_be_missed(outage: Outage, lost: int) -> None:
    assert compare([walk(1)], [], [outage]).lost == lost


def test_who_walks_while_the_counter_is_away_is_still_not_counted_twice() -> None:
    tally = compare([walk(1)], [row(1), row(1, late=0.2, copy=1)], [Outage("/a/counter", 10.5, 11.0)])
    assert (tally.certain, tally.doubled) == (0, 1)


def test_a_walk_that_was_cut_need_not_be_counted() -> None:
    assert compare([walk(1, end=None)], []).lost == 0


def test_the_file_of_a_source_that_was_killed_while_writing_is_read(tmp_path: Path) -> None:
    begin = {"camera": "a", "track": 1, "begin": 5.0, "direction": "in", "stamp": 7}
    end = {"camera": "a", "track": 1, "end": 6.6, "stamp": 8}
    cut = {"camera": "a", "track": 2, "begin": 9.0, "direction": "out", "stamp": 9}
    file = tmp_path / "truth"
    file.write_text("\n".join(map(json.dumps, (begin, end, cut))) + '\n{"camera": "a", "tra')
    assert read_walks(file) == [Walk("a", 1, "in", 5.0, 8, 6.6), Walk("a", 2, "out", 9.0, 9, None)]


# The plan, and a run that was cut.


def test_all_faults_of_the_plan_add_up() -> None:
    made = rounds(Sizes())
    total = {
        (each.scenario, key): sum(r.arguments.get(key, 0) for r in made if r.scenario == each.scenario)
        for each in made
        for key in each.arguments
        if key not in ("seed", "how")
    }
    assert total["kills", "count"] == 1000
    assert total["deaths", "count"] == 200
    assert [total["camera", key] for key in ("cuts", "freezes", "changes")] == [100, 20, 10]
    assert (total["offline", "hours"], total["offline", "events"]) == (72, 20_000)
    assert total["hour", "minutes"] == 60
    assert {each.scenario for each in made} >= {"hangs", "locked", "disk", "clock", "device"}
    assert len({each.key for each in made}) == len(made), "two rounds with one key: one of them would never run"


def test_a_run_that_was_cut_goes_on_with_what_is_not_done(tmp_path: Path) -> None:
    file = tmp_path / "state"
    done, left = Round("kills", 1.0, {"count": 5}), Round("kills", 1.0, {"count": 6})
    State(file).add(done.key, Result(scenario="kills", recoveries=[1.5], detail={"kills_by_type": {"ingest": 5}}))
    again = State(file)
    assert [each.key for each in (done, left) if each.key not in again.results] == [left.key]
    assert again.of([done, left])[0].recoveries == [1.5]


def test_the_figures_have_the_names_of_their_goals_and_what_nobody_measured_is_no_zero() -> None:
    assert list(figures([])) == list(GOALS)
    assert set(figures([]).values()) == {None}
    assert not any(meets(name, None) for name in GOALS)
    made = figures([Result(lost=1, doubled=2), Result(phantoms=3, delivered=19_999, drain_minutes=11.0, growth=-0.5)])
    assert (made["lost_or_doubled_events"], made["phantom_crossings"], made["recovery_seconds_p95"]) == (3, 3, None)
    assert not meets("offline_events_delivered", made["offline_events_delivered"])
    assert not meets("bad_server_drain_minutes", made["bad_server_drain_minutes"])
    assert meets("memory_growth_percent", made["memory_growth_percent"])
    assert percentile(range(100), 95) == 95
