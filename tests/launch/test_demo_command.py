"""`metrica-launch --demo`: which file it runs, on which ports, and how one gets in."""

from __future__ import annotations

import logging
import re
import socket
from pathlib import Path

import pytest

from metrica import testing
from metrica.context import Context
from metrica.dashboard.nodes import Dashboard
from metrica.dashboard.store.database import Database
from metrica.dashboard.web.passwords import OWNER, is_right
from metrica.launch import demo
from metrica.launch.cli import main


def test_a_file_is_given_or_the_demonstration_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in ([], ["--check"], ["store.yaml", "--demo"]):
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        assert ended.value.code == 2
        assert "give a launch FILE, or --demo" in capsys.readouterr().err


def test_ports_that_are_taken_are_replaced_by_free_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as page, socket.create_server(("127.0.0.1", 0)) as ingest:
        monkeypatch.setattr(demo, "_PAGE", page.getsockname()[1])
        monkeypatch.setattr(demo, "_INGEST", ingest.getsockname()[1])
        first, second, *others = demo.free_ports()
        assert first == "dashboard.port=0"
        port = second.removeprefix("ingest.port=")
        assert others == [f"{node}.url=http://127.0.0.1:{port}" for node in ("uploader", "reporter")]
        socket.create_server(("127.0.0.1", int(port))).close()
    assert demo.free_ports() == []


def test_its_own_ports_are_those_of_the_file_and_not_a_store_s() -> None:
    text = Path(demo.FILE).read_text("utf-8")
    assert re.findall(r"port: (\d+)", text) == ["8081", "8051"]
    assert 'url: "http://127.0.0.1:8081"' in text
    assert not set(re.findall(r"port: (\d+)", text)) & set(
        re.findall(r"port: (\d+)", Path(demo.FILE).with_name("store.yaml").read_text("utf-8"))
    )


def test_the_owner_s_password_is_a_new_one_at_each_start_and_is_in_no_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    where = Context(store="demo", data=tmp_path / "data")
    said: list[str] = []
    for _ in range(2):
        with testing.run(Dashboard(port=0, new_password=True), name="/dashboard", context=where):
            pass
        note = (where.data_dir / "open" / "dashboard").read_text()
        found = re.fullmatch(r"http://127\.0\.0\.1:\d+ \(log in as owner, password (\S+)\)\n", note)
        assert found
        assert found[1] not in caplog.text
        with Database(where.data_dir / "metrica.db") as database:
            assert is_right(database.users.get(OWNER), found[1])
        said.append(found[1])
        caplog.clear()
    assert said[0] != said[1]
    with testing.run(Dashboard(port=0, new_password=True, password="chosen by hand"), context=where):
        assert "chosen by hand" not in caplog.text
