"""The journal: every event is written to the disk before it is published, and kept until the server has it.

Counters append events. The uploader reads those that are not sent yet, and marks them when the server has
acknowledged them. Several processes share one SQLite file (WAL, `synchronous=FULL`: a commit survives a power cut).
The event's id is the key, so appending it twice is harmless. The box sends each event at least once, and the server
uses the same key, so each event counts there exactly once.
"""

from __future__ import annotations

import logging
import sqlite3
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

from metrica.journal.check import check_slice
from metrica.journal.file import JournalFile
from metrica.journal.refused import Refused, Search, find, make_unsent
from metrica.journal.reserve import room_for_events
from metrica.journal.schema import REFUSED, SENT, UNSENT, pragma
from metrica.journal.sums import Sum, fold, is_gapless, sums

_SLICE = 1000  # events in one transaction that changes many: others write in between

_SLICE_OF_FULL = 50


class Entry(NamedTuple):
    """One event in the journal."""

    id: str
    """The event's unique id."""
    kind: str
    """Name of the message type, such as "Crossing"."""
    payload: bytes
    """The message as `metrica.messages.encode` returns it."""
    reason: str = ""
    """Why the server refused the event; empty if it did not."""


class Queued(NamedTuple):
    """An event that is neither sent nor refused."""

    position: int
    """Its place in the order of the commits, from 1."""
    entry: Entry
    """The event."""


class Counts(NamedTuple):
    """How many events the journal holds, by state."""

    unsent: int
    """The server does not have them yet."""
    sent: int
    """The server has acknowledged them."""
    refused: int
    """The server will never take them."""


class Room(NamedTuple):
    """The room that the journal takes, and the room that it has."""

    bytes: int
    """The size of the file."""
    reserved: int
    """Bytes that are set aside for a full disk: 0 while they are in use, or if they could never be set aside."""
    events: int
    """About how many events fit into the room that the file has and does not use."""
    is_full: bool
    """Whether the disk is full: the reserve is in use, or there was never room for one."""


