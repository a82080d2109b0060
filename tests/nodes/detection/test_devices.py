"""A device that vanishes, at the start or later, and that comes back: the CPU does its work meanwhile."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import openvino as ov
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrica import testing
from metrica.backoff import Backoff
from metrica.errors import ParameterError
from metrica.messages import Frame, Header
from metrica.nodes.detection.fallback import Fallback
from metrica.nodes.detection.openvino_detector import OpenvinoDetector
from tests.models.networks import constant_network
from tests.nodes.detection.gpu import FOLDER, CoreWithGpu
from tests.nodes.detection.small_model import CARD, HEIGHT, WIDTH


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A model, on a machine with a GPU that files in `tmp_path` take away and break."""
    monkeypatch.setenv(FOLDER, str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(ov, "Core", CoreWithGpu)
    (tmp_path / "mine.yaml").write_text(CARD)
    constant_network(tmp_path / "mine.xml", [1, 3, HEIGHT, WIDTH], out=np.zeros((1, 1, 1, 7)))
    return str(tmp_path / "mine.yaml")


def frames(*stamps: int, height: int = HEIGHT, camera: str = "door") -> list[Frame]:
    image = np.full((height, WIDTH, 3), 9, np.uint8)
    return [Frame(header=Header(stamp=stamp, camera=camera), image=image) for stamp in stamps]


def told(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [r.message for r in caplog.records if r.levelno >= logging.WARNING and "device GPU" in r.message]


def test_a_device_that_is_not_there_at_the_start_is_replaced_by_the_cpu_until_it_is_back(
    model: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    (tmp_path / "gone").touch()
    node = OpenvinoDetector(model=model, device="GPU")
    with testing.run(node) as bench:
        assert "CPU does the work of the device GPU, slower" in node.present_trouble
        bench.send("frames", *frames(1, 2))
        assert len(bench.wait_for("detections", 2)) == 2
        (tmp_path / "gone").unlink()
        bench.send("frames", *frames(3))
        assert "slower" in node.present_trouble, "it is not tried at every frame"
        bench.advance(61)
        bench.send("frames", *frames(4, 5))
        bench.wait_for("detections", 5)
        assert node.present_trouble == ""
    assert [d.header.stamp for d in bench.sent("detections")] == [1, 2, 3, 4, 5]
    assert len(told(caplog)) == 1
    assert "the device GPU works again" in [r.message for r in caplog.records]


def test_a_device_that_fails_while_it_runs_is_left_and_tried_again_ever_more_rarely(
    model: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    node = OpenvinoDetector(model=model, device="GPU", requests=1)
    with testing.run(node) as bench:
        bench.send("frames", *frames(0))
        bench.wait_for("detections", 1)
        assert node.present_trouble == ""
        (tmp_path / "broken").touch()
        bench.send("frames", *frames(*range(1, 10)))
        bench.wait_for("detections", 4)
        assert "CPU does the work of the device GPU, slower" in node.present_trouble
        assert node.counters["failed"] <= 5, "only as long as it takes to see that the device does not work"
        for stamp in range(10, 20):  # it is there, and still broken
            bench.advance(61)
            bench.send("frames", *frames(stamp))
        assert len(told(caplog)) == 1
        (tmp_path / "broken").unlink()
        bench.advance(3601)
        bench.send("frames", *frames(20, 21))
        bench.settle()
    assert node.present_trouble == "" or "could not be looked at" in node.present_trouble
    stamps = [d.header.stamp for d in bench.sent("detections")]
    assert stamps[-12:] == list(range(10, 22)), "no frame was lost on the CPU, nor on the way back"


def test_a_device_that_is_lost_while_a_size_is_compiled_loses_no_frame_on_the_bench(model: str, tmp_path: Path) -> None:
    node = OpenvinoDetector(model=model, device="GPU")
    with testing.run(node) as bench:
        bench.send("frames", *frames(0))
        (tmp_path / "gone").touch()
        bench.send("frames", *frames(1, height=32))
        bench.send("frames", *frames(2))
        bench.wait_for("detections", 3)
    assert [d.size for d in bench.sent("detections")] == [(64, 48), (64, 32), (64, 48)]


def test_a_device_that_no_machine_has_is_a_wrong_parameter_for_good(model: str) -> None:
    with pytest.raises(ParameterError, match="this machine has CPU") as error:
        OpenvinoDetector(model=model, device="GPX").check()
    assert (error.value.parameter, error.value.may_pass) == ("device", False)


def test_a_device_that_may_come_and_a_file_that_may_come_are_said_to_be_so(model: str, tmp_path: Path) -> None:
    (tmp_path / "gone").touch()
    missing = OpenvinoDetector(model=str(tmp_path / "usb" / "mine.xml"))
    for node in (OpenvinoDetector(model=model, device="GPU"), missing):
        with pytest.raises(ParameterError) as error:
            node.check()
        assert error.value.may_pass
    with pytest.raises(ParameterError) as error:
        OpenvinoDetector(model="no-such-card").check()
    assert not error.value.may_pass


@given(st.lists(st.tuples(st.sampled_from(["fail", "work", "wait", "try"]), st.floats(0, 4000)), max_size=60))
def test_the_wanted_device_is_always_tried_again_and_never_more_than_twice_a_minute(
    steps: list[tuple[str, float]],
) -> None:
    fallback = Fallback("GPU", Backoff(60.0, 3600.0))
    now, left = 0.0, -1e9
    for what, seconds in steps:
        if what == "fail" and fallback.failed():
            assert not fallback.away
            wait = fallback.leave("broken", now)
            assert 30 <= wait <= 3600
            left = now
        elif what == "work":
            fallback.worked()
        elif what == "wait":
            now += seconds
        elif fallback.is_due(now):
            assert now - left >= 30
            fallback.come_back(now)
        assert fallback.away == bool(fallback.sentence)
    assert not fallback.away or fallback.is_due(now + 3601)
