"""An OpenVINO graph: read it, check it against its card, and build the preparation of frames into it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import openvino as ov
from openvino.preprocess import ColorFormat, PaddingMode, PrePostProcessor, ResizeAlgorithm

from metrica.models.card import Card
from metrica.models.decoders import Decoder, Shape
from metrica.models.errors import MissingFileError, ModelError
from metrica.models.fit import Fit

NEAREST_FROM = 0.88
"""Frame size divided by input size from which a frame is resized by its nearest pixel; below it, bilinearly.

On a CPU, OpenVINO's bilinear resize costs 15 to 20 % of the whole inference; its nearest resize costs as much as
OpenCV's resize outside the graph. If a frame shrinks, or grows by less than an eighth, nearest mostly finds as many
people or more. If a frame grows more, nearest finds fewer. The limit was chosen on the pictures of docs/models.md.
"""


def read_graph(core: ov.Core, path: Path) -> ov.Model:
    """The network in an .xml (with its .bin beside it) or .onnx file, its output tensors all named.

    Raises ModelError for a file that is missing or no network, and for a network without exactly one input.
    """
    if not path.is_file():
        raise MissingFileError(
            f"{path}: there is no such file; give the path of an .xml or .onnx network, or a card's name"
        )
    weights = path.with_suffix(".bin")
    if path.suffix == ".xml" and not weights.is_file():
        raise MissingFileError(f"{path}: its weights are missing: put {weights.name} beside it")
    try:
        graph = core.read_model(path)
    except RuntimeError as error:
        raise ModelError(f"{path}: OpenVINO cannot read this as a network ({reason(error)})") from None
    if len(graph.inputs) != 1:
        raise ModelError(f"{path}: a detector has one input, and this network has {len(graph.inputs)}")
    for output in graph.outputs:
        if not output.names:
            output.set_names({output.node.friendly_name})
    return graph


def reason(error: Exception) -> str:
    """The line of an OpenVINO error that says what is wrong, without its source file and call stack."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    told = [line for line in lines if not line.startswith(("Exception from", "Check '")) and len(line) > 1]
    return (told or lines or [type(error).__name__])[-1][:200]


def shape_of(port: ov.Output) -> Shape:
    """The shape of an input or output: None for a length that is not fixed, () if not even the rank is fixed."""
    shape = port.get_partial_shape()
    if shape.rank.is_dynamic:
        return ()
    return tuple(length.get_length() if length.is_static else None for length in shape)


def output_shapes(graph: ov.Model) -> dict[str, Shape]:
    return {output.any_name: shape_of(output) for output in graph.outputs}


def shown(shapes: Mapping[str, Shape]) -> str:
    """Shapes as text, for example `boxes [?, 5], labels [?]`."""
    return ", ".join(f"{k} [{', '.join('?' if n is None else str(n) for n in v)}]" for k, v in shapes.items())


def fix_input(graph: ov.Model, size: tuple[int, int], layout: str, path: Path) -> None:
    """Gives an input whose batch or picture size was left open the size of one picture. Raises ModelError."""
    width, height = size
    shape = shape_of(graph.input())
    if shape != () and None not in shape:
        return
    try:
        graph.reshape(ov.PartialShape([1, 3, height, width] if layout == "NCHW" else [1, height, width, 3]))
    except RuntimeError as error:
        raise ModelError(f"{path}: it does not take one picture of {width}x{height} ({reason(error)})") from None


def hold_to_card(graph: ov.Model, card: Card, decoder: Decoder, path: Path) -> None:
    """Fixes the input to the card's size and drops every output that the decoder does not read.

    Raises ModelError when the input has another size, or the outputs are not what the decoder reads.
    """
    width, height = card.input.size
    want = [1, 3, height, width] if card.input.layout == "NCHW" else [1, height, width, 3]
    has = shape_of(graph.input())
    if has != () and (len(has) != 4 or any(h is not None and h != w for h, w in zip(has, want, strict=True))):
        raise ModelError(
            f"{path}: its input is {shown({graph.input().any_name: has})}, but the card {card.name} says "
            f"{width}x{height} {card.input.layout} ({want}); correct the card's input"
        )
    fix_input(graph, (width, height), card.input.layout, path)
    names = decoder.wanted(output_shapes(graph))
    if names is None:
        raise ModelError(
            f"{path} is not a detector that the decoder {card.decoder} reads: it gives {shown(output_shapes(graph))}, "
            f"and {card.decoder} needs {decoder.format}"
        )
    for output in graph.outputs:
        if output.any_name not in names:
            graph.remove_result(output.node)
    graph.validate_nodes_and_infer_types()


def with_frames(graph: ov.Model, card: Card, fit: Fit) -> ov.Model:
    """A copy of the graph that takes a frame as a camera gives it: uint8 [1, height, width, 3], blue green red.

    The graph does everything from the frame to the network's own input: resize, bars of a letterbox, colour order,
    float, mean and scale, layout. For speed, the bytes are resized before they become floats.
    """
    width, height = fit.frame
    spec = card.input
    steps = PrePostProcessor(graph.clone())
    entry = steps.input()
    entry.tensor().set_element_type(ov.Type.u8).set_layout(ov.Layout("NHWC")).set_shape([1, height, width, 3])
    entry.tensor().set_color_format(ColorFormat.BGR)
    entry.model().set_layout(ov.Layout(spec.layout))
    prepare = entry.preprocess()
    if fit.inner != fit.frame:
        prepare.resize(resize_algorithm(fit), fit.inner[1], fit.inner[0])
    if spec.colour == "RGB":
        prepare.convert_color(ColorFormat.RGB)
    prepare.convert_element_type(ov.Type.f32)
    left, top, right, bottom = fit.padding
    if any(fit.padding):
        prepare.pad([0, top, left, 0], [0, bottom, right, 0], float(spec.pad), PaddingMode.CONSTANT)
    if any(spec.mean):
        prepare.mean(list(spec.mean))
    if spec.scale != (1.0, 1.0, 1.0):
        prepare.scale(list(spec.scale))
    return steps.build()


def resize_algorithm(fit: Fit) -> ResizeAlgorithm:
    """Nearest where it costs no accuracy (see NEAREST_FROM), else bilinear."""
    shrink = min(fit.frame[0] / fit.inner[0], fit.frame[1] / fit.inner[1])
    return ResizeAlgorithm.RESIZE_NEAREST if shrink >= NEAREST_FROM else ResizeAlgorithm.RESIZE_LINEAR
