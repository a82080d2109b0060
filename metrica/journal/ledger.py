"""Events are durable before they are published: what stands between a node and its EVENTS topics."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from pathlib import Path

from metrica.errors import TransportError
from metrica.journal.journal import Event, PendingJournal
from metrica.messages import Message, encode

_RETRY_SECONDS = 1.0


class Ledger:
    """Writes events to the journal and passes on those that are durable, in their order.

    publish: called with the port and the message once it is on the disk.
    """

    def __init__(self, path: Path, publish: Callable[[str, Message], None]) -> None:
        self._path, self._publish = path, publish
        self._journal: PendingJournal | None = None
        self._open: dict[str, tuple[str, Message]] = {}
        self._next_retry = 0.0
        self.unpublished = 0

    def record(self, port: str, msg: Message) -> None:
        """Take in one event. Raises TypeError for a message without an id or with a field that cannot travel,
        JournalError for a file that will never do."""
        event_id = getattr(msg, "id", None)
        if not isinstance(event_id, str):
            raise TypeError(f"{type(msg).__name__} has no 'id: str', so it cannot be an event")
        payload = encode(msg)
        self._open[event_id] = (port, msg)
        self._pass_on(self._ready().append(event_id, type(msg).__name__, payload))

    def open(self) -> None:
        """Open the journal now rather than at the first event, so that an unusable one is seen at the start."""
        self._ready()

    def retry(self) -> None:
        """Once a second, try again to write what waits in memory."""
        if self._journal is not None and self._journal.failing and time.monotonic() >= self._next_retry:
            self._next_retry = time.monotonic() + _RETRY_SECONDS
            self._pass_on(self._journal.retry())

    @property
    def trouble(self) -> str:
        """One sentence while the journal cannot be written."""
        return self._journal.trouble if self._journal is not None else ""

    def close(self) -> None:
        """Write what can be written and close; called while the sockets are still open."""
        if self._journal is not None:
            journal, self._journal = self._journal, None
            self._pass_on(journal.close())

    def _ready(self) -> PendingJournal:
        if self._journal is None:
            self._journal = PendingJournal(self._path)
        return self._journal

    def _pass_on(self, durable: Iterable[Event]) -> None:
        for event in durable:
            port, msg = self._open.pop(event.id)
            try:
                self._publish(port, msg)
            except TransportError:
                # It is in the journal, which is what the uploader reads: whoever only listens in has missed it.
                self.unpublished += 1
