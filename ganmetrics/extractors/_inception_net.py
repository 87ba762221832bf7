"""The FID Inception network of 2015-12-05, with its batch normalisation folded into the convolutions at load.

It is Inception v3 with 1008 classes and TensorFlow's own pooling: average pools leave the padding out of the mean, and
the last block pools by maximum. Parameter names are those of the published PyTorch conversion of the weights.

References
----------
Szegedy et al.: Rethinking the Inception Architecture for Computer Vision. CVPR 2016, arXiv:1512.00567.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from ganmetrics.errors import WeightsError
from ganmetrics.extractors._arithmetic import PIECE, in_pieces
from ganmetrics.extractors._inception_blocks import (
    ONE,
    PARTS,
    THREE,
    Block,
    Conv,
    Merged,
    block_8,
    block_17,
    block_35,
    reduction_8,
    reduction_17,
)

SIZE = 299
NUM_CLASSES = 1008
LAYERS = {"64": 64, "192": 192, "768": 768, "2048": 2048, "logits_unbiased": NUM_CLASSES, "logits": NUM_CLASSES}
LOGITS = {"logits_unbiased", "logits"}
# sFID reads so many channels of the 1 x 1 branch of Mixed_6d, 17 x 17 each.
SPATIAL_CHANNELS = 7
# Keys of some conversions that no feature depends on.
NOT_USED = ("AuxLogits.", ".num_batches_tracked")


class Stage(NamedTuple):
    """The layer that some modules lead to, if it is one, and how many images at a time take this way on the CPU."""

    layer: str
    images: int
    modules: list[nn.Module]


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

    def stages(self) -> list[Stage]:
        """The modules that lead from each layer to the next."""
        down = nn.MaxPool2d(3, stride=2)
        return [
            Stage("64", 1, [self.Conv2d_1a_3x3, self.Conv2d_2a_3x3, self.Conv2d_2b_3x3, down]),
            Stage("192", 1, [self.Conv2d_3b_1x1, self.Conv2d_4a_3x3, down]),
            Stage("", 4, [self.Mixed_5b, self.Mixed_5c, self.Mixed_5d, self.Mixed_6a]),
            Stage("spatial", PIECE, [self.Mixed_6b, self.Mixed_6c, self.Mixed_6d]),
            Stage("768", PIECE, [self.Mixed_6e]),
            Stage("2048", PIECE, [self.Mixed_7a, self.Mixed_7b, self.Mixed_7c]),
        ]

    def forward(self, x: Tensor, layers: Sequence[str]) -> dict[str, Tensor]:
        if self.is_folded and x.device.type == "cpu":
            found = in_pieces(lambda piece: self._pooled(piece, layers), x)
        else:
            found = self._pooled(x, layers)
        if LOGITS & set(layers):
            found["logits_unbiased"] = found["2048"] @ self.fc.weight.T
            found["logits"] = found["logits_unbiased"] + self.fc.bias
        return {name: found[name] for name in layers}

    def _pooled(self, x: Tensor, layers: Sequence[str]) -> dict[str, Tensor]:
        """The layers among those asked for that come before the logits, and what the logits need."""
        wanted = {"2048" if layer in LOGITS else layer for layer in layers}
        found: dict[str, Tensor] = {}
        is_split = self.is_folded and x.device.type == "cpu"
        for stage in self.stages():
            # On the CPU few images at a time where their values are large, so that these stay in cache.
            if is_split and len(x) > stage.images:
                x = torch.cat([self._through(part, stage) for part in x.split(stage.images)])
            else:
                x = x.contiguous(memory_format=self.layout)
                # In this function, as the name of an argument would keep the stage's inputs until its end.
                for module in stage.modules:
                    x = module(x)
            if stage.layer in wanted:
                is_spatial = stage.layer == "spatial"
                found[stage.layer] = x[:, :SPATIAL_CHANNELS].flatten(1) if is_spatial else x.mean(dim=(2, 3))
            if wanted <= found.keys():
                break
        return found

    def _through(self, part: Tensor, stage: Stage) -> Tensor:
        part = part.contiguous(memory_format=self.layout)
        for module in stage.modules:
            part = module(part)
        return part

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
        if self.is_folded:
            for name, block in list(self.named_children()):
                if isinstance(block, Block):
                    setattr(self, name, Merged(block))
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
