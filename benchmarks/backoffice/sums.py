"""Whether the sums that are kept equal the rows that they are made of, for a whole database."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from metrica.dashboard.store.database import Database

_QUARTER = 900 * 10**9
"""A quarter of an hour, ns."""


def mismatches(place: Path | str) -> int:
    """How many quarters of an hour of a line or of a camera's coverage have a sum that is not that of the rows."""
    with Database(place) as database:
        kept = database.rows("SELECT store, quarter, camera, line, entered, left_ FROM quarters")
        made = database.rows(
            f"SELECT store, time - time % {_QUARTER}, camera, line,"
            " sum(CASE WHEN direction = 1 THEN 1 ELSE 0 END), sum(CASE WHEN direction = -1 THEN 1 ELSE 0 END)"
            f" FROM events GROUP BY store, time - time % {_QUARTER}, camera, line"
        )
        looked = database.rows("SELECT store, quarter, camera, ns FROM looked WHERE ns > 0")
        spans = database.rows('SELECT store, camera, start, "end" FROM watched')
    wrong = {tuple(map(_plain, row)) for row in kept if row[4] or row[5]} ^ {tuple(map(_plain, row)) for row in made}
    covered: Counter[tuple[str, int, str]] = Counter()
    for store, camera, start, end in spans:
        for quarter in range(start - start % _QUARTER, end, _QUARTER):
            covered[store, quarter, camera] += int(min(end, quarter + _QUARTER) - max(start, quarter))
    seen = {(store, quarter, camera): ns for store, quarter, camera, ns in looked}
    unequal = sum(covered[key] != seen.get(key, 0) for key in {*covered, *seen})
    return len({row[:4] for row in wrong}) + int(unequal)


def counts(place: Path | str) -> dict[str, int]:
    """How many events each store has."""
    with Database(place) as database:
        return {store: int(n) for store, n in database.rows("SELECT store, count(*) FROM events GROUP BY store")}


def _plain(value: object) -> object:
    """PostgreSQL's sums are decimals."""
    return value if isinstance(value, str) else int(str(value))
