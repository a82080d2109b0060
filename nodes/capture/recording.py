"""What a recording is to the camera node: a video file, a folder of pictures, a simulated camera."""

from __future__ import annotations

from typing import Protocol

from metrica.messages import Image


class Recording(Protocol):
    """Pictures one after the other: a video file, a folder, a simulation."""

    live: bool
    """Whether pictures that come too late are left out, as a camera would."""

    index: int
    """Which picture the last `grab` went to; the first is 0."""
    announced: int
    """How many pictures it says it has, 0 if it does not say."""

    def grab(self) -> float | None:
        """Go to the next picture without converting it: its seconds from the beginning, or None at the end."""
        ...

    def picture(self) -> Image | None:
        """The picture that `grab` went to, None if it is damaged."""
        ...

    @property
    def step(self) -> float:
        """Seconds from one picture to the next, as far as the recording tells."""
        ...

    @property
    def complaint(self) -> str:
        """After the end: what was wrong with it in one sentence, empty if nothing was."""
        ...

    def close(self) -> None: ...
