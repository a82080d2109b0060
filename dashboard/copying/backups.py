"""Backups of a PostgreSQL database as SQLite files: checked, portable, and like those of a SQLite database."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

from metrica.dashboard.copying.copying import copy
from metrica.dashboard.upkeep.backup import Contents, checked
from metrica.dashboard.upkeep.restoring import Restored, restore


def draw_up(url: str, target: Path, stopped: Callable[[], bool] = lambda: False) -> Contents:
    """Write all that a PostgreSQL database holds into the file `target`, and check it. Nobody has to wait.

    It appears under its name when it is complete; an existing file is never touched. Raises DatabaseError.
    """
    copy(url, target, stopped, note=False)
    return checked(target, stopped, thorough=False)


def put_back(backup: Path, url: str, stopped: Callable[[], bool] = lambda: False) -> tuple[Restored, str]:
    """Put the contents of `backup` into an empty PostgreSQL database, with this Metrica's schema, all or nothing.

    Returns what became of it, and the name of the database. Raises DatabaseError, and changes nothing then.
    """
    with tempfile.TemporaryDirectory(prefix="metrica-restore-") as folder:
        draft = Path(folder) / "metrica.db"
        restored = restore(backup, draft, stopped)  # checked, brought up to the present schema, without sessions
        return restored, copy(draft, url, stopped, note=False).target
