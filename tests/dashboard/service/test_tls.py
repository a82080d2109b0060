"""HTTPS of a server's own: real certificates, renewed while it runs, and one sentence for each that cannot be used."""

from __future__ import annotations

import contextlib
import logging
import shutil
import socket
import ssl
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import urllib3

from metrica import testing
from metrica.context import Context
from metrica.dashboard.nodes import Dashboard, Ingest
from metrica.dashboard.service import accepting, tls
from metrica.dashboard.service.errors import TlsError
from metrica.dashboard.service.limits import Limits
from metrica.dashboard.service.serving import AioServer
from metrica.dashboard.service.tls import Certificate
from metrica.errors import NodeError, ParameterError
from tests.dashboard.certificates import Pair, make_pair, openssl
from tests.dashboard.ingest.test_processes import ingest
from tests.dashboard.service.test_serving import both, is_closed, running
from tests.dashboard.test_processes import dashboard

Make = Callable[..., AioServer]


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Pair]:
    folder = tmp_path_factory.mktemp("certificates")
    made = {name: make_pair(folder, name) for name in ("first", "second")}
    made["expired"] = make_pair(folder, "expired", days=-1)
    locked = Pair(made["first"].cert, folder / "locked.key")
    openssl("ec", "-in", made["first"].key, "-aes256", "-passout", "pass:secret", "-out", locked.key)
    made["locked"] = locked
    return made


def where(server: AioServer) -> tuple[str, int]:
    host, port = server.address.removeprefix("https://").split(":")
    return host, int(port)


