"""How many people are inside, from events of which some are missing: a Bayesian filter over the head count.

The shop is an M/M/infinity queue seen through an imperfect counter. Each person inside leaves at the rate 1 / mean
stay; each crossing is missed, or counted for nothing, with a small known probability. The state is the whole
distribution of (mean stay, people inside), so the answer comes with its uncertainty, cannot be negative, and a ghost
(somebody whose leaving was missed) fades as it becomes unlikely that they are still there. Beside the probabilities
runs the expected number of person-seconds so far, given all that was seen ("forward smoothing"): divided by the
visits it is the mean stay (Little's law), whatever the distribution of the stays is.

Papers: Rabiner, "A tutorial on hidden Markov models", 1989 (the filter); Elliott, Aggoun and Moore, "Hidden Markov
Models", 1995, section 7 (the integral along with it); Little, "A proof for the queuing formula L = lambda W", 1961.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

WINDOW = 128
"""Head counts that are considered at one time; the window follows the crowd."""
SURE = 0.9
"""With this probability the truth is within the margin."""

_STEPS = np.linspace(-2.0, 2.0, 7)  # the mean stays that are considered, in spreads around the expected one
_LEAST_EXTRA = 1e-3  # an event that cannot be is a mistake of the counter, however good that is
_MOST_PARTS = 40
# When people leave says how many are inside, but the rate at which they leave is not quite theirs alone: they come in
# groups, and in a rush nobody has been in for long. It is known to about a quarter of itself (squared: 0.08), beside
# which the evidence of a crowd, whose own fluctuations are small, counts for less.
_UNEVEN = 0.08


@dataclass(frozen=True, slots=True)
class ErrorRates:
    """Of the true crossings, what share is missed; of the counted ones, what share never happened."""

    missed_in: float = 0.02
    missed_out: float = 0.02
    extra_in: float = 0.0
    extra_out: float = 0.0

    def __post_init__(self) -> None:
        if not all(0 <= rate <= 0.5 for rate in (self.missed_in, self.missed_out, self.extra_in, self.extra_out)):
            raise ValueError(f"an error rate is a share from 0 to 0.5, not as in {self}: measure it with metrica-eval")


@dataclass(frozen=True, slots=True)
class Stay:
    """What is expected of the mean stay before the day's first event."""

    seconds: float = 900.0
    spread: float = 0.7
    """Standard deviation of the logarithm."""
    weight: float = 0.0
    """The expectation counts as much as so many visits of the day itself."""


@dataclass(frozen=True, slots=True)
class Inside:
    """People in the store. With probability `SURE` the truth differs by at most `margin`."""

    people: int
    margin: int


