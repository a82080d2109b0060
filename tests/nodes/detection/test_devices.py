"""A device that vanishes, at the start or later, and that comes back: the CPU does its work meanwhile."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import numpy as np
import openvino as ov
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrica import testing
from metrica.background import settled
from metrica.backoff import Backoff
from metrica.context import Context
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


Job = tuple[Callable[[], Any], Callable[[Future[Any]], None]]


@pytest.fixture
def jobs(monkeypatch: pytest.MonkeyPatch) -> list[Job]:
    """What the detector does beside its loop, in order; a test ends it when it likes, or never."""
    found: list[Job] = []
    runtime = testing._BenchRuntime  # pyright: ignore[reportPrivateUsage]
    monkeypatch.setattr(runtime, "in_background", lambda _, work, done: found.append((work, done)))
    return found


def end(job: Job) -> None:
    work, done = job
    done(settled(work))


def test_a_detector_that_was_killed_because_it_hung_begins_on_the_cpu_and_tries_its_device_later(model: str) -> None:
    node = OpenvinoDetector(model=model, device="GPU")
    with testing.run(node, context=Context(camera="door", hangs=1)) as bench:
        bench.send("frames", *frames(1))
        assert "CPU does the work of the device GPU, slower: the node hung with it" in node.present_trouble
        bench.advance(61)
        bench.send("frames", *frames(2, 3))
        bench.wait_for("detections", 3)
        assert node.present_trouble == ""


def test_the_more_often_it_was_killed_the_later_its_device_is_tried(model: str) -> None:
    node = OpenvinoDetector(model=model, device="GPU")
    with testing.run(node, context=Context(camera="door", hangs=7)) as bench:
        for _ in range(29):  # half of 60 s doubled six times, capped at an hour
            bench.advance(61)
            bench.send("frames", *frames(1))
            assert "slower" in node.present_trouble
        bench.advance(3600)
        bench.send("frames", *frames(2))
        assert node.present_trouble == ""


def test_a_detector_on_the_cpu_that_was_killed_goes_on_as_before(model: str) -> None:
    node = OpenvinoDetector(model=model, device="CPU")
    with testing.run(node, context=Context(camera="door", hangs=3)) as bench:
        bench.send("frames", *frames(1))
        assert len(bench.wait_for("detections", 1)) == 1
        assert node.present_trouble == ""


def test_a_device_that_hangs_when_it_is_tried_again_keeps_no_new_frame_size_waiting(
    model: str, tmp_path: Path, jobs: list[Job]
) -> None:
    (tmp_path / "gone").touch()
    node = OpenvinoDetector(model=model, device="GPU")
    with testing.run(node) as bench:
        bench.send("frames", *frames(1))
        end(jobs.pop())
        (tmp_path / "gone").unlink()
        bench.advance(61)
        bench.send("frames", *frames(2))
        (hanging,) = jobs
        bench.send("frames", *frames(3, height=32))
        end(jobs.pop())
        bench.send("frames", *frames(4, height=32))
        assert [d.header.stamp for d in bench.wait_for("detections", 2)] == [2, 4]
        for _ in range(100):
            bench.advance(61)
            bench.send("frames", *frames(5))
        assert jobs == [hanging], "one that hangs is enough"
        assert "slower" in node.present_trouble
        end(hanging)
        bench.advance(61)
        assert node.present_trouble == "", "it has answered after all"


def test_a_device_that_never_ends_compiling_is_replaced_by_the_cpu(model: str, jobs: list[Job]) -> None:
    node = OpenvinoDetector(model=model, device="GPU")
    with testing.run(node) as bench:
        bench.send("frames", *frames(1))
        (hanging,) = jobs
        bench.advance(590)
        bench.send("frames", *frames(2))
        assert jobs == [hanging], "a large model takes minutes on some devices"
        bench.advance(20)
        bench.send("frames", *frames(3))
        end(jobs.pop())
        end(hanging)
        bench.send("frames", *frames(4))
        bench.wait_for("detections", 1)
        assert "CPU does the work of the device GPU, slower: it still compiles after 600 s" in node.present_trouble


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
