"""Requests that change something must come from our own pages: a check for every one that is not just reading.

Why not the cookie's SameSite=Lax alone: "site" leaves out the port and the first part of the host, so another program
on the same machine, or another page of the same domain, is the same site. The forms have a CSRF token besides. Dash's
own requests have none, and need none: they change nothing, and their JSON cannot be sent by a form of another page.
"""

from __future__ import annotations

import hmac
import secrets
from urllib.parse import urlsplit

from flask import Flask, request, session
from flask.typing import ResponseReturnValue

_READING = frozenset({"GET", "HEAD", "OPTIONS"})


def require_same_origin(server: Flask) -> None:
    """Refuse with 403 every request that may change something and comes from another origin."""

    @server.before_request
    def check() -> ResponseReturnValue | None:  # pyright: ignore[reportUnusedFunction]
        if request.method in _READING or _is_ours():
            return None
        return {"error": "the request comes from another site: if a proxy is in between, let it pass on the Host"}, 403


def csrf_token() -> str:
    """Return the CSRF token of this session; every form has it in a hidden field."""
    token: str = session.setdefault("csrf", secrets.token_urlsafe(16))
    return token


def csrf_is_right() -> bool:
    """Whether the form of this request has the CSRF token of its session."""
    expected: str = session.get("csrf", "")
    given = request.form.get("csrf", "").encode("utf-8", "replace")
    return bool(expected) and hmac.compare_digest(expected.encode(), given)


def _is_ours() -> bool:
    # Browsers send Sec-Fetch-Site over HTTPS and to localhost, and Origin always; "none" is an address that was typed.
    # A program that is no browser sends neither, and has no cookie of somebody else's either.
    fetched_by = request.headers.get("Sec-Fetch-Site")
    if fetched_by is not None:
        return fetched_by in ("same-origin", "none")
    origin = request.headers.get("Origin")
    if origin is None:
        return True
    try:
        parts = urlsplit(origin)
        return parts.scheme in ("http", "https") and _plain(parts.netloc) == _plain(request.host)
    except ValueError:
        return False


def _plain(host: str) -> str:
    """Return a host without the port that its scheme has anyway."""
    return host.lower().removesuffix(":443").removesuffix(":80")
