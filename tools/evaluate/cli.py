"""`metrica-eval`: compare the count of a clip with labels made by hand."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from metrica.errors import MetricaError, NodeError, ParameterError
from metrica.messages import Thresholds
from metrica.nodes.geometry.lines import Line
from metrica.nodes.tracking.node import TrackerNode
from metrica.registry import load_node_type
from metrica.tools.count import cli as count
from metrica.tools.count.output import print_any_text, write_output
from metrica.tools.evaluate.labels import ClipLabels, read_labels
from metrica.tools.evaluate.match import TOLERANCE, Evaluation, TimedCrossing, evaluate
from metrica.tools.evaluate.mot import score
from metrica.tools.evaluate.mot_files import compare, follow, read_mot
from metrica.tools.evaluate.render import Mistake, PlainOverlay, cut
from metrica.tools.evaluate.report import as_json, as_text, mot_text
from metrica.version import __version__

_USAGE_ERROR, _FAILED, _INTERRUPTED = 2, 1, 130

_ABOUT = """Score what was counted against labels, or tracks against ground truth.

  metrica-eval CLIP.mp4 LABELS.json                    count the clip as metrica-count does, and score that
  metrica-eval --crossings FILE.jsonl LABELS.json      score what metrica-count --json FILE.jsonl has written
  metrica-eval --mot GT.txt TRACKS.txt                 score tracks of the MOT challenge
  metrica-eval --mot GT.txt DET.txt --tracker NAME     follow recorded detections, and score that

