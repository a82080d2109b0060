"""The tracker nodes: one Tracks message for every Detections message, with its header."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from metrica import testing
from metrica.errors import ParameterError
from metrica.messages import Detections, Header, Thresholds, Tracks
from metrica.nodes.tracking.bytetrack import ByteTrack
from metrica.nodes.tracking.node import TrackerNode
from metrica.nodes.tracking.ocsort import OcSort
from metrica.nodes.tracking.sort import Sort

every_node = pytest.mark.parametrize("node", [ByteTrack, OcSort, Sort])


def found(frame: int, people: int = 1, score: float = 0.9, thresholds: Thresholds | None = None) -> Detections:
    """Boxes of `people` people, 300 px apart, who walk to the right."""
    x = 100 + 4.0 * frame + 300 * np.arange(people)
    boxes = np.column_stack((x - 30, np.full(people, 200), x + 30, np.full(people, 360))).astype(np.float32)
    return Detections(
        header=Header(stamp=testing.START + frame * 66_666_667, mono=frame, seq=frame, camera="door"),
        boxes=boxes.reshape(-1, 4),
        scores=np.full(people, score, np.float32),
        size=(1280, 720),
        thresholds=thresholds or Thresholds(),
    )


@every_node
def test_every_message_is_answered_with_its_own_header(node: type[TrackerNode]) -> None:
    with testing.run(node()) as bench:
        sent = [found(0, 0), *(found(i, 2) for i in range(1, 6)), found(6, 0)]
        bench.send("detections", *sent)
        answers: list[Tracks] = bench.sent("tracks")
    assert [a.header for a in answers] == [s.header for s in sent]
    assert {a.size for a in answers} == {(1280, 720)}
    assert len(answers[0].ids) == 0 and len(answers[-1].ids) == 0
    assert answers[5].ids.tolist() == [1, 2]


@every_node
def test_thresholds_come_with_the_detections(node: type[TrackerNode]) -> None:
    card = Thresholds(new=0.3, keep=0.2, low=0.05)
    with testing.run(node()) as bench:
        bench.send("detections", *(found(i, score=0.35, thresholds=card) for i in range(6)))
        assert bench.sent("tracks")[-1].ids.tolist() == [1]
    with testing.run(node()) as bench:
        bench.send("detections", *(found(i, score=0.35) for i in range(6)))
        assert bench.sent("tracks")[-1].ids.tolist() == []


@every_node
def test_a_parameter_overrides_the_threshold_of_the_model(node: type[TrackerNode]) -> None:
    with testing.run(node(score_new=0.3, score_keep=0.3)) as bench:
        bench.send("detections", *(found(i, score=0.35) for i in range(6)))
        assert bench.sent("tracks")[-1].ids.tolist() == [1]


@every_node
def test_the_buffer_is_in_seconds(node: type[TrackerNode]) -> None:
    for buffer, expected in ((0.2, 2), (3.0, 1)):
        with testing.run(node(track_buffer=buffer)) as bench:
            bench.send("detections", *(found(i, int(i < 10 or i >= 18)) for i in range(30)))
            assert bench.sent("tracks")[-1].ids.tolist() == [expected]


def test_thresholds_in_the_wrong_order_are_refused() -> None:
    with pytest.raises(ParameterError, match=r"'score_keep' \(0.7\) must not be above 'score_new' \(0.5\)"):
        ByteTrack(score_new=0.5, score_keep=0.7).check()
    with pytest.raises(ParameterError, match=r"'score_new' must be at most 1, not 1.5"):
        ByteTrack(score_new=1.5)


def test_the_room_is_light_to_import_until_a_tracker_is_made() -> None:
    """A launcher imports every node class to check a file; the algorithms bring scipy."""
    program = (
        "import sys, metrica.nodes.tracking, metrica.nodes.tracking.ocsort\n"
        "heavy = {'scipy', 'filterpy', 'metrica.nodes.tracking.bytetrack_tracker'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout == "[]\n"
