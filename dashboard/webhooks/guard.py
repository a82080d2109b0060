"""Where a webhook may go: to the internet, and not into the network of the server, whatever a name is resolved to.

The address is looked at when it is registered, for a sentence that says what is wrong, and again at every connection,
with the address that is connected to: a name may lead elsewhere a minute later.
"""

from __future__ import annotations

import ipaddress
import socket
from typing import Any
from urllib.parse import urlsplit

_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_UNICAST = ipaddress.IPv6Network("2000::/3")
"""All that was ever given out in IPv6."""
_PROTOCOLS = ipaddress.IPv4Network("192.0.0.0/24")
"""For protocols; older Pythons take some of it for addresses of the internet."""
_LONGEST = 2000


class TargetError(ValueError):
    """An address that a webhook cannot have. The message is one sentence."""


class ForbiddenAddressError(OSError):
    """A name leads to an address of the server's own network."""


def check_url(url: str, *, allow_private: bool) -> None:
    """Raise TargetError unless a webhook may have this address.

    allow_private: whether an administrator allows plain HTTP, and addresses that only this network has.
    """
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        raise TargetError("the address of the webhook is none: give one such as https://example.com/footfall") from None
    if parts.scheme not in ("https", "http") or not host or len(url) > _LONGEST or not url.isprintable() or " " in url:
        raise TargetError("the address of the webhook is none: give one such as https://example.com/footfall")
    if parts.username is not None or parts.password is not None:
        raise TargetError("the address must hold no user and no password: the signature says who posts")
    if allow_private:
        return
    if parts.scheme == "http":
        raise TargetError(
            "over plain HTTP others can read what is posted: give an https:// address, "
            "or let an administrator add it with --allow-private"
        )
    if host.rstrip(".").lower() == "localhost" or not _may_be_public(host):
        raise TargetError(f"{host} is an address of this network: an administrator can add it with --allow-private")


def is_public(address: str) -> bool:
    """Whether an IP address is one of the internet, so that nothing of this machine or its network is behind it."""
    try:
        known = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(known, ipaddress.IPv6Address):
        inner = known.ipv4_mapped or known.sixtofour
        if inner is None and known in _NAT64:
            inner = ipaddress.IPv4Address(int(known) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(str(inner))
        if known.teredo is not None or known not in _UNICAST:
            return False
    elif known in _PROTOCOLS:
        return False
    return known.is_global and not known.is_multicast and not known.is_reserved


def socket_factory(allow_private: bool) -> Any:
    """Return what makes the sockets of a connection, and refuses those to addresses of this network."""

    def make(info: tuple[Any, ...]) -> socket.socket:
        family, kind, proto, _, address = info
        if not allow_private and not is_public(str(address[0])):
            raise ForbiddenAddressError("the name leads to an address of this network, which is not allowed")
        made = socket.socket(family, kind, proto)
        made.setblocking(False)
        return made

    return make


def shown(url: str) -> str:
    """The address without its path, which may hold a key: for the log, and for lists."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}{'/…' if parts.path.strip('/') or parts.query else ''}"


def _may_be_public(host: str) -> bool:
    """Whether a host is a name, or a public address. Also 127.1 and 0x7f000001 are addresses for a resolver."""
    try:
        address = socket.inet_ntoa(socket.inet_aton(host))
    except OSError:
        address = host
    try:
        return is_public(str(ipaddress.ip_address(address)))
    except ValueError:
        return True
