"""Frames into networks and boxes back: whatever the sizes, a box ends where it began."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrica.models import ModelError
from metrica.models.card import Input
from metrica.models.fit import Fit

sides = st.integers(1, 4000)
specs = st.builds(
    Input,
    size=st.tuples(st.integers(32, 1280), st.integers(32, 1280)),
    fit=st.sampled_from(["stretch", "letterbox"]),
    align=st.sampled_from(["top_left", "center"]),
)


@given(spec=specs, width=sides, height=sides, box=st.lists(st.floats(0, 1), min_size=4, max_size=4))
def test_a_box_comes_back_to_where_it_was(spec: Input, width: int, height: int, box: list[float]) -> None:
    fit = Fit.of(spec, width, height)
    boxes = np.array([box], np.float32) * np.array([width, height] * 2, np.float32)
    np.testing.assert_allclose(fit.to_frame(fit.to_input(boxes)), boxes, atol=2e-3 * max(width, height))


@given(spec=specs, width=sides, height=sides)
def test_the_corners_of_the_frame_are_the_corners_of_the_picture_inside(spec: Input, width: int, height: int) -> None:
    fit = Fit.of(spec, width, height)
    left, top, right, bottom = fit.padding
    corners = fit.to_input(np.array([[0, 0, width, height]], np.float32))[0]
    np.testing.assert_allclose(corners, [left, top, spec.size[0] - right, spec.size[1] - bottom], atol=1e-2)
    assert min(fit.padding) >= 0


@given(spec=specs, width=st.integers(200, 4000), height=st.integers(200, 4000))
def test_a_letterbox_keeps_the_aspect_and_fills_one_side(spec: Input, width: int, height: int) -> None:
    fit = Fit.of(spec.model_copy(update={"fit": "letterbox"}), width, height)
    assert fit.inner[0] == spec.size[0] or fit.inner[1] == spec.size[1]
    # The other side is rounded to a pixel, so the ratios agree to within half of one.
    assert fit.inner[0] / width == pytest.approx(fit.inner[1] / height, rel=1.1 / min(fit.inner))


def test_a_letterbox_lies_in_the_middle_or_top_left() -> None:
    spec = Input(size=(416, 416), fit="letterbox")
    assert Fit.of(spec, 832, 416).padding == (0, 104, 0, 104)
    assert Fit.of(spec.model_copy(update={"align": "top_left"}), 832, 416).padding == (0, 0, 0, 208)


def test_an_empty_frame_is_refused() -> None:
    with pytest.raises(ModelError, match="0x480 pixels cannot be looked at"):
        Fit.of(Input(size=(64, 64)), 0, 480)
