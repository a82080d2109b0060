"""How long somebody stayed in a zone."""

from __future__ import annotations

from metrica.messages.message import Message, message
from metrica.messages.text import ShortText


@message
class Visit(Message):
    """One person was in one zone once, from `entered` to `left`. It holds neither a picture nor an identity.

    `header.camera` says which camera, `header.stamp` when the visit was surely over.
    """

    id: ShortText
    """Unique for ever, and the same however often the event is sent: the key that makes sending it twice harmless."""
    zone: ShortText
    """The zone's name, unique within its camera."""
    track: int
    """The temporary id of the track that was last seen in the zone, meaningless after a few seconds."""
    entered: int
    """When the zone's border was passed inwards, or the person first seen inside; nanoseconds UTC."""
    left: int
    """When the border was passed outwards, or the person last seen inside; nanoseconds UTC."""
