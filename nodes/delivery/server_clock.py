"""Compares the server's clock, as the header `Date` of its answers tells it, with this box's."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from metrica.runtime import NodeLog

_SECOND = 1_000_000_000
_TOLERANCE = 120.0
"""Seconds by which two clocks may differ before it is said. An answer may have been on its way for half a minute."""


def read_date(header: str) -> int:
    """The time in a header `Date`, ns UTC; 0 if it holds none."""
    try:
        moment = parsedate_to_datetime(header)
        return int(moment.timestamp()) * _SECOND if moment.tzinfo else 0
    except (ValueError, TypeError, IndexError, OverflowError, OSError):
        return 0


class ServerClock:
    """Knows how far the server's clock is from this box's, and says once when it is too far, and when that is over."""

    def __init__(self, log: logging.Logger | NodeLog) -> None:
        self.ahead = 0.0
        """By how many seconds the server's clock is ahead of this box's (above 0) or behind."""
        self.trouble = ""
        """One sentence if the clocks differ by more than two minutes; empty if not."""
        self._log = log

    def hear(self, server: int, now: int, *, synchronised: bool) -> None:
        """Compare the clocks.

        Args:
            server: The server's time, ns UTC; 0 if it told none, then nothing changes.
            now: This box's time, ns UTC.
            synchronised: Whether a time service keeps this box's clock right.
        """
        if not server:
            return
        before, self.ahead = self.trouble, (server - now) / _SECOND
        self.trouble = ""
        if abs(self.ahead) > _TOLERANCE:
            which = "the server's is probably wrong" if synchronised else "one of them is wrong"
            self.trouble = f"the server's clock says {_short(server)}, this box's {_short(now)}: {which}, set it"
        if self.trouble and not before:
            self._log.warning(self.trouble)
        elif before and not self.trouble:
            self._log.info("the server's clock and this box's agree again")


def _short(time: int) -> str:
    return f"{datetime.fromtimestamp(time // _SECOND, UTC):%Y-%m-%d %H:%M:%S} UTC"
