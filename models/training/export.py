"""`python -m metrica.models.training.export`: writes a checkpoint as OpenVINO IR in FP16 and INT8.

It prints sizes and digests of the files for the model card. INT8 is post-training quantisation by NNCF on calibration
pictures; weights use 7 of their 8 bits, so that processors without VNNI do not overflow.
"""

from __future__ import annotations

import argparse
import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import openvino as ov
import torch

from metrica.models.card import Card
from metrica.models.library import Model
from metrica.models.training.grid import SIZE
from metrica.models.training.network import ExportedNet, PersonNet, load_average
from metrica.models.training.pictures import read_labelled

NAME = "metrica-person"


def working_card() -> Card:
    """A model card for an unfinished network: its input and decoder, and provisional thresholds."""
    files = [{"path": f"{NAME}/FP32/{NAME}{end}"} for end in (".xml", ".bin")]
    return Card.model_validate({
        "name": NAME, "decoder": "yolov8", "input": {"size": SIZE}, "nms": 0.5,
        "thresholds": {"new": 0.5, "keep": 0.3, "low": 0.1},
        "variants": [{"precision": "FP32", "files": files}],
    })  # fmt: skip


def convert(network: PersonNet) -> ov.Model:
    """The network as an OpenVINO model: float [1, 3, H, W] to [1, 5, cells]."""
    shape = [1, 3, SIZE[1], SIZE[0]]
    model = ov.convert_model(
        ExportedNet(network).eval(), example_input=torch.zeros(shape), input=[ov.PartialShape(shape)]
    )
    model.inputs[0].get_tensor().set_names({"picture"})
    model.outputs[0].get_tensor().set_names({"people"})
    return model


def from_checkpoint(checkpoint: Path, folder: Path) -> Model:
    """A checkpoint as a model that can be run; writes its FP32 files to `folder`."""
    path = folder / f"{NAME}.xml"
    ov.save_model(convert(load_average(checkpoint)), path, compress_to_fp16=False)
    return Model(NAME, working_card(), path)


def quantised(model: ov.Model, pictures: Iterator[np.ndarray], count: int) -> ov.Model:
    """The model with 8-bit convolutions, calibrated on the first `count` of the pictures [1, 3, H, W]."""
    import nncf

    drawn = [next(pictures) for _ in range(count)]
    return nncf.quantize(
        model,
        nncf.Dataset(drawn),
        preset=nncf.QuantizationPreset.MIXED,
        target_device=nncf.TargetDevice.CPU,
        subset_size=count,
        fast_bias_correction=False,
        advanced_parameters=nncf.AdvancedQuantizationParameters(overflow_fix=nncf.OverflowFix.ENABLE),
        # The last operations turn logits and log distances into boxes: 8 bits are too coarse there.
        ignored_scope=nncf.IgnoredScope(types=["Exp", "Sigmoid"], validate=False),
    )


def write(model: ov.Model, path: Path) -> None:
    """Save a model with weights of at most 16 bits and a short .xml.

    The .xml has numbers in place of PyTorch's names, no white space, and no inner shapes: OpenVINO infers them.
    """
    short = model.clone()
    for number, node in enumerate(short.get_ops()):
        node.set_friendly_name(f"{number}")
    ov.save_model(short, path, compress_to_fp16=True)
    text = re.sub(r">\s+<", "><", path.read_text())
    text = re.sub(r"<dim>[^<]*</dim>", "", text)
    path.write_text(re.sub(r"(<port [^>]*)></port>", r"\1/>", text))


def calibration(folders: list[Path], seed: int = 3) -> Iterator[np.ndarray]:
    """Endless pictures of the training splits in random order, as the network gets them: float32 [1, 3, H, W]."""
    rng = np.random.default_rng(seed)
    pictures = [picture for folder in folders for picture in read_labelled(folder, "train")]
    while True:
        for index in rng.permutation(len(pictures)):
            picture = cv2.resize(pictures[index].read(), SIZE, interpolation=cv2.INTER_NEAREST)
            yield picture.transpose(2, 0, 1)[None].astype(np.float32)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m metrica.models.training.export", description=__doc__)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument(
        "--pictures",
        type=Path,
        action="append",
        required=True,
        metavar="DIR",
        help="a folder of labelled pictures for the calibration; repeat for more",
    )
    parser.add_argument(
        "--count", type=int, default=300, help="number of pictures for the calibration (default: %(default)s)"
    )
    parser.add_argument("--out", type=Path, default=Path(__file__).parents[1] / NAME)
    options = parser.parse_args(arguments)
    model = convert(load_average(options.checkpoint))
    for precision in ("FP16", "INT8"):
        if precision == "INT8":
            model = quantised(model, calibration(options.pictures), options.count)
        path = options.out / precision / f"{NAME}.xml"
        path.parent.mkdir(parents=True, exist_ok=True)
        write(model, path)
    for path in sorted(options.out.rglob(f"{NAME}.*")):
        if path.suffix in (".xml", ".bin"):
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            where = path.relative_to(options.out.parent).as_posix()
            print(f"      - {{path: {where}, size: {path.stat().st_size}, digest: 'sha256:{digest}'}}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
