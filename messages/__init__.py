"""The messages that nodes send to each other: frozen dataclasses, one file for each, and the msgpack codec.

A class of your own becomes a message with the decorator `message`; docs/messages.md describes fields and wire format.
"""

from metrica.messages.arrays import ArraySpec, Boxes, Counts, Ids, Image, Scores
from metrica.messages.codec import check_message, decode, encode
from metrica.messages.crossing import Crossing, Direction
from metrica.messages.detections import Detections, Thresholds
from metrica.messages.errors import DecodeError, MetricaError
from metrica.messages.frame import Frame, FrameRef
from metrica.messages.header import Header
from metrica.messages.health import Health
from metrica.messages.message import Message, message, message_type
from metrica.messages.occupancy import Occupancy
from metrica.messages.text import ShortText
from metrica.messages.tracks import Tracks
from metrica.messages.visit import Visit

__all__ = [
    "ArraySpec",
    "Boxes",
    "Counts",
    "Crossing",
    "DecodeError",
    "Detections",
    "Direction",
    "Frame",
    "FrameRef",
    "Header",
    "Health",
    "Ids",
    "Image",
    "Message",
    "MetricaError",
    "Occupancy",
    "Scores",
    "ShortText",
    "Thresholds",
    "Tracks",
    "Visit",
    "check_message",
    "decode",
    "encode",
    "message",
    "message_type",
]
