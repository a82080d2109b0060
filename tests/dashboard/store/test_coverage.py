"""Coverage in the database: spans of a camera that touch become one, at a cost that grows with what is sent."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metrica.dashboard.kpis.coverage import TOLERANCE
from metrica.dashboard.kpis.events import HOUR, MINUTE
from metrica.dashboard.store import coverage
from metrica.dashboard.store.coverage import joined
from metrica.dashboard.store.database import Database
from metrica.dashboard.store.records import Span
from tests.dashboard.client import NOON, STORE
from tests.dashboard.database.places import Place
from tests.dashboard.database.sqlite import sqlite


def span(start: int, end: int, camera: str = "door") -> Span:
    return Span(camera=camera, start=start * MINUTE, end=end * MINUTE)


def test_spans_that_touch_become_one_however_often_they_are_sent(place: Place) -> None:
    with Database(place) as database:
        database.stores.put(STORE)
        for start, end in ((0, 10), (10, 20), (0, 10), (40, 50), (21, 39), (5, 15)):
            database.coverage.add(STORE.id, [span(start, end)]).result()
        database.coverage.add(STORE.id, [span(0, 1, "back")]).result()
        assert database.coverage.since(STORE.id, 0) == {"door": [(0, 50 * MINUTE)], "back": [(0, MINUTE)]}
        assert database.coverage.since(STORE.id, 2 * MINUTE) == {"door": [(0, 50 * MINUTE)]}


spans = st.lists(
    st.builds(
        lambda start, length, camera: span(start, start + length, camera),
        st.integers(0, 300), st.integers(0, 40), st.sampled_from(("door", "back")),
    ),
    max_size=30,
)  # fmt: skip


def plainly(sent: list[Span]) -> dict[str, list[tuple[int, int]]]:
    """What is covered, found by filling pauses until there are none to fill."""
    found: dict[str, list[tuple[int, int]]] = {}
    for one in sent:
        rows = found.setdefault(one.camera, [])
        rows.append((one.start, one.end))
        changed = True
        while changed:
            changed = False
            for a in rows:
                for b in rows:
                    if a is not b and a[0] <= b[0] <= a[1] + TOLERANCE:
                        rows[:] = [row for row in rows if row not in (a, b)] + [(a[0], max(a[1], b[1]))]
                        changed = True
                        break
                if changed:
                    break
    return {camera: sorted(rows) for camera, rows in found.items()}


@settings(deadline=None, max_examples=40)
@given(st.lists(spans, max_size=4))
def test_any_spans_in_any_order_and_batches_give_what_plain_joining_gives(batches: list[list[Span]]) -> None:
    with tempfile.TemporaryDirectory() as folder, Database(Path(folder) / "metrica.db") as database:
        database.stores.put(STORE)
        for batch in batches:
            database.coverage.add(STORE.id, batch).result()
        assert database.coverage.since(STORE.id, 0) == plainly([one for batch in batches for one in batch])


@given(spans)
def test_joined_spans_lie_apart_and_cover_the_same(sent: list[Span]) -> None:
    made: dict[str, list[tuple[int, int]]] = {}
    for one in joined(sent):
        made.setdefault(one.camera, []).append((one.start, one.end))
    assert made == plainly(sent)


@pytest.mark.parametrize("rows", [2, 3, 7])
def test_a_span_over_many_others_takes_them_in_in_parts(
    place: Place, monkeypatch: pytest.MonkeyPatch, rows: int
) -> None:
    monkeypatch.setattr(coverage, "_ROWS", rows)
    with Database(place) as database:
        database.stores.put(STORE)
        database.coverage.add(STORE.id, [span(n, n + 1) for n in range(0, 1000, 10)]).result()
        assert len(database.coverage.since(STORE.id, 0)["door"]) == 100
        database.coverage.add(STORE.id, [span(105, 905)]).result()
        assert database.coverage.since(STORE.id, 0)["door"] == [
            *((n * MINUTE, (n + 1) * MINUTE) for n in range(0, 100, 10)),
            (100 * MINUTE, 101 * MINUTE), (105 * MINUTE, 905 * MINUTE),
            *((n * MINUTE, (n + 1) * MINUTE) for n in range(910, 1000, 10)),
        ]  # fmt: skip


def steps(path: Path, sent: list[Span]) -> int:
    """How many steps of SQLite's machine it takes to write these spans."""
    count = 0

    def one_more() -> int:
        nonlocal count
        count += 1
        return 0

    with Database(path) as database:
        database.write(lambda db: sqlite(db).set_progress_handler(one_more, 100)).result()
        database.coverage.add(STORE.id, sent).result()
        database.write(lambda db: sqlite(db).set_progress_handler(None, 0)).result()
    return 100 * count


def test_backward_spans_into_a_year_cost_what_forward_ones_cost_in_an_empty_database(tmp_path: Path) -> None:
    year = [Span(camera="door", start=NOON - n * HOUR, end=NOON - n * HOUR + 10 * MINUTE) for n in range(1, 24 * 365)]
    for name in ("empty.db", "year.db"):
        with Database(tmp_path / name) as database:
            database.stores.put(STORE)
            if name == "year.db":
                database.coverage.add(STORE.id, year).result()
    backward = [
        Span(camera="door", start=NOON - n * HOUR + 30 * MINUTE, end=NOON - n * HOUR + 40 * MINUTE)
        for n in range(1, 5001)
    ]
    cheap = steps(tmp_path / "empty.db", backward[::-1])
    assert steps(tmp_path / "year.db", backward) < 3 * cheap
