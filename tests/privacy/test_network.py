"""The whole graph talks to the addresses of its launch file and to nobody else."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.paths import ROOT

WATCHED = Path(__file__).with_name("watched_network.py")
INGEST, DASHBOARD, PREVIEW = 8081, 8051, 8052
SECONDS = 60
_ADD_LINK = ("ip", "link", "add", "shop", "type", "veth", "peer", "name", "street")


def namespace() -> list[str]:
    """The command that starts another one in a network of its own; empty if this machine allows none."""
    for command in (["unshare", "--net"], ["unshare", "--net", "--map-root-user"]):
        try:
            done = subprocess.run([*command, *_ADD_LINK], capture_output=True, check=False)
        except FileNotFoundError:
            return []
        if done.returncode == 0:
            return command
    return []


NAMESPACE = namespace() if shutil.which("unshare") and shutil.which("ip") else []
pytestmark = pytest.mark.skipif(not NAMESPACE, reason="this machine allows no network namespaces (unshare --net, ip)")


def watched(*command: str, seconds: float, cwd: Path) -> dict[str, Any]:
    done = subprocess.run(
        [*NAMESPACE, sys.executable, str(WATCHED), str(seconds), str(INGEST), *command],
        capture_output=True, text=True, timeout=120, check=True, cwd=cwd,
    )  # fmt: skip
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def test_a_whole_shop_talks_to_its_declared_addresses_only(tmp_path: Path) -> None:
    store = (ROOT / "launch" / "demo.yaml").read_text(encoding="utf-8")
    file = tmp_path / "demo.yaml"
    file.write_text(
        store.replace("store: {id: demo,", f"data: {tmp_path / 'data'}\nstore: {{id: demo,"), encoding="utf-8"
    )
    ran = watched(
        sys.executable, "-m", "metrica.launch.cli", str(file), "--set", f"preview.port={PREVIEW}",
        seconds=SECONDS, cwd=tmp_path,
    )  # fmt: skip
    assert ran["status"] == 0, ran["said"]
    assert "every node is active" in ran["said"] or "is open" in ran["said"] or "listening" in ran["said"], ran["said"]
    seen = {(interface, address, port) for interface, address, port in ran["seen"]}
    outside = {talk for talk in seen if talk[0] != "lo"}
    assert outside == set(), "something left the box"
    assert ("lo", "127.0.0.1", INGEST) in seen, "the uploader did send to the ingest, so the watching works"
    servers = {port for _, address, port in seen if address == "127.0.0.1"}
    answered = {port for port in servers if port >= 32768}  # answers go to the ports of the callers
    assert servers - answered <= {INGEST, DASHBOARD, PREVIEW}


@pytest.mark.parametrize(
    "code",
    [
        "import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('192.0.2.7', 53))",
        "import socket; s = socket.socket(); s.settimeout(0.5); s.connect_ex(('192.0.2.7', 443))",
        "import urllib.request; urllib.request.urlopen('http://198.51.100.9/collect', timeout=0.5)",
    ],
)
def test_the_watching_would_find_a_packet_to_somebody_else(code: str, tmp_path: Path) -> None:
    ran = watched(sys.executable, "-c", code, seconds=10, cwd=tmp_path)
    assert [talk for talk in ran["seen"] if talk[0] != "lo"] != []
