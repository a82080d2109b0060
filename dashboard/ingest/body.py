"""Parses the body of a request: gzip, size limits, JSON or msgpack, the envelope, and its events or coverage."""

from __future__ import annotations

import json
import math
import sys
import zlib
from contextlib import suppress
from dataclasses import dataclass
from typing import Annotated, Any

import msgpack
from pydantic import FailFast, TypeAdapter, ValidationError

from metrica.box import Hello
from metrica.dashboard.ingest.schemas.events import MAX_EVENTS, VERSION, CoverageBatch, Later, Refused
from metrica.dashboard.ingest.size import MAX_VALUES, json_values, msgpack_values
from metrica.dashboard.kpis.events import HOUR
from metrica.dashboard.store.records import Event, Span

MAX_BODY = 1 << 20
"""Most bytes of a request's body as it is sent."""
MAX_HELLO = 64 << 10
"""Most bytes of a hello as it is sent."""
MAX_PLAIN = 4 << 20
"""Most bytes of a request's body after decompression. The largest batch of an honest box has 3.6 MB."""
MAX_TEXT = 3 * MAX_PLAIN
"""Most bytes of memory of a JSON body as text. One emoji makes Python use four bytes for each character."""

EARLIEST = 1_577_836_800_000_000_000
"""2020-01-01, ns UTC. An earlier time comes from a machine whose clock is not set."""
_DAY = 24 * HOUR
_DIGITS = 40
"""Most digits of a number in JSON that are looked at; the largest number of a field has 19."""
_EVENTS: TypeAdapter[list[Event]] = TypeAdapter(Annotated[list[Event], FailFast()])
_TOO_NEW = "its time is more than a day ahead of this server's clock: check the clocks of the box and of the server"


class RequestError(Exception):
    """A request that cannot be taken. The message is one sentence for the answer."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        """The HTTP status of the answer."""


@dataclass(frozen=True, slots=True)
class ParsedEvents:
    """The body of a `POST /v1/events`."""

    store: str
    """Id of the store that it names."""
    events: list[Event]
    """The valid events."""
    refused: list[Refused]
    """The events that are not valid, and never will be."""
    later: list[Later]
    """The events that are too new for the server's clock. It may be wrong, so they are not refused for good."""
    takes_later: bool
    """Whether the sender understands `later`."""


@dataclass(frozen=True, slots=True)
class ParsedCoverage:
    """The body of a `POST /v1/watched`."""

    store: str
    """Id of the store that it names."""
    spans: list[Span]
    """The spans that can be taken."""
    later: list[Later]
    """The spans that are too new for the server's clock."""
    takes_later: bool
    """Whether the sender understands `later`."""


class _TooNewError(ValueError):
    """A time is more than a day ahead of the server's clock."""


def parse_events(body: bytes, content_type: str, encoding: str, now: int) -> ParsedEvents:
    """Parse a batch of events. An event that is not valid does not affect the others.

    encoding: the Content-Encoding. now: the server's time, ns UTC.
    Raises RequestError with 400, 413 or 415; with 503 if the server's own clock is not set.
    """
    document, store = _envelope(body, content_type, encoding, now, "events")
    listed = document.get("events")
    if not isinstance(listed, list):
        raise RequestError(400, "the body has no list 'events'")
    if len(listed) > MAX_EVENTS:
        raise RequestError(413, f"{len(listed)} events in one batch: send at most {MAX_EVENTS}")
    takes_later = document.get("later") is True
    if (whole := _all_valid(listed, now)) is not None:
        return ParsedEvents(store, whole, [], [], takes_later)
    events: list[Event] = []
    refused: list[Refused] = []
    later: list[Later] = []
    for index, item in enumerate(listed):
        try:
            events.append(_checked_event(item, now))
        except _TooNewError as error:
            later.append(Later(id=_id_of(item), index=index, reason=str(error)))
        except ValueError as error:
            refused.append(Refused(id=_id_of(item), index=index, reason=str(error)))
    return ParsedEvents(store, events, refused, later, takes_later)


def parse_coverage(body: bytes, content_type: str, encoding: str, now: int) -> ParsedCoverage:
    """Parse a batch of coverage. Raises RequestError with 400, 413, 415 or 503, also if a single span is not valid."""
    document, store = _envelope(body, content_type, encoding, now, "watched")
    try:
        batch = CoverageBatch.model_validate(document)
    except ValidationError as error:
        raise RequestError(400, f"the body cannot be taken: {_first_problem(error)}") from None
    spans: list[Span] = []
    later: list[Later] = []
    for index, span in enumerate(batch.spans):
        if not EARLIEST <= span.start <= span.end:
            raise RequestError(400, f"a time of the camera {_short(span.camera)} cannot be: check the clock of its box")
        if span.end > now + _DAY:
            later.append(Later(index=index, reason=_TOO_NEW))
        else:
            spans.append(span)
    return ParsedCoverage(store, spans, later, batch.later)


def parse_hello(body: bytes, content_type: str, encoding: str, now: int) -> Hello:
    """Parse what a box says of itself. Raises RequestError with 400, 413, 415 or 503."""
    if len(body) > MAX_HELLO:
        raise RequestError(413, f"a hello has at most {MAX_HELLO >> 10} KiB: see /openapi.json for what belongs in it")
    document, _ = _envelope(body, content_type, encoding, now, "nodes")
    try:
        return Hello.model_validate(document)
    except ValidationError as error:
        raise RequestError(400, f"the body cannot be taken: {_first_problem(error)}") from None


