"""Fetching models from a real HTTP server on this machine, including one that lies, hangs up and goes away."""

from __future__ import annotations

import hashlib
import resource
import shutil
import socket
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, cast

import pytest

from metrica.models import Card, ModelError
from metrica.models.pull import choose_variant, pull
from tests.small_disk import small_disk

XML = b"<net>" + b"x" * 200_000 + b"</net>"
BIN = bytes(range(256)) * 3000


class Server(ThreadingHTTPServer):
    """Files by path, and the faults that a test asks for."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.files: dict[str, bytes] = {}
        self.asked: list[tuple[str, str | None]] = []
        self.cut_after: list[int] = []
        """For each answer to come: after how many bytes the connection is cut."""
        self.ranges = True
        self.address = f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        server = cast(Server, self.server)
        wanted = self.headers["Range"]
        server.asked.append((self.path, wanted))
        data = server.files.get(self.path)
        if data is None:
            self.send_error(404)
            return
        start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted and server.ranges else 0
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(data) - start))
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        self.end_headers()
        cut = server.cut_after.pop(0) if server.cut_after else None
        self.wfile.write(data[start:] if cut is None else data[start : start + cut])
        if cut is not None:
            self.wfile.flush()
            self.connection.shutdown(socket.SHUT_RDWR)
            self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet: what was asked is in `asked`."""


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        server.files = {"/omz/m/FP16/m.xml": XML, "/omz/m/FP16/m.bin": BIN}
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def plain_network(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "METRICA_MODELS_URL"):
        monkeypatch.delenv(name, raising=False)


def card(server: Server, xml: bytes = XML, weights: bytes = BIN) -> Card:
    """A card of two files at the server, one with each kind of digest."""
    files = [
        {
            "path": "m/FP16/m.xml",
            "source": f"{server.address}/omz/m/FP16/m.xml",
            "size": len(xml),
            "digest": f"sha384:{hashlib.sha384(xml).hexdigest()}",
        },
        {
            "path": "m/FP16/m.bin",
            "source": f"{server.address}/omz/m/FP16/m.bin",
            "size": len(weights),
            "digest": f"sha256:{hashlib.sha256(weights).hexdigest()}",
        },
    ]
    return Card.model_validate(
        {
            "name": "m",
            "decoder": "ssd",
            "input": {"size": [64, 64]},
            "thresholds": {"new": 0.5, "keep": 0.5, "low": 0.5},
            "variants": [{"precision": "FP16", "files": files}],
        }
    )


