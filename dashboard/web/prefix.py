"""The pages under a path of a reverse proxy, such as https://shop.example/footfall/."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

from flask import Flask, has_request_context, request
from flask.sessions import SecureCookieSessionInterface

PLACEHOLDER = "/METRICA-PREFIX/"
"""Stands for the prefix in the HTML that Dash makes, because the prefix may differ from request to request."""

_PREFIX = re.compile(r"(/[A-Za-z0-9._~-]+)+")

Wsgi = Callable[[dict[str, Any], Any], Iterable[bytes]]


def checked_prefix(text: str) -> str:
    """Return a prefix such as /footfall without a slash at its end; empty for none. Raises ValueError."""
    prefix = text.rstrip("/")
    if prefix and (len(prefix) > 200 or not _PREFIX.fullmatch(prefix) or {".", ".."} & set(prefix.split("/"))):
        raise ValueError(f"{text!r} cannot be a prefix: give a path such as /footfall")
    return prefix


def root() -> str:
    """Return the prefix of the present request: what comes before every address of the pages. Empty for none."""
    return request.script_root if has_request_context() else ""


def serve_under(server: Flask, prefix: str, *, behind_proxy: bool) -> None:
    """Serve the pages under a prefix, and limit the session cookie to it. A proxy may keep the prefix or remove it.

    prefix: as `checked_prefix` returns it. behind_proxy: without a prefix, take the proxy's header X-Forwarded-Prefix.
    """
    plain: Wsgi = server.wsgi_app

    def under_prefix(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        found = prefix or (_forwarded(environ) if behind_proxy else "")
        if found:
            environ["SCRIPT_NAME"] = found
            path = environ.get("PATH_INFO", "")
            if path == found or path.startswith(f"{found}/"):
                environ["PATH_INFO"] = path[len(found) :] or "/"
        return plain(environ, start_response)

    server.wsgi_app = under_prefix  # type: ignore[method-assign]
    server.session_interface = _SessionUnderPrefix()


def _forwarded(environ: dict[str, Any]) -> str:
    try:
        return checked_prefix(str(environ.get("HTTP_X_FORWARDED_PREFIX", "")))
    except ValueError:  # from anybody who reaches the port: the pages work without
        return ""


class _SessionUnderPrefix(SecureCookieSessionInterface):
    """Flask's sessions, with a cookie that the browser sends to the prefix only."""

    def get_cookie_path(self, app: Flask) -> str:
        return root() or "/"
