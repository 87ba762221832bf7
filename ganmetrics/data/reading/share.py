"""Which images of a set one of several readers takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

BLOCK = 512  # a multiple of what functions are asked for at a time, and small against any set worth dividing


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

    @property
    def is_whole(self) -> bool:
        """Whether it is the whole set."""
        return self.world == 1 and not self.start and self.stop is None

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
