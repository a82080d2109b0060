"""The event that everything is for: somebody crossed a line."""

from __future__ import annotations

from typing import Literal

from metrica.messages.message import Message, message
from metrica.messages.text import ShortText

Direction = Literal["in", "out"]


@message
class Crossing(Message):
    """One person crossed one line once. There is no field that could hold a picture or an identity.

    `header.camera` says which camera, `header.stamp` when the counter became sure.
    """

    id: ShortText
    """Unique for ever, and the same however often the event is sent: the key that makes sending it twice harmless."""
    line: ShortText
    """The line's name, unique within its camera."""
    direction: Direction
    track: int
    """The temporary track id, meaningless after a few seconds."""
    time: int
    """When the line was passed, nanoseconds UTC."""
