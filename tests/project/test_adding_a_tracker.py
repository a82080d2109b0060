"""A new tracker takes one new file and one line: the example of docs/writing-a-node.md, from boxes to a count."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from metrica import Header, testing
from metrica.launch.cli import main as metrica_launch
from metrica.messages import Detections, Tracks
from metrica.nodes.counting.line_counter import LineCounter
from metrica.registry import load_node_type
from metrica.simulator.address import read_sim_address
from metrica.simulator.scene import Scene, SeenPerson
from tests.paths import ROOT

PAGE = (ROOT / "docs" / "writing-a-node.md").read_text("utf-8")
FILES = dict(re.findall(r"```(?:python|yaml)\n# (\S+)\n(.*?)```", PAGE, re.DOTALL))
THE_LINE = re.findall(r"```yaml\n( +tracker: .*\n)```", PAGE)

FPS = 6
SECONDS = 30
VISIBLE = 0.3
"""Part of a person that must show for a detector to find them."""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What a reader has: the launch file that was there, and the one new file."""
    for name in ("crowd.yaml", "crowding.py", "nearest.py"):
        (tmp_path / name).write_text(FILES[name])
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "nearest", raising=False)
    monkeypatch.setenv("DOOR_RTSP", "rtsp://192.168.1.20/stream1")
    return tmp_path


@pytest.fixture(scope="module")
def entrance() -> tuple[Scene, list[list[SeenPerson]]]:
    """A busy simulated entrance, and who is seen in each of its frames."""
    address = f"sim://entrance?seed=7&visitors_per_hour=900&width=320&height=180&fps={FPS}"
    scene = Scene(read_sim_address(address))
    return scene, [scene.frame(i)[1] for i in range(FPS * SECONDS)]


def detections(frame: int, seen: list[SeenPerson]) -> Detections:
    boxes = [person.box for person in seen if person.visible >= VISIBLE]
    return Detections(
        header=Header(camera="door", stamp=testing.START + frame * 1_000_000_000 // FPS, seq=frame, epoch=1),
        boxes=np.array(boxes, np.float32).reshape(-1, 4),
        scores=np.full(len(boxes), 0.9, np.float32),
        size=(320, 180),
    )


def test_people_who_walk_through_an_entrance_are_followed_and_counted(
    folder: Path, entrance: tuple[Scene, list[list[SeenPerson]]]
) -> None:
    scene, frames = entrance
    with testing.run(load_node_type("nearest:Nearest")()) as bench:
        bench.send("detections", *(detections(i, seen) for i, seen in enumerate(frames)))
        tracks: list[Tracks] = bench.sent("tracks")
    assert len(tracks) == len(frames)  # one message for each frame
    assert max(len(t.ids) for t in tracks) > 1
    with testing.run(LineCounter(line=scene.place.line, anchor=scene.place.anchor)) as bench:
        bench.send("tracks", *tracks)
        counted = [c.direction for c in bench.sent("crossings")]
    truth = [p.direction for p in scene.crossings(SECONDS)]
    assert len(truth) >= 5
    for direction in ("in", "out"):
        assert counted.count(direction) == pytest.approx(truth.count(direction), abs=1)


def test_the_parameters_of_every_tracker_are_the_new_one_s_too(folder: Path) -> None:
    for buffer, last_id in ((0.5, 2), (2.0, 1)):
        with testing.run(load_node_type("nearest:Nearest")(track_buffer=buffer)) as bench:
            for frame in range(30):
                somebody = [SeenPerson(1, (100, 50, 140, 150), 1.0)]
                bench.send("detections", detections(frame, [] if 10 <= frame < 20 else somebody))
            assert bench.sent("tracks")[-1].ids.tolist() == [last_id]
            assert bench.sent("tracks")[5].ages.tolist() == [6]


@pytest.mark.parametrize("which", ["door/tracker", "tracker"])
def test_it_takes_the_place_of_another_from_the_command_line(
    folder: Path, which: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert metrica_launch(["crowd.yaml", "--check", "--set", f"{which}.type=nearest:Nearest"]) == 0, capsys.readouterr()
    more = ["--set", f"{which}.type=nearest:Nearest", "--set", "tracker.reach=0.4"]
    assert metrica_launch(["crowd.yaml", "--check", *more]) == 0, capsys.readouterr()


def test_it_takes_the_place_of_another_by_one_line(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (line,) = THE_LINE
    before = FILES["crowd.yaml"]
    after = re.sub(r"(?m)^  tracker: .*\n", line, before)
    assert sum(a != b for a, b in zip(before.splitlines(), after.splitlines(), strict=True)) == 1
    (folder / "crowd.yaml").write_text(after)
    assert metrica_launch(["crowd.yaml", "--check"]) == 0, capsys.readouterr()


def test_it_is_scored_on_recorded_detections(
    folder: Path, entrance: tuple[Scene, list[list[SeenPerson]]], tmp_path: Path
) -> None:
    """In a process of its own, as a reader types it."""
    truth, found = tmp_path / "gt.txt", tmp_path / "det.txt"
    with truth.open("w") as gt, found.open("w") as det:
        for frame, seen in enumerate(entrance[1], 1):
            for person in seen:
                x1, y1, x2, y2 = person.box
                if person.visible >= VISIBLE:
                    gt.write(f"{frame},{person.person + 1},{x1},{y1},{x2 - x1},{y2 - y1},1,1,{person.visible}\n")
                    det.write(f"{frame},-1,{x1},{y1},{x2 - x1},{y2 - y1},0.9\n")
    command = Path(sys.executable).with_name("metrica-eval")
    done = subprocess.run(
        [command, "--mot", "gt.txt", "det.txt", "--tracker", "nearest:Nearest", "--fps", str(FPS), "--json"],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": "."},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    idf1 = re.search(r'"idf1": ([0-9.]+)', done.stdout)
    assert idf1 is not None, done.stdout
    assert float(idf1[1]) > 0.6
