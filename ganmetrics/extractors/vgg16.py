"""``vgg16``: ImageNet's VGG16, whose second fully connected layer improved precision and recall reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING

import torch
from torch.nn import functional as F

from ganmetrics._files import shown
from ganmetrics.extractors.extractor import PHOTOGRAPHS, Extractor, ExtractorRecord
from ganmetrics.extractors.random_vgg16 import MEAN, STD
from ganmetrics.extractors.resize import tf1_bilinear
from ganmetrics.extractors.weights import weight_store as weights
from ganmetrics.extractors.weights.fill import filled_from

if TYPE_CHECKING:
    from torch import Tensor

    from ganmetrics.types import Images

SIZE = 224
# Modules of the classifier up to the second fully connected layer, before its rectification.
FC2 = 4


class VGG16(Extractor):
    """VGG16 with weights in torchvision's layout, as torch-fidelity reads it.

    Parameters
    ----------
    path : str or None
        A file of torchvision's layout; ``None`` finds or downloads torchvision's own.

    Raises
    ------
    WeightsError
        The file is missing, damaged, another network's, or cannot be fetched.

    Notes
    -----
    Images are brought to 224 pixels by TensorFlow 1's bilinear rule. NVIDIA's conversion, which StyleGAN's papers use,
    is under another licence and gives other, lower values.

    References
    ----------
    Simonyan, Zisserman: Very Deep Convolutional Networks for Large-Scale Image Recognition. ICLR 2015, arXiv:1409.1556.
    """

    name = "vgg16"
    resize = "tf1-bilinear-224"
    layers: Mapping[str, int] = MappingProxyType({"fc2": 4096, "fc2_relu": 4096, "logits": 1000})
    feature_layer = "fc2_relu"
    logits_layer = "logits"

    def __init__(self, path: str | None = None) -> None:
        # Imported here, because importing torchvision costs two seconds.
        from torchvision.models import vgg16

        found, self.identity = weights.resolve(weights.WEIGHTS["vgg16"], path)
        state = weights.load_state_dict(found)
        self.net = filled_from(lambda: vgg16(weights=None, init_weights=False), state, where=shown(found))

    def to(self, device: torch.device) -> None:
        self.net.to(device)

    def prepare(self, images: Images) -> Tensor:
        mean, std = (255 * torch.tensor(v, device=images.device)[:, None, None] for v in (MEAN, STD))
        return tf1_bilinear(images, SIZE).sub_(mean).div_(std)

    def forward(self, inputs: Tensor, layers: Sequence[str]) -> dict[str, Tensor]:
        x = self.net.avgpool(self.net.features(inputs)).flatten(1)
        fc2 = self.net.classifier[:FC2](x)
        rectified = F.relu(fc2)
        found = {"fc2": fc2, "fc2_relu": rectified, "logits": self.net.classifier[-1](rectified)}
        return {name: found[name] for name in layers}


EXTRACTOR = ExtractorRecord(
    name="vgg16",
    load=VGG16,
    download=True,
    summary="VGG16 of ImageNet, torchvision's, for precision and recall; layers fc2, fc2_relu, logits",
    domain=PHOTOGRAPHS,
)
