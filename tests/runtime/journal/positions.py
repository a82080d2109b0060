"""In which order the events of a journal were committed, read past its API."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path


def positions(path: Path) -> dict[str, int]:
    """The position of each event in the table, by the event's id."""
    with closing(sqlite3.connect(path)) as connection:
        return dict(connection.execute("SELECT id, position FROM event"))
