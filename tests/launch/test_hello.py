"""The first example of the documentation, as it stands there."""

from __future__ import annotations

from tests.launch.harness import FAST, Launch, short_folder
from tests.paths import ROOT

HELLO = ROOT / "docs" / "hello"


def test_hello_world_greets_and_stops() -> None:
    with short_folder() as folder:
        data = {"XDG_DATA_HOME": str(folder)}
        with Launch(HELLO / "hello.yaml", run_dir=folder / "run", limits=FAST, environment=data) as launch:
            launch.wait_for("/listener  Hello, world", times=2)
            assert launch.stop() == 0, launch.output
            launch.assert_nothing_left()
        assert list(folder.glob("metrica/**/*.db")) == []


def test_hello_world_takes_fewer_lines_than_elsewhere() -> None:
    lines = [line for name in ("hello.py", "hello.yaml") for line in (HELLO / name).read_text().splitlines() if line]
    assert len(lines) < 19
