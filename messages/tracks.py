"""The people that a tracker follows, as seen in one frame."""

from __future__ import annotations

from metrica.messages.arrays import Boxes, Counts, Ids, Scores
from metrica.messages.message import Message, message


@message
class Tracks(Message):
    """The confirmed tracks that were seen in this frame; row i of every array is the same person.

    An id names a person for a few seconds and only together with `header.epoch`: a tracker that
    restarts begins again at 1. A message without rows says that nobody was seen.
    """

    boxes: Boxes
    ids: Ids
    scores: Scores
    ages: Counts
    """Frames since the track was born, the first is 1."""
    size: tuple[int, int]
    """Width and height of the frame, pixels."""
