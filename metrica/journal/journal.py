"""The journal: every event is on the disk before it is published, and stays until the server has it.

The counters append, the uploader reads what is unsent and marks it once the server has acknowledged it. Several
processes share one SQLite file (WAL, synchronous=FULL: a commit survives a power cut). The event's id is the key,
so appending twice is harmless; at-least-once delivery and the same key at the server make exactly-once there.
"""

from __future__ import annotations

import logging
import sqlite3
import time
from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from metrica.errors import JournalError
from metrica.journal.file import JournalFile, JournalUnavailableError
from metrica.journal.schema import REFUSED, SENT, UNSENT

_BATCH = 500  # events written in one transaction when the disk is back: few enough to fit where little was freed


class Event(NamedTuple):
    """What is appended: a unique id, the message type's name, and the encoded message."""

    id: str
    kind: str
    payload: bytes


class Entry(NamedTuple):
    """An event in the journal; `position` grows in the order of the commits."""

    position: int
    id: str
    kind: str
    payload: bytes


class Refusal(NamedTuple):
    """An event that the server refused, and why."""

    position: int
    id: str
    kind: str
    payload: bytes
    reason: str


class Counts(NamedTuple):
    """How many events the journal holds, by what has become of them."""

    unsent: int
    sent: int
    refused: int


