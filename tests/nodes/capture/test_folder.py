"""Capture from a folder of pictures."""

from __future__ import annotations

import logging
from pathlib import Path

import cv2
import numpy as np
import pytest

from metrica import testing
from metrica.errors import ParameterError
from metrica.nodes.capture.node import Capture
from metrica.testing import START
from tests.nodes.capture.footage import number_of, picture


def test_pictures_come_in_the_order_of_their_numbers_at_the_given_rate(tmp_path: Path) -> None:
    for number in (1, 2, 10, 9, 100):
        cv2.imwrite(str(tmp_path / f"frame{number}.png"), picture(number))
    (tmp_path / "readme.txt").write_text("not a picture")
    with testing.run(Capture(uri=str(tmp_path), pace="fast", folder_fps=5)) as bench:
        bench.spin(20)
        frames = bench.sent("frames")
    assert bench.finished
    assert [number_of(f.image) for f in frames] == [1, 2, 9, 10, 100]
    assert np.allclose([(f.header.stamp - START) / 1e9 for f in frames], np.arange(5) / 5, atol=1e-6)


def test_a_damaged_picture_is_passed_over_counted_and_named(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    for number in range(3):
        cv2.imwrite(str(tmp_path / f"{number}.jpg"), picture(number))
    (tmp_path / "1.jpg").write_bytes(b"\xff\xd8 broken")
    with caplog.at_level(logging.WARNING), testing.run(Capture(uri=str(tmp_path), pace="fast")) as bench:
        bench.spin(20)
        assert [number_of(f.image) for f in bench.sent("frames")] == [0, 2]
    assert bench.node.counters["damaged"] == 1
    assert any("1 of 3 pictures" in r.message and "1.jpg" in r.message for r in caplog.records)


def test_an_empty_folder_is_a_wrong_parameter(tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match="holds no pictures"):
        Capture(uri=str(tmp_path)).check()
