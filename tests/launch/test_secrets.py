"""What the launcher prints of secrets: nothing to a log, and to a terminal what a person there has to open."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from metrica.launch.cli import main
from metrica.launch.supervision.console import Console
from metrica.secrets import register
from tests.launch.harness import Launch, launching, short_folder
from tests.paths import ROOT

PASSWORD = "pass word@home"
ADDRESS = f"rtsp://admin:{PASSWORD}@10.0.0.7/cam"


@pytest.mark.parametrize(
    "line",
    [
        f"  a: {{type: shop:Camera, params: {{uri: '{ADDRESS}', fps: x}}}}",
        f'  a: {{type: shop:Camera, params: {{uri: "{ADDRESS}", fps: x}}}}',
        f"  a: {{type: shop:Camera, params: {{url: '{ADDRESS}'}}}}",  # no such parameter
        f"  a: {{type: shop:Camera, params: {{uri: a, fps: '{ADDRESS}'}}}}",  # a value that is no number
        f"  a: {{type: nothing:Known, params: {{uri: '{ADDRESS}'}}}}",
        f"  a: {{type: '{ADDRESS}'}}",
        f"  a: {{type: shop:Camera, params: {{uri: '{ADDRESS}'}}, remap: {{frames: '{ADDRESS}'}}}}",
        f"  a: {{type: shop:Camera, params: {{uri: '{ADDRESS}', x: [}}}}",  # not YAML from here on
        f"  a: {{type: shop:Camera, params: {{uri: '{ADDRESS}'",
        f"  a: {{type: shop:Uploader, params: {{url: http://x, token: '{PASSWORD}', retries: many}}}}",
        f"  a: {{type: shop:Uploader, params: {{url: http://x, tokn: '{PASSWORD}'}}}}",
        f"  a: {{type: shop:Uploader, params: {{url: http://x, token: {PASSWORD}: x}}}}",
        f"  a: {{type: shop:Uploader, params: {{url: http://x, 'token' : \"{PASSWORD}",
        f"  a: {{type: shop:Uploader, params: {{url: http://x, token: [{PASSWORD}}}}}",
        "  a: {type: shop:Camera, params: {uri: a, fps: $(env CAMERA)}}",
        "  a: {type: shop:Camera, params: {uri: a, fps: 'x$(env CAMERA)'}}",
        "  a: {type: shop:Camera, params: {uri: a, fps: $(env DOOR_PASSWORD)}}",
        "  a: {type: shop:Camera, params: {uri: a, fps: 'rtsp://x:$(env DOOR)@h/'}}",
    ],
)
def test_no_mistake_in_a_launch_file_shows_a_password(
    line: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "store.yaml"
    path.write_text(f"metrica: 1\nnodes:\n{line}\n")
    for name, value in (("CAMERA", ADDRESS), ("DOOR_PASSWORD", PASSWORD), ("DOOR", PASSWORD)):
        monkeypatch.setenv(name, value)
    monkeypatch.syspath_prepend(str(Path(__file__).parent / "bad"))
    assert main([str(path), "--check"]) == 2
    said = "".join(capsys.readouterr())
    assert "error" in said
    for part in (PASSWORD, "pass word", "word@home"):
        assert part not in said, said
    for row, carets in zip(said.splitlines()[1::3], said.splitlines()[2::3], strict=False):
        assert len(carets.partition(" did you")[0].rstrip()) <= len(row) + 60


@pytest.mark.parametrize(
    "argument",
    [
        f"a.uri={ADDRESS}",
        f"a.fps={ADDRESS}",
        f"a.token={PASSWORD}",
        f"b.uri={ADDRESS}",
        f"nonsense {ADDRESS}",
        f"a.uri=[{ADDRESS}",
    ],
)
def test_no_mistake_in_an_argument_shows_a_password(
    argument: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "store.yaml"
    path.write_text("metrica: 1\nnodes:\n  a: {type: shop:Camera, params: {uri: a, fps: x}}\n")
    monkeypatch.syspath_prepend(str(Path(__file__).parent / "bad"))
    assert main([str(path), "--check", "--set", argument]) == 2
    said = "".join(capsys.readouterr())
    assert "error" in said and "pass word" not in said and "word@home" not in said
    with pytest.raises(SystemExit):
        main([str(path), ADDRESS])
    assert "pass word" not in "".join(capsys.readouterr())


def test_what_a_c_library_of_a_node_prints_and_systemd_s_status_hold_no_password() -> None:
    node = f"  a: {{type: 'tests.runtime.telling:Library', params: {{address: '{ADDRESS}'}}}}\n"
    with launching(node, environment={"PYTHONPATH": str(ROOT)}) as launch:
        launch.wait_for("answers 401")
        launch.wait_for("opening")
        launch.wait_for("1 of 1 nodes run")
        (pid,) = launch.processes()
        assert b"word" not in Path(f"/proc/{pid}/cmdline").read_bytes()
        assert launch.stop() == 0
    assert "[rtsp @ 0x55d] rtsp://***@10.0.0.7/cam answers 401" in launch.output
    assert "pass word" not in launch.output and "word@home" not in launch.output


def test_the_console_hides_secrets_in_records_lines_and_its_own_words(capsys: pytest.CaptureFixture[str]) -> None:
    register("level")
    register("hunter22")
    console = Console(as_json=True)
    record = {"time": "2026-01-02T10:00:00.000+00:00", "level": "INFO", "node": "/a", "message": "hunter22", "n": 22}
    console.record({**record, "deep": {"x": ["hunter22"]}})
    console.line("/a", 'password "hunter22"', is_error=True)
    console.error("hunter22 is wrong", why="hunter22")
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert lines[0] == {**record, "message": "***", "deep": {"x": ["***"]}}, "a word of the record's own stays"
    assert [line["message"] for line in lines[1:]] == ['password "***"', "*** is wrong"]


DASHBOARD = "  dashboard: {type: dashboard, params: {port: 0, new_password: true}}\n"


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_log_says_where_the_password_is_and_not_the_password(form: str, tmp_path: Path) -> None:
    with launching(DASHBOARD, "--log-format", form, data=tmp_path / "data") as launch:
        launch.wait_for("has to open in a browser stands in")
        assert launch.stop() == 0
    password = (tmp_path / "data" / "first-password").read_text().strip()
    note = tmp_path / "data" / "open" / "dashboard"
    assert f"what /dashboard has to open in a browser stands in {note}, which only this user can read" in launch.output
    assert re.fullmatch(rf"http://127.0.0.1:\d+ \(log in as owner, password {password}\)\n", note.read_text())
    assert password not in launch.output


def test_a_terminal_shows_what_to_open_with_its_password(tmp_path: Path) -> None:
    """What `make demo` does: somebody sits in front of it. It is shown again when the node is started again."""
    leader, follower = pty.openpty()
    with short_folder() as folder:
        file = folder / "graph.yaml"
        file.write_text(f"metrica: 1\ndata: {tmp_path}\nnodes:\n{DASHBOARD}")
        process = subprocess.Popen(
            [sys.executable, "-m", "metrica.launch.cli", str(file), "--run-dir", str(folder / "run")],
            stdin=subprocess.DEVNULL,
            stdout=follower,
            stderr=follower,
            cwd=ROOT,
        )
        os.close(follower)
        seen: list[bytes] = []
        reader = threading.Thread(target=_read, args=(leader, seen), daemon=True)
        reader.start()
        try:
            for times in (1, 2):
                end = time.monotonic() + 40
                while len(_shown(seen)) < times:
                    assert time.monotonic() < end and process.poll() is None, b"".join(seen).decode()
                    time.sleep(0.05)
                assert _shown(seen)[-1] == (tmp_path / "first-password").read_text().strip()
                for pid in Launch.processes(_Ran(folder / "run")) if times == 1 else ():  # type: ignore[arg-type]
                    os.kill(pid, 9)
            process.terminate()
            assert process.wait(20) == 0
        finally:
            process.kill()
            process.wait()
            reader.join(5)
            os.close(leader)
    assert len(set(_shown(seen))) == 2, "each start has its own"


class _Ran:
    def __init__(self, run_dir: Path) -> None:
        self.run_dir = run_dir


def _read(terminal: int, seen: list[bytes]) -> None:
    while True:
        try:
            seen.append(os.read(terminal, 4096))
        except OSError:
            return


def _shown(seen: list[bytes]) -> list[str]:
    text = b"".join(seen).decode("utf-8", "replace")
    return re.findall(r"^open http://127\.0\.0\.1:\d+ \(log in as owner, password (\S+)\)\r$", text, re.MULTILINE)
