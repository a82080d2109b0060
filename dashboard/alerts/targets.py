"""Whom to tell of alerts, in the database. Addresses may hold passwords, so they are shown without them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from metrica.dashboard.alerts.alert import Alert
from metrica.dashboard.database.errors import DatabaseError
from metrica.dashboard.database.interface import Connection, Engine
from metrica.dashboard.store.audit import COMMAND, record

MOST = 100
"""Most targets of an installation's organisation."""
_DAY_MINUTES = 24 * 60


@dataclass(frozen=True, slots=True)
class Target:
    """Somebody who is told of alerts."""

    n: int
    """Its number."""
    organisation: str
    """The organisation whose alerts; empty: those of all, and of the server itself."""
    store: str | None
    """The store whose alerts; None: of all stores."""
    address: str
    """Where to send them. It may hold a password: see `shown`."""
    language: str
    """`ar`, `fr` or `en`."""
    quiet: tuple[int, int] | None
    """From when to when nothing is sent, minutes of the store's day; None: never."""
    private: bool = False
    """Whether a webhook may be in the server's own network, and over plain HTTP."""

    def wants(self, alert: Alert, organisation: str) -> bool:
        """Whether it is to be told of this alert. organisation: whose it is; empty for the server itself."""
        if self.store is not None:
            return self.store == alert.store
        return self.organisation in ("", organisation)

    def is_quiet(self, local: datetime) -> bool:
        """Whether nothing is sent at this time of the store's own clock."""
        if self.quiet is None:
            return False
        begin, end = self.quiet
        minute = local.hour * 60 + local.minute
        return begin <= minute < end if begin <= end else minute >= begin or minute < end


class TargetTable:
    """The targets of a database."""

    def __init__(self, file: Engine) -> None:
        self._file = file

    def add(
        self,
        address: str,
        *,
        organisation: str = "",
        store: str | None = None,
        language: str = "en",
        quiet: tuple[int, int] | None = None,
        private: bool = False,
        actor: str = COMMAND,
    ) -> int:
        """Add a target and return its number. Raises DatabaseError for a store that is not there, or too many."""
        now = self._file.clock()

        def insert(db: Connection) -> int:
            if store is not None and not db.execute("SELECT 1 FROM stores WHERE id = ?", (store,)).fetchone():
                raise DatabaseError(f"there is no store {store!r}: add it first")
            many = db.execute("SELECT count(*) FROM alert_targets WHERE organisation = ?", (organisation,)).fetchone()
            if many[0] >= MOST:
                raise DatabaseError(f"{MOST} are told of alerts already: remove one with 'metrica-admin alert remove'")
            begin, end = quiet or (None, None)
            n = db.execute(
                "INSERT INTO alert_targets (organisation, store, address, language, quiet_from, quiet_until, private,"
                " created) VALUES (?, ?, ?, ?, ?, ?, ?, ?) RETURNING n",
                (organisation, store, address, language, begin, end, int(private), now),
            ).fetchall()[0][0]
            record(db, now, actor, "alert target added", store or organisation, detail={"n": n, "to": shown(address)})
            return int(n)

        return self._file.write(insert).result()

    def all(self) -> list[Target]:
        """Return every target, the oldest first."""
        rows = self._file.rows(
            "SELECT n, organisation, store, address, language, quiet_from, quiet_until, private FROM alert_targets"
            " ORDER BY n"
        )
        return [
            Target(n, organisation, store, address, language, None if begin is None else (begin, end), bool(private))
            for n, organisation, store, address, language, begin, end, private in rows
        ]

    def get(self, n: int) -> Target | None:
        """Return the target with this number; None if there is none."""
        return next((target for target in self.all() if target.n == n), None)

    def remove(self, n: int, *, actor: str = COMMAND) -> bool:
        """Remove a target; what is still to be told to it is dropped. Returns False if there is none."""
        now = self._file.clock()

        def delete(db: Connection) -> bool:
            db.execute("DELETE FROM alert_notices WHERE target = ?", (n,))
            if not db.execute("DELETE FROM alert_targets WHERE n = ?", (n,)).rowcount:
                return False
            record(db, now, actor, "alert target removed", str(n))
            return True

        return self._file.write(delete).result()


def shown(address: str) -> str:
    """Return an address without what may be secret: only its scheme, and its host for e-mail and webhooks."""
    scheme, _, _ = address.partition("://")
    if scheme not in ("http", "https", "mailto", "mailtos"):
        return f"{scheme}://…"
    try:
        return f"{scheme}://…{urlsplit(address).hostname or ''}/…"
    except ValueError:
        return f"{scheme}://…"


def read_quiet(text: str) -> tuple[int, int]:
    """Read quiet hours such as 22:00-07:30. Raises ValueError, as one sentence."""
    try:
        begin, end = (_minutes(part) for part in text.split("-"))
    except ValueError:
        raise ValueError(f"{text!r} are no quiet hours: write them as 22:00-07:30") from None
    if begin == end:
        raise ValueError(f"{text!r} would be quiet all day or never: give two different times")
    return begin, end


def _minutes(text: str) -> int:
    hours, minutes = (int(part) for part in text.strip().split(":"))
    if not (0 <= minutes < 60 and 0 <= 60 * hours + minutes < _DAY_MINUTES):
        raise ValueError(text)
    return 60 * hours + minutes
