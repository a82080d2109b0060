"""The people that a tracker follows, as seen in one frame."""

from __future__ import annotations

from metrica.messages.arrays import Boxes, Counts, Ids, Scores, check_rows
from metrica.messages.message import Message, message


@message
class Tracks(Message):
    """The confirmed tracks that were seen in this frame; row i of every array is the same person.

    An id names a person for a few seconds and only together with `header.epoch`: a tracker that
    restarts begins again at 1. A message without rows says that nobody was seen.
    Raises ValueError unless all arrays have the same number of rows.
    """

    boxes: Boxes
    ids: Ids
    scores: Scores
    ages: Counts
    """Frames since the track was born, the first is 1."""
    size: tuple[int, int]
    """Width and height of the frame, pixels."""

    def __post_init__(self) -> None:
        check_rows(boxes=self.boxes, ids=self.ids, scores=self.scores, ages=self.ages)
