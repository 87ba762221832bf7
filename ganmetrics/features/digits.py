"""``digits``: the embedded default, a small classifier of 28 x 28 digits; its scores are its own, not Inception's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

import torch

from ganmetrics.features import weights
from ganmetrics.features.base import Extractor, ExtractorRecord
from ganmetrics.features.digit_net import FEATURE_DIM, LUMA, NUM_CLASSES, SIZE, DigitNet
from ganmetrics.features.resize import antialiased_bilinear
from ganmetrics.features.states import filled

if TYPE_CHECKING:
    from torch import Tensor

    from ganmetrics.types import Images

WEIGHTS = Path(__file__).with_name("digits.safetensors")


class Digits(Extractor):
    """A digit classifier (99.6 % on MNIST's test set) for demonstrations, tests and 28 to 32 px digit work.

    Parameters
    ----------
    path : str or None
        Another weights file of the same layout; ``None`` takes the one in the package.
    """

    name = "digits"
    resize = "luma-28-antialiased"
    layers: Mapping[str, int] = MappingProxyType({"features": FEATURE_DIM, "logits": NUM_CLASSES})
    feature_layer = "features"
    logits_layer = "logits"

    def __init__(self, path: str | None = None) -> None:
        file = Path(path) if path else WEIGHTS
        self.net = filled(DigitNet, file)
        self.identity = f"digits:{weights.digest(file)[:8]}"

    def to(self, device: torch.device) -> None:
        self.net.to(device)

    def prepare(self, images: Images) -> Tensor:
        luma = torch.tensor(LUMA, dtype=torch.float32, device=images.device)[:, None, None]
        grey = (antialiased_bilinear(images, SIZE) * luma).sum(dim=1, keepdim=True)
        return grey / 255

    def forward(self, inputs: Tensor, layers: Sequence[str]) -> dict[str, Tensor]:
        features = self.net.features(inputs)
        found = {"features": features, "logits": self.net.fc2(features)}
        return {name: found[name] for name in layers}


EXTRACTOR = ExtractorRecord(
    name="digits", load=Digits, download=False, summary="embedded MNIST classifier for 28-32 px digits; 128 features"
)
