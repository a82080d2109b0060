"""Every mistake in a launch file is found before anything starts, and shown at its place in the exact words expected.

One file per mistake in `bad/`: NAME.yaml, and NAME.txt with what metrica-launch prints. A first line
`# metrica-launch …` gives more arguments. NAME.txt is written by hand or looked at by one; never regenerate it blindly.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from rich.cells import cell_len

from metrica.launch.cli import main
from metrica.launch.reading import folders

BAD = Path(__file__).parent / "bad"
NAMES = sorted(path.stem for path in BAD.glob("*.yaml"))


@pytest.fixture(autouse=True)
def _in_the_folder_of_bad_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(BAD)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/run/user/1000")


def arguments(name: str) -> list[str]:
    first = (BAD / f"{name}.yaml").read_bytes().partition(b"\n")[0].decode()
    return (
        [*shlex.split(first.removeprefix("# metrica-launch")), "--check"] if "metrica-launch" in first else ["--check"]
    )


def test_there_is_a_file_for_each_of_many_mistakes() -> None:
    assert len(NAMES) >= 50
    assert sorted(path.stem for path in BAD.glob("*.txt")) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_bad_launch_file_is_refused_in_the_expected_words(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([f"{name}.yaml", *arguments(name)]) == 2
    out, err = capsys.readouterr()
    assert err == (BAD / f"{name}.txt").read_text("utf-8")
    assert out == ""


@pytest.mark.parametrize("name", ["everything_at_once", "secrets_stay_hidden", "bad_set"])
def test_no_secret_is_ever_shown(name: str) -> None:
    expected = (BAD / f"{name}.txt").read_text("utf-8")
    assert "hunter2" not in expected
    assert "s3cret" not in expected


def test_the_caret_stands_below_the_word_after_wide_letters_and_tabs() -> None:
    lines = (BAD / "wide_text_before_the_mistake.txt").read_text("utf-8").splitlines()
    for text, carets in zip(lines[1::3], lines[2::3], strict=True):
        before, above = text[: text.index("fsp")].expandtabs(), carets[: carets.index("^")].expandtabs()
        assert cell_len(before) == cell_len(above)


def test_the_command_itself_exits_with_2_and_starts_nothing(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "metrica.launch.cli",
        "everything_at_once.yaml",
        "--run-dir",
        str(tmp_path / "run"),
    ]
    done = subprocess.run(command, cwd=BAD, capture_output=True, text=True, encoding="utf-8", check=False)
    assert done.returncode == 2
    assert done.stderr == (BAD / "everything_at_once.txt").read_text("utf-8")
    assert not (tmp_path / "run").exists()


def test_a_missing_file_and_a_folder_are_one_sentence_each(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["nowhere.yaml"]) == 2
    assert capsys.readouterr().err == "nowhere.yaml: error: there is no such file\n"
    assert main(["."]) == 2
    assert capsys.readouterr().err == ".: error: it cannot be read: Is a directory\n"


@pytest.mark.skipif(os.geteuid() == 0, reason="root can read everything")
def test_a_file_that_may_not_be_read_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "store.yaml"
    path.touch(mode=0)
    assert main([str(path)]) == 2
    assert capsys.readouterr().err == f"{path}: error: it cannot be read: Permission denied\n"


def test_windows_line_ends_and_a_byte_order_mark_keep_the_place(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "store.yaml"
    path.write_bytes(b"\xef\xbb\xbfmetrica: 1\r\nnodes:\r\n  camera: {type: shop:Camera, params: {uri: a, fsp: 5}}\r\n")
    sys.path.insert(0, str(BAD))
    assert main([str(path), "--check"]) == 2
    error = capsys.readouterr().err.splitlines()
    assert error[0].startswith(f"{path}:3:48: error: shop:Camera has no parameter 'fsp'")
    assert error[2].index("^") == error[1].index("fsp")


@pytest.mark.parametrize("text", ["[" * 5000, "a: " * 3 + "{" * 5000, "? " * 3000])
def test_a_file_nested_without_end_is_refused_like_any_other(
    text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "deep.yaml"
    path.write_text(text)
    assert main([str(path)]) == 2
    assert "error: " in capsys.readouterr().err


def test_too_little_shared_memory_is_known_before_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "store.yaml"
    path.write_text(
        "metrica: 1\nnodes:\n"
        "  camera: {type: shop:Camera, params: {uri: a.mp4}, remap: {frames: /door/frames}}\n"
        '  detector: {type: shop:Detector, remap: {frames: "*/frames"}}\n'
    )
    sys.path.insert(0, str(BAD))
    monkeypatch.setattr(folders, "free_bytes", lambda folder: 5 << 20)
    assert main([str(path), "--check"]) == 2
    assert capsys.readouterr().err == (
        f"{path}:3:3: error: /dev/shm has 5 MiB left, and the frames of one camera need about 15 MiB\n"
        "    3 |   camera: {type: shop:Camera, params: {uri: a.mp4}, remap: {frames: /door/frames}}\n"
        "      |   ^^^^^^ free some, make it larger, or start the container with a larger --shm-size\n"
    )


def test_wrong_arguments_end_with_2() -> None:
    for wrong in (["--graph"], ["a.yaml", "--log-level", "loud"], []):
        with pytest.raises(SystemExit) as error:
            main(wrong)
        assert error.value.code == 2
