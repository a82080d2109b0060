"""What a server says, read without trusting it: receipts must add up, numbers and texts are bounded."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, cast

from metrica.nodes.delivery.exchange import Answer

LONGEST_TEXT = 200
"""The most characters that are kept of a text that a server sends."""
LONGEST_WAIT = 3600.0
"""The longest time for which a server can ask not to be called again, seconds."""
_LONGEST_ID = 200  # characters of an id, at the server (docs/api.md)


def read_refused(body: bytes, ids: Sequence[str]) -> dict[str, str]:
    """Read the receipt for a batch of events with these ids.

    Returns the id of each event that the server has refused for good, and why. Raises ValueError if it is no receipt,
    or if it does not account for every event: accepted, duplicates and refused must add up to the batch.
    """
    receipt = _object(body)
    listed: Any = receipt.get("refused")
    if not isinstance(listed, list):
        raise ValueError("it names no refused events")
    items: list[Any] = listed
    refusals = [_refusal(item, ids) for item in items]
    refused = dict(refusals)
    if len(refused) != len(refusals):
        raise ValueError("it refuses one event twice")
    found = _count(receipt, "accepted") + _count(receipt, "duplicates") + len(refused)
    if found != len(ids):
        raise ValueError(f"it is for {shortened(str(found))} events, and {len(ids)} were sent")
    return refused


def check_kept(body: bytes, sent: int) -> None:
    """Check the receipt for so many spans of coverage. Raises ValueError if it is none, or for another number."""
    kept = _count(_object(body), "kept")
    if kept != sent:
        raise ValueError(f"it is for {shortened(str(kept))} spans, and {sent} were sent")


def said_by(answer: Answer) -> str:
    """The server's own explanation of an error, or the words of its status line; one short line."""
    try:
        said = _object(answer.body).get("error")
    except ValueError:
        said = None
    return shortened(said if isinstance(said, str) else answer.reason) or "no explanation"


def retry_seconds(header: str) -> float:
    """The seconds in a header `Retry-After`, bounded; 0 if it holds anything else, such as a date."""
    text = header.strip()
    return min(float(text), LONGEST_WAIT) if text.isascii() and text.isdigit() else 0.0


def shortened(text: str) -> str:
    """One line of at most `LONGEST_TEXT` printable characters."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text[: 4 * LONGEST_TEXT]).split())
    return line if len(line) <= LONGEST_TEXT else f"{line[: LONGEST_TEXT - 1]}…"


def _object(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        raise ValueError("it is not JSON") from None
    if not isinstance(found, dict):
        raise ValueError("it is not a JSON object")
    return cast(dict[str, Any], found)


def _count(receipt: dict[str, Any], name: str) -> int:
    value = receipt.get(name)
    if type(value) is not int or value < 0:  # not isinstance: True is an int
        raise ValueError(f"its '{name}' is no number of events")
    return value


def _refusal(item: Any, ids: Sequence[str]) -> tuple[str, str]:
    if not isinstance(item, dict):
        raise ValueError("it refuses an event without its id")
    fields = cast(dict[str, Any], item)
    said, reason = fields.get("id"), fields.get("reason")
    index = fields.get("index", ids.index(said) if said in ids else None)
    # The server shortens an id that is too long, so the place in the batch says which event is meant.
    if type(index) is not int or not 0 <= index < len(ids) or said not in (ids[index], ids[index][:_LONGEST_ID]):
        raise ValueError("it refuses an event that was not sent")
    if not isinstance(reason, str):
        raise ValueError("it refuses an event without a reason")
    return ids[index], shortened(reason)
