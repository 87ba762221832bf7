"""Features of sets of images by the networks that ``judge_colour.py`` and ``calibrate_diagnosis.py`` compare."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

import ganmetrics as gm
from ganmetrics.extractors.colour import Colour

if TYPE_CHECKING:
    from ganmetrics.extractors import Extractor
    from ganmetrics.types import Images

# Networks that run in bfloat16, which moves their features by about 1 %.
SLOW = ("inception", "random-vgg16")


def network(name: str, yardstick: Path | None) -> Extractor:
    """Return a network by the name that the tables give it."""
    if name == "random weights":
        return RandomWeights()
    loaded = gm.load_extractor(name, yardstick if name == "inception" else None)
    return gm.load_extractor(InBfloat16(loaded)) if name in SLOW else loaded


class RandomWeights(Colour):
    """``colour`` with convolutions as He's normal distribution draws them, and all statistics of their maps."""

    def __init__(self) -> None:
        super().__init__()
        self.identity = "random weights of colour"
        rng = torch.Generator().manual_seed(0)
        for conv in self.net.convs:
            conv.weight.normal_(0, (2 / conv.weight[0].numel()) ** 0.5, generator=rng)
            conv.bias.zero_()

    def forward(self, inputs: Tensor, layers: Sequence[str]) -> dict[str, Tensor]:
        """The statistics, [N, 840], in the place of features."""
        return dict.fromkeys(layers, torch.cat(self.net.statistics(inputs), dim=1))


class InBfloat16(torch.nn.Module):
    """A network in bfloat16 and channels-last, three times as fast on a CPU: uint8 [N, 3, H, W] -> float32 [N, D]."""

    def __init__(self, extractor: Extractor) -> None:
        super().__init__()
        self.extractor = extractor
        extractor.net.to(memory_format=torch.channels_last)  # type: ignore[attr-defined]

    def forward(self, images: Images) -> Tensor:
        """Return the features that the network is scored by."""
        layer = self.extractor.feature_layer
        with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
            inputs = self.extractor.prepare(images).contiguous(memory_format=torch.channels_last)
            return self.extractor.forward(inputs, [layer])[layer].float()


class StoredFeatures:
    """Features of sets of images by one network, kept on disk."""

    def __init__(self, name: str, cache: Path, yardstick: Path | None) -> None:
        self.name, self.folder, self.yardstick = name, cache / name.replace(" ", "-"), yardstick
        self.folder.mkdir(parents=True, exist_ok=True)
        self._extractor: Extractor | None = None

    @property
    def extractor(self) -> Extractor:
        """The network, which is loaded once it is needed."""
        self._extractor = self._extractor or network(self.name, self.yardstick)
        return self._extractor

    def of(self, tag: str, images: Images) -> Tensor:
        """Return the features of some images, [N, D], from the disk where they are there."""
        path = self.folder / f"{tag}.pt"
        if not path.exists():
            torch.save(self.measured(images).features, path)
        stored: Tensor = torch.load(path, weights_only=True)
        return stored

    def measured(self, images: Images) -> gm.Statistics:
        """Measure a set of images, with its features and thumbnails."""
        reading = gm.Reading(thumbnails=True)
        return gm.measure(images, reads=("features",), extractor=self.extractor, batch_size=25, reading=reading)
