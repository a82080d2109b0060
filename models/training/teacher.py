"""Runs the teacher, a large detector whose feature maps the small network learns to reproduce.

The teacher is person-detection-0203 of Intel's Open Model Zoo (Apache-2.0). Of each level, its feature map and its
scores for each cell and anchor are resampled to the cells of our network.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import openvino as ov

from metrica.models.training.grid import SIZE, STRIDES
from metrica.models.training.pictures import Boxes, Picture

# Names of the nodes with the feature maps and scores of the strides 16, 32 and 64. The teacher's input is 864x480, so
# these correspond to our strides 8, 16 and 32 of 416x256.
_PYRAMID = ("565", "566", "567")
_SCORES = ("622", "651", "680")
_FINEST_SCORES = "593"
CHANNELS = 38
"""Channels of a map: 32 features, scores of 3 anchors, and 3 scores of a finer level (0 except on the first level)."""
CELLS = [(SIZE[1] // stride, SIZE[0] // stride) for stride in STRIDES]
"""Rows and columns of each level."""
_SCALE = 127 / 5
"""Steps of the packed maps per standard deviation."""

Floats = npt.NDArray[np.float32]


class Teacher:
    """person-detection-0203 with its inner feature maps as outputs.

    Raises ValueError for another model, or another build of it.
    """

    def __init__(self, model: Path, threads: int = 1) -> None:
        core = ov.Core()
        network = core.read_model(str(model))
        nodes = {node.get_friendly_name(): node for node in network.get_ops()}
        wanted = (*_PYRAMID, *_SCORES, _FINEST_SCORES)
        if missing := [name for name in wanted if name not in nodes]:
            raise ValueError(
                f"{model} is not the build of person-detection-0203 that this knows: no {missing[0]} in it"
            )
        network.add_outputs([nodes[name].output(0) for name in wanted])
        settings = {"INFERENCE_NUM_THREADS": threads, "PERFORMANCE_HINT": "LATENCY"}
        self._compiled = core.compile_model(network, "CPU", settings)
        self._added = self._compiled.outputs[-len(wanted) :]
        self._size = (int(network.inputs[0].shape[3]), int(network.inputs[0].shape[2]))

    def __call__(self, picture: Picture) -> tuple[list[Floats], Boxes]:
        """The maps of the three levels, [CHANNELS, rows, columns] each, and boxes with scores [N, 5] in pixels."""
        resized = cv2.resize(picture, self._size, interpolation=cv2.INTER_LINEAR)
        result = self._compiled(resized.transpose(2, 0, 1)[None].astype(np.float32))
        maps = [np.asarray(result[output], np.float32)[0] for output in self._added]
        levels: list[Floats] = []
        for index, cells in enumerate(CELLS):
            finer = pooled(maps[6]) if index == 0 else np.zeros_like(maps[3 + index])
            stack = np.concatenate([maps[index], maps[3 + index], finer])
            moved = [cv2.resize(channel, cells[::-1], interpolation=cv2.INTER_LINEAR) for channel in stack]
            levels.append(np.stack(moved).astype(np.float32))
        boxes = np.asarray(result["boxes"], np.float32).reshape(-1, 5).copy()
        boxes[:, :4] *= np.array([picture.shape[1], picture.shape[0]] * 2, np.float32) / np.array(self._size * 2)
        return levels, boxes


def pooled(level: Floats) -> Floats:
    """The maximum of each 2x2 cells, [C, 2 R, 2 K] to [C, R, K]."""
    channels, rows, columns = level.shape
    return level.reshape(channels, rows // 2, 2, columns // 2, 2).max(axis=(2, 4))


def packed(values: Floats, mean: Floats, deviation: Floats) -> npt.NDArray[np.int8]:
    """Maps normalised per channel and rounded to 8 bits, which cover 5 standard deviations to each side."""
    normal = (values - mean[:, None, None]) / deviation[:, None, None]
    return np.asarray((normal * _SCALE).clip(-127, 127).round(), np.int8)


def unpacked(values: npt.NDArray[np.int8]) -> Floats:
    """The normalised maps from packed ones: zero mean, unit variance."""
    return values.astype(np.float32) / np.float32(_SCALE)
