"""The people that a detector found in one frame."""

from __future__ import annotations

from dataclasses import dataclass, field

from metrica.messages.arrays import Boxes, Scores, check_rows
from metrica.messages.message import Message, message


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """The scores that suit one model, from its card; a tracker takes them from the detections it is given."""

    new: float = 0.6
    """A box at or above may start a track."""
    keep: float = 0.5
    """A box at or above continues a track (first association)."""
    low: float = 0.1
    """A box from here up to `keep` may continue a track that found nothing better (second association)."""


@message
class Detections(Message):
    """Every person in one frame, the doubtful ones included (down to `thresholds.low`).

    Raises ValueError unless there is one score per box.
    """

    boxes: Boxes
    scores: Scores
    size: tuple[int, int]
    """Width and height of the frame, pixels."""
    thresholds: Thresholds = field(default_factory=Thresholds)

    def __post_init__(self) -> None:
        check_rows(boxes=self.boxes, scores=self.scores)
