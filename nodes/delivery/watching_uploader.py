"""The uploader that also tells the server when each camera was watched."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import replace
from http import HTTPStatus

from metrica import subscription, timer
from metrica.messages import Health
from metrica.nodes.delivery.coverage import CoverageFile, Progress, Span, Spans
from metrica.nodes.delivery.delivery import Delivered, Delivery, Failed
from metrica.nodes.delivery.uploader import Uploader
from metrica.qos import LATCHED

_LAST_WORD_SECONDS = 1.0  # with the uploader's own closing time less than the five in which a node has to end
_SPANS = 1000  # in one request
_ASK_AGAIN = 3600.0  # s; a server that does not take them may be a newer one some day


class WatchingUploader(Uploader):
    """An uploader that also reports every minute when each camera was watched: other times are no data, not zero.

    A camera is watched while its counter receives tracks, with people in them or not: so connect `heartbeats` to the
    counters, `remap: {heartbeats: "*/counter/health"}`. Coverage that the server does not have yet is written to
    watched.json beside the journal, every minute and at the end. A box that is killed loses what came after that, which
    is then shown as no data.
    """

    def on_configure(self) -> None:
        super().on_configure()
        self._progress = Progress()
        self._file = CoverageFile(self.context.journal.with_name("watched.json"))
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
        """Send the coverage that the server lacks, unless a request is under way. Events do not wait for it."""
        if self._untold:  # also while a server that does not take coverage is not asked again
            self._save()
        spans = self._watched.oldest(self._spans)
        if self._telling is not None or not spans or self._seconds() < self._tell_not_before:
            return
        answer = Future[Delivered | Failed]()
        self._telling = spans, answer
        answer.add_done_callback(lambda _: self.call_soon(self._told, spans, answer))
        threading.Thread(target=_tell, args=(self._teller, spans, answer), name="upload-watched", daemon=True).start()

    def on_deactivate(self) -> None:
        """Save the coverage, and try once more to send it, for a second at most, if the server has answered before."""
        super().on_deactivate()
        self._save()
        spans = self._watched.oldest(self._spans)
        if not spans or self._telling is not None or self._untold or self._backoff.failures:
            return
        if isinstance(self._teller.send_coverage(spans, patience=_LAST_WORD_SECONDS), Delivered):
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
            self._spans = len(spans) // 2  # one of them is wrong: smaller requests isolate it, and the others arrive
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
        self._tell_not_before = self._seconds() + (
            _ASK_AGAIN if unknown else min(outcome.retry_after, self.retry_limit)
        )
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


def _tell(delivery: Delivery, spans: Sequence[Span], answer: Future[Delivered | Failed]) -> None:
    try:
        outcome = delivery.send_coverage(spans)
        if isinstance(outcome, Failed) and outcome.status == HTTPStatus.BAD_REQUEST and len(spans) == 1:
            fits = isinstance(delivery.send_coverage([]), Delivered)
            outcome = outcome if fits else replace(outcome, status=0)  # it is not this span that is wrong
        answer.set_result(outcome)
    except Exception as error:  # noqa: BLE001 (raised in the node's own thread, which asks for the result)
        answer.set_exception(error)
