"""The alerts that are on, and what is to be told to whom, in the database: a restart repeats nothing."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from metrica.dashboard.alerts.alert import Alert, Changes, Key
from metrica.dashboard.alerts.targets import Target
from metrica.dashboard.database.interface import Connection, Engine

_MINUTE = 60 * 10**9
FIRST_WAIT, LONGEST_WAIT = _MINUTE, 60 * _MINUTE
"""How long to wait after a failure, ns: the first one, doubled after each further one, and at most."""
GIVE_UP = 2 * 24 * 60 * _MINUTE
"""What could not be told for so long is not told any more, ns."""
_KEPT = 90 * 24 * 60 * _MINUTE

_COLUMNS = "n, target, store, kind, subject, since, facts, over, not_before, tries"


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that is to be told to a target."""

    n: int
    """Its number."""
    target: int
    """The number of the target."""
    alert: Alert
    """What it is about."""
    over: bool
    """Whether it says that the alert is over."""
    not_before: int
    """When to tell it, or to try again, ns UTC."""
    tries: int
    """How often that has failed."""


class NoticeTable:
    """The alerts and notices of a database."""

    def __init__(self, file: Engine) -> None:
        self._file = file

    def on(self) -> dict[Key, Alert]:
        """Return the alerts that are on, by their keys, the first that began first."""
        rows = self._file.rows("SELECT store, kind, subject, since, facts FROM alerts ORDER BY since, store, kind")
        alerts = [_alert(*row) for row in rows]
        return {alert.key: alert for alert in alerts}

    def count(self) -> dict[str, int]:
        """Return how many alerts of each kind are on."""
        return dict(self._file.rows("SELECT kind, count(*) FROM alerts GROUP BY kind"))

    def apply(self, changes: Changes, targets: Sequence[Target], organisations: Mapping[str, str]) -> None:
        """Write what began and what is over, with a notice for each target that wants it.

        Who was not told yet that an alert began is not told at all: neither that, nor that it is over.
        organisations: that of each store.
        """
        now = self._file.clock()

        def write(db: Connection) -> None:
            for alert in changes.begun:
                added = db.execute(
                    "INSERT INTO alerts (store, kind, subject, since, facts) VALUES (?, ?, ?, ?, ?)"
                    " ON CONFLICT (store, kind, subject) DO NOTHING",
                    (*alert.key, alert.since, _facts(alert)),
                )
                if added.rowcount != 1:
                    continue
                whose = organisations.get(alert.store) or str(alert.facts.get("organisation", ""))
                for target in targets:
                    if target.wants(alert, whose):
                        _add(db, target.n, alert, now, over=False)
            for alert in changes.over:
                db.execute("DELETE FROM alerts WHERE store = ? AND kind = ? AND subject = ?", alert.key)
                of_alert = "store = ? AND kind = ? AND subject = ? AND over = 0"
                db.execute(f"DELETE FROM alert_notices WHERE {of_alert} AND told IS NULL", alert.key)
                told = f"SELECT target FROM alert_notices WHERE {of_alert}"
                for (target,) in db.execute(told, alert.key).fetchall():
                    _add(db, target, alert, now, over=True)
                db.execute(f"DELETE FROM alert_notices WHERE {of_alert}", alert.key)
            db.execute("DELETE FROM alert_notices WHERE over = 1 AND told < ?", (now - _KEPT,))

        if changes.begun or changes.over:
            self._file.write(write).result()

    def due(self, most: int) -> list[Notice]:
        """Return what is to be told now, the oldest first."""
        rows = self._file.rows(
            f"SELECT {_COLUMNS} FROM alert_notices WHERE told IS NULL AND not_before <= ? ORDER BY n LIMIT ?",
            self._file.clock(),
            most,
        )
        return [Notice(n, to, _alert(*of), bool(over), at, tries) for n, to, *of, over, at, tries in rows]

    def told(self, notice: Notice) -> None:
        """Note that a notice was sent."""
        self._set(notice, "told = ?", self._file.clock())

    def wait(self, notice: Notice, until: int) -> None:
        """Tell a notice later, because its target has quiet hours."""
        self._set(notice, "not_before = ?", until)

    def failed(self, notice: Notice) -> bool:
        """Note that a notice could not be sent. Returns False if it is not tried any more."""
        now, tries = self._file.clock(), notice.tries + 1
        wait = min(LONGEST_WAIT, FIRST_WAIT << min(notice.tries, 10))
        # By the sum of the waits and not by a clock: it does not matter how long the server was down.
        if sum(min(LONGEST_WAIT, FIRST_WAIT << min(n, 10)) for n in range(tries)) >= GIVE_UP:
            self._set(notice, "told = ?", now)
            return False
        self._set(notice, "tries = ?, not_before = ?", tries, now + wait)
        return True

    def _set(self, notice: Notice, what: str, *values: int) -> None:
        sql = f"UPDATE alert_notices SET {what} WHERE n = ?"
        self._file.write(lambda db: db.execute(sql, (*values, notice.n)).rowcount).result()


def _add(db: Connection, target: int, alert: Alert, now: int, *, over: bool) -> None:
    db.execute(
        "INSERT INTO alert_notices (target, store, kind, subject, since, facts, over, not_before, tries)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0)",
        (target, *alert.key, alert.since, _facts(alert), int(over), now),
    )


def _facts(alert: Alert) -> str:
    return json.dumps(dict(alert.facts), sort_keys=True)


def _alert(store: str, kind: Any, subject: str, since: int, facts: str) -> Alert:
    return Alert(store, kind, subject, since, json.loads(facts))
