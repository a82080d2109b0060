"""Any rows for any table, as its schema allows them; also for tables that come later."""

from __future__ import annotations

import sqlite3
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from metrica.dashboard.copying.copying import source_of
from metrica.dashboard.copying.tables import Table, in_order, quoted
from metrica.dashboard.store.database import Database

# What PostgreSQL and SQLite both keep: any letter but NUL, which PostgreSQL does not, and halves of letters.
_TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
_VALUES: dict[str, st.SearchStrategy[Any]] = {
    "integer": st.one_of(st.sampled_from([0, 1, -1]), st.integers(-(1 << 63), (1 << 63) - 1)),
    "real": st.floats(allow_nan=False),
    "text": _TEXTS,
}
_NUMBERS = st.integers(1, 1 << 40)

Seed = dict[str, list[tuple[Any, ...]]]
"""Rows by the names of their tables."""


def schema() -> list[Table]:
    """The tables that this Metrica makes."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "metrica.db"
        Database(path).close()
        with source_of(path) as made:
            return in_order(made.tables())


@st.composite
def seeds(draw: st.DrawFn, tables: list[Table]) -> Seed:
    """Up to six rows for each table."""
    return {
        table.name: draw(
            st.lists(
                st.tuples(*(_NUMBERS if name == table.number else _VALUES[kind] for name, kind in table.columns)),
                max_size=6,
            )
        )
        for table in tables
    }


def plant(path: Path, tables: list[Table], seed: Seed) -> int:
    """Put the rows into a SQLite file, as far as its constraints let them in; returns how many have come in.

    What refers to another table refers to a row that is there.
    """
    planted = 0
    conn = sqlite3.connect(path, isolation_level=None)
    conn.execute("PRAGMA foreign_keys=ON")
    for table in tables:
        refers = conn.execute('SELECT "from", "table", "to" FROM pragma_foreign_key_list(?)', (table.name,)).fetchall()
        for row in seed[table.name]:
            values = dict(zip(table.names, row, strict=True))
            for column, other, key in refers:
                found = conn.execute(f'SELECT "{key}" FROM "{other}" ORDER BY random() LIMIT 1').fetchone()
                values[column] = found[0] if found else None
            places = ", ".join("?" * len(values))
            sql = f'INSERT OR IGNORE INTO "{table.name}" ({quoted(values)}) VALUES ({places})'
            planted += conn.execute(sql, tuple(values.values())).rowcount
    conn.close()
    return planted
