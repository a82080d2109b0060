"""The network of metrica-person: a small convolutional backbone, a feature pyramid, and an anchor-free head.

It follows YOLOX-nano (Ge et al., arXiv:2107.08430) and NanoDet-plus, with cross-stage blocks (Wang et al.,
arXiv:1911.11929). The 3x3 convolutions of the backbone are dense with few channels, not depthwise: in OpenVINO both
take about the same time at this size, but on a CPU dense ones train twice as fast.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as nnf

from metrica.models.training.grid import SIZE, STRIDES

_MAX_LOG_DISTANCE = 4.0  # e^4 strides: wider than the input at every stride


class Conv(nn.Sequential):
    """A convolution without bias, batch norm and ReLU."""

    def __init__(self, inputs: int, outputs: int, kernel: int = 1, stride: int = 1, groups: int = 1) -> None:
        super().__init__(
            nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(inplace=True),
        )


class Separable(nn.Sequential):
    """A depthwise 3x3 and a 1x1 convolution. (A depthwise 5x5 trains ten times more slowly on a CPU.)"""

    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__(Conv(inputs, inputs, 3, stride, inputs), Conv(inputs, outputs))


class Residual(nn.Module):
    """A residual block: a 1x1 and a 3x3 convolution, added to the input."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.body = nn.Sequential(Conv(channels, channels), Conv(channels, channels, 3))

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = x + self.body(x)
        return out


class CrossStage(nn.Module):
    """A cross-stage block: half of the channels pass `depth` residual blocks, the other half bypasses them."""

    def __init__(self, inputs: int, outputs: int, depth: int) -> None:
        super().__init__()
        half = outputs // 2
        self.through = nn.Sequential(Conv(inputs, half), *(Residual(half) for _ in range(depth)))
        self.around = Conv(inputs, half)
        self.join = Conv(2 * half, outputs)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.join(torch.cat([self.through(x), self.around(x)], 1))
        return out