class Journal:
    """The events on this box. One instance belongs to the thread and the process that made it; make as many as needed.

    A damaged file is moved aside to `<name>.corrupt-<UTC time>`, what can be read of it goes into a new one, and
    the log says so. `timeout`: how long to wait, in seconds, while another process writes.

    Every method raises JournalUnavailableError while the journal cannot be used (disk full, read-only, locked) and
    works again afterwards. Making one also raises JournalError if the file is of a newer schema, or no journal.
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
        """Write one event; when this returns, it is on the disk. False if its id is there already."""
        return self.append_many([(event_id, kind, payload)]) == 1

    def append_many(self, events: Iterable[tuple[str, str, bytes]]) -> int:
        """Write events in one transaction, all or none, and return how many were new."""
        rows = [(*event, self._now()) for event in events]
        return self._change(
            "INSERT INTO event (id, kind, payload, changed) VALUES (?, ?, ?, ?) ON CONFLICT (id) DO NOTHING", rows
        )

    def unsent(self, limit: int) -> list[Entry]:
        """The oldest events that are neither sent nor refused, at most `limit`, in the order of their commits."""
        query = "SELECT position, id, kind, payload FROM event WHERE state = ? ORDER BY position LIMIT ?"
        return self._file.run(lambda c: [Entry(*row) for row in c.execute(query, (UNSENT, limit))])

    def mark_sent(self, ids: Iterable[str]) -> int:
        """The server has acknowledged these events; returns how many were unsent. Others are left alone."""
        rows = [(SENT, self._now(), event_id, UNSENT) for event_id in ids]
        return self._change("UPDATE event SET state = ?, changed = ? WHERE id = ? AND state = ?", rows)

    def refuse(self, event_id: str, reason: str) -> bool:
        """The server will never take this event: keep it, and why, but send it no more. False if it was not unsent."""
        row = (REFUSED, self._now(), reason, event_id, UNSENT)
        return (
            self._change("UPDATE event SET state = ?, changed = ?, reason = ? WHERE id = ? AND state = ?", [row]) == 1
        )

    def refused(self, limit: int) -> list[Refusal]:
        """The latest events that the server refused, at most `limit`, the newest first."""
        query = "SELECT position, id, kind, payload, reason FROM event WHERE state = ? ORDER BY position DESC LIMIT ?"
        return self._file.run(lambda c: [Refusal(*row) for row in c.execute(query, (REFUSED, limit))])

    def counts(self) -> Counts:
        """How many events are unsent, sent and refused."""
        query = "SELECT state, count(*) FROM event GROUP BY state"
        found: dict[int, int] = self._file.run(lambda c: dict(c.execute(query).fetchall()))
        return Counts(found.get(UNSENT, 0), found.get(SENT, 0), found.get(REFUSED, 0))

    def prune(self, older_than_seconds: float, *, keep_unsent: bool = True) -> int:
        """Delete what was sent longer ago than this; returns how many events went.

        With `keep_unsent=False` also what the server does not have: events that were appended, or refused, longer ago.
        """
        row = (self._now() - int(older_than_seconds * 1e9), SENT, not keep_unsent)
        return self._change("DELETE FROM event WHERE changed < ? AND (state = ? OR ?)", [row])

    def close(self) -> None:
        """Close the file. Closing again does nothing."""
        self._file.close()

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _change(self, statement: str, rows: Sequence[tuple[object, ...]]) -> int:
        def work(connection: sqlite3.Connection) -> int:
            return connection.executemany(statement, rows).rowcount

        return self._file.run(work, write=True) if rows else 0


class PendingJournal:
    """What publishers write to: a journal that may be unwritable for a while and still loses no event.

    While the disk is full, the file read-only or locked, events wait in memory in their order; the log says so once
    when it begins and once when it is over. Call `retry` from a timer, about once a second.

    `append`, `retry` and `close` return the events that have become durable, oldest first: publish those, and only
    those. An event whose id the journal has already is durable too and is returned: publishing twice is harmless.
    Raises JournalError when made on a file of a newer schema, or on one that is no journal.
    """

    def __init__(self, path: Path, *, timeout: float = 2.0, log: logging.Logger | None = None) -> None:
        self.path = path
        self._timeout = timeout
        self._log = log or logging.getLogger(__name__)
        self._waiting: dict[str, Event] = {}
        self._trouble = ""
        self._journal: Journal | None = None
        try:
            self._open()
        except JournalUnavailableError as error:
            self._fails(error)

    @property
    def waiting(self) -> int:
        """How many events are in memory only."""
        return len(self._waiting)

    @property
    def failing(self) -> bool:
        """Whether the journal could not be used when it was last tried."""
        return bool(self._trouble)

    @property
    def trouble(self) -> str:
        """One sentence saying why events wait in memory; empty while the journal works."""
        waits = "1 event waits" if self.waiting == 1 else f"{self.waiting} events wait"
        return self._trouble and f"{self._trouble}; {waits} in memory"

    def append(self, event_id: str, kind: str, payload: bytes) -> list[Event]:
        """Write an event, or keep it in memory. Returns what has become durable: this event, or nothing yet."""
        self._waiting.setdefault(event_id, Event(event_id, kind, payload))
        # While the journal fails only `retry` tries it, or each event would block its node for the whole timeout.
        return [] if self._trouble else self._flush()

    def retry(self) -> list[Event]:
        """Try again to write what waits. Returns the events that have become durable, oldest first."""
        return self._flush() if self._trouble else []

    def close(self) -> list[Event]:
        """Try for the last time and close. What cannot be written even now is lost, and the log says how much."""
        durable = self._flush() if self._waiting else []
        if self._waiting:
            self._log.error(
                "the journal %s still cannot be written: %d events that waited in memory are lost",
                self.path,
                self.waiting,
            )
        if self._journal is not None:
            self._journal.close()
            self._journal = None
        return durable

    def _open(self) -> Journal:
        if self._journal is None:
            self._journal = Journal(self.path, timeout=self._timeout, log=self._log)
        return self._journal

    def _flush(self) -> list[Event]:
        durable: list[Event] = []
        try:
            journal = self._open()
            while batch := list(islice(self._waiting.values(), _BATCH)):
                journal.append_many(batch)
                durable += batch
                for event in batch:
                    del self._waiting[event.id]
        except JournalError as error:
            self._fails(error)
        else:
            self._recovers()
        return durable

    def _fails(self, error: JournalError) -> None:
        first, self._trouble = not self._trouble, str(error)
        if first:
            remedy = "free some space" if getattr(error, "reason", "") == "disk full" else "see to it"
            self._log.error("%s, %s", self.trouble, remedy)

    def _recovers(self) -> None:
        if self._trouble:
            self._trouble = ""
            self._log.warning("the journal %s can be written again: no event waits in memory any more", self.path)


__all__ = ["Counts", "Entry", "Event", "Journal", "JournalUnavailableError", "PendingJournal", "Refusal"]
