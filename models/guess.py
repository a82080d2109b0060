"""A card for a network that has none, from the shapes of its input and outputs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import openvino as ov

from metrica.models.card import Card
from metrica.models.decoders import BoxesLabels, Decoder, Shape, Ssd, Yolov8, Yolox
from metrica.models.errors import ModelError
from metrica.models.graph import output_shapes, read_graph, shape_of, shown

# What each format is trained with. A stretched BGR 0 to 255 is Open Model Zoo's habit; YOLOX keeps that range and puts
# its picture top left; YOLOv8 and YOLO11 want RGB 0 to 1 in the middle of grey bars.
_HABITS: dict[str, dict[str, Any]] = {
    "ssd": {"fit": "stretch"},
    "boxes_labels": {"fit": "stretch"},
    "yolox": {"fit": "letterbox", "align": "top_left"},
    "yolov8": {"fit": "letterbox", "colour": "RGB", "scale": 255},
}
# Open Model Zoo's single-class SSDs call a person 0 or 1; everything else starts at 0.
_PERSON = {"ssd": (0, 1)}
# No measurement stands behind these: they are ByteTrack's for a detector that scores high.
_THRESHOLDS = {"new": 0.6, "keep": 0.5, "low": 0.1, "chosen": "a bare network has no card, so these are ByteTrack's"}


def guess_card(path: Path) -> Card:
    """The card of a bare .xml or .onnx network.

    Raises ModelError when it is no network, no detector of a known format, or leaves its input size open.
    """
    graph = read_graph(ov.Core(), path)
    size, layout = _input(shape_of(graph.input()), path)
    shapes = output_shapes(graph)
    decoders: dict[str, Decoder] = {
        "ssd": Ssd(_PERSON["ssd"]),
        "boxes_labels": BoxesLabels((0,)),
        "yolox": Yolox(size, (0,), 0.6),
        "yolov8": Yolov8(size, (0,), 0.6),
    }
    if _input_is_open(graph):
        graph.reshape(ov.PartialShape([1, *shape_of(graph.input())[1:]]))
        shapes = output_shapes(graph)
    for name, decoder in decoders.items():
        if decoder.wanted(shapes) is not None:
            return Card.model_validate(
                {
                    "name": path.stem if path.stem[0].isalnum() else f"model-{path.stem}",
                    "title": path.name,
                    "description": "guessed from the shapes of a network without a card",
                    "decoder": name,
                    "input": {"size": size, "layout": layout, **_HABITS[name]},
                    "person": _PERSON.get(name, (0,)),
                    "thresholds": _THRESHOLDS,
                    "variants": [{"precision": "as given", "files": [{"path": path.name}]}],
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


def _input_is_open(graph: ov.Model) -> bool:
    return None in shape_of(graph.input())
