"""What a box keeps is for its own user only: files 0600, folders 0700, also those that an older version made."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from metrica.context import Context, make_private_folder
from metrica.journal import Journal
from metrica.journal.spill import Spill
from metrica.nodes.delivery.coverage import CoverageFile, Span, Spans
from tests.paths import ROOT

PROGRAM = """
from metrica import EVENTS, Header, Node, publisher, timer
from metrica.messages import Crossing

class Ends(Node):
    crossings = publisher(Crossing, qos=EVENTS)

    @timer(seconds=0)
    def go(self):
        self.crossings.publish(Crossing(header=Header(), id="a", line="b", direction="in", track=1, time=1))
        self.finish()
"""


@pytest.fixture(autouse=True)
def usual_umask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def open_to_others(folder: Path) -> dict[str, str]:
    """Everything in a folder, and the folder itself, that somebody else may read or enter."""
    return {
        str(path.relative_to(folder)): oct(mode(path)) for path in (folder, *folder.rglob("*")) if mode(path) & 0o077
    }


def test_every_file_of_a_journal_is_private_whatever_happens_to_it(tmp_path: Path) -> None:
    path = tmp_path / "shop" / "box" / "journal.db"
    with Journal(path) as journal:
        journal.append_many([(f"e{n}", "Crossing", bytes(200)) for n in range(100)])
        spill = Spill(path)
        spill.add([("waits", "Crossing", b"")])
        there = {found.name for found in path.parent.iterdir()}
        assert {"journal.db", "journal.db-wal", "journal.db-shm", "journal.db.lock", "journal.db.reserve"} < there
        assert len(there) == 6
        assert open_to_others(tmp_path / "shop") == {}
        spill.let_go()
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("DROP TABLE event")
    with Journal(path):
        assert any("corrupt" in found.name for found in path.parent.iterdir())
        assert open_to_others(tmp_path / "shop") == {}


def test_the_files_and_the_folder_of_an_older_version_are_closed(tmp_path: Path) -> None:
    folder = tmp_path / "box"
    folder.mkdir(mode=0o755)
    for name in ("journal.db.lock", "journal.db.corrupt-20260101T000000Z", "watched.json", "token"):
        (folder / name).touch(0o644)
    with closing(sqlite3.connect(folder / "journal.db")) as old:
        old.execute("PRAGMA journal_mode = WAL")
    (folder / "journal.db").chmod(0o644)
    with Journal(folder / "journal.db") as journal:
        journal.append("a", "Crossing", b"")
        assert mode(folder) == 0o700
        assert {name: how for name, how in open_to_others(folder).items() if name.startswith("journal")} == {}


@pytest.mark.parametrize("how", [0o770, 0o2775, 0o750, 0o1777, 0o777])
def test_a_folder_that_somebody_has_shared_on_purpose_stays_shared(tmp_path: Path, how: int) -> None:
    folder = tmp_path / "shared"
    folder.mkdir()
    folder.chmod(how)
    with Journal(folder / "journal.db") as journal:
        journal.append("a", "Crossing", b"")
    make_private_folder(folder)
    assert mode(folder) == how
    assert mode(folder / "journal.db") == 0o600


def test_a_folder_with_files_of_others_stays_as_it_is(tmp_path: Path) -> None:
    folder = tmp_path / "home"
    folder.mkdir(mode=0o755)
    (folder / "photos.zip").touch(0o644)
    with Journal(folder / "journal.db") as journal:
        journal.append("a", "Crossing", b"")
    Context(data=folder).local_token()
    make_private_folder(folder)
    assert mode(folder) == 0o755
    assert mode(folder / "photos.zip") == 0o644
    assert mode(folder / "token") == 0o600


def test_the_folders_and_the_files_beside_the_journal_are_private(tmp_path: Path) -> None:
    data = tmp_path / "new" / "store"
    Context(data=data).local_token()
    spans = Spans()
    spans.add(Span("door", 1_700_000_000 * 10**9, 1_700_000_060 * 10**9))
    CoverageFile(data / "watched.json").save(spans)
    assert open_to_others(tmp_path / "new") == {}
    assert {path.name for path in data.iterdir()} == {"token", "watched.json"}


def test_what_the_launcher_makes_is_private(tmp_path: Path) -> None:
    (tmp_path / "ends.py").write_text(PROGRAM)
    (tmp_path / "graph.yaml").write_text("metrica: 1\ndata: made/data\nnodes:\n  ends: {type: ends:Ends}\n")
    command = [sys.executable, "-m", "metrica.launch.cli", "graph.yaml", "--until-finished"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [*command, "--run-dir", str(tmp_path / "run" / "here" / "now")],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (tmp_path / "made" / "data" / "journal.db").is_file(), done.stderr
    assert open_to_others(tmp_path / "made") == {}
    assert open_to_others(tmp_path / "run") == {}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes files for others")
def test_what_an_administrator_makes_in_the_folder_of_a_service_belongs_to_the_service(tmp_path: Path) -> None:
    """`sudo metrica-journal status` must not lock the box out of its own journal."""
    folder = tmp_path / "service"
    folder.mkdir()
    os.chown(folder, 65_534, 65_534)
    with Journal(folder / "journal.db") as journal:
        journal.append("a", "Crossing", b"")
        assert {path.name: path.stat().st_uid for path in folder.iterdir() if path.stat().st_uid != 65_534} == {}
