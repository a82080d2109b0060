"""The event that is counted: somebody crossed a line."""

from __future__ import annotations

from typing import Literal

from metrica.messages.message import Message, message
from metrica.messages.text import ShortText

Direction = Literal["in", "out"]
"""The direction of a crossing, seen from the store."""


@message
class Crossing(Message):
    """One person crossed one line once. No field can hold a picture or an identity.

    `header.camera` is the camera, and `header.stamp` is when the counter was sure of the crossing.
    """

    id: ShortText
    """The event's id: unique for ever, and the same each time the event is sent. So sending it twice is harmless."""
    line: ShortText
    """The line's name, unique within its camera."""
    direction: Direction
    """In which direction the line was crossed: "in" is into the store."""
    track: int
    """The track's id; it means nothing after a few seconds."""
    time: int
    """When the line was crossed, nanoseconds since 1970-01-01 UTC."""
