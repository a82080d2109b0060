"""The uploader: what the journal holds goes to the server, once and in full."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import replace
from http import HTTPStatus

from metrica import Node, param, subscription, timer
from metrica.backoff import Backoff
from metrica.errors import DecodeError, JournalError, ParameterError
from metrica.journal.journal import Entry, Journal
from metrica.messages import Crossing, Health, decode
from metrica.nodes.delivery.coverage import Progress, Span, Spans, WatchFile
from metrica.nodes.delivery.delivery import Delivered, Delivery, Failed
from metrica.qos import LATCHED

_CLOSING_SECONDS = 3.0
_LAST_WORD_SECONDS = 1.0  # both together less than the five in which a node has to end
_SPANS = 1000  # in one request
_ASK_AGAIN = 3600.0  # s; a server that does not take them may be a newer one some day
_DAY = 86_400


class Uploader(Node):
    """Sends the journal's events to an ingest in batches, and marks them once the server has them on its disk.

    Without a network it keeps trying, less and less often; the events wait in the journal for as long as it
    takes. It has no topics: the journal is its input, so an event that was recorded while it was down is sent too.
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
        if "@" in self.url.split("/")[2]:  # and it would stand in the log
            raise ParameterError("url", "'url' must not hold a user name or a password: the token says who sends")
        if not (self.token.isascii() and self.token.isprintable()) or " " in self.token:
            raise ParameterError("token", "'token' must be plain letters and digits, without blanks or line breaks")

    def on_configure(self) -> None:
        self._journal = Journal(self.context.journal)
        self._delivery = Delivery(self.url, self.context.store, self.token or self.context.local_token())
        self._backoff = Backoff(self.retry_first, self.retry_limit)
        self._under_way: tuple[list[Crossing], Future[Delivered | Failed]] | None = None
        self._limit = self.batch
        self._not_before = 0.0
        self._waiting_since: float | None = None
        self._journal_fails = False

    @timer(seconds=0.5)
    def look(self) -> None:
        """Send a batch if one is due and none is under way."""
        now = self._seconds()
        if self._under_way is not None or now < self._not_before:
            return
        entries = self._unsent()
        if not entries:
            self._waiting_since = None
            return
        self._waiting_since = self._waiting_since if self._waiting_since is not None else now
        if len(entries) >= self._limit or now - self._waiting_since >= self.max_age:
            self._start(entries)

    @timer(seconds=3600)
    def forget_old(self) -> None:
        """Remove what was sent long ago."""
        try:
            self._journal.prune(self.keep_days * _DAY)
        except JournalError as error:
            self.log.warning(f"old events stay in the journal: {error}")

    def on_deactivate(self) -> None:
        """Let the batch under way end, and try the rest once, for three seconds at most."""
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
            if not self._journal_fails:
                self.log.error(f"{error}; events are sent as soon as it can be read again")
            self._journal_fails = True
            self.trouble(str(error))
            return []
        self._journal_fails = False
        return entries

    def _start(self, entries: Sequence[Entry]) -> None:
        crossings = self._decoded(entries)
        if not crossings:
            return
        answer = Future[Delivered | Failed]()
        self._under_way = crossings, answer
        answer.add_done_callback(lambda _: self.call_soon(self._ended, crossings, answer))
        # Not an executor's thread: the process would wait at its end for a server that does not answer.
        threading.Thread(target=_send, args=(self._delivery, crossings, answer), name="upload", daemon=True).start()

    def _ended(self, crossings: list[Crossing], answer: Future[Delivered | Failed]) -> None:
        if self._under_way is not None and self._under_way[1] is answer:  # on_deactivate may have been quicker
            self._under_way = None
            self._settle(crossings, answer.result())

    def _settle(self, crossings: Sequence[Crossing], outcome: Delivered | Failed) -> None:
        try:
            self._record(crossings, outcome)
        except JournalError as error:
            # The server has them, the journal does not know it yet: they are sent again, which is harmless.
            self._failed(Failed(str(error)))

    def _record(self, crossings: Sequence[Crossing], outcome: Delivered | Failed) -> None:
        if isinstance(outcome, Delivered):
            self._arrived(crossings, outcome)
        elif outcome.too_large and len(crossings) > 1:
            self._limit = len(crossings) // 2  # for good: a server that takes less will not take more a minute later
        else:
            self._failed(outcome)  # a single event is never too large: something between here and there is set wrong

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
        self._backoff.reset()
        self._waiting_since = None
        self.trouble("")

    def _failed(self, outcome: Failed) -> None:
        first = self._backoff.failures == 0
        wait = max(self._backoff.next(), outcome.retry_after)
        wait = self.retry_limit if outcome.needs_a_person else wait
        self._not_before = self._seconds() + wait
        self.count("failed_sends")
        self.trouble(outcome.reason)
        if first:
            self.log.warning(f"{outcome.reason}; events wait in the journal and are tried again")

    def _decoded(self, entries: Sequence[Entry]) -> list[Crossing]:
        """The events of the entries; what is no event is refused here, or it would block the queue for ever."""
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


