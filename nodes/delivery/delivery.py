"""One request to the ingest, with a batch of events or of coverage, and its result. No clock, no queue."""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from http import HTTPStatus
from typing import Any, cast

import msgpack
import urllib3

from metrica.messages import Crossing
from metrica.nodes.delivery.coverage import Span

VERSION = 1
"""The version of the request format (docs/api.md)."""
_TIMEOUT = urllib3.Timeout(connect=5.0, read=20.0)


@dataclass(frozen=True, slots=True)
class Delivered:
    """The server has the batch on its disk, except for the events that it has refused for good."""

    refused: dict[str, str] = field(default_factory=dict[str, str])
    """Event id -> why the server has refused it for good."""


@dataclass(frozen=True, slots=True)
class Failed:
    """The batch may not have arrived, so send it again later. The server counts no event twice."""

    reason: str
    """What went wrong, in one sentence for the log and the health."""
    retry_after: float = 0.0
    """Seconds that the server asks to wait before the next request; 0 if it asks for none."""
    too_large: bool = False
    """Whether the batch was too large for the server."""
    needs_a_person: bool = False
    """Whether trying again does not help until somebody changes something, such as the token or the address."""
    status: int = 0
    """The HTTP status of the answer; 0 if there was no answer, or one without a receipt."""


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


class Delivery:
    """A connection to one ingest, kept open between batches. Only one thread at a time may use it."""

    def __init__(self, url: str, store: str, token: str) -> None:
        self._url = url.rstrip("/")
        self._store = store
        self._headers = {
            "Authorization": f"Bearer {token}",
            "Content-Type": "application/msgpack",
            "Content-Encoding": "gzip",
            "Accept": "application/json",
        }
        self._pool = urllib3.PoolManager(retries=False)

    def send(self, crossings: Sequence[Crossing], *, patience: float | None = None) -> Delivered | Failed:
        """Send one batch of events. Every error on the way is returned as `Failed`; nothing is raised.

        patience: seconds to wait for an answer, if less than usual.
        """
        answer = self._post("events", [event_fields(c) for c in crossings], patience)
        return answer if isinstance(answer, Failed) else _receipt(answer)

    def send_coverage(self, spans: Sequence[Span], *, patience: float | None = None) -> Delivered | Failed:
        """Send spans of coverage. The server joins them, so sending them again changes nothing."""
        answer = self._post("watched", [asdict(span) for span in spans], patience)
        return answer if isinstance(answer, Failed) else _kept(answer)

    def _post(self, what: str, items: list[Any], patience: float | None) -> urllib3.BaseHTTPResponse | Failed:
        """POST a document. Returns the server's answer if its status is 200, or why the request failed."""
        address = f"{self._url}/v1/{what}"
        packed = cast(bytes, msgpack.packb({"v": VERSION, "store": self._store, what: items}))
        body = gzip.compress(packed, mtime=0)
        timeout = _TIMEOUT if patience is None else urllib3.Timeout(total=patience)
        try:
            answer = self._pool.request("POST", address, body=body, headers=self._headers, timeout=timeout)
        except (urllib3.exceptions.HTTPError, OSError) as error:
            return Failed(f"{address} cannot be reached: {_in_short(error)}")
        return answer if answer.status == HTTPStatus.OK else _failure(answer, address)

    def close(self) -> None:
        self._pool.clear()


def _receipt(answer: urllib3.BaseHTTPResponse) -> Delivered | Failed:
    try:
        body: dict[str, Any] = answer.json()
        return Delivered({str(r["id"]): str(r["reason"]) for r in body["refused"]})
    except (ValueError, KeyError, TypeError, UnicodeDecodeError):
        return _no_receipt()


def _kept(answer: urllib3.BaseHTTPResponse) -> Delivered | Failed:
    try:
        int(answer.json()["kept"])
    except (ValueError, KeyError, TypeError, UnicodeDecodeError):
        return _no_receipt()
    return Delivered()


def _no_receipt() -> Failed:
    return Failed("the server's answer is no receipt: is 'url' the address of a Metrica ingest?", needs_a_person=True)


def _failure(answer: urllib3.BaseHTTPResponse, address: str) -> Failed:
    status = answer.status
    said = _said(answer)
    if status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        reason = f"the server takes no batch of this size ({said})"
        return Failed(reason, too_large=True, needs_a_person=True, status=status)
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        return Failed(f"the server does not accept the token ({said})", needs_a_person=True, status=status)
    if (
        status in (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.REQUEST_TIMEOUT)
        or status >= HTTPStatus.INTERNAL_SERVER_ERROR
    ):
        wait = _seconds(answer.headers.get("Retry-After"))
        return Failed(f"the server answers {status} ({said})", retry_after=wait, status=status)
    return Failed(f"{address} answers {status} ({said}): check 'url'", needs_a_person=True, status=status)


def _said(answer: urllib3.BaseHTTPResponse) -> str:
    try:
        return str(answer.json()["error"])
    except (ValueError, KeyError, TypeError, UnicodeDecodeError):
        return answer.reason or "no explanation"


def _seconds(header: str | None) -> float:
    return float(header) if header is not None and header.isdigit() else 0.0


def _in_short(error: Exception) -> str:
    """The last part of an error's text; urllib3 puts internal object names before it."""
    text = str(error).rsplit("> ", 1)[-1].rsplit(": ", 1)[-1]
    return text or type(error).__name__
