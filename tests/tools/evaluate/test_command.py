"""`metrica-eval` as an installer meets it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import cv2
import pytest

from metrica.tools.evaluate.cli import main
from tests.clips import ONE_BY_ONE, VISITOR, Clip, at_hand
from tests.nodes.capture.footage import write_video

EVENTS = [[20, "in"], [40, "out"], [60, "in"]]
LINE = {"name": "main", "a": [80, 96], "b": [80, 0], "anchor": "center", "events": EVENTS}


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    path = tmp_path / "labels.json"
    path.write_text(json.dumps({"door.mp4": {"size": [160, 96], "fps": 10, "frames": 100, "lines": [LINE]}}))
    return path


def crossing(frame: int, direction: str, line: str = "main") -> dict[str, Any]:
    return {"frame": frame, "time": frame / 10, "line": line, "direction": direction, "track": 1}


@pytest.fixture
def crossings(tmp_path: Path) -> Path:
    """One right, one late but right, one missed, one that is not there."""
    path = tmp_path / "crossings.jsonl"
    found = [crossing(21, "in"), crossing(49, "out"), crossing(85, "out")]
    path.write_text("\n".join(map(json.dumps, found)) + "\n")
    return path


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(list(arguments)) == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.count("\n") == 1
    assert output.err.startswith("metrica-eval: ")
    return output.err


def test_recorded_crossings_are_scored_and_every_mistake_is_named(
    capsys: pytest.CaptureFixture[str], crossings: Path, labels: Path
) -> None:
    assert main(["--crossings", str(crossings), str(labels)]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "door.mp4: same line and direction within 1 s"
    ins, outs = (" ".join(row.split()) for row in said[2:4])
    assert ins == "in 2 1 1 100.0 % (20.7 to 100.0) 50.0 % (9.5 to 90.5) 66.7 % -50.0 %"
    assert outs == "out 1 2 1 50.0 % (9.5 to 90.5) 100.0 % (20.7 to 100.0) 66.7 % +100.0 %"
    assert said[4].split()[:4] == ["all", "3", "3", "2"]
    assert said[5] == "counted 0.50 s later than labelled, on average"
    assert said[6:] == ["missed  0:06.0 in at main", "extra   0:08.5 out at main"]


def test_the_scores_for_programs(capsys: pytest.CaptureFixture[str], crossings: Path, labels: Path) -> None:
    assert main(["--crossings", str(crossings), str(labels), "--json", "--tolerance", "0.5"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["scores"]["all"]["right"] == 1
    assert said["scores"]["in"]["recall_interval"] == pytest.approx([0.0945, 0.9055], abs=1e-3)
    assert said["missed"] == [
        {"time": 4.0, "line": "main", "direction": "out"},
        {"time": 6.0, "line": "main", "direction": "in"},
    ]
    assert [e["time"] for e in said["extra"]] == [4.9, 8.5]


def test_a_clip_without_mistakes_says_so(capsys: pytest.CaptureFixture[str], labels: Path, tmp_path: Path) -> None:
    path = tmp_path / "right.jsonl"
    path.write_text("\n".join(json.dumps(crossing(int(f), str(d))) for f, d in EVENTS))
    assert main(["--crossings", str(path), str(labels)]) == 0
    assert capsys.readouterr().out.endswith("no mistakes\n")


def test_only_what_was_watched_is_judged(
    capsys: pytest.CaptureFixture[str], crossings: Path, labels: Path, tmp_path: Path
) -> None:
    whole = json.loads(labels.read_text())
    whole["door.mp4"]["watched"] = [0, 50]
    labels.write_text(json.dumps(whole))
    assert main(["--crossings", str(crossings), str(labels)]) == 0
    said = capsys.readouterr().out
    assert "0:05.0 of it watched" in said
    assert said.endswith("no mistakes\n")


def test_a_short_video_is_cut_around_each_mistake(
    capsys: pytest.CaptureFixture[str], crossings: Path, labels: Path, tmp_path: Path
) -> None:
    video = write_video(tmp_path / "door.mp4", frames=100, fps=10)
    folder = tmp_path / "mistakes"
    arguments = ["--crossings", str(crossings), str(labels), "--render", str(folder), "--video", str(video)]
    assert main(arguments) == 0
    assert "2 videos written" in capsys.readouterr().err
    assert sorted(p.name for p in folder.iterdir()) == ["001-missed-in-0m06s0.mp4", "002-extra-out-0m08s5.mp4"]
    lengths = [cv2.VideoCapture(str(p)).get(cv2.CAP_PROP_FRAME_COUNT) for p in sorted(folder.iterdir())]
    assert lengths == [61, 45]  # three seconds before and after, and the second mistake is near the end


@pytest.mark.parametrize("clip", at_hand(VISITOR, ONE_BY_ONE), ids=str)
def test_a_clip_is_counted_and_scored(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, clip: Clip
) -> None:
    for variable, value in clip.model_folders.items():
        monkeypatch.setenv(variable, value)
    # One label that nobody walked: the counter must be told to have missed it, and a video be cut from what it drew.
    whole = json.loads(clip.labels.read_text())
    frame, people = clip.truth["frames"] - 20, len(clip.events)
    whole[clip.name]["lines"][0]["events"].append([frame, "out"])
    labels = tmp_path / "labels.json"
    labels.write_text(json.dumps(whole))
    folder = tmp_path / "mistakes"
    asked = [str(clip.path), str(labels), "--clip", clip.name, "--model", clip.model, "--fps", "5"]
    assert main([*asked, "--json", "--render", str(folder)]) == 0
    said = json.loads(capsys.readouterr().out)
    scores = said["scores"]["in"]
    assert {direction for _, direction in clip.events} == {"in"}
    assert (scores["labelled"], scores["counted"], scores["right"]) == (people, people, people)
    seconds = frame / clip.truth["fps"]
    assert [(e["time"], e["direction"]) for e in said["missed"]] == [(pytest.approx(seconds, abs=0.05), "out")]
    (video,) = folder.iterdir()
    assert video.name == f"001-missed-out-{int(seconds // 60)}m{seconds % 60:04.1f}".replace(".", "s") + ".mp4"
    after = min(3, clip.truth["frames"] / clip.truth["fps"] - seconds)
    assert cv2.VideoCapture(str(video)).get(cv2.CAP_PROP_FRAME_COUNT) == pytest.approx((3 + after) * 5, abs=2)


def test_wrong_files_are_named(capsys: pytest.CaptureFixture[str], crossings: Path, labels: Path) -> None:
    assert "give a clip and its label file" in refused(capsys, str(labels))
    assert "give the label file" in refused(capsys, "--crossings", str(crossings))
    assert "nothing.json cannot be read" in refused(capsys, "--crossings", str(crossings), "nothing.json")
    assert "nothing.jsonl cannot be read" in refused(capsys, "--crossings", "nothing.jsonl", str(labels))
    assert "give --video" in refused(capsys, "--crossings", str(crossings), str(labels), "--render", "x")
    assert main(["door.mp4", str(labels)]) == 2
    assert "there is no file door.mp4" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("nonsense", ":4 is no crossing of metrica-count"),
        ("{}", ":4 is no crossing of metrica-count: 'direction'"),
        (json.dumps(crossing(1, "up")), "'up' is neither in nor out"),
        (json.dumps(crossing(1, "in", "side")), "has crossings of 'side', the labels know 'main' only"),
    ],
)
def test_rows_that_are_no_crossings_are_named(
    capsys: pytest.CaptureFixture[str], crossings: Path, labels: Path, row: str, words: str
) -> None:
    with crossings.open("a") as file:
        file.write(row + "\n")
    assert words in refused(capsys, "--crossings", str(crossings), str(labels))


def test_tracks_are_scored_against_ground_truth(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    truth, tracks = tmp_path / "gt.txt", tmp_path / "tracks.txt"
    truth.write_text("".join(f"{f},1,{10 * f},50,40,90,1,-1,-1\n" for f in range(1, 21)))
    tracks.write_text("".join(f"{f},{5 + f // 11},{10 * f},50,40,90,1,-1,-1,-1\n" for f in range(1, 21)))
    assert main(["--mot", str(truth), str(tracks)]) == 0
    assert "MOTA 95.00  IDF1 50.00  IDSW 1  (TP 20, FP 0, FN 0)" in capsys.readouterr().out
    assert main(["--mot", str(truth), str(tracks), "--json", "--frames", "1:10"]) == 0
    assert json.loads(capsys.readouterr().out)["id_switches"] == 0
    detections = tmp_path / "det.txt"
    detections.write_text("".join(f"{f},-1,{10 * f},50,40,90,0.9\n" for f in range(1, 21)))
    assert "holds detections, not tracks: give --tracker" in refused(capsys, "--mot", str(truth), str(detections))
    assert "is no tracker" in refused(capsys, "--mot", str(truth), str(detections), "--tracker", "uploader")
    assert "'x' are no frames" in refused(capsys, "--mot", str(truth), str(tracks), "--frames", "x")
    assert main(["--mot", str(truth), str(detections), "--tracker", "bytetrack", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["mota"] >= 90


@pytest.mark.parametrize("name", ["08:15.mp4", os.fsdecode(b"caf\xe9.mp4")], ids=["colon", "not UTF-8"])
def test_a_clip_of_any_name_is_scored_and_its_mistakes_are_cut(name: str, tmp_path: Path) -> None:
    shutil.copy(write_video(tmp_path / "plain.mp4", frames=100, fps=10), tmp_path / name)
    labels = tmp_path / "labels.json"
    labels.write_text(json.dumps({name: {"size": [160, 96], "fps": 10, "frames": 100, "lines": [LINE]}}))
    command = "import sys; from metrica.tools.evaluate.cli import main; sys.exit(main())"
    done = subprocess.run(
        [sys.executable, "-c", command, name, str(labels), "--fps", "2", "--render", "out"],
        cwd=tmp_path, env=os.environ | {"METRICA_MODELS": ""}, capture_output=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert b"3 videos written to out" in done.stderr
    assert done.stdout.decode().startswith(name.encode(errors="backslashreplace").decode() + ": same line")
    assert len(list((tmp_path / "out").iterdir())) == 3
