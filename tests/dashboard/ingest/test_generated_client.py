"""A client that openapi-python-client makes from `/openapi.json` sends, asks and exports, against a real server."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from collections.abc import Generator
from typing import Any

import pytest

from tests.dashboard.client import NOON, Ingest, ingest_server

pytest.importorskip("openapi_python_client", reason="needs openapi-python-client, of the extra dev")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Generator[Ingest]:
    with ingest_server(tmp_path_factory.mktemp("ingest")) as running:
        yield running


@pytest.fixture(scope="module")
def client(server: Ingest, tmp_path_factory: pytest.TempPathFactory) -> Generator[Any]:
    """The generated package, imported."""
    folder = tmp_path_factory.mktemp("generated")
    document = folder / "openapi.json"
    document.write_text(json.dumps(server.get("/openapi.json").body))
    config = folder / "config.yaml"
    # No formatter runs over it: ruff is told its place by nobody here.
    config.write_text(
        "package_name_override: metrica_client_of_the_test\nproject_name_override: made\npost_hooks: []\n"
    )
    made = subprocess.run(
        [
            *(sys.executable, "-m", "openapi_python_client", "generate", "--path", str(document)),
            *("--config", str(config), "--output-path", str(folder / "made")),
        ],
        cwd=folder, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    said = made.stdout + made.stderr
    assert made.returncode == 0, said
    # It has no msgpack, and sends JSON.
    assert said.count("WARNING") == said.count("Unsupported content type application/msgpack"), said
    sys.path.insert(0, str(folder / "made"))
    try:
        yield importlib.import_module("metrica_client_of_the_test")
    finally:
        sys.path.remove(str(folder / "made"))
        for name in [name for name in sys.modules if name.startswith("metrica_client_of_the_test")]:
            del sys.modules[name]


def call(client: Any, server: Ingest, operation: str, *path: str, **arguments: Any) -> Any:
    """Call one operation and return what its answer was parsed to; `operation` is its module."""
    module = importlib.import_module(f"{client.__name__}.api.default.{operation}")
    with client.AuthenticatedClient(base_url=server.address, token=server.token) as connected:
        answer = module.sync_detailed(*path, client=connected, **arguments)
    assert answer.status_code == 200, answer.content
    return answer.parsed


def test_events_go_in_and_come_out_as_figures_and_as_an_export(client: Any, server: Ingest) -> None:
    models = importlib.import_module(f"{client.__name__}.models")
    directions = ["in", "in", "out"]
    events = [
        models.Event(
            id=f"door/main/1/{n}",
            camera="door",
            line="main",
            direction=models.EventDirection(way),
            track=n,
            time=NOON - 3 + n,
        )
        for n, way in enumerate(directions)
    ]
    receipt = call(client, server, "post_events", body=models.EventBatch(v=1, store="tunis-01", events=events))
    assert (receipt.accepted, receipt.duplicates) == (3, 0)

    kpis = call(client, server, "get_kpis", "tunis-01")
    assert (kpis.today.in_, kpis.today.out, kpis.inside) == (2, 1, 1)

    (day,) = call(client, server, "get_export", "tunis-01", what=models.GetExportWhat.DAYS)
    assert type(day).__name__ == "ExportedDay" and (day.entered, day.left) == (2, 1)
    exported = call(client, server, "get_export", "tunis-01", what=models.GetExportWhat.EVENTS, from_="2026-11-22")
    assert [(row.id, row.direction.value) for row in exported] == [
        ("door/main/1/0", "in"),
        ("door/main/1/1", "in"),
        ("door/main/1/2", "out"),
    ]
    everything = call(client, server, "get_exports", what=models.GetExportsWhat.EVENTS)
    assert len(everything) == 3
