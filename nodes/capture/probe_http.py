"""Ask an HTTP camera what its address gives: a video, one still picture, a web page, or a refusal."""

from __future__ import annotations

import http.client
import re
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

from metrica.nodes.capture.address import Address
from metrica.nodes.capture.credentials import authorization, unverified

_REDIRECTS = 3


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """The beginning of a camera's answer to GET."""

    status: int
    content_type: str
    """Such as `image/jpeg`, in small letters; empty if the camera names none."""

    @property
    def is_picture(self) -> bool:
        """Whether it is one picture, and no video."""
        return self.content_type.startswith("image/")

    @property
    def may_be_video(self) -> bool:
        """Whether the content type may be that of a video; many cameras name none, or a general one."""
        kind, _, name = self.content_type.partition("/")
        return kind in ("", "multipart", "video") or name in ("octet-stream", "x-mpegurl", "vnd.apple.mpegurl", "mp4")


def ask_http(address: Address, timeout: float) -> HttpAnswer:
    """Send GET, with the user name and the password if the camera asks for them, and read the head of the answer.

    Follows up to three redirects. Raises OSError or http.client.HTTPException if there is no answer in HTTP.
    """
    host = f"[{address.host}]" if ":" in address.host else address.host
    path = re.sub(r"^[^/?#]*://[^/?#]*", "", address.uri.strip()).partition("#")[0]
    url = f"{address.scheme}://{host}:{address.port}{path if path.startswith('/') else '/' + path}"
    first_host = urlsplit(url).netloc
    redirects = 0
    while True:
        head = _get(url, "", timeout)
        if head.status == 401 and address.user and urlsplit(url).netloc == first_host:
            challenges = "\n".join(head.headers.get_all("WWW-Authenticate") or ())
            head = _get(url, authorization(challenges, "GET", _target(url), address), timeout)
        location = head.headers.get("Location", "")
        if head.status not in (301, 302, 303, 307, 308) or not location or redirects == _REDIRECTS:
            break
        redirects += 1
        url = urljoin(url, location)
    return HttpAnswer(head.status, head.headers.get("Content-Type", "").partition(";")[0].strip().lower())


def _target(url: str) -> str:
    parts = urlsplit(url)
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


def _get(url: str, credentials: str, timeout: float) -> http.client.HTTPResponse:
    """The answer to one GET. Its body is not read: that of a video never ends."""
    parts = urlsplit(url)
    if not parts.hostname or parts.scheme not in ("http", "https"):
        raise http.client.InvalidURL(f"not an address: {parts.scheme}")
    connection: http.client.HTTPConnection
    if parts.scheme == "https":
        connection = http.client.HTTPSConnection(parts.hostname, parts.port, timeout=timeout, context=unverified())
    else:
        connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=timeout)
    try:
        headers = {"Authorization": credentials} if credentials else {}
        connection.request("GET", _target(url), headers={"Accept": "*/*", **headers})
        answer = connection.getresponse()
        answer.close()
        return answer
    finally:
        connection.close()
