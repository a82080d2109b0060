"""The event that is counted: somebody crossed a line."""

from __future__ import annotations

from typing import ClassVar, Literal

from metrica.messages.message import Message, message
from metrica.messages.text import ShortText

Direction = Literal["in", "out"]
"""The direction of a crossing, seen from the store."""


@message
class Crossing(Message):
    """One person crossed one line once. No field can hold a picture or an identity.

    `header.camera` is the camera, and `header.stamp` is when the counter was sure of the crossing. `boot` and `uptime`
    stay on the box: they let it correct `time` when its clock is set later.
    """

    version: ClassVar[int] = 2

    id: ShortText
    """The event's id: unique for ever, and the same each time the event is sent. So sending it twice is harmless."""
    line: ShortText
    """The line's name, unique within its camera."""
    direction: Direction
    """In which direction the line was crossed: "in" is into the store."""
    track: int
    """The track's id; it means nothing after a few seconds."""
    time: int
    """When the line was crossed, nanoseconds since 1970-01-01 UTC, by the clock as it was set then."""
    boot: int = 0
    """A random number that the machine has from its start to its end; 0: unknown."""
    uptime: int = 0
    """When the line was crossed, nanoseconds since the machine's start, time asleep included; 0 in a recording."""
