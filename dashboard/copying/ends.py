"""The two ends of a copy: what is read, and what is written."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from metrica.dashboard.copying.tables import Table
from metrica.dashboard.database.interface import Connection

PIECE = 5000
"""Rows that are in the memory at a time."""

Piece = Sequence[tuple[Any, ...]]
"""Some rows of a table."""


class End(ABC):
    """A database of which a copy sees one moment. Every method raises DatabaseError."""

    name: str
    """What it is called in sentences: a path, or an address without a password."""
    label: str
    """What it is called in an audit log, which others may read."""

    @abstractmethod
    def tables(self) -> dict[str, Table]:
        """Return the tables, without those in which an engine notes something about itself."""

    @abstractmethod
    def read(self, table: Table) -> Iterator[Piece]:
        """Give the rows of a table, piece by piece."""


class Source(End):
    """What is copied. Others may write to it meanwhile, and none of that is in the copy."""

    moment: int
    """The present time when it was opened, ns UTC: what was written before that is in the copy."""
    in_use: bool
    """Whether another program of ours has it open."""

    @abstractmethod
    def last_numbers(self, tables: Sequence[Table]) -> dict[str, int]:
        """Return the largest number that the tables which count up have used, also for rows that are gone."""


class Target(End):
    """What is written. Nobody sees anything of it before it is complete."""

    @property
    @abstractmethod
    def connection(self) -> Connection:
        """What writes to it."""

    @abstractmethod
    def empty(self, tables: Sequence[Table]) -> None:
        """Remove what a new database has. Raises DatabaseError if there is more. tables: as `in_order` gives them."""

    @abstractmethod
    def write(self, table: Table, piece: Piece) -> None:
        """Write some rows."""

    @abstractmethod
    def finish(self, tables: Sequence[Table], last_numbers: Mapping[str, int]) -> None:
        """Make what is made of the rows, and let each table count on after its last number."""
