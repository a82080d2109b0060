"""Measures the frame rate of the whole graph against OpenVINO alone, and the CPU time of each node.

    METRICA_MODELS=… python -m benchmarks.pipeline [--clip CLIP] [--model NAME] [--threads 1]

The graph is capture → detector → ByteTrack → line counter, each a process; it counts every frame of the clip as fast as
possible (QoS LOSSLESS). OpenVINO alone is its asynchronous queue with the same model file and number of threads,
measured before and after the graph; the better value counts. The goal is meant for one thread, the setting of an
entrance: with as many threads as cores, no core is left for the rest of the graph.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np
import openvino as ov

from benchmarks.harness import ROOT, Processes, figure
from metrica.models.library import find_model

ALONE_SECONDS = 8.0
"""How long OpenVINO alone is measured, each time."""
CLIP = ROOT.parent / "shared" / "clips" / "one-by-one.mp4"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clip", type=Path, default=CLIP)
    parser.add_argument("--model", default="person-detection-0200")
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    if not args.clip.is_file():
        parser.error(f"there is no clip at {args.clip}: name one with --clip")

    before = openvino_alone(args.model, args.threads)
    fps, frames, cpu = graph(args.clip, args.model, args.threads)
    after = openvino_alone(args.model, args.threads)
    alone = max(before, after)
    minutes = clip_minutes(args.clip)

    print(f"{args.model}, {args.threads} thread(s), {frames} frames of {args.clip.name}")
    print(f"OpenVINO alone   {before:7.1f} and {after:.1f} frames/s")
    print(f"the whole graph  {fps:7.1f} frames/s")
    for name, seconds in cpu.items():
        print(f"{name:<16} {seconds:7.1f} CPU s, {seconds * 1000 / frames:6.2f} ms per frame")
    figure("graph_over_openvino", fps / alone, goal=">=0.9")
    figure("graph_fps", fps, "frames/s", goal=">=8")
    figure("cpu_seconds_per_video_minute", sum(cpu.values()) / minutes, "s", goal="<=60")
    for name, seconds in cpu.items():
        figure(f"cpu_seconds_per_video_minute_{name.rsplit('/', 1)[-1]}", seconds / minutes, "s", goal="known")


def openvino_alone(model: str, threads: int) -> float:
    """Inferences/s of OpenVINO's asynchronous queue with the unchanged model file and one input, repeated."""
    settings = {"PERFORMANCE_HINT": "THROUGHPUT", "INFERENCE_NUM_THREADS": threads}
    core = ov.Core()
    compiled = core.compile_model(core.read_model(find_model(model).path), "CPU", settings)
    rng = np.random.default_rng(1)
    picture = rng.integers(0, 255, compiled.inputs[0].shape).astype(compiled.inputs[0].element_type.to_dtype())
    queue = ov.AsyncInferQueue(compiled)  # noqa: TID251 - without a callback of ours it is safe
    for _ in range(2 * len(queue)):
        queue.start_async([picture])
    queue.wait_all()
    started, n = time.monotonic(), 0
    while time.monotonic() < started + ALONE_SECONDS:
        queue.start_async([picture], share_inputs=True)
        n += 1
    queue.wait_all()
    return n / (time.monotonic() - started)


def graph(clip: Path, model: str, threads: int) -> tuple[float, int, dict[str, float]]:
    """Run the graph; returns frames/s, number of frames, and CPU seconds by node, without those of starting up."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "meter.json"
        processes = Processes()
        processes.add(
            "/door/capture",
            "capture",
            {"uri": str(clip), "pace": "fast"},
            bindings={"frames": ("/door/frames", "latest")},
        )
        processes.add(
            "/detector",
            "openvino_detector",
            {"model": model, "threads": threads},
            connections={"frames": ("/door/frames", "lossless")},
            bindings={"detections": ("/door/detections", "stream")},
        )
        processes.add(
            "/door/tracker",
            "bytetrack",
            {},
            connections={"detections": ("/door/detections", "lossless")},
            bindings={"tracks": ("/door/tracks", "stream")},
        )
        processes.add(
            "/door/counter",
            "line_counter",
            {"line": (600, 432, 600, 0)},
            connections={"tracks": ("/door/tracks", "lossless")},
            bindings={"crossings": ("/door/crossings", "events")},
        )
        processes.add(
            "/meter",
            "benchmarks.nodes.pipeline:Meter",
            {"out": str(out)},
            connections={"tracks": ("/door/tracks", "lossless")},
        )
        with processes:
            ready = {name: health.gauges["cpu_seconds"] for name, health in processes.health.items()}
            processes.wait_for_end("/door/capture")
        spent = {name: health.gauges["cpu_seconds"] - ready[name] for name, health in processes.health.items()}
        del spent["/meter"]
        measured = json.loads(out.read_text())
        return measured["fps"], measured["frames"], spent


def clip_minutes(clip: Path) -> float:
    """The length of a video file, minutes."""
    video = cv2.VideoCapture(str(clip))
    try:
        return float(video.get(cv2.CAP_PROP_FRAME_COUNT) / video.get(cv2.CAP_PROP_FPS) / 60)
    finally:
        video.release()


if __name__ == "__main__":
    main()
