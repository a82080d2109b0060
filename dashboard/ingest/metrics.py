"""Metrics of the ingest for Prometheus. Each application has a registry of its own."""

from __future__ import annotations

import math
from functools import partial

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from metrica.dashboard.alerts.alert import KINDS
from metrica.dashboard.alerts.notices import NoticeTable
from metrica.dashboard.boxes.table import BoxTable
from metrica.dashboard.database.errors import DatabaseError
from metrica.dashboard.store.database import Database
from metrica.dashboard.webhooks.table import Webhooks

_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Metrics:
    """Counters of one ingest application: requests and their outcome, and no footfall."""

    def __init__(self, database: Database) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "metrica_ingest_requests",
            "Requests by their outcome.",
            ("method", "route", "status"),
            registry=self._registry,
        )
        self._seconds = Histogram(
            "metrica_ingest_request_seconds", "Time to answer.", ("route",), buckets=_BUCKETS, registry=self._registry
        )
        self._events = Counter("metrica_ingest_events", "Events by their fate.", ("fate",), registry=self._registry)
        for fate in ("accepted", "duplicate", "refused", "later"):
            self._events.labels(fate)
        self._webhooks = Counter(
            "metrica_webhook_deliveries", "Deliveries by their outcome.", ("outcome",), registry=self._registry
        )
        for outcome in ("delivered", "failed", "paused"):
            self._webhooks.labels(outcome)
        states = Gauge("metrica_webhooks", "Webhooks by their state.", ("state",), registry=self._registry)
        for place, state in enumerate(("good", "failing", "paused")):
            states.labels(state).set_function(partial(_webhooks_in_state, database, place))
        waiting = Gauge("metrica_ingest_writes_waiting", "Writes in the database's queue.", registry=self._registry)
        waiting.set_function(lambda: database.waiting)
        silent = Gauge(
            "metrica_boxes_silent", "Boxes that have said nothing for a quarter of an hour.", registry=self._registry
        )
        silent.set_function(partial(_silent_boxes, database))
        alerts = Gauge("metrica_alerts_open", "Alerts that are on.", ("kind",), registry=self._registry)
        for kind in KINDS:
            alerts.labels(kind).set_function(partial(_alerts_open, database, kind))

        self.exports = Gauge("metrica_ingest_exports", "Exports that are being sent.", registry=self._registry)
        """How many exports are being sent."""

    def observe(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one request.

        route: its pattern and not its path, because each new label value makes a new time series.
        seconds: time to answer.
        """
        label = method if method in ("GET", "POST", "HEAD") else "other"
        self._requests.labels(label, route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def events(self, *, accepted: int, duplicates: int, refused: int, later: int = 0) -> None:
        """Count what became of a batch."""
        self._events.labels("accepted").inc(accepted)
        self._events.labels("duplicate").inc(duplicates)
        self._events.labels("refused").inc(refused)
        self._events.labels("later").inc(later)

    def webhook(self, outcome: str) -> None:
        """Count a delivery. outcome: `delivered`, `failed` or `paused`."""
        self._webhooks.labels(outcome).inc()

    def text(self) -> bytes:
        """Return the metrics in Prometheus's text format. It asks the database, so it may take a while."""
        return generate_latest(self._registry)


def _webhooks_in_state(database: Database, place: int) -> float:
    """Return how many webhooks are good (0), failing (1) or paused (2); not a number while the database is away."""
    try:
        total, failing, paused = Webhooks(database).counts()
    except DatabaseError:
        return math.nan
    return float((total - failing - paused, failing, paused)[place])


def _silent_boxes(database: Database) -> float:
    """Return how many boxes are silent; not a number while the database is away."""
    try:
        return BoxTable(database).silent()
    except DatabaseError:
        return math.nan


def _alerts_open(database: Database, kind: str) -> float:
    """Return how many alerts of a kind are on; not a number while the database is away."""
    try:
        return NoticeTable(database).count().get(kind, 0)
    except DatabaseError:
        return math.nan
