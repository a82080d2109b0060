"""Measures the simulator: speed, whether detectors find its people, and how well its cameras are counted.

    python -m benchmarks.simulator [--only speed,recall,events] [--models NAME ...] [--minutes 10]

All seeds are from 90000 on; no detector is trained on those. Models are found as `metrica-models list` finds them;
METRICA_MODELS names one more folder. Missing models are skipped.

speed: simulated seconds per CPU second of one thread, 640x360 at 10 frames/s, with eight people at the door.
recall: the share of the people at least half visible and 40 px tall who are found, with a box of IoU 0.5 and a score of
0.3; by two cameras at a door and one behind a glass front.
events: F1 of the crossings that a graph started by `metrica-launch` counts with three cameras: capture, detector,
tracker, counter, uploader, ingest; the events are read from its database. All subscriptions are lossless, so that no
picture is dropped and the graph may run faster than real time. A counted event is right if a person crosses the line in
the same direction within a second.
"""

from __future__ import annotations

import argparse
import time

import cv2
import numpy as np

from benchmarks.harness import figure
from benchmarks.simulator_events import count_events
from metrica.models.errors import ModelError
from metrica.models.library import find_model
from metrica.models.network import Network
from metrica.nodes.geometry.arrays import Floats
from metrica.simulator.address import read_sim_address
from metrica.simulator.path import make_walk
from metrica.simulator.people import Person
from metrica.simulator.scene import Scene, SeenPerson

CAMERAS = ("sim://entrance?seed=90101", "sim://shopfront?seed=90102", "sim://entrance?seed=90103")
CEILING = "sim://ceiling?seed=90104"
MODELS = ("metrica-person", "person-detection-0201")
RECALL_MODELS = ("person-detection-0201", "person-detection-0203")
_MIN_VISIBLE, _MIN_HEIGHT = 0.5, 40
"""The share of a person that must be visible, and the height in pixels, to count in the recall."""
_IOU, _SCORE = 0.5, 0.3
"""The least IoU and score of a box that finds a person."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="speed,recall,events", help="which of the three to run")
    parser.add_argument("--models", nargs="*", default=MODELS, help="models to count crossings with")
    parser.add_argument("--minutes", type=float, default=10.0, help="simulated minutes of each of the three cameras")
    parser.add_argument("--ceiling", action="store_true", help="also measure a ceiling camera, without a figure")
    args = parser.parse_args()
    cv2.setNumThreads(1)
    figures: list[tuple[str, float, str]] = []
    if "speed" in args.only:
        figures.append(("sim_realtime_factor", speed(), ">= 4"))
    if "recall" in args.only:
        for model in RECALL_MODELS:
            if (found := recall(model, CAMERAS)) is not None:
                figures.append((f"sim_recall_{model[-4:]}", found, ">= 0.6"))
            if args.ceiling:
                recall(model, (CEILING,))
    if "events" in args.only:
        for model in args.models:
            if not _is_available(model):
                continue
            cameras = (*CAMERAS, CEILING) if args.ceiling else CAMERAS
            scores = {uri: count_events(uri, model, args.minutes * 60) for uri in cameras}
            right = sum(scores[uri].right for uri in CAMERAS)
            both = sum(scores[uri].labelled + scores[uri].counted for uri in CAMERAS)
            print(f"{model}: {sum(scores[uri].labelled for uri in CAMERAS)} crossings in three cameras")
            name = model.removeprefix("person-detection-").replace("-", "_")
            figures.append((f"sim_event_f1_{name}", 2 * right / both, ">= 0.97"))
    for name, value, goal in figures:
        figure(name, value, goal=goal)


def speed(frames: int = 60) -> float:
    """Simulated seconds per second of CPU time."""
    scene = Scene(read_sim_address("sim://entrance?seed=90100&visitors_per_hour=0&passers_per_hour=0&staff=0"))
    line_y, door = scene.place.line_y, scene.place.room.door
    crowd: list[Person] = []
    for i in range(8):
        person = Person(i + 1, "visitor", i, 100 + i)
        lane = -door + 0.35 + (i % 4) * (2 * door - 0.7) / 3
        ends = [(lane, -1.2, 0.0), (lane, line_y + 1.8, 0.0)]
        walk = make_walk(-4.0 - i / 3, 0.25, person.height, ends if i < 4 else ends[::-1])
        person.walks.append(walk)
        crowd.append(person)
    scene.add(crowd)
    for number in range(3):
        scene.frame(number)
    seconds: list[float] = []
    for number in range(3, 3 + frames):
        start = time.process_time()
        scene.frame(number)
        seconds.append(time.process_time() - start)
    seen = scene.frame(frames // 2)[1]
    areas = [(p.box[2] - p.box[0]) * (p.box[3] - p.box[1]) for p in seen]
    print(f"{1e3 * np.median(seconds):.1f} ms of CPU a frame, {len(seen)} people of {np.mean(areas):.0f} px each")
    return 1 / scene.settings.fps / float(np.median(seconds))


def recall(name: str, cameras: tuple[str, ...], frames: int = 120) -> float | None:
    """The share of the people that a model finds; None if the model is missing."""
    if not _is_available(name):
        return None
    network = Network(find_model(name), threads=1)
    found = wanted = false = statues = pictures = 0
    for uri in cameras:
        scene = Scene(read_sim_address(f"{uri}&visitors_per_hour=600&passers_per_hour=200"))
        here = [0, 0]
        for number in range(0, frames * 13, 13):
            picture, seen = scene.frame(number)
            result = network.infer(picture)
            boxes = np.asarray(result.boxes)[result.scores >= _SCORE]
            good = [p for p in seen if p.visible >= _MIN_VISIBLE and p.box[3] - p.box[1] >= _MIN_HEIGHT]
            here[0] += len(_match(good, boxes, _IOU))
            here[1] += len(good)
            dolls = [SeenPerson(0, box, 1.0) for box in scene.mannequins]
            rest = np.delete(boxes, sorted(_match(seen, boxes, 0.3)), axis=0)
            statues += len(_match(dolls, rest, 0.3))
            false += len(rest)
            pictures += 1
        print(f"{name} at {uri}: {here[0]} of {here[1]} people found")
        found, wanted = found + here[0], wanted + here[1]
    print(f"{name}: {false - statues} boxes elsewhere and {statues} on mannequins in {pictures} pictures")
    return found / max(wanted, 1)


def _match(people: list[SeenPerson], boxes: Floats, least: float) -> set[int]:
    """The indices of the boxes that match a person, each at most one, best pairs first. least: IoU."""
    pairs = sorted(
        ((_iou(p.box, box), i, j) for i, p in enumerate(people) for j, box in enumerate(boxes)), reverse=True
    )
    done: set[int] = set()
    used: set[int] = set()
    for value, i, j in pairs:
        if value >= least and i not in done and j not in used:
            done.add(i)
            used.add(j)
    return used


def _iou(a: tuple[float, ...], b: tuple[float, ...]) -> float:
    width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    both = max(0.0, width) * max(0.0, height)
    return float(both / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - both))


def _is_available(name: str) -> bool:
    """Whether a model is on this machine; prints a line if not."""
    try:
        find_model(name)
    except ModelError:
        print(f"{name} is not on this machine: passed over (METRICA_MODELS names a folder of models)")
        return False
    return True


if __name__ == "__main__":
    main()
