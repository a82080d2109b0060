"""The demonstration, launched as a newcomer does: people are counted on the page, and the live picture shows them."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Generator
from contextlib import contextmanager
from http.client import HTTPResponse
from http.cookiejar import CookieJar
from pathlib import Path

import cv2
import numpy as np
import pytest

from metrica.launch import demo
from metrica.launch.cli import main
from metrica.models.library import OURS, SHIPPED
from metrica.simulator.address import read_sim_address
from metrica.simulator.place import make_place
from tests.dashboard.client import Client
from tests.end_to_end.test_end_to_end import free_ports
from tests.launch.harness import short_folder

LIVE = re.compile(r"(http://127\.0\.0\.1:\d+/\?token=\S+) \(the live picture of entrance\)")
PAGE = re.compile(r"(http://127\.0\.0\.1:\d+) \(log in as owner, password (\S+)\)")


@contextmanager
def launched(folder: Path, *arguments: str) -> Generator[tuple[subprocess.Popen[str], list[str]]]:
    """`metrica-launch --demo` in an empty folder, with nothing on this machine but what is installed; its output."""
    process = subprocess.Popen(
        [Path(sys.executable).with_name("metrica-launch"), "--demo", "--run-dir", str(folder / "run"), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=folder,
        env={
            **{key: value for key, value in os.environ.items() if key != "METRICA_MODELS"},
            "XDG_DATA_HOME": str(folder / "data"),
            "XDG_CACHE_HOME": str(folder / "cache"),
        },
    )
    lines: list[str] = []

    def read() -> None:
        assert process.stdout
        lines.extend(iter(process.stdout.readline, ""))

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    try:
        yield process, lines
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
            process.wait(40)
        reader.join(5)


def until(so: Callable[[], bool], what: str, lines: list[str], timeout: float = 90.0) -> None:
    end = time.monotonic() + timeout
    while not so():
        assert time.monotonic() < end, f"no {what} in:\n{''.join(lines)}"
        time.sleep(0.1)


def said(lines: list[str], words: str) -> int:
    return sum(words in line for line in list(lines))


trained = pytest.mark.skipif(
    not (SHIPPED / OURS / f"{OURS}.yaml").is_file(), reason=f"{OURS} does not lie in models/ (metrica.models.training)"
)


@trained
def test_people_are_counted_on_the_page_and_seen_in_the_live_picture() -> None:
    port = free_ports(1)[0]
    with (
        short_folder() as folder,
        launched(
            folder,
            *("--set", f"ingest.port={port}", "--set", f"uploader.url=http://127.0.0.1:{port}"),
            *("--set", f"reporter.url=http://127.0.0.1:{port}"),
            *("--set", "dashboard.port=0"),
        ) as (process, lines),
    ):
        until(lambda: said(lines, "to open in a browser") == 2 or process.poll() is not None, "open", lines)
        notes = folder / "data" / "metrica" / "demo" / "open"
        live, page = (
            LIVE.search((notes / "entrance.preview").read_text()),
            PAGE.search((notes / "dashboard").read_text()),
        )
        assert live and page
        picture = look(live[1])
        assert picture.shape == (360, 640, 3) and picture.std() > 20
        data = folder / "data" / "metrica" / "demo"
        client = Client(f"http://127.0.0.1:{port}", (data / "token").read_text())
        until(lambda: crossed(client) > 0, "crossing", lines)
        assert "owner" in logged_in(page[1], page[2])
        process.send_signal(signal.SIGINT)
        assert process.wait(40) == 0
        assert "Traceback" not in "".join(lines)
        for secret in (live[1].partition("=")[2], page[2]):
            assert secret not in "".join(lines), "a log is read by others, and kept"
        assert not [p for p in folder.rglob("*") if p.suffix in {".jpg", ".png", ".mp4"}]
        assert [f.name for f in (folder / "cache" / "metrica").iterdir()] == ["compiled"], "nothing was fetched"


def look(address: str) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """The first picture of the stream that is not grey, fetched as a browser does: the cookie first."""
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))
    opener.open(address, timeout=20).close()
    stream: HTTPResponse
    with opener.open(address.partition("?")[0] + "stream", timeout=20) as stream:
        while line := stream.readline():
            if line.startswith(b"Content-Length:"):
                length = int(line.split(b":")[1])
                stream.readline()
                image = cv2.imdecode(np.frombuffer(stream.read(length), np.uint8), cv2.IMREAD_COLOR)
                if image is not None and np.median(image) != 48:
                    return np.asarray(image, np.uint8)
    raise AssertionError("the stream has ended")


def crossed(client: Client) -> int:
    today = client.get("/v1/stores/demo/kpis").body["today"]
    return int(today["in"]) + int(today["out"])


def logged_in(page: str, password: str) -> str:
    """The name that the page knows after logging in as a browser's form does."""
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))
    form = opener.open(f"{page}/login", timeout=20).read().decode()
    csrf = re.search(r'name="csrf" value="([^"]+)"', form)
    assert csrf
    data = f"name=owner&password={password}&csrf={csrf[1]}".encode()
    opener.open(f"{page}/login", data=data, timeout=20).close()
    return str(opener.open(f"{page}/session", timeout=20).read().decode())


@trained
def test_the_launch_file_is_accepted_from_any_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("METRICA_MODELS", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert main(["--demo", "--check"]) == 0, capsys.readouterr().err
    assert capsys.readouterr().out == f"{demo.FILE}: ok, 9 nodes, 4 topics\n"


def test_the_line_is_that_of_the_simulated_door() -> None:
    text = Path(demo.FILE).read_text("utf-8")
    uri, line = re.findall(r'uri: "(sim://\S+)", line: \[([\d, ]+)\]', text)[0]
    place = make_place(read_sim_address(uri))
    assert [int(number) for number in line.split(", ")] == list(place.line)
    assert place.anchor == "bottom_center", "what the counter takes when nothing is said"
