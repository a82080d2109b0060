"""gzip for scripts and style sheets: they are 7 MB, and a phone in a store may be on a slow network."""

from __future__ import annotations

import gzip
from functools import lru_cache

from flask import Response, request

_MIN_BYTES = 1024
_TYPES = ("text/javascript", "application/javascript", "text/css")


def compress(response: Response) -> Response:
    """Return the response, gzipped if it is a script or a style sheet and the browser accepts gzip."""
    if (
        response.status_code != 200
        or response.mimetype not in _TYPES
        or "Content-Encoding" in response.headers
        or "gzip" not in request.headers.get("Accept-Encoding", "").lower()
    ):
        return response
    response.direct_passthrough = False
    plain = response.get_data()
    if len(plain) >= _MIN_BYTES:
        response.set_data(_zipped(plain))
        response.headers["Content-Encoding"] = "gzip"
        response.headers.add("Vary", "Accept-Encoding")
    return response


@lru_cache(maxsize=64)
def _zipped(plain: bytes) -> bytes:
    # The cache key is the content: each script is compressed once, whatever its address.
    return gzip.compress(plain, 6, mtime=0)
