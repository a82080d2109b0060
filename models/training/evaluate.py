"""`python -m metrica.models.training.evaluate`: measures AP at IoU 0.5 of checkpoints and models."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from metrica.models import find_model
from metrica.models.library import Model
from metrica.models.network import Network
from metrica.models.training.pictures import LabelledPicture, Picture, read_labelled
from metrica.models.training.score import Matched, average_precision, interval, match

Detect = Callable[[Picture], tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]]
"""A function from a picture to boxes [N, 4] and scores [N], with all boxes from a score of 0.01 on."""
_MIN_SCORE = 0.01


def detector(model: Model, threads: int = 0) -> Detect:
    """A function that runs a model on a picture of any size.

    OpenCV resizes the pictures here, in the way of the detector node (nearest pixel where a picture shrinks): there the
    network resizes, and would be compiled anew for each size.
    """
    network = Network(model, hint="LATENCY", threads=threads)
    width, height = model.card.input.size

    def detect(picture: Picture) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        rows, columns = picture.shape[:2]
        interpolation = cv2.INTER_NEAREST if min(columns / width, rows / height) >= 0.88 else cv2.INTER_LINEAR
        found = network.infer(
            np.asarray(cv2.resize(picture, (width, height), interpolation=interpolation), np.uint8), _MIN_SCORE
        )
        return found.boxes * np.array([columns / width, rows / height] * 2, np.float32), found.scores

    return detect


def scored(detect: Detect, pictures: list[LabelledPicture]) -> list[Matched]:
    """Run a detector on pictures, and match its boxes to the labels."""
    return [match(*detect(picture.read()), picture.boxes, picture.flags) for picture in pictures]


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m metrica.models.training.evaluate", description=__doc__)
    parser.add_argument("models", nargs="+", help="a checkpoint (.pt), a model's name, or an .xml")
    parser.add_argument("--pictures", type=Path, action="append", required=True, metavar="DIR")
    parser.add_argument(
        "--split", default="val", help="which split to use; all pictures of a folder without it (default: %(default)s)"
    )
    options = parser.parse_args(arguments)
    for folder in options.pictures:
        pictures = read_labelled(folder, options.split) or read_labelled(folder)
        for model in options.models:
            with tempfile.TemporaryDirectory() as scratch:
                if model.endswith(".pt"):
                    from metrica.models.training.export import from_checkpoint  # only this needs PyTorch

                    chosen = from_checkpoint(Path(model), Path(scratch))
                else:
                    chosen = find_model(model)
                found = scored(detector(chosen), pictures)
            low, high = interval(found)
            print(
                f"{folder.name:16} {Path(model).name:30} AP50 {average_precision(found):.3f}  ({low:.3f} to {high:.3f})"
            )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
