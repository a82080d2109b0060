"""The zone counter on a bench, and on real footage."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from metrica import testing
from metrica.errors import ParameterError
from metrica.executors.inline import InlineGraph
from metrica.messages import Frame, Header, Tracks, Visit
from metrica.nodes.capture.node import Capture
from metrica.nodes.counting.zone_counter import ZoneCounter
from metrica.nodes.tracking.bytetrack import ByteTrack
from tests.clips import ENTRANCE, ONE_BY_ONE, Clip, at_hand

QUEUE = [(400, 100), (800, 100), (800, 650), (400, 650)]


def seen(i: int, *people: tuple[int, float]) -> Tracks:
    """People (id, x) whose feet are at y 500, in frame i of a 10 frames/s camera."""
    return Tracks(
        header=Header(stamp=testing.START + i * 100_000_000, seq=i, epoch=1, camera="door"),
        boxes=np.array([(x - 30, 340, x + 30, 500) for _, x in people], np.float32).reshape(-1, 4),
        ids=np.array([track for track, _ in people], np.int64),
        scores=np.full(len(people), 0.9, np.float32),
        ages=np.full(len(people), i + 1, np.int32),
        size=(1280, 720),
    )


def test_a_stay_becomes_a_visit_message() -> None:
    with testing.run(ZoneCounter(zones={"queue": QUEUE})) as bench:
        bench.send("tracks", *(seen(i, (7, 600.0)) for i in range(50)), *(seen(50 + i) for i in range(40)))
        (visit,) = bench.sent("visits")
        assert bench.node.counters == {"visits": 1}
    assert isinstance(visit, Visit)
    assert (visit.zone, visit.track, visit.header.camera) == ("queue", 7, "door")
    assert (visit.entered, visit.left) == (testing.START, testing.START + 4_900_000_000)
    assert visit.id == f"door/queue/{testing.START:x}/1"
    assert visit.header.stamp > visit.left


def test_a_visit_that_is_still_open_at_the_end_is_published_then() -> None:
    with testing.run(ZoneCounter(zones={"queue": QUEUE})) as bench:
        bench.send("tracks", *(seen(i, (7, 600.0)) for i in range(50)))
        assert not bench.sent("visits")
    assert len(bench.sent("visits")) == 1


def test_occupancy_is_published_at_every_change_and_every_period() -> None:
    zones = {"queue": QUEUE, "shelf": [(900, 100), (1200, 100), (1200, 650), (900, 650)]}
    with testing.run(ZoneCounter(zones=zones, loiter=2.0)) as bench:
        for i in range(30):
            bench.send("tracks", seen(i, (1, 600.0), *([(2, 700.0)] if i >= 15 else [])))
        told = [(m.zone, m.people, m.loitering) for m in bench.sent("occupancy")]
        queue = [t for t in told if t[0] == "queue"]
        last = bench.sent("occupancy")[-2]
    assert queue == [
        ("queue", 1, 0),
        ("queue", 1, 0),
        ("queue", 2, 0),
        ("queue", 2, 1),
    ]
    assert [t for t in told if t[0] == "shelf"] == [("shelf", 0, 0)] * 3
    assert (last.zone, last.longest) == ("queue", pytest.approx(2.0))


@pytest.mark.parametrize(
    ("zones", "words"),
    [
        ({}, "there is no zone"),
        ({"queue": [(0, 0), (5, 5)]}, "a zone needs at least three"),
        ({"queue": [(0, 0), (10, 10), (10, 0), (0, 10)]}, "crosses itself"),
        ({"My Queue": QUEUE}, "'My Queue' is not a name for a zone"),
    ],
)
def test_invalid_zones_are_refused_before_the_start(zones: dict[str, list[tuple[int, int]]], words: str) -> None:
    with pytest.raises(ParameterError, match=words):
        ZoneCounter(zones=zones).check()


def visits(clip: Clip, zone: list[tuple[int, int]]) -> list[tuple[float, float]]:
    """When (s) each person is really in a rectangle; in a simulated clip, whose boxes are known, by the feet."""
    truth = clip.truth
    if not clip.simulated:
        return [(first / truth["fps"], last / truth["fps"]) for first, last in truth["visits"]]
    (left, top), _, (right, bottom), _ = zone
    inside: dict[int, list[float]] = {}
    for number, boxes in enumerate(truth["boxes"]):
        for person, x1, _, x2, y2, _ in boxes:
            if left <= (x1 + x2) / 2 <= right and top <= y2 <= bottom:
                inside.setdefault(person, []).append(number / truth["fps"])
    return sorted((times[0], times[-1]) for times in inside.values())


@pytest.mark.parametrize(
    ("clip", "zone"),
    [
        (clip, [(x1, y1), (x2, y1), (x2, y2), (x1, y2)])
        for clip, x1, y1, x2, y2 in (
            (ENTRANCE, 200, 215, 460, 320),
            (ONE_BY_ONE, 0, 0, 768, 432),
            (replace(ONE_BY_ONE, model="person-detection-0200"), 0, 0, 768, 432),
        )
        if at_hand(clip)
    ],
    ids=lambda value: str(value) if isinstance(value, Clip) else "",
)
def test_the_mean_stay_of_the_visitors_of_a_zone_is_right_within_a_second(
    monkeypatch: pytest.MonkeyPatch, clip: Clip, zone: list[tuple[int, int]]
) -> None:
    from metrica.nodes.detection.openvino_detector import OpenvinoDetector

    for name, value in clip.model_folders.items():
        monkeypatch.setenv(name, value)
    graph = InlineGraph(
        {
            "capture": Capture(uri=str(clip.path), pace="fast"),
            "detector": OpenvinoDetector(model=clip.model),
            "tracker": ByteTrack(),
            "zones": ZoneCounter(zones={"room": zone}),
        }
    )
    found: list[Visit] = []
    stamps: list[int] = []

    def on_frame(msg: Frame) -> None:
        stamps.append(msg.header.stamp)

    graph.tap("visits", found.append)
    graph.tap("frames", on_frame)
    with graph:
        graph.run()
    truth = visits(clip, zone)
    stays = sorted(((v.entered - stamps[0]) / 1e9, (v.left - stamps[0]) / 1e9) for v in found)
    assert len(stays) == len(truth)
    for (entered, left), (first, last) in zip(stays, truth, strict=True):
        assert entered == pytest.approx(first, abs=1)
        assert left == pytest.approx(last, abs=1)
    mean = sum(left - entered for entered, left in stays) / len(stays)
    assert mean == pytest.approx(sum(last - first for first, last in truth) / len(truth), abs=1)
