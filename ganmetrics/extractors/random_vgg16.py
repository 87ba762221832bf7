"""``random-vgg16``: a VGG16 with seeded random weights, for images far from ImageNet or machines without a network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING

import torch

from ganmetrics.errors import UsageError
from ganmetrics.extractors.extractor import ANYTHING, Extractor, ExtractorRecord
from ganmetrics.extractors.resize import antialiased_bilinear

if TYPE_CHECKING:
    from torch import Tensor, nn

    from ganmetrics.types import Images

SIZE = 224
FEATURE_DIM = 64
SEED = 0
# Mean and deviation of ImageNet's channels, in 0..1.
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class RandomVGG16(Extractor):
    """VGG16 whose last layer has 64 outputs, every weight drawn from He's normal distribution: R64 of Naeem et al.

    Notes
    -----
    Weights are drawn layer by layer, N(0, 2 / fan_in) with biases 0, from one CPU generator with seed 0, so they are
    the same on every machine. The paper's networks were initialised by their framework and have no published weights:
    scores compare with each other, not with the paper's.

    References
    ----------
    Naeem et al.: Reliable Fidelity and Diversity Metrics for Generative Models. ICML 2020, arXiv:2002.09797.
    """

    name = "random-vgg16"
    identity = f"random-vgg16-{FEATURE_DIM}:seed{SEED}"
    resize = "antialiased-224"
    layers: Mapping[str, int] = MappingProxyType({"features": FEATURE_DIM})
    feature_layer = "features"

    def __init__(self, path: str | None = None) -> None:
        if path:
            raise UsageError("the extractor 'random-vgg16' draws its weights from its seed", where=path)
        # Imported here, because importing torchvision costs two seconds.
        from torchvision.models import vgg16

        with torch.device("meta"):
            net = vgg16(weights=None, num_classes=FEATURE_DIM, init_weights=False).float()
        self.net = net.to_empty(device="cpu").eval().requires_grad_(False)
        draw_weights(self.net, torch.Generator().manual_seed(SEED))

    def to(self, device: torch.device) -> None:
        self.net.to(device)

    def prepare(self, images: Images) -> Tensor:
        mean, std = (torch.tensor(v, device=images.device)[:, None, None] for v in (MEAN, STD))
        return (antialiased_bilinear(images, SIZE) / 255 - mean) / std

    def forward(self, inputs: Tensor, layers: Sequence[str]) -> dict[str, Tensor]:
        features = self.net(inputs)
        return dict.fromkeys(layers, features)


def draw_weights(net: nn.Module, rng: torch.Generator) -> None:
    """Fill a network's parameters in order: He's normal distribution for weights, zero for biases."""
    for value in net.parameters():
        if value.ndim == 1:
            value.zero_()
        else:
            value.normal_(0.0, (2.0 / value[0].numel()) ** 0.5, generator=rng)


EXTRACTOR = ExtractorRecord(
    name="random-vgg16",
    load=RandomVGG16,
    download=False,
    summary="VGG16 with seeded random weights (Naeem et al. 2020, R64); nothing to download, slow without a GPU",
    domain=ANYTHING._replace(blind_to_kinds="its weights are random: it has learnt no kinds of images"),
)
