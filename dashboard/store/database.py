"""The database of the back office: one file, and one object for each of its tables."""

from __future__ import annotations

import time
from pathlib import Path

from metrica.dashboard.store.audit import AuditTable
from metrica.dashboard.store.coverage import CoverageTable
from metrica.dashboard.store.empty_marks import EmptyMarkTable
from metrica.dashboard.store.events import EventTable
from metrica.dashboard.store.file import Clock, DatabaseFile
from metrica.dashboard.store.sessions import SessionTable
from metrica.dashboard.store.stores import StoreTable
from metrica.dashboard.store.tokens import TokenTable
from metrica.dashboard.store.users import UserTable


class Database(DatabaseFile):
    """The open database; also a context manager that closes it.

    Every method, also of the tables, raises DatabaseError when the database is locked, full, damaged or closed.
    """

    def __init__(self, path: Path, *, clock: Clock = time.time_ns, lock_timeout: float = 10.0) -> None:
        """Open the file, or make it. lock_timeout: how long a write waits for another program's, seconds."""
        super().__init__(path, clock=clock, lock_timeout=lock_timeout)
        self.stores = StoreTable(self)
        """The stores and their settings."""
        self.events = EventTable(self)
        """The crossings that the boxes sent."""
        self.coverage = CoverageTable(self)
        """The times at which each camera looked."""
        self.empty_marks = EmptyMarkTable(self)
        """The times at which somebody marked a store as empty."""
        self.tokens = TokenTable(self)
        """The tokens of the boxes."""
        self.users = UserTable(self)
        """The people who may look at the pages."""
        self.sessions = SessionTable(self)
        """Who is logged in to the pages."""
        self.audit = AuditTable(self)
        """Who changed what, and who came in."""

    def __enter__(self) -> Database:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
