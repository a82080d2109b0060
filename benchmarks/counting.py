"""Measures how well crossings are counted, beside supervision's LineZone on the same detections, and the CPU time.

    python -m benchmarks.counting [--data FOLDER] [--days 20] [--peer-days 2] [--peers-python PYTHON]

The lines and the true crossings come from FOLDER/counting_truth.json. A counted event is right if the truth has one in
the same direction within a second. The peer is supervision's LineZone, behind roboflow `trackers`' ByteTrack and behind
ours, in three settings; the best is shown. A false event marked `passed late` belongs to a person who did cross the
line in the truth, but did not walk far enough behind it to count there. `simulated_day` describes the simulated days.
The cost is the median over frames with 20 tracks and 4 lines.
"""

from __future__ import annotations

import os

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")  # before numpy is loaded: one thread

import argparse
import json
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import occupancy
from benchmarks.harness import figure
from benchmarks.mot.data import KINDS, Sequence, save_detections, save_tracks, sequences
from benchmarks.mot.environment import Peers, add_arguments, open_peers
from benchmarks.mot.events import CountedCrossing, Tally, compare
from benchmarks.simulated_day import FPS, LINE, SIZE, Day, simulate
from metrica.nodes.counting.crossing import LineCrossingRule, Passage
from metrica.nodes.geometry.lines import Line
from metrica.nodes.tracking.bytetrack_tracker import ByteTracker
from metrica.nodes.tracking.tracker import TrackedBoxes

GOALS = {"yolox": "0.97", "frcnn": "0.86"}
"""The F1 to reach with each kind of detections."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_arguments(parser)
    parser.add_argument("--days", type=int, default=20, help="simulated days, of 200 to 2,000 visits")
    parser.add_argument(
        "--peer-days", type=int, default=2, help="the number of those days on which the peer counts, too"
    )
    args = parser.parse_args()
    peers = open_peers(args, parser)
    truth = json.loads((args.data / "counting_truth.json").read_text())["sequences"]
    with tempfile.TemporaryDirectory() as temporary:
        work = Path(temporary)
        clips = {kind: count_clips(args.data, kind, truth, work / kind, peers) for kind in KINDS}
        error, f1, peer_f1 = count_days(args.days, args.peer_days, work, peers)
    inside = occupancy.measure_all()
    cost, bare = cost_per_frame()
    print(f"\n20 tracks, 4 lines: {cost:.0f} us per frame, {cost / bare:.1f} times a bare loop over the boxes\n")
    for kind, goal in GOALS.items():
        ours, best = clips[kind]
        figure(f"{kind}_event_f1", ours, goal=goal)
        figure(f"{kind}_event_f1_best_peer", best, goal="less than ours")
    figure("simulated_day_error_percent", error, "%", goal="<= 1")
    figure("simulated_day_event_f1", f1, goal=">= 0.99")
    figure("simulated_day_event_f1_peer", peer_f1, goal="less than ours")
    figure("counter_us_per_frame", cost, "us", goal="< 50")
    occupancy.print_figures(inside)


def count_clips(data: Path, kind: str, truth: dict[str, Any], work: Path, peers: Peers) -> tuple[float, float]:
    """F1 over all lines of all sequences: ours, and that of the peer's best setting."""
    totals: dict[str, Tally] = defaultdict(Tally)
    print(f"\n{kind}")
    for sequence in sequences(data, kind):
        wanted = truth.get(sequence.name, {}).get("lines_half" if kind == "yolox" else "lines_full")
        if not wanted:
            continue
        folder = work / sequence.name
        tracks = sequence.track(ByteTracker())
        save_detections(folder / "detections.npz", sequence)
        save_tracks(folder / "bytetrack.npz", tracks)
        peers.call("track", folder)
        lines = [_line(name, wanted[name], sequence.size) for name in wanted]
        ways = {"metrica": _ours(tracks, lines, sequence.fps, sequence.size)}
        ends = json.dumps({line.name: (*line.start, *line.end) for line in lines})
        for name in ("bytetrack", "rf-bytetrack"):
            for setting, found in peers.ask("count", folder / f"{name}.npz", ends).items():
                ways[f"{name} + LineZone, {setting}"] = {
                    line: [(f / sequence.fps, d) for f, d in counted] for line, counted in found.items()
                }
        for name, about in wanted.items():
            real, ignored = ([_event(e, sequence.fps) for e in about[part]] for part in ("events", "ignore"))
            here = {way: compare(events[name], real, ignored) for way, events in ways.items()}
            for way, tally in here.items():
                totals[way] += tally
            best = max(tally.f1 for way, tally in here.items() if way != "metrica")
            print(f"  {sequence.name:16} {name:8} ours {here['metrica']}, best peer {best:.3f}")
            _print_mistakes(here["metrica"], compare(_passes(sequence, about), real).extra, sequence.fps)
    for way in sorted(totals, key=lambda w: totals[w].f1):
        print(f"  {way:40} {totals[way]}")
    return totals["metrica"].f1, max((t.f1 for way, t in totals.items() if way != "metrica"), default=0.0)


def _print_mistakes(ours: Tally, late: list[CountedCrossing], fps: float) -> None:
    """Print false and missed events. late: crossings in the truth that its rule does not count."""
    for what, events in (("false", ours.extra), ("missed", ours.missed)):
        for when, direction in events:
            is_late = what == "false" and any(d == direction and abs(t - when) <= 1.0 for t, d in late)
            print(f"    {what} at frame {when * fps + 1:.0f} {direction}", "(passed late)" if is_late else "")


