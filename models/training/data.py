"""`python -m metrica.models.training.data`: makes shards of training samples from photographs and simulated scenes.

A sample is composed once (crop, scale, mosaic) and shown to the teacher once, whose output is stored with it. Training
uses it several times, with other colours each time. Shards can be added while training runs.
"""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from rich.progress import track

from metrica.models.training import compose
from metrica.models.training.grid import SIZE
from metrica.models.training.pictures import IGNORE, PERSON, Boxes, LabelledPicture, read_labelled
from metrica.models.training.shards import Writer
from metrica.models.training.teacher import Teacher, packed

SHARES = {
    "oi_person": 0.42, "coco_ids": 0.17, "coco_cap": 0.05, "oi_pcar": 0.08,
    "door_oi": 0.16, "voc_animal": 0.06, "grocery": 0.06,
}  # fmt: skip
"""How often each set of photographs is drawn: more often if its pictures are like a shop's entrance."""
_TEACHER_SURE = 0.35
"""The teacher's score from which on a box without a label becomes IGNORE."""
_PASTED = 0.15
"""Probability that one more person of another picture is pasted in."""
_SAMPLES_FOR_STATISTICS = 48


class Composer:
    """Draws pictures at random, sets by their shares, and composes samples of them.

    plain: samples are whole pictures, nothing is composed.
    """

    def __init__(
        self,
        pictures: list[LabelledPicture],
        shares: dict[str, float],
        rng: np.random.Generator,
        *,
        plain: bool = False,
    ) -> None:
        counts = Counter(picture.source for picture in pictures)
        weights = np.array([shares.get(picture.source, 0.05) / counts[picture.source] for picture in pictures])
        self._pictures, self._weights, self._rng = pictures, weights / weights.sum(), rng
        self._plain = plain

    def picture(self) -> compose.Sample:
        """A random picture, sometimes with people of other pictures pasted in, and its boxes [N, 5]."""
        out = self._drawn()
        while self._rng.random() < _PASTED:
            out = compose.pasted(out, self._drawn(), self._rng)
        return out

    def _drawn(self) -> compose.Sample:
        chosen = self._pictures[self._rng.choice(len(self._pictures), p=self._weights)]
        boxes = np.concatenate([chosen.boxes, chosen.flags[:, None].astype(np.float32)], axis=1)
        return chosen.read(), boxes

    def sample(self) -> compose.Sample:
        """A random sample in the size of the network's input."""
        if self._plain:
            return compose.resized(self._drawn(), SIZE)
        kind = self._rng.random()
        if kind < 0.3:
            return compose.mosaic(self.picture, SIZE, self._rng, across=3 if kind < 0.12 else 2)
        if kind < 0.75:
            return compose.random_crop(self.picture(), SIZE, self._rng)
        out = compose.resized(self.picture(), SIZE)
        return compose.flipped(out) if self._rng.random() < 0.5 else out


def with_ignored(boxes: Boxes, seen: Boxes) -> Boxes:
    """The labels [N, 5], and as IGNORE the people whom the teacher saw with a high score and no label covers.

    seen: the teacher's boxes with scores [M, 5].
    """
    confident = seen[seen[:, 4] >= _TEACHER_SURE]
    unlabelled = [box for box in confident if not len(boxes) or overlaps(box[:4], boxes[:, :4]).max() < 0.4]
    if not unlabelled:
        return boxes
    ignored = np.stack(unlabelled)
    ignored[:, 4] = IGNORE
    return np.concatenate([boxes, ignored])


def overlaps(box: npt.NDArray[np.float32], others: Boxes) -> npt.NDArray[np.float32]:
    """IoU of one box with others, [N]."""
    low, high = np.maximum(box[:2], others[:, :2]), np.minimum(box[2:], others[:, 2:])
    common = (high - low).clip(0).prod(1)
    both = (box[2:] - box[:2]).prod() + (others[:, 2:] - others[:, :2]).prod(1) - common
    return np.asarray(common / np.maximum(both, 1e-6), np.float32)


def statistics(path: Path, composer: Composer, teacher: Teacher) -> list[tuple[npt.NDArray[np.float32], ...]]:
    """Mean and standard deviation of the teacher's channels for each level; measured once, then read from a file."""
    if not path.exists():
        seen = [teacher(composer.sample()[0])[0] for _ in range(_SAMPLES_FOR_STATISTICS)]
        values: dict[str, npt.NDArray[np.float32]] = {}
        for level in range(3):
            stack = np.stack([maps[level] for maps in seen])
            values[f"mean{level}"] = stack.mean(axis=(0, 2, 3))
            values[f"deviation{level}"] = stack.std(axis=(0, 2, 3)) + 1e-3
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez(path, **values)  # type: ignore[arg-type]
    with np.load(path) as file:
        return [(file[f"mean{level}"], file[f"deviation{level}"]) for level in range(3)]


def make(composer: Composer, teacher: Teacher, path: Path, count: int, *, ignore_unlabelled: bool, title: str) -> None:
    """Write one shard of `count` samples. ignore_unlabelled: also use `with_ignored`."""
    scale = statistics(path.parent / "teacher.npz", composer, teacher)
    writer = Writer(path, count)
    for _ in track(range(count), title):
        picture, boxes = composer.sample()
        levels, seen = teacher(picture)
        labels = with_ignored(boxes, seen) if ignore_unlabelled else boxes
        writer.add(picture, labels, [packed(m, *s) for m, s in zip(levels, scale, strict=True)])
    writer.close()


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m metrica.models.training.data", description=__doc__)
    parser.add_argument("--pictures", type=Path, action="append", required=True, metavar="DIR",
                        help="a folder with annotations.json (COCO); repeat for more")  # fmt: skip
    parser.add_argument("--teacher", type=Path, required=True, help="person-detection-0203.xml")
    parser.add_argument("--out", type=Path, required=True, help="the folder for the shards")
    parser.add_argument("--name", default="photographs", help="the beginning of the shards' names")
    parser.add_argument(
        "--shards", default="0:8", metavar="FROM:TO", help="numbers of the shards to make; existing ones are kept"
    )
    parser.add_argument("--count", type=int, default=500, help="samples in a shard")
    parser.add_argument("--trust-labels", action="store_true",
                        help="the labels are complete, as in simulated scenes")  # fmt: skip
    parser.add_argument("--plain", action="store_true", help="whole pictures, nothing composed (for comparisons)")
    options = parser.parse_args(arguments)
    cv2.setNumThreads(1)
    pictures = [found for folder in options.pictures for found in read_labelled(folder, "train")]
    people = sum(int((picture.flags == PERSON).sum()) for picture in pictures)
    print(f"{len(pictures)} pictures, {people} people")
    teacher = Teacher(options.teacher)
    first, last = map(int, options.shards.split(":"))
    for number in range(first, last):
        path = options.out / f"{options.name}-{number:04d}.shard"
        if not path.exists():
            # The number is the seed, so that a shard does not depend on when and with which others it is made.
            rng = np.random.default_rng([7, number, len(options.name)])
            composer = Composer(pictures, SHARES, rng, plain=options.plain)
            make(composer, teacher, path, options.count, ignore_unlabelled=not options.trust_labels, title=path.stem)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
