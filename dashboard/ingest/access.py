"""Who may read the metrics: they speak of all stores, so no store's token opens them."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from metrica.dashboard.ingest.body import RequestError
from metrica.dashboard.service.addresses import is_loopback
from metrica.dashboard.service.errors import AddressError
from metrica.dashboard.service.secret_file import read_token

SHORTEST = 16
"""Fewest characters of such a token."""

_REFUSED = "the metrics have a token of their own: send that of the server's --metrics-token-file or 'metrics_token'"
_OF_A_PROXY = ("Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-IP", "Via")


@dataclass(frozen=True, slots=True)
class MetricsAccess:
    """Who may read `/metrics`. By default nobody."""

    token: str = ""
    """The token of the metrics alone; empty for none."""
    is_open: bool = False
    """Whether programs on this machine need no token. Behind a proxy that would be everybody: a proxy need not say
    that it is one, and then its requests look like those of this machine."""

    def check(self, request: web.Request) -> None:
        """Raise RequestError 401 if this request may not read them."""
        if self.is_open and is_loopback(request.remote or "") and not any(h in request.headers for h in _OF_A_PROXY):
            return
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        given = token.strip().encode("utf-8", "surrogateescape")
        if not self.token or scheme.lower() != "bearer" or not hmac.compare_digest(given, self.token.encode()):
            raise RequestError(401, _REFUSED)


def metrics_access(
    host: str, *, token: str = "", token_file: Path | None = None, is_open: bool = False, behind_proxy: bool = False
) -> MetricsAccess:
    """Return who may read the metrics of a server that listens on `host`.

    token, token_file: given by the administrator; a file that is missing is made, with a new token.
    Raises SecretFileError, ValueError for a short token, AddressError if the metrics cannot be open there.
    """
    if is_open and (behind_proxy or not (host == "localhost" or is_loopback(host))):
        raise AddressError(
            "the metrics can be open only on 127.0.0.1 with no proxy in front: listen there, or send the metrics' token"
        )
    if token_file is not None:
        token = read_token(token_file, SHORTEST)
    if token and len(token) < SHORTEST:
        raise ValueError(f"the token of the metrics is too short: use at least {SHORTEST} characters")
    return MetricsAccess(token, is_open)
