"""The time between two frames, as the motion model of a tracker needs it."""

from __future__ import annotations

from dataclasses import dataclass, field

REFERENCE_FPS = 30.0
"""Frames per second for which the papers give their constants; ours are scaled from there by time."""


@dataclass(slots=True)
class FrameClock:
    """Turns the times of frames into steps, seconds, that are never negative and never endless."""

    longest: float = 10.0
    """Longest step, seconds. A longer pause counts as this long: nobody is still where they were."""
    frames: int = field(default=0, init=False)
    """How many frames there have been."""
    _last: float | None = field(default=None, init=False)
    """Time of the frame before."""
    _usual: float = field(default=1.0 / REFERENCE_FPS, init=False)
    """Running mean of the steps, seconds; pauses of a second or more are left out."""

    def step(self, time: float) -> float:
        """Count a frame and return the seconds since the one before; 0 for the first.

        If the time stands still or goes back (the clock was set, a clip starts again), the step is a usual one,
        because a picture did arrive. It is never longer than `longest`.
        """
        self.frames += 1
        last, self._last = self._last, time
        if last is None:
            return 0.0
        if not time > last:
            return self._usual
        step = time - last
        if step < 1.0:
            self._usual += 0.1 * (step - self._usual)
        return min(step, self.longest)
