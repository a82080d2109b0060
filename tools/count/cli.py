"""`metrica-count`: the people who cross lines in a recorded video, by the same nodes that run at a door."""

from __future__ import annotations

import argparse
import contextlib
import signal
import sys
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Any, get_args

from metrica.errors import MetricaError, NodeError, ParameterError
from metrica.executors.inline import InlineGraph
from metrica.messages import Frame
from metrica.node import Node
from metrica.nodes.capture.address import Kind, read_address
from metrica.nodes.capture.node import Capture
from metrica.nodes.counting.line_counter import LineCounter
from metrica.nodes.geometry.anchors import Anchor
from metrica.nodes.geometry.lines import Numbers
from metrica.nodes.tracking.bytetrack import ByteTrack
from metrica.nodes.tracking.sort import Sort
from metrica.tools.count.lines import outside, read_lines
from metrica.tools.count.output import open_output, print_any_text, write_output
from metrica.tools.count.render import Render
from metrica.tools.count.report import Report
from metrica.version import __version__

_USAGE_ERROR, _FAILED, _INTERRUPTED = 2, 1, 130
_TRACKERS = {"bytetrack": ByteTrack, "sort": Sort}

_ABOUT = """Count the people who cross lines in a recorded video.

Every crossing is one JSON object on a line of standard output (or of --json FILE):
  {"frame": 189, "time": 18.918, "line": "main", "direction": "in", "track": 1}
frame: of the video, the first is 0. time: seconds from its start. Progress and totals go to standard error.

A line has a direction: stand on its first point and look to the second; who goes from left to right comes IN.
"""
_EXITS = "Exits with 0 when the video has been read, 2 when something given is wrong, 1 when it fails, 130 on Ctrl-C."


def main(argv: Sequence[str] | None = None) -> int:
    """The command; returns the exit status."""
    print_any_text()
    options = _parser().parse_args(argv)
    try:
        return _count(options)
    except ParameterError as error:
        return _say(error, _USAGE_ERROR)
    except NodeError as error:
        return _say(error, _USAGE_ERROR if error.permanent else _FAILED)
    except MetricaError as error:
        return _say(error, _USAGE_ERROR)
    except OSError as error:
        with contextlib.suppress(OSError):
            write_output()
        return _say(f"{error.filename or 'a file'}: {error.strerror}", _FAILED)
    except KeyboardInterrupt:
        return _INTERRUPTED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "metrica-count", description=_ABOUT, epilog=_EXITS, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("video", metavar="VIDEO", help="a video file, or a folder of pictures")
    add(
        "--line",
        action="append",
        required=True,
        metavar="[NAME=]X1,Y1,X2,Y2[,…]",
        help="a line of two or more points to count at, pixels; give several",
    )
    add(
        "--anchor",
        choices=get_args(Anchor),
        default="bottom_center",
        help="the point of a person that crosses: feet (the default), middle or head",
    )
    add("--model", default="auto", metavar="CARD_OR_XML", help="a model card's name, or a file (the best here)")
    add("--tracker", choices=list(_TRACKERS), default="bytetrack", help="how people are followed (bytetrack)")
    add("--fps", type=float, default=0.0, metavar="N", help="look at N frames per second only, as a camera would send")
    add("--json", default="-", metavar="FILE", help="where crossings go, - is standard output (the default)")
    add("--render", metavar="OUT.mp4", help="write the video with boxes, tracks, lines and totals")
    add("--device", default="CPU", help="what OpenVINO runs on: CPU, GPU, NPU, AUTO (CPU)")
    add("--threads", type=int, default=0, metavar="N", help="CPU threads for the model, 0 lets OpenVINO decide")
    add("--quiet", action="store_true", help="no progress and no totals")
    add("--version", action="version", version=f"%(prog)s {__version__}")
    return parser


def _count(options: argparse.Namespace) -> int:
    lines = read_lines(options.line)
    if read_address(options.video).kind is Kind.STREAM:
        raise ParameterError("video", "metrica-count reads recorded videos; for a camera use metrica-launch")
    capture = Capture(uri=options.video, fps=options.fps, pace="fast")
    capture.check()
    frames, rate = _look_at(capture)
    nodes = _nodes(options, lines, capture, rate)
    for node in nodes.values():
        node.check()
    detector = nodes["detector"]
    with open_output(options.json) as output, Report(options.video, list(lines), output, quiet=options.quiet) as report:
        graph = InlineGraph(nodes)
        _connect(graph, report, capture, lines)
        report.length(frames)
        with graph, _interruptible(graph) as interrupted:
            graph.run()
    report.summary(stopped=bool(interrupted))
    if failed := detector.counters.get("failed", 0):
        report.warn(f"{failed} frames could not be looked at: {detector.present_trouble}")
        return _FAILED
    return _INTERRUPTED if interrupted else 0


def _look_at(capture: Capture) -> tuple[int, float]:
    """How many frames the video claims to have, and how many frames per second will be looked at."""
    recording = capture.open_recording()
    recording.close()
    own = 1 / recording.step
    return recording.announced, min(own, capture.fps) if capture.fps else own


def _nodes(options: argparse.Namespace, lines: dict[str, Numbers], capture: Capture, rate: float) -> dict[str, Node]:
    from metrica.nodes.detection.openvino_detector import (
        OpenvinoDetector,  # OpenVINO takes a moment, --help need not wait
    )

    nodes: dict[str, Node] = {
        "capture": capture,
        "tracker": _TRACKERS[options.tracker](),
        "counter": LineCounter(lines=lines, anchor=options.anchor),
    }
    if options.render:
        if Path(options.render).resolve() == Path(options.video).resolve():
            raise ParameterError("render", "--render would overwrite the video itself: give it another name")
        nodes["render"] = Render(path=options.render, fps=rate, lines=lines, anchor=options.anchor)
    nodes["detector"] = OpenvinoDetector(model=options.model, device=options.device, threads=options.threads)
    return nodes


def _connect(graph: InlineGraph, report: Report, capture: Capture, lines: dict[str, Numbers]) -> None:
    first: list[Frame] = []

    def on_frame(msg: Frame) -> None:
        report.frame(msg, capture.recording.index if capture.recording else 0)
        if not first:
            first.append(msg)
            height, width = msg.image.shape[:2]
            for name in outside(lines, width, height):
                report.warn(f"the line '{name}' lies outside the picture of {width}x{height}: nobody can cross it")

    def on_crossing(msg: Any) -> None:
        report.crossing(msg)
        if report.output_closed:
            graph.stop()

    graph.tap("frames", on_frame)
    graph.tap("tracks", report.tracks)
    graph.tap("crossings", on_crossing)


@contextlib.contextmanager
def _interruptible(graph: InlineGraph) -> Generator[list[int]]:
    """Let Ctrl-C and SIGTERM end the run with what was counted; a second Ctrl-C ends at once."""
    caught: list[int] = []

    def stop(number: int, _: object) -> None:
        caught.append(number)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        graph.stop()

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield caught
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _say(error: object, status: int) -> int:
    sys.stderr.write(f"metrica-count: {error}\n")
    return status
