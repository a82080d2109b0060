"""The crossings of a store as arrays: every figure is computed from them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

SECOND = 1_000_000_000
"""A second in nanoseconds."""
MINUTE = 60 * SECOND
"""A minute in nanoseconds."""
QUARTER = 15 * MINUTE
"""A quarter of an hour in nanoseconds: the hours and days of every time zone are whole quarters (UTC)."""
HOUR = 60 * MINUTE
"""An hour in nanoseconds."""
END_OF_TIME = 1 << 62
"""A time (ns UTC) later than any event."""

IN, OUT = 1, -1
"""The sign of a crossing: what it adds to the people inside."""


@dataclass(frozen=True, slots=True, eq=False)
class Events:
    """Times and directions of crossings, in order of time.

    Of two crossings at the same nanosecond the IN comes first, so the order of arrival does not change any figure.
    """

    times: npt.NDArray[np.int64]
    """When each crossing happened, ns UTC, ascending; int64 [N]."""
    signs: npt.NDArray[np.int8]
    """`IN` or `OUT` for each crossing; int8 [N]."""

    @classmethod
    def from_pairs(cls, pairs: Iterable[tuple[int, int]]) -> Events:
        """Make events from (time, sign) pairs in any order."""
        listed = list(pairs)
        times = np.fromiter((pair[0] for pair in listed), np.int64, len(listed))
        signs = np.fromiter((pair[1] for pair in listed), np.int8, len(listed))
        order = np.lexsort((-signs, times))
        return cls(times[order], signs[order])

    def merged(self, other: Events) -> Events:
        """Return the events of both."""
        if not len(other):
            return self
        times = np.concatenate((self.times, other.times))
        signs = np.concatenate((self.signs, other.signs))
        order = np.lexsort((-signs, times))
        return Events(times[order], signs[order])

    def between(self, since: int, until: int) -> Events:
        """Return the events with `since` <= time < `until`."""
        first, last = np.searchsorted(self.times, (since, until))
        return Events(self.times[first:last], self.signs[first:last])

    def common_start(self, other: Events) -> int:
        """Return how many events, from the first on, are the same in both."""
        n = min(len(self), len(other))
        different = (self.times[:n] != other.times[:n]) | (self.signs[:n] != other.signs[:n])
        return int(different.argmax()) if different.any() else n

    def before(self, until: int) -> Events:
        """Return the events with time < `until`."""
        return self.between(0, until)

    def entered(self, edges: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Count the INs between each two neighbours of `edges` (ns UTC, ascending); int64 [len(edges) - 1]."""
        within = self.between(int(edges[0]), int(edges[-1]))
        return np.diff(np.searchsorted(within.times[within.signs == IN], edges))

    def crossings(self, start: int, end: int) -> int:
        """How many there are with `start` <= time < `end`."""
        return len(self.between(start, end))

    def count(self, sign: int) -> int:
        """How many are IN (1) or OUT (-1)."""
        return int(np.count_nonzero(self.signs == sign))

    def __len__(self) -> int:
        return len(self.times)


NO_EVENTS = Events.from_pairs(())
