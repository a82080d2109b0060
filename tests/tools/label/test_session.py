"""The labels behind the page: nothing wrong gets into the file, and nothing gets lost from it."""

from __future__ import annotations

import errno
import json
from pathlib import Path
from typing import Any

import pytest

from metrica.errors import ParameterError
from metrica.tools.evaluate.labels import read_labels
from metrica.tools.label.session import LabelSession, StaleError, begin

MAIN = (80, 96, 80, 0)


def session(path: Path, **more: Any) -> LabelSession:
    given: dict[str, Any] = {"lines": {"main": MAIN}, "anchor": "center", "fps": 10.0, "frames": 100, **more}
    return begin(path, "door.mp4", given["lines"], given["anchor"], given["fps"], given["frames"], (160, 96))


def told(revision: int, *events: list[Any], watched: int = 50) -> dict[str, Any]:
    return {"revision": revision, "watched": [0, watched], "lines": {"main": list(events)}}


def test_every_save_is_in_the_file_at_once(tmp_path: Path) -> None:
    path = tmp_path / "labels.json"
    labelling = session(path)
    assert not path.exists()
    assert labelling.save(told(0, [20, "in"])) == 1
    assert labelling.save(told(1, [20, "in"], [5, "out"])) == 2
    labels = read_labels(path)
    assert [(e.time, e.direction) for e in labels.events()] == [(0.5, "out"), (2.0, "in")]
    assert (labels.watched, labels.lines[0].anchor, labels.lines[0].points) == ((0, 50), "center", MAIN)


def test_it_goes_on_where_it_was_left_also_without_naming_the_line(tmp_path: Path) -> None:
    path = tmp_path / "labels.json"
    session(path).save(told(0, [20, "in"]))
    state = session(path, lines={}).state()
    assert state["lines"] == [{"name": "main", "points": MAIN, "events": [(20, "in")]}]
    assert state["watched"] == (0, 50)


def test_a_line_may_be_added_later(tmp_path: Path) -> None:
    path = tmp_path / "labels.json"
    session(path).save(told(0, [20, "in"]))
    again = session(path, lines={"side": (0, 50, 160, 50)})
    again.save({"revision": 0, "watched": [0, 60], "lines": {"main": [[20, "in"]], "side": [[30, "out"]]}})
    assert [(e.line, e.direction) for e in read_labels(path).events()] == [("main", "in"), ("side", "out")]


def test_other_clips_in_the_file_stay(tmp_path: Path) -> None:
    path = tmp_path / "labels.json"
    other = {"fps": 5, "frames": 10, "lines": [{"name": "x", "a": [0, 0], "b": [5, 5], "events": []}]}
    path.write_text(json.dumps({"other.mp4": other}))
    session(path).save(told(0, [20, "in"]))
    assert json.loads(path.read_text())["other.mp4"] == other


def test_a_second_window_cannot_overwrite_the_first(tmp_path: Path) -> None:
    labelling = session(tmp_path / "labels.json")
    labelling.save(told(0, [20, "in"]))
    with pytest.raises(StaleError, match="load this page again"):
        labelling.save(told(0))
    assert len(labelling.labels.events()) == 1


@pytest.mark.parametrize(
    "wrong",
    [
        None,
        [],
        {},
        told(0, [100, "in"]),
        told(0, [-1, "in"]),
        told(0, [2.5, "in"]),
        told(0, [True, "in"]),
        told(0, [5, "up"]),
        told(0, [5]),
        told(0, watched=100),
        {**told(0), "lines": {"other": []}},
        {**told(0), "lines": {}},
        {**told(0), "lines": []},
    ],
)
def test_what_is_no_label_is_refused_and_changes_nothing(tmp_path: Path, wrong: Any) -> None:
    path = tmp_path / "labels.json"
    labelling = session(path)
    with pytest.raises(ParameterError):
        labelling.save(wrong)
    assert not path.exists()
    assert labelling.revision == 0


def test_a_line_must_be_given_and_must_stay_where_it_was(tmp_path: Path) -> None:
    path = tmp_path / "labels.json"
    with pytest.raises(ParameterError, match="there is no line to label"):
        session(path, lines={})
    session(path).save(told(0, [20, "in"]))
    with pytest.raises(ParameterError, match="with another line 'main'"):
        session(path, lines={"main": (80, 0, 80, 96)})
    with pytest.raises(ParameterError, match="of 100 frames, this has 90"):
        session(path, frames=90)


def test_a_file_that_holds_something_else_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "labels.json"
    path.write_text("[1, 2]")
    with pytest.raises(ParameterError, match="is not a label file"):
        session(path)


def test_labels_that_could_not_be_written_are_unsaved_until_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    labelling = session(tmp_path / "labels.json")

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("metrica.tools.label.session.write_labels", full)
        with pytest.raises(OSError, match="No space left"):
            labelling.save(told(0, [20, "in"]))
    assert labelling.unsaved
    labelling.save(told(0, [20, "in"]))
    assert not labelling.unsaved
