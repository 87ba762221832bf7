"""``inception``: the network of FID, Inception Score and KID in the literature, with TensorFlow 1's resize inside."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ganmetrics._files import shown
from ganmetrics.extractors._inception_net import LAYERS, SIZE, SPATIAL_CHANNELS, InceptionNet
from ganmetrics.extractors.extractor import PHOTOGRAPHS, Extractor, ExtractorRecord
from ganmetrics.extractors.resize import INPUTS
from ganmetrics.extractors.weights import weight_store as weights

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from ganmetrics.types import Images


class Inception(Extractor):
    """The FID Inception network of 2015-12-05.

    Parameters
    ----------
    path : str or None
        A weights file of the published layout; ``None`` finds or downloads the published one.
    exact : bool
        Keep the peers' order of operations; see ``InceptionNet``.

    Raises
    ------
    WeightsError
        The file is missing, damaged, of another layout, or cannot be fetched.
    """

    name = "inception"
    resize = "tf1-bilinear"
    resizes = INPUTS
    layers = LAYERS | {"spatial": SPATIAL_CHANNELS * 17**2}
    feature_layer = "2048"
    logits_layer = "logits_unbiased"

    def __init__(self, path: str | None = None, *, exact: bool = False) -> None:
        if exact:
            self.name = "inception-exact"
        found, self.identity = weights.resolve(weights.WEIGHTS["inception-2015-12-05"], path)
        self.net = InceptionNet(exact=exact).load(weights.load_state_dict(found), shown(found))

    def to(self, device: torch.device) -> None:
        self.net.to(device)

    def prepare(self, images: Images) -> Tensor:
        return INPUTS[self.resize](images, SIZE)

    def forward(self, inputs: Tensor, layers: Sequence[str]) -> dict[str, Tensor]:
        return self.net(inputs, layers)


EXTRACTOR = ExtractorRecord(
    name="inception",
    load=Inception,
    download=True,
    summary="FID Inception 2015-12-05, 1008 classes; layers 64, 192, 768, 2048, logits_unbiased, logits",
    domain=PHOTOGRAPHS,
    resizes=INPUTS,
)
