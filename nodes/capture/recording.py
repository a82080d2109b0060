"""What a recording is to the camera node: a video file, a folder of pictures, a simulated camera."""

from __future__ import annotations

from typing import Protocol

from metrica.messages import Image


class Recording(Protocol):
    """A sequence of pictures: a video file, a folder, a simulation."""

    live: bool
    """Whether pictures that are due already are skipped, as with a real camera."""

    index: int
    """The number of the picture of the last `grab`; the first is 0."""
    announced: int
    """How many pictures it claims to have; 0 if unknown."""

    def grab(self) -> float | None:
        """Go to the next picture without converting it. Returns its seconds from the start, or None at the end."""
        ...

    def picture(self) -> Image | None:
        """The picture of the last `grab`, or None if it is damaged."""
        ...

    @property
    def step(self) -> float:
        """Seconds from one picture to the next, at the nominal rate."""
        ...

    @property
    def complaint(self) -> str:
        """After the end: what was wrong with the recording, in one sentence; empty if nothing was."""
        ...

    def close(self) -> None: ...
