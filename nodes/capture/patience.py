"""How long to wait for a camera. Pure: all times are arguments, in seconds."""

from __future__ import annotations

from collections import deque


class Patience:
    """How long an open camera may send nothing before it is given up: a multiple of the longest gap between two of its
    own latest pictures. So a fast camera is missed soon, and a slow one is not taken for a lost one.

    Args:
        longest: The longest such wait, and the wait for the first picture.
        fps: The frame rate that the camera announces; 0 if it is not known.
    """

    SHORTEST = 2.0
    """Shortest wait for the next picture, seconds."""
    TIMES = 4.0
    """The wait is so many times the longest gap."""
    BEGINNING = 5.0
    """Shortest wait while fewer than `FEW` gaps are known, seconds."""
    FEW = 5
    """So many gaps show the camera's own rate."""
    LATEST = 100
    """So many gaps are remembered."""

    def __init__(self, longest: float, fps: float = 0.0) -> None:
        self._longest = longest
        self._announced = 1 / fps if 0.01 <= fps <= 1000 else 0.0
        self._gaps: deque[float] = deque(maxlen=self.LATEST)
        self._last: float | None = None

    def picture(self, time: float) -> None:
        """Note that a picture arrived at this time."""
        if self._last is not None:
            self._gaps.append(time - self._last)
        self._last = time

    @property
    def began(self) -> bool:
        """Whether there was a picture."""
        return self._last is not None

    @property
    def limit(self) -> float:
        """How long the next picture may take, counted from the last one."""
        if self._last is None:
            return self._longest
        shortest = self.SHORTEST if len(self._gaps) >= self.FEW else self.BEGINNING
        gap = max(self._announced, *self._gaps) if self._gaps else self._announced
        return min(self._longest, max(shortest, self.TIMES * gap))


class OpeningTime:
    """How long an attempt to open a camera may take.

    Until the camera has been open once: the whole `longest`. From then on three times as long as it took, at least 5
    seconds, so that an attempt that began while the camera was away does not outlast its return by much. Each tenth
    attempt has the whole time, for a camera that has become slower.
    """

    SHORTEST = 5.0
    """Shortest limit, seconds."""

    def __init__(self, longest: float) -> None:
        self._longest = longest
        self._took: float | None = None
        self._attempts = 0

    def next(self) -> float:
        """The limit of the next attempt, seconds."""
        self._attempts += 1
        if self._took is None or self._attempts % 10 == 0:
            return self._longest
        return min(self._longest, max(self.SHORTEST, 3 * self._took))

    def opened(self, took: float) -> None:
        """Note that an attempt succeeded, after so many seconds."""
        self._took = took
        self._attempts = 0
