"""One request to the ingest, with a batch of events or of coverage, and its result. No clock, no queue."""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from pathlib import Path
from typing import Any, cast

import msgpack
import urllib3

from metrica.box import Hello
from metrica.messages import Crossing
from metrica.nodes.delivery.coverage import Span
from metrica.nodes.delivery.exchange import EXCHANGE_SECONDS, Answer, Exchange
from metrica.nodes.delivery.receipt import read_heard, read_later, read_receipt, retry_seconds, said_by, shortened
from metrica.nodes.delivery.server_clock import read_date

VERSION = 1
"""The version of the request format (docs/api.md)."""


@dataclass(frozen=True, slots=True)
class Delivered:
    """The server has the batch on its disk, except for what it has refused for good, or takes later."""

    refused: dict[str, str] = field(default_factory=dict[str, str])
    """Event id -> why the server has refused it for good."""
    later: dict[str, str] = field(default_factory=dict[str, str])
    """Event id -> why the server does not take it now, but may take it later."""
    later_spans: set[int] = field(default_factory=set[int])
    """The places, in the batch, of the spans of coverage that the server may take later."""
    server_time: int = 0
    """What the server's clock said, ns UTC; 0 if it did not tell."""


@dataclass(frozen=True, slots=True)
class Failed:
    """The batch may not have arrived, so send it again later. The server counts no event twice."""

    reason: str
    """What went wrong, in one sentence for the log and the health."""
    retry_after: float = 0.0
    """Seconds that the server asks to wait before the next request; 0 if it asks for none."""
    too_large: bool = False
    """Whether the batch was too large for the server."""
    late: bool = False
    """Whether the time was over before the whole answer was there."""
    status: int = 0
    """The HTTP status of the answer; 0 if there was no answer, or one without a receipt."""
    server_time: int = 0
    """What the server's clock said, ns UTC; 0 if it did not tell."""


def event_fields(crossing: Crossing) -> dict[str, str | int]:
    """The fields of an event that leave the box: these and nothing else."""
    return {
        "id": crossing.id,
        "camera": crossing.header.camera,
        "line": crossing.line,
        "direction": crossing.direction,
        "track": crossing.track,
        "time": crossing.time,
    }


def span_fields(span: Span) -> dict[str, str | int]:
    """The fields of a span of coverage that leave the box."""
    return {"camera": span.camera, "start": span.start, "end": span.end}


class Delivery:
    """A connection to one ingest, kept open between batches. Only one thread at a time may use it.

    Args:
        url: The address of the ingest.
        store: The store's id.
        token: The store's token.
        ca_file: Certificates of whom to trust over HTTPS; None for those of the system.
    """

    def __init__(self, url: str, store: str, token: str, ca_file: Path | None = None) -> None:
        self._url = url.rstrip("/")
        self._store = store
        self._headers = {
            "Authorization": f"Bearer {token}",
            "Content-Type": "application/msgpack",
            "Content-Encoding": "gzip",
            "Accept": "application/json",
        }
        self._exchange = Exchange(self._headers, ca_file)

    def send(self, crossings: Sequence[Crossing], *, patience: float | None = None) -> Delivered | Failed:
        """Send one batch of events. Every error on the way is returned as `Failed`; nothing is raised.

        patience: time limit of the whole exchange, seconds, if less than usual.
        """
        answer = self._post("events", [event_fields(c) for c in crossings], patience)
        if isinstance(answer, Failed):
            return answer
        try:
            receipt = read_receipt(answer.body, [c.id for c in crossings])
            return Delivered(receipt.refused, receipt.later, server_time=read_date(answer.date))
        except ValueError as error:
            return _no_receipt(error)

    def send_coverage(self, spans: Sequence[Span], *, patience: float | None = None) -> Delivered | Failed:
        """Send spans of coverage. The server joins them, so sending them again changes nothing."""
        answer = self._post("watched", [span_fields(span) for span in spans], patience)
        if isinstance(answer, Failed):
            return answer
        try:
            return Delivered(later_spans=read_later(answer.body, len(spans)), server_time=read_date(answer.date))
        except ValueError as error:
            return _no_receipt(error)

    def send_hello(self, box: str, hello: Hello) -> Delivered | Failed:
        """Say how the box is. `server_time` of the result is what the server's own clock said as it heard."""
        answer = self._post_document(f"boxes/{box}/hello", hello.model_dump(), None)
        if isinstance(answer, Failed):
            return answer
        try:
            return Delivered(server_time=read_heard(answer.body))
        except ValueError as error:
            return _no_receipt(error)

    def _post(self, what: str, items: list[Any], patience: float | None) -> Answer | Failed:
        # "later": this box understands that the server takes some of it later.
        return self._post_document(what, {"v": VERSION, "store": self._store, "later": True, what: items}, patience)

    def _post_document(self, path: str, document: dict[str, Any], patience: float | None) -> Answer | Failed:
        """POST a document. Returns the server's answer if its status is 200, or why the request failed."""
        address = f"{self._url}/v1/{path}"
        packed = cast(bytes, msgpack.packb(document))
        body = gzip.compress(packed, mtime=0)
        seconds = EXCHANGE_SECONDS if patience is None else patience
        try:
            answer = self._exchange.post(address, body, seconds=seconds)
        except TimeoutError:
            return Failed(f"{address} gives no whole answer within {seconds:.0f} s", late=True)
        except (urllib3.exceptions.HTTPError, OSError) as error:
            return Failed(f"{address} cannot be reached: {_in_short(error)}")
        except Exception as error:  # noqa: BLE001 (whatever a server says must not end the node)
            return Failed(f"the answer of {address} cannot be read: {_in_short(error)}")
        if answer.status == HTTPStatus.OK:
            return answer
        return replace(_failure(answer, address), server_time=read_date(answer.date))

    def close(self) -> None:
        self._exchange.close()


def _no_receipt(error: ValueError) -> Failed:
    return Failed(f"the server's answer is no receipt ({error}): is 'url' the address of a Metrica ingest?")


def _failure(answer: Answer, address: str) -> Failed:
    status, said = answer.status, said_by(answer)
    if status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        return Failed(f"the server takes no batch of this size ({said})", too_large=True, status=status)
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        return Failed(f"the server does not accept the token ({said})", status=status)
    if (
        status in (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.REQUEST_TIMEOUT)
        or status >= HTTPStatus.INTERNAL_SERVER_ERROR
    ):
        wait = retry_seconds(answer.retry_after)
        return Failed(f"the server answers {status} ({said})", retry_after=wait, status=status)
    return Failed(f"{address} answers {status} ({said}): check 'url'", status=status)


def _in_short(error: Exception) -> str:
    """The last part of an error's text; urllib3 puts internal object names before it."""
    text = str(error).rsplit("> ", 1)[-1].rsplit(": ", 1)[-1]
    return shortened(text) or type(error).__name__
