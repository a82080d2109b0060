"""How a frame is scaled into a network's input, and how boxes are scaled back into the frame."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from metrica.models.card import Input
from metrica.models.errors import ModelError

Floats = npt.NDArray[np.float32]
"""An array of 32-bit floats, of any shape."""


@dataclass(frozen=True, slots=True)
class Fit:
    """A frame scaled into a rectangle of the network's input: the whole input, or with its aspect kept (letterbox)."""

    frame: tuple[int, int]
    """Width and height of the frame, pixels."""
    size: tuple[int, int]
    """Width and height of the whole input, pixels."""
    inner: tuple[int, int]
    """Width and height of the scaled frame, pixels of the input."""
    offset: tuple[int, int]
    """Left and top edge of the scaled frame, pixels of the input."""

    @classmethod
    def of(cls, spec: Input, width: int, height: int) -> Fit:
        """The fit of a frame of `width` x `height` pixels. Raises ModelError for a size that is no picture."""
        if width < 1 or height < 1:
            raise ModelError(f"a frame of {width}x{height} pixels cannot be looked at; check the camera's resolution")
        size = spec.size
        if spec.fit == "stretch":
            return cls((width, height), size, size, (0, 0))
        ratio = min(size[0] / width, size[1] / height)
        inner = (max(1, round(width * ratio)), max(1, round(height * ratio)))
        left, top = size[0] - inner[0], size[1] - inner[1]
        return cls((width, height), size, inner, (left // 2, top // 2) if spec.align == "center" else (0, 0))

    @property
    def padding(self) -> tuple[int, int, int, int]:
        """Left, top, right and bottom bars, pixels of the input."""
        left, top = self.offset
        return left, top, self.size[0] - self.inner[0] - left, self.size[1] - self.inner[1] - top

    def to_frame(self, boxes: npt.NDArray[np.floating]) -> Floats:
        """Boxes [N, 4] (x1, y1, x2, y2) from pixels of the input to pixels of the frame, float32, not clipped."""
        return ((boxes - self._shift()) * self._scale()).astype(np.float32)

    def to_input(self, boxes: npt.NDArray[np.floating]) -> Floats:
        """The inverse of `to_frame`."""
        return (boxes / self._scale() + self._shift()).astype(np.float32)

    def _shift(self) -> Floats:
        return np.array(self.offset * 2, np.float32)

    def _scale(self) -> Floats:
        return np.array([self.frame[0] / self.inner[0], self.frame[1] / self.inner[1]] * 2, np.float32)
