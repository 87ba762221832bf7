"""Copies of reference images in a submission: equal to the pixel, or but for a flip, a crop or compression."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from torch.nn.functional import adaptive_avg_pool2d

from ganmetrics.diagnosis.limits import quantile
from ganmetrics.diagnosis.near_copies import QUANTILE, SHARE
from ganmetrics.measurement.image_record import PixelDigests
from ganmetrics.numerics.neighbors import nearest, nearest_other

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable

    from torch import Tensor

    from ganmetrics.types import Images

# Side of the small pictures that are compared.
SIDE = 16


class Pictures(NamedTuple):
    """Small grey pictures of a set's images, under each view, and the digests of their pixels.

    Attributes
    ----------
    digests : Tensor, uint8 [N, 16]
    views : Tensor, uint8 [V, N, 256]
    """

    digests: Tensor
    views: Tensor

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write pictures and digests as npz."""
        from ganmetrics._files import atomic_write

        with atomic_write(path) as stream:
            np.savez_compressed(stream, digests=self.digests.numpy(), views=self.views.numpy())

    @staticmethod
    def load(path: str | os.PathLike[str]) -> Pictures:
        """Read what ``save`` wrote."""
        with np.load(path, allow_pickle=False) as file:
            return Pictures(torch.from_numpy(file["digests"]), torch.from_numpy(file["views"]))


class Copies(NamedTuple):
    """Images of a submission that equal others.

    Attributes
    ----------
    exact, near : list of (int, int)
        Indices of a submitted and a reference image: equal to the pixel, and nearly equal (which includes equal).
    num_fakes, num_repeated : int
        Images, and those that equal an earlier one of the submission.
    """

    exact: list[tuple[int, int]]
    near: list[tuple[int, int]]
    num_fakes: int
    num_repeated: int

    @property
    def exact_share(self) -> float:
        """The share of the images that equal a reference image to the pixel."""
        return len(self.exact) / self.num_fakes

    @property
    def near_share(self) -> float:
        """The share of the images that nearly equal a reference image."""
        return len(self.near) / self.num_fakes

    @property
    def repeated_share(self) -> float:
        """The share of the images that equal an earlier one of the submission."""
        return self.num_repeated / self.num_fakes


def pictures(batches: Iterable[Images], *, is_reference: bool) -> Pictures:
    """Return small pictures of images; those of a reference under every view."""
    digests, views = PixelDigests(), []
    for images in batches:
        digests.add(images)
        views.append(torch.stack([_small(each) for each in _views(images, is_reference)]))
    return Pictures(digests.tensor(), torch.cat(views, dim=1))


def copies(reference: Pictures, fake: Pictures) -> Copies:
    """Find copies of reference images in a submission.

    Notes
    -----
    Two pictures are nearly equal within half of the first percentile of the distances from a reference image to its
    nearest other, within which held-out images rarely are.
    """
    exact = _exact(reference.digests, fake.digests)
    first = reference.views[0].float()
    own = nearest_other(first)[1].sqrt()
    # Equal reference images say nothing of how near different ones are.
    own = own[own > 0]
    near = dict(exact)
    if len(own):
        bank = reference.views.float().flatten(0, 1)
        # [V * N, 256]: row i of view v is v * N + i.
        places, squares = nearest(fake.views[0].float(), bank)
        near_places = (squares.sqrt() <= SHARE * quantile(own, QUANTILE)).nonzero()[:, 0]
        for index in near_places.tolist():
            near.setdefault(index, int(places[index]) % len(first))
    repeated = len(fake.digests) - len({bytes(row) for row in fake.digests.numpy()})
    return Copies(exact, sorted(near.items()), len(fake.digests), repeated)


def _exact(reference: Tensor, fake: Tensor) -> list[tuple[int, int]]:
    where = {bytes(row): index for index, row in reversed(list(enumerate(reference.numpy())))}
    rows = ((index, where.get(bytes(row))) for index, row in enumerate(fake.numpy()))
    return [(index, place) for index, place in rows if place is not None]


def _views(images: Images, is_reference: bool) -> Iterator[Images]:
    yield images
    if not is_reference:
        return
    # A crop of one pixel defeats digests.
    cropped = images[..., 1:-1, 1:-1] if min(images.shape[-2:]) > 2 else images
    yield images.flip(-1)
    yield cropped
    yield cropped.flip(-1)


def _small(images: Images) -> Tensor:  # uint8 [N, 3, H, W] -> uint8 [N, 256]
    # Small grey pictures outlast compression and recolouring.
    grey = images.float().mean(dim=1, keepdim=True)
    return adaptive_avg_pool2d(grey, (SIDE, SIDE)).round_().byte().flatten(1)
