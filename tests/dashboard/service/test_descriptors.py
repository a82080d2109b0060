"""Both servers raise their own limit of open files, so that connections and not descriptors are what they count."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import urllib3

from tests.paths import ROOT

COMMANDS = {"ingest": "metrica.dashboard.ingest.cli", "dashboard": "metrica.dashboard.web.cli"}


@pytest.mark.parametrize("name", COMMANDS)
def test_a_server_that_is_allowed_few_open_files_takes_more_when_root_allows_more(name: str, tmp_path: Path) -> None:
    code = f"import sys; from {COMMANDS[name]} import main; sys.exit(main())"
    limited = ["bash", "-c", 'ulimit -Sn 200; exec "$@"', "bash"]
    command = [*limited, sys.executable, "-c", code, "serve", "--port", "0", "--data", str(tmp_path)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        line = next(line for line in process.stdout if line.startswith("listening on "))
        address = line.removeprefix("listening on ").strip()
        host, port = address.removeprefix("http://").split(":")
        with contextlib.ExitStack() as stack:
            for _ in range(500):
                stack.enter_context(socket.create_connection((host, int(port)), timeout=20))
            answer = urllib3.request("GET", f"{address}/healthz", timeout=20, retries=False)
            assert answer.status == 200
            held = sum(1 for fd in Path(f"/proc/{process.pid}/fd").iterdir() if fd.name)
            assert held > 500
    finally:
        process.terminate()
        process.communicate(timeout=30)


def test_the_unit_of_systemd_allows_as_many() -> None:
    assert "\nLimitNOFILE=65536\n" in (ROOT / "docs" / "metrica.service").read_text()
