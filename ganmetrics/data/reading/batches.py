"""How a set is divided: into shares of several readers, and into batches of the network."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from ganmetrics.numerics.memory import memory_budget

if TYPE_CHECKING:
    from torch import Tensor

    from ganmetrics.types import Images

# Bytes of images that are resized together, which take four times that in float32.
PIECE_BYTES = 16 << 20
# A multiple of what functions are asked for at a time, and small against any set worth dividing.
BLOCK = 512


@dataclass(frozen=True)
class Share:
    """Blocks of 512 neighbouring images, dealt out in turn: no image twice, none added, any number of readers.

    Attributes
    ----------
    rank, world : int
        This reader among how many.
    start, stop : int
        The stretch that is dealt out; ``stop`` is ``None`` for the set's end.
    """

    rank: int = 0
    world: int = 1
    start: int = 0
    stop: int | None = None

    def places(self, count: int) -> Tensor:
        """The places of this share among ``count`` images, int64, rising."""
        import torch

        places = torch.arange(self.start, count if self.stop is None else min(self.stop, count))
        return places[self.has(places)]

    def has(self, places: Tensor) -> Tensor:
        """Which places belong to it: int64 [N] -> bool [N]."""
        is_mine = ((places - self.start) // BLOCK) % self.world == self.rank
        is_mine &= places >= self.start
        return is_mine if self.stop is None else is_mine & (places < self.stop)


WHOLE = Share()


@dataclass(frozen=True, kw_only=True, eq=False)
class Among(Share):
    """A share of some chosen places of a set, as a share of the whole set.

    Attributes
    ----------
    chosen : Tensor, int64 [N]
        Rising.
    inner : Share
        Of the chosen ones.
    """

    chosen: Tensor
    inner: Share

    def places(self, count: int) -> Tensor:
        """The places of this share, int64, rising."""
        return self.chosen[self.inner.places(len(self.chosen))]

    def has(self, places: Tensor) -> Tensor:
        """Which places belong to it: int64 [N] -> bool [N]."""
        import torch

        at = torch.searchsorted(self.chosen, places)
        is_chosen = self.chosen[at.clamp(max=len(self.chosen) - 1)] == places
        return is_chosen & self.inner.has(at)


@dataclass(frozen=True, kw_only=True, eq=False)
class Behind(Share):
    """A share of a set, as a share of a part that stands in the set behind so many images.

    Attributes
    ----------
    offset : int
    inner : Share
        Of the whole set.
    """

    offset: int
    inner: Share

    def places(self, count: int) -> Tensor:
        """The places of this share among the part's images, int64, rising."""
        import torch

        places = torch.arange(count)
        return places[self.has(places)]

    def has(self, places: Tensor) -> Tensor:
        """Which places of the part belong to it: int64 [N] -> bool [N]."""
        return self.inner.has(places + self.offset)


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


def most_together(images: Images) -> int:
    """How many images of that shape may be resized together within the limit of memory."""
    return max(1, min(PIECE_BYTES, memory_budget() // 16) // images[0].nbytes)
