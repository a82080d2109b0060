"""`metrica-sim`: writes clips of a simulated entrance with their ground truth, and labelled pictures for training."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import cv2

from metrica.errors import MetricaError, NodeError, ParameterError
from metrica.simulator.address import PARAMETERS, TEST_SEEDS, read_sim_address
from metrica.simulator.clip import write_clip
from metrica.simulator.images import write_images
from metrica.simulator.place import make_place
from metrica.version import __version__

_USAGE_ERROR, _FAILED, _INTERRUPTED = 2, 1, 130
_DEFAULT_ADDRESS = "sim://entrance"

_ABOUT = """Draw a simulated entrance, and write the ground truth about the people in the pictures.

  metrica-sim --out clip.mp4 --truth truth.json 'sim://entrance?seed=7'   a clip and its truth, for metrica-eval
  metrica-sim --line 'sim://entrance?seed=7'                              the counting line, for a launch file
  metrica-sim --images DIR --count 3000                                   labelled pictures for training (COCO)
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command, and return its exit status."""
    options = _parser().parse_args(argv)
    cv2.setNumThreads(1)
    try:
        if options.images:
            return _images(options)
        return _line(options) if options.line else _clip(options)
    except NodeError as error:
        return _say(error, _FAILED)
    except MetricaError as error:
        return _say(error, _USAGE_ERROR)
    except OSError as error:
        return _say(f"{error.filename or 'a file'}: {error.strerror or error}", _FAILED)
    except KeyboardInterrupt:
        return _INTERRUPTED


def _parser() -> argparse.ArgumentParser:
    known = "\n".join(f"  {f.name:20}{f.metadata['about']} ({f.default:g})" for f in PARAMETERS).replace(
        "(nan)", "(chosen by the seed)"
    )
    parser = argparse.ArgumentParser(
        "metrica-sim",
        description=_ABOUT,
        epilog=f"parameters after the ? of an address (default):\n{known}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add(
        "uri",
        nargs="?",
        default=_DEFAULT_ADDRESS,
        help="sim://entrance, sim://ceiling or sim://shopfront, with parameters (sim://entrance)",
    )
    add("--out", metavar="CLIP.mp4", help="the video to write")
    add("--truth", metavar="FILE.json", help="the label file to write: crossings, and boxes of each frame")
    add("--line", action="store_true", help="print the counting line, x1, y1, x2, y2 in pixels, and its anchor")
    add("--seconds", type=float, default=60.0, metavar="S", help="length of the clip in seconds (60)")
    add("--fps", type=float, metavar="N", help="frames per second of the clip; the address may set it instead (10)")
    add("--images", metavar="DIR", help="write labelled pictures and annotations.json (COCO) into this folder")
    add("--count", type=int, default=100, metavar="N", help="number of pictures (100)")
    add(
        "--seed",
        type=int,
        metavar="N",
        help="seed of the clip or the pictures: the same seed gives the same result (1)",
    )
    add(
        "--test",
        action="store_true",
        help="pictures for measuring: of the seeds from 90000 on, which are never trained on",
    )
    add("--width", type=int, metavar="PX", help="width of the clip or the pictures (640)")
    add("--height", type=int, metavar="PX", help="height of the clip or the pictures (360)")
    add(
        "--backgrounds",
        metavar="DIR",
        help="a folder of photographs without people: every second scene of --images is set in one",
    )
    add("--list", metavar="FILE", help="a file with the names of the photographs to use, one per line")
    add("--together", type=float, default=0.0, metavar="PART",
        help="probability that a person in --images walks close to another one (0 to 1; 0)")  # fmt: skip
    add("--quiet", action="store_true", help="print no progress")
    add("--version", action="version", version=f"%(prog)s {__version__}")
    return parser


def _address(options: argparse.Namespace) -> str:
    """The address, with the options that are also parameters added to it."""
    if not options.uri.lower().startswith("sim://"):
        raise ParameterError("uri", f"'{options.uri}' is no simulated place: write {_DEFAULT_ADDRESS}?seed=7")
    parameters = [
        f"{name}={value}"
        for name in ("seed", "fps", "width", "height")
        if (value := getattr(options, name)) is not None
    ]
    uri = str(options.uri)
    return uri + ("&" if "?" in uri else "?") + "&".join(parameters) if parameters else uri


def _line(options: argparse.Namespace) -> int:
    place = make_place(read_sim_address(_address(options)))
    sys.stdout.write(f"line: [{', '.join(map(str, place.line))}], anchor: {place.anchor}\n")
    return 0


def _clip(options: argparse.Namespace) -> int:
    if not options.out and not options.truth:
        raise ParameterError("out", "say what to make: --out CLIP.mp4, --truth FILE.json, --line or --images DIR")
    if not 0 < options.seconds <= 86_400:
        raise ParameterError("seconds", f"--seconds must be more than 0 and at most 86400, not {options.seconds:g}")
    paths = [Path(p) if p else None for p in (options.out, options.truth)]
    scene = write_clip(_address(options), options.seconds, paths[0], paths[1], _progress(options, "frames"))
    if not options.quiet:
        found = scene.crossings(options.seconds)
        inwards = sum(c.direction == "in" for c in found)
        sys.stderr.write(f", {inwards} people come in and {len(found) - inwards} go out\n")
    return 0


def _images(options: argparse.Namespace) -> int:
    seed = options.seed if options.seed is not None else TEST_SEEDS[0] if options.test else 1
    if not 0 <= seed < TEST_SEEDS[1]:
        raise ParameterError("seed", f"--seed must lie between 0 and {TEST_SEEDS[1] - 1}, not {seed}")
    if (seed >= TEST_SEEDS[0]) != options.test:
        raise ParameterError(
            "seed",
            f"the seeds from {TEST_SEEDS[0]} on are kept for measuring, so that no detector is trained on them: "
            + ("with --test give one of those" if options.test else "give a smaller one, or --test"),
        )
    width, height = options.width or 640, options.height or 360
    for name, value, low, high in (
        ("count", options.count, 1, 1_000_000),
        ("width", width, 64, 4096),
        ("height", height, 64, 4096),
    ):
        if not low <= value <= high:
            raise ParameterError(name, f"--{name} must lie between {low} and {high}, not {value}")
    if not 0 <= options.together <= 1:
        raise ParameterError("together", f"--together must lie between 0 and 1, not {options.together:g}")
    chosen = Path(options.list).read_text(encoding="utf-8").split() if options.list else None
    show = _progress(options, "pictures")
    people = write_images(
        Path(options.images), options.count, seed, width, height,
        Path(options.backgrounds) if options.backgrounds else None, chosen,
        lambda done: show(done, options.count), "test" if options.test else "train", options.together,
    )  # fmt: skip
    if not options.quiet:
        sys.stderr.write(f", {people} people labelled in {options.images}/annotations.json\n")
    return 0


class _Progress:
    """Prints a line like `50 of 600 frames`, which each call overwrites."""

    def __init__(self, what: str, quiet: bool) -> None:
        self._what, self._quiet = what, quiet

    def __call__(self, done: int, of: int) -> None:
        if not self._quiet and (done % 50 == 0 or done == of):
            sys.stderr.write(f"\r{done} of {of} {self._what}")
            sys.stderr.flush()


def _progress(options: argparse.Namespace, what: str) -> _Progress:
    return _Progress(what, options.quiet)


def _say(error: object, status: int) -> int:
    sys.stderr.write(f"metrica-sim: {error}\n")
    return status


if __name__ == "__main__":
    sys.exit(main())
