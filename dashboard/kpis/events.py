"""Many crossings of one store as arrays: what every figure is computed from."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

SECOND = 1_000_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE

IN, OUT = 1, -1


@dataclass(frozen=True, slots=True, eq=False)
class Events:
    """Many crossings of one store: what every KPI is computed from.

    times: int64 [N], ns UTC, ascending. signs: int8 [N], 1 in and -1 out. Of two crossings at the very same
    time the IN comes first, so that the result does not depend on the order in which they arrived.
    """

    times: npt.NDArray[np.int64]
    signs: npt.NDArray[np.int8]

    @classmethod
    def from_pairs(cls, pairs: Iterable[tuple[int, int]]) -> Events:
        """From (time, sign) pairs in any order."""
        listed = list(pairs)
        times = np.fromiter((pair[0] for pair in listed), np.int64, len(listed))
        signs = np.fromiter((pair[1] for pair in listed), np.int8, len(listed))
        order = np.lexsort((-signs, times))
        return cls(times[order], signs[order])

    def merged(self, other: Events) -> Events:
        """Both together."""
        if not len(other):
            return self
        times = np.concatenate((self.times, other.times))
        signs = np.concatenate((self.signs, other.signs))
        order = np.lexsort((-signs, times))
        return Events(times[order], signs[order])

    def between(self, since: int, until: int) -> Events:
        """Those with `since` <= time < `until`."""
        first, last = np.searchsorted(self.times, (since, until))
        return Events(self.times[first:last], self.signs[first:last])

    def begins_with(self, other: Events) -> bool:
        """Whether the first of these are exactly the others."""
        n = len(other)
        return (
            n <= len(self)
            and np.array_equal(self.times[:n], other.times)
            and np.array_equal(self.signs[:n], other.signs)
        )

    def count(self, sign: int) -> int:
        """How many are IN (1) or OUT (-1)."""
        return int(np.count_nonzero(self.signs == sign))

    def __len__(self) -> int:
        return len(self.times)
