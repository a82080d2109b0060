"""Sends batches to an ingest as boxes do: msgpack, gzip, a token, and again after a refusal that passes."""

from __future__ import annotations

import asyncio
import gzip
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import aiohttp
import msgpack

What = Literal["events", "watched"]
"""What a request brings."""

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


def packed(store: str, what: What, items: Sequence[Any]) -> bytes:
    """The body of a request, as a box packs it; compressed lightly, so that the sender leaves the processor alone."""
    document = msgpack.packb({"v": 1, "store": store, "later": True, what: list(items)})
    assert isinstance(document, bytes)
    return gzip.compress(document, compresslevel=1, mtime=0)


class Poster:
    """Posts to an ingest over one session of connections, which the caller opens and closes.

    url: the address of the ingest, or what says it before each try: a box finds its server again after a restart.
    """

    def __init__(self, session: aiohttp.ClientSession, url: str | Callable[[], str], *, pause: float = 0.2) -> None:
        """pause: seconds until a batch is sent again."""
        self._session = session
        self._url: Callable[[], str] = (lambda: url) if isinstance(url, str) else url
        self._pause = pause
        self.sent = Sent()
        """What this one has sent so far."""

    async def post(self, store: str, token: str, what: What, items: Sequence[Any]) -> None:
        """Send one batch of a store until the server has it. Raises PostError if it does not take it."""
        await self.post_packed(store, token, what, packed(store, what, items))

    async def post_packed(self, store: str, token: str, what: What, body: bytes) -> None:
        """The same for a body that is packed already."""
        headers = {
            "Authorization": f"Bearer {token}",
            "Content-Type": "application/msgpack",
            "Content-Encoding": "gzip",
        }
        began = time.monotonic()
        while True:
            url = f"{self._url().rstrip('/')}/v1/{what}"
            try:
                async with self._session.post(url, data=body, headers=headers) as answer:
                    status, said = answer.status, await answer.read()
            except (aiohttp.ClientError, TimeoutError) as error:
                status, said = 503, f"{type(error).__name__}: {error}".encode()
            if status == 200:
                break
            if status not in _PASSING or time.monotonic() - began > _PATIENCE:
                raise PostError(f"{url} did not take a batch of {store}: {status} {said[:300]!r}")
            self.sent.retries += 1
            await asyncio.sleep(self._pause)
        self.sent.seconds.append(time.monotonic() - began)
        self._count(what, json.loads(said))

    def _count(self, what: str, receipt: dict[str, Any]) -> None:
        if what == "events":
            self.sent.accepted += receipt["accepted"]
            self.sent.duplicates += receipt["duplicates"]
            self.sent.refused += len(receipt["refused"]) + len(receipt.get("later", []))
        else:
            self.sent.spans += receipt["kept"]
