"""Whether a token may be sent to an address: over HTTPS, or to this very machine."""

from __future__ import annotations

import ipaddress
import ssl
from pathlib import Path
from urllib.parse import urlsplit

from metrica.errors import ParameterError


def check_address(url: str, *, plain_http: bool) -> None:
    """Raise ParameterError unless a token can be sent to this address without strangers reading it.

    plain_http: whether the installer allows it over plain HTTP to another machine.
    """
    if not url.startswith(("http://", "https://")):
        raise ParameterError("url", f"'url' must begin with http:// or https://, not '{url}'")
    if "@" in url.split("/")[2]:  # the address appears in the log
        raise ParameterError("url", "'url' must not hold a user name or a password: the token says who sends")
    try:
        host = urlsplit(url).hostname or ""
        urlsplit(url).port  # noqa: B018 (raises ValueError if it is none)
    except ValueError:
        raise ParameterError("url", f"'url' is no address: '{url}'") from None
    if not host:
        raise ParameterError("url", f"'url' names no host: '{url}'")
    if url.startswith("http://") and not plain_http and not is_this_machine(host):
        raise ParameterError(
            "url",
            f"'url' sends the token to '{host}' over plain HTTP, where others can read it: use https:// "
            "(the ingest has --tls-cert, the uploader ca_file), or an SSH tunnel to a port on 127.0.0.1",
        )


def is_this_machine(host: str) -> bool:
    """Whether a host of an address is surely this machine: what is sent there leaves it on no wire."""
    if host.rstrip(".").lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def check_ca_file(path: Path | None) -> None:
    """Raise ParameterError unless the file holds certificates."""
    if path is None:
        return
    try:
        ssl.create_default_context(cafile=path)
    except OSError as error:  # ssl.SSLError is one
        reason = "it holds no certificate" if isinstance(error, ssl.SSLError) else error.strerror
        raise ParameterError("ca_file", f"'ca_file' {path} cannot be used: {reason}") from None
