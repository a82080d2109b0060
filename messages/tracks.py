"""The people that a tracker follows, as seen in one frame."""

from __future__ import annotations

from metrica.messages.arrays import Boxes, Counts, Ids, Scores, check_rows
from metrica.messages.message import Message, message


@message
class Tracks(Message):
    """The confirmed tracks that were seen in one frame. Row i of each array belongs to the same person.

    An id names a person for a few seconds, and only together with `header.epoch`: a tracker that is restarted begins
    again at 1. A message without rows says that nobody was seen.

    Raises:
        ValueError: The arrays have different numbers of rows.
    """

    boxes: Boxes
    """x1, y1, x2, y2 in pixels of the frame, float32 [N, 4]."""
    ids: Ids
    """Track ids, int64 [N]."""
    scores: Scores
    """Scores of the detections, from 0 to 1, float32 [N]."""
    ages: Counts
    """Frames since the track began, int32 [N]; the first frame is 1."""
    size: tuple[int, int]
    """Width and height of the frame, pixels."""

    def __post_init__(self) -> None:
        check_rows(boxes=self.boxes, ids=self.ids, scores=self.scores, ages=self.ages)
