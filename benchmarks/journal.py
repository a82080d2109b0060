"""What a journal of a million events costs: to open, to append to, to count, to read from.

    python -m benchmarks.journal [--events 1000000] [--folder DIR]

Each time is beside the same for a journal of ten thousand events on the same disk: the ratio should be near 1.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

from metrica.journal import Journal

_ROUNDS = 15
_PAYLOAD = bytes(150)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=1_000_000, help="how many unsent events (default: %(default)s)")
    parser.add_argument("--folder", type=Path, help="where to make the journals (default: a temporary folder)")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=args.folder) as folder:
        small, large = Path(folder) / "small.db", Path(folder) / "large.db"
        fill(small, 10_000)
        seconds = fill(large, args.events)
        size = large.stat().st_size
        each = size / args.events
        print(f"{args.events} events: {size / 1e6:.0f} MB, {each:.0f} bytes each, filled in {seconds:.0f} s")
        few, many = measure(small), measure(large)
        for name in few:
            times = f"{many[name] * 1e3:9.2f} ms   ten thousand events: {few[name] * 1e3:7.2f} ms"
            print(f"{name:24}{times}   ratio {many[name] / few[name]:.2f}")


def fill(path: Path, count: int) -> float:
    """Append so many events, and return how many seconds that took."""
    begin = time.perf_counter()
    with Journal(path) as journal:
        for first in range(0, count, 20_000):
            journal.append_many(
                (f"door:main:1764300000:{n}", "Crossing", _PAYLOAD) for n in range(first, min(count, first + 20_000))
            )
    return time.perf_counter() - begin


def measure(path: Path) -> dict[str, float]:
    """The median of each operation, in seconds."""

    def open_and_close() -> None:
        Journal(path).close()

    found = {"open and close": seconds(open_and_close)}
    with Journal(path) as journal:
        new = iter(range(10**9))
        found["append (with fsync)"] = seconds(lambda: journal.append(f"{path.stem}-{next(new)}", "Crossing", _PAYLOAD))
        found["counts"] = seconds(journal.counts)
        found["unsent(200)"] = seconds(lambda: journal.unsent(200))
        found["mark_sent of 200"] = seconds(lambda: journal.mark_sent([e.id for e in journal.unsent(200)]))
        found["prune (nothing is old)"] = seconds(lambda: journal.prune(86_400))
        found["fold (nothing is old)"] = seconds(lambda: journal.fold(86_400))
        found["a slice of the check"] = seconds(lambda: journal.check(500))
    return found


def seconds(work: Callable[[], object]) -> float:
    """The median of some rounds."""
    times: list[float] = []
    for _ in range(_ROUNDS):
        begin = time.perf_counter()
        work()
        times.append(time.perf_counter() - begin)
    return median(times)


if __name__ == "__main__":
    main()
