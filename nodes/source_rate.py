"""Choose frames at a steady rate, and know the stale ones. Pure: all times are given, in seconds."""

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


class Freshness:
    """Finds frames that have waited on their way, so that a hiccup of the network leaves no lasting delay.

    A frame is stale if it arrives later, measured on the camera's own clock, than the quickest frame before it.
    """

    LATE = 0.5  # seconds
    PATIENCE = 3.0  # seconds of nothing but stale frames: then the camera's timestamps are not to be believed
    DRIFT = 0.001  # how much faster or slower the camera's clock may run

    def __init__(self) -> None:
        self.trusted = True
        self._quickest: float | None = None
        self._time = self._arrival = 0.0
        self._stale_since: float | None = None

    def is_stale(self, time: float, arrival: float) -> bool:
        """time: the frame's timestamp from the camera. arrival: when we got it, on our clock."""
        delay = arrival - time
        jumped = not 0 < time - self._time < 5
        if self._quickest is None or jumped:
            self._quickest = delay
        else:
            self._quickest = min(delay, self._quickest + self.DRIFT * (arrival - self._arrival))
        self._time, self._arrival = time, arrival
        if delay - self._quickest <= self.LATE or not self.trusted:
            self._stale_since = None
            return False
        self._stale_since = arrival if self._stale_since is None else self._stale_since
        self.trusted = arrival - self._stale_since < self.PATIENCE
        return self.trusted


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
