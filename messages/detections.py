"""The people that a detector found in one frame."""

from __future__ import annotations

from dataclasses import dataclass, field

from metrica.messages.arrays import Boxes, Scores, check_rows
from metrica.messages.message import Message, message


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """The scores at which a tracker uses a box. They differ by model: the model's card gives them."""

    new: float = 0.6
    """A box with this score or more may start a track."""
    keep: float = 0.5
    """A box with this score or more may continue a track (first association)."""
    low: float = 0.1
    """A box with a score from this up to `keep` may continue a track that has no box yet (second association)."""


@message
class Detections(Message):
    """The people in one frame, uncertain ones included, down to the score `thresholds.low`.

    A message without rows says that nobody was found.

    Raises:
        ValueError: There are not as many scores as boxes.
    """

    boxes: Boxes
    """x1, y1, x2, y2 in pixels of the frame, float32 [N, 4]."""
    scores: Scores
    """From 0 to 1, float32 [N]."""
    size: tuple[int, int]
    """Width and height of the frame, pixels."""
    thresholds: Thresholds = field(default_factory=Thresholds)
    """The scores that suit the model, from its card."""

    def __post_init__(self) -> None:
        check_rows(boxes=self.boxes, scores=self.scores)