class Headcount:
    """The filter. Times are seconds on any one clock, and never go back."""

    def __init__(self, time: float, rates: ErrorRates, stay: Stay) -> None:
        """The shop is empty at `time`."""
        self.time = time
        self._rates = rates
        self._leave = np.exp(-stay.spread * _STEPS)[:, None] / stay.seconds
        prior = np.exp(-(_STEPS**2) / 2)
        # [0] probabilities, [1] the same times the expected person-seconds: [2, mean stays, head counts].
        self._state = np.zeros((2, len(_STEPS), WINDOW))
        self._state[0, :, 0] = prior / prior.sum()
        self._base = 0

    def copy(self) -> Headcount:
        """One that goes its own way from here."""
        other = object.__new__(Headcount)
        other.time, other._rates, other._leave, other._base = self.time, self._rates, self._leave, self._base
        other._state = self._state.copy()
        return other

    @property
    def chances(self) -> npt.NDArray[np.float64]:
        """The probabilities of the head counts in the window, float64 [WINDOW]; their sum is 1."""
        chances: npt.NDArray[np.float64] = self._state[0].sum(axis=0)
        return chances

    @property
    def inside(self) -> Inside:
        """The median, which has the smallest expected error in people, and how far the truth may be from it."""
        chances = self.chances
        middle, margin = self.middle - self._base, 0
        covered = chances[middle]
        while covered < SURE and margin < WINDOW:
            margin += 1
            covered = chances[max(0, middle - margin) : middle + margin + 1].sum()
        return Inside(self.middle, margin)

    @property
    def middle(self) -> int:
        """The median of the people inside."""
        return self._base + int(np.searchsorted(np.cumsum(self.chances), 0.5 - 1e-9))

    @property
    def mean(self) -> float:
        """The expected number of people inside."""
        return float((self.chances * self._people).sum())

    @property
    def person_seconds(self) -> float:
        """The expected sum of all stays so far, of those still inside too, given everything seen, seconds."""
        return float(self._state[1].sum())

    def move_to(self, time: float, sight: float = 1.0, arrivals: float = 0.0) -> None:
        """Nothing was counted until then.

        sight: the share of the doors that were watched. arrivals: people per second who came in unseen on average.
        """
        seconds = time - self.time
        if seconds <= 0:
            return
        self.time = time
        seen = sight * (1 - self._rates.missed_out)
        changes = (1 - seen) * float(self._leave.mean()) * (self.mean + 1) + arrivals
        parts = min(_MOST_PARTS, 1 + int(seconds * changes / 0.2))
        for _ in range(parts):
            self._wait(seconds / parts, seen, arrivals)

    def came_in(self) -> None:
        """An IN was counted: nearly always one person more; rarely none, or another one who was missed."""
        none, two = self._rates.extra_in, self._rates.missed_in
        before = self._state
        after = none * before
        after[..., 1:] += (1 - none) * (1 - two) * before[..., :-1]
        after[..., 2:] += (1 - none) * two * before[..., :-2]
        self._keep(after)

    def went_out(self) -> None:
        """An OUT was counted: the more people are inside, the more likely that was."""
        rate = (1 - self._rates.missed_out) * self._leave
        trust = self._trust
        gone = self._state * (rate * self._people) ** trust
        after = self._state * (max(self._rates.extra_out, _LEAST_EXTRA) * (rate * max(1.0, self.mean)) ** trust)
        after[..., :-1] += gone[..., 1:]
        self._keep(after)

    def set_empty(self) -> None:
        """Nobody is inside, whatever the events say."""
        chance = self._state[0, :, 0].sum() if self._base == 0 else 0.0
        # An empty shop that was quite possible teaches something of the hours before; one that was not, nothing.
        known = self._state[..., 0] if chance > 1e-3 else self._state.sum(axis=2)
        after = np.zeros_like(self._state)
        after[..., 0] = known
        self._base = 0
        self._keep(after)

    @property
    def _trust(self) -> float:
        return 1 / (1 + _UNEVEN * self.mean)

    @property
    def _people(self) -> npt.NDArray[np.float64]:
        return np.arange(self._base, self._base + WINDOW, dtype=np.float64)

    def _wait(self, seconds: float, seen: float, arrivals: float) -> None:
        people = self._people
        leaving = seconds * self._leave * people
        after = self._state * np.exp(-self._trust * seen * leaving)
        after[1] += after[0] * people * seconds
        gone = after * np.minimum((1 - seen) * leaving, 0.5)
        after -= gone
        after[..., :-1] += gone[..., 1:]
        if arrivals:
            came = after * min(0.5, arrivals * seconds)
            after -= came
            after[..., 1:] += came[..., :-1]
        self._keep(after)

    def _keep(self, state: npt.NDArray[np.float64]) -> None:
        total = state[0].sum()
        if not (total > 0 and math.isfinite(total)):
            # Everything possible has become impossible: the crowd left the window, or the shop the model.
            state = self._state
            total = state[0].sum()
        self._state = state / total
        place = self.mean - self._base
        if place > 0.75 * WINDOW or (self._base > 0 and place < 0.25 * WINDOW):
            base = max(0, self._base + round(place) - WINDOW // 2)
            moved = np.zeros_like(self._state)
            by = base - self._base
            if by > 0:
                moved[..., : WINDOW - by] = self._state[..., by:]
            else:
                moved[..., -by:] = self._state[..., : WINDOW + by]
            self._state, self._base = moved / moved[0].sum(), base