class WatchingUploader(Uploader):
    """An uploader that also says, every minute, when each camera was watched: time without is no data, not a zero.

    A camera is watched while its counter takes in what becomes of its pictures, people or none: so wire `heartbeats`
    to the counters, `remap: {heartbeats: "*/counter/health"}`. What a server that cannot be reached does not have yet
    is written to watched.json beside the journal, every minute and at the end; a box that is killed loses what came
    after that, which is then shown as no data.
    """

    def on_configure(self) -> None:
        super().on_configure()
        self._progress = Progress()
        self._file = WatchFile(self.context.journal.with_name("watched.json"))
        self._watched = Spans(self._kept_before())
        self._teller = Delivery(self.url, self.context.store, self.token or self.context.local_token())
        self._telling: tuple[list[Span], Future[Delivered | Failed]] | None = None
        self._spans = _SPANS
        self._tell_not_before = 0.0
        self._untold = self._unsaved = False  # whether the log has said so

    @subscription(Health, qos=LATCHED)
    def heartbeats(self, msg: Health) -> None:
        """The heartbeats of the cameras' counters."""
        span = self._progress.hear(msg)
        if span is not None:
            self._watched.add(span)
        self.gauge("spans_waiting", len(self._watched))
        self.gauge("spans_given_up", self._watched.lost)

    @timer(seconds=60)
    def tell(self) -> None:
        """Tell the server what it does not know yet, unless it is being told. The events do not wait for it."""
        if self._untold:  # also in the hour in which an older server is left alone
            self._save()
        spans = self._watched.oldest(self._spans)
        if self._telling is not None or not spans or self._seconds() < self._tell_not_before:
            return
        answer = Future[Delivered | Failed]()
        self._telling = spans, answer
        answer.add_done_callback(lambda _: self.call_soon(self._told, spans, answer))
        threading.Thread(target=_tell, args=(self._teller, spans, answer), name="upload-watched", daemon=True).start()

    def on_deactivate(self) -> None:
        """Keep what is untold, and try once more, for a second at most, if the server answered before."""
        super().on_deactivate()
        self._save()
        spans = self._watched.oldest(self._spans)
        if not spans or self._telling is not None or self._untold or self._backoff.failures:
            return
        if isinstance(self._teller.send_watched(spans, patience=_LAST_WORD_SECONDS), Delivered):
            self._watched.remove(spans)
            self._save()

    def on_cleanup(self) -> None:
        self._teller.close()
        super().on_cleanup()

    def _told(self, spans: list[Span], answer: Future[Delivered | Failed]) -> None:
        self._telling = None
        outcome = answer.result()
        more = True
        if isinstance(outcome, Delivered):
            self._watched.remove(spans)
            more = len(spans) == _SPANS or self._spans < _SPANS
            self._untold, self._spans = False, _SPANS
            self.count("spans_sent", len(spans))
        elif outcome.status in (HTTPStatus.BAD_REQUEST, HTTPStatus.REQUEST_ENTITY_TOO_LARGE) and len(spans) > 1:
            self._spans = len(spans) // 2  # one of them is wrong: halves lead to it, and the others arrive
        elif outcome.status == HTTPStatus.BAD_REQUEST:
            self._watched.remove(spans)
            self._spans = _SPANS
            self.log.error(f"a time at which {spans[0].camera} was watched is dropped: {outcome.reason}")
        else:
            self._not_told(outcome)
            return
        self._save()
        if more:
            self.tell()

    def _not_told(self, outcome: Failed) -> None:
        self.count("failed_tells")
        unknown = outcome.status in (HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED)
        self._tell_not_before = self._seconds() + (_ASK_AGAIN if unknown else outcome.retry_after)
        if not self._untold:
            what = "it may be an older one; asked again every hour" if unknown else "tried again every minute"
            self.log.warning(f"the server does not hear when cameras were watched: {outcome.reason}; {what}")
        self._untold = True
        self._save()

    def _save(self) -> None:
        try:
            self._file.save(self._watched)
            self._unsaved = False
        except OSError as error:
            if not self._unsaved:
                self.log.error(f"{self._file.path} cannot be written: {error.strerror}; the times wait in memory")
            self._unsaved = True

    def _kept_before(self) -> list[Span]:
        try:
            return self._file.load()
        except (OSError, ValueError) as error:
            self.log.error(f"{self._file.path} cannot be read, the times in it are shown as no data: {error}")
            return []


def _send(delivery: Delivery, crossings: Sequence[Crossing], answer: Future[Delivered | Failed]) -> None:
    try:
        answer.set_result(delivery.send(crossings))
    except Exception as error:  # noqa: BLE001 (raised in the node's own thread, which asks for the result)
        answer.set_exception(error)


def _tell(delivery: Delivery, spans: Sequence[Span], answer: Future[Delivered | Failed]) -> None:
    try:
        outcome = delivery.send_watched(spans)
        if isinstance(outcome, Failed) and outcome.status == HTTPStatus.BAD_REQUEST and len(spans) == 1:
            fits = isinstance(delivery.send_watched([]), Delivered)
            outcome = outcome if fits else replace(outcome, status=0)  # it is not this span that is wrong
        answer.set_result(outcome)
    except Exception as error:  # noqa: BLE001 (raised in the node's own thread, which asks for the result)
        answer.set_exception(error)
