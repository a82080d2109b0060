"""How long somebody stayed in a zone."""

from __future__ import annotations

from metrica.messages.message import Message, message
from metrica.messages.text import ShortText


@message
class Visit(Message):
    """One person was in one zone once, from `entered` to `left`. No field can hold a picture or an identity.

    `header.camera` is the camera, and `header.stamp` is when the counter was sure that the visit was over.
    """

    id: ShortText
    """The event's id: unique for ever, and the same each time the event is sent. So sending it twice is harmless."""
    zone: ShortText
    """The zone's name, unique within its camera."""
    track: int
    """The id of the track that was last seen in the zone; it means nothing after a few seconds."""
    entered: int
    """When the person crossed the zone's border inwards, or was first seen inside; nanoseconds since 1970-01-01 UTC."""
    left: int
    """When the person crossed the border outwards, or was last seen inside; nanoseconds since 1970-01-01 UTC."""
