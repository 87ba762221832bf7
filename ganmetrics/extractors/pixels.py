"""``pixels``: no network at all, the mean colour of an 8 x 8 grid; for tests and quick looks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING

import torch
from torch.nn import functional as F

from ganmetrics.errors import UsageError
from ganmetrics.extractors.extractor import ANYTHING, Extractor, ExtractorRecord
from ganmetrics.extractors.resize import in_float32

if TYPE_CHECKING:
    from torch import Tensor

    from ganmetrics.types import Images

SIZE = 8
COARSE = "it compares the mean colours of an 8 x 8 grid"


class Pixels(Extractor):
    """The mean of each channel, in 0..1, over each cell of an 8 x 8 grid: 192 features of an image of any size."""

    name = "pixels"
    identity = "pixels-8x8"
    resize = "area"
    layers: Mapping[str, int] = MappingProxyType({"features": 3 * SIZE * SIZE})
    feature_layer = "features"

    def __init__(self, path: str | None = None) -> None:
        if path:
            raise UsageError("the extractor 'pixels' has no weights", where=path, hint="Leave `weights` out")

    def to(self, device: torch.device) -> None:
        """Nothing to move."""

    def prepare(self, images: Images) -> Tensor:
        return in_float32(images, lambda x: F.adaptive_avg_pool2d(x, SIZE)) / 255

    def forward(self, inputs: Tensor, layers: Sequence[str]) -> dict[str, Tensor]:
        return {name: inputs.flatten(1) for name in layers}


EXTRACTOR = ExtractorRecord(
    name="pixels",
    load=Pixels,
    download=False,
    summary="8 x 8 mean colours, no weights; 192",
    domain=ANYTHING._replace(blind_to_kinds=COARSE, blind_to_detail=COARSE),
)
