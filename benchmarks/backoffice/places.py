"""Databases for a benchmark: SQLite files in a folder, and databases of a throwaway PostgreSQL."""

from __future__ import annotations

import tempfile
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from tests.dashboard.database.server import Server, programs

Kind = Literal["sqlite", "postgresql"]

_DURABLE = "-c max_connections=80 -c shared_buffers=256MB -c max_wal_size=2GB"
"""As Debian installs it, but for the memory: a commit is on the disk when it is done."""


class Places:
    """Makes new databases of one kind. `with` removes them."""

    def __init__(self, kind: Kind, folder: Path | None = None) -> None:
        """folder: where SQLite files and logs are kept; None: in a temporary folder. Raises RuntimeError."""
        self.kind: Kind = kind
        self._temporary = tempfile.TemporaryDirectory(prefix="metrica-backoffice-") if folder is None else None
        self.folder = folder or Path(self._temporary.name if self._temporary else "")
        self.folder.mkdir(parents=True, exist_ok=True)
        self.server: Server | None = None
        if kind == "postgresql":
            if programs() is None:
                raise RuntimeError("there is no PostgreSQL on this machine: install Debian's package postgresql")
            self.server = Server(_DURABLE)

    @property
    def log(self) -> Path:
        """Where servers write their log."""
        return self.folder / "log"

    def new(self, name: str) -> Path | str:
        """Make a database, or return the SQLite file that the folder has from an earlier run."""
        if self.server is None:
            (self.folder / name).mkdir(exist_ok=True)
            return self.folder / name / "metrica.db"
        return self.server.new_database(empty=True)

    def size(self, place: Path | str) -> int:
        """How many bytes a database takes on the disk, its log left out; after everything was cleaned up."""
        if self.server is None:
            assert isinstance(place, Path)
            return place.stat().st_size
        name = str(place).rpartition("/")[2]
        self.server.execute("VACUUM FULL", name)
        return int(str(self.server.execute(f"SELECT pg_database_size('{name}')")[0][0]))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self.server is not None:
            self.server.remove()
        if self._temporary is not None:
            self._temporary.cleanup()
