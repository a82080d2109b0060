"""Whatever the umask, only the user who runs Metrica can read what the server side writes."""

from __future__ import annotations

import os
import stat
from collections.abc import Generator
from pathlib import Path

import pytest

from metrica.context import Context
from metrica.dashboard.kpis.store import Store
from metrica.dashboard.service.secret_file import read_or_create
from metrica.dashboard.store.database import Database


@pytest.fixture(params=[0o022, 0o000], ids=oct, autouse=True)
def open_umask(request: pytest.FixtureRequest) -> Generator[None]:
    before = os.umask(request.param)
    yield
    os.umask(before)


def modes(folder: Path) -> dict[str, int]:
    return {path.name: stat.S_IMODE(path.stat().st_mode) for path in [folder, *folder.iterdir()]}


def test_new_files_are_for_their_owner_only(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    with Database(folder / "metrica.db") as database:
        database.stores.put(Store("tunis-01", "Africa/Tunis"))
        database.stores.all()
        read_or_create(folder / "session.key")
        Context(data=folder).local_token()
        assert modes(folder) == {
            "data": 0o700,
            **dict.fromkeys(("metrica.db", "metrica.db-wal", "metrica.db-shm", "session.key", "token"), 0o600),
        }


def test_the_folder_is_closed_whichever_file_is_the_first_in_it(tmp_path: Path) -> None:
    Context(data=tmp_path / "a").local_token()
    read_or_create(tmp_path / "b" / "session.key")
    assert [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("a", "b")] == [0o700, 0o700]


def test_a_copy_that_was_put_there_open_to_all_is_closed(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    Database(tmp_path / "metrica.db").close()
    (tmp_path / "metrica.db").chmod(0o644)
    (tmp_path / "metrica.db-wal").touch(0o644)
    (tmp_path / "metrica.db-wal").chmod(0o644)
    with Database(tmp_path / "metrica.db"):
        assert {name: mode for name, mode in modes(tmp_path).items() if name.startswith("metrica")} == dict.fromkeys(
            ("metrica.db", "metrica.db-wal", "metrica.db-shm"), 0o600
        )
    assert f"others could read {tmp_path / 'metrica.db'}: now only this user can" in caplog.text
