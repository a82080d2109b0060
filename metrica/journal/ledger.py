"""Publish an event only when it is on the disk: this stands between a node and its EVENTS topics."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from pathlib import Path

from metrica.context import JOURNAL_DAYS
from metrica.errors import JournalError, TransportError
from metrica.journal.writer import Waiting, Writer
from metrica.messages import Message, encode

_CLOSING_SECONDS = 2.0  # beside the timeout; a node has to end within five seconds


class Ledger:
    """Writes events to the journal and publishes each one when it is on the disk, in the order they were recorded.

    A thread writes. `record` waits for it only while it keeps up, and then no longer than a frame lasts: usually the
    event is on the disk and published when `record` returns, so that a node that is killed then has lost nothing.
    While the journal cannot be written (disk full, file read-only or locked), events wait, on the disk beside the
    journal if there is room, else in memory, and none is published. The log says so once when this begins and once
    when it is over. Call `publish_written` in the node's loop: events are published in that thread only.
    An event whose id the journal already holds counts as written and is published again, which is harmless.

    Args:
        path: The journal's file.
        publish: Called with the port and the message when the event is on the disk.
        timeout: How long the thread waits while another process writes, in seconds.
        retry_seconds: Time between two attempts while the journal cannot be written, in seconds.
        patience: How long `record` may wait for the disk, in seconds.
        grace: A journal that another process holds for so long is nothing to speak of, in seconds.
        keep_days: The bound of the journal: older events that are sent go, others become sums.
        log: Where to say that the journal fails and that it works again; by default this module's logger.
        wake: Called in another thread when there is something for `publish_written`.
    """

    def __init__(
        self,
        path: Path,
        publish: Callable[[str, Message], None],
        *,
        timeout: float = 0.1,
        retry_seconds: float = 0.1,
        patience: float = 0.03,
        grace: float = 2.0,
        keep_days: float = JOURNAL_DAYS,
        log: logging.Logger | None = None,
        wake: Callable[[], None] = lambda: None,
    ) -> None:
        self.path = path
        self.unpublished = 0
        """How many events are in the journal but could not be put on their topic."""
        self._publish = publish
        self._timeout, self._retry_seconds, self._patience = timeout, retry_seconds, patience
        self._grace, self._keep_days = grace, keep_days
        self._log = log or logging.getLogger(__name__)
        self._wake = wake
        self._writer: Writer | None = None
        self._process = 0
        self._keeps_up = True

    @property
    def waiting(self) -> int:
        """How many events are not in the journal yet."""
        return self._writer.waiting if self._writer else 0

    @property
    def trouble(self) -> str:
        """One sentence that says why events wait, or what to do before they have to; empty while all is well."""
        return self._writer.trouble if self._writer else ""

    @property
    def notice(self) -> str:
        """One sentence about events that became sums because they were too old; empty if there are none."""
        return self._writer.notice if self._writer else ""

    def open(self) -> None:
        """Open the journal now, not at the first event, so that an unusable file is noticed at the start.

        A journal that cannot be written at the moment is no error: events wait for it.

        Raises:
            JournalError: The file has a newer schema, or is not a journal.
        """
        if self._writer is None:
            self._process, self._keeps_up = os.getpid(), True
            self._writer = Writer(
                self.path,
                timeout=self._timeout,
                retry_seconds=self._retry_seconds,
                grace=self._grace,
                keep_days=self._keep_days,
                log=self._log,
                wake=self._wake,
            )
            self._writer.settled(self._timeout + 1)
        self._writer.check()

    def record(self, port: str, msg: Message) -> None:
        """Write one event and publish it as soon as it is on the disk: now if that takes no longer than a frame.

        Raises:
            TypeError: The message has no id, or a field that cannot be encoded.
            JournalError: The file has a newer schema or is not a journal, or this is another process after a fork.
        """
        event_id = getattr(msg, "id", None)
        if not isinstance(event_id, str):
            raise TypeError(f"{type(msg).__name__} has no 'id: str', so it cannot be an event")
        payload = encode(msg)
        self.open()
        assert self._writer is not None
        if os.getpid() != self._process:
            raise JournalError(f"the journal {self.path} was opened before a fork: open it again in the new process")
        self._writer.add(event_id, Waiting(port, msg, payload))
        # One event that had to wait is enough: those behind it would each wait as long, and the loop with them.
        if self._keeps_up and not self._writer.failing:
            self._keeps_up = self._writer.settled(self._patience)
        self.publish_written()

    def publish_written(self) -> None:
        """Publish what is on the disk now. Never waits.

        Raises:
            JournalError: The journal has turned out to be one of a newer schema, or no journal.
        """
        if self._writer is None:
            return
        for event in self._writer.taken():
            try:
                self._publish(event.port, event.msg)
            except TransportError:
                # The uploader still gets it from the journal; only those who listen to the topic have missed it.
                self.unpublished += 1
        self._keeps_up = self._keeps_up or not self._writer.waiting
        self._writer.check()

    def retry(self, seconds: float | None = None) -> None:
        """Try now to write what waits, wait for the result, and publish it: for tests, and for the end of a graph.

        seconds: how long to wait at most; by default, a little longer than for another process that writes.
        """
        if self._writer is not None:
            self._writer.attempt(self._timeout + _CLOSING_SECONDS if seconds is None else seconds)
            self.publish_written()

    def close(self) -> None:
        """Write what waits and close the file; to be called while the node's topics are still open.

        It waits for a few seconds at most. What cannot be written to the journal by then is on the disk beside it, for
        the next node; what cannot be written at all is lost, and the log says how many events that are. Closing again
        does nothing.
        """
        writer, self._writer = self._writer, None
        if writer is None or os.getpid() != self._process:
            return
        lost = writer.close(self._timeout + _CLOSING_SECONDS)
        for event in writer.taken():
            try:
                self._publish(event.port, event.msg)
            except TransportError:
                self.unpublished += 1
        if lost:
            self._log.error(
                "the journal %s still cannot be written: %d events that waited in memory are lost", self.path, lost
            )
        elif writer.waiting:
            self._log.warning(
                "the journal %s still cannot be written: %d events wait beside it on the disk for the next start",
                *(self.path, writer.waiting),
            )
