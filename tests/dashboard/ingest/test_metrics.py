"""The metrics speak of all stores: they have a token of their own, also through a proxy that does not say it is one."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from metrica import testing
from metrica.context import Context
from metrica.dashboard.ingest.access import MetricsAccess, metrics_access
from metrica.dashboard.ingest.app import create_app
from metrica.dashboard.nodes import Ingest as IngestNode
from metrica.dashboard.service.errors import AddressError, SecretFileError
from metrica.dashboard.service.serving import AioServer
from metrica.dashboard.store.database import Database
from tests.dashboard.client import METRICS_TOKEN as TOKEN
from tests.dashboard.client import Client, ingest_server
from tests.dashboard.forwarder import plain_proxy
from tests.dashboard.ingest.test_processes import ingest, serving


def test_nobody_reads_the_metrics_through_a_plain_proxy_without_their_token(tmp_path: Path) -> None:
    with ingest_server(tmp_path) as server, plain_proxy(server.address) as outside:
        assert Client(outside, None).get("/healthz").status == 200, "the proxy passes requests on"
        assert Client(outside, None).get("/metrics").status == 401
        assert Client(outside, server.token).get("/metrics").status == 401, "a store's token"
        assert Client(outside, "é\xff").get("/metrics").status == 401
        answer = Client(outside, TOKEN).get("/metrics")
        assert (answer.status, b"metrica_ingest_requests_total" in answer.body) == (200, True)
        refused = Client(server.address, None).get("/metrics")
        assert (refused.status, refused.headers["WWW-Authenticate"]) == (401, "Bearer")
        assert refused.body["error"] == (
            "the metrics have a token of their own: send that of the server's --metrics-token-file or 'metrics_token'"
        )


def test_metrics_without_any_token_are_for_nobody(tmp_path: Path) -> None:
    with Database(tmp_path / "metrica.db") as database:
        server = AioServer(create_app(database), "127.0.0.1", 0)
        try:
            for token in (None, "", "x"):
                assert Client(server.address, token).get("/metrics").status == 401
        finally:
            server.stop()


def test_open_metrics_are_open_to_this_machine_and_to_no_proxy_that_says_so(tmp_path: Path) -> None:
    with Database(tmp_path / "metrica.db") as database:
        server = AioServer(create_app(database, MetricsAccess(TOKEN, is_open=True)), "127.0.0.1", 0)
        try:
            here = Client(server.address, None)
            assert here.get("/metrics").status == 200
            for name in ("Forwarded", "X-Forwarded-For", "X-Forwarded-Proto", "X-Real-IP", "Via"):
                assert here.get("/metrics", {name: "1.1 x"}).status == 401, name
        finally:
            server.stop()


@pytest.mark.parametrize(("host", "behind_proxy"), [("0.0.0.0", False), ("::", False), ("127.0.0.1", True)])
def test_metrics_cannot_be_open_to_others(host: str, behind_proxy: bool) -> None:
    with pytest.raises(AddressError, match=r"the metrics can be open only on .* with no proxy in front"):
        metrics_access(host, is_open=True, behind_proxy=behind_proxy)


def test_the_token_is_in_a_file_that_is_made_at_the_first_start(tmp_path: Path) -> None:
    file = tmp_path / "token"
    for _ in range(2):
        with serving(tmp_path, "--metrics-token-file", str(file)) as (_, address):
            assert stat.S_IMODE(file.stat().st_mode) == 0o600
            assert Client(address, file.read_text()).get("/metrics").status == 200
            assert Client(address, None).get("/metrics").status == 401
    file.write_text("of-the-administrator\n")
    with serving(tmp_path, "--metrics-token-file", str(file)) as (_, address):
        assert Client(address, "of-the-administrator").get("/metrics").status == 200


def test_the_node_has_a_token_of_its_own_too(tmp_path: Path) -> None:
    where = Context(store="tunis-01", timezone="Africa/Tunis", data=tmp_path / "data")
    own = "given-by-the-installer"
    for node, given, status in (
        (IngestNode(port=0), where.local_token(), 401),
        (IngestNode(port=0), None, 401),
        (IngestNode(port=0, metrics_token=own), own, 200),
        (IngestNode(port=0, metrics_token=own), where.local_token(), 401),
        (IngestNode(port=0, metrics_open=True), None, 200),
    ):
        with testing.run(node, context=where):
            server = node._server  # pyright: ignore[reportPrivateUsage]
            assert server is not None
            assert Client(server.address, given).get("/metrics").status == status


@pytest.mark.parametrize(
    ("content", "mode", "sentence"),
    [
        (b"long-enough-to-be-used", 0o644, "others can read the token in {}: run 'chmod 600 {}'"),
        (b"short", 0o600, "the token in {} cannot be used: write one line of at least 16 characters"),
        (b"two words that are long", 0o600, "the token in {} cannot be used"),
        (b"\xff" * 20, 0o600, "the token file {} cannot be used (it is not text): check the file"),
        (None, 0, "the token file {} cannot be used (No such file or directory): check the file"),
    ],
)
def test_a_token_file_that_cannot_be_used_is_one_sentence(
    tmp_path: Path, content: bytes | None, mode: int, sentence: str
) -> None:
    file = tmp_path / "nowhere" / "token"
    if content is not None:
        file.parent.mkdir()
        file.write_bytes(content)
        file.chmod(mode)
    with pytest.raises(SecretFileError) as caught:
        metrics_access("127.0.0.1", token_file=file)
    assert sentence.format(file, file) in str(caught.value)
    done = ingest("serve", "--port", "0", "--metrics-token-file", str(file), data=tmp_path)
    assert (done.returncode, done.stderr) == (1, f"metrica-ingest: error: {caught.value}\n")


def test_a_short_token_of_a_launch_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="the token of the metrics is too short"):
        metrics_access("127.0.0.1", token="x")
