"""How many people are in a zone."""

from __future__ import annotations

from metrica.messages.message import Message, message
from metrica.messages.text import ShortText


@message
class Occupancy(Message):
    """The people in one zone at `header.stamp`."""

    zone: ShortText
    """The zone's name, unique within its camera."""
    people: int
    """How many people are in the zone, those who were not seen for a moment included."""
    loitering: int
    """How many of them have been in the zone for longer than the threshold."""
    longest: float
    """The longest time that one of them has been in the zone, seconds; 0 if nobody is in it."""
