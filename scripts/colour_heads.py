"""What the network of ``colour`` is trained to say: factors of a picture, its distortion, and its program."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from distortions import DISTORTIONS
from painter.canvas import Factors
from painter.programs import ARRANGEMENTS, BACKGROUNDS, KINDS
from painter.shapes import SILHOUETTES
from painter.textures import TEXTURES
from torch import Tensor, nn
from torch.nn import functional as F

from ganmetrics.extractors._colour_net import CHANNELS, normalised

NUM_CLASSES = (len(KINDS), len(SILHOUETTES), len(TEXTURES), len(ARRANGEMENTS), len(BACKGROUNDS))
NUM_VALUES, HIDDEN, CONTRAST_DIM, TEMPERATURE = 8, 224, 64, 0.1
INSTANCES = 4


class Batch(NamedTuple):
    """Images in 0..255, of which the first ``clean`` are as painted, with what is to be said of them."""

    images: Tensor
    clean: int
    factors: Factors
    distortion: Tensor
    level: Tensor


class Statistics(torch.autograd.Function):
    """The mean and the deviation of each map, as the network of the package has them; its gradient takes one pass."""

    @staticmethod
    def forward(context: Any, maps: Tensor) -> Tensor:
        """Maps [N, C, H, W] -> [N, 2 C]."""
        wide = maps.float()
        mean, square = wide.mean(dim=(2, 3)), wide.square().mean(dim=(2, 3))
        deviation = ((square - mean.square()).clamp(min=0) + 1e-6).sqrt()
        context.save_for_backward(maps, mean, deviation)
        return torch.cat([mean, deviation], dim=1)

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> Tensor:
        """The gradient of a mean is even; that of a deviation goes with the distance from the mean."""
        maps, mean, deviation = context.saved_tensors
        of_mean, of_deviation = (gradient / maps[0, 0].numel()).chunk(2, dim=1)
        slope = of_deviation / deviation
        offset = (of_mean - slope * mean).to(maps.dtype)
        return torch.addcmul(offset[:, :, None, None], maps, slope.to(maps.dtype)[:, :, None, None])


class TrainedNet(nn.Module):
    """The convolutions with batch norms behind them, and heads on the statistics of all stages."""

    def __init__(self) -> None:
        super().__init__()
        pairs = list(zip((3, *CHANNELS), CHANNELS, strict=False))
        self.convs = nn.ModuleList(
            nn.Conv2d(a, b, 3, stride=1 + (i % 2 == 0), padding=1, bias=False) for i, (a, b) in enumerate(pairs)
        )
        self.norms = nn.ModuleList(nn.BatchNorm2d(b) for b in CHANNELS)
        width = 2 * sum(CHANNELS[1::2])
        self.scale = nn.BatchNorm1d(width, affine=False)
        self.hidden = nn.Linear(width, HIDDEN)
        self.classes = nn.ModuleList(nn.Linear(HIDDEN, count) for count in NUM_CLASSES)
        self.values = nn.Linear(HIDDEN, NUM_VALUES)
        self.distortion = nn.Linear(HIDDEN, len(DISTORTIONS))
        self.level = nn.Linear(HIDDEN, len(DISTORTIONS))
        self.contrast = nn.Linear(2 * CHANNELS[-1], CONTRAST_DIM)

    def statistics(self, images: Tensor) -> Tensor:
        """Images in 0..255 -> means and deviations of all stages, [N, D]."""
        x = normalised(images).contiguous(memory_format=torch.channels_last)
        found = []
        with torch.autocast("cpu", torch.bfloat16):
            for number, (conv, norm) in enumerate(zip(self.convs, self.norms, strict=True)):
                x = F.relu(norm(conv(x)))
                if number % 2:
                    found.append(Statistics.apply(x))
        return torch.cat(found, dim=1)


def losses(net: TrainedNet, batch: Batch) -> dict[str, Tensor]:
    """The losses by name, each weighted for their sum."""
    found = net.scale(net.statistics(batch.images))
    hidden = F.relu(net.hidden(found))
    clean, classes = hidden[: batch.clean], batch.factors.classes[: batch.clean]
    named = [F.cross_entropy(head(clean), classes[:, i]) for i, head in enumerate(net.classes)]
    valued = F.smooth_l1_loss(net.values(clean), batch.factors.values[: batch.clean])
    levels = net.level(hidden).gather(1, batch.distortion[:, None])[:, 0]
    is_distorted = (batch.distortion > 0).float()
    level = ((levels - batch.level).square() * is_distorted).sum() / is_distorted.sum().clamp(min=1)
    return {
        "classes": 2 * torch.stack(named).mean(),
        "values": 2 * valued,
        "distortion": F.cross_entropy(net.distortion(hidden), batch.distortion),
        "level": 3 * level,
        "program": 0.3 * _same_program(net.contrast(found[: batch.clean, -2 * CHANNELS[-1] :])),
    }


def _same_program(vectors: Tensor) -> Tensor:
    """The supervised contrastive loss of Khosla et al. 2020, the instances of a program side by side."""
    unit = F.normalize(vectors, dim=1)
    itself = torch.eye(len(unit), dtype=torch.bool)
    likeness = (unit @ unit.T / TEMPERATURE).masked_fill(itself, -1e4)
    program = torch.arange(len(unit)) // INSTANCES
    is_same = (program[:, None] == program) & ~itself
    return -(likeness.log_softmax(dim=1) * is_same).sum(dim=1).div(INSTANCES - 1).mean()
