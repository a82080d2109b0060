"""Small real networks for the tests: OpenVINO graphs that are written, read, compiled and run like any other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import openvino as ov
from openvino import opset13 as ops

Array = npt.NDArray[Any]


def save(path: Path, inputs: list[ov.Node], outputs: dict[str, ov.Node]) -> Path:
    """Writes a network with these inputs and named outputs as .xml and .bin."""
    results = []
    for name, node in outputs.items():
        node.output(0).set_names({name})
        results.append(ops.result(node))
    path.parent.mkdir(parents=True, exist_ok=True)
    # OpenVINO's own annotations disagree about which Model its constructor makes.
    ov.save_model(ov.Model(results, inputs), path, compress_to_fp16=False)  # pyright: ignore[reportGeneralTypeIssues]
    return path


def constant_network(path: Path, shape: list[int], **outputs: Array) -> Path:
    """A network that gives the same outputs for every picture; each depends on the input, so nothing is folded away."""
    picture = ops.parameter(shape, np.float32, name="images")
    axes = np.arange(len(shape))
    nothing = ops.multiply(ops.reduce_mean(picture, axes, keep_dims=False), np.float32(0))
    nodes = {name: ops.add(ops.constant(value.astype(np.float32)), nothing) for name, value in outputs.items()}
    return save(path, [picture], nodes)


def echo_network(path: Path, width: int, height: int) -> Path:
    """A YOLOv8-shaped network that hands its own input picture back: its first numbers are the pixels, plane by plane.

    Its output is [1, rows, cells] as YOLOv8 has it, with as many rows as the picture needs, so what the graph made of a
    frame can be compared with what it should be.
    """
    cells = sum((width // s) * (height // s) for s in (8, 16, 32))
    picture = ops.parameter([1, 3, height, width], np.float32, name="images")
    flat = ops.reshape(picture, np.array([1, 1, -1]), special_zero=False)
    rows = -(-3 * width * height // cells)
    padded = ops.pad(flat, [0, 0, 0], [0, 0, rows * cells - 3 * width * height], "constant", np.float32(0))
    return save(path, [picture], {"output0": ops.reshape(padded, np.array([1, rows, cells]), special_zero=False)})


def dynamic_network(path: Path, batch: bool = True, size: bool = False) -> Path:
    """A YOLOv8-shaped network for 96x96 pixels whose batch, or also picture size, is left open."""
    sides = [-1, -1] if size else [96, 96]
    picture = ops.parameter(ov.PartialShape([-1 if batch else 1, 3, *sides]), np.float32, name="images")
    cells = ops.concat(
        [
            ops.reshape(ops.avg_pool(picture, [s, s], [0, 0], [0, 0], [s, s], True), np.array([0, 3, -1]), True)
            for s in (8, 16, 32)
        ],
        2,
    )
    return save(path, [picture], {"output0": ops.concat([cells] * 28, 1)})
