"""The FID Inception network of 2015-12-05, with its batch normalisation folded into the convolutions at load.

It is Inception v3 with 1008 classes and TensorFlow's own pooling: average pools leave the padding out of the mean, and
the last block pools by maximum. Parameter names are those of the published PyTorch conversion of the weights.

References
----------
Szegedy et al.: Rethinking the Inception Architecture for Computer Vision. CVPR 2016, arXiv:1512.00567.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ganmetrics.errors import WeightsError

SIZE = 299
NUM_CLASSES = 1008
LAYERS = {"64": 64, "192": 192, "768": 768, "2048": 2048, "logits_unbiased": NUM_CLASSES, "logits": NUM_CLASSES}
SPATIAL_CHANNELS = 7  # of the 1 x 1 branch of Mixed_6d, 17 x 17 each, which sFID reads
BATCH_NORM_EPSILON = 1e-3
NOT_USED = ("AuxLogits.", ".num_batches_tracked")  # keys of some conversions that no feature depends on

Convolution = tuple[str, int, int, tuple[int, int], int]  # name, inputs, outputs, kernel, stride
Step = str | tuple[str, ...]  # a convolution or pool by name, or convolutions of one input side by side
POOLS = {
    "avg": lambda x: F.avg_pool2d(x, 3, stride=1, padding=1, count_include_pad=False),
    "max": lambda x: F.max_pool2d(x, 3, stride=1, padding=1),
    "down": lambda x: F.max_pool2d(x, 3, stride=2),
}


class Conv(nn.Module):
    """Convolution, batch norm and ReLU; stride 1 keeps the size except in the stem.

    Batch norm is folded into the convolution, or kept apart where the peers' order of operations is wanted.
    """

    def __init__(self, inputs: int, outputs: int, kernel: tuple[int, int], stride: int = 1, pad: bool = True) -> None:
        super().__init__()
        padding = (kernel[0] // 2, kernel[1] // 2) if pad and stride == 1 else 0
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride=stride, padding=padding)
        self.bn: nn.Module = nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        return F.relu_(self.bn(self.conv(x)))

    def load(self, name: str, state: Mapping[str, Tensor]) -> None:
        """Take the values as they are published."""
        weight, gamma, beta, mean, var = (state[f"{name}.{part}"].float().clone() for part in PARTS)
        self.conv.weight, self.conv.bias = nn.Parameter(weight, requires_grad=False), None
        values = {"weight": gamma, "bias": beta, "running_mean": mean, "running_var": var}
        self.bn = nn.BatchNorm2d(len(gamma), eps=BATCH_NORM_EPSILON, device="meta").eval().requires_grad_(False)
        self.bn.load_state_dict({**values, "num_batches_tracked": torch.tensor(0)}, assign=True)

    def fold(self, name: str, state: Mapping[str, Tensor]) -> None:
        """Take w * gamma / sqrt(var + eps) and beta - mean * gamma / sqrt(var + eps), computed in float64."""
        weight, gamma, beta, mean, var = (state[f"{name}.{part}"].double() for part in PARTS)
        scale = gamma / torch.sqrt(var + BATCH_NORM_EPSILON)
        folded = (weight * scale[:, None, None, None]).float().contiguous(memory_format=torch.channels_last)
        self.conv.weight = nn.Parameter(folded, requires_grad=False)
        self.conv.bias = nn.Parameter((beta - mean * scale).float(), requires_grad=False)


PARTS = ("conv.weight", "bn.weight", "bn.bias", "bn.running_mean", "bn.running_var")


class Block(nn.Module):
    """Branches of one input, concatenated by channel; each branch is a list of steps."""

    def __init__(self, convolutions: Sequence[Convolution], branches: Sequence[Sequence[Step]]) -> None:
        super().__init__()
        self.branches = branches
        for name, inputs, outputs, kernel, stride in convolutions:
            self.add_module(name, Conv(inputs, outputs, kernel, stride))

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([self.branch(x, steps) for steps in self.branches], dim=1)

    def branch(self, x: Tensor, steps: Sequence[Step]) -> Tensor:
        for step in steps:
            x = self.step(x, step) if isinstance(step, str) else torch.cat([self.step(x, s) for s in step], dim=1)
        return x

    def step(self, x: Tensor, name: str) -> Tensor:
        return POOLS[name](x) if name in POOLS else self.get_submodule(name)(x)


def chain(
    name: str, widths: Sequence[int], kernels: Sequence[tuple[int, int]], last_stride: int = 1
) -> list[Convolution]:
    """Convolutions ``name_1``, ``name_2`` ... between consecutive widths."""
    last = len(kernels)
    return [
        (f"{name}_{i}", widths[i - 1], widths[i], kernel, last_stride if i == last else 1)
        for i, kernel in enumerate(kernels, start=1)
    ]


ONE, THREE, FIVE, WIDE, TALL = (1, 1), (3, 3), (5, 5), (1, 7), (7, 1)


def block_35(inputs: int, pooled: int) -> Block:
    """InceptionA, 35 x 35."""
    fives = chain("branch5x5", (inputs, 48, 64), (ONE, FIVE))
    threes = chain("branch3x3dbl", (inputs, 64, 96, 96), (ONE, THREE, THREE))
    ends: list[Convolution] = [("branch1x1", inputs, 64, ONE, 1), ("branch_pool", inputs, pooled, ONE, 1)]
    branches = [["branch1x1"], _names(fives), _names(threes), ["avg", "branch_pool"]]
    return Block(fives + threes + ends, branches)


def reduction_17(inputs: int) -> Block:
    """InceptionB, 35 x 35 to 17 x 17."""
    threes = chain("branch3x3dbl", (inputs, 64, 96, 96), (ONE, THREE, THREE), last_stride=2)
    straight: list[Convolution] = [("branch3x3", inputs, 384, THREE, 2)]
    return Block(threes + straight, [["branch3x3"], _names(threes), ["down"]])


def block_17(inputs: int, width: int) -> Block:
    """InceptionC, 17 x 17."""
    sevens = chain("branch7x7", (inputs, width, width, 192), (ONE, WIDE, TALL))
    double = chain("branch7x7dbl", (inputs, width, width, width, width, 192), (ONE, TALL, WIDE, TALL, WIDE))
    ends: list[Convolution] = [("branch1x1", inputs, 192, ONE, 1), ("branch_pool", inputs, 192, ONE, 1)]
    return Block(sevens + double + ends, [["branch1x1"], _names(sevens), _names(double), ["avg", "branch_pool"]])


def reduction_8(inputs: int) -> Block:
    """InceptionD, 17 x 17 to 8 x 8."""
    threes = chain("branch3x3", (inputs, 192, 320), (ONE, THREE), last_stride=2)
    sevens = chain("branch7x7x3", (inputs, 192, 192, 192, 192), (ONE, WIDE, TALL, THREE), last_stride=2)
    return Block(threes + sevens, [_names(threes), _names(sevens), ["down"]])


def block_8(inputs: int, pool: str) -> Block:
    """InceptionE, 8 x 8; ``pool`` is ``avg`` in the first and ``max`` in the last."""
    split = [("a", (1, 3)), ("b", (3, 1))]
    convolutions: list[Convolution] = [
        ("branch1x1", inputs, 320, ONE, 1),
        ("branch3x3_1", inputs, 384, ONE, 1),
        *((f"branch3x3_2{side}", 384, 384, kernel, 1) for side, kernel in split),
        ("branch3x3dbl_1", inputs, 448, ONE, 1),
        ("branch3x3dbl_2", 448, 384, THREE, 1),
        *((f"branch3x3dbl_3{side}", 384, 384, kernel, 1) for side, kernel in split),
        ("branch_pool", inputs, 192, ONE, 1),
    ]
    branches: list[list[Step]] = [
        ["branch1x1"],
        ["branch3x3_1", ("branch3x3_2a", "branch3x3_2b")],
        ["branch3x3dbl_1", "branch3x3dbl_2", ("branch3x3dbl_3a", "branch3x3dbl_3b")],
        [pool, "branch_pool"],
    ]
    return Block(convolutions, branches)


def _names(convolutions: Sequence[Convolution]) -> list[str]:
    return [name for name, *_ in convolutions]


class InceptionNet(nn.Module):
    """The whole network, from inputs [N, 3, 299, 299] in -1..1 to any of ``LAYERS`` or ``spatial``; without values yet.

    Parameters
    ----------
    exact : bool
        Keep the peers' order of operations and memory layout, for features equal to theirs to the last bits. Folded
        batch norm and channels-last memory, the default, are as close to the exact value and twice as fast.
    """

    def __init__(self, *, exact: bool = False) -> None:
        super().__init__()
        self.layout = torch.contiguous_format if exact else torch.channels_last
        self.is_folded = not exact
        with torch.device("meta"):
            self.Conv2d_1a_3x3 = Conv(3, 32, THREE, stride=2)
            self.Conv2d_2a_3x3 = Conv(32, 32, THREE, pad=False)
            self.Conv2d_2b_3x3 = Conv(32, 64, THREE)
            self.Conv2d_3b_1x1 = Conv(64, 80, ONE)
            self.Conv2d_4a_3x3 = Conv(80, 192, THREE, pad=False)
            self.Mixed_5b, self.Mixed_5c, self.Mixed_5d = block_35(192, 32), block_35(256, 64), block_35(288, 64)
            self.Mixed_6a = reduction_17(288)
            self.Mixed_6b, self.Mixed_6c = block_17(768, 128), block_17(768, 160)
            self.Mixed_6d, self.Mixed_6e = block_17(768, 160), block_17(768, 192)
            self.Mixed_7a = reduction_8(768)
            self.Mixed_7b, self.Mixed_7c = block_8(1280, "avg"), block_8(2048, "max")
            self.fc = nn.Linear(2048, NUM_CLASSES)
        self.eval()

    def stages(self) -> list[tuple[str, list[nn.Module]]]:
        """The modules that lead from each pooled layer to the next."""
        down = nn.MaxPool2d(3, stride=2)
        return [
            ("64", [self.Conv2d_1a_3x3, self.Conv2d_2a_3x3, self.Conv2d_2b_3x3, down]),
            ("192", [self.Conv2d_3b_1x1, self.Conv2d_4a_3x3, down]),
            ("768", [m for name, m in self.named_children() if name.startswith(("Mixed_5", "Mixed_6"))]),
            ("2048", [self.Mixed_7a, self.Mixed_7b, self.Mixed_7c]),
        ]

    def forward(self, x: Tensor, layers: Sequence[str]) -> dict[str, Tensor]:
        x = x.contiguous(memory_format=self.layout)
        found: dict[str, Tensor] = {}
        for layer, modules in self.stages():
            for module in modules:
                if module is self.Mixed_6d and "spatial" in layers:
                    found["spatial"] = self.Mixed_6d.step(x, "branch1x1")[:, :SPATIAL_CHANNELS].flatten(1)
                x = module(x)
            found[layer] = x.mean(dim=(2, 3)) if layer in layers or layer == "2048" else x
            if set(layers) <= found.keys():
                return {name: found[name] for name in layers}
        found["logits_unbiased"] = found["2048"] @ self.fc.weight.T
        found["logits"] = found["logits_unbiased"] + self.fc.bias
        return {name: found[name] for name in layers}

    def load(self, state: Mapping[str, Tensor], where: str) -> InceptionNet:
        """Take the published state dict; another layout is refused with what differs (WeightsError)."""
        shapes = self._shapes()
        found = {key for key in state if not any(part in key for part in NOT_USED)}
        missing, extra = sorted(shapes.keys() - found), sorted(found - shapes.keys())
        if missing or extra:
            what = f"{len(missing)} keys missing {missing[:3]}, {len(extra)} not known {extra[:3]}"
            raise WeightsError(f"not the FID Inception's layout: {what}", where=where, code="E-LAYOUT")
        for name, shape in shapes.items():
            if tuple(state[name].shape) != shape:
                what = f"the tensor {name!r} has the shape {list(state[name].shape)}; expected {list(shape)}"
                raise WeightsError(what, where=where, code="E-LAYOUT")
        for name, module in self._convolutions().items():
            (module.fold if self.is_folded else module.load)(name, state)
        self.fc.weight = nn.Parameter(state["fc.weight"].float().clone(), requires_grad=False)
        self.fc.bias = nn.Parameter(state["fc.bias"].float().clone(), requires_grad=False)
        return self

    def _convolutions(self) -> dict[str, Conv]:
        return {name: module for name, module in self.named_modules() if isinstance(module, Conv)}

    def _shapes(self) -> dict[str, tuple[int, ...]]:
        """The published keys and the shapes of their tensors."""
        shapes: dict[str, tuple[int, ...]] = {"fc.weight": (NUM_CLASSES, 2048), "fc.bias": (NUM_CLASSES,)}
        for name, module in self._convolutions().items():
            filters = tuple(module.conv.weight.shape)
            shapes |= {f"{name}.{part}": filters if part == "conv.weight" else filters[:1] for part in PARTS}
        return shapes
