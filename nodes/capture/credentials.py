"""Answer a camera's question for a user name and a password, in RTSP and HTTP (RFC 2617)."""

from __future__ import annotations

import base64
import hashlib
import re
import ssl

from metrica.nodes.capture.address import Address
from metrica.secrets import register


def authorization(challenges: str, method: str, url: str, address: Address) -> str:
    """The Authorization header: Digest (MD5, which all cameras speak) if it is offered, else Basic.

    Args:
        challenges: The values of the camera's WWW-Authenticate headers, one a line.
        method: The method of the request, such as DESCRIBE.
        url: What the request asks for, as it stands in the request.
        address: Whose user name and password to use.
    """
    digest = re.search(r"(?im)^digest\s+(.*)$", challenges)
    if not digest:
        pair = base64.b64encode(f"{address.user}:{address.password}".encode()).decode()
        register(pair)
        return f"Basic {pair}"
    fields = dict(re.findall(r'(\w+)="?([^",]*)"?', digest[1]))
    realm, nonce = fields.get("realm", ""), fields.get("nonce", "")
    ha1 = _md5(f"{address.user}:{realm}:{address.password}")
    ha2 = _md5(f"{method}:{url}")
    answer = f'Digest username="{address.user}", realm="{realm}", nonce="{nonce}", uri="{url}"'
    if "opaque" in fields:
        answer += f', opaque="{fields["opaque"]}"'
    if "auth" in fields.get("qop", ""):
        count, mine = "00000001", "6d657472696361"
        response = _md5(f"{ha1}:{nonce}:{count}:{mine}:auth:{ha2}")
        return f'{answer}, qop=auth, nc={count}, cnonce="{mine}", response="{response}"'
    return f'{answer}, response="{_md5(f"{ha1}:{nonce}:{ha2}")}"'


def unverified() -> ssl.SSLContext:
    """A TLS context without verification: cameras sign their own certificates, and FFmpeg does the same."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
