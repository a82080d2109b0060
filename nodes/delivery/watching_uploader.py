"""The uploader that also sends the coverage of the cameras."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from http import HTTPStatus

from metrica import subscription, timer
from metrica.messages import Health
from metrica.nodes.delivery.coverage import CoverageFile, Progress, Span, Spans
from metrica.nodes.delivery.dating import UndatedError
from metrica.nodes.delivery.delivery import Delivered, Delivery, Failed
from metrica.nodes.delivery.uploader import Uploader
from metrica.qos import LATCHED

_LAST_TRY_SECONDS = 1.0  # at most; with `_CLOSING_SECONDS` less than the five in which a node has to end
_SPANS = 1000  # at most, in one request
_ASK_AGAIN = 3600.0  # seconds; a server that does not take coverage may be updated one day


@dataclass(frozen=True, slots=True)
class _Spans:
    """Spans of coverage that are sent together."""

    known: list[Span]
    """The spans as they wait."""
    dated: list[Span]
    """The same spans as they are sent, ns UTC: dated by the clock as it is set now."""


class WatchingUploader(Uploader):
    """An uploader that also sends, every minute, the times at which each camera looked.

    All other times are shown as no data, not as zero. A camera looks while its counter receives tracks, with or without
    people in them: connect `heartbeats` to the counters, `remap: {heartbeats: "*/counter/health"}`. Coverage that the
    server does not have yet is written to watched.json beside the journal, every minute and at the end. If the process
    is killed, the coverage after the last write is lost, and that time is shown as no data.
    """

    def on_configure(self) -> None:
        super().on_configure()
        self._progress = Progress()
        self._file = CoverageFile(self.context.journal.with_name("watched.json"))
        self._waiting_spans = Spans(self._spans_of_file())
        self._coverage_delivery = self._make_delivery()
        self._coverage_under_way: tuple[_Spans, Future[Delivered | Failed]] | None = None
        self._coverage_limit = _SPANS
        self._coverage_not_before = 0.0
        self._failure_logged = self._unsaved = False  # whether the log has reported it

    @subscription(Health, qos=LATCHED)
    def heartbeats(self, msg: Health) -> None:
        """The heartbeats of the cameras' counters."""
        asleep = self.clock.uptime() - self.clock.monotonic()
        span = self._progress.hear(msg, boot=self.clock.boot(), asleep=asleep)
        if span is not None:
            self._waiting_spans.add(span)
        self.gauge("spans_waiting", len(self._waiting_spans))
        self.gauge("spans_given_up", self._waiting_spans.lost)

    @timer(seconds=60)
    def tell(self) -> None:
        """Send the coverage that the server lacks, unless a request is under way. Events do not wait for it."""
        if self._failure_logged:  # also while a server that does not take coverage is not asked again
            self._save()
        if self._dating.held:  # nobody knows the date
            self._save()
            return
        if self._coverage_under_way is not None or self._seconds() < self._coverage_not_before:
            return
        spans = self._dated_spans()
        if not spans.known:
            return
        answer = Future[Delivered | Failed]()
        self._coverage_under_way = spans, answer
        answer.add_done_callback(lambda _: self.call_soon(self._coverage_answered, spans, answer))
        threading.Thread(
            target=_send_coverage,
            args=(self._coverage_delivery, spans.dated, answer),
            name="upload-coverage",
            daemon=True,
        ).start()

    def on_deactivate(self) -> None:
        """Save the coverage. If the last requests have succeeded, also try to send it, for a second at most."""
        super().on_deactivate()
        self._save()
        if self._coverage_under_way is not None or self._failure_logged or self._backoff.failures or self._dating.held:
            return
        spans = self._dated_spans()
        outcome = (
            self._coverage_delivery.send_coverage(spans.dated, patience=_LAST_TRY_SECONDS) if spans.known else None
        )
        if isinstance(outcome, Delivered):
            self._waiting_spans.remove(_taken(spans, outcome))
            self._save()

    def on_cleanup(self) -> None:
        self._coverage_delivery.close()
        super().on_cleanup()

    def _dated_spans(self) -> _Spans:
        """The oldest spans, dated. Those that nobody can date are dropped: their times are shown as no data."""
        spans, undated = _Spans([], []), list[Span]()
        for span in self._waiting_spans.oldest(self._coverage_limit):
            try:
                start, end = (self._dating.date(span.boot, t, t) for t in (span.start, span.end))
            except UndatedError:
                undated.append(span)
                continue
            spans.known.append(span)
            spans.dated.append(Span(span.camera, start, end))
        if undated:
            self._waiting_spans.remove(undated)
            self.log.error(
                f"coverage is dropped ({len(undated)} spans): the box was switched off before its clock was set, so "
                "nobody knows when it was"
            )
        return spans

    def _coverage_answered(self, spans: _Spans, answer: Future[Delivered | Failed]) -> None:
        self._coverage_under_way = None
        outcome = answer.result()
        more = True
        if isinstance(outcome, Delivered):
            taken = _taken(spans, outcome)
            self._waiting_spans.remove(taken)
            more = bool(taken) and (len(spans.known) == _SPANS or self._coverage_limit < _SPANS)
            self._failure_logged, self._coverage_limit = False, _SPANS
            self.count("spans_sent", len(taken))
        elif outcome.status in (HTTPStatus.BAD_REQUEST, HTTPStatus.REQUEST_ENTITY_TOO_LARGE) and len(spans.known) > 1:
            # One span is wrong: smaller requests isolate it, and the others arrive.
            self._coverage_limit = len(spans.known) // 2
        elif outcome.status == HTTPStatus.BAD_REQUEST:
            self._waiting_spans.remove(spans.known)
            self._coverage_limit = _SPANS
            self.log.error(f"a span of coverage of {spans.known[0].camera} is dropped: {outcome.reason}")
        else:
            self._coverage_failed(outcome)
            return
        self._save()
        if more:
            self.tell()

    def _coverage_failed(self, outcome: Failed) -> None:
        self.count("failed_tells")
        unknown = outcome.status in (HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED)
        wait = _ASK_AGAIN if unknown else min(outcome.retry_after, self.retry_limit)
        self._coverage_not_before = self._seconds() + wait
        if not self._failure_logged:
            what = "it may be an older one; asked again every hour" if unknown else "tried again every minute"
            self.log.warning(f"the server does not get the cameras' coverage: {outcome.reason}; {what}")
        self._failure_logged = True
        self._save()

    def _save(self) -> None:
        try:
            self._file.save(self._waiting_spans)
            self._unsaved = False
        except OSError as error:
            if not self._unsaved:
                self.log.error(f"{self._file.path} cannot be written: {error.strerror}; coverage waits in memory")
            self._unsaved = True

    def _spans_of_file(self) -> list[Span]:
        try:
            return self._file.load()
        except (OSError, ValueError) as error:
            self.log.error(f"{self._file.path} cannot be read, the times in it are shown as no data: {error}")
            return []


def _taken(spans: _Spans, outcome: Delivered) -> list[Span]:
    """The spans that the server has now. The others are from the future by its clock, and wait."""
    return [span for place, span in enumerate(spans.known) if place not in outcome.later_spans]


def _send_coverage(delivery: Delivery, spans: Sequence[Span], answer: Future[Delivered | Failed]) -> None:
    try:
        outcome = delivery.send_coverage(spans)
        if isinstance(outcome, Failed) and outcome.status == HTTPStatus.BAD_REQUEST and len(spans) == 1:
            fits = isinstance(delivery.send_coverage([]), Delivered)
            # If an empty request is refused too, it is not this span that is wrong.
            outcome = outcome if fits else replace(outcome, status=0)
        answer.set_result(outcome)
    except Exception as error:  # noqa: BLE001 (raised in the node's own thread, which asks for the result)
        answer.set_exception(error)
