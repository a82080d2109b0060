"""Find the frames that arrive too late. Pure: all times are arguments, in seconds."""

from __future__ import annotations


class Freshness:
    """Finds stale frames: those that have waited in a queue on their way to us.

    Skipping them keeps a short stall of the network from delaying all later frames.
    The delay of a frame is its arrival on our clock minus its timestamp on the camera's clock. A frame is stale if its
    delay exceeds the smallest delay so far by more than `LATE` seconds.
    """

    LATE = 0.5
    """A frame is stale if its delay exceeds the smallest one by more than this, in seconds."""
    PATIENCE = 3.0
    """After so many seconds of stale frames only, the camera's timestamps are no longer trusted."""
    DRIFT = 0.001
    """How much faster or slower than ours the camera's clock may run: the smallest delay grows by this per second."""

    def __init__(self) -> None:
        self.trusted = True
        """Whether the camera's timestamps are used; once False, no frame counts as stale any more."""
        self._quickest: float | None = None
        self._time = self._arrival = 0.0
        self._stale_since: float | None = None

    def is_stale(self, time: float, arrival: float) -> bool:
        """Whether this frame is stale. time: its timestamp on the camera's clock. arrival: when it arrived, on ours."""
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