def _envelope(body: bytes, content_type: str, encoding: str, now: int, what: str) -> tuple[dict[str, Any], str]:
    """Decode the body and check its version. Returns the document and the id of the store that it names."""
    if now < EARLIEST:
        raise RequestError(503, "this server's clock is not set, so it cannot take events yet: set it, or wait for NTP")
    document = _decoded(_decompressed(body, encoding), content_type)
    if not isinstance(document, dict):
        raise RequestError(400, f'the body is not a map: send {{"v": 1, "store": …, "{what}": […]}}')
    version = document.get("v")
    if version is True or version != VERSION:
        raise RequestError(400, f"the body's version 'v' is {_short(version)}: this server speaks version {VERSION}")
    store = document.get("store")
    if not isinstance(store, str) or not store:
        raise RequestError(400, "the body has no 'store': name the store that the token speaks for")
    return document, store


def _decompressed(body: bytes, encoding: str) -> bytes:
    if encoding not in ("", "identity", "gzip"):
        raise RequestError(415, f"the content encoding {_short(encoding)} is not known: use gzip or none")
    # An HTTP server may decompress the body and leave the header in place, so look at the first bytes too.
    if encoding == "gzip" and body[:2] == b"\x1f\x8b":
        try:
            inflater = zlib.decompressobj(wbits=31)
            body = inflater.decompress(body, MAX_PLAIN + 1)
        except zlib.error as error:
            raise RequestError(400, f"the body is not gzip: {error}") from None
        if not inflater.eof and len(body) <= MAX_PLAIN:
            raise RequestError(400, "the body's gzip is cut short")
        if inflater.unused_data:
            raise RequestError(400, "something follows the body's gzip")
    if len(body) > MAX_PLAIN:
        raise RequestError(413, f"the body is larger than {MAX_PLAIN >> 20} MiB when decompressed: send fewer events")
    return body


def _decoded(body: bytes, content_type: str) -> Any:
    try:
        if content_type == "application/json":
            _require_few(json_values(body))
            return json.loads(_text(body), parse_int=_whole, parse_float=_decimal)
        if content_type == "application/msgpack":
            return _unpacked(body)
    except (ValueError, TypeError, RecursionError, msgpack.UnpackException) as error:
        what = content_type.removeprefix("application/")
        raise RequestError(400, f"the body is not {what}: {str(error)[:100] or type(error).__name__}") from None
    raise RequestError(415, f"the content type {_short(content_type)} is not taken: send application/msgpack or json")


def _unpacked(body: bytes) -> Any:
    # Counting takes longer than all else. A body of an honest box has fewer bytes than it may have values; then only
    # the lengths of lists could lie, for which room is made before their items are looked at.
    with suppress(ValueError):  # then it is counted, and what is wrong with it is found again
        if len(body) <= MAX_VALUES:
            return msgpack.unpackb(body, timestamp=1, max_array_len=MAX_EVENTS)  # 1: as a float, which costs little
    _require_few(msgpack_values(body))
    return msgpack.unpackb(body, timestamp=1)


def _whole(digits: str) -> float:
    # Python's cost grows with the square of the digits. A number that is too long for any field is refused in its
    # field, so what it was does not matter.
    return int(digits) if len(digits) <= _DIGITS else math.inf


def _decimal(digits: str) -> float:
    return float(digits) if len(digits) <= _DIGITS else math.inf


def _text(body: bytes) -> str:
    text = body.decode(json.detect_encoding(body), "surrogatepass")
    if sys.getsizeof(text) > MAX_TEXT:
        raise RequestError(413, "the body is too large when decoded: send fewer events")
    return text


def _require_few(values: int) -> None:
    if values > MAX_VALUES:
        raise RequestError(413, f"the body has more than {MAX_VALUES} values: send fewer events")


def _all_valid(listed: list[Any], now: int) -> list[Event] | None:
    """Return the events if all of them can be taken, as those of an honest box; None: each has to be looked at.

    One call for the whole batch takes half the time, and nothing else in a request takes longer.
    """
    try:
        events = _EVENTS.validate_python(listed)
    except ValidationError:
        return None
    return events if all(EARLIEST <= event.time <= now + _DAY for event in events) else None


def _checked_event(item: Any, now: int) -> Event:
    if not isinstance(item, dict):
        raise ValueError("it is not a map")
    try:
        checked = Event.model_validate(item)
    except ValidationError as error:
        raise ValueError(_first_problem(error)) from None
    if checked.time < EARLIEST:
        raise ValueError("its time is before 2020: check the clock of the box that sent it")
    if checked.time > now + _DAY:
        raise _TooNewError(_TOO_NEW)
    return checked


def _first_problem(error: ValidationError) -> str:
    problem = error.errors(include_url=False, include_context=False)[0]
    field = ".".join(str(part) for part in problem["loc"])
    if problem["type"] == "missing":
        return f"it has no '{field}'"
    if problem["type"] == "string_pattern_mismatch":
        return f"its '{field}' has control characters in it"
    return f"its '{field}' is wrong: {problem['msg'][:1].lower()}{problem['msg'][1:]}"


def _id_of(item: Any) -> str | None:
    if not isinstance(item, dict):
        return None
    value = item.get("id")
    # Lone surrogates cannot be written back as UTF-8.
    return value[:200].encode("utf-8", "replace").decode() if isinstance(value, str) else None


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:39]}…"