def _passes(sequence: Sequence, about: dict[str, Any]) -> list[CountedCrossing]:
    """All crossings of the line in the truth, those included that its rule does not count as events."""
    truth = sequence.truth
    if truth.shape[1] > 7:
        truth = truth[(truth[:, 6] == 1) & (truth[:, 7] == 1)]
    order = np.lexsort((truth[:, 0], truth[:, 1]))
    frame, person, x, y, width, height = truth[order, :6].T
    right = (x + width / 2 if about["axis"] == "x" else y + height) >= about["pos"]
    at = np.flatnonzero((person[1:] == person[:-1]) & (right[1:] != right[:-1])) + 1
    return [((f - 1) / sequence.fps, "IN" if into else "OUT") for f, into in zip(frame[at], right[at], strict=True)]


def _line(name: str, about: dict[str, Any], size: tuple[int, int]) -> Line:
    """A line of counting_truth.json; crossing it towards larger coordinates is IN."""
    width, height = size
    at = about["pos"]
    return Line(name, (at, height), (at, 0)) if about["axis"] == "x" else Line(name, (0, at), (width, at))


def _event(event: dict[str, Any], fps: float) -> CountedCrossing:
    return (event["frame"] - 1) / fps, event["dir"]


def _ours(
    tracks: list[TrackedBoxes], lines: list[Line], fps: float, size: tuple[int, int]
) -> dict[str, list[CountedCrossing]]:
    rule = LineCrossingRule(lines)
    found: list[Passage] = []
    for i, seen in enumerate(tracks):
        found += rule.update(round(i / fps * 1e9), 1, seen.boxes, seen.ids, seen.ages, size)
    return _by_line(found + rule.flush(), lines)


def _by_line(crossings: Iterable[Passage], lines: list[Line]) -> dict[str, list[CountedCrossing]]:
    events: dict[str, list[CountedCrossing]] = {line.name: [] for line in lines}
    for c in crossings:
        events[c.line].append((c.time_ns / 1e9, c.direction.upper()))
    return events


def count_days(days: int, peer_days: int, work: Path, peers: Peers) -> tuple[float, float, float]:
    """The error of the total of events in percent, the event F1, and the peer's best F1."""
    total, theirs, events = Tally(), dict[str, Tally](), 0
    net = 0
    for seed in range(days):
        visits = round(np.geomspace(200, 2000, max(days, 2))[seed])
        day = simulate(visits, seed)
        here = compare(_count_day(day), day.events)
        print(
            f"day {seed}: {visits} visits, {len(day.events)} events, {here}, total off by {here.net_error}", flush=True
        )
        total, events, net = total + here, events + len(day.events), net + here.net_error
        if seed < peer_days:
            _save_day(work / "day.npz", day)
            ends = json.dumps({LINE.name: (*LINE.start, *LINE.end)})
            for setting, found in peers.ask("count", work / "day.npz", ends).items():
                counted = [(float(day.times[f]), d) for f, d in found[LINE.name]]
                theirs[setting] = theirs.get(setting, Tally()) + compare(counted, day.events)
    for setting, tally in theirs.items():
        print(f"LineZone, {setting}: {tally} on the first {peer_days} days")
    print(f"metrica: {total} on all {days}")
    return 100 * net / max(events, 1), total.f1, max((t.f1 for t in theirs.values()), default=0.0)


def _count_day(day: Day) -> list[CountedCrossing]:
    rule = LineCrossingRule([LINE])
    edges = np.searchsorted(day.frame, np.arange(len(day.times) + 1)).tolist()
    boxes, ages = day.boxes.astype(np.float32), day.ages.astype(np.int32)
    found: list[Passage] = []
    for i, now in enumerate(day.times.tolist()):
        rows = slice(edges[i], edges[i + 1])
        found += rule.update(round(now * 1e9), 1, boxes[rows], day.ids[rows], ages[rows], SIZE)
    return _by_line(found + rule.flush(), [LINE])[LINE.name]


def _save_day(path: Path, day: Day) -> None:
    scores = np.ones(len(day.ids))
    np.savez(path, frame=day.frame, boxes=day.boxes, ids=day.ids, scores=scores, fps=FPS)


def cost_per_frame(people: int = 20, frames: int = 3000) -> tuple[float, float]:
    """Median microseconds per frame of the rule, and of a loop that only reads each box."""
    rng = np.random.default_rng(0)
    at, way = rng.uniform(0, 1, (people, 2)) * [1200, 550] + [40, 150], rng.normal(0, 60, (people, 2))
    rule = LineCrossingRule([Line(str(i), (200 + 250 * i, 720), (200 + 250 * i, 0)) for i in range(4)])
    ids, spent, bare = np.arange(people), [], []
    for i in range(frames):
        at = at + way / 15
        out = (at < [30, 130]) | (at > [1250, 700])
        way = np.where(out, np.where(at < 640, np.abs(way), -np.abs(way)), way)
        boxes = np.add(np.tile(at, 2), (-25, -120, 25, 0)).astype(np.float32)
        ages = np.full(people, i + 1, np.int32)
        if i % 20 == 0:
            ids = ids.copy()
            ids[rng.integers(people)] += 1000
        start = time.perf_counter()
        rule.update(i * 66_666_667, 1, boxes, ids, ages, (1280, 720))
        middle = time.perf_counter()
        [(track, (box[0] + box[2]) / 2) for track, box in zip(ids.tolist(), boxes.tolist(), strict=True)]
        spent.append(middle - start)
        bare.append(time.perf_counter() - middle)
    return float(np.median(spent)) * 1e6, float(np.median(bare)) * 1e6


if __name__ == "__main__":
    main()
