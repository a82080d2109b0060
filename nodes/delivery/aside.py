"""Events that the server takes later, because they are from the future by its clock: passed over until then."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from metrica.backoff import Backoff
from metrica.journal import Queued

_EVERYTHING_AGAIN = 3600.0
"""Seconds after which the whole journal is read again in any case, not only the event that is due first."""


class Aside:
    """Knows which events of the journal are passed over, and when to ask the server again. No clock, no file.

    The journal is read from the position `passed` on. All unsent events up to there are set aside. From time to time
    the earliest of them is sent alone; if the server takes it, `passed` is 0 again and the others follow.

    Args:
        backoff: How long to wait before the server is asked again.
        few: So many events are all sent again, not only the earliest.
    """

    def __init__(self, backoff: Backoff, few: int) -> None:
        self.passed = 0
        """Unsent events up to this position of the journal are set aside."""
        self.waiting = 0
        """How many events are set aside."""
        self._backoff, self._few = backoff, few
        self._earliest: tuple[int, Queued] | None = None
        self._ask_at = self._read_all_at = 0.0

    def due(self, now: float) -> Queued | None:
        """Return the event to ask the server with, if it is time for that. now: seconds, monotonic.

        If everything is to be tried again, `passed` is 0 afterwards.
        """
        if self._earliest is None or now < self._ask_at:
            return None
        if self.waiting <= self._few or now >= self._read_all_at:
            self.begin_again(now)
            return None
        return self._earliest[1]

    def put(self, events: Sequence[Queued], times: Sequence[int], later: Collection[str], now: float) -> None:
        """Set aside the events of a batch that the server takes later; it has the others, or has refused them.

        Args:
            events: The batch, in the order of the journal.
            times: When each event happened, as it was sent, ns UTC.
            later: The ids of the events that the server takes later; at least one.
            now: Seconds, monotonic.
        """
        new = [(time, event) for time, event in zip(times, events, strict=True) if event.entry.id in later]
        if self._earliest is not None and [event for _, event in new] == [self._earliest[1]]:
            self._ask_at = now + self._backoff.next()  # it was asked with the earliest one, and it is still too early
            return
        if self._earliest is None:
            self._ask_at, self._read_all_at = now + self._backoff.next(), now + _EVERYTHING_AGAIN
        self._earliest = min([*new, *([self._earliest] if self._earliest else [])], key=lambda pair: pair[0])
        self.passed = max(self.passed, *(event.position for event in events))
        self.waiting += len(new)

    def took(self, ids: Collection[str], now: float) -> None:
        """Note that the server has taken these events: if it was asked with the earliest one, all are tried again."""
        if self._earliest is not None and self._earliest[1].entry.id in ids:
            self._backoff.reset()
            self.begin_again(now)

    def begin_again(self, now: float) -> None:
        """Read the journal from its beginning again."""
        self.passed = self.waiting = 0
        self._earliest = None
        self._ask_at = now

    def over(self) -> None:
        """Note that nothing waits in the journal: if nothing is set aside either, the next wait is a short one."""
        if self.waiting == 0:
            self._backoff.reset()
