"""The uploader: sends the events of the journal to the server, each exactly once."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future

from metrica import Node, param, timer
from metrica.backoff import Backoff
from metrica.errors import DecodeError, JournalError, ParameterError
from metrica.journal import Entry, Journal
from metrica.messages import Crossing, decode
from metrica.nodes.delivery.delivery import Delivered, Delivery, Failed

_CLOSING_SECONDS = 3.0  # at most; a node has to end within five seconds
_DAY = 86_400
_LARGEST = 2000  # events in one request while many wait; the server takes 5,000


class Uploader(Node):
    """Sends the journal's events to an ingest in batches, and marks them once the server has them on its disk.

    Without a network it tries again, less and less often, and the events wait in the journal until they are sent. It
    has no topics: its input is the journal, so events that were recorded while it did not run are sent too.
    """

    url: str = param(help="address of the ingest, such as http://127.0.0.1:8080")
    token: str = param(default="", secret=True, help="the store's token; empty: the one this box made for itself")
    batch: int = param(default=200, ge=1, le=5000, unit="events", help="send when so many wait …")
    max_age: float = param(default=2.0, ge=0, unit="s", help="… or when the first has waited so long")
    retry_first: float = param(default=1.0, gt=0, unit="s", help="wait after the first failure; doubles each time")
    retry_limit: float = param(default=60.0, gt=0, unit="s", help="longest wait between two tries")
    keep_days: int = param(default=30, ge=1, unit="days", help="events that were sent are kept in the journal so long")

    def check(self) -> None:
        if not self.url.startswith(("http://", "https://")):
            raise ParameterError("url", f"'url' must begin with http:// or https://, not '{self.url}'")
        if "@" in self.url.split("/")[2]:  # the address appears in the log
            raise ParameterError("url", "'url' must not hold a user name or a password: the token says who sends")
        if not (self.token.isascii() and self.token.isprintable()) or " " in self.token:
            raise ParameterError("token", "'token' must be plain letters and digits, without blanks or line breaks")

    def on_configure(self) -> None:
        self._journal = Journal(self.context.journal)
        self._delivery = Delivery(self.url, self.context.store, self.token or self.context.local_token())
        self._backoff = Backoff(self.retry_first, self.retry_limit)
        self._under_way: tuple[list[Crossing], Future[Delivered | Failed]] | None = None
        self._limit, self._largest = self.batch, max(self.batch, _LARGEST)
        self._not_before = 0.0
        self._waiting_since: float | None = None
        self._journal_trouble = self._server_trouble = ""

    @timer(seconds=0.5)
    def look(self) -> None:
        """Send a batch if one is due and none is under way."""
        now = self._seconds()
        if self._under_way is not None or now < self._not_before:
            return
        entries = self._unsent()
        if not entries:
            self._waiting_since = None
            if not self._journal_trouble:
                self._all_well()
            return
        self._waiting_since = self._waiting_since if self._waiting_since is not None else now
        if len(entries) >= min(self.batch, self._limit) or now - self._waiting_since >= self.max_age:
            self._start(entries)

    @timer(seconds=3600)
    def forget_old(self) -> None:
        """Delete events that were sent more than `keep_days` ago."""
        try:
            self._journal.prune(self.keep_days * _DAY)
        except JournalError as error:
            self.log.warning(f"old events stay in the journal: {error}")

    def on_deactivate(self) -> None:
        """Wait for the batch under way, then try once to send the rest; three seconds at most."""
        end = time.monotonic() + _CLOSING_SECONDS
        if self._under_way is not None:
            crossings, answer = self._under_way
            try:
                answer.exception(timeout=_CLOSING_SECONDS)
            except TimeoutError:
                return
            self._ended(crossings, answer)
        while self._backoff.failures == 0 and time.monotonic() < end and (entries := self._unsent()):
            crossings = self._decoded(entries)
            self._settle(crossings, self._delivery.send(crossings, patience=max(0.1, end - time.monotonic())))

    def on_cleanup(self) -> None:
        self._delivery.close()
        self._journal.close()

    def _seconds(self) -> float:
        return self.clock.monotonic() / 1e9

    def _unsent(self) -> list[Entry]:
        try:
            entries = self._journal.unsent(self._limit)
        except JournalError as error:
            if not self._journal_trouble:
                self.log.error(f"{error}; events are sent as soon as it can be read again")
            self._journal_trouble = str(error)
            self.trouble(self._journal_trouble)
            return []
        self._journal_trouble = ""
        self.trouble(self._server_trouble)
        return entries

    def _all_well(self) -> None:
        self._backoff.reset()
        self._server_trouble = ""
        self.trouble("")

    def _start(self, entries: Sequence[Entry]) -> None:
        crossings = self._decoded(entries)
        if not crossings:
            return
        answer = Future[Delivered | Failed]()
        self._under_way = crossings, answer
        answer.add_done_callback(lambda _: self.call_soon(self._ended, crossings, answer))
        # A daemon thread, because a thread of a pool would keep the process from ending while a server does not answer.
        threading.Thread(target=_send, args=(self._delivery, crossings, answer), name="upload", daemon=True).start()

    def _ended(self, crossings: list[Crossing], answer: Future[Delivered | Failed]) -> None:
        # on_deactivate may have handled the answer already.
        if self._under_way is not None and self._under_way[1] is answer:
            self._under_way = None
            self._settle(crossings, answer.result())

    def _settle(self, crossings: Sequence[Crossing], outcome: Delivered | Failed) -> None:
        try:
            self._record(crossings, outcome)
        except JournalError as error:
            # The server has the events, but they could not be marked as sent: they are sent again, and count once.
            self._failed(Failed(str(error)))

    def _record(self, crossings: Sequence[Crossing], outcome: Delivered | Failed) -> None:
        if isinstance(outcome, Delivered):
            self._arrived(crossings, outcome)
        elif outcome.too_large and len(crossings) > 1:
            # Stays smaller: the server's limit will be the same a minute later.
            self._limit = self._largest = len(crossings) // 2
        else:
            self._failed(outcome)  # a single event is always small enough, so a proxy on the way is misconfigured

    def _arrived(self, crossings: Sequence[Crossing], outcome: Delivered) -> None:
        for event_id, reason in outcome.refused.items():
            self._journal.refuse(event_id, reason)
            self.log.error(f"the server refuses event {event_id}, it is kept but not sent again: {reason}")
        sent = [c.id for c in crossings if c.id not in outcome.refused]
        self._journal.mark_sent(sent)
        self.count("events_sent", len(sent))
        self.count("events_refused", len(outcome.refused))
        if self._backoff.failures:
            self.log.info(f"the server takes events again: {len(sent)} sent")
        if len(crossings) >= self._limit:  # more wait: fewer, larger requests are through sooner on a bad line
            self._limit = min(2 * self._limit, self._largest)
        self._waiting_since = None
        self._all_well()

    def _failed(self, outcome: Failed) -> None:
        first = self._backoff.failures == 0
        self._not_before = self._seconds() + min(max(self._backoff.next(), outcome.retry_after), self.retry_limit)
        if outcome.late:
            self._limit = min(self._limit, self.batch)  # perhaps it was too much for the line
        self.count("failed_sends")
        self._server_trouble = outcome.reason
        self.trouble(outcome.reason)
        if first:
            self.log.warning(f"{outcome.reason}; events wait in the journal and are tried again")

    def _decoded(self, entries: Sequence[Entry]) -> list[Crossing]:
        """Decode the entries. One that is no event is marked as refused, because it would block the queue for ever."""
        found: list[Crossing] = []
        for entry in entries:
            try:
                msg = decode(entry.payload)
            except DecodeError as error:
                self._refuse(entry, str(error))
                self.log.error(f"event {entry.id} in the journal cannot be read and is not sent: {error}")
                continue
            if isinstance(msg, Crossing):
                found.append(msg)
            else:
                self._refuse(entry, f"{entry.kind} is no event that a server takes")
                self.log.error(f"event {entry.id} is kept but not sent: a server takes no {entry.kind}")
        return found

    def _refuse(self, entry: Entry, reason: str) -> None:
        try:
            self._journal.refuse(entry.id, reason)
        except JournalError as error:
            self.log.error(f"event {entry.id} is passed over for now: {error}")


def _send(delivery: Delivery, crossings: Sequence[Crossing], answer: Future[Delivered | Failed]) -> None:
    try:
        answer.set_result(delivery.send(crossings))
    except Exception as error:  # noqa: BLE001 (raised in the node's own thread, which asks for the result)
        answer.set_exception(error)
