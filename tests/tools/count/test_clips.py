"""`metrica-count` on clips whose crossings are known: the real nodes, end to end."""

from __future__ import annotations

import io
import json
from contextlib import redirect_stdout
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from metrica.tools.count.cli import main
from tests.clips import BACK_DOOR, ENTRANCE, ONE_BY_ONE, VISITOR, WALKWAY, Clip, at_hand

EXACT = at_hand(
    ENTRANCE,
    BACK_DOOR,
    VISITOR,
    ONE_BY_ONE,
    replace(ONE_BY_ONE, model="person-detection-0200"),
    WALKWAY,
    replace(WALKWAY, model="person-detection-0203"),
)
"""Clips and models that every crossing is counted in, at 10 frames a second.

In the walkway the second person of a pair is out of sight of 0201 from 5.0 to 8.4 s; they pass the line at 7.2 s.
"""

OTHER_RATES = [
    *((clip, fps) for clip in at_hand(ENTRANCE, WALKWAY) for fps in ("0", "8")),
    *((clip, "0") for clip in at_hand(replace(WALKWAY, model="person-detection-0203"))),
]


@pytest.fixture
def clip(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Clip:
    """The clip that a test names, and its model in the environment."""
    found: Clip = request.param
    for name, value in found.model_folders.items():
        monkeypatch.setenv(name, value)
    return found


def count(clip: Clip, *options: str) -> list[dict[str, Any]]:
    """The crossings that the command prints for a clip, at the line of its labels."""
    with redirect_stdout(io.StringIO()) as output:
        status = main([*clip.counting, "--quiet", *options])
    assert status == 0
    return [json.loads(text) for text in output.getvalue().splitlines()]


def score(clip: Clip, crossings: list[dict[str, Any]]) -> tuple[int, int]:
    """How many true crossings were found within a second, each once, and how many of ours match none."""
    open_events = clip.events
    found = 0
    for crossing in crossings:
        near = [e for e in open_events if e[1] == crossing["direction"] and abs(e[0] - crossing["time"]) <= 1]
        if near:
            open_events.remove(min(near, key=lambda e: abs(e[0] - crossing["time"])))
            found += 1
    return found, len(crossings) - found


@pytest.mark.parametrize("clip", EXACT, ids=str, indirect=True)
def test_everybody_who_crosses_is_counted_and_nobody_else(clip: Clip) -> None:
    crossings = count(clip, "--fps", "10")
    assert score(clip, crossings) == (len(clip.events), 0)
    assert {c["line"] for c in crossings} == {"main"}


@pytest.mark.parametrize("clip", at_hand(ENTRANCE, ONE_BY_ONE), ids=str, indirect=True)
def test_a_crossing_says_its_frame_of_the_video_and_not_of_those_looked_at(clip: Clip) -> None:
    crossings = count(clip, "--tracker", "sort", "--fps", "5")
    assert score(clip, crossings) == (len(clip.events), 0)
    assert all(abs(c["frame"] - c["time"] * 10) <= 1 for c in crossings)


@pytest.mark.timeout(400)  # the accurate detector on every frame of a real clip: 2 minutes on a busy machine
@pytest.mark.parametrize(("clip", "fps"), OTHER_RATES, ids=str, indirect=["clip"])
def test_at_other_rates_at_most_one_is_missed_and_nobody_is_made_up(clip: Clip, fps: str) -> None:
    found, false = score(clip, count(clip, "--fps", fps))
    assert found >= len(clip.events) - 1
    assert false == 0


@pytest.mark.parametrize("clip", at_hand(VISITOR, WALKWAY), ids=str, indirect=True)
def test_the_rendered_video_has_every_frame_with_something_drawn_on_it(clip: Clip, tmp_path: Path) -> None:
    video = tmp_path / "seen.mp4"
    count(clip, "--fps", "3", "--render", str(video))
    truth = clip.truth
    rendered, original = cv2.VideoCapture(str(video)), cv2.VideoCapture(str(clip.path))
    assert rendered.get(cv2.CAP_PROP_FPS) == pytest.approx(3)
    assert rendered.get(cv2.CAP_PROP_FRAME_COUNT) == pytest.approx(truth["frames"] / truth["fps"] * 3, abs=1)
    assert [rendered.get(cv2.CAP_PROP_FRAME_WIDTH), rendered.get(cv2.CAP_PROP_FRAME_HEIGHT)] == truth["size"]
    _, with_line = rendered.read()
    _, without = original.read()
    changed = np.abs(with_line.astype(int) - without.astype(int)).max(axis=2) > 60
    x1, y1, x2, y2 = clip.line
    along = np.linspace(0.05, 0.95, 50)[:, None] * [x2 - x1, y2 - y1] + [x1, y1]
    near = [changed[round(y) - 3 : round(y) + 4, max(0, round(x) - 3) : round(x) + 4].any() for x, y in along]
    assert np.mean(near) > 0.9  # the line
    assert changed.mean() < 0.3  # and the picture is still to be seen


@pytest.mark.parametrize("clip", at_hand(ENTRANCE, ONE_BY_ONE), ids=str, indirect=True)
def test_several_named_lines_are_counted_each_for_itself(clip: Clip, tmp_path: Path) -> None:
    file = tmp_path / "crossings.json"
    x1, y1, x2, y2 = clip.line
    lines = ["--line", f"exit={x1},{y1},{x2},{y2}", "--line", f"back={x2},{y2},{x1},{y1}", "--line", "wall=10,10,20,10"]
    model = ["--anchor", clip.anchor, "--model", clip.model]
    assert main([str(clip.path), *lines, *model, "--fps", "5", "--json", str(file), "--quiet"]) == 0
    crossings = [json.loads(text) for text in file.read_text().splitlines()]
    opposite = {"in": "out", "out": "in"}
    truth = [direction for _, direction in clip.events]
    assert [c["direction"] for c in crossings if c["line"] == "exit"] == truth
    assert [c["direction"] for c in crossings if c["line"] == "back"] == [opposite[way] for way in truth]
    assert not [c for c in crossings if c["line"] == "wall"]
