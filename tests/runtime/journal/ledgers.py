"""What the tests of the ledger share: a ledger that notes what it publishes, and events of about 300 bytes."""

from __future__ import annotations

from pathlib import Path

from metrica.journal import Ledger
from metrica.messages import Crossing, Header, Message


class NotedLedger(Ledger):
    """A ledger that is open, tries again only when it is told to, and keeps the ids of the events that it published."""

    def __init__(self, path: Path, *, timeout: float = 2.0) -> None:
        self.published: list[str] = []
        super().__init__(path, self._note, timeout=timeout, retry_seconds=3600, patience=60, grace=0)
        self.open()

    def add(self, event_id: str) -> list[str]:
        """Record an event. Returns the ids that this call published: this event's, or none."""
        before = len(self.published)
        self.record("crossings", event(event_id))
        return self.published[before:]

    def again(self) -> list[str]:
        """Retry. Returns the ids that this call published."""
        before = len(self.published)
        self.retry(60)
        return self.published[before:]

    def end(self) -> list[str]:
        """Close. Returns the ids that this call published."""
        before = len(self.published)
        self.close()
        return self.published[before:]

    def _note(self, port: str, msg: Message) -> None:
        assert port == "crossings"
        assert isinstance(msg, Crossing)
        self.published.append(msg.id)


def event(event_id: str) -> Crossing:
    return Crossing(header=Header(camera="door"), id=event_id, line="x" * 200, direction="in", track=1, time=1)
