"""gzip for what is large and never changes: the scripts are 7 MB, and a phone in a shop is on a slow network."""

from __future__ import annotations

import gzip
from functools import lru_cache

from flask import Response, request

_LEAST = 1024
_TYPES = ("text/javascript", "application/javascript", "text/css")


def compress(response: Response) -> Response:
    """The response, gzipped if it is a script or a style sheet and the browser takes it."""
    if (
        response.status_code != 200
        or response.mimetype not in _TYPES
        or "Content-Encoding" in response.headers
        or "gzip" not in request.headers.get("Accept-Encoding", "").lower()
    ):
        return response
    response.direct_passthrough = False
    plain = response.get_data()
    if len(plain) >= _LEAST:
        response.set_data(_zipped(plain))
        response.headers["Content-Encoding"] = "gzip"
        response.headers.add("Vary", "Accept-Encoding")
    return response


@lru_cache(maxsize=64)
def _zipped(plain: bytes) -> bytes:
    # Keyed by content: the few scripts are compressed once, whatever their addresses.
    return gzip.compress(plain, 6, mtime=0)
