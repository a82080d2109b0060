"""Where the tests keep a database: in a SQLite file, and in a PostgreSQL of their own."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import pytest

from tests.dashboard.database.server import Server, programs

Place = Path | str


@pytest.fixture(scope="session")
def postgresql_server() -> Generator[Server]:
    """A PostgreSQL for all tests of the session; each makes its own databases."""
    if programs() is None:
        pytest.skip("no PostgreSQL: install Debian's package postgresql")
    server = Server()
    yield server
    server.remove()


@pytest.fixture
def postgresql(postgresql_server: Server) -> Generator[str]:
    """The address of a new PostgreSQL database, which has Metrica's tables."""
    url = postgresql_server.new_database()
    yield url
    postgresql_server.drop(url)


@pytest.fixture(params=["sqlite", "postgresql"], scope="module")
def module_place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Generator[Place]:
    """Where a new database of a module is, once of each kind."""
    if request.param == "sqlite":
        yield tmp_path_factory.mktemp("database") / "metrica.db"
        return
    server: Server = request.getfixturevalue("postgresql_server")
    url = server.new_database()
    yield url
    server.drop(url)


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """Where a new database is, once of each kind."""
    return tmp_path / "metrica.db" if request.param == "sqlite" else str(request.getfixturevalue("postgresql"))
