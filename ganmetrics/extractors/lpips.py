"""``lpips``: images as vectors whose squared distances are LPIPS, the learned perceptual image patch similarity.

References
----------
Zhang et al.: The Unreasonable Effectiveness of Deep Features as a Perceptual Metric. CVPR 2018, arXiv:1801.03924.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING

import torch

from ganmetrics._files import shown
from ganmetrics.errors import InputError, UsageError, WeightsError
from ganmetrics.extractors.extractor import PHOTOGRAPHS, Extractor, ExtractorRecord
from ganmetrics.extractors.weights import weight_store as weights
from ganmetrics.extractors.weights.fill import filled_from
from ganmetrics.metrics.needs import PERCEPTUAL_LAYER

if TYPE_CHECKING:
    from torch import Tensor

    from ganmetrics.metrics.needs import Need
    from ganmetrics.types import Images

# Modules of VGG16 up to relu1_2, 2_2, 3_3, 4_3 and 5_3.
STAGES = ((0, 4), (4, 9), (9, 16), (16, 23), (23, 30))
# Mean and deviation of the channels, in -1..1.
SHIFT, SCALE = (-0.030, -0.088, -0.188), (0.458, 0.448, 0.450)
# Four poolings leave one of so many pixels.
SMALLEST = 16
TINY = 1e-10


class Lpips(Extractor):
    """The VGG16 variant of LPIPS, version 0.1, at the images' own size.

    An image becomes the activations of five layers, each position brought to unit length, each channel times the root
    of its learned weight: the squared Euclidean distance of two such vectors is the LPIPS of the two images.

    Parameters
    ----------
    path : str or None
        A file in torchvision's layout of VGG16, with or without the weights of channels (``lin0.model.1.weight`` and so
        on); what is missing is found or downloaded.

    Raises
    ------
    WeightsError
        A file is missing, damaged, another network's, or cannot be fetched.
    """

    name = "lpips"
    resize = "none"
    # The layer's dimensions follow the images' size.
    layers: Mapping[str, int] = MappingProxyType({"perceptual": 0})
    feature_layer = "perceptual"

    def __init__(self, path: str | None = None) -> None:
        # Imported here, because importing torchvision costs two seconds.
        from torchvision.models import vgg16

        found, network = weights.resolve(weights.WEIGHTS["vgg16"], path)
        state = weights.load_state_dict(found)
        channels = {name: value for name, value in state.items() if name.startswith("lin")}
        trunk = {name: value for name, value in state.items() if name.startswith("features.")}
        if not channels:
            file = weights.WEIGHTS["lpips-vgg16"]
            channels = weights.load_state_dict(weights.fetch(file))
            network += f"+{file.name}:{file.sha256[:8]}"
        self.identity = f"lpips/{network}".replace("/", "-")
        self.net = filled_from(
            lambda: _Features(vgg16(weights=None, init_weights=False).features), trunk, where=shown(found)
        )
        self.roots = [_root(channels, stage, shown(found)) for stage in range(len(STAGES))]

    def to(self, device: torch.device) -> None:
        self.net.to(device)
        self.roots = [root.to(device) for root in self.roots]

    def layer_for(self, need: Need) -> str:
        """Return the perceptual layer; refuse a metric that reads any other (UsageError)."""
        if need.layer != PERCEPTUAL_LAYER:
            what = "the extractor lpips measures perceptual distances and has no features of fixed length"
            raise UsageError(what, where="extractor", hint="Use it for lpips_diversity and PPL alone")
        return self.feature_layer

    def prepare(self, images: Images) -> Tensor:
        return self.prepare_float(images.to(torch.float32).mul_(2 / 255).sub_(1))

    def prepare_float(self, images: Tensor) -> Tensor:
        """Images in -1..1, float32 [N, 3, H, W], as the network's input."""
        height, width = images.shape[-2:]
        if min(height, width) < SMALLEST:
            what = f"an image is {height} x {width} pixels; LPIPS needs at least {SMALLEST} on each side"
            raise InputError(what, where="lpips", hint="Enlarge the images", code="E-SHAPE")
        shift, scale = (torch.tensor(v, device=images.device)[:, None, None] for v in (SHIFT, SCALE))
        return (images - shift) / scale

    def forward(self, inputs: Tensor, layers: Sequence[str]) -> dict[str, Tensor]:
        parts = []
        for (start, stop), root in zip(STAGES, self.roots, strict=True):
            inputs = self.net.features[start:stop](inputs)
            length = inputs.square().sum(dim=1, keepdim=True).sqrt() + TINY
            positions = inputs.shape[-1] * inputs.shape[-2]
            parts.append((inputs / length * (root[:, None, None] / positions**0.5)).flatten(1))
        return dict.fromkeys(layers, torch.cat(parts, dim=1))


class _Features(torch.nn.Module):
    """VGG16 without its classifier, whose weights LPIPS does not need."""

    def __init__(self, features: torch.nn.Sequential) -> None:
        super().__init__()
        self.features = features


def _root(channels: Mapping[str, Tensor], stage: int, where: str) -> Tensor:  # [C]
    """The roots of the weights of a stage's channels (WeightsError)."""
    name = f"lin{stage}.model.1.weight"
    if name not in channels or bool((channels[name] < 0).any()):
        trouble = "lacks" if name not in channels else "has negative values in"
        raise WeightsError(f"not the weights of LPIPS: the file {trouble} {name}", where=where, code="E-LAYOUT")
    return channels[name].flatten().float().sqrt()


EXTRACTOR = ExtractorRecord(
    name="lpips",
    load=Lpips,
    download=True,
    summary="perceptual distances of VGG16 (LPIPS 0.1), for lpips_diversity and PPL alone",
    domain=PHOTOGRAPHS,
)
