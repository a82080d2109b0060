"""A picture from a camera, and the reference that is sent in its place between processes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import field

from metrica.messages.arrays import Image
from metrica.messages.message import Message, message


def _always() -> bool:
    return True


@message
class Frame(Message):
    """One picture. Between processes it is in shared memory: use it during the callback, and copy what you keep."""

    image: Image
    """Blue, green, red, uint8 [height, width, 3]; read-only when it is in shared memory."""
    intact: Callable[[], bool] = field(default=_always, repr=False, compare=False, metadata={"wire": False})
    """Returns False when the publisher has written another frame over these pixels: do not use any result from them.
    It is not sent."""


@message
class FrameRef(Message):
    """Where a frame is in a ring of shared memory (`metrica.transport.frames`). Nodes receive the Frame itself."""

    ring: str
    """Path of the ring's file under /dev/shm."""
    slot: int
    """Which slot of the ring, from 0."""
    generation: int
    """The slot's generation while it holds this frame; another value means that it was overwritten."""
    shape: tuple[int, ...]
    """The picture's shape: height, width, 3."""
    dtype: str
    """The picture's element type, "uint8"."""
