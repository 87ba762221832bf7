"""The parts of the FID Inception network: convolutions with their batch norm, and the blocks that branch.

References
----------
Szegedy et al.: Rethinking the Inception Architecture for Computer Vision. CVPR 2016, arXiv:1512.00567.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

BATCH_NORM_EPSILON = 1e-3
# A convolution's name, inputs, outputs, kernel and stride.
Convolution = tuple[str, int, int, tuple[int, int], int]
# A convolution or pool by name, or convolutions of one input side by side.
Step = str | tuple[str, ...]
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


class Merged(nn.Module):
    """A block with one convolution in place of all 1 x 1 convolutions of its input.

    An average pool before such a convolution moves behind it: both are linear, so only rounding can tell, and far
    fewer channels are pooled.
    """

    def __init__(self, block: Block) -> None:
        super().__init__()
        firsts = [steps[1] if steps[0] == "avg" else steps[0] for steps in block.branches]
        modules = {str(name): getattr(block, str(name), None) for name in firsts}
        heads = {name: m.conv for name, m in modules.items() if isinstance(m, Conv) and m.conv.kernel_size == ONE}
        self.widths = {name: conv.out_channels for name, conv in heads.items()}
        weight = torch.cat([conv.weight for conv in heads.values()]).contiguous(memory_format=torch.channels_last)
        self.weight = nn.Parameter(weight, requires_grad=False)
        self.bias = nn.Parameter(torch.cat([conv.bias for conv in heads.values() if conv.bias is not None]), False)
        for name in heads:
            delattr(block, name)
        self.block = block

    def forward(self, x: Tensor) -> Tensor:
        parts = F.conv2d(x, self.weight, self.bias).split(list(self.widths.values()), dim=1)
        heads = dict(zip(self.widths, parts, strict=True))
        return torch.cat([self.branch(x, heads, list(steps)) for steps in self.block.branches], dim=1)

    def branch(self, x: Tensor, heads: Mapping[str, Tensor], steps: list[Step]) -> Tensor:
        """One branch of an input, beside the merged convolution's part for each of its heads."""
        first = str(steps[0])
        if first == "avg":
            return F.relu_(POOLS["avg"](heads[str(steps[1])]))
        if first in heads:
            return self.block.branch(F.relu_(heads[first]), steps[1:])
        return self.block.branch(x, steps)


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
