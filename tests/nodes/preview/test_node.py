"""The live picture: who may see it, what is drawn in it, and that nothing of it is kept."""

from __future__ import annotations

import re
import socket
import stat
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPResponse
from typing import BinaryIO

import cv2
import numpy as np
import pytest

from metrica import testing
from metrica.errors import NodeError, ParameterError
from metrica.messages import Crossing, Frame, Header, Image, Tracks
from metrica.nodes.preview.node import Preview
from metrica.nodes.preview.server import MOST_VIEWERS, PreviewServer
from tests.paths import ROOT

LINE = (320, 360, 320, 0)
BOX = (400, 100, 460, 260)
SECOND = 1_000_000_000


@dataclass
class Shown:
    """A preview on a bench, and where its log says that it is."""

    bench: testing.Bench
    node: Preview
    address: str

    @property
    def root(self) -> str:
        return self.address.partition("?")[0]

    @property
    def port(self) -> int:
        return int(self.address.split(":")[2].partition("/")[0])

    def give(self, n: int, image: Image | None = None) -> None:
        """A frame and its tracks, the n-th tenth of a second."""
        header = Header(camera="door", stamp=n * SECOND // 10)
        picture = np.full((360, 640, 3), 128, np.uint8) if image is None else image
        self.bench.send("frames", Frame(header=header, image=picture))
        boxes = np.array([BOX], np.float32)
        ids, ages, scores = np.array([7], np.int64), np.array([5], np.int32), np.array([0.9], np.float32)
        size = (picture.shape[1], picture.shape[0])
        self.bench.send("tracks", Tracks(header=header, boxes=boxes, ids=ids, scores=scores, ages=ages, size=size))


@pytest.fixture
def shown(caplog: pytest.LogCaptureFixture) -> Generator[Shown]:
    caplog.set_level("DEBUG")
    node = Preview(line=LINE)
    with testing.run(node, name="/door/preview") as bench:
        note = node.context.data_dir / "open" / "door.preview"
        found = re.fullmatch(
            r"(http://127\.0\.0\.1:\d+/\?token=[\w-]+) \(the live picture of door\)\n", note.read_text()
        )
        assert found
        yield Shown(bench, node, found[1])
    assert not note.exists(), "its token is worth nothing any more"
    assert found[1].partition("=")[2] not in caplog.text


def test_the_log_says_where_the_address_is_and_not_the_token(shown: Shown, caplog: pytest.LogCaptureFixture) -> None:
    note = shown.node.context.data_dir / "open" / "door.preview"
    assert stat.S_IMODE(note.stat().st_mode) == 0o600
    (record,) = [record for record in caplog.get_records("setup") if record.name == "metrica.node"]
    assert record.getMessage() == f"the live picture is on {shown.root}, its address with the token in {note}"
    assert getattr(record, "fields", {}) == {"open": str(note)}


class Keep(urllib.request.HTTPRedirectHandler):
    """Redirects are looked at, not followed."""

    def redirect_request(self, *_: object, **__: object) -> None:  # type: ignore[override]
        return None


def get(address: str, **headers: str) -> HTTPResponse | urllib.error.HTTPError:
    opener = urllib.request.build_opener(Keep)
    try:
        answer: HTTPResponse = opener.open(urllib.request.Request(address, headers=headers), timeout=10)
    except urllib.error.HTTPError as error:
        return error
    return answer


@contextmanager
def viewer(shown: Shown) -> Generator[HTTPResponse]:
    """Somebody who looks; from here on pictures are made."""
    before = shown.node.viewers
    answer = get(shown.address.replace("/?", "/stream?"))
    assert isinstance(answer, HTTPResponse)
    until(lambda: shown.node.viewers > before)
    with answer:
        yield answer


def until(so: Callable[[], bool]) -> None:
    end = time.monotonic() + 10
    while not so():
        assert time.monotonic() < end
        time.sleep(0.01)


def picture(stream: BinaryIO | HTTPResponse) -> Image:
    """The next picture of a stream, decoded."""
    length = 0
    while line := stream.readline().strip():
        if line.startswith(b"Content-Length:"):
            length = int(line.split(b":")[1])
        if line.startswith((b"--", b"Content-")):
            continue
        raise AssertionError(line)
    if not length:  # the empty line before a boundary
        return picture(stream)
    image = cv2.imdecode(np.frombuffer(stream.read(length), np.uint8), cv2.IMREAD_COLOR)
    assert image is not None
    return np.asarray(image, np.uint8)


def test_without_the_token_nothing_is_shown(shown: Shown) -> None:
    for path in ("", "stream", "preview.css", "preview.js"):
        for asked in ("", "?token=", "?token=wrong", f"{shown.address[len(shown.root) :]}x"):
            answer = get(f"{shown.root}{path}{asked}", Cookie="metrica_preview=wrong")
            assert answer.status == 401, (path, asked)
            assert (
                answer.read()
                == b"Open the address in the file that the log of the preview names; each start makes a new one.\n"
            )
            assert answer.headers["Cache-Control"] == "no-store"
    assert shown.node.viewers == 0


def test_the_address_gives_a_cookie_and_the_token_goes_out_of_sight(shown: Shown) -> None:
    first = get(shown.address)
    assert (first.status, first.headers["Location"]) == (303, "/")
    cookie = first.headers["Set-Cookie"]
    assert "HttpOnly" in cookie and "SameSite=Lax" in cookie
    for path, kind in (("", "text/html"), ("preview.css", "text/css"), ("preview.js", "text/javascript")):
        answer = get(shown.root + path, Cookie=cookie.partition(";")[0])
        assert answer.status == 200 and answer.headers["Content-Type"].startswith(kind)
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert "token" not in answer.read().decode()


def test_each_start_has_another_token_unless_one_is_given() -> None:
    addresses: set[str] = set()
    for node in (Preview(line=LINE), Preview(line=LINE), Preview(line=LINE, token="mine-1")):
        with testing.run(node):
            addresses.add(node.address.partition("token=")[2])
    assert len(addresses) == 3 and "mine-1" in addresses
    with pytest.raises(ParameterError, match="'token' stands in an address"):
        Preview(line=LINE, token="a&b").check()


def test_people_line_and_counts_are_in_the_picture(shown: Shown) -> None:
    with viewer(shown) as stream:
        assert stream.headers["Content-Type"] == "multipart/x-mixed-replace; boundary=picture"
        assert stream.headers["Cache-Control"] == "no-store"
        shown.give(0)
        before = picture(stream)
        assert before.shape == (360, 640, 3)
        x1, y1, x2, y2 = BOX
        for x, y in ((x1, y1 + 10), (x2, y1 + 10), (x1 + 10, y2)):
            around = before[y - 3 : y + 4, x - 3 : x + 4].astype(int)
            assert abs(around - 128).max() > 60, "an edge of the box"
        assert abs(before[300:360, 310:330].astype(int) - 128).max() > 60, "the line"
        assert abs(before[200:300, 560:].astype(int) - 128).max() < 20, "nothing where nothing is"
        header = Header(camera="door", stamp=SECOND // 10)
        shown.bench.send(
            "crossings", Crossing(header=header, id="1", line="main", direction="in", track=7, time=header.stamp)
        )
        shown.give(20)
        after = picture(stream)
        assert abs(after[:90, :260].astype(int) - before[:90, :260]).max() > 100, "the count has changed"


def test_without_a_viewer_no_picture_is_made_and_none_is_kept(shown: Shown) -> None:
    for n in range(5):
        shown.give(n)
    assert shown.node.counters.get("pictures", 0) == 0
    with viewer(shown) as stream:
        shown.give(5)
        picture(stream)
    shown.give(6)
    shown.give(7)  # to a connection that is closed
    until(lambda: shown.node.viewers == 0)
    made = shown.node.counters["pictures"]
    shown.give(9)
    assert shown.node.counters["pictures"] == made
    left = [path.name for path in shown.bench.context.data_dir.rglob("*") if path.is_file()]
    assert left == ["door.preview"], "the address"


def test_a_viewer_who_takes_nothing_in_costs_the_others_nothing(shown: Shown) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (360, 640, 3), np.uint8)
    path = shown.address[shown.address.index("/", 8) :].replace("/?", "/stream?")
    with viewer(shown) as quick, socket.socket() as slow:
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.connect(("127.0.0.1", shown.port))
        slow.sendall(f"GET {path} HTTP/1.0\r\n\r\n".encode())
        until(lambda: shown.node.viewers == 2)
        for n in range(80):
            shown.give(n, np.roll(noise, n, axis=1))
            picture(quick)
        slow.settimeout(1.0)
        came = 0
        with slow.makefile("rb") as stream:
            while stream.readline().strip():
                pass
            try:
                while came < 80:
                    picture(stream)
                    came += 1
            except TimeoutError:
                assert 1 <= came < 60, "the rest was dropped, not kept for later"


def test_more_viewers_than_there_is_room_for_are_told_so(shown: Shown) -> None:
    streams = [get(shown.address.replace("/?", "/stream?")) for _ in range(MOST_VIEWERS)]
    until(lambda: shown.node.viewers == MOST_VIEWERS)
    answer = get(shown.address.replace("/?", "/stream?"))
    assert (answer.status, answer.read()) == (503, b"8 are looking already: close one of them.\n")
    for stream in streams:
        stream.close()


def test_it_listens_on_this_machine_only_and_a_taken_port_is_said(shown: Shown) -> None:
    port = shown.port
    with pytest.raises(ConnectionRefusedError), socket.create_connection(("127.0.0.2", port), 5):
        pass
    with pytest.raises(
        NodeError, match=f"port {port} is taken by another program: choose another port, or 0 for any"
    ) as caught:
        PreviewServer(port, "t", "door")
    assert not caught.value.permanent, "it may be free later"


def test_a_viewer_is_told_why_nothing_moves(shown: Shown) -> None:
    with viewer(shown) as stream:
        shown.bench.advance(1.5)
        assert shown.node.counters.get("pictures", 0) == 0
        shown.bench.advance(1.5)
        nothing = picture(stream)
        assert np.median(nothing) == 48, "grey, with a sentence"
        shown.bench.send(
            "frames", Frame(header=Header(camera="door", stamp=1), image=np.full((360, 640, 3), 200, np.uint8))
        )
        shown.bench.advance(0.5)
        while np.median(picture(stream)) != 200:  # the picture alone, where the detector says nothing
            pass


def test_the_end_ends_the_streams(caplog: pytest.LogCaptureFixture) -> None:
    node = Preview(line=LINE)
    with testing.run(node):
        answer = get(node.address.replace("/?", "/stream?"))
        until(lambda: node.viewers == 1)
        began = time.monotonic()
    assert answer.read().endswith(b"--picture\r\n")
    assert time.monotonic() - began < 8
    with pytest.raises(urllib.error.URLError):
        get(node.address)


def test_a_large_picture_is_made_smaller_and_a_wrong_line_is_refused() -> None:
    node = Preview(line=LINE, width=320)
    with testing.run(node) as bench:
        shown = Shown(bench, node, node.address)
        with viewer(shown) as stream:
            shown.give(1)
            assert picture(stream).shape == (180, 320, 3)
    for wrong in (Preview(), Preview(line=(1, 1, 1, 1)), Preview(line=LINE, lines={"a": LINE})):
        with pytest.raises(ParameterError):
            wrong.check()


def test_the_pages_files_are_in_the_package() -> None:
    folder = ROOT / "nodes" / "preview"
    assert all((folder / f"preview.{kind}").is_file() for kind in ("html", "css", "js"))
