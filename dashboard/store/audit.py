"""The audit log: who changed what in the back office, and who came in (table `audit`). It keeps no secret.

An entry is about something that a person or a launch file did: a login, a new token, a store's settings. It is only
ever added, never changed. Old entries go by themselves, see `KEEP` and `MOST`.
"""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from metrica.dashboard.database.interface import Connection, Engine

KEEP = 400 * 24 * 3600 * 10**9
"""How long an entry is kept, ns: a year can be compared with the one before."""
MOST = 100_000
"""Most entries that are kept, about 30 MB: whoever makes entries on purpose does not fill the disk."""
COMMAND = "command line"
"""The actor of what is done with a command on the server itself."""
MANY = 100
"""Most old entries that one new entry removes, so that no write takes long."""

_LONGEST = 200  # characters of an actor, action or subject
_LONGEST_DETAIL = 4000  # characters of the JSON text

Scalar = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One line of the audit log."""

    n: int
    """Its number, unique in the database and growing."""
    time: int
    """When it was written, ns UTC."""
    actor: str
    """Who did it: a user's name, `COMMAND`, or the name of a node."""
    action: str
    """What was done, as noun and verb: "user added", "token revoked", "login failed"."""
    subject: str
    """What or whom it was done to: a user, a store, a token's key."""
    address: str
    """The network that it came from, see `anonymised`; empty if it was done on the server itself."""
    detail: dict[str, Scalar]
    """What else is to be known."""


class AuditTable:
    """The audit log of a database."""

    def __init__(self, file: Engine) -> None:
        self._file = file

    def add(
        self, actor: str, action: str, subject: str = "", /, *, address: str = "", **detail: Scalar
    ) -> Future[None]:
        """Write an entry, with the present time. The future is done when it is on the disk.

        address: where the request came from; only what `anonymised` leaves of it is kept.
        """
        now = self._file.clock()
        return self._file.write(lambda db: record(db, now, actor, action, subject, address=address, detail=detail))

    def all(self, limit: int = 1000) -> list[AuditEntry]:
        """Return the newest entries, at most `limit`, in the order in which they were written."""
        return self._entries("SELECT * FROM (SELECT * FROM audit ORDER BY n DESC LIMIT ?) newest ORDER BY n", limit)

    def since(self, time: int, limit: int = 1000) -> list[AuditEntry]:
        """Return the first entries, at most `limit`, from `time` (ns UTC) on, in the order of their numbers."""
        return self._entries("SELECT * FROM audit WHERE time >= ? ORDER BY n LIMIT ?", time, limit)

    def after(self, n: int, since: int, limit: int = 1000) -> list[AuditEntry]:
        """Return the first entries, at most `limit`, with a number above `n` and from `since` (ns UTC) on."""
        return self._entries("SELECT * FROM audit WHERE n > ? AND time >= ? ORDER BY n LIMIT ?", n, since, limit)

    def forget_old(self) -> Future[None]:
        """Remove entries that are too old, as each new one does; for a server to which nothing happens for years."""
        now = self._file.clock()
        return self._file.write(lambda db: _forget(db, now))

    def _entries(self, sql: str, *values: Any) -> list[AuditEntry]:
        return [
            AuditEntry(row[0], row[1], row[2], row[3], row[4], row[5], json.loads(row[6]))
            for row in self._file.rows(sql, *values)
        ]


def record(
    db: Connection,
    now: int,
    actor: str,
    action: str,
    subject: str = "",
    /,
    *,
    address: str = "",
    detail: Mapping[str, Scalar] | None = None,
) -> None:
    """Write an entry inside a write that is going on: the change and its entry are then on the disk together, or not.

    now: ns UTC. The other parameters are those of `AuditTable.add`.
    """
    text = json.dumps(dict(detail or {}), ensure_ascii=False, separators=(",", ":"))
    if len(text) > _LONGEST_DETAIL:
        text = json.dumps({"cut": text[: _LONGEST_DETAIL // 2]}, ensure_ascii=False)
    words = [_storable(word) for word in (actor, action, subject)]
    db.execute(
        "INSERT INTO audit (time, actor, action, subject, address, detail) VALUES (?, ?, ?, ?, ?, ?)",
        (now, *words, anonymised(address), _clean(text)),
    )
    _forget(db, now)


def anonymised(address: str) -> str:
    """Return the network of an address: the /24 of IPv4, the /48 of IPv6. Empty for what is no address.

    It tells the shop's own network from a foreign one, and does not name a device or, as the /64 would, a household.
    """
    try:
        known = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return ""
    if isinstance(known, ipaddress.IPv6Address) and known.ipv4_mapped:
        known = known.ipv4_mapped
    return str(ipaddress.ip_network((known, 24 if known.version == 4 else 48), strict=False))


def _forget(db: Connection, now: int) -> None:
    db.execute(
        "DELETE FROM audit WHERE n IN (SELECT n FROM audit WHERE time < ? ORDER BY time LIMIT ?)", (now - KEEP, MANY)
    )
    db.execute(
        "DELETE FROM audit WHERE n IN"
        " (SELECT n FROM audit WHERE n <= (SELECT max(n) FROM audit) - ? ORDER BY n LIMIT ?)",
        (MOST, MANY),
    )


def _storable(word: str) -> str:
    """Return a word as one line that SQLite takes: without control characters and lone surrogates, and not too long."""
    return "".join(c if c.isprintable() else "\ufffd" for c in word[:_LONGEST])


def _clean(text: str) -> str:
    return text.encode("utf-8", "replace").decode("utf-8")
