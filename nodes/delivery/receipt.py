"""What a server says, read without trusting it: receipts must add up, numbers and texts are bounded."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, NamedTuple, cast

from metrica.nodes.delivery.exchange import Answer

LONGEST_TEXT = 200
"""The most characters that are kept of a text that a server sends."""
LONGEST_WAIT = 3600.0
"""The longest time for which a server can ask not to be called again, seconds."""
_LONGEST_ID = 200  # characters of an id, at the server (docs/api.md)
_TOO_NEW = "its time is more than a day in the future"
"""How servers that know no `later` begin the reason for which they refuse what is too new for their clock."""


class Receipt(NamedTuple):
    """What a server says of a batch of events. It has all the others on its disk."""

    refused: dict[str, str]
    """Event id -> why it is refused for good."""
    later: dict[str, str]
    """Event id -> why it is not taken now, but may be taken later."""


def read_receipt(body: bytes, ids: Sequence[str]) -> Receipt:
    """Read the receipt for a batch of events with these ids.

    Raises ValueError if it is no receipt, or if it does not account for every event: accepted, duplicates, refused and
    later must add up to the batch.
    """
    receipt = _object(body)
    refused, later = _listed(receipt.get("refused"), ids), _listed(receipt.get("later", []), ids)
    if refused.keys() & later.keys():
        raise ValueError("it names one event twice")
    found = _count(receipt, "accepted") + _count(receipt, "duplicates") + len(refused) + len(later)
    if found != len(ids):
        raise ValueError(f"it is for {shortened(str(found))} events, and {len(ids)} were sent")
    later |= {event_id: why for event_id, why in refused.items() if why.startswith(_TOO_NEW)}
    return Receipt({event_id: why for event_id, why in refused.items() if event_id not in later}, later)


def read_later(body: bytes, sent: int) -> set[int]:
    """Read the receipt for so many spans of coverage. Returns the places of those that the server takes later.

    Raises ValueError if it is no receipt, or for another number of spans.
    """
    receipt = _object(body)
    listed: Any = receipt.get("later", [])
    if not isinstance(listed, list):
        raise ValueError("its 'later' is no list")
    items: list[Any] = listed
    places: list[Any] = [item.get("index") if isinstance(item, dict) else None for item in items]
    later = {place for place in places if type(place) is int and 0 <= place < sent}
    found = _count(receipt, "kept") + len(later)
    if found != sent or len(later) != len(places):
        raise ValueError(f"it is for {shortened(str(found))} spans, and {sent} were sent")
    return later


def read_heard(body: bytes) -> int:
    """Read the receipt for a hello: when the server heard it by its own clock, ns UTC. Raises ValueError."""
    heard = _object(body).get("heard")
    if type(heard) is not int or not 0 <= heard < 2**63:
        raise ValueError("it does not say when it was heard")
    return heard


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


def _listed(listed: Any, ids: Sequence[str]) -> dict[str, str]:
    """Read the list of events that were not taken. Raises ValueError."""
    if not isinstance(listed, list):
        raise ValueError("it names no refused events")
    items: list[Any] = listed
    pairs = [_refusal(item, ids) for item in items]
    if len(dict(pairs)) != len(pairs):
        raise ValueError("it names one event twice")
    return dict(pairs)


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