A counted crossing is right if one of the same line and direction was labelled within a second; each is used once.
"""
_EXITS = "Exits with 0 when there are scores, 2 when something given is wrong, 1 when counting fails, 130 on Ctrl-C."


def main(argv: Sequence[str] | None = None) -> int:
    """The command; returns the exit status."""
    print_any_text()
    options = _parser().parse_args(argv)
    try:
        return _mot(options) if options.mot else _crossings(options)
    except NodeError as error:
        return _say(error, _USAGE_ERROR if error.permanent else _FAILED)
    except MetricaError as error:
        return _say(error, _USAGE_ERROR)
    except OSError as error:
        return _say(f"{error.filename or 'a file'}: {error.strerror}", _FAILED)
    except KeyboardInterrupt:
        return _INTERRUPTED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "metrica-eval", description=_ABOUT, epilog=_EXITS, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("files", nargs="*", metavar="FILE", help="the clip and its label file; with --crossings the label file only")
    add("--crossings", metavar="FILE", help="crossings that were counted before, JSON lines as of metrica-count")
    add("--clip", metavar="NAME", help="whose labels, if the file has those of several (the clip's file name)")
    add("--tolerance", type=float, default=TOLERANCE, metavar="S", help="seconds a crossing may be off (1)")
    add("--json", action="store_true", help="the scores as one JSON object")
    add("--render", metavar="DIR", help="a short video around each mistake; with --crossings give --video too")
    add("--video", metavar="CLIP", help="what to cut the videos from, with --crossings and --render")
    add("--model", metavar="CARD_OR_XML", help="for counting: as of metrica-count")
    add("--anchor", metavar="NAME", help="for counting: instead of the anchor that the label file names")
    add("--tracker", metavar="NAME", help="for counting, or for --mot: the node type that follows people")
    add("--fps", type=float, metavar="N", help="for counting: as of metrica-count; for --mot: the sequence's (30)")
    add("--device", metavar="NAME", help="for counting: as of metrica-count")
    add("--threads", type=int, metavar="N", help="for counting: as of metrica-count")
    add("--mot", nargs=2, metavar=("GT", "TRACKS"), help="files of the MOT challenge, plain or .gz")
    add("--frames", metavar="FIRST:LAST", help="for --mot: only these frames, the first is 1, such as 300: or 1:299")
    add("--version", action="version", version=f"%(prog)s {__version__}")
    return parser


def _crossings(options: argparse.Namespace) -> int:
    files = [Path(f) for f in options.files]
    if len(files) != (1 if options.crossings else 2):
        wanted = "the label file" if options.crossings else "a clip and its label file"
        raise ParameterError("files", f"give {wanted}: metrica-eval --help shows how")
    if not options.tolerance > 0:
        raise ParameterError("tolerance", f"--tolerance must be more than 0 s, not {options.tolerance:g}")
    if options.crossings:
        labels = read_labels(files[0], options.clip or (Path(options.video).name if options.video else None))
        if options.render and not options.video:
            raise ParameterError("video", "--render with --crossings needs the clip itself: give --video CLIP")
        counted = read_crossings(Path(options.crossings), labels)
        result = _evaluate(options, labels, counted)
        if options.render:
            lines = [Line.of(x.name, x.points) for x in labels.lines]
            _render(options, result, Path(options.video), PlainOverlay(lines, counted))
        return 0
    labels = read_labels(files[1], options.clip or files[0].name)
    with tempfile.TemporaryDirectory(prefix="metrica-eval-") as folder:
        written, drawn = Path(folder) / "crossings.jsonl", Path(folder) / "drawn.mp4"
        more = ["--render", str(drawn)] if options.render else []
        if status := count.main([*_counting(options, files[0], labels), "--json", str(written), *more]):
            return status
        result = _evaluate(options, labels, read_crossings(written, labels))
        if options.render:
            _render(options, result, drawn, None)
    return 0


def read_crossings(path: Path, labels: ClipLabels) -> list[TimedCrossing]:
    """Read the crossings that metrica-count has written. Raises ParameterError.

    Their times are computed from frame numbers if there are any, because labels are frame numbers too: so clips with a
    changing frame rate are compared correctly.
    """
    found: list[TimedCrossing] = []
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ParameterError("crossings", f"{path} cannot be read: {error}") from None
    for number, row in enumerate(text.splitlines(), 1):
        if not row.strip():
            continue
        try:
            event: dict[str, Any] = json.loads(row)
            direction = event["direction"]
            if direction not in ("in", "out"):
                raise ValueError(f"'{direction}' is neither in nor out")
            time = float(event["frame"]) / labels.fps if "frame" in event else float(event["time"])
            found.append(TimedCrossing(time, str(event["line"]), direction))
        except (ValueError, KeyError, TypeError) as error:
            raise ParameterError("crossings", f"{path}:{number} is no crossing of metrica-count: {error}") from None
    unknown = {e.line for e in found} - {line.name for line in labels.lines}
    if unknown:
        known = ", ".join(f"'{line.name}'" for line in labels.lines)
        raise ParameterError("crossings", f"{path} has crossings of '{min(unknown)}', the labels know {known} only")
    return found


def _counting(options: argparse.Namespace, video: Path, labels: ClipLabels) -> list[str]:
    """The arguments for metrica-count. Raises ParameterError if one run cannot count all labelled lines."""
    if not labels.lines:
        raise ParameterError("labels", f"the labels of {labels.clip} have no line to count at")
    anchors = {line.anchor for line in labels.lines}
    if len(anchors) > 1 and not options.anchor:
        raise ParameterError("anchor", f"the lines are labelled with {len(anchors)} different anchors: give --anchor")
    arguments = [str(video), "--quiet", "--anchor", options.anchor or min(anchors)]
    for line in labels.lines:
        arguments += ["--line", f"{line.name}={','.join(map(str, line.points))}"]
    for name in ("model", "tracker", "fps", "device", "threads"):
        if (value := getattr(options, name)) is not None:
            arguments += [f"--{name}", str(value)]
    return arguments


def _evaluate(options: argparse.Namespace, labels: ClipLabels, counted: list[TimedCrossing]) -> Evaluation:
    begin, end = labels.seconds_watched()
    result = evaluate(labels.events(), counted, options.tolerance, (begin, end))
    watched = end - max(begin, 0.0) if labels.watched else None
    if beyond := sum(not begin <= e.time <= end for e in labels.events()):
        _say(f"{beyond} labels lie outside the part of {labels.clip} that was watched, and are left out", 0)
    if options.json:
        write_output(json.dumps(as_json(result, labels.clip, options.tolerance)) + "\n")
    else:
        write_output(as_text(result, labels.clip, options.tolerance, watched))
    return result


def _render(options: argparse.Namespace, result: Evaluation, video: Path, plain: PlainOverlay | None) -> None:
    mistakes = [Mistake("missed", e) for e in result.missed] + [Mistake("extra", e) for e in result.extra]
    mistakes.sort(key=lambda m: m.event.time)
    written = cut(video, mistakes, Path(options.render), plain) if mistakes else []
    sys.stderr.write(f"metrica-eval: {len(written)} videos written to {options.render}\n")


def _mot(options: argparse.Namespace) -> int:
    if options.files:
        raise ParameterError("files", "--mot takes its two files and no others")
    truth, tracks = (read_mot(Path(name)) for name in options.mot)
    if not len(truth):
        raise ParameterError("mot", f"{options.mot[0]} is empty: there is no ground truth to score against")
    first, last = _frames(options.frames, int(truth[:, 0].max()))
    if options.tracker:
        kind = load_node_type(options.tracker)
        if not issubclass(kind, TrackerNode):
            raise ParameterError("tracker", f"'{options.tracker}' is no tracker")
        thresholds = Thresholds(new=0.7, keep=0.6, low=0.1)  # with which the challenge's detections are usually used
        tracks = follow(tracks, kind().make_tracker(), thresholds, options.fps or 30.0, first)
    elif len(tracks) and (tracks[:, 1] < 0).all():
        raise ParameterError("mot", f"{options.mot[1]} holds detections, not tracks: give --tracker to follow them")
    result = score(compare(truth, tracks, first, last))
    name = options.mot[1]
    if options.json:
        row = {field: getattr(result, field) for field in result.__slots__}
        write_output(json.dumps({"tracks": name, **row}) + "\n")
    else:
        write_output(mot_text(name, result))
    return 0


def _frames(text: str | None, end: int) -> tuple[int, int]:
    if not text:
        return 1, end
    first, colon, last = text.partition(":")
    if not colon or not (first or last) or not (first + last).isdigit():
        raise ParameterError("frames", f"'{text}' are no frames: write FIRST:LAST, such as 300: or 1:299")
    return int(first or 1), int(last or end)


def _say(error: object, status: int) -> int:
    sys.stderr.write(f"metrica-eval: {error}\n")
    return status
