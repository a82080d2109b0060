"""The uploader: sends the events of the journal to the server, each exactly once."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from pathlib import Path

from metrica import Node, param, timer
from metrica.backoff import Backoff
from metrica.errors import DecodeError, JournalError, ParameterError
from metrica.journal import Entry, Journal, Queued
from metrica.messages import Crossing, decode
from metrica.nodes.delivery.address import check_address, check_ca_file
from metrica.nodes.delivery.aside import Aside
from metrica.nodes.delivery.dating import Dating, UndatedError
from metrica.nodes.delivery.delivery import Delivered, Delivery, Failed
from metrica.nodes.delivery.server_clock import ServerClock

_CLOSING_SECONDS = 3.0  # at most; a node has to end within five seconds
_DAY = 86_400
_LARGEST = 5000  # events in one request while many wait; the server takes no more


@dataclass(frozen=True, slots=True)
class _Batch:
    """Events that are sent together."""

    queued: list[Queued]
    """The events as they are in the journal, in its order."""
    crossings: list[Crossing]
    """The same events as they are sent: dated by the clock as it is set now."""


class Uploader(Node):
    """Sends the journal's events to an ingest in batches, and marks them once the server has them on its disk.

    Without a network it tries again, less and less often, and the events wait in the journal until they are sent. It
    has no topics: its input is the journal, so events that were recorded while it did not run are sent too. An event
    gets its time when it is sent: what was recorded before the box's clock was set is dated by the clock as it is then.
    """

    url: str = param(help="address of the ingest: https://…, or http://127.0.0.1:8080 on this machine")
    ca_file: Path | None = param(default=None, help="certificate of the ingest, or of who signed it, if it is your own")
    plain_http: bool = param(
        default=False, help="send the token unencrypted to another machine: only in a network where nobody listens"
    )
    token: str = param(default="", secret=True, help="the store's token; empty: the one this box made for itself")
    batch: int = param(default=200, ge=1, le=5000, unit="events", help="send when so many wait …")
    max_age: float = param(default=2.0, ge=0, unit="s", help="… or when the first has waited so long")
    retry_first: float = param(default=1.0, gt=0, unit="s", help="wait after the first failure; doubles each time")
    retry_limit: float = param(default=20.0, gt=0, unit="s", help="longest wait between two tries")
    keep_days: int = param(default=30, ge=1, unit="days", help="events that were sent are kept in the journal so long")

    def check(self) -> None:
        check_address(self.url, plain_http=self.plain_http)
        check_ca_file(self.ca_file)
        if not (self.token.isascii() and self.token.isprintable()) or " " in self.token:
            raise ParameterError("token", "'token' must be plain letters and digits, without blanks or line breaks")

    def on_configure(self) -> None:
        self._journal = Journal(self.context.journal)
        self._dating = Dating(self.clock, self.context.journal.with_name("clocks.json"), self.log)
        self._server_clock = ServerClock(self.log)
        self._aside = Aside(Backoff(self.retry_first, self.retry_limit), self.batch)
        self._delivery = self._make_delivery()
        self._backoff = Backoff(self.retry_first, self.retry_limit)
        self._under_way: tuple[_Batch, Future[Delivered | Failed]] | None = None
        self._limit, self._largest = self.batch, max(self.batch, _LARGEST)
        self._not_before = 0.0
        self._waiting_since: float | None = None
        self._journal_trouble = self._server_trouble = self._later_trouble = ""

    @timer(seconds=0.5)
    def look(self) -> None:
        """Send a batch if one is due and none is under way."""
        now = self._seconds()
        if self._dating.look():
            self._aside.begin_again(now)
        self._show_trouble()
        if self._dating.held or self._under_way is not None or now < self._not_before:
            return
        entries = self._unsent(now)
        if not entries:
            self._waiting_since = None
            if not self._journal_trouble:
                self._all_well()
                self._aside.over()
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
            batch, answer = self._under_way
            try:
                answer.exception(timeout=_CLOSING_SECONDS)
            except TimeoutError:
                return
            self._ended(batch, answer)
        self._dating.look()
        while not self._dating.held and self._backoff.failures == 0 and time.monotonic() < end:
            entries = self._unsent(self._seconds())
            if not entries:
                return
            batch = self._prepared(entries)
            if batch.crossings:
                self._settle(batch, self._delivery.send(batch.crossings, patience=max(0.1, end - time.monotonic())))

    def on_cleanup(self) -> None:
        self._delivery.close()
        self._journal.close()

    def _make_delivery(self) -> Delivery:
        return Delivery(self.url, self.context.store, self.token or self.context.local_token(), self.ca_file)

    def _seconds(self) -> float:
        return self.clock.monotonic() / 1e9

    def _unsent(self, now: float) -> list[Queued]:
        asked = self._aside.due(now)
        if asked is not None:
            return [asked]
        try:
            entries = self._journal.queue(self._limit, after=self._aside.passed)
        except JournalError as error:
            if not self._journal_trouble:
                self.log.error(f"{error}; events are sent as soon as it can be read again")
            self._journal_trouble = str(error)
            self._show_trouble()
            return []
        self._journal_trouble = ""
        self._show_trouble()
        return entries

    def _show_trouble(self) -> None:
        self.trouble(self._journal_trouble or self._dating.held or self._server_trouble or self._later_trouble)

    def _all_well(self) -> None:
        self._backoff.reset()
        self._server_trouble = ""
        if self._later_trouble and not self._aside.waiting:
            self.log.info("the server takes the events that were from the future for its clock")
            self._later_trouble = ""
        self._show_trouble()

    def _start(self, entries: Sequence[Queued]) -> None:
        batch = self._prepared(entries)
        if not batch.crossings:
            return
        answer = Future[Delivered | Failed]()
        self._under_way = batch, answer
        answer.add_done_callback(lambda _: self.call_soon(self._ended, batch, answer))
        # A daemon thread, because a thread of a pool would keep the process from ending while a server does not answer.
        arguments = (self._delivery, batch.crossings, answer)
        threading.Thread(target=_send, args=arguments, name="upload", daemon=True).start()

    def _ended(self, batch: _Batch, answer: Future[Delivered | Failed]) -> None:
        # on_deactivate may have handled the answer already.
        if self._under_way is not None and self._under_way[1] is answer:
            self._under_way = None
            self._settle(batch, answer.result())

    def _settle(self, batch: _Batch, outcome: Delivered | Failed) -> None:
        self._server_clock.hear(outcome.server_time, self.clock.now(), synchronised=self.clock.is_synchronised())
        self.gauge("server_clock_ahead", self._server_clock.ahead)
        try:
            self._record(batch, outcome)
        except JournalError as error:
            # The server has the events, but they could not be marked as sent: they are sent again, and count once.
            self._failed(Failed(str(error)))

    def _record(self, batch: _Batch, outcome: Delivered | Failed) -> None:
        if isinstance(outcome, Delivered):
            self._arrived(batch, outcome)
        elif outcome.too_large and len(batch.crossings) > 1:
            # Stays smaller: the server's limit will be the same a minute later.
            self._limit = self._largest = len(batch.crossings) // 2
        else:
            self._failed(outcome)  # a single event is always small enough, so a proxy on the way is misconfigured

    def _arrived(self, batch: _Batch, outcome: Delivered) -> None:
        self._journal.refuse_many(outcome.refused)
        for event_id, reason in outcome.refused.items():
            self.log.error(f"the server refuses event {event_id}, it is kept but not sent again: {reason}")
        sent = [c.id for c in batch.crossings if c.id not in outcome.refused and c.id not in outcome.later]
        self._journal.mark_sent(sent)
        self._note_later(batch, outcome, sent)
        self.count("events_sent", len(sent))
        self.count("events_refused", len(outcome.refused))
        if self._backoff.failures and sent:
            self.log.info(f"the server takes events again: {len(sent)} sent")
        if len(batch.crossings) >= self._limit:  # more wait: fewer, larger requests are through sooner on a bad line
            self._limit = min(2 * self._limit, self._largest)
        self._waiting_since = None
        self._all_well()

    def _note_later(self, batch: _Batch, outcome: Delivered, sent: Sequence[str]) -> None:
        """Set aside what the server takes later, so that it holds nothing up, and say whose clock is wrong."""
        now = self._seconds()
        self._aside.took([*sent, *outcome.refused], now)
        if outcome.later:
            self._aside.put(batch.queued, [c.time for c in batch.crossings], outcome.later, now)
            why = self._server_clock.trouble or "check this box's clock and the server's"
            is_new = not self._later_trouble
            self._later_trouble = (
                f"events that are more than a day ahead of the server's clock wait ({self._aside.waiting}): {why}"
            )
            if is_new:
                self.log.warning(self._later_trouble)
        self.gauge("events_set_aside", self._aside.waiting)

    def _failed(self, outcome: Failed) -> None:
        first = self._backoff.failures == 0
        self._not_before = self._seconds() + min(max(self._backoff.next(), outcome.retry_after), self.retry_limit)
        if outcome.late:
            self._limit = max(min(self.batch, self._limit), self._limit // 2)  # perhaps it was too much for the line
        self.count("failed_sends")
        self._server_trouble = outcome.reason
        self._show_trouble()
        if first:
            self.log.warning(f"{outcome.reason}; events wait in the journal and are tried again")

    def _prepared(self, entries: Sequence[Queued]) -> _Batch:
        """Decode and date the entries. Those that cannot be sent are marked as refused: they would block the others."""
        batch, refused = _Batch([], []), dict[str, str]()
        for queued in entries:
            try:
                crossing = self._dated(queued.entry)
            except (DecodeError, UndatedError) as error:
                refused[queued.entry.id] = str(error)
                self.log.error(f"event {queued.entry.id} of the journal is kept but not sent: {error}")
                continue
            batch.queued.append(queued)
            batch.crossings.append(crossing)
        try:
            self._journal.refuse_many(refused)
        except JournalError as error:
            self.log.error(f"{len(refused)} events are passed over for now: {error}")
        return batch

    def _dated(self, entry: Entry) -> Crossing:
        """The event of an entry, with its time by the clock as it is set now. Raises DecodeError, UndatedError."""
        msg = decode(entry.payload)
        if not isinstance(msg, Crossing):
            raise DecodeError(f"a server takes no {entry.kind}")
        return replace(msg, time=self._dating.date(msg.boot, msg.uptime, msg.time))


def _send(delivery: Delivery, crossings: Sequence[Crossing], answer: Future[Delivered | Failed]) -> None:
    try:
        answer.set_result(delivery.send(crossings))
    except Exception as error:  # noqa: BLE001 (raised in the node's own thread, which asks for the result)
        answer.set_exception(error)
