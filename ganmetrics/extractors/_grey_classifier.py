"""What ``digits`` and ``fashion`` share: one small network of 28 x 28 grey images, its weights in the package."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

import torch

from ganmetrics.extractors._grey_net import FEATURE_DIM, LUMA, NUM_CLASSES, SIZE, GreyNet
from ganmetrics.extractors.extractor import Extractor
from ganmetrics.extractors.resize import antialiased_bilinear
from ganmetrics.extractors.weights import weight_store as weights
from ganmetrics.extractors.weights.fill import filled

if TYPE_CHECKING:
    from torch import Tensor

    from ganmetrics.types import Images

# The longer side of an image: digits and clothing are often scored at twice their own 28 or 32.
MOST_PIXELS = 64


class GreyClassifier(Extractor):
    """A classifier of small grey images: 128 features and ten logits of the luma at 28 x 28.

    Its scores are its own, not Inception's, and compare only with those of the same weights. A child says its
    ``name``, which is also that of the weights file beside this module.

    Parameters
    ----------
    path : str or None
        Another weights file of the same layout; ``None`` takes the one in the package.
    """

    resize = "luma-28-antialiased"
    layers: Mapping[str, int] = MappingProxyType({"features": FEATURE_DIM, "logits": NUM_CLASSES})
    feature_layer = "features"
    logits_layer = "logits"
    # With fewer images, calls and threads that wait for each other take most of the time.
    least_batch = 128

    def __init__(self, path: str | None = None) -> None:
        file = Path(path) if path else Path(__file__).with_name(f"{self.name}.safetensors")
        self.net = filled(GreyNet, file)
        self.identity = f"{self.name}:{weights.digest(file)[:8]}"

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

    def logits_of(self, features: Tensor) -> Tensor | None:
        """The last layer on features of the one before it; ``None`` where the features are another layer's."""
        if self.feature_layer != "features":
            return None
        with torch.no_grad():
            found: Tensor = self.net.fc2(features.to(next(self.net.parameters()).device)).cpu()
        return found
