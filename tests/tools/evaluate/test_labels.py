"""Label files: read in every form, written without ever losing one."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from metrica.errors import ParameterError
from metrica.tools.evaluate.labels import ClipLabels, LabelledLine, read_labels, write_labels
from metrica.tools.evaluate.match import TimedCrossing
from tests.clips import ENTRANCE, ONE_BY_ONE, Clip, at_hand

LINE = {"name": "main", "a": [640, 720], "b": [640, 0], "anchor": "center", "events": [[30, "right"], [60, "out"]]}
CLIP: dict[str, Any] = {"size": [1280, 720], "fps": 15, "frames": 900, "lines": [LINE]}


def saved(tmp_path: Path, content: Any) -> Path:
    path = tmp_path / "labels.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


@pytest.mark.parametrize("content", [{"door.mp4": CLIP}, CLIP, {"door.mp4": CLIP, "other.mp4": {}}])
def test_a_file_of_one_clip_or_of_many(tmp_path: Path, content: Any) -> None:
    labels = read_labels(saved(tmp_path, content), "door.mp4")
    assert labels.events() == [TimedCrossing(2.0, "main", "in"), TimedCrossing(4.0, "main", "out")]
    assert (labels.clip, labels.fps, labels.size, labels.frames) == ("door.mp4", 15, (1280, 720), 900)
    assert labels.lines[0].anchor == "center"


@pytest.mark.parametrize(
    ("line", "way", "direction"),
    [
        ((600, 432, 600, 0), "right", "in"),
        ((600, 432, 600, 0), "left", "out"),
        ((600, 0, 600, 432), "right", "out"),
        ((0, 300, 768, 300), "down", "in"),
        ((768, 300, 0, 300), "down", "out"),
        ((768, 300, 0, 300), "in", "in"),
        ((100, 100, 500, 400), "down", "in"),
    ],
)
def test_directions_may_be_those_of_the_picture(tmp_path: Path, line: list[int], way: str, direction: str) -> None:
    entry = {"name": "main", "a": line[:2], "b": line[2:], "events": [[15, way]]}
    (event,) = read_labels(saved(tmp_path, {"fps": 15, "lines": [entry]})).events()
    assert event.direction == direction


def test_a_line_that_bends_is_read_and_written_with_its_points(tmp_path: Path) -> None:
    points = [[0, 300], [300, 300], [300, 0]]
    path = saved(tmp_path, {"fps": 15, "lines": [{"name": "main", "points": points, "events": [[15, "right"]]}]})
    labels = read_labels(path)
    assert labels.lines[0].points == (0, 300, 300, 300, 300, 0)
    assert labels.events()[0].direction == "in"
    write_labels(tmp_path / "again.json", labels)
    assert read_labels(tmp_path / "again.json").lines == labels.lines
    assert "[300, 300]" in (tmp_path / "again.json").read_text()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{", "is not JSON"),
        ([1], "is not a label file"),
        ({"a.mp4": CLIP, "b.mp4": CLIP}, "has no labels of door.mp4; it knows a.mp4, b.mp4"),
        ({"door.mp4": {"fps": 15}}, "says nothing of 'lines' for door.mp4"),
        ({"door.mp4": {**CLIP, "fps": 0}}, "fps must be a rate"),
        ({"door.mp4": {**CLIP, "lines": [{**LINE, "events": [[3, "sideways"]]}]}}, "'sideways' is no direction"),
        ({"door.mp4": {**CLIP, "lines": [{**LINE, "events": [[3, "up"]]}]}}, "walks along the line"),
        ({"door.mp4": {**CLIP, "lines": [{**LINE, "anchor": "knee"}]}}, "'knee' is no anchor"),
        ({"door.mp4": {**CLIP, "lines": [{**LINE, "a": 5}]}}, "cannot be read"),
        ({"door.mp4": {**CLIP, "lines": [{**LINE, "a": [640, 0]}]}}, "starts and ends at the same point"),
        ({"door.mp4": 5}, "cannot be read"),
    ],
)
def test_what_is_wrong_is_one_sentence(tmp_path: Path, content: Any, words: str) -> None:
    with pytest.raises(ParameterError) as caught:
        read_labels(saved(tmp_path, content), "door.mp4")
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match=r"nothing\.json cannot be read: No such file"):
        read_labels(tmp_path / "nothing.json")


def test_the_only_clip_of_a_file_needs_no_name_and_one_of_several_does(tmp_path: Path) -> None:
    assert read_labels(saved(tmp_path, {"door.mp4": CLIP})).clip == "door.mp4"
    with pytest.raises(ParameterError, match=r"say which with --clip; it knows a\.mp4, b\.mp4"):
        read_labels(saved(tmp_path, {"a.mp4": CLIP, "b.mp4": CLIP}))


def labels_of(clip: str = "door.mp4") -> ClipLabels:
    line = LabelledLine("main", (640, 720, 640, 0), "center", [(60, "out"), (30, "in")])
    return ClipLabels(clip, 15.0, (1280, 720), 900, [line], watched=(0, 600))


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "labels.json"
    write_labels(path, labels_of())
    read = read_labels(path)
    assert read.events() == labels_of().events()
    assert (read.watched, read.seconds_watched()) == ((0, 600), (float("-inf"), 40.0))
    assert [p.name for p in tmp_path.iterdir()] == ["labels.json"]


def test_a_person_can_read_the_file_too(tmp_path: Path) -> None:
    clip = "a [1,\n 2] {b}.mp4"
    path = tmp_path / "labels.json"
    write_labels(path, labels_of(clip))
    assert read_labels(path).clip == clip
    assert '[30, "in"],\n' in path.read_text()
    assert '"size": [1280, 720],\n' in path.read_text()


def test_other_clips_and_what_others_wrote_stay(tmp_path: Path) -> None:
    path = saved(tmp_path, {"other.mp4": CLIP, "door.mp4": {**CLIP, "licence": "ours", "lines": []}})
    write_labels(path, labels_of())
    whole = json.loads(path.read_text())
    assert whole["other.mp4"] == CLIP
    assert whole["door.mp4"]["licence"] == "ours"
    assert whole["door.mp4"]["lines"][0]["events"] == [[30, "in"], [60, "out"]]


def test_a_file_that_is_no_label_file_is_not_overwritten(tmp_path: Path) -> None:
    path = saved(tmp_path, "my shopping list")
    with pytest.raises(ParameterError, match="is not JSON"):
        write_labels(path, labels_of())
    assert path.read_text() == "my shopping list"


@pytest.mark.parametrize("clip", at_hand(ENTRANCE, ONE_BY_ONE), ids=str)
def test_the_label_file_of_a_whole_clip_is_read(clip: Clip) -> None:
    labels = read_labels(clip.labels, clip.name)
    assert [(e.time, e.direction) for e in labels.events()] == clip.events
    assert labels.lines[0].points == tuple(clip.line)


def test_the_labels_of_a_clip_whose_name_is_not_utf8_are_kept(tmp_path: Path) -> None:
    name = os.fsdecode(b"caf\xe9.mp4")
    path = tmp_path / "labels.json"
    write_labels(path, ClipLabels(name, 15, (160, 96), 90, [LabelledLine("main", (80, 96, 80, 0), "center", [])]))
    assert read_labels(path, name).clip == name
    assert json.loads(path.read_text(encoding="utf-8")).keys() == {name}
