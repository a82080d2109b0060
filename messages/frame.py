"""A picture from a camera, and the reference that travels in its place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import field

from metrica.messages.arrays import Image
from metrica.messages.message import Message, message


def _always() -> bool:
    return True


@message
class Frame(Message):
    """One picture. Between processes it lies in shared memory: read it during the callback, copy what you keep."""

    image: Image
    """Blue, green, red, uint8 [height, width, 3]; read-only when it lies in shared memory."""
    intact: Callable[[], bool] = field(default=_always, repr=False, compare=False, metadata={"wire": False})
    """False once the publisher has written another frame over these pixels: throw away what was made of them."""


@message
class FrameRef(Message):
    """Where a frame lies in a ring of shared memory (`metrica.transport.frames`); nodes get the Frame instead."""

    ring: str
    """Path of the ring's file under /dev/shm."""
    slot: int
    generation: int
    """How often the slot has been written; another value in the slot means that the frame is gone."""
    shape: tuple[int, ...]
    dtype: str