class Pool(nn.Module):
    """Spatial pyramid pooling (SPPF): max pooling over 5, 9 and 13 cells."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        half = channels // 2
        self.reduce = Conv(channels, half)
        self.join = Conv(4 * half, channels)

    def forward(self, x: Tensor) -> Tensor:
        parts = [self.reduce(x)]
        for _ in range(3):
            parts.append(nnf.max_pool2d(parts[-1], 5, 1, 2))
        out: Tensor = self.join(torch.cat(parts, 1))
        return out


class PersonNet(nn.Module):
    """Predicts one score and one box for each cell of the strides 8, 16 and 32.

    `forward` takes float [B, 3, H, W], BGR, 0 to 255, and returns `(scores, boxes, features)`: logits [B, cells], boxes
    [B, cells, 4] as x1, y1, x2, y2 in pixels of the input, and the three maps of the pyramid, for `Mimic`.
    width: channels of the first layer.
    """

    def __init__(self, width: int = 16) -> None:
        super().__init__()
        self.width = w = width
        self.neck = neck = 4 * width
        self.stride8 = nn.Sequential(
            Conv(3, w, 3, 2), Conv(w, 2 * w, 3, 2), CrossStage(2 * w, 2 * w, 1),
            Conv(2 * w, 4 * w, 3, 2), CrossStage(4 * w, 4 * w, 2),
        )  # fmt: skip
        self.stride16 = nn.Sequential(Conv(4 * w, 8 * w, 3, 2), CrossStage(8 * w, 8 * w, 3))
        self.stride32 = nn.Sequential(Conv(8 * w, 12 * w, 3, 2), CrossStage(12 * w, 12 * w, 1), Pool(12 * w))
        self.lateral = nn.ModuleList([Conv(c * w, neck) for c in (4, 8, 12)])
        self.down = nn.ModuleList([Separable(neck, neck) for _ in range(2)])
        self.up = nn.ModuleList([Separable(neck, neck, 2) for _ in range(2)])
        self.merge = nn.ModuleList([Separable(neck, neck) for _ in range(2)])
        self.score = nn.ModuleList([nn.Sequential(Separable(neck, neck), nn.Conv2d(neck, 1, 1)) for _ in STRIDES])
        self.box = nn.ModuleList([nn.Sequential(Separable(neck, neck), nn.Conv2d(neck, 4, 1)) for _ in STRIDES])
        self._initialise()

    def _initialise(self) -> None:
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        for score, box in zip(self.score, self.box, strict=True):
            for head, bias in (
                (score, -4.6),
                (box, 0.7),
            ):  # at first a score of 1 %, and a box of two strides to each side
                last = head[-1]
                nn.init.normal_(last.weight, std=0.01)
                nn.init.constant_(last.bias, bias)

    def pyramid(self, x: Tensor) -> list[Tensor]:
        """The maps of the strides 8, 16 and 32, each [B, neck, H / stride, W / stride]."""
        fine = self.stride8(x / 64.0 - 2.0)
        middle = self.stride16(fine)
        coarse = self.stride32(middle)
        a, b, c = (lateral(value) for lateral, value in zip(self.lateral, (fine, middle, coarse), strict=True))
        b = self.down[0](b + nnf.interpolate(c, scale_factor=2.0, mode="nearest"))
        a = self.down[1](a + nnf.interpolate(b, scale_factor=2.0, mode="nearest"))
        b = self.merge[0](b + self.up[0](a))
        c = self.merge[1](c + self.up[1](b))
        return [a, b, c]

    def heads(self, features: list[Tensor]) -> tuple[Tensor, Tensor]:
        """Logits [B, cells], and distances from the cell's centre to the left, top, right and bottom side of the box.

        The distances are pixels, [B, 4, cells].
        """
        scores = [score(feature).flatten(1) for score, feature in zip(self.score, features, strict=True)]
        sides = [box(feature).flatten(2) for box, feature in zip(self.box, features, strict=True)]
        each = [torch.full((value.shape[-1],), stride) for value, stride in zip(sides, STRIDES, strict=True)]
        pixels = torch.cat(sides, 2).float().clamp(max=_MAX_LOG_DISTANCE).exp() * torch.cat(each)
        return torch.cat(scores, 1).float(), pixels

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, list[Tensor]]:
        features = self.pyramid(x)
        scores, sides = self.heads(features)
        points = centres(x.shape[-2:])
        return scores, torch.cat([points - sides[:, :2], points + sides[:, 2:]], 1).transpose(1, 2), features


def cell_centres(shape: torch.Size | tuple[int, int], stride: int) -> Tensor:
    """Centres of the cells of a map of this height and width, row by row: x, y in pixels, [H * W, 2]."""
    rows, columns = torch.meshgrid(torch.arange(shape[0]), torch.arange(shape[1]), indexing="ij")
    return (torch.stack([columns.flatten(), rows.flatten()], 1).float() + 0.5) * stride


def centres(shape: torch.Size | tuple[int, int]) -> Tensor:
    """Centres of the cells of all levels for an input of this height and width: x, y in pixels, [2, cells]."""
    return torch.cat([cell_centres((shape[0] // s, shape[1] // s), s) for s in STRIDES]).T


class ExportedNet(nn.Module):
    """The network with the output that is exported: centre, size and score [B, 5, cells], as YOLOv8 with one class."""

    def __init__(self, network: PersonNet) -> None:
        super().__init__()
        self.network = network
        self.register_buffer("points", centres(SIZE[::-1])[None])

    def forward(self, x: Tensor) -> Tensor:
        scores, sides = self.network.heads(self.network.pyramid(x))
        before, after = sides[:, :2], sides[:, 2:]
        return torch.cat([self.points + (after - before) / 2, before + after, scores.sigmoid()[:, None]], 1)


def multiply_adds(network: nn.Module, size: tuple[int, int] = SIZE) -> int:
    """Multiply-add operations of all convolutions for one picture of this width and height."""
    total = 0

    def count(module: nn.Module, _inputs: object, output: Tensor) -> None:
        nonlocal total
        if isinstance(module, nn.Conv2d):
            kernel = module.kernel_size[0] * module.kernel_size[1]
            total += output.numel() * (module.in_channels // module.groups) * kernel

    hooks = [module.register_forward_hook(count) for module in network.modules()]
    was = network.training
    with torch.no_grad():
        network.eval()(torch.zeros(1, 3, size[1], size[0]))
    network.train(was)
    for hook in hooks:
        hook.remove()
    return total


def load_average(path: Path) -> PersonNet:
    """The averaged network of a checkpoint, in evaluation mode."""
    state = torch.load(path, weights_only=True)
    network = PersonNet(state["width"])
    network.load_state_dict(state["average"])
    return network.eval()
