"""Rates: choose frames that are evenly spaced, and measure how often something happens. Times are in seconds."""

from __future__ import annotations

from collections import deque


class RateGate:
    """Chooses frames by their times so that they come at a target rate: of 30 frames/s, say, 8 evenly spaced ones."""

    def __init__(self, fps: float) -> None:
        """fps: target rate, frames per second; 0 chooses every frame."""
        self._period = 1 / fps if fps > 0 else 0.0
        self._due: float | None = None
        """Time from which the next frame is wanted."""

    def wants(self, time: float) -> bool:
        """Whether to keep the frame taken at `time`. If the time goes back or jumps ahead, the rhythm starts anew."""
        if self._period == 0:
            return True
        if self._due is None or abs(time - self._due) > 2 * self._period:
            self._due = time + self._period
            return True
        # Up to a quarter of a period early is on time. Otherwise a camera whose frames come at the target rate with
        # some jitter would lose every other frame.
        if time < self._due - self._period / 4:
            return False
        self._due += self._period
        return True


class RateMeter:
    """Measures how often something has happened in the last few seconds."""

    def __init__(self, seconds: float = 5.0) -> None:
        """seconds: length of the window that is measured."""
        self._seconds = seconds
        self._times: deque[float] = deque()

    def tick(self, time: float) -> float:
        """Note that it happened at `time`; return the rate per second, 0 if it is the only time in the window."""
        self._times.append(time)
        while time - self._times[0] > self._seconds:
            self._times.popleft()
        span = time - self._times[0]
        return (len(self._times) - 1) / span if span > 0 else 0.0
