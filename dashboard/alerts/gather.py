"""What is known of each store, read from the database for the rules."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date

from metrica.dashboard.alerts.alert import Alert, Key
from metrica.dashboard.alerts.hours import UsualHours, hour_of, once, opened_since
from metrica.dashboard.alerts.rules import DAY, SECOND, BoxSeen, Counted, StoreSeen
from metrica.dashboard.boxes.table import Box, BoxTable
from metrica.dashboard.kpis.store import Store
from metrica.dashboard.people.details_table import DetailsTable
from metrica.dashboard.reports.reports import Reports
from metrica.dashboard.reports.views import calendar_of
from metrica.dashboard.store.database import Database

_MEMORY = 8 << 20  # bytes, for the reports
_COVERAGE = 7 * DAY
_SETTLE = 5 * 60 * SECOND
"""How long after an hour it is looked at: what was counted in its last minutes has arrived."""
_MOST_HOURS = 2000
"""Stores whose usual hours are kept in memory."""


class Gatherer:
    """Reads what is known. It keeps in memory what changes seldom."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._boxes = BoxTable(database)
        self._details = DetailsTable(database)
        self._reports = Reports(database, max_memory=_MEMORY)
        self._usual: dict[str, tuple[date, str, UsualHours]] = {}
        self._counted: dict[str, tuple[int, Counted | None]] = {}
        self._seen: dict[str, dict[str, BoxSeen]] = {}
        self._heard = 0

    def stores(self, now: int, on: Mapping[Key, Alert]) -> Iterator[StoreSeen]:
        """Return what is known of each store. on: the alerts that are on."""
        self._read_boxes(now)
        uploads = dict(self._database.rows("SELECT store, time FROM uploads"))
        zero = {store for store, kind, _ in on if kind == "count_zero"}
        blind = {(store, camera): alert.since for (store, kind, camera), alert in on.items() if kind == "camera_blind"}
        stores = self._database.stores.all()
        self._forget({store.id for store in stores})
        for store in stores:
            boxes = tuple(self._seen.get(store.id, {}).values())
            coverage: dict[str, int] = {}
            if not boxes and store.id in uploads:
                coverage = {camera: since for (of, camera), since in blind.items() if of == store.id}
                coverage |= self._coverage(store, now)
            yield StoreSeen(
                store.id,
                boxes,
                coverage,
                uploads.get(store.id),
                once(lambda store=store: self._open_since(store, now)),  # type: ignore[misc]
                self._last_hour(store, now, again=store.id in zero),
            )

    def _read_boxes(self, now: int) -> None:
        """Read the boxes that have said hello since the last time, and forget those that were removed."""
        if self._heard > now:  # the clock was set back: what is new is older than what is known
            self._heard = 0
        for box in self._boxes.heard_since(self._heard):
            self._seen.setdefault(box.store, {})[box.box] = seen_of(box)
            self._heard = max(self._heard, box.heard)
        there: dict[str, set[str]] = {}
        for store, name in self._database.rows("SELECT store, box FROM boxes"):
            there.setdefault(store, set()).add(name)
        for store, names in self._seen.items():
            for name in names.keys() - there.get(store, set()):
                del names[name]

    def _forget(self, stores: set[str]) -> None:
        for known in (self._seen, self._usual, self._counted):
            for store in known.keys() - stores:
                del known[store]

    def _coverage(self, store: Store, now: int) -> dict[str, int]:
        spans = self._database.coverage.since(store.id, now - _COVERAGE)
        return {camera: max(end for _, end in found) for camera, found in spans.items() if found}

    def _open_since(self, store: Store, now: int) -> int | None:
        opening = self._details.get(store.id).hours
        if opening is not None:
            return opened_since(opening, store.timezone, now)
        return self._usual_hours(store, now).open_since(now)

    def _usual_hours(self, store: Store, now: int) -> UsualHours:
        """Return a store's usual hours, computed once for each business day."""
        calendar = calendar_of(store)
        day, settings = calendar.day_of(now), str(store)
        known = self._usual.get(store.id)
        if known is None or known[:2] != (day, settings):
            if len(self._usual) >= _MOST_HOURS:
                self._usual.pop(next(iter(self._usual)))
            known = self._usual[store.id] = (day, settings, UsualHours.of(calendar, self._reports.heat_map(store, now)))
        return known[2]

    def _last_hour(self, store: Store, now: int, *, again: bool) -> Counted | None:
        """Return what was counted in the last whole hour: looked at once for each hour, or `again` and again."""
        calendar = calendar_of(store)
        begun = hour_of(calendar, now - _SETTLE)
        looked = self._counted.get(store.id)
        if looked is not None and looked[0] == begun and not again:
            return looked[1]
        start = hour_of(calendar, begun - 1)
        history = self._database.events.history(store.id)
        found: Counted | None = None
        if history is not None and history.last < start:
            hour = calendar.local(start).hour
            # At `begun`, the hour is the last one of the business day so far; there is none just after the cut-off.
            rows = [row for row in self._reports.hourly(store, now) if row.hour == hour]
            same_day = calendar.day_of(start) == calendar.day_of(now)
            found = Counted(
                start,
                hour,
                self._usual_hours(store, now).visitors(start),
                rows[-1].today if rows and same_day else None,
                rows[-1].missing if rows and same_day else 1.0,
                history.last,
            )
        self._counted[store.id] = (begun, found)
        return found


def seen_of(box: Box) -> BoxSeen:
    """Return what the rules need of a box."""
    launch = box.heard - round((box.hello.up_s or 0.0) * SECOND)
    looked = {camera: launch if at is None else at for camera, at in box.looked.items()}
    return BoxSeen(box.box, box.first_heard, box.heard, looked, box.hello.disk_free, box.hello.disk_total)
