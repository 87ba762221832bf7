"""Images between their source and the network: cut once, where a batch of the network ends."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from ganmetrics.numerics.memory import memory_budget

if TYPE_CHECKING:
    from torch import Tensor

    from ganmetrics.types import Images

PIECE_BYTES = 16 << 20  # of images that are resized together, which take four times that in float32


class Piece(NamedTuple):
    """Neighbouring images of one size that belong to one batch of the network.

    Attributes
    ----------
    images : Tensor, uint8 [n, 3, H, W]
    indices : Tensor, int64 [n]
        Where the images stand in the set.
    ends_batch : bool
        Whether the batch is whole with these images.
    """

    images: Images
    indices: Tensor
    ends_batch: bool


class Batches:
    """Cuts images that come in tensors of any length into the pieces of batches, without copying them.

    Parameters
    ----------
    size : int
        Images in a batch of the network.
    """

    def __init__(self, size: int) -> None:
        self.size = self.room = size

    def cut(self, images: Images, indices: Tensor) -> Iterator[Piece]:
        """Pieces of uint8 images [N, 3, H, W], none of which reaches into the next batch."""
        while len(images):
            count = min(len(images), self.room, most_together(images))
            self.room -= count
            yield Piece(images[:count], indices[:count], not self.room)
            self.room = self.room or self.size
            images, indices = images[count:], indices[count:]

    def restart(self) -> None:
        """Begin a new batch with the next image."""
        self.room = self.size


def most_together(images: Images) -> int:
    """How many images of that shape may be resized together within the limit of memory."""
    return max(1, min(PIECE_BYTES, memory_budget() // 16) // images[0].nbytes)
