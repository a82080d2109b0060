"""What may pass is tried again, at the start too, and does not keep the other nodes waiting."""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.launch.harness import Launch, launching
from tests.small_disk import fill, small_disk

SOURCE = "  source: {type: good:Source}\n"


def stops_cleanly(launch: Launch) -> None:
    assert launch.stop() == 0, launch.output
    launch.assert_nothing_left()


@pytest.mark.parametrize("kind", ["ingest", "dashboard"])
def test_a_port_that_is_taken_at_the_start_is_tried_again(kind: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        server = f"  server: {{type: {kind}, params: {{port: {port}}}}}\n"
        with launching(server + SOURCE) as launch:
            launch.wait_for("1 of 2 nodes run")
            launch.wait_for(f"port {port} is taken by another program", times=2)
            taken.close()
            launch.wait_for(f"/server  listening on http://127.0.0.1:{port}")
            stops_cleanly(launch)


def test_a_port_that_is_taken_while_the_ingest_restarts_is_tried_again() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = f"  server: {{type: ingest, params: {{port: {port}}}}}\n"
    with launching(server + SOURCE, limits={"first_restart": 2.0}) as launch:
        launch.wait_for("2 of 2 nodes run")
        for pid in launch.processes():
            os.kill(pid, signal.SIGKILL)
        with listening(port):
            launch.wait_for(f"port {port} is taken by another program")
            launch.wait_for("/server failed (exit status 1); it is restarted in")
        launch.wait_for(f"/server  listening on http://127.0.0.1:{port}", times=2)
        stops_cleanly(launch)


def test_a_full_disk_at_the_start_is_tried_again(tmp_path: Path) -> None:
    with small_disk(tmp_path) as disk:
        filler = fill(disk)
        server = f"  server: {{type: ingest, params: {{port: 0, database: {disk}/metrica.db}}}}\n"
        with launching(server + SOURCE) as launch:
            launch.wait_for("1 of 2 nodes run")
            launch.wait_for("/server failed (exit status 1); it is restarted in", times=2)
            filler.unlink()
            launch.wait_for("/server  listening on")
            stops_cleanly(launch)


@contextmanager
def listening(port: int) -> Generator[None]:
    """Listen there as soon as nobody else does."""
    end = time.monotonic() + 5
    while True:
        try:
            server = socket.create_server(("127.0.0.1", port))
            break
        except OSError:
            assert time.monotonic() < end
            time.sleep(0.01)
    with server:
        yield
