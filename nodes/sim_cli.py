"""`metrica-sim`: a simulated entrance as a clip with its truth, or as labelled pictures for training."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import cv2

from metrica.errors import MetricaError, ParameterError
from metrica.nodes.sim_images import RESERVED, write_images
from metrica.version import __version__

_USAGE_ERROR, _FAILED, _INTERRUPTED = 2, 1, 130

_ABOUT = """Make pictures of an entrance that does not exist, with the truth about who is in them.

  metrica-sim --images DIR --count 3000 --seed 1       labelled pictures of many rooms and cameras (COCO)
"""


def main(argv: Sequence[str] | None = None) -> int:
    """The command; returns the exit status."""
    options = _parser().parse_args(argv)
    cv2.setNumThreads(1)
    try:
        return _images(options)
    except MetricaError as error:
        return _say(error, _USAGE_ERROR)
    except OSError as error:
        return _say(f"{error.filename or 'a file'}: {error.strerror or error}", _FAILED)
    except KeyboardInterrupt:
        return _INTERRUPTED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "metrica-sim", description=_ABOUT, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--images", metavar="DIR", help="write labelled pictures and annotations.json (COCO) into this folder")
    add("--count", type=int, default=100, metavar="N", help="how many pictures (100)")
    add("--seed", type=int, metavar="N", help="of the pictures: the same seed makes the same (1)")
    add("--test", action="store_true", help="pictures for measuring, of seeds that are never trained on (90000)")
    add("--width", type=int, default=640, metavar="PX", help="of the pictures (640)")
    add("--height", type=int, default=360, metavar="PX", help="of the pictures (360)")
    add("--backgrounds", metavar="DIR", help="photographs without people, for every second scene")
    add("--list", metavar="FILE", help="use only the photographs that this file names, one a line")
    add("--quiet", action="store_true", help="no progress")
    add("--version", action="version", version=f"%(prog)s {__version__}")
    return parser


def _images(options: argparse.Namespace) -> int:
    if not options.images:
        raise ParameterError("images", "say what to make: --images DIR; metrica-sim --help shows how")
    seed = options.seed if options.seed is not None else RESERVED[0] if options.test else 1
    if not 0 <= seed < RESERVED[1]:
        raise ParameterError("seed", f"--seed must lie between 0 and {RESERVED[1] - 1}, not {seed}")
    if (seed >= RESERVED[0]) != options.test:
        raise ParameterError(
            "seed",
            f"the seeds from {RESERVED[0]} on are kept for measuring, so that no detector is trained on them: "
            + ("with --test give one of those" if options.test else "give a smaller one, or --test"),
        )
    for name, low, high in (("count", 1, 1_000_000), ("width", 64, 4096), ("height", 64, 4096)):
        if not low <= getattr(options, name) <= high:
            raise ParameterError(name, f"--{name} must lie between {low} and {high}, not {getattr(options, name)}")
    chosen = Path(options.list).read_text(encoding="utf-8").split() if options.list else None

    def show(done: int) -> None:
        if not options.quiet and (done % 50 == 0 or done == options.count):
            sys.stderr.write(f"\r{done} of {options.count} pictures")
            sys.stderr.flush()

    people = write_images(
        Path(options.images), options.count, seed, options.width, options.height,
        Path(options.backgrounds) if options.backgrounds else None, chosen, show,
        "test" if options.test else "train",
    )  # fmt: skip
    if not options.quiet:
        sys.stderr.write(f", {people} people labelled in {options.images}/annotations.json\n")
    return 0


def _say(error: object, status: int) -> int:
    sys.stderr.write(f"metrica-sim: {error}\n")
    return status


if __name__ == "__main__":
    sys.exit(main())
