"""Whoever is told of alerts: a real SMTP server, and a real HTTP server."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from collections.abc import Generator
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session


@dataclass
class Mailbox:
    """What an SMTP server has taken."""

    port: int = 0
    mails: list[EmailMessage] = field(default_factory=list[EmailMessage])
    refuses: bool = False

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:
        """Called by aiosmtpd for each mail."""
        if self.refuses:
            return "451 try again later"
        content = envelope.content
        assert isinstance(content, bytes)
        mail = message_from_bytes(content, policy=policy.default)
        assert isinstance(mail, EmailMessage)
        self.mails.append(mail)
        return "250 OK"

    @property
    def address(self) -> str:
        """As apprise wants it, with a password that no log may hold."""
        return f"mailto://localhost:{self.port}?from=metrica@shop.example&to=owner@shop.example&mode=insecure"

    def texts(self) -> list[str]:
        """Subject and text of each mail."""
        return [f"{mail['subject']}: {_text(mail)}" for mail in self.mails]


@contextlib.contextmanager
def mailbox() -> Generator[Mailbox]:
    box = Mailbox()
    with socket.create_server(("127.0.0.1", 0)) as free:  # aiosmtpd does not say which port the system gave it
        box.port = free.getsockname()[1]
    controller = Controller(box, hostname="127.0.0.1", port=box.port)
    controller.start()
    try:
        yield box
    finally:
        controller.stop()


@dataclass
class Hook:
    """What an HTTP server has been told."""

    address: str = ""
    told: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    paths: list[str] = field(default_factory=list[str])
    status: int = 204
    location: str = ""

    def sentences(self, *, over: bool | None = None) -> list[str]:
        """The kinds of what was told, such as `box_silent`, or `box_silent over`."""
        return [f"{it['kind']}{' over' * it['over']}" for it in self.told if over in (None, it["over"])]


@contextlib.contextmanager
def hook() -> Generator[Hook]:
    heard = Hook()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            heard.paths.append(self.path)
            if heard.status < 300:
                heard.told.append(json.loads(body))
            self.send_response(heard.status)
            if heard.location:
                self.send_header("Location", heard.location)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    heard.address = f"http://127.0.0.1:{server.server_address[1]}/metrica"
    try:
        yield heard
    finally:
        server.shutdown()
        server.server_close()


def _text(mail: EmailMessage) -> str:
    part = mail.get_body(("plain", "html"))
    assert part is not None
    return str(part.get_content()).strip()
