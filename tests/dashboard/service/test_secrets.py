"""What a service writes of the tokens and passwords that it is sent or given: nothing."""

from __future__ import annotations

import io
import logging
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path

import pytest

from metrica import logs
from metrica.dashboard.ingest.app import create_app
from metrica.dashboard.service.secret_file import read_or_create
from metrica.dashboard.service.serving import AioServer
from metrica.dashboard.store.database import Database
from metrica.secrets.handler import HidingFormatter, HidingHandler

TOKEN = "mt_abcdefghijklmnop"
REQUESTS = {
    "a control character": b"GET /healthz HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer mt_abcdef\x01ghijklmnop\r\n\r\n",
    "a zero": b"GET /healthz HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer mt_abcdefg\x00hijklmnop\r\n\r\n",
    "an open line": b"GET /healthz HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer mt_abcdef\nghijklmnop\r\n\r\n",
    "no name": b"GET /healthz HTTP/1.1\r\nHost: x\r\n: Bearer mt_abcdefghijklmnop\r\n\r\n",
    "a blank in the name": b"GET /healthz HTTP/1.1\r\nHost: x\r\nAuthor ization: Bearer mt_abcdefghijklmnop\r\n\r\n",
    "in the first line": b"GET /?token=mt_abcdefghijklmnop\x01 HTTP/1.1\r\nHost: x\r\n\r\n",
    "no method": b"mt_abcdefghijklmnop\r\n\r\n",
    "a second request": b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\nG\x01T /mt_abcdefghijklmnop HTTP/1.1\r\n\r\n",
    "a wrong length": b"POST /v1/events HTTP/1.1\r\nHost: x\r\nContent-Length: mt_abcdefghijklmnop\r\n\r\n",
    "too long a header": b"GET / HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer "
    + b"mt_abcdefghijklmnop" * 2000
    + b"\r\n\r\n",
}


@pytest.fixture(params=["json", "text"])
def written(request: pytest.FixtureRequest) -> Generator[io.StringIO]:
    """What the root logger writes, as in a node and as in a service of its own."""
    root, stream = logging.getLogger(), io.StringIO()
    handlers, level = list(root.handlers), root.level
    if request.param == "json":
        logs.setup("/ingest", level="DEBUG", stream=stream)
    else:
        handler = HidingHandler(stream)
        handler.setFormatter(HidingFormatter("%(levelname)s %(name)s: %(message)s"))
        root.handlers[:] = [handler]
        root.setLevel(logging.DEBUG)
    yield stream
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.mark.parametrize("sent", REQUESTS.values(), ids=REQUESTS)
def test_a_token_in_a_request_that_is_not_http_is_not_logged(tmp_path: Path, written: io.StringIO, sent: bytes) -> None:
    with Database(tmp_path / "metrica.db") as database:
        server = AioServer(create_app(database), "127.0.0.1", 0)
        try:
            port = int(server.address.rpartition(":")[2])
            with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
                client.sendall(sent)
                client.shutdown(socket.SHUT_WR)
                while client.recv(4096):
                    continue
        finally:
            server.stop()
    for part in ("mt_abcdef", "hijklmnop"):
        assert part not in written.getvalue()


def test_a_key_that_was_read_is_hidden(tmp_path: Path, written: io.StringIO) -> None:
    key = read_or_create(tmp_path / "session.key")
    logging.getLogger("flask.app").error("session: %s", {"SECRET_KEY": key})
    assert key not in written.getvalue() and "SECRET_KEY" in written.getvalue()


def test_the_owner_s_password_from_the_environment_is_in_no_output(tmp_path: Path) -> None:
    program = (
        "import logging, os, sys\n"
        "from metrica.dashboard.service import commands\n"
        "from metrica.dashboard.web import cli\n"
        "def work(args):\n"
        "    logging.getLogger('waitress').error('environment %s', dict(os.environ))\n"
        "    raise RuntimeError(os.environ['METRICA_PASSWORD'])\n"
        "cli._serve = work\n"
        "sys.exit(cli.main(['serve', '--data', sys.argv[1]]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)],
        env={**os.environ, "METRICA_PASSWORD": "of the owner é"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert "METRICA_PASSWORD" in done.stderr and "RuntimeError: ***" in done.stderr
    assert "of the owner" not in done.stdout + done.stderr


def test_the_first_password_is_shown_on_a_terminal_only(tmp_path: Path) -> None:
    leader, follower = os.openpty()
    try:
        with subprocess.Popen(
            [Path(sys.executable).with_name("metrica-dashboard"), "serve", "--data", str(tmp_path), "--port", "0"],
            stdout=follower,
            stderr=subprocess.PIPE,
        ) as process:
            os.close(follower)
            said = b""
            while b"listening" not in said:
                said += os.read(leader, 4096)
            process.send_signal(signal.SIGTERM)
            assert process.wait(20) == 0
            assert process.stderr
            errors = process.stderr.read().decode()
    finally:
        os.close(leader)
    password = (tmp_path / "first-password").read_text().strip()
    assert f"log in as 'owner' with the password {password}" in said.decode()
    assert password not in errors
