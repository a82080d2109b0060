"""`metrica-count` as an installer meets it: wrong input, Ctrl-C, pipes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from metrica.errors import MetricaError
from metrica.tools.count.cli import main
from metrica.tools.count.lines import outside, read_lines
from metrica.tools.count.report import FrameTimes
from tests.clips import ENTRANCE, ONE_BY_ONE, Clip, at_hand
from tests.nodes.capture.footage import write_video

COMMAND = [sys.executable, "-c", "from metrica.tools.count.cli import main; raise SystemExit(main())"]
LINE = ["--line", "80,96,80,0"]


@pytest.fixture
def video(tmp_path: Path) -> Path:
    return write_video(tmp_path / "door.mp4", frames=20, fps=10)


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """What the command says when it exits with 2 and prints nothing else."""
    assert main(list(arguments)) == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.count("\n") == 1
    assert output.err.startswith("metrica-count: ")
    return output.err


def test_a_missing_file_is_named(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert "there is no file" in refused(capsys, str(tmp_path / "nothing.mp4"), *LINE)


def test_a_file_that_is_no_video_is_named(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    text = tmp_path / "text.mp4"
    text.write_text("not a video")
    assert "text.mp4 is not a video that can be read" in refused(capsys, str(text), *LINE)


def test_a_camera_is_referred_to_the_launcher(capsys: pytest.CaptureFixture[str]) -> None:
    said = refused(capsys, "rtsp://owner:s3cret@10.0.0.7/cam", *LINE)
    assert "use metrica-launch" in said
    assert "s3cret" not in said


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("1,2,3", "'1,2,3' is not a line: write its two points in pixels as x1,y1,x2,y2"),
        ("a,b,c,d", "is not a line"),
        ("1,2,3,4,5", "is not a line"),
        ("1,2,3,4,1,2", "starts and ends at the same point"),
        ("", "is not a line"),
        ("5,5,5,5", "starts and ends at the same point"),
        ("My Door=1,2,3,4", "'My Door' is not a name for a line"),
    ],
)
def test_a_wrong_line_says_how_to_write_it(
    capsys: pytest.CaptureFixture[str], video: Path, line: str, words: str
) -> None:
    assert words in refused(capsys, str(video), "--line", line)


def test_a_model_or_device_that_is_not_there_is_named(
    capsys: pytest.CaptureFixture[str], video: Path, tmp_path: Path
) -> None:
    assert "there is no model 'nothing'" in refused(capsys, str(video), *LINE, "--model", "nothing")
    assert "no such file" in refused(capsys, str(video), *LINE, "--model", str(tmp_path / "nothing.xml"))


def test_a_folder_that_is_not_there_cannot_be_written_to(
    capsys: pytest.CaptureFixture[str], video: Path, tmp_path: Path
) -> None:
    assert "there is no folder" in refused(capsys, str(video), *LINE, "--render", str(tmp_path / "no" / "out.mp4"))
    assert "called something.mp4" in refused(capsys, str(video), *LINE, "--render", str(tmp_path / "out.txt"))


def test_the_video_is_never_overwritten_by_its_own_rendering(capsys: pytest.CaptureFixture[str], video: Path) -> None:
    before = video.read_bytes()
    assert "would overwrite the video itself" in refused(capsys, str(video), *LINE, "--render", str(video))
    assert video.read_bytes() == before


def test_an_unknown_option_is_a_usage_error(capsys: pytest.CaptureFixture[str], video: Path) -> None:
    with pytest.raises(SystemExit) as ended:
        main([str(video), *LINE, "--anchor", "knees"])
    assert ended.value.code == 2
    assert "bottom_center" in capsys.readouterr().err


def test_a_json_file_that_cannot_be_written_is_named(
    capsys: pytest.CaptureFixture[str], video: Path, tmp_path: Path
) -> None:
    assert "cannot be written" in refused(capsys, str(video), *LINE, "--json", str(tmp_path / "no" / "out.json"))


def test_a_line_outside_the_picture_is_a_warning(capsys: pytest.CaptureFixture[str], video: Path) -> None:
    assert main([str(video), "--line", "door=500,0,500,90"]) == 0
    said = capsys.readouterr().err
    assert "the line 'door' lies outside the picture of 160x96: nobody can cross it" in said
    assert "20 frames looked at" in said
    assert "door  in    0  out    0" in said


def started(clip: Clip, *options: str) -> subprocess.Popen[str]:
    """`metrica-count` on a clip, in a process of its own."""
    return subprocess.Popen(
        [*COMMAND, *clip.counting, *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | clip.model_folders,
    )


@pytest.mark.parametrize("clip", at_hand(ENTRANCE, ONE_BY_ONE), ids=str)
def test_ctrl_c_ends_with_what_was_counted(clip: Clip) -> None:
    with started(clip) as process:
        assert process.stdout
        first = process.stdout.readline()
        process.send_signal(signal.SIGINT)
        more, said = process.communicate(timeout=60)
    assert process.returncode == 130
    ways = [json.loads(line)["direction"] for line in [first, *more.splitlines()]]
    assert ways == [direction for _, direction in clip.events][: len(ways)]
    assert "stopped after frame" in said
    assert "Traceback" not in said
    assert f"main  in  {ways.count('in'):3}  out  {ways.count('out'):3}" in said


@pytest.mark.parametrize("clip", at_hand(ENTRANCE, ONE_BY_ONE), ids=str)
def test_a_reader_that_goes_away_ends_the_command_quietly(clip: Clip) -> None:
    with started(clip, "--fps", "5", "--quiet") as process:
        assert process.stdout
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr
        assert process.stderr.read() == ""
    assert process.returncode == 0


def test_help_says_what_comes_out_and_which_way_is_in(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    assert ended.value.code == 0
    said = capsys.readouterr().out
    assert '"direction": "in"' in said
    assert "from left to right comes IN" in said


def test_lines_get_names() -> None:
    assert read_lines(["1,2,3,4", "door=5, 6, -7, 8", " 1,1,2,2 ", "bent=0,0, 9,0, 9,9"]) == {
        "main": (1, 2, 3, 4),
        "door": (5, 6, -7, 8),
        "line3": (1, 1, 2, 2),
        "bent": (0, 0, 9, 0, 9, 9),
    }
    with pytest.raises(MetricaError, match="two lines are called 'door'"):
        read_lines(["door=1,2,3,4", "door=1,2,3,5"])


def test_a_line_that_only_passes_through_the_picture_is_inside_it() -> None:
    lines = {"through": (-50, 50, 500, 50), "beside": (-50, -10, 500, -10)}
    assert outside(lines, 100, 100) == ["beside"]
    assert outside({"bent": (-50, 50, -50, -50, 50, 50), "round": (-50, 50, -50, -50, 50, -50)}, 100, 100) == ["round"]


def test_a_moment_between_two_frames_that_were_looked_at_is_a_frame_of_the_video() -> None:
    times = FrameTimes()
    for index in (0, 4, 8):
        times.add(10**18 + index * 10**8, index)
    assert times.index_at(10**18 + 5 * 10**8) == 5
    assert times.index_at(10**18 + 8 * 10**8) == 8
    assert times.index_at(10**18 + 99 * 10**8) == 8
    assert times.index_at(0) == 0
    assert times.seconds(10**18 + 5 * 10**8) == pytest.approx(0.5)
