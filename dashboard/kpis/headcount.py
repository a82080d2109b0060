"""How many people are inside, from crossings of which some were missed: a Bayesian filter over the head count.

The store is modelled as an M/M/infinity queue that an imperfect counter observes. Each person inside leaves at the
rate 1 / mean dwell; each crossing is missed, or counted although it never happened, with a small known probability.
The state is the whole distribution of (mean dwell, people inside). So the answer comes with its uncertainty and is
never negative. A person whose OUT was missed fades from the count as it becomes unlikely that they are still there.

The filter also carries the expected person-seconds so far, given everything observed ("forward smoothing"). Divided by
the number of visits they are the mean dwell (Little's law), whatever the distribution of the dwell times is.

Papers: Rabiner, "A tutorial on hidden Markov models", 1989 (the filter); Elliott, Aggoun and Moore, "Hidden Markov
Models", 1995, section 7 (the integral along with it); Little, "A proof for the queuing formula L = lambda W", 1961.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

WINDOW = 128
"""How many neighbouring head counts have a probability at one time; the window moves with the expected head count."""
CONFIDENCE = 0.9
"""Probability with which the true head count is within the margin."""

_DWELL_STEPS = np.linspace(-2.0, 2.0, 7)  # the mean dwells that are considered, in spreads from the expected one
_MIN_EXTRA = 1e-3  # lower bound of the rate of false OUTs: an OUT from an empty store must have some probability
_MAX_SUBSTEPS = 40
# Variance of the leaving rate, relative to the rate squared. People leave in groups, and in a rush nobody has been
# inside for long, so the rate differs from the model's by about a quarter of itself (0.28² = 0.08). The larger the
# head count, the more this outweighs its own random fluctuation, and the less the times of leaving say about it.
_RATE_VARIANCE = 0.08


@dataclass(frozen=True, slots=True)
class ErrorRates:
    """Error rates of a counter, per direction: shares from 0 to 0.5. Raises ValueError for anything else."""

    missed_in: float = 0.02
    """Share of the true INs that are not counted."""
    missed_out: float = 0.02
    """Share of the true OUTs that are not counted."""
    extra_in: float = 0.0
    """Share of the counted INs that never happened."""
    extra_out: float = 0.0
    """Share of the counted OUTs that never happened."""

    def __post_init__(self) -> None:
        if not all(0 <= rate <= 0.5 for rate in (self.missed_in, self.missed_out, self.extra_in, self.extra_out)):
            raise ValueError(f"an error rate is a share from 0 to 0.5, not as in {self}: measure it with metrica-eval")


@dataclass(frozen=True, slots=True)
class ExpectedDwell:
    """The mean dwell that is expected before the day's first event (a log-normal prior)."""

    seconds: float = 900.0
    """Median of the prior, seconds."""
    spread: float = 0.7
    """Standard deviation of the logarithm of the mean dwell."""
    weight: float = 0.0
    """How many visits of the day itself the expectation counts as much as."""


@dataclass(frozen=True, slots=True)
class Occupancy:
    """How many people are inside, and how sure that is."""

    people: int
    """Median of the head count; never negative."""
    margin: int
    """With probability `CONFIDENCE` the true head count differs from `people` by at most this."""


