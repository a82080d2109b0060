"""Dates what this box saw by the clock as it is set now, also what was stamped before the clock was right.

A box without a battery starts in 1970, or when it was last switched off, and a time server corrects its clock while
people are counted. Uptime, the time since the machine's start, is always right. So whatever is sent gets its date when
it is sent: its uptime, plus what the clock is ahead of uptime now. A start of the machine that is over has its last
setting of the clock in the file `clocks.json`.
"""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from metrica.files.whole import write_whole
from metrica.runtime import Clock, NodeLog
from metrica.version import NOT_BEFORE

_SECOND = 1_000_000_000
_STEP = _SECOND // 4
"""Smallest change of the clock against uptime that is taken for a new setting, ns."""
_PATIENCE = 600 * _SECOND
"""How long after the machine's start to wait for the time service that set the clock at earlier starts, ns."""
_BOOTS = 500
"""How many starts of the machine are remembered."""
_SAVE_AGAIN = 60 * _SECOND


class UndatedError(Exception):
    """Nobody knows when it happened. The text says why, in one sentence."""


class ClockFile:
    """Keeps how the clock was last set at each start of the machine, and whether a time service ever set it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def load(self) -> tuple[dict[int, int], bool]:
        """Return what the clock was ahead of uptime, ns, by boot number; and whether it was ever synchronised.

        Raises OSError, and ValueError if it is not such a file.
        """
        try:
            document: Any = json.loads(self.path.read_bytes())
        except FileNotFoundError:
            return {}, False
        try:
            settings = {int(boot): int(ahead) for boot, ahead in document["settings"].items()}
            return settings, document["synchronised"] is True
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"it holds no settings of a clock ({error!r})") from None

    def save(self, settings: dict[int, int], synchronised: bool) -> None:
        """Replace the file. Raises OSError."""
        document = {"v": 1, "settings": settings, "synchronised": synchronised}
        write_whole(self.path, json.dumps(document).encode(), durable=True)


class Dating:
    """Knows how the clock is set now, whether it can be right, and how it was last set at earlier starts.

    Args:
        clock: The machine's clocks.
        path: The file that remembers.
        log: Where to say that the clock is wrong, and that it was set.
        keeps: Whether to write that file; another node of the box may do so.
    """

    def __init__(self, clock: Clock, path: Path, log: logging.Logger | NodeLog, *, keeps: bool = True) -> None:
        self.held = ""
        """Why nothing may be sent now, in one sentence; empty if something may."""
        self._clock, self._log, self._keeps = clock, log, keeps
        self._file = ClockFile(path)
        self._settings, self._ever_synchronised = self._load()
        self._unsaved = self._said_unsaved = False
        self._save_at = 0
        self._ahead = clock.now() - clock.uptime()

    def look(self) -> bool:
        """Look at the clock. Returns whether it has been set since the last look. Call it often."""
        now, uptime, boot = self._clock.now(), self._clock.uptime(), self._clock.boot()
        synchronised = self._clock.is_synchronised()
        step, self._ahead = now - uptime - self._ahead, now - uptime
        self._hold(self._reason_to_wait(now, uptime, synchronised))
        if not self.held:
            known = self._settings.get(boot)
            if boot and (known is None or abs(known - self._ahead) >= _STEP):
                self._settings.pop(boot, None)  # so that the newest is the last
                self._settings[boot] = self._ahead
                self._unsaved = True
            if synchronised and not self._ever_synchronised:
                self._ever_synchronised = self._unsaved = True
        self._save()
        if abs(step) < _STEP:
            return False
        self._log.info(f"the clock was set by {step / _SECOND:+.1f} s: what is not sent yet gets its time by it")
        return True

    def date(self, boot: int, uptime: int, stamp: int) -> int:
        """Return when something happened, ns UTC. To be called when nothing is held.

        Args:
            boot: The boot number; 0 if it is not known, then the stamp counts.
            uptime: Uptime at which it happened, ns; 0 if it is not known, then the stamp counts.
            stamp: What the clock said, ns UTC.

        Raises:
            UndatedError: The clock was wrong, and the machine was switched off before it was set.
        """
        if not boot or not uptime:
            return stamp
        if boot == self._clock.boot():
            return uptime + self._clock.now() - self._clock.uptime()
        ahead = self._settings.get(boot)
        found = stamp if ahead is None else uptime + ahead
        if found < NOT_BEFORE:
            raise UndatedError(
                f"when it happened is not known: the box's clock said {_written(found)}, "
                "and the box was switched off before the clock was set"
            )
        return found

    def _reason_to_wait(self, now: int, uptime: int, synchronised: bool) -> str:
        if now < NOT_BEFORE:
            return (
                f"this box's clock says {_written(now)}, which cannot be: set it, or let the box reach a time server; "
                "events wait, and get their right time then"
            )
        if self._ever_synchronised and not synchronised and uptime < _PATIENCE:
            return "this box's clock has not been set by its time server yet: events wait, at most ten minutes"
        return ""

    def _hold(self, reason: str) -> None:
        if reason and not self.held:
            self._log.warning(reason)
        elif self.held and not reason:
            self._log.info(f"this box's clock says {_written(self._clock.now())}: events are sent")
        self.held = reason

    def _load(self) -> tuple[dict[int, int], bool]:
        try:
            return self._file.load()
        except (OSError, ValueError) as error:
            self._log.error(f"{self._file.path} cannot be read, how the clock was set earlier is forgotten: {error}")
            return {}, False

    def _save(self) -> None:
        if not self._keeps or not self._unsaved or self._clock.uptime() < self._save_at:
            return
        while len(self._settings) > _BOOTS:
            del self._settings[next(iter(self._settings))]
        try:
            self._file.save(self._settings, self._ever_synchronised)
        except OSError as error:
            if not self._said_unsaved:
                self._log.error(f"{self._file.path} cannot be written, tried again every minute: {error.strerror}")
            self._said_unsaved, self._save_at = True, self._clock.uptime() + _SAVE_AGAIN
            return
        if self._said_unsaved:
            self._log.info(f"{self._file.path} can be written again")
        self._unsaved = self._said_unsaved = False


def _written(time: int) -> str:
    """A time in UTC for a sentence, to the minute; any number of ns."""
    try:
        return f"{datetime.fromtimestamp(time // _SECOND, UTC):%Y-%m-%d %H:%M} UTC"
    except (OverflowError, OSError, ValueError):
        return f"{time} ns"
