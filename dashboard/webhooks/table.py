"""The webhooks of a database: to whom something is posted, up to where each has it, and how it goes."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any, Literal

from metrica.dashboard.database.errors import DatabaseError
from metrica.dashboard.database.interface import Connection, Engine
from metrica.dashboard.kpis.events import QUARTER
from metrica.dashboard.store.audit import COMMAND, record
from metrica.dashboard.webhooks.guard import check_url, shown
from metrica.dashboard.webhooks.retry import LONGEST_WAIT
from metrica.dashboard.webhooks.signing import new_secret
from metrica.secrets import register

WebhookKind = Literal["event", "quarter"]
MOST = 20
"""Most webhooks of one store."""


@dataclass(frozen=True, slots=True)
class Webhook:
    """One webhook, as it is in the database."""

    n: int
    store: str
    url: str = field(repr=False)
    kind: WebhookKind
    secret: str = field(repr=False)
    allow_private: int
    created: int
    position: int
    quarter: int
    failures: int
    failing_since: int | None
    next_try: int
    trouble: str
    delivered: int
    last_success: int | None
    paused: int | None

    @property
    def label(self) -> str:
        """What it is called in the log: without its path, which may hold a key."""
        return f"webhook {self.n} of {self.store} ({shown(self.url)})"

    @property
    def state(self) -> Literal["good", "failing", "paused"]:
        """How it is."""
        return "paused" if self.paused is not None else "failing" if self.failures else "good"


_COLUMNS = ", ".join(column.name for column in fields(Webhook))


class Webhooks:
    """The webhooks of a database."""

    def __init__(self, file: Engine) -> None:
        self._file = file

    def add(
        self, store: str, url: str, kind: WebhookKind, *, allow_private: bool = False, actor: str = COMMAND
    ) -> Webhook:
        """Register a webhook: it gets what arrives, and each quarter of an hour that ends, from now on.

        Its secret is made here. Raises TargetError for an address that it cannot have, DatabaseError if there is no
        such store, or it has too many webhooks.
        """
        check_url(url, allow_private=allow_private)
        now, secret = self._file.clock(), new_secret()

        def insert(db: Connection) -> int:
            if not db.execute("SELECT 1 FROM stores WHERE id = ?", (store,)).fetchone():
                raise DatabaseError(f"there is no store {store!r}: add it first")
            if db.execute("SELECT count(*) FROM webhooks WHERE store = ?", (store,)).fetchone()[0] >= MOST:
                raise DatabaseError(f"the store has {MOST} webhooks, which is the most: remove one first")
            last = self._last(db, store)
            (n,) = db.execute(
                "INSERT INTO webhooks (store, url, kind, secret, allow_private, created, position, quarter)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?) RETURNING n",
                (store, url, kind, secret, int(allow_private), now, last, now - now % QUARTER),
            ).fetchone()
            record(db, now, actor, "webhook added", store, detail={"n": n, "to": shown(url), "kind": kind})
            return int(n)

        found = self.get(store, self._file.write(insert).result())
        assert found is not None
        return found

    def of_store(self, store: str) -> list[Webhook]:
        """Return the webhooks of a store, in order of their numbers."""
        return self._read("store = ? ORDER BY n", store)

    def get(self, store: str, n: int) -> Webhook | None:
        """Return one webhook of a store."""
        found = self._read("store = ? AND n = ?", store, n)
        return found[0] if found else None

    def due(self, now: int, after: int = 0, limit: int = 1000) -> list[Webhook]:
        """Return those to which something may be posted at `now` (ns UTC), in order of their numbers above `after`."""
        # One that is to be tried later than any wait lasts was noted before the clock was set back.
        return self._read(
            "n > ? AND paused IS NULL AND (next_try <= ? OR next_try > ?) ORDER BY n LIMIT ?",
            *(after, now, now + LONGEST_WAIT, limit),
        )

    def newest_event(self, store: str) -> int:
        """Return a number that grows with each new event of a store; 0 before the first."""
        if self._file.kind == "sqlite":  # the numbers of all stores grow in one row, and the last one is at hand
            return int(self._file.rows("SELECT coalesce(max(n), 0) FROM events")[0][0])
        return int(self._file.rows("SELECT coalesce(max(n), 0) FROM events WHERE store = ?", store)[0][0])

    def counts(self) -> tuple[int, int, int]:
        """Return how many webhooks there are, how many of them fail, and how many are paused."""
        (row,) = self._file.rows(
            "SELECT count(*), coalesce(sum(CASE WHEN failures > 0 AND paused IS NULL THEN 1 ELSE 0 END), 0),"
            " coalesce(sum(CASE WHEN paused IS NOT NULL THEN 1 ELSE 0 END), 0) FROM webhooks"
        )
        return int(row[0]), int(row[1]), int(row[2])

    def remove(self, store: str, n: int, *, actor: str = COMMAND) -> bool:
        """Remove a webhook. Returns whether there was one."""
        now = self._file.clock()

        def delete(db: Connection) -> bool:
            gone = db.execute("DELETE FROM webhooks WHERE store = ? AND n = ?", (store, n)).rowcount == 1
            if gone:
                record(db, now, actor, "webhook removed", store, detail={"n": n})
            return gone

        return self._file.write(delete).result()

    def resume(self, store: str, n: int, *, from_now: bool = False, actor: str = COMMAND) -> bool:
        """Post to a webhook again. from_now: leave out what has happened meanwhile. Returns whether there is one."""
        now = self._file.clock()

        def update(db: Connection) -> bool:
            sql = (
                "UPDATE webhooks SET paused = NULL, failures = 0, failing_since = NULL, next_try = 0, trouble = ''"
                " WHERE store = ? AND n = ?"
            )
            if db.execute(sql, (store, n)).rowcount != 1:
                return False
            if from_now:
                last = self._last(db, store)
                sql = "UPDATE webhooks SET position = ?, quarter = ? WHERE n = ?"
                db.execute(sql, (last, now - now % QUARTER, n))
            record(db, now, actor, "webhook resumed", store, detail={"n": n, "from_now": from_now})
            return True

        return self._file.write(update).result()

    def claim(self, n: int, who: str, until: int) -> Webhook | None:
        """Take a webhook for one process up to a time (ns UTC), and return it as it is now; None if another has it."""
        now = self._file.clock()
        # Later than any process takes one, and some seconds for clocks that differ: the clock was set back.
        wrong = 2 * until - now

        def take(db: Connection) -> Any:
            return db.execute(
                "UPDATE webhooks SET claimed_by = ?, claimed_until = ?"
                " WHERE n = ? AND paused IS NULL AND (claimed_by = ? OR claimed_until <= ? OR claimed_until > ?)"
                f" RETURNING {_COLUMNS}",
                (who, until, n, who, now, wrong),
            ).fetchone()

        row = self._file.write(take).result()
        return None if row is None else _webhook(row)

    def progress(self, n: int, who: str, *, position: int, quarter: int, delivered: int, until: int) -> bool:
        """Note what was delivered, and keep the webhook up to `until` (ns UTC; 0 lets it go).

        Returns False, and changes nothing, if the process has lost it: somebody removed it, or another one has it.
        """
        now = self._file.clock()
        good = ", failures = 0, failing_since = NULL, next_try = 0, trouble = '', last_success = ?" if delivered else ""
        sql = (
            "UPDATE webhooks SET position = ?, quarter = ?, delivered = delivered + ?, claimed_until = ?"
            f"{good} WHERE n = ? AND claimed_by = ?"
        )
        values = (position, quarter, delivered, until, *((now,) if delivered else ()), n, who)
        return self._file.write(lambda db: db.execute(sql, values).rowcount == 1).result()

    def failed(self, hook: Webhook, who: str, why: str, next_try: int, *, paused: int | None = None) -> None:
        """Note that a delivery failed, and let the webhook go. paused: since when nothing is posted to it, ns UTC."""
        now = self._file.clock()

        def update(db: Connection) -> None:
            changed = db.execute(
                "UPDATE webhooks SET failures = failures + 1, failing_since = coalesce(failing_since, ?),"
                " next_try = ?, trouble = ?, paused = ?, claimed_until = 0 WHERE n = ? AND claimed_by = ?",
                (now, next_try, why[:300], paused, hook.n, who),
            ).rowcount
            if changed and paused is not None:
                record(db, now, "webhooks", "webhook paused", hook.store, detail={"n": hook.n, "why": why[:300]})

        self._file.write(update).result()

    def _last(self, db: Connection, store: str) -> int:
        self._file.lock_store(db, store)  # so that no write under way has a smaller number
        return int(db.execute("SELECT coalesce(max(n), 0) FROM events WHERE store = ?", (store,)).fetchone()[0])

    def _read(self, where: str, *values: object) -> list[Webhook]:
        return [_webhook(row) for row in self._file.rows(f"SELECT {_COLUMNS} FROM webhooks WHERE {where}", *values)]


def _webhook(row: Any) -> Webhook:
    found = Webhook(*row)
    register(found.secret)
    return found
