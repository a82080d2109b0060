"""`python -m metrica.models.training.export`: a checkpoint to OpenVINO IR, FP16 and INT8, and a card's measured part.

INT8 is post-training quantisation by NNCF on calibration pictures, with its fix against overflow on processors without
VNNI (weights use 7 of their 8 bits).
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
from metrica.models.training.network import Exported, PersonNet, load_average
from metrica.models.training.pictures import labelled

NAME = "metrica-person"


def working_card() -> Card:
    """A card for a network on its way: what the exported graph eats and gives, and thresholds to be measured."""
    files = [{"path": f"{NAME}/FP32/{NAME}{end}"} for end in (".xml", ".bin")]
    return Card.model_validate({
        "name": NAME, "decoder": "yolov8", "input": {"size": SIZE}, "nms": 0.5,
        "thresholds": {"new": 0.5, "keep": 0.3, "low": 0.1},
        "variants": [{"precision": "FP32", "files": files}],
    })  # fmt: skip


def convert(network: PersonNet) -> ov.Model:
    """A network as OpenVINO sees it: float [1, 3, H, W] to [1, 5, cells]."""
    shape = [1, 3, SIZE[1], SIZE[0]]
    model = ov.convert_model(Exported(network).eval(), example_input=torch.zeros(shape), input=[ov.PartialShape(shape)])
    model.inputs[0].get_tensor().set_names({"picture"})
    model.outputs[0].get_tensor().set_names({"people"})
    return model


def from_checkpoint(checkpoint: Path, folder: Path) -> Model:
    """A checkpoint as a model that can be run; its FP32 files are written to `folder`."""
    path = folder / f"{NAME}.xml"
    ov.save_model(convert(load_average(checkpoint)), path, compress_to_fp16=False)
    return Model(NAME, working_card(), path)


def quantised(model: ov.Model, pictures: Iterator[np.ndarray], count: int) -> ov.Model:
    """The same network with 8-bit convolutions, calibrated on `count` pictures [1, 3, H, W]."""
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
        # The end of the graph turns logits and log distances into people: 8 bits there would move the boxes.
        ignored_scope=nncf.IgnoredScope(types=["Exp", "Sigmoid"], validate=False),
    )


def write(model: ov.Model, path: Path) -> None:
    """Save a network with weights of 16 bits at most, its description as short as OpenVINO reads it: layers by number
    rather than by their place in PyTorch, no white space, and no shapes but the input's, since OpenVINO infers them."""
    short = model.clone()
    for number, node in enumerate(short.get_ops()):
        node.set_friendly_name(f"{number}")
    ov.save_model(short, path, compress_to_fp16=True)
    text = re.sub(r">\s+<", "><", path.read_text())
    text = re.sub(r"<dim>[^<]*</dim>", "", text)
    path.write_text(re.sub(r"(<port [^>]*)></port>", r"\1/>", text))


def calibration(folders: list[Path], seed: int = 3) -> Iterator[np.ndarray]:
    """Pictures of training splits as the network sees them, in random order, again and again."""
    chance = np.random.default_rng(seed)
    pictures = [picture for folder in folders for picture in labelled(folder, "train")]
    while True:
        for index in chance.permutation(len(pictures)):
            picture = cv2.resize(pictures[index].read(), SIZE, interpolation=cv2.INTER_NEAREST)
            yield picture.transpose(2, 0, 1)[None].astype(np.float32)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m metrica.models.training.export", description=__doc__)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("--pictures", type=Path, action="append", required=True, metavar="DIR", help="to calibrate on")
    parser.add_argument("--count", type=int, default=300, help="how many of them")
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
