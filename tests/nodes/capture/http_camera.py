"""A small HTTP camera for tests: MJPEG at /video, one picture at /snap.jpg, a web page at /index.html."""

from __future__ import annotations

import base64
import hashlib
import re
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Literal

import cv2

from tests.nodes.capture.footage import picture

Login = Literal["none", "basic", "digest"]
NONCE = "8a3f"


class HttpCamera(ThreadingHTTPServer):
    """The camera. Its user is `owner`, the password `right`."""

    daemon_threads = True

    def __init__(self, login: Login = "none") -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.login: Login = login
        self.requests: list[str] = []
        """The paths that were asked for."""
        self.pictures = [cv2.imencode(".jpg", picture(number))[1].tobytes() for number in range(1, 40)]

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    @property
    def camera(self) -> HttpCamera:
        assert isinstance(self.server, HttpCamera)
        return self.server

    def log_message(self, format: str, *args: object) -> None:
        """Print nothing."""

    def do_GET(self) -> None:
        self.camera.requests.append(self.path)
        if not self._let_in():
            return
        if self.path.startswith("/snap"):
            self._answer(200, self.camera.pictures[0], "image/jpeg")
        elif self.path.startswith("/index"):
            self._answer(200, b"<html><body>Login</body></html>" * 50, "text/html; charset=utf-8")
        elif self.path.startswith("/moved"):
            self._answer(302, b"", "text/plain", ("Location", "/snap.jpg"))
        elif self.path.startswith("/video"):
            self._video()
        else:
            self._answer(404, b"", "text/plain")

    def _answer(self, status: int, body: bytes, content_type: str, *headers: tuple[str, str]) -> None:
        self.send_response(status)
        for name, value in (("Content-Type", content_type), ("Content-Length", str(len(body))), *headers):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def _let_in(self) -> bool:
        given = self.headers.get("Authorization", "")
        basic = "Basic " + base64.b64encode(b"owner:right").decode()
        if self.camera.login == "none" or (self.camera.login == "basic" and given == basic):
            return True
        if self.camera.login == "digest" and self._digest_is_right(given):
            return True
        challenge = 'Basic realm="cam"'
        if self.camera.login == "digest":
            challenge = f'Digest realm="cam", qop="auth", nonce="{NONCE}", opaque="5ccc"'
        self._answer(401, b"", "text/plain", ("WWW-Authenticate", challenge))
        return False

    def _digest_is_right(self, given: str) -> bool:
        fields = dict(re.findall(r'(\w+)="?([^",]*)"?', given))
        ha1 = hashlib.md5(b"owner:cam:right").hexdigest()
        ha2 = hashlib.md5(f"GET:{self.path}".encode()).hexdigest()
        parts = (ha1, NONCE, fields.get("nc", ""), fields.get("cnonce", ""), "auth", ha2)
        return hashlib.md5(":".join(parts).encode()).hexdigest() == fields.get("response")

    def _video(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=next")
        self.end_headers()
        number = 0
        try:
            while True:
                jpeg = self.camera.pictures[number % len(self.camera.pictures)]
                head = f"--next\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
                self.wfile.write(head.encode() + jpeg + b"\r\n")
                number += 1
                time.sleep(0.05)
        except OSError:
            return


@contextmanager
def http_camera(login: Login = "none") -> Generator[HttpCamera]:
    """A camera on loopback, for as long as the `with` block."""
    with HttpCamera(login) as camera:
        thread = threading.Thread(target=camera.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        yield camera
        camera.shutdown()
