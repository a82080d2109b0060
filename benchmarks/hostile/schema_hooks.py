"""What schemathesis is told about this API: how msgpack is written, and which shop the token is for."""

from __future__ import annotations

from typing import Any

import msgpack
import schemathesis


@schemathesis.serializer("application/msgpack")
def as_msgpack(context: Any, value: Any) -> Any:
    """A body as msgpack; what msgpack cannot hold, such as a number of 70 bits, becomes a text."""
    return msgpack.packb(value, default=str) if _fits(value) else msgpack.packb(str(value))


@schemathesis.hook
def map_body(context: Any, body: Any) -> Any:
    """Put the token's own shop into most bodies: with another one, nothing but 403 would be tried."""
    if isinstance(body, dict) and isinstance(body.get("store"), str) and len(body["store"]) % 4:
        return {**body, "store": "mine"}
    return body


def _fits(value: Any) -> bool:
    if isinstance(value, bool) or value is None:
        return True
    if isinstance(value, int):
        return -(2**63) <= value < 2**64
    if isinstance(value, dict):
        return all(_fits(each) for pair in value.items() for each in pair)
    return all(map(_fits, value)) if isinstance(value, list) else _is_text(value)


def _is_text(value: Any) -> bool:
    return not isinstance(value, str) or not any("\ud800" <= letter <= "\udfff" for letter in value)
