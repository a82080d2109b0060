"""The figures of all stores: the HTTP API and the pages both ask here."""

from __future__ import annotations

import threading
from collections import OrderedDict
from datetime import date

from metrica.dashboard.kpis import footfall
from metrica.dashboard.kpis.store import Store
from metrica.dashboard.reports.store_reports import DAYS, ChartData, Headline, StoreReports
from metrica.dashboard.reports.views import WEEKS
from metrica.dashboard.store.database import Database

_MAX_MEMORY = 64 << 20  # bytes
_MAX_STORES = 1000


class Reports:
    """Computes the figures of the stores in a database. Safe to call from several threads.

    No store waits for the figures of another. What was read of a store stays in memory, until that of others needs
    the place: those that were asked last stay.
    """

    def __init__(self, database: Database, *, max_memory: int = _MAX_MEMORY) -> None:
        """max_memory: how much is kept of all stores together, bytes."""
        self._database = database
        self._max_memory = max_memory
        self._stores: OrderedDict[str, StoreReports] = OrderedDict()
        self._sizes: dict[str, int] = {}
        self._version = -1  # of the rows in memory
        self._lock = threading.Lock()

    @property
    def memory(self) -> int:
        """About how much memory the stores take, bytes."""
        with self._lock:
            return sum(self._sizes.values())

    def version(self) -> int:
        """Return a number that changes when rows are gone: no answer from before it is right any more."""
        return self._database.version()

    def revision(self, store: Store, now: int) -> str:
        """Return a text that changes whenever a chart may change: with each new event and each new minute."""
        return self._of(store).revision(store, now)

    def headline(self, store: Store, now: int) -> Headline:
        """Compute the figures that are one number each, at `now` (ns UTC)."""
        return self._of(store).headline(store, now)

    def charts(self, store: Store, now: int) -> ChartData:
        """Compute the figures of all charts, at `now` (ns UTC)."""
        return self._of(store).charts(store, now)

    def hourly(self, store: Store, now: int) -> list[footfall.HourRow]:
        """Count visitors per clock hour, today and a week ago, at `now` (ns UTC)."""
        return self._of(store).hourly(store, now)

    def daily(self, store: Store, now: int, days: int = DAYS) -> list[footfall.DayRow]:
        """Count visitors on each of the last `days` business days, at `now` (ns UTC)."""
        return self._of(store).daily(store, now, days)

    def daily_between(self, store: Store, now: int, first: date | None, last: date | None) -> list[footfall.DayRow]:
        """Count visitors on each business day of a period, at `now` (ns UTC); None: as far as anything is known."""
        return self._of(store).daily_between(store, now, first, last)

    def heat_map(self, store: Store, now: int, weeks: int = WEEKS) -> footfall.HeatMap:
        """Return mean visitors by weekday and clock hour over the last `weeks` (1 to `WEEKS`), at `now` (ns UTC)."""
        return self._of(store).heat_map(store, now, weeks)

    def _of(self, store: Store) -> StoreReports:
        """Return the reports of a store, and forget those that were not asked for longest if it gets too much."""
        version = self.version()  # before any row is read: what is removed after this is seen next time
        with self._lock:
            if version != self._version:  # rows are gone that are in memory, maybe a whole store
                self._stores.clear()
                self._sizes.clear()
                self._version = version
            found = self._stores.setdefault(store.id, StoreReports(self._database, version))
            self._stores.move_to_end(store.id)
            self._sizes[store.id] = found.memory
            total = sum(self._sizes.values())
            while (total > self._max_memory or len(self._stores) > _MAX_STORES) and len(self._stores) > 1:
                name, _ = self._stores.popitem(last=False)
                total -= self._sizes.pop(name)
            return found
