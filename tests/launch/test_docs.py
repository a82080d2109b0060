"""The reference of the launch file is complete, and its examples are what it says they are."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

import pytest

from metrica.launch.cli import main, make_parser
from metrica.launch.reading.document import KEYS, STORE_KEYS
from metrica.launch.reading.overrides import NODE_KEYS
from metrica.qos import PROFILES, compatible
from tests.paths import ROOT

DOCS = ROOT / "docs"
REFERENCE = (DOCS / "launch-file.md").read_text("utf-8")
BLOCKS = re.findall(r"```(\w*)\n(.*?)```", REFERENCE, re.DOTALL)


def rows() -> list[list[str]]:
    lines = [line for line in REFERENCE.splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


def test_every_key_has_its_row() -> None:
    named = {cells[0].strip("`") for cells in rows()}
    assert named >= {*KEYS, *NODE_KEYS, *PROFILES, "$(env NAME)", "$(camera.key)"}
    assert all(f"`{key}`" in REFERENCE for key in STORE_KEYS)


def test_every_option_has_its_row() -> None:
    actions: list[argparse.Action] = make_parser()._actions
    options = {option for action in actions for option in action.option_strings if option.startswith("--")}
    named = {cells[0].strip("`").split()[0] for cells in rows()}
    assert options - {"--help"} <= named


def test_the_table_of_qos_profiles_is_the_truth() -> None:
    for cells in rows():
        if (name := cells[0].strip("`")) in PROFILES:
            told = set(PROFILES) if cells[2] == "every profile" else set(re.findall(r"`(\w+)`", cells[2]))
            assert told == {offered for offered, qos in PROFILES.items() if compatible(qos, PROFILES[name])}, name


def test_the_first_example_is_the_file_that_comes_with_metrica() -> None:
    shipped = (DOCS.parent / "launch" / "store.yaml").read_text("utf-8")
    without_comments = re.sub(r"[ ]*#.*", "", shipped).strip()
    assert BLOCKS[0][1].strip() == without_comments


def test_the_shortest_example_is_hello_world() -> None:
    assert BLOCKS[1][1] == (DOCS / "hello" / "hello.yaml").read_text("utf-8")


def test_the_mistake_in_the_example_looks_like_that(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DOOR_RTSP", "rtsp://192.168.1.20/stream1")
    monkeypatch.chdir(tmp_path)
    text = BLOCKS[0][1].replace("{type: bytetrack}", "{type: bytetrack, params: {track_bufer: 30}}")
    Path("store.yaml").write_text(text)
    assert main(["store.yaml", "--check"]) == 2
    assert capsys.readouterr().err in [block for _, block in BLOCKS]


def test_operations_name_every_folder_and_failure() -> None:
    text = (DOCS / "operations.md").read_text("utf-8")
    for words in (
        "XDG_RUNTIME_DIR",
        "/dev/shm/metrica-",
        "WatchdogSec",
        "restart: false",
        "no heartbeat for 15 s",
        "READY=1",
    ):
        assert words in text, words
