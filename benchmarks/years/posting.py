"""Sends batches to an ingest as boxes do: msgpack, gzip, a token, and again after a refusal that passes."""

from __future__ import annotations

import asyncio
import gzip
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import aiohttp
import msgpack

_PATIENCE = 120.0
"""Seconds for which a batch is sent again and again."""
_PASSING = (408, 429, 503)
"""Statuses after which a sender tries again."""


class PostError(Exception):
    """A batch was not taken. The message says which, and what the server said."""


@dataclass(slots=True)
class Sent:
    """What was sent, and what the server said of it."""

    accepted: int = 0
    """Events that were new."""
    duplicates: int = 0
    """Events that the server had."""
    refused: int = 0
    """Events that it did not take."""
    spans: int = 0
    """Spans of coverage that it took."""
    retries: int = 0
    """Requests that had to be sent again."""
    seconds: list[float] = field(default_factory=list[float])
    """How long each answer took, the repeated requests included."""

    def add(self, other: Sent) -> None:
        """Take in what another one has sent."""
        self.accepted += other.accepted
        self.duplicates += other.duplicates
        self.refused += other.refused
        self.spans += other.spans
        self.retries += other.retries
        self.seconds += other.seconds


def packed(store: str, what: Literal["events", "watched"], items: Sequence[Any]) -> bytes:
    """The body of a request, as a box packs it; compressed lightly, so that the sender leaves the processor alone."""
    document = msgpack.packb({"v": 1, "store": store, "later": True, what: list(items)})
    assert isinstance(document, bytes)
    return gzip.compress(document, compresslevel=1, mtime=0)


class Poster:
    """Posts to one ingest over one session of connections, which the caller opens and closes."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self._session = session
        self._url = url.rstrip("/")
        self.sent = Sent()
        """What this one has sent so far."""

    async def post(self, store: str, token: str, what: Literal["events", "watched"], items: Sequence[Any]) -> None:
        """Send one batch of a store until the server has it. Raises PostError if it does not take it."""
        body = packed(store, what, items)
        headers = {
            "Authorization": f"Bearer {token}",
            "Content-Type": "application/msgpack",
            "Content-Encoding": "gzip",
        }
        began = time.monotonic()
        while True:
            try:
                async with self._session.post(f"{self._url}/v1/{what}", data=body, headers=headers) as answer:
                    status, said = answer.status, await answer.read()
            except (aiohttp.ClientError, TimeoutError) as error:
                status, said = 503, f"{type(error).__name__}: {error}".encode()
            if status == 200:
                break
            if status not in _PASSING or time.monotonic() - began > _PATIENCE:
                raise PostError(f"{self._url} did not take {len(items)} {what} of {store}: {status} {said[:300]!r}")
            self.sent.retries += 1
            await asyncio.sleep(0.2)
        self.sent.seconds.append(time.monotonic() - began)
        self._count(what, json.loads(said))

    def _count(self, what: str, receipt: dict[str, Any]) -> None:
        if what == "events":
            self.sent.accepted += receipt["accepted"]
            self.sent.duplicates += receipt["duplicates"]
            self.sent.refused += len(receipt["refused"]) + len(receipt.get("later", []))
        else:
            self.sent.spans += receipt["kept"]