def everything(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def sentence(card: Card, folder: Path) -> str:
    with pytest.raises(ModelError) as caught:
        pull(card, folder)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_files_come_verified_and_are_readable_by_everyone(server: Server, tmp_path: Path) -> None:
    seen: list[tuple[str, int, int]] = []
    paths = pull(card(server), tmp_path, progress=lambda *event: seen.append(event))
    assert [path.read_bytes() for path in paths] == [XML, BIN]
    assert everything(tmp_path) == ["m/FP16/m.bin", "m/FP16/m.xml"]
    assert paths[0].stat().st_mode & 0o777 == 0o644
    assert seen[-1] == ("m/FP16/m.bin", len(BIN), len(BIN))


def test_what_is_there_already_is_not_fetched_again(server: Server, tmp_path: Path) -> None:
    paths = pull(card(server), tmp_path)
    paths[1].write_bytes(BIN[:-1] + b"?")
    server.asked.clear()
    pull(card(server), tmp_path)
    assert [path for path, _ in server.asked] == ["/omz/m/FP16/m.bin"], "only the damaged one"
    assert paths[1].read_bytes() == BIN


def test_a_cut_connection_is_taken_up_where_it_broke(server: Server, tmp_path: Path) -> None:
    server.cut_after = [150_000, 30_000]
    paths = pull(card(server), tmp_path)
    assert [path.read_bytes() for path in paths] == [XML, BIN]
    ranges = [wanted for path, wanted in server.asked if path.endswith(".xml")]
    assert ranges == [None, "bytes=150000-", "bytes=180000-"]


def test_a_server_without_ranges_starts_again(server: Server, tmp_path: Path) -> None:
    server.ranges = False
    server.cut_after = [150_000]
    assert pull(card(server), tmp_path)[0].read_bytes() == XML


def test_a_connection_that_always_breaks_leaves_nothing(server: Server, tmp_path: Path) -> None:
    server.cut_after = [1000] * 10
    assert sentence(card(server), tmp_path) == (
        f"cannot fetch {server.address}/omz/m/FP16/m.xml after 4000 of {len(XML)} bytes: the connection was cut; "
        "check the network and try again"
    )
    assert everything(tmp_path) == []


def test_a_corrupted_file_is_thrown_away_and_the_old_ones_stay(server: Server, tmp_path: Path) -> None:
    old = card(server, b"old xml", b"old weights")
    server.files = {"/omz/m/FP16/m.xml": b"old xml", "/omz/m/FP16/m.bin": b"old weights"}
    paths = pull(old, tmp_path)
    server.files = {"/omz/m/FP16/m.xml": XML, "/omz/m/FP16/m.bin": BIN[:-1] + b"?"}
    assert sentence(card(server), tmp_path) == (
        f"{server.address}/omz/m/FP16/m.bin: the file that came is not the file that the card names: its sha256 "
        "differs, so it was thrown away; try again, or tell who runs the server"
    )
    assert [path.read_bytes() for path in paths] == [b"old xml", b"old weights"], "the halves still belong together"
    assert everything(tmp_path) == ["m/FP16/m.bin", "m/FP16/m.xml"]


def test_more_bytes_than_the_card_says_are_refused_at_once(server: Server, tmp_path: Path) -> None:
    server.files["/omz/m/FP16/m.xml"] = XML + b"?" * 10_000_000
    assert f"more bytes come than the {len(XML)} of the card" in sentence(card(server), tmp_path)
    assert everything(tmp_path) == []


def test_fewer_bytes_than_the_card_says_are_refused(server: Server, tmp_path: Path) -> None:
    server.files["/omz/m/FP16/m.xml"] = XML[:1000]
    assert "after 1000 of 200011 bytes: the connection ended early" in sentence(card(server), tmp_path)
    assert everything(tmp_path) == []


def test_a_file_that_the_server_lacks_is_one_sentence(server: Server, tmp_path: Path) -> None:
    del server.files["/omz/m/FP16/m.bin"]
    assert sentence(card(server), tmp_path) == (
        f"cannot fetch {server.address}/omz/m/FP16/m.bin: the server says 404, there is no such file"
    )
    assert everything(tmp_path) == []


def test_no_network_is_one_sentence(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        free = taken.getsockname()[1]
    monkeypatch.setenv("METRICA_MODELS_URL", f"http://127.0.0.1:{free}")
    assert sentence(card(server), tmp_path) == (
        f"cannot fetch http://127.0.0.1:{free}/m/FP16/m.xml: the server refuses the connection or cannot be reached; "
        "check the network and try again"
    )
    monkeypatch.setenv("METRICA_MODELS_URL", "http://no-such-host.invalid")
    assert "the name of the server cannot be resolved" in sentence(card(server), tmp_path)


def test_a_mirror_takes_the_place_of_the_source(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.files = {"/mirror/of/models/m/FP16/m.xml": XML, "/mirror/of/models/m/FP16/m.bin": BIN}
    monkeypatch.setenv("METRICA_MODELS_URL", f"{server.address}/mirror/of/models/")
    assert [path.read_bytes() for path in pull(card(server), tmp_path)] == [XML, BIN]
    monkeypatch.setenv("METRICA_MODELS_URL", "/a/folder")
    shutil.rmtree(tmp_path / "m")
    assert "METRICA_MODELS_URL must be an http or https address, not '/a/folder'" in sentence(card(server), tmp_path)


def test_a_proxy_of_the_environment_is_used(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy is asked for the whole address; this one answers it itself."""
    source = "http://models.invalid/m/FP16/m"
    server.files = {f"{source}.xml": XML, f"{source}.bin": BIN}
    monkeypatch.setenv("METRICA_MODELS_URL", "http://models.invalid")
    monkeypatch.setenv("http_proxy", server.address)
    pull(card(server), tmp_path)
    assert [path for path, _ in server.asked] == [f"{source}.xml", f"{source}.bin"]


def test_a_folder_that_cannot_be_written_is_one_sentence(server: Server, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert sentence(card(server), tmp_path / "file") == (
        f"cannot write the model m into {tmp_path / 'file'}: File exists"
    )


def test_a_disk_without_room_is_one_sentence_before_anything_is_fetched(server: Server, tmp_path: Path) -> None:
    with small_disk(tmp_path, "512k") as disk:
        told = sentence(card(server), disk)
        assert told.startswith(f"cannot write the model m into {disk}: No space left on device (968011 bytes needed, ")
        assert server.asked == [] and everything(disk) == []


def test_a_disk_that_fails_half_way_leaves_nothing(server: Server, tmp_path: Path) -> None:
    """In a process of its own, because the limit on the size of a file holds for all of a process."""
    program = f"""
        import resource, sys
        from pathlib import Path
        from metrica.models import Card, ModelError
        from metrica.models.pull import pull
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, {resource.RLIM_INFINITY}))
        try:
            pull(Card.model_validate_json(sys.stdin.read()), Path(sys.argv[1]))
        except ModelError as error:
            print(error)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program), str(tmp_path)],
        input=card(server).model_dump_json(exclude={"nms"}),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == f"cannot write the model m into {tmp_path}: File too large\n"
    assert everything(tmp_path) == []


def test_a_precision_that_is_not_there_names_those_that_are(server: Server) -> None:
    known = card(server)
    assert choose_variant(known, "FP16").precision == "FP16"
    with pytest.raises(ModelError, match=r"m has no variant 'INT4' to fetch; it has FP16"):
        choose_variant(known, "INT4")