def subject(server: AioServer, versions: ssl.TLSVersion | None = None) -> str:
    """Shake hands with the server; returns the name in its certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if versions is not None:
        context.set_ciphers("ALL:@SECLEVEL=0")
        context.minimum_version = context.maximum_version = versions
    with (
        socket.create_connection(where(server), timeout=20) as plain,
        context.wrap_socket(plain) as secure,
    ):
        found = secure.getpeercert(binary_form=True)
    assert found is not None
    return next(name for name in ("first", "second") if name.encode() in found)


@both
def test_a_browser_that_trusts_the_certificate_is_answered_and_told_to_come_back_over_https(
    make: Make, pairs: dict[str, Pair]
) -> None:
    with running(make(certificate=Certificate(*pairs["first"]))) as server:
        assert server.address.startswith("https://127.0.0.1:")
        trusting = urllib3.PoolManager(ca_certs=str(pairs["first"].cert), retries=False, timeout=20)
        answer = trusting.request("POST", server.address, body=b"x" * 700_000)
        assert (answer.status, answer.data) == (200, b"pong 700000")
        assert answer.headers["Strict-Transport-Security"] == "max-age=15552000"
        with pytest.raises(urllib3.exceptions.SSLError):
            urllib3.PoolManager(ca_certs=str(pairs["second"].cert), retries=False).request("GET", server.address)


@both
def test_a_plain_server_says_nothing_of_https(make: Make) -> None:
    with running(make()) as server:
        answer = urllib3.request("GET", server.address, retries=False)
        assert not {"strict-transport-security", "server"} & {name.lower() for name in answer.headers}


@both
@pytest.mark.filterwarnings("ignore:ssl.TLSVersion")
def test_old_tls_is_refused(make: Make, pairs: dict[str, Pair]) -> None:
    with running(make(certificate=Certificate(*pairs["first"]))) as server:
        for old in (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1):
            with pytest.raises((ssl.SSLError, ConnectionError)):
                subject(server, old)
        for new in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            assert subject(server, new) == "first"


@both
def test_a_certificate_is_renewed_without_a_restart_and_a_broken_one_is_not_taken(
    make: Make, pairs: dict[str, Pair], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(accepting, "_REFRESH", 0.0)
    used = Pair(tmp_path / "cert.pem", tmp_path / "key.pem")

    def put(cert: Path, key: Path) -> None:
        for source, target in ((cert, used.cert), (key, used.key)):
            draft = target.with_suffix(".draft")
            shutil.copy(source, draft)
            draft.rename(target)

    put(*pairs["first"])
    with running(make(certificate=Certificate(*used))) as server:
        open_all_the_while = socket.create_connection(where(server), timeout=20)
        context = ssl.create_default_context(cafile=str(pairs["first"].cert))
        with open_all_the_while, context.wrap_socket(open_all_the_while, server_hostname="127.0.0.1") as secure:
            assert subject(server) == "first"
            put(*pairs["second"])
            while subject(server) == "first":
                assert server.alive
            secure.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            assert secure.recv(12) == b"HTTP/1.1 200"


def test_a_broken_pair_is_said_once_and_the_one_before_it_stays(
    pairs: dict[str, Pair], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    used = Pair(tmp_path / "cert.pem", tmp_path / "key.pem")
    for source, target in zip(pairs["first"], used, strict=True):
        shutil.copy(source, target)
    certificate = Certificate(*used)
    before = certificate.context
    with caplog.at_level(logging.INFO):
        shutil.copy(pairs["second"].cert, used.cert)
        certificate.refresh()
        assert caplog.records == [], "its key may come in a moment"
        for _ in range(5):
            certificate.refresh()
        assert [record.getMessage() for record in caplog.records] == [
            f"the key {used.key} is not that of the certificate {used.cert}: give the two that belong together; "
            "the certificate before it stays in use"
        ]
        assert certificate.context is before
        shutil.copy(pairs["second"].key, used.key)
        certificate.refresh()
        assert caplog.records[-1].getMessage() == f"the certificate {used.cert} was renewed"
        assert certificate.context is not before
        used.key.unlink()
        certificate.refresh()
        certificate.refresh()
        assert "cannot be read (No such file or directory)" in caplog.records[-1].getMessage()


def test_a_certificate_that_expires_while_it_is_used_is_said_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tls, "_DATED", 0.0)
    pair = make_pair(tmp_path, "short")
    (tmp_path / "index").touch()
    (tmp_path / "serial").write_text("01")
    (tmp_path / "ca").write_text(
        f"[ca]\ndefault_ca=d\n[d]\ndatabase={tmp_path}/index\nserial={tmp_path}/serial\nnew_certs_dir={tmp_path}\n"
        "default_md=sha256\npolicy=p\n[p]\ncommonName=supplied\n"
    )
    end = datetime.now(UTC) + timedelta(seconds=5)
    openssl(
        "ca", "-batch", "-notext", "-config", tmp_path / "ca", "-selfsign", "-keyfile", pair.key, "-in",
        tmp_path / "short.csr", "-startdate", "20200101000000Z", "-enddate", f"{end:%Y%m%d%H%M%SZ}", "-out", pair.cert,
    )  # fmt: skip
    certificate = Certificate(*pair)
    while not caplog.records:
        certificate.refresh()
        assert datetime.now(UTC) < end + timedelta(seconds=20)
    assert datetime.now(UTC) >= end.replace(microsecond=0)
    certificate.refresh()
    assert [record.getMessage() for record in caplog.records] == [
        f"the certificate {pair.cert} has expired: renew it; boxes and browsers refuse it"
    ]


SENTENCES = {
    ("expired", "expired"): "the certificate {cert} has expired: renew it",
    ("first", "second"): "the key {key} is not that of the certificate {cert}: give the two that belong together",
    ("locked", "locked"): "the key {key} has a passphrase: give a key without one",
}


@pytest.mark.parametrize(("of_cert", "of_key"), SENTENCES)
def test_a_pair_that_cannot_be_used_is_one_sentence(
    pairs: dict[str, Pair], tmp_path: Path, of_cert: str, of_key: str
) -> None:
    cert, key = pairs[of_cert].cert, pairs[of_key].key
    sentence = SENTENCES[of_cert, of_key].format(cert=cert, key=key)
    with pytest.raises(TlsError) as caught:
        Certificate(cert, key)
    assert str(caught.value) == sentence
    options = ["serve", "--port", "0", "--tls-cert", str(cert), "--tls-key", str(key)]
    for command, name in ((ingest, "metrica-ingest"), (dashboard, "metrica-dashboard")):
        done = command(*options, data=tmp_path)
        assert (done.returncode, done.stderr) == (1, f"{name}: error: {sentence}\n")


def test_files_that_are_none_are_one_sentence(pairs: dict[str, Pair], tmp_path: Path) -> None:
    (tmp_path / "rubbish").write_bytes(b"\x00rubbish")
    good = pairs["first"]
    for cert, key, sentence in (
        (good.key, good.cert, "are not a certificate and its key in PEM"),
        (tmp_path / "rubbish", good.key, "are not a certificate and its key in PEM"),
        (tmp_path / "nothing", good.key, f"the certificate {tmp_path / 'nothing'} cannot be read"),
        (good.cert, tmp_path, f"the key {tmp_path} cannot be read (Is a directory)"),
    ):
        with pytest.raises(TlsError, match=r"^[^\n]*$") as caught:
            Certificate(cert, key)
        assert sentence in str(caught.value)
    with pytest.raises(TlsError, match="give the certificate and its key, or neither"):
        Certificate.of(good.cert, None)
    assert Certificate.of(None, None) is None


def test_a_key_that_others_can_read_is_warned_about(
    pairs: dict[str, Pair], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    key = tmp_path / "key.pem"
    shutil.copy(pairs["first"].key, key)
    Certificate(pairs["first"].cert, key)
    assert caplog.text == ""
    key.chmod(0o644)
    Certificate(pairs["first"].cert, key)
    assert f"others can read the key {key}: run 'chmod 600 {key}'" in caplog.text


@pytest.mark.parametrize(
    "sent", [b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"\x16\x03\x01\x00\x05nonsense", b"\x00" * 5000, b""]
)
@both
def test_what_is_no_tls_is_closed_without_a_word_in_the_log(
    make: Make, pairs: dict[str, Pair], sent: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    with (
        caplog.at_level(logging.INFO),
        running(make(certificate=Certificate(*pairs["first"]), limits=Limits(idle=1.0))) as server,
        socket.create_connection(where(server), timeout=20) as plain,
    ):
        plain.sendall(sent)
        received = b""
        with contextlib.suppress(ConnectionError):
            received = b"".join(iter(lambda: plain.recv(4096), b""))
        assert b"HTTP" not in received
        assert subject(server) == "first"
    assert caplog.text == ""


@both
def test_handshakes_that_never_end_stop_nobody(make: Make, pairs: dict[str, Pair]) -> None:
    limits = Limits(connections_with_tls=100)
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(running(make(certificate=Certificate(*pairs["first"]), limits=limits)))
        waiting = [stack.enter_context(socket.create_connection(where(server))) for _ in range(500)]
        assert subject(server) == "first"
        assert is_closed(waiting[0], 20)
        assert not is_closed(waiting[-1])


def test_the_nodes_speak_https_with_secure_cookies(pairs: dict[str, Pair], tmp_path: Path) -> None:
    context = Context(store="tunis-01", timezone="Africa/Tunis", data=tmp_path / "data")
    trusting = urllib3.PoolManager(ca_certs=str(pairs["first"].cert), retries=False, timeout=20)
    cert, key = pairs["first"]
    for node in (Ingest(port=0, tls_cert=cert, tls_key=key), Dashboard(port=0, tls_cert=cert, tls_key=key)):
        with testing.run(node, context=context):
            server = node._server  # pyright: ignore[reportPrivateUsage]
            assert server is not None
            assert trusting.request("GET", f"{server.address}/healthz").status == 200
            if isinstance(node, Dashboard):
                cookie = trusting.request("GET", f"{server.address}/login").headers["Set-Cookie"]
                assert {"Secure", "HttpOnly"} <= {part.strip() for part in cookie.split(";")}


@pytest.mark.parametrize("node", [Ingest, Dashboard])
def test_a_node_with_a_pair_that_cannot_be_used_says_so(
    node: type[Ingest] | type[Dashboard], pairs: dict[str, Pair], tmp_path: Path
) -> None:
    context = Context(store="tunis-01", timezone="Africa/Tunis", data=tmp_path / "data")
    with pytest.raises(ParameterError, match="'tls_cert' and 'tls_key' belong together"):
        node(port=0, tls_cert=pairs["first"].cert).check()
    expired = node(port=0, tls_cert=pairs["expired"].cert, tls_key=pairs["expired"].key)
    with pytest.raises(NodeError, match="has expired: renew it"), testing.run(expired, context=context):
        raise AssertionError("it serves")
