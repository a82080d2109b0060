"""`metrica-sim`, and a simulated camera in the capture node."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import yaml

from metrica import testing
from metrica.nodes.capture.node import Capture
from metrica.nodes.geometry.association import iou
from metrica.simulator.address import read_sim_address
from metrica.simulator.cli import main
from metrica.simulator.place import make_place
from metrica.testing import START
from metrica.tools.evaluate import cli as metrica_eval
from metrica.tools.evaluate.labels import read_labels
from tests.paths import ROOT

SMALL = "width=320&height=180"
PLACE = f"sim://entrance?seed=7&visitors_per_hour=900&{SMALL}"


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(list(arguments)) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1
    return said.err


def test_a_clip_and_its_truth_agree_and_metrica_eval_reads_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clip, truth = tmp_path / "clip.mp4", tmp_path / "truth.json"
    assert main(["--out", str(clip), "--truth", str(truth), "--seconds", "4", "--quiet", PLACE]) == 0
    labels = read_labels(truth, "clip.mp4")
    assert (labels.frames, labels.fps, labels.size) == (40, 10.0, (320, 180))
    video = cv2.VideoCapture(str(clip))
    assert int(video.get(cv2.CAP_PROP_FRAME_COUNT)) == 40
    entry: dict[str, Any] = json.loads(truth.read_text())["clip.mp4"]
    assert len(entry["boxes"]) == 40
    assert main(["--line", PLACE]) == 0
    assert capsys.readouterr().out == f"line: {list(labels.lines[0].points)}, anchor: bottom_center\n"
    # Events that are the same as the truth score an F1 of 1.
    events = labels.lines[0].events
    assert events
    counted = [json.dumps({"frame": f, "time": f / 10, "line": "main", "direction": d}) for f, d in events]
    (tmp_path / "counted.jsonl").write_text("\n".join(counted) + "\n")
    assert metrica_eval.main(["--crossings", str(tmp_path / "counted.jsonl"), "--json", str(truth)]) == 0
    assert json.loads(capsys.readouterr().out)["scores"]["all"]["f1"] == 1.0
    entered = [s["entered"] for s in entry["sessions"] if s["entered"] is not None]
    assert len(entered) == sum(d == "in" for _, d in events)


def test_the_demonstration_counts_at_the_line_of_its_place() -> None:
    demo = yaml.safe_load((ROOT / "launch" / "demo.yaml").read_text())
    for camera in demo["cameras"].values():
        assert tuple(camera["line"]) == make_place(read_sim_address(camera["uri"])).line


def test_pictures_for_training_carry_honest_labels(tmp_path: Path) -> None:
    photograph = np.full((200, 300, 3), 90, np.uint8)
    (tmp_path / "rooms").mkdir()
    cv2.imwrite(str(tmp_path / "rooms" / "a.png"), photograph)
    folder = tmp_path / "pictures"
    asked = ["--images", str(folder), "--count", "18", "--width", "192", "--height", "128", "--seed", "5", "--quiet"]
    assert main([*asked, "--backgrounds", str(tmp_path / "rooms")]) == 0
    found = json.loads((folder / "annotations.json").read_text())
    assert [i["id"] for i in found["images"]] == list(range(1, 19))
    assert {i["split"] for i in found["images"]} == {"train"}
    assert {i["source_set"] for i in found["images"]} == {"sim_room", "sim_photo"}
    picture = cv2.imread(str(folder / found["images"][17]["file_name"]))
    assert picture is not None
    assert picture.shape == (128, 192, 3)
    assert len(found["annotations"]) > 10
    for label in found["annotations"]:
        x, y, w, h = label["bbox"]
        assert 0 <= x <= x + w <= 192.1
        assert 0 <= y <= y + h <= 128.1
        unclear = int(label["visible"] < 0.25 or h < 12)
        assert label["ignore"] == label["iscrowd"] == unclear
        assert label["visible"] > 0


def test_people_who_walk_together_hide_each_other(tmp_path: Path) -> None:
    def hiding(part: str) -> float:
        """The share of boxes whose IoU with another one is above a third."""
        folder = tmp_path / part
        asked = ["--images", str(folder), "--count", "60", "--width", "192", "--height", "128", "--seed", "5"]
        assert main([*asked, "--together", part, "--quiet"]) == 0
        labels = json.loads((folder / "annotations.json").read_text())["annotations"]
        found = 0
        for picture in range(1, 61):
            boxes = np.array([a["bbox"] for a in labels if a["image_id"] == picture], float).reshape(-1, 4)
            boxes[:, 2:] += boxes[:, :2]
            overlaps = iou(boxes, boxes) - np.eye(len(boxes))
            found += int((overlaps.max(1, initial=0) > 0.33).sum())
        return found / len(labels)

    assert hiding("0.9") > 1.3 * hiding("0")


def test_the_seeds_for_measuring_are_never_trained_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = str(tmp_path)
    assert "kept for measuring" in refused(capsys, "--images", folder, "--seed", "90001")
    assert "kept for measuring" in refused(capsys, "--images", folder, "--test", "--seed", "3")
    assert main(["--images", folder, "--count", "1", "--width", "96", "--height", "64", "--test", "--quiet"]) == 0
    assert json.loads((tmp_path / "annotations.json").read_text())["images"][0]["split"] == "test"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "say what to make"),
        (["--out", "clip.mp4", "entrance"], "is no simulated place"),
        (["--out", "clip.mp4", "--seconds", "0"], "--seconds must be more than 0"),
        (["--out", "clip.avi"], "must be called something.mp4"),
        (["--out", "/nowhere/at/all/clip.mp4"], "there is no folder /nowhere/at/all"),
        (["--images", "x", "--backgrounds", "/nowhere"], "there is no folder /nowhere"),
        (["--images", "x", "--count", "0"], "--count must lie between"),
        (["--images", "x", "--together", "2"], "--together must lie between 0 and 1"),
        (["--line", "sim://entrance?seed=1", "--seed", "2"], "'seed' is given twice"),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence(
    arguments: list[str],
    words: str,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert words in refused(capsys, *arguments)


def test_capture_takes_a_simulated_camera_and_ends_with_it() -> None:
    with testing.run(Capture(uri=f"{PLACE}&seconds=1", pace="fast")) as bench:
        while not bench.finished:
            bench.spin()
        frames = bench.sent("frames")
    assert [(f.header.stamp - START) / 1e9 for f in frames] == pytest.approx([n / 10 for n in range(10)])
    assert frames[0].image.shape == (180, 320, 3)


def test_what_cannot_be_drawn_in_time_is_left_out() -> None:
    node = Capture(uri=PLACE)
    with testing.run(node) as bench:
        bench.spin(2)
        bench.advance(2.0)
        bench.spin(40)
        stamps = [(f.header.stamp - START) / 1e9 for f in bench.sent("frames")]
    assert stamps[0] == pytest.approx(0.0)
    assert 1.4 < stamps[1] < 1.7
    assert node.counters["late"] == pytest.approx(15, abs=2)
