"""Counts the values of a JSON or msgpack document before any of them is made, so that a small request stays cheap.

A gzip of 8 KB can hold millions of empty lists, or lists that claim millions of items. The decoder would make them all
in one step, in which no other thread runs.
"""

from __future__ import annotations

from metrica.dashboard.ingest.schemas.events import MAX_EVENTS

MAX_VALUES = 25 * MAX_EVENTS
"""Most values in a document. A batch of `MAX_EVENTS` events has about 13 for each event, keys included."""

_LENGTH = {0xC4: 1, 0xC5: 2, 0xC6: 4, 0xC7: 1, 0xC8: 2, 0xC9: 4, 0xD9: 1, 0xDA: 2, 0xDB: 4}
"""Bytes of the length field of bin, ext and str, by the first byte (https://github.com/msgpack/msgpack/blob/master/spec.md)."""
_FIXED = {0xCA: 4, 0xCB: 8, 0xCC: 1, 0xCD: 2, 0xCE: 4, 0xCF: 8, 0xD0: 1, 0xD1: 2, 0xD2: 4, 0xD3: 8} | {
    0xD4 + n: 1 + (1 << n) for n in range(5)
}
"""Bytes that follow the first byte of numbers and of ext with a fixed length."""


def json_values(body: bytes) -> int:
    """Return an upper bound of the values in a JSON document. Commas and brackets in its texts count too."""
    return 1 + body.count(b",") + body.count(b"[") + body.count(b"{")


def msgpack_values(body: bytes) -> int:
    """Return how many values a msgpack document claims to have, keys included.

    Stops when there are more than `MAX_VALUES`, or at the end of a document that is cut short.
    """
    at, total, left = 0, 1, 1
    size = len(body)
    while left and at < size and total <= MAX_VALUES:
        first = body[at]
        at += 1
        left -= 1
        if first < 0x80 or first >= 0xE0:
            continue
        items = 0
        if first < 0x90:
            items = 2 * (first & 0x0F)
        elif first < 0xA0:
            items = first & 0x0F
        elif first < 0xC0:
            at += first & 0x1F
        elif first in _FIXED:
            at += _FIXED[first]
        elif first in _LENGTH:
            width = _LENGTH[first]
            ext_type = 1 if 0xC7 <= first <= 0xC9 else 0
            at += width + ext_type + int.from_bytes(body[at : at + width], "big")
        elif first >= 0xDC:  # array 16, array 32, map 16, map 32
            width = 2 if first in (0xDC, 0xDE) else 4
            items = int.from_bytes(body[at : at + width], "big") * (2 if first >= 0xDE else 1)
            at += width
        left += items
        total += items
    return total
