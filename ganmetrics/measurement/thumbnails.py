"""Small pictures of a set's images, kept while it is read, for galleries and for checks of the pixels themselves."""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING

import torch

from ganmetrics.extractors.resize import in_float32
from ganmetrics.numerics.resampling import seeded

if TYPE_CHECKING:
    from torch import Tensor

    from ganmetrics.types import Images

# Pixels of the longer side at most.
SIDE = 96
# Bytes for one set: 10,000 pictures of the largest size.
BUDGET = 300 << 20
# Bytes of images that are shrunk together.
PART_BYTES = 16 << 20
# Images that a set without a known count may have.
UNKNOWN = 100_000
SAMPLE_SEED = 2020


class Thumbnails:
    """The images of a set in their order, shrunk to a common limit where they are larger.

    Parameters
    ----------
    count : int or None
        How many images will come, as far as is known: of more than 10,000 the pictures are smaller, so that those of up
        to a million take about 300 MiB at most. Where nothing is known 100,000 are taken for granted.
    """

    def __init__(self, count: int | None = None) -> None:
        self.side = max(8, min(SIDE, int((BUDGET / (3 * (count or UNKNOWN))) ** 0.5)))
        self.runs: list[Images] = []
        self.starts: list[int] = []
        self.count = 0
        self.order: Tensor | None = None

    def add(self, images: Images, places: Tensor | None = None) -> None:
        """Take in uint8 images [N, 3, H, W]; ``places`` are of no interest before ``reorder``."""
        self._append(_shrunk(images.cpu(), self.side))

    def merge(self, other: Thumbnails) -> None:
        """Take in the pictures of another part of the set, which were made for a set of the same size."""
        for pictures in other.runs:
            self._append(pictures)

    def reorder(self, order: Tensor) -> None:
        """Put the pictures into another order, int64 [N]."""
        self.order = order

    def _append(self, pictures: Images) -> None:
        self.runs.append(pictures)
        self.starts.append(self.count)
        self.count += len(pictures)

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> Tensor:
        """The picture of one image, uint8 [3, h, w]."""
        index = index if self.order is None else int(self.order[index])
        run = bisect_right(self.starts, index) - 1
        return self.runs[run][index - self.starts[run]]

    def sample(self, size: int) -> list[int]:
        """The places of a seeded draw, in random order."""
        order: list[int] = seeded(SAMPLE_SEED).permutation(self.count)[:size].tolist()
        return order

    def stacked(self, places: list[int]) -> Images | None:
        """Some pictures as [n, 3, h, w]; ``None`` where they have several sizes."""
        pictures = [self[index] for index in places]
        is_alike = len({picture.shape for picture in pictures}) == 1
        return torch.stack(pictures) if is_alike else None


def _shrunk(images: Images, side: int) -> Images:
    """Images whose longer side is at most so many pixels; a copy in any case."""
    longest = max(images.shape[2:])
    if longest <= side:
        return images.clone()
    height, width = (max(1, round(n * side / longest)) for n in images.shape[2:])
    return at_size(images, height, width)


def at_size(images: Images, height: int, width: int) -> Images:
    """Images of another size by means over areas; themselves where it is theirs."""
    from torch.nn.functional import adaptive_avg_pool2d

    if images.shape[2:] == (height, width):
        return images
    step = max(1, min(64, PART_BYTES // images[0].nbytes)) if len(images) else 1
    return torch.cat(
        [
            in_float32(part, lambda x: adaptive_avg_pool2d(x, (height, width))).round_().byte()
            for part in images.split(step)
        ]
    )
