"""Know the frames that come too late. Pure: all times are given, in seconds."""

from __future__ import annotations


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
