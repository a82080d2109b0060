"""The tables of a database as its schema has them, so that no new table is forgotten."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter

from metrica.dashboard.database.errors import DatabaseError


@dataclass(frozen=True, slots=True)
class Table:
    """A table."""

    name: str
    columns: tuple[tuple[str, str], ...]
    """The names of its columns, and what each holds: integer, real or text."""
    refers: frozenset[str] = frozenset()
    """The tables that its foreign keys refer to."""
    number: str | None = None
    """The column that counts up by itself; None if it has none."""

    @property
    def names(self) -> tuple[str, ...]:
        """The names of its columns."""
        return tuple(name for name, _ in self.columns)

    @property
    def has_reals(self) -> bool:
        """Whether a column holds real numbers."""
        return any(kind == "real" for _, kind in self.columns)

    def select(self) -> str:
        """Return the statement that reads every row."""
        return f'SELECT {quoted(self.names)} FROM "{self.name}"'


def quoted(names: Iterable[str]) -> str:
    """Return names of columns as they stand in a statement."""
    return ", ".join(f'"{name}"' for name in names)


def in_order(tables: Mapping[str, Table]) -> list[Table]:
    """Return the tables, each after those that it refers to. Raises DatabaseError if they refer to each other."""
    graph = TopologicalSorter({name: tables[name].refers for name in sorted(tables)})
    try:
        return [tables[name] for name in graph.static_order()]
    except CycleError as error:
        names = ", ".join(sorted(set(error.args[1])))
        raise DatabaseError(f"the tables {names} refer to each other, so they cannot be copied in an order") from None


def require_same(source: Mapping[str, Table], target: Mapping[str, Table], names: tuple[str, str]) -> None:
    """Raise DatabaseError unless both have the same tables, with the same columns. names: of the two databases."""
    for one, other, who, where in ((source, target, *names), (target, source, *reversed(names))):
        for missing in sorted(set(one) - set(other)):
            raise DatabaseError(
                f"{who} has the table {missing}, which {where} lacks: copy with the Metrica that made it"
            )
    for name, table in source.items():
        if {*table.columns} != {*target[name].columns}:
            raise DatabaseError(
                f"the table {name} has other columns in {names[0]} than in {names[1]}: copy with the Metrica that made"
                " them"
            )