class Journal:
    """The events of this box. An instance belongs to the thread and the process that made it; several may be open.

    A damaged file is moved to `<name>.corrupt-<UTC time>`, what can be read of it is copied into a new one, and the
    log says so. Every method raises JournalUnavailableError while the journal cannot be used (disk full, read-only,
    locked), and works again afterwards.

    Args:
        path: The journal's file; it is created if it does not exist, with its folder.
        timeout: How long to wait while another process writes, in seconds.
        log: Where to report damage; by default this module's logger.
        now: Returns the time, nanoseconds UTC.

    Raises:
        JournalError: The file has a newer schema, or is not a journal.
    """

    def __init__(
        self,
        path: Path,
        *,
        timeout: float = 2.0,
        log: logging.Logger | None = None,
        now: Callable[[], int] = time.time_ns,
    ) -> None:
        self.path = path
        self._now = now
        self._file = JournalFile(path, timeout, log or logging.getLogger(__name__))

    def append(self, event_id: str, kind: str, payload: bytes) -> bool:
        """Write one event; it is on the disk when this returns. Returns False if the journal already has its id."""
        return self.append_many([(event_id, kind, payload)]) == 1

    def append_many(self, events: Iterable[tuple[str, str, bytes]]) -> int:
        """Write events, each as (id, kind, payload), in one transaction: all or none. Returns how many were new."""
        rows = [(*event, self._now()) for event in events]
        statement = "INSERT INTO event (id, kind, payload, changed) VALUES (?, ?, ?, ?) ON CONFLICT (id) DO NOTHING"

        def work(connection: sqlite3.Connection) -> int:
            self._file.check_room(connection)
            return connection.executemany(statement, rows).rowcount

        return self._file.run(work, write=True) if rows else 0

    def unsent(self, limit: int) -> list[Entry]:
        """The oldest events that are neither sent nor refused, at most `limit`, in the order of their commits."""
        return [queued.entry for queued in self.queue(limit)]

    def queue(self, limit: int, *, after: int = 0) -> list[Queued]:
        """The same events with their positions, without those up to the position `after`."""
        return self._queued("state = ? AND position > ? ORDER BY position", UNSENT, after, limit)

    def all_after(self, after: int, limit: int) -> list[Queued]:
        """The events behind a position, also those that are sent or refused, the oldest first, at most `limit`."""
        return self._queued("position > ? ORDER BY position", after, limit)

    def last_before(self, before: int, limit: int) -> list[Queued]:
        """The events before a position, likewise, the newest first."""
        return self._queued("position < ? ORDER BY position DESC", before, limit)

    def mark_sent(self, ids: Iterable[str]) -> int:
        """Mark events that the server has acknowledged. Returns how many were unsent; others are not changed."""
        rows = [(SENT, self._now(), event_id, UNSENT) for event_id in ids]
        return self._change("UPDATE event SET state = ?, changed = ? WHERE id = ? AND state = ?", rows)

    def refuse(self, event_id: str, reason: str) -> bool:
        """Mark an event that the server will never take: it is kept, with the reason, and not sent again.

        Returns False, and changes nothing, if the event was not unsent.
        """
        return self.refuse_many({event_id: reason}) == 1

    def refuse_many(self, reasons: Mapping[str, str]) -> int:
        """Do the same for several events, by their ids, in one transaction. Returns how many were unsent."""
        rows = [(REFUSED, self._now(), reason, event_id, UNSENT) for event_id, reason in reasons.items()]
        statement = "UPDATE event SET state = ?, changed = ?, reason = ? WHERE id = ? AND state = ?"
        return self._change(statement, rows)

    def refused(self, limit: int) -> list[Entry]:
        """The latest events that the server refused, with the reason, at most `limit`, the newest first."""
        query = "SELECT id, kind, payload, reason FROM event WHERE state = ? ORDER BY position DESC LIMIT ?"
        return self._entries(query, REFUSED, limit)

    def find_refused(self, search: Search, *, after: int = 0, limit: int = 1000) -> list[Refused]:
        """The refused events after a position that are meant, in the order of their commits, at most `limit`."""
        return self._file.run(lambda connection: find(connection, search, after, limit))

    def resend(self, search: Search) -> int:
        """Make the refused events that are meant unsent again, with a new date. Returns how many those are."""
        total = after = 0
        while events := self.find_refused(search, after=after, limit=self._slice):
            found, after = events, events[-1].position
            total += self._file.run(partial(make_unsent, events=found, now=self._now()), write=True)
        return total

    def counts(self) -> Counts:
        """How many events are unsent, sent and refused; it takes no longer with many of them."""
        query = "SELECT state, events FROM tally"
        found: dict[int, int] = self._file.run(lambda connection: dict(connection.execute(query).fetchall()))
        return Counts(found.get(UNSENT, 0), found.get(SENT, 0), found.get(REFUSED, 0))

    def oldest_unsent(self) -> int | None:
        """When the first unsent event was appended, or made unsent again, ns UTC; None if there is none."""
        query = "SELECT changed FROM event WHERE state = ? ORDER BY position LIMIT 1"
        found = self._file.run(lambda connection: connection.execute(query, (UNSENT,)).fetchone())
        return None if found is None else int(found[0])

    def prune(self, older_than_seconds: float, *, keep_unsent: bool = True) -> int:
        """Delete events that were sent longer ago than this. Returns how many were deleted.

        With `keep_unsent=False`, delete also those that were appended, or refused, longer ago: the server has none
        of them.
        """
        before = self._now() - int(older_than_seconds * 1e9)
        states = (SENT,) if keep_unsent else (SENT, UNSENT, REFUSED)
        statement = """DELETE FROM event WHERE position IN
            (SELECT position FROM event WHERE state = ? AND changed < ? ORDER BY changed LIMIT ?)"""
        total = 0
        for state in states:
            row = (state, before, self._slice)
            while count := self._change(statement, [row]):
                total += count
        return total

    def fold(self, older_than_seconds: float) -> int:
        """Replace events that were appended, or refused, longer ago than this by sums for each minute.

        Their number stays known, but the server cannot get them any more. Returns how many events that were.
        """
        before = self._now() - int(older_than_seconds * 1e9)
        total = 0
        while count := self._file.run(lambda connection: fold(connection, before, self._slice), write=True):
            total += count
        return total

    def bound(self) -> int | None:
        """How many days a journal keeps events at most, as the nodes of this box have noted; None if none has."""
        query = "SELECT value FROM setting WHERE name = 'keep_days'"
        found = self._file.run(lambda connection: connection.execute(query).fetchone())
        return None if found is None else int(found[0])

    def note_bound(self, days: int) -> None:
        """Note how many days the journal keeps events at most, for whoever looks at it."""
        if self.bound() != days:
            self._change("INSERT OR REPLACE INTO setting VALUES ('keep_days', ?)", [(days,)])

    def is_gapless(self, older_than_seconds: float) -> bool:
        """Whether what is older than this became so little by little, not because the clock has jumped.

        After a month without an event at this age, either the box was off or its clock is wrong. Then the clock is
        trusted when events have come for a month again.
        """
        now = self._now()
        before = now - int(older_than_seconds * 1e9)
        return self._file.run(lambda connection: is_gapless(connection, before, now))

    def sums(self) -> list[Sum]:
        """The sums that took the place of events, the oldest first."""
        return self._file.run(sums)

    def summed(self) -> int:
        """How many events became sums."""
        query = "SELECT coalesce(sum(unsent + refused), 0) FROM event_sum"
        return int(self._file.run(lambda connection: connection.execute(query).fetchone()[0]))

    def room(self) -> Room:
        """How much room the journal takes and has."""

        def ask(connection: sqlite3.Connection) -> tuple[int, int]:
            return pragma(connection, "page_count") * pragma(connection, "page_size"), room_for_events(connection)

        size, events = self._file.run(ask)
        return Room(size, self._file.reserve.bytes, events, self._file.reserve.is_short())

    def set_aside(self) -> bool:
        """Set room aside again if it was used and there is plenty. Returns whether that was done now."""
        return self._file.reserve.make()

    def check(self, after: int = 0) -> int | None:
        """Look for damage in the next events after a position, and repair it if there is some.

        Returns the position up to which it has looked, or None at the end.
        """
        return self._file.run(lambda connection: check_slice(connection, after))

    def close(self) -> None:
        """Close the file. Closing again does nothing."""
        self._file.close()

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def _slice(self) -> int:
        """How many events to change in one transaction: on a full disk, so few that they fit into a short WAL."""
        return _SLICE if self._file.reserve.bytes else _SLICE_OF_FULL

    def _entries(self, query: str, state: int, limit: int) -> list[Entry]:
        return self._file.run(lambda connection: [Entry(*row) for row in connection.execute(query, (state, limit))])

    def _queued(self, which: str, *values: int) -> list[Queued]:
        query = f"SELECT position, id, kind, payload FROM event WHERE {which} LIMIT ?"
        return self._file.run(
            lambda connection: [Queued(row[0], Entry(*row[1:])) for row in connection.execute(query, values)]
        )

    def _change(self, statement: str, rows: Sequence[tuple[object, ...]]) -> int:
        def work(connection: sqlite3.Connection) -> int:
            return connection.executemany(statement, rows).rowcount

        return self._file.run(work, write=True) if rows else 0
