"""Coverage in the database: spans of a camera that touch become one."""

from __future__ import annotations

from pathlib import Path

from metrica.dashboard.kpis.events import MINUTE
from metrica.dashboard.store.database import Database
from metrica.dashboard.store.records import Span
from tests.dashboard.client import STORE


def test_spans_that_touch_become_one_however_often_they_are_sent(tmp_path: Path) -> None:
    with Database(tmp_path / "metrica.db") as database:
        database.stores.put(STORE)
        for start, end in ((0, 10), (10, 20), (0, 10), (40, 50), (21, 39), (5, 15)):
            database.coverage.add(STORE.id, [Span(camera="door", start=start * MINUTE, end=end * MINUTE)]).result()
        database.coverage.add(STORE.id, [Span(camera="back", start=0, end=MINUTE)]).result()
        assert database.coverage.since(STORE.id, 0) == {"door": [(0, 50 * MINUTE)], "back": [(0, MINUTE)]}
        assert database.coverage.since(STORE.id, 2 * MINUTE) == {"door": [(0, 50 * MINUTE)]}