class Headcount:
    """The filter. Times are seconds on any one clock; they never go back."""

    MEMORY = 2 * len(_DWELL_STEPS) * WINDOW * 8
    """About how much memory one takes, bytes."""

    def __init__(self, time: float, rates: ErrorRates, dwell: ExpectedDwell) -> None:
        """Start with an empty store at `time`."""
        self.time = time
        """The time up to which everything is observed, seconds."""
        self._rates = rates
        self._leave_rates = np.exp(-dwell.spread * _DWELL_STEPS)[:, None] / dwell.seconds
        prior = np.exp(-(_DWELL_STEPS**2) / 2)
        # [2, mean dwells, head counts]. [0]: probabilities. [1]: probability times expected person-seconds.
        self._state = np.zeros((2, len(_DWELL_STEPS), WINDOW))
        self._state[0, :, 0] = prior / prior.sum()
        self._first = 0  # the head count that the window begins with

    def copy(self) -> Headcount:
        """Return an independent copy of the filter."""
        other = object.__new__(Headcount)
        other.time, other._rates = self.time, self._rates
        other._leave_rates, other._first = self._leave_rates, self._first
        other._state = self._state.copy()
        return other

    @property
    def probabilities(self) -> npt.NDArray[np.float64]:
        """Probability of each head count in the window, float64 [WINDOW]; their sum is 1."""
        probabilities: npt.NDArray[np.float64] = self._state[0].sum(axis=0)
        return probabilities

    @property
    def occupancy(self) -> Occupancy:
        """The median, which has the smallest expected absolute error, and its margin."""
        probabilities = self.probabilities
        middle, margin = self.median - self._first, 0
        covered = probabilities[middle]
        while covered < CONFIDENCE and margin < WINDOW:
            margin += 1
            covered = probabilities[max(0, middle - margin) : middle + margin + 1].sum()
        return Occupancy(self.median, margin)

    @property
    def median(self) -> int:
        """Median of the people inside."""
        return self._first + int(np.searchsorted(np.cumsum(self.probabilities), 0.5 - 1e-9))

    @property
    def mean(self) -> float:
        """Expected number of people inside."""
        return float((self.probabilities * self._head_counts).sum())

    @property
    def person_seconds(self) -> float:
        """Expected sum of all dwell times so far, given everything observed, seconds.

        The time so far of the people who are still inside is included.
        """
        return float(self._state[1].sum())

    def advance(self, time: float, seen_share: float = 1.0, arrival_rate: float = 0.0) -> None:
        """Move on to `time`; no crossing was counted since the last step.

        seen_share: share of the crossings that the cameras could see, 0 to 1.
        arrival_rate: people per second who came in without being seen, on average.
        """
        seconds = time - self.time
        if seconds <= 0:
            return
        self.time = time
        counted_share = seen_share * (1 - self._rates.missed_out)
        unseen_changes = (1 - counted_share) * float(self._leave_rates.mean()) * (self.mean + 1) + arrival_rate
        substeps = min(_MAX_SUBSTEPS, 1 + int(seconds * unseen_changes / 0.2))
        for _ in range(substeps):
            self._elapse(seconds / substeps, counted_share, arrival_rate)

    def came_in(self) -> None:
        """Update with a counted IN: nearly always one person more; none if it was false, two if one more was missed."""
        false_in, second_missed = self._rates.extra_in, self._rates.missed_in
        before = self._state
        after = false_in * before
        after[..., 1:] += (1 - false_in) * (1 - second_missed) * before[..., :-1]
        after[..., 2:] += (1 - false_in) * second_missed * before[..., :-2]
        self._set_state(after)

    def went_out(self) -> None:
        """Update with a counted OUT: one person fewer. It is more likely the more people are inside."""
        rate = (1 - self._rates.missed_out) * self._leave_rates
        weight = self._evidence_weight
        left = self._state * (rate * self._head_counts) ** weight
        after = self._state * (max(self._rates.extra_out, _MIN_EXTRA) * (rate * max(1.0, self.mean)) ** weight)
        after[..., :-1] += left[..., 1:]
        self._set_state(after)

    def set_empty(self) -> None:
        """Update with certain knowledge that nobody is inside."""
        probability = self._state[0, :, 0].sum() if self._first == 0 else 0.0
        # If an empty store was plausible, it says something about the dwell and the hours before. If it was not, the
        # distribution of the mean dwell stays as it is.
        empty = self._state[..., 0] if probability > 1e-3 else self._state.sum(axis=2)
        after = np.zeros_like(self._state)
        after[..., 0] = empty
        self._first = 0
        self._set_state(after)

    @property
    def _evidence_weight(self) -> float:
        """Exponent, 0 to 1, on the likelihood of leaving times: see `_RATE_VARIANCE`."""
        return 1 / (1 + _RATE_VARIANCE * self.mean)

    @property
    def _head_counts(self) -> npt.NDArray[np.float64]:
        """The head counts of the window, float64 [WINDOW]."""
        return np.arange(self._first, self._first + WINDOW, dtype=np.float64)

    def _elapse(self, seconds: float, counted_share: float, arrival_rate: float) -> None:
        """Update with a short time in which no OUT was counted, and people may have come and left uncounted."""
        head_counts = self._head_counts
        leaving = seconds * self._leave_rates * head_counts
        after = self._state * np.exp(-self._evidence_weight * counted_share * leaving)
        after[1] += after[0] * head_counts * seconds
        left = after * np.minimum((1 - counted_share) * leaving, 0.5)
        after -= left
        after[..., :-1] += left[..., 1:]
        if arrival_rate:
            came = after * min(0.5, arrival_rate * seconds)
            after -= came
            after[..., 1:] += came[..., :-1]
        self._set_state(after)

    def _set_state(self, state: npt.NDArray[np.float64]) -> None:
        """Store the state with probabilities that sum to 1, and move the window if the mean comes near its edge."""
        total = state[0].sum()
        if not (total > 0 and math.isfinite(total)):
            # No head count in the window explains the observation: ignore it.
            state = self._state
            total = state[0].sum()
        self._state = state / total
        place = self.mean - self._first
        if place > 0.75 * WINDOW or (self._first > 0 and place < 0.25 * WINDOW):
            first = max(0, self._first + round(place) - WINDOW // 2)
            moved = np.zeros_like(self._state)
            by = first - self._first
            if by > 0:
                moved[..., : WINDOW - by] = self._state[..., by:]
            else:
                moved[..., -by:] = self._state[..., : WINDOW + by]
            self._state, self._first = moved / moved[0].sum(), first
