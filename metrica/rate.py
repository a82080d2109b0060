"""Rates: choose frames evenly spaced, and measure how often something happens. All times are given, in seconds."""

from __future__ import annotations

from collections import deque


class RateGate:
    """Lets frames through at a target rate by their times, so that 30 frames per second become 8 evenly spaced ones.

    fps: frames per second, 0 lets all through.
    """

    def __init__(self, fps: float) -> None:
        self._period = 1 / fps if fps > 0 else 0.0
        self._due: float | None = None

    def wants(self, time: float) -> bool:
        """Whether to keep the frame of this time; times must not go back, or the rhythm starts anew."""
        if self._period == 0:
            return True
        if self._due is None or abs(time - self._due) > 2 * self._period:
            self._due = time + self._period
            return True
        # A quarter of a period early is in time: a camera at just the target rate jitters around it,
        # and would else lose every other frame.
        if time < self._due - self._period / 4:
            return False
        self._due += self._period
        return True


class RateMeter:
    """How often something happens, over the last few seconds."""

    def __init__(self, seconds: float = 5.0) -> None:
        self._seconds = seconds
        self._times: deque[float] = deque()

    def tick(self, time: float) -> float:
        """Note one more at this time; the rate per second, 0 until there are two."""
        self._times.append(time)
        while time - self._times[0] > self._seconds:
            self._times.popleft()
        span = time - self._times[0]
        return (len(self._times) - 1) / span if span > 0 else 0.0
