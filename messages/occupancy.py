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
    """How many are in it, those included who have been out of sight for a moment."""
    loitering: int
    """How many of them have been there for longer than the threshold."""
    longest: float
    """For how long the one who has been there longest has been there, seconds; 0 where nobody is."""
