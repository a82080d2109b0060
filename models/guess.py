"""A card for a network that has none, from the shapes of its input and outputs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import openvino as ov

from metrica.models.card import Card
from metrica.models.decoders import BoxesLabels, Decoder, Shape, Ssd, Yolov8, Yolox
from metrica.models.errors import ModelError
from metrica.models.graph import fix_input, output_shapes, read_graph, shape_of, shown

# The input that each format is usually trained with. Open Model Zoo: BGR from 0 to 255, stretched. YOLOX: the same
# range, the picture in the top left corner. YOLOv8 and YOLO11: RGB from 0 to 1, the picture between grey bars.
_HABITS: dict[str, dict[str, Any]] = {
    "ssd": {"fit": "stretch"},
    "boxes_labels": {"fit": "stretch"},
    "yolox": {"fit": "letterbox", "align": "top_left"},
    "yolov8": {"fit": "letterbox", "colour": "RGB", "scale": 255},
}
# Open Model Zoo's single-class SSDs call a person 0 or 1; everything else starts at 0.
_PERSON = {"ssd": (0, 1)}
# A bare network has no card with thresholds: use those of the most similar model that was measured.
_THRESHOLDS: dict[str, dict[str, Any]] = {
    "ssd": {"new": 0.51, "keep": 0.27, "low": 0.07, "chosen": "guessed: those of person-detection-0201"},
    "boxes_labels": {"new": 0.28, "keep": 0.21, "low": 0.12, "chosen": "guessed: those of person-detection-0203"},
    "yolox": {"new": 0.43, "keep": 0.30, "low": 0.08, "chosen": "guessed: measured with a YOLOX-nano of COCO"},
    "yolov8": {"new": 0.6, "keep": 0.5, "low": 0.1, "chosen": "guessed: ByteTrack's own, nothing was measured"},
}


def guess_card(path: Path) -> Card:
    """The card of a bare .xml or .onnx network.

    Raises ModelError if it is no network, no detector of a known format, or does not fix its input size.
    """
    graph = read_graph(ov.Core(), path)
    size, layout = _input(shape_of(graph.input()), path)
    fix_input(graph, size, layout, path)
    shapes = output_shapes(graph)
    decoders: dict[str, Decoder] = {
        "ssd": Ssd(_PERSON["ssd"]),
        "boxes_labels": BoxesLabels((0,)),
        "yolox": Yolox(size, (0,), 0.6),
        "yolov8": Yolov8(size, (0,), 0.6),
    }
    called = re.sub("[^A-Za-z0-9._-]", "-", path.stem).lstrip("._-") or "network"
    for name, decoder in decoders.items():
        if decoder.wanted(shapes) is not None:
            return Card.model_validate(
                {
                    "name": called,
                    "title": path.name,
                    "description": "guessed from the shapes of a network without a card",
                    "decoder": name,
                    "input": {"size": size, "layout": layout, **_HABITS[name]},
                    "person": _PERSON.get(name, (0,)),
                    "thresholds": _THRESHOLDS[name],
                    "variants": [{"precision": "as given", "files": [{"path": called + path.suffix}]}],
                }
            )
    known = "; ".join(f"{name}: {decoder.format}" for name, decoder in decoders.items())
    raise ModelError(f"{path} is not a detector that Metrica knows: it gives {shown(shapes)} (known: {known})")


def _input(shape: Shape, path: Path) -> tuple[tuple[int, int], str]:
    if len(shape) == 4:
        _, *rest = shape
        layout = "NCHW" if rest[0] == 3 else "NHWC"
        height, width = rest[1:] if layout == "NCHW" else rest[:2]
        if width is not None and height is not None and 3 in rest:
            return (width, height), layout
    raise ModelError(
        f"{path}: its input {shown({'shape': shape})} leaves open what size of picture it takes; "
        "write a model card that says so (docs/models.md)"
    )
