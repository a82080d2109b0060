"""Occupancy and mean dwell in a simulated shop whose counter misses 2 % of the crossings, beside the plain sums.

    python -m benchmarks.occupancy [--days 100] [--seeds 3]

A shop of 200 visitors a day, open for ten hours with two rushes; stays are log-normal with a mean of 18 minutes, and
who is inside at closing time leaves within ten minutes. Each crossing is missed with a probability of 2 %. The
estimator sees the events that were counted, those of up to 28 days before, and nothing else: not the true mean stay,
and not the error rate (it believes what a new installation believes). What could be tuned was tuned with other seeds.

Its error is taken every minute from opening until ten minutes after closing. `at close` is what it says at the empty
hour, an hour after closing, and `just before` the most it said a moment earlier. The first line is the first weeks of a
new shop, the others begin with 28 days.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from benchmarks.harness import figure
from metrica.dashboard.kpis.events import HOUR, IN, MINUTE, OUT, SECOND, Events
from metrica.dashboard.kpis.history import DAYS, PastDay, calibrate, mean_dwell_of_day
from metrica.dashboard.kpis.occupancy import DayContext, DayReplay
from metrica.dashboard.kpis.sessions import fifo_sessions

DAY = 24 * HOUR
OPEN, CLOSE, EMPTY = 9 * HOUR, 19 * HOUR, 20 * HOUR
RUSH = (4, 8, 10, 9, 6, 6, 9, 13, 14, 8)
"""How the visitors spread over the hours."""
MEAN_STAY, SIGMA = 1080.0, 0.6


@dataclass(frozen=True, slots=True)
class Store:
    """How a simulated shop is."""

    name: str
    visitors: int = 200
    missed_in: float = 0.02
    missed_out: float = 0.02
    stays: str = "log-normal"
    mean_stay: float = MEAN_STAY


@dataclass(frozen=True, slots=True)
class SimulatedDay:
    """What happened, and what was counted; ns, from midnight."""

    came: np.ndarray[tuple[int], np.dtype[np.int64]]
    left: np.ndarray[tuple[int], np.dtype[np.int64]]
    stay: float
    counted: Events


@dataclass
class Errors:
    """Of many days: people, and percent of the mean stay."""

    people: list[float] = field(default_factory=list[float])
    plain: list[float] = field(default_factory=list[float])
    covered: list[float] = field(default_factory=list[float])
    lowest: int = 0
    late: int = 0
    """Most people seen in the empty shop just before its empty hour."""
    at_close: int = 0
    plain_at_close: int = 0
    stays: list[tuple[float, float, float]] = field(default_factory=list[tuple[float, float, float]])
    """True, ours and first-in-first-out, for each day."""

    def dwell(self, way: int) -> float:
        """By how many percent the mean over all days is off."""
        true, *found = np.mean(self.stays, axis=0)
        return float(100 * abs(found[way] / true - 1))

    def one_day(self, way: int) -> float:
        """By how many percent a day is off on average."""
        stays = np.array(self.stays)
        return float(100 * np.abs(stays[:, 1 + way] / stays[:, 0] - 1).mean())


def simulate(store: Store, rng: np.random.Generator) -> SimulatedDay:
    """One day."""
    n = rng.poisson(store.visitors)
    hour = rng.choice(len(RUSH), n, p=np.array(RUSH) / sum(RUSH))
    came = OPEN + (hour + rng.uniform(0, 1, n)) * HOUR
    if store.stays == "exponential":
        stays = rng.exponential(store.mean_stay, n)
    elif store.stays == "two kinds":
        stays = np.where(
            rng.uniform(0, 1, n) < 0.5,
            rng.exponential(0.3 * store.mean_stay, n),
            rng.lognormal(np.log(1.62 * store.mean_stay), 0.3, n),
        )
    else:
        stays = rng.lognormal(np.log(store.mean_stay) - SIGMA**2 / 2, SIGMA, n)
    left = np.minimum(came + stays * SECOND, CLOSE + rng.uniform(0, 10, n) * MINUTE)
    left = np.maximum(left, came + 5 * SECOND)
    a, b = came.astype(np.int64), left.astype(np.int64)
    pairs = [(t, IN) for t in a[rng.uniform(0, 1, n) >= store.missed_in].tolist()]
    pairs += [(t, OUT) for t in b[rng.uniform(0, 1, n) >= store.missed_out].tolist()]
    return SimulatedDay(np.sort(a), np.sort(b), float((b - a).mean()) / SECOND, Events.from_pairs(pairs))


def days_of(store: Store, seed: int, days: int, before: int) -> Iterator[tuple[list[PastDay], SimulatedDay]]:
    """Each day with what was counted on the days before it, `before` of which are over when the first begins."""
    rng = np.random.default_rng(seed)
    past: list[PastDay] = []
    for n in range(before + days):
        day = simulate(store, rng)
        if n >= before:
            yield past[-DAYS:], day
        seen = day.counted
        past.append(PastDay(seen.count(IN), seen.count(OUT), mean_dwell_of_day(seen)))


def measure(store: Store, seed: int, days: int, before: int = DAYS) -> Errors:
    """The errors over so many days."""
    errors = Errors()
    for past, day in days_of(store, seed, days, before):
        calibration = calibrate(past)
        replay = DayReplay(OPEN - HOUR, calibration, DayContext(empty_times=(EMPTY,)))
        off: list[int] = []
        margins: list[int] = []
        minutes = np.arange(OPEN, CLOSE + 10 * MINUTE, MINUTE)
        truth = np.searchsorted(day.came, minutes, "right") - np.searchsorted(day.left, minutes, "right")
        for minute, real in zip(minutes.tolist(), truth.tolist(), strict=True):
            inside = replay.totals_at(day.counted, minute).occupancy
            errors.lowest = min(errors.lowest, inside.people)
            off.append(inside.people - real)
            margins.append(inside.margin)
        before_empty, evening = replay.totals_at(day.counted, EMPTY - 1), replay.totals_at(day.counted, EMPTY)
        plain = np.append(0, np.cumsum(day.counted.signs, dtype=np.int64))
        steps = np.searchsorted(day.counted.times, minutes, "right")
        errors.people.append(float(np.abs(off).mean()))
        errors.plain.append(float(np.abs(plain[steps] - truth).mean()))
        errors.covered.append(float((np.abs(off) <= np.array(margins)).mean()))
        errors.late = max(errors.late, before_empty.occupancy.people)
        errors.at_close = max(errors.at_close, evening.occupancy.people)
        errors.plain_at_close = max(errors.plain_at_close, abs(int(plain[-1])))
        fifo = [(s.end - s.start) / SECOND for s in fifo_sessions(day.counted)]
        errors.stays.append((day.stay, evening.mean_dwell(calibration) or 0.0, float(np.mean(fifo or [0.0]))))
    return errors


def report(store: Store, seed: int, days: int, before: int = DAYS) -> Errors:
    """Measure, and print a line."""
    errors = measure(store, seed, days, before)
    print(
        f"  {store.name:38} people off by {np.mean(errors.people):.2f} (plain sum {np.mean(errors.plain):.2f}), "
        f"within the margin {100 * np.mean(errors.covered):.0f} %, lowest {errors.lowest}, "
        f"at close {errors.at_close} (just before {errors.late}, plain {errors.plain_at_close}); "
        f"mean stay off by {errors.dwell(0):.1f} % (plain FIFO {errors.dwell(1):.1f} %), "
        f"one day's by {errors.one_day(0):.1f} % ({errors.one_day(1):.1f} %)",
        flush=True,
    )
    return errors


SHOPS = (
    Store("40 visitors a day", visitors=40),
    Store("1000 visitors a day", visitors=1000),
    Store("stays of 40 minutes", mean_stay=2400),
    Store("exponential stays", stays="exponential"),
    Store("half stay 5 minutes, half 30", stays="two kinds"),
    Store("4 % of the INs missed, no OUT", missed_in=0.04, missed_out=0.0),
    Store("5 % missed both ways", missed_in=0.05, missed_out=0.05),
)
"""What the goals do not ask for."""


def measure_all(days: int = 100, seeds: int = 3) -> list[Errors]:
    """Measure, and print the table; the standard shop's errors, for `print_figures`."""
    print(f"\noccupancy and dwell, {days} days each")
    report(Store("a new shop's first days"), 99, min(days, DAYS), before=0)
    runs = [report(Store(f"200 visitors a day, seed {seed}"), seed, days) for seed in range(1000, 1000 + seeds)]
    for store in SHOPS:
        report(store, 2000, max(1, days // (20 if store.visitors > 500 else 5)))
    off = [run.dwell(0) for run in runs]
    print(f"  mean stay over {days} days: off by {np.mean(off):.2f} % on average, worst {max(off):.2f} %")
    exact = all(run.at_close == 0 for run in runs)
    print(f"  never below zero: {all(run.lowest == 0 for run in runs)}; empty at close: {exact}")
    return runs


def print_figures(runs: list[Errors]) -> None:
    """The two figures, the worst of the seeds each, and those of the plain ways beside them."""
    off = [run.dwell(0) for run in runs]
    figure("occupancy_mae", max(float(np.mean(run.people)) for run in runs), "people", goal="<= 1")
    figure("occupancy_mae_plain_sum", max(float(np.mean(run.plain)) for run in runs), "people", goal="more than ours")
    figure("dwell_mean_error_percent", max(off), "%", goal="<= 5")
    figure("dwell_mean_error_percent_plain_fifo", max(run.dwell(1) for run in runs), "%", goal="more than ours")
    figure("dwell_one_day_error_percent", max(run.one_day(0) for run in runs), "%", goal="<= 5")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--days", type=int, default=100, help="days of each simulated shop (default: %(default)s)")
    parser.add_argument("--seeds", type=int, default=3, help="shops with other dice (default: %(default)s)")
    args = parser.parse_args()
    print_figures(measure_all(args.days, args.seeds))


if __name__ == "__main__":
    main()
