"""A program of its own that writes events, as an ingest does: `python -m tests.dashboard.database.sender PLACE …`."""

from __future__ import annotations

import sys
from pathlib import Path

from metrica.dashboard.database.places import is_address
from metrica.dashboard.store.database import Database
from tests.dashboard.footfall import event

STEP = 20
"""Events of one batch."""
MONTH = 30 * 24 * 3600 * 10**9


def numbers(batch: int) -> range:
    """The numbers of the events of a batch; half of them were in the batch before too."""
    return range(batch * STEP // 2, batch * STEP // 2 + STEP)


def main() -> None:
    """Write batches to some stores, several at once, and print the store and number of each that is on the disk."""
    place, first, last, *stores = sys.argv[1:]
    with Database(place if is_address(place) else Path(place)) as database:
        print("ready", flush=True)
        sys.stdin.readline()
        for batch in range(int(first), int(last)):
            waiting = [
                (store, database.events.add(store, [event(n, (n % 7) * MONTH + n) for n in numbers(batch)]))
                for store in stores
            ]
            for store, added in waiting:
                result = added.result(60)
                assert result.accepted + result.duplicates == STEP
                print(store, batch, result.accepted, flush=True)


if __name__ == "__main__":
    main()
