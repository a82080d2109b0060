"""A token leaves this machine only over HTTPS, unless the installer says that nobody listens."""

from __future__ import annotations

import json
import ssl
import subprocess
import threading
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from metrica import testing
from metrica.errors import ParameterError
from metrica.launch.cli import main
from metrica.nodes.delivery.uploader import Uploader
from metrica.nodes.delivery.watching_uploader import WatchingUploader
from tests.nodes.delivery.bad_server import answer, bad_server
from tests.nodes.delivery.test_uploader import TOKEN, context, counts, crossing, record, until


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:8080",
        "http://127.8.9.1",
        "http://localhost:8080/metrica/",
        "http://LOCALHOST",
        "http://[::1]:8080",
        "https://shop.example",
        "https://192.168.1.7:8443",
    ],
)
def test_https_and_this_machine_get_the_token(url: str) -> None:
    Uploader(url=url).check()


@pytest.mark.parametrize(
    "url",
    [
        "http://192.168.1.7:8080",
        "http://shop.example",
        "http://localhost.example",
        "http://127.0.0.1.example:8080",
        "http://0.0.0.0:8080",
        "http://2130706433",
        "http://[fe80::1]",
        "http://shop.example/127.0.0.1",
        "http://shop.example?localhost",
        "http://shop.example#localhost",
    ],
)
@pytest.mark.parametrize("kind", [Uploader, WatchingUploader])
def test_another_machine_does_not_get_it_over_plain_http(url: str, kind: type[Uploader]) -> None:
    with pytest.raises(ParameterError, match="over plain HTTP, where others can read it") as caught:
        kind(url=url).check()
    assert all(word in str(caught.value) for word in ("https://", "--tls-cert", "ca_file", "SSH tunnel"))
    kind(url=url, plain_http=True).check()


@pytest.mark.parametrize(
    "url", ["http://", "http://:80", "http://[", "http://127.0.0.1:port", "http://127.0.0.1:99999"]
)
def test_an_address_that_is_none_is_one_sentence(url: str) -> None:
    with pytest.raises(ParameterError, match="'url'"):
        Uploader(url=url).check()


def test_the_launcher_says_it_before_anything_starts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "store.yaml"
    file.write_text(
        "metrica: 1\nstore: {id: test, timezone: UTC}\nnodes:\n  uploader: {type: uploader, params: {url: 'http://shop'}}\n"
    )
    assert main([str(file), "--check"]) == 2
    assert "'url' sends the token to 'shop' over plain HTTP" in capsys.readouterr().err
    assert main([str(file), "--check", "--set", "uploader.plain_http=true"]) == 0


def test_a_redirection_does_not_lead_the_token_elsewhere(tmp_path: Path) -> None:
    record(tmp_path, crossing(1))
    with bad_server(lambda _: [answer(b"{}")]) as other:

        def say(_: list[str]) -> Iterable[bytes]:
            return [answer(b"", status="307 Elsewhere", headers=f"Location: {other.address}/v1/events\r\n")]

        with bad_server(say) as server:
            node = Uploader(url=server.address, token=TOKEN, max_age=0)
            with testing.run(node, context=context(tmp_path)) as bench:
                until(lambda: node.counters.get("failed_sends", 0) >= 2, bench)
        assert other.requests == []
    assert counts(tmp_path) == (1, 0, 0)


@contextmanager
def https(folder: Path) -> Generator[tuple[str, Path]]:
    """A server with a certificate that it has signed itself, and the certificate's file."""
    key, certificate = folder / "key.pem", folder / "cert.pem"
    subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
         *subject, "-keyout", key, "-out", certificate],
        check=True, capture_output=True,
    )  # fmt: skip

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            body = json.dumps({"accepted": 1, "duplicates": 0, "refused": []}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Quiet."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    secure = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    secure.load_cert_chain(certificate, key)
    server.socket = secure.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield f"https://127.0.0.1:{server.server_port}", certificate
    finally:
        server.shutdown()
        server.server_close()


def test_a_certificate_of_ones_own_is_trusted_if_it_is_named_and_not_otherwise(tmp_path: Path) -> None:
    record(tmp_path, crossing(1))
    with https(tmp_path) as (url, certificate):
        node = Uploader(url=url, token=TOKEN, max_age=0)
        with testing.run(node, context=context(tmp_path)) as bench:
            until(lambda: "certificate" in node.present_trouble, bench)
        assert counts(tmp_path) == (1, 0, 0)
        node = Uploader(url=url, token=TOKEN, max_age=0, ca_file=certificate)
        node.check()
        with testing.run(node, context=context(tmp_path)) as bench:
            until(lambda: counts(tmp_path) == (0, 1, 0), bench)


@pytest.mark.parametrize(
    ("content", "words"), [(None, "No such file"), ("", "no certificate"), ("-----BEGIN\nx", "no certificate")]
)
def test_a_file_without_a_certificate_is_one_sentence(tmp_path: Path, content: str | None, words: str) -> None:
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_text(content)
    with pytest.raises(ParameterError, match=f"'ca_file' .*ca.pem cannot be used: .*{words}"):
        Uploader(url="https://shop", ca_file=path).check()
