"""Starts training from an exported network: reads its FP16 files back into PyTorch.

An export has folded each batch norm into its convolution. For training, the norms are restored: mean and variance of
their inputs are measured on training pictures, and their weights are chosen so that the output stays the same.
"""

from __future__ import annotations

import copy
import tempfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import openvino as ov
import torch
from torch import Tensor, nn

from metrica.models.training.export import convert, write
from metrica.models.training.network import PersonNet

Floats = npt.NDArray[np.float32]


def load_exported(network: PersonNet, path: Path) -> None:
    """Load the weights of an FP16 .xml that `training.export` wrote.

    The batch norms only add the bias afterwards; call `measure_norms` before training.
    Raises ValueError if the file is not an export of this network.
    """
    # Export a copy whose convolutions hold their own numbers as weights: it tells the order of the exported graph.
    marked = copy.deepcopy(network)
    ours = [module for module in marked.modules() if isinstance(module, nn.Conv2d)]
    for number, module in enumerate(ours, start=1):
        nn.init.constant_(module.weight, number)
    for module in marked.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.ones_(module.bias)  # a bias of 0 would be removed from the graph
    with tempfile.TemporaryDirectory() as scratch:
        write(convert(marked), Path(scratch) / "marked.xml")
        order = [round(float(weight.flat[0])) for weight, _ in _convolutions(Path(scratch) / "marked.xml")]
    exported = _convolutions(path)
    if len(exported) != len(order) or sorted(order) != list(range(1, len(ours) + 1)):
        raise ValueError(f"{path} is not an FP16 export of this network: {len(exported)} convolutions, not {len(ours)}")
    found = dict(zip(order, exported, strict=True))
    names = [name for name, module in network.named_modules() if isinstance(module, nn.Conv2d)]
    norms = {name: module for name, module in network.named_modules() if isinstance(module, nn.BatchNorm2d)}
    for number, name in enumerate(names, start=1):
        convolution = network.get_submodule(name)
        assert isinstance(convolution, nn.Conv2d)
        weight, bias = (torch.from_numpy(values.astype(np.float32)) for values in found[number])
        if weight.numel() != convolution.weight.numel():
            raise ValueError(f"{path} is not an FP16 export of this network: {name} has another shape")
        with torch.no_grad():
            convolution.weight.copy_(weight.reshape(convolution.weight.shape))
            if convolution.bias is not None:
                convolution.bias.copy_(bias)
            else:  # the norm is the next module of the same Conv
                norm = norms[f"{name[:-1]}1"]
                nn.init.ones_(norm.weight)
                norm.bias.copy_(bias)
                norm.running_mean.zero_()
                norm.running_var.fill_(1 - norm.eps)


@torch.no_grad()
def measure_norms(network: PersonNet, pictures: Iterable[Tensor]) -> None:
    """Restore the batch norms from their inputs on batches of pictures [B, 3, H, W]; the output stays the same."""
    norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
    sums = {norm: torch.zeros(3, norm.num_features, dtype=torch.float64) for norm in norms}

    def watch(norm: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        values = inputs[0].double().transpose(0, 1).flatten(1)
        count = torch.full((len(values),), values.shape[1], dtype=torch.float64)
        sums[norm] += torch.stack([count, values.sum(1), (values**2).sum(1)])

    hooks = [norm.register_forward_pre_hook(watch) for norm in norms]
    network.eval()
    for batch in pictures:
        network(batch.float())
    for hook in hooks:
        hook.remove()
    for norm in norms:
        count, total, squares = sums[norm]
        mean = total / count
        variance = (squares / count - mean**2).clamp(min=0)
        slope = norm.weight / (norm.running_var + norm.eps).sqrt()
        norm.weight.copy_(slope * (variance + norm.eps).sqrt())
        norm.bias.add_(slope * (mean - norm.running_mean))
        norm.running_mean.copy_(mean)
        norm.running_var.copy_(variance)


def _convolutions(path: Path) -> list[tuple[Floats, Floats]]:
    """Weights and biases of the convolutions in an .xml, in the order of its graph."""
    found: list[tuple[Floats, Floats]] = []
    for node in ov.Core().read_model(path).get_ordered_ops():
        if node.get_type_name() in ("Convolution", "GroupConvolution"):
            (after,) = node.output(0).get_target_inputs()
            add = after.get_node()
            bias = _constant(add.input_value(1 - after.get_index()).get_node())
            found.append((_constant(node.input_value(1).get_node()), bias.ravel()))
    return found


def _constant(node: ov.Node) -> Floats:
    """The value of a constant, also if it is stored in 16 bits with a conversion.

    Raises ValueError if there is no constant.
    """
    while node.get_type_name() != "Constant":
        if not node.get_input_size():
            raise ValueError(f"{node.get_friendly_name()} is no constant: the network is not an FP16 export")
        node = node.input_value(0).get_node()
    return np.asarray(node.data, np.float32)
