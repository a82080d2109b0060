"""Who a request comes from: the address of the connection, or the one that a reverse proxy on this machine says."""

from __future__ import annotations

import ipaddress

from aiohttp import web

FORWARDED = "X-Forwarded-For"
"""The header in which a reverse proxy says for whom it asks."""


def network_of(address: str) -> str:
    """Return what stands for one visitor: an IPv4 address, or the /64 network of an IPv6 address."""
    try:
        known = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(known, ipaddress.IPv4Address):
        return str(known)
    return str(known.ipv4_mapped or ipaddress.ip_network((known, 64), strict=False))


def is_loopback(address: str) -> bool:
    """Whether the address is one of this machine's own that no other machine can have, such as 127.0.0.1."""
    try:
        known = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    mapped = known.ipv4_mapped if isinstance(known, ipaddress.IPv6Address) else None
    return (mapped or known).is_loopback


def visitor(request: web.Request, *, behind_proxy: bool) -> str:
    """Return the address that a request comes from; empty if it is not known.

    behind_proxy: believe the last address in X-Forwarded-For, which the proxy itself wrote, but only if the connection
    comes from this machine: anybody else could write anything there.
    """
    peer = request.remote or ""
    if behind_proxy and is_loopback(peer):
        said = ",".join(request.headers.getall(FORWARDED, ())).rpartition(",")[2].strip()
        try:
            return str(ipaddress.ip_address(said))
        except ValueError:
            return peer
    return peer
