"""The thread that writes events to the journal, so that a node's loop never waits for a lock or a slow disk.

It alone uses the connection. Between events it takes over what dead nodes have left behind, keeps the journal within
its bound, sets room aside again, and looks for damage, a slice at a time.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from metrica.errors import JournalError
from metrica.journal.file import LOCKED, JournalUnavailableError
from metrica.journal.journal import Journal
from metrica.journal.spill import Spill, take_over
from metrica.journal.upkeep import Upkeep
from metrica.messages import Message

_BATCH = 500  # events in one transaction when the disk works again: few enough to fit where little space was freed


class Waiting(NamedTuple):
    """An event that is not in the journal yet."""

    port: str
    msg: Message
    payload: bytes


class Writer:
    """Writes events in the order in which they were added. All methods may be called from any thread.

    Args:
        path: The journal's file.
        timeout: How long to wait while another process writes, in seconds.
        retry_seconds: Time between two attempts while the journal cannot be written, in seconds.
        grace: A lock that another process has for so long is nothing to speak of, in seconds.
        keep_days: The bound of the journal: what is older does not stay.
        log: Where to say what is wrong, and when it is over.
        wake: Called in the writer's thread when events are written, or the journal has become unusable.
    """

    def __init__(
        self,
        path: Path,
        *,
        timeout: float,
        retry_seconds: float,
        grace: float,
        keep_days: float,
        log: logging.Logger,
        wake: Callable[[], None],
    ) -> None:
        self._path, self._timeout, self._retry_seconds, self._grace = path, timeout, retry_seconds, grace
        self._log, self._wake = log, wake
        self._changed = threading.Condition()
        self._waiting: dict[str, Waiting] = {}
        self._written: deque[Waiting] = deque()
        self._begun = self._ended = 0  # attempts to write
        self._wanted = 1  # attempts that are not to wait any longer: the first opens the journal
        self._next = 0.0  # while the journal fails: monotonic time of the next attempt
        self._failure = ""
        self._failing_since = 0.0
        self._said = False  # whether the log has the failure
        self._error: Exception | None = None
        self._closing = self._over = False
        self._on_disk = self._seen = 0  # of those that wait: how many are on the disk, and how many were tried
        self._journal: Journal | None = None
        self._spill = Spill(path)
        self._upkeep = Upkeep(path, keep_days, log)
        self._thread = threading.Thread(target=self._run, name="journal", daemon=True)
        self._thread.start()

    @property
    def waiting(self) -> int:
        """How many events are not in the journal yet."""
        return len(self._waiting)

    @property
    def trouble(self) -> str:
        """One sentence that says why events wait, or what to do before they have to; empty if all is well."""
        with self._changed:
            return (self._said and self._sentence()) or self._upkeep.trouble

    @property
    def failing(self) -> bool:
        """Whether the last attempt to write has failed."""
        return bool(self._failure)

    @property
    def notice(self) -> str:
        """What is not wrong now, but should be known: events that became sums. Empty if there are none."""
        return self._upkeep.notice

    def check(self) -> None:
        """Raise what has made the journal unusable for good, if anything has."""
        if self._error is not None:
            raise self._error

    def add(self, event_id: str, event: Waiting) -> None:
        """Hand over an event. One with the same id that waits already stays as it is."""
        with self._changed:
            self._waiting.setdefault(event_id, event)
            self._changed.notify_all()

    def taken(self) -> list[Waiting]:
        """The events that have been written since the last call, in their order."""
        found: list[Waiting] = []
        while self._written:
            found.append(self._written.popleft())
        return found

    def settled(self, seconds: float) -> bool:
        """Wait until nothing waits or the journal fails. Returns False if neither has happened within `seconds`."""
        with self._changed:
            return self._changed.wait_for(
                lambda: bool(self._ended and not self._waiting) or self.failing or self._over, seconds
            )

    def attempt(self, seconds: float) -> None:
        """Try now to write what waits, and wait for the result, at most `seconds`."""
        with self._changed:
            target = self._wanted = self._begun + 1
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._ended >= target or self._over, seconds)

    def close(self, seconds: float) -> int:
        """Write what waits and end the thread; wait for `seconds` at most. Returns how many events are lost by then."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._thread.join(seconds)
        return max(0, self.waiting - self._on_disk)

    # What follows runs in the thread.

    def _run(self) -> None:
        try:
            while self._turn():
                continue
        except Exception as error:  # noqa: BLE001 (`check` raises it in the node's loop: no writer ends unnoticed)
            self._error = error
        finally:
            self._end()

    def _turn(self) -> bool:
        """Wait for something to do, and do it. Returns whether to go on."""
        with self._changed:
            while (seconds := self._seconds_to_next()) > 0:
                self._changed.wait(seconds)
            if self.failing and not self._is_attempt_due():
                keep = list(self._waiting.items())
            else:
                keep = []
                self._begun += 1
            batch = dict(islice(self._waiting.items(), _BATCH))
            is_last = self._closing
        if keep:
            self._keep_on_disk()
            return True
        try:
            self._write(batch)
        except JournalUnavailableError as error:
            self._fails(error)
            return not is_last
        except OSError as error:
            self._fails(JournalUnavailableError(self._path, str(error.strerror)))
            return not is_last
        self._recovers(batch)
        return not (is_last and not self._waiting)

    def _seconds_to_next(self) -> float:
        """How long there is nothing to do: 0 if there is something now."""
        if self._is_attempt_due():
            return 0.0
        if not self.failing:
            return self._upkeep.seconds_to_next()
        return 0.0 if len(self._waiting) != self._seen else self._next - time.monotonic()

    def _is_attempt_due(self) -> bool:
        if self._closing or self._begun < self._wanted:
            return True
        return time.monotonic() >= self._next if self.failing else bool(self._waiting)

    def _write(self, batch: dict[str, Waiting]) -> None:
        journal = self._journal
        if journal is None:
            journal = self._journal = Journal(self._path, timeout=self._timeout, log=self._log)
            take_over(self._path, journal.append_many)
        if batch:
            journal.append_many([(key, type(event.msg).__name__, event.payload) for key, event in batch.items()])
        self._upkeep.after_write(journal)
        if not batch and not self._closing:
            self._upkeep.step(journal)

    def _fails(self, error: JournalUnavailableError) -> None:
        self._keep_on_disk()
        with self._changed:
            now = time.monotonic()
            self._failing_since = self._failing_since if self.failing else now
            self._failure, self._next = str(error), now + self._retry_seconds
            was_said = self._said
            self._said = was_said or error.reason != LOCKED or now - self._failing_since >= self._grace
            sentence = self._sentence()
            self._ended = self._begun
            self._changed.notify_all()
        if self._said and not was_said:
            remedy = "free some space" if error.reason == "disk full" else "see to it"
            self._log.error("%s, %s", sentence, remedy)

    def _keep_on_disk(self) -> None:
        """Write the events that wait to the disk beside the journal, if there is room."""
        with self._changed:
            waiting = [(key, type(event.msg).__name__, event.payload) for key, event in self._waiting.items()]
        try:
            self._spill.add(waiting)
        except OSError:
            self._log.debug("the disk has no room for the events that wait", exc_info=True)
        self._seen, self._on_disk = len(waiting), sum(event[0] in self._spill for event in waiting)

    def _recovers(self, batch: dict[str, Waiting]) -> None:
        with self._changed:
            for key in batch:
                self._written.append(self._waiting.pop(key))
            self._next = 0.0
            was_said = self._said
            is_over = not self._waiting
            if is_over:  # else the next batch comes at once
                self._failure, self._said, self._on_disk, self._seen = "", False, 0, 0
        if is_over:
            self._spill.clear()
        if is_over and was_said:
            self._log.warning("the journal %s can be written again: no event waits in memory any more", self._path)
        if is_over:
            with self._changed:
                self._ended = self._begun
                self._changed.notify_all()
        if batch:
            self._wake()

    def _sentence(self) -> str:
        waits = "1 event waits" if self.waiting == 1 else f"{self.waiting} events wait"
        where = "beside it on the disk" if self._on_disk >= self.waiting > 0 else "in memory"
        return self._failure and f"{self._failure}; {waits} {where}"

    def _end(self) -> None:
        try:
            self._spill.let_go()
            if self._journal is not None:
                self._journal.close()
        except (JournalError, OSError):
            self._log.exception("the journal %s was not closed", self._path)
        with self._changed:
            self._over = True
            self._changed.notify_all()
        self._wake()
