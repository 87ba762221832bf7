"""``torchvision-inception``: torchvision's Inception v3 with 1000 classes, which is not the network of the literature.

Its Inception Score and FID are far from those of the FID Inception: the name stands in every title and signature.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING

from torch import nn

from ganmetrics._files import shown
from ganmetrics.errors import UsageError
from ganmetrics.extractors._inception_net import SIZE
from ganmetrics.extractors.extractor import PHOTOGRAPHS, Extractor, ExtractorRecord
from ganmetrics.extractors.resize import INPUTS
from ganmetrics.extractors.weights import weight_store as weight_files
from ganmetrics.extractors.weights.fill import filled_from

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from ganmetrics.types import Images


class TorchvisionInception(Extractor):
    """torchvision's ``inception_v3`` with its published weights.

    Parameters
    ----------
    path : str or None
        The file, such as ``inception_v3_google-0cc3c7bd.pth``; there is no other way to have it.

    Raises
    ------
    UsageError
        No file.
    WeightsError
        A missing or damaged file, or another network's.

    Notes
    -----
    Inputs are 2x - 1, which is what torchvision's own transform of ImageNet's normalisation comes to.
    """

    name = "torchvision-inception"
    resize = "pytorch-fid-bilinear"
    layers: Mapping[str, int] = MappingProxyType({"2048": 2048, "logits": 1000})
    feature_layer = "2048"
    logits_layer = "logits"

    def __init__(self, path: str | None = None) -> None:
        if not path:
            what = f"the extractor {self.name} needs its weights, whose full SHA-256 is not published"
            hint = "Pass torchvision's inception_v3_google-0cc3c7bd.pth as `weights`"
            raise UsageError(what, where="weights", hint=hint)
        # Imported here, because importing torchvision costs two seconds.
        from torchvision.models import inception_v3

        state = weight_files.load_state_dict(path)
        net = filled_from(lambda: inception_v3(weights=None, init_weights=False), state, where=shown(path))
        self.last, net.fc = net.fc, nn.Identity()
        self.net = net
        self.identity = f"torchvision-inception:{weight_files.digest(path)[:8]}"

    def to(self, device: torch.device) -> None:
        self.net.to(device)
        self.last.to(device)

    def prepare(self, images: Images) -> Tensor:
        return INPUTS[self.resize](images, SIZE)

    def forward(self, inputs: Tensor, layers: Sequence[str]) -> dict[str, Tensor]:
        features = self.net(inputs)
        found = {"2048": features, "logits": self.last(features)}
        return {name: found[name] for name in layers}


EXTRACTOR = ExtractorRecord(
    name="torchvision-inception",
    load=TorchvisionInception,
    download=True,
    summary="torchvision's Inception v3, 1000 classes, from a file given as weights; not the literature's network",
    domain=PHOTOGRAPHS,
)
