"""How many people crossed the lines of a store between two times: from events, or from sums per quarter of an hour."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from metrica.dashboard.kpis.events import NO_EVENTS, QUARTER, Events

Int64s = npt.NDArray[np.int64]


class Counts(Protocol):
    """Crossings that can be counted. Figures need nothing else of past days."""

    def entered(self, edges: Int64s) -> Int64s:
        """Count the INs between each two neighbours of `edges` (ns UTC, ascending); int64 [len(edges) - 1]."""
        ...

    def crossings(self, start: int, end: int) -> int:
        """Count the INs and OUTs with `start` <= time < `end`, ns UTC; both are whole quarters of an hour."""
        ...

    def before(self, until: int) -> Counts:
        """Return those before a time of today, ns UTC."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Quarters:
    """INs and OUTs of a store per quarter of an hour; quarters without any are left out."""

    starts: Int64s
    """When each quarter begins, ns UTC, ascending; int64 [N]."""
    ins: Int64s
    """INs up to the beginning of each quarter, and in the end all; int64 [N + 1]."""
    outs: Int64s
    """The same for OUTs."""

    @classmethod
    def from_rows(cls, rows: Iterable[tuple[int, int, int]]) -> Quarters:
        """Make them of (start, INs, OUTs) in order."""
        listed = np.array([(0, 0, 0), *rows], np.int64)
        return cls(listed[1:, 0].copy(), np.cumsum(listed[:, 1]), np.cumsum(listed[:, 2]))

    @property
    def memory(self) -> int:
        """How much memory they take, bytes."""
        return self.starts.nbytes + self.ins.nbytes + self.outs.nbytes

    def before(self, until: int) -> Quarters:
        """Return the quarters that begin before `until`, ns UTC."""
        n = int(np.searchsorted(self.starts, until))
        return Quarters(self.starts[:n], self.ins[: n + 1], self.outs[: n + 1])

    def entered(self, edges: Int64s) -> Int64s:
        """Count the INs between each two neighbours of `edges`, which are whole quarters."""
        counts: Int64s = np.diff(self.ins[np.searchsorted(self.starts, edges)])
        return counts

    def left(self, edges: Int64s) -> Int64s:
        """Count the OUTs between each two neighbours of `edges`, which are whole quarters."""
        counts: Int64s = np.diff(self.outs[np.searchsorted(self.starts, edges)])
        return counts

    def crossings(self, start: int, end: int) -> int:
        """Count the INs and OUTs of the quarters from `start` up to `end`."""
        first, last = np.searchsorted(self.starts, (start, max(start, end)))
        return int(self.ins[last] - self.ins[first] + self.outs[last] - self.outs[first])


@dataclass(frozen=True, slots=True, eq=False)
class PastAndToday:
    """Sums of the past and events of today, counted as one."""

    past: Quarters
    """The quarters before today."""
    today: Events
    """The events from the beginning of today on."""
    piece: Events = NO_EVENTS
    """The events of one quarter of the past, so that it can be cut anywhere."""

    def before(self, until: int) -> PastAndToday:
        """Return those before a time of today, ns UTC."""
        return PastAndToday(self.past, self.today.before(until), self.piece)

    def entered(self, edges: Int64s) -> Int64s:
        """Count the INs between each two neighbours of `edges`: whole quarters, or times in `today` or `piece`."""
        return self._past_entered(edges) + self.today.entered(edges)

    def crossings(self, start: int, end: int) -> int:
        """Count the INs and OUTs with `start` <= time < `end`."""
        return self.past.crossings(start, end) + self.today.crossings(start, end)

    def _past_entered(self, edges: Int64s) -> Int64s:
        totals = self.past.ins[np.searchsorted(self.past.starts, edges - edges % QUARTER)]
        for place in np.flatnonzero(edges % QUARTER):
            edge = int(edges[place])
            start = edge - edge % QUARTER
            within = int(self.past.entered(np.array((start, start + QUARTER)))[0])
            # Where the events are gone, people are taken to have come evenly.
            known = int(self.piece.entered(np.array((start, start + QUARTER)))[0]) == within
            part = self.piece.entered(np.array((start, edge)))[0] if known else within * (edge - start) // QUARTER
            totals[place] += part
        counts: Int64s = np.diff(totals)
        return counts
