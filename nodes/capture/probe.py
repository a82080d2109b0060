"""Why a camera could not be opened, in one sentence.

FFmpeg's own message does not reach Python. A short conversation in RTSP (DESCRIBE, RFC 2326) finds out which of the
usual reasons it is: no such host, nothing listening at that port, wrong password, wrong path.
"""

from __future__ import annotations

import base64
import hashlib
import re
import socket
import ssl
from dataclasses import dataclass

from metrica.nodes.capture.address import Address


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a camera gives no picture."""

    sentence: str
    """The reason and what to do, for the log and the health."""
    password: bool = False
    """Whether the user name or the password is wrong. The camera may lock itself after too many tries."""


def why_refused(address: Address, timeout: float = 2.0) -> Refusal:
    """Ask the camera why a stream cannot be opened. Blocks for at most a few times `timeout` seconds; never raises."""
    where = f"the camera at {address.host}:{address.port}"
    try:
        with socket.create_connection((address.host, address.port), timeout) as connection:
            if not address.scheme.startswith("rtsp"):
                return Refusal(f"{where} answers, but not with a video: check the address {address}")
            if address.scheme == "rtsps":
                with _unverified().wrap_socket(connection) as encrypted:
                    status = _describe(encrypted, address)
            else:
                status = _describe(connection, address)
    except socket.gaierror:
        return Refusal(f"there is no host '{address.host}' on this network: check the name in the camera's address")
    except ConnectionRefusedError:
        return Refusal(f"{where} refuses the connection: check that it is on, and the port in its address")
    except (TimeoutError, OSError, ValueError):
        return Refusal(f"{where} does not answer: check its power, its cable and its address")
    return _explain(status, where, address)


def _explain(status: int, where: str, address: Address) -> Refusal:
    if status == 401 and not address.user:
        return Refusal(
            f"{where} asks for a user name and a password: write {address.scheme}://USER:PASSWORD@…", password=True
        )
    if status in (401, 403):
        return Refusal(f"{where} refuses the user name or the password in its address", password=True)
    if status == 404:
        return Refusal(f"{where} has no stream of that path: check the end of the address {address}")
    if status != 200:
        return Refusal(f"{where} answers with the error {status}")
    return Refusal(f"{where} answers, but no picture could be read from it: check that its video is H.264 or H.265")


def _describe(connection: socket.socket, address: Address) -> int:
    """The status of DESCRIBE, with the user's name and password if the camera asks for them."""
    host = f"[{address.host}]" if ":" in address.host else address.host
    path = re.sub(r"^[^/?#]*://[^/?#]*", "", address.uri.strip())
    url = f"{address.scheme}://{host}:{address.port}{path}"
    status, challenges = _ask(connection, url, 1, "")
    if status != 401 or not address.user:
        return status
    return _ask(connection, url, 2, _authorization(challenges, url, address))[0]


def _ask(connection: socket.socket, url: str, number: int, authorization: str) -> tuple[int, str]:
    """Send one request, and return the status of the answer and its WWW-Authenticate lines."""
    lines = [f"DESCRIBE {url} RTSP/1.0", f"CSeq: {number}", "Accept: application/sdp"]
    if authorization:
        lines.append(f"Authorization: {authorization}")
    connection.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
    answer = b""
    while b"\r\n\r\n" not in answer and len(answer) < 65536:
        chunk = connection.recv(4096)
        if not chunk:
            break
        answer += chunk
    head = answer.partition(b"\r\n\r\n")[0].decode("latin-1")
    status = re.match(r"RTSP/\d\.\d (\d{3})", head)
    if not status:
        raise ValueError("not RTSP")
    return int(status[1]), "\n".join(re.findall(r"(?im)^www-authenticate:\s*(.*?)\s*$", head))


def _authorization(challenges: str, url: str, address: Address) -> str:
    """The Authorization header (RFC 2617): Digest (MD5, which all cameras speak) if it is offered, else Basic."""
    digest = re.search(r"(?im)^digest\s+(.*)$", challenges)
    if not digest:
        pair = f"{address.user}:{address.password}".encode()
        return "Basic " + base64.b64encode(pair).decode()
    fields = dict(re.findall(r'(\w+)="?([^",]*)"?', digest[1]))
    realm, nonce = fields.get("realm", ""), fields.get("nonce", "")
    ha1 = _md5(f"{address.user}:{realm}:{address.password}")
    ha2 = _md5(f"DESCRIBE:{url}")
    answer = f'Digest username="{address.user}", realm="{realm}", nonce="{nonce}", uri="{url}"'
    if "auth" in fields.get("qop", ""):
        count, mine = "00000001", "6d657472696361"
        return f'{answer}, qop=auth, nc={count}, cnonce="{mine}", response="' + (
            _md5(f"{ha1}:{nonce}:{count}:{mine}:auth:{ha2}") + '"'
        )
    return f'{answer}, response="{_md5(f"{ha1}:{nonce}:{ha2}")}"'


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def _unverified() -> ssl.SSLContext:
    """A TLS context without verification: cameras sign their own certificates, and FFmpeg does the same."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
