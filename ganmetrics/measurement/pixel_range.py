"""How much of the range of pixel values a set of images fills, from black to white, and whether it is in colour."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import torch

if TYPE_CHECKING:
    from torch import Tensor

    from ganmetrics.types import Images

VALUES = 256
STRAY = 0.01  # share of a set's images that may reach beyond the others, such as a title page among dark scans
ROWS = 64  # of each image, in which values and colours are looked for; its extremes are of all pixels
COLOURED = 16  # difference between channels from which a pixel is no grey, whatever JPEG made of it


class Filled(NamedTuple):
    """The part of the range that a set fills.

    Attributes
    ----------
    low, high : int
        Pixel values in 0..255 between which all but a hundredth of the images stay.
    in_use : int
        How many different pixel values occur.
    is_coloured : bool
        Whether more than half of the images have colours.
    """

    low: int
    high: int
    in_use: int
    is_coloured: bool

    @property
    def share(self) -> float:
        """The share of 0..255 that lies between both ends, in 0..1."""
        return (self.high - self.low) / (VALUES - 1)


class PixelValues:
    """Counts of a set's images by what their pixels show; those of parts of a set add up to those of the whole.

    Attributes
    ----------
    counts : Tensor, int64 [4, 256]
        Images by their lowest value, images by their highest, pixels by value, images by their largest difference
        between the channels of a pixel.
    """

    def __init__(self) -> None:
        self.counts = torch.zeros(4, VALUES, dtype=torch.int64)

    def add(self, images: Images, low: Tensor, high: Tensor) -> None:
        """Take in uint8 images [N, 3, H, W] with the lowest and the highest value of each, uint8 [N]."""
        rows = images[:, :, :: max(1, images.shape[2] // ROWS)]
        difference = (rows.amax(dim=1) - rows.amin(dim=1)).flatten(1).amax(dim=1)
        found = [torch.bincount(each.flatten(), minlength=VALUES).cpu() for each in (low, high, rows, difference)]
        self.counts = self.counts + torch.stack(found)  # never in place: states share it

    def merge(self, other: PixelValues) -> None:
        """Take in the counts of another part of the set."""
        self.counts = self.counts + other.counts

    def filled(self) -> Filled | None:
        """The part of the range that the images fill; ``None`` without images."""
        lows, highs, values, differences = self.counts
        if not (total := int(lows.sum())):
            return None
        strays = int(STRAY * total)
        low = int((lows.cumsum(0) > strays).nonzero()[0])
        high = int((highs.flip(0).cumsum(0).flip(0) > strays).nonzero()[-1])
        is_coloured = int(differences[COLOURED + 1 :].sum()) > total / 2
        return Filled(low, high, int((values > 0).sum()), is_coloured)
