"""Why a camera could not be opened, in one sentence.

FFmpeg's own message does not reach Python. A short conversation in RTSP (DESCRIBE, RFC 2326) finds out which of the
usual reasons it is: no such host, nothing listening at that port, wrong password, wrong path. An HTTP camera is asked
with GET.
"""

from __future__ import annotations

import http.client
import re
import socket
from dataclasses import dataclass

from metrica.nodes.capture.address import Address
from metrica.nodes.capture.credentials import authorization, unverified
from metrica.nodes.capture.probe_http import HttpAnswer, ask_http


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a camera gives no picture."""

    sentence: str
    """The reason and what to do, for the log and the health."""
    password: bool = False
    """Whether the user name or the password is wrong. The camera may lock itself after too many tries."""
    status: int = 0
    """The status of the camera's answer; 0 if there was none."""


def not_reachable(address: Address, timeout: float = 2.0) -> Refusal | None:
    """Connect to a camera and hang up. Returns why that fails, or None if somebody listens there; never raises.

    It finds a camera that is off sooner than FFmpeg does, so that a camera that is back is not missed.
    """
    where = f"the camera at {address.host}:{address.port}"
    try:
        socket.create_connection((address.host, address.port), timeout).close()
    except (OSError, ValueError) as error:
        return _no_connection(error, where, address)
    return None


def why_refused(address: Address, timeout: float = 5.0, *, pictures: int = 0) -> Refusal:
    """Ask the camera why a stream cannot be opened. Blocks for at most a few times `timeout` seconds; never raises.

    Args:
        address: The camera.
        timeout: Longest wait for each of its answers, seconds.
        pictures: How many pictures have come before the stream ended.
    """
    where = f"the camera at {address.host}:{address.port}"
    try:
        if not address.scheme.startswith("rtsp"):
            return _explain_http(ask_http(address, timeout), where, address, pictures)
        with socket.create_connection((address.host, address.port), timeout) as connection:
            if address.scheme == "rtsps":
                with unverified().wrap_socket(connection) as encrypted:
                    status = _describe(encrypted, address)
            else:
                status = _describe(connection, address)
    except (OSError, ValueError, http.client.HTTPException) as error:
        return _no_connection(error, where, address)
    return _explain(status, where, address)


def _no_connection(error: Exception, where: str, address: Address) -> Refusal:
    if isinstance(error, socket.gaierror):
        return Refusal(f"there is no host '{address.host}' on this network: check the name in the camera's address")
    if isinstance(error, ConnectionRefusedError):
        return Refusal(f"{where} refuses the connection: check that it is on, and the port in its address")
    if isinstance(error, OSError):
        return Refusal(f"{where} does not answer: check its power, its cable and its address")
    return Refusal(f"{where} answers, but not in {address.scheme.upper()}: check the port in its address")


def _explain_http(answer: HttpAnswer, where: str, address: Address, pictures: int) -> Refusal:
    if answer.status != 200:
        return _explain(answer.status, where, address)
    if answer.is_picture or (pictures == 1 and not answer.content_type.startswith("multipart")):
        return Refusal(
            f"the address {address} gives one still picture, not a video: use the camera's address for video "
            "(rtsp://, or MJPEG over HTTP)"
        )
    if not answer.may_be_video:
        return Refusal(f"{where} answers, but not with a video ({answer.content_type}): check the address {address}")
    return Refusal(
        f"{where} answers, but no picture could be read from it: check that {address} is a video", status=200
    )


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
    return Refusal(
        f"{where} answers, but no picture could be read from it: check that its video is H.264 or H.265", status=status
    )


def _describe(connection: socket.socket, address: Address) -> int:
    """The status of DESCRIBE, with the user's name and password if the camera asks for them."""
    host = f"[{address.host}]" if ":" in address.host else address.host
    path = re.sub(r"^[^/?#]*://[^/?#]*", "", address.uri.strip())
    url = f"{address.scheme}://{host}:{address.port}{path}"
    status, challenges = _ask(connection, url, 1, "")
    if status != 401 or not address.user:
        return status
    return _ask(connection, url, 2, authorization(challenges, "DESCRIBE", url, address))[0]


def _ask(connection: socket.socket, url: str, number: int, credentials: str) -> tuple[int, str]:
    """Send one request, and return the status of the answer and its WWW-Authenticate lines."""
    lines = [f"DESCRIBE {url} RTSP/1.0", f"CSeq: {number}", "Accept: application/sdp"]
    if credentials:
        lines.append(f"Authorization: {credentials}")
    connection.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
    answer = b""
    while b"\r\n\r\n" not in answer and len(answer) < 65536:
        chunk = connection.recv(4096)
        if not chunk:
            break
        answer += chunk
    if not answer:
        raise ConnectionError("no answer")
    head = answer.partition(b"\r\n\r\n")[0].decode("latin-1")
    status = re.match(r"RTSP/\d\.\d (\d{3})", head)
    if not status:
        raise ValueError("not RTSP")
    return int(status[1]), "\n".join(re.findall(r"(?im)^www-authenticate:\s*(.*?)\s*$", head))
