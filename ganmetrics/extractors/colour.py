"""``colour``: an embedded network for colour images, trained on procedural pictures; its scores are its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

import torch

from ganmetrics.extractors._arithmetic import in_pieces
from ganmetrics.extractors._colour_net import FEATURE_DIM, SIZE, ColourNet
from ganmetrics.extractors.extractor import Domain, Extractor, ExtractorRecord
from ganmetrics.extractors.resize import antialiased_bilinear
from ganmetrics.extractors.weights import weight_store as weights
from ganmetrics.extractors.weights.fill import filled

if TYPE_CHECKING:
    from torch import Tensor

    from ganmetrics.types import Images

# The longer side of an image: of a larger one, four crops would show little.
MOST_PIXELS = 512
# Centres of the crops, as shares of height and width.
CENTRES = [(0.25, 0.25), (0.25, 0.75), (0.75, 0.25), (0.75, 0.75)]


class Colour(Extractor):
    """Statistics of a small convolutional network: what shapes and textures an image has, and how it is damaged.

    The network was trained on procedural pictures to tell their shapes, textures and distortions. It has never seen
    a photograph. Use it for colour images where no weights can be downloaded. It sees blur, noise, compression,
    warping, repeats and missing kinds of shapes; it does not know what photographs show.

    Parameters
    ----------
    path : str or None
        Another weights file of the same layout; ``None`` takes the one in the package.

    Notes
    -----
    Each image is resized to 64 x 64 pixels with an antialiased filter. Of an image whose sides are both longer, four
    crops of 64 x 64 pixels are taken as well, because a resize would hide fine blur, noise and compression.
    """

    name = "colour"
    resize = "antialiased-64-crops"
    layers: Mapping[str, int] = MappingProxyType({"features": FEATURE_DIM})
    feature_layer = "features"
    # As many images as keep several threads busy with pieces of 16.
    least_batch = 128

    def __init__(self, path: str | None = None) -> None:
        file = Path(path) if path else Path(__file__).with_name(f"{self.name}.safetensors")
        self.net = filled(ColourNet, file).to(memory_format=torch.channels_last)
        self.identity = f"{self.name}:{weights.digest(file)[:8]}"

    def to(self, device: torch.device) -> None:
        self.net.to(device)

    def prepare(self, images: Images) -> Tensor:
        """The whole image and, of a large one, its crops: float32 [N, 1 or 5, 3, 64, 64] in 0..255."""
        views, sides = [antialiased_bilinear(images, SIZE)], images.shape[-2:]
        if min(sides) > SIZE:
            for centre in CENTRES:
                top, left = (_start(side, share) for side, share in zip(sides, centre, strict=True))
                views.append(images[..., top : top + SIZE, left : left + SIZE].to(torch.float32))
        return torch.stack(views, dim=1)

    def forward(self, inputs: Tensor, layers: Sequence[str]) -> dict[str, Tensor]:
        def run(piece: Tensor) -> dict[str, Tensor]:
            return dict.fromkeys(layers, self.net(piece))

        return in_pieces(run, inputs) if inputs.device.type == "cpu" else run(inputs)


def _start(side: int, share: float) -> int:
    """Where a crop about a share of a side begins, so that it ends within the side."""
    return min(max(round(side * share) - SIZE // 2, 0), side - SIZE)


EXTRACTOR = ExtractorRecord(
    name="colour",
    load=Colour,
    download=False,
    summary="embedded network for colour images, trained on procedural pictures; 242 features",
    domain=Domain("colour images of up to 512x512 pixels", most_pixels=MOST_PIXELS),
)
