"""Publish an event only when it is on the disk: this stands between a node and its EVENTS topics."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from metrica.errors import JournalError, TransportError
from metrica.journal.file import JournalUnavailableError
from metrica.journal.journal import Journal
from metrica.messages import Message, encode

_BATCH = 500  # events in one transaction when the disk works again: few enough to fit where little space was freed


class _Waiting(NamedTuple):
    """An event that is in memory only."""

    port: str
    msg: Message
    payload: bytes


class Ledger:
    """Writes events to the journal and publishes each one when it is on the disk, in the order they were recorded.

    While the journal cannot be written (disk full, file read-only or locked), events wait in memory and none is
    published. The log says so once when this begins and once when it is over. Call `retry` in the node's loop.
    An event whose id the journal already holds counts as written and is published again, which is harmless.

    Args:
        path: The journal's file.
        publish: Called with the port and the message when the event is on the disk.
        timeout: How long to wait while another process writes, in seconds.
        retry_seconds: Shortest time between two attempts of `retry`, in seconds.
        log: Where to say that the journal fails and that it works again; by default this module's logger.
    """

    def __init__(
        self,
        path: Path,
        publish: Callable[[str, Message], None],
        *,
        timeout: float = 2.0,
        retry_seconds: float = 1.0,
        log: logging.Logger | None = None,
    ) -> None:
        self.path = path
        self.unpublished = 0
        """How many events are in the journal but could not be put on their topic."""
        self._publish = publish
        self._timeout, self._retry_seconds = timeout, retry_seconds
        self._log = log or logging.getLogger(__name__)
        self._journal: Journal | None = None
        self._is_open = False
        self._waiting: dict[str, _Waiting] = {}
        self._failure = ""
        self._next_retry = 0.0

    @property
    def waiting(self) -> int:
        """How many events are in memory only."""
        return len(self._waiting)

    @property
    def trouble(self) -> str:
        """One sentence that says why events wait in memory; empty while the journal works."""
        waits = "1 event waits" if self.waiting == 1 else f"{self.waiting} events wait"
        return self._failure and f"{self._failure}; {waits} in memory"

    def open(self) -> None:
        """Open the journal now, not at the first event, so that an unusable file is noticed at the start.

        A journal that cannot be written at the moment is no error: events wait for it.

        Raises:
            JournalError: The file has a newer schema, or is not a journal.
        """
        if self._is_open:
            return
        try:
            self._open_journal()
        except JournalUnavailableError as error:
            self._fails(error)
        self._is_open = True

    def record(self, port: str, msg: Message) -> None:
        """Write one event and publish it, or keep it in memory while the journal cannot be written.

        Raises:
            TypeError: The message has no id, or a field that cannot be encoded.
            JournalError: The file has a newer schema, or is not a journal.
        """
        event_id = getattr(msg, "id", None)
        if not isinstance(event_id, str):
            raise TypeError(f"{type(msg).__name__} has no 'id: str', so it cannot be an event")
        payload = encode(msg)
        self.open()
        self._waiting.setdefault(event_id, _Waiting(port, msg, payload))
        # While the journal fails, only `retry` tries it: each event would block its node for the whole timeout.
        if not self._failure:
            self._write_and_publish()

    def retry(self) -> None:
        """If the journal fails and `retry_seconds` have passed, try again to write what waits."""
        if self._failure and time.monotonic() >= self._next_retry:
            self._next_retry = time.monotonic() + self._retry_seconds
            self._write_and_publish()

    def close(self) -> None:
        """Try to write what waits and close the file; to be called while the node's topics are still open.

        What cannot be written now is lost, and the log says how many events that are. Closing again does nothing.
        """
        if self._waiting:
            self._write_and_publish()
        if self._waiting:
            self._log.error(
                "the journal %s still cannot be written: %d events that waited in memory are lost",
                self.path,
                self.waiting,
            )
        if self._journal is not None:
            self._journal.close()
        self._journal, self._is_open, self._failure = None, False, ""
        self._waiting.clear()

    def _open_journal(self) -> Journal:
        if self._journal is None:
            self._journal = Journal(self.path, timeout=self._timeout, log=self._log)
        return self._journal

    def _write_and_publish(self) -> None:
        for event in self._write():
            try:
                self._publish(event.port, event.msg)
            except TransportError:
                # The uploader still gets it from the journal; only those who listen to the topic have missed it.
                self.unpublished += 1

    def _write(self) -> list[_Waiting]:
        """Write what waits, oldest first, until all is written or the journal fails. Returns what was written."""
        written: list[_Waiting] = []
        try:
            journal = self._open_journal()
            while batch := list(islice(self._waiting.items(), _BATCH)):
                journal.append_many([(key, type(event.msg).__name__, event.payload) for key, event in batch])
                for key, event in batch:
                    written.append(event)
                    del self._waiting[key]
        except JournalError as error:
            self._fails(error)
        else:
            self._recovers()
        return written

    def _fails(self, error: JournalError) -> None:
        is_new, self._failure = not self._failure, str(error)
        if is_new:
            remedy = "free some space" if getattr(error, "reason", "") == "disk full" else "see to it"
            self._log.error("%s, %s", self.trouble, remedy)

    def _recovers(self) -> None:
        if self._failure:
            self._failure = ""
            self._log.warning("the journal %s can be written again: no event waits in memory any more", self.path)
