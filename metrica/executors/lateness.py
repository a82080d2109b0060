"""How old the pictures are of which a node hears."""

from __future__ import annotations

from metrica.messages import Health, Message

_MOST = 3600 * 10**9  # ns; an older one has a stamp of another machine's clock


class Lateness:
    """The age of the oldest picture that the node heard of since it was last asked."""

    def __init__(self) -> None:
        self._oldest: int | None = None

    def hear(self, msg: Message, now: int) -> None:
        """Note a message that has just arrived. now: monotonic ns."""
        age = now - msg.header.mono
        if msg.header.mono > 0 and 0 <= age < _MOST and not isinstance(msg, Health):
            self._oldest = max(self._oldest or 0, age)

    def gauges(self) -> dict[str, float]:
        """Return `latency_ms` for a heartbeat, and begin anew; nothing if no picture was heard of."""
        oldest, self._oldest = self._oldest, None
        return {} if oldest is None else {"latency_ms": oldest / 1e6}
