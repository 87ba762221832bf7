"""``vgg16``: ImageNet's VGG16, whose second fully connected layer improved precision and recall reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING

import torch
from torch.nn import functional as F

from ganmetrics._files import shown
from ganmetrics.errors import UsageError
from ganmetrics.features import weights as weight_files
from ganmetrics.features.base import Extractor, ExtractorRecord
from ganmetrics.features.random_vgg16 import MEAN, STD
from ganmetrics.features.resize import tf1_bilinear
from ganmetrics.features.states import filled_from

if TYPE_CHECKING:
    from torch import Tensor

    from ganmetrics.types import Images

SIZE = 224
FC2 = 4  # modules of the classifier up to the second fully connected layer, before its rectification


class VGG16(Extractor):
    """VGG16 with weights in torchvision's layout, as torch-fidelity reads it.

    Parameters
    ----------
    path : str or None
        The file, such as torchvision's ``vgg16-397923af.pth``; there is no other way to have it.

    Raises
    ------
    UsageError
        No file.
    WeightsError
        A missing or damaged file, or another network's.

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
        if not path:
            raise needs_file(self.name, "vgg16-397923af.pth")
        from torchvision.models import vgg16  # here, because importing torchvision costs two seconds

        state = weight_files.load_state_dict(path)
        self.net = filled_from(lambda: vgg16(weights=None, init_weights=False), state, where=shown(path))
        self.identity = f"vgg16:{weight_files.digest(path)[:8]}"

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


def needs_file(name: str, file: str) -> UsageError:
    """The error for a network whose weights the user must bring."""
    what = f"the extractor {name} needs its weights, which are not part of the package"
    return UsageError(what, where="weights", hint=f"Pass torchvision's {file} (--weights FILE)")


EXTRACTOR = ExtractorRecord(
    name="vgg16",
    load=VGG16,
    download=True,
    summary="VGG16 of ImageNet for precision and recall, from torchvision's file (--weights); fc2, fc2_relu, logits",
)
