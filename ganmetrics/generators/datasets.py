"""The images that the reference generators are trained on."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import torch
from torch.nn import functional as F

from ganmetrics.data.torchvision_set import load_dataset
from ganmetrics.registry import unknown

if TYPE_CHECKING:
    from torch import Tensor

NAMES = {"mnist": "MNIST", "fashion": "FashionMNIST"}


class Labelled(NamedTuple):
    """Grey images, uint8 [N, 1, H, W], and their classes, int64 [N]."""

    images: Tensor
    labels: Tensor


def load_grey(name: str, root: str | None = None, *, split: str = "train", size: int = 28) -> Labelled:
    """Load MNIST or Fashion-MNIST, padded to a size.

    Parameters
    ----------
    name : {"mnist", "fashion"}
    root : str, optional
        A torchvision root, which holds ``MNIST/raw``; by default the folder of ``GANMETRICS_DATA_DIR``, else the
        user's cache, and the data are downloaded into it.
    split : {"train", "test"}
    size : int
        28, or 32 for images with a border of two black pixels.

    Raises
    ------
    UsageError
        Another name.
    InputError
        The data are neither there nor to be had.
    """
    if name not in NAMES:
        raise unknown("data set", name, list(NAMES))
    dataset = load_dataset(NAMES[name], split, folder=root)
    images: Tensor = dataset.data.unsqueeze(1)
    # Black pixels on all four sides.
    border = (size - images.shape[-1]) // 2
    return Labelled(F.pad(images, [border] * 4), dataset.targets.long())


def to_range(images: Tensor) -> Tensor:
    """Convert uint8 0..255 to float32 in -1..1."""
    return images.to(torch.float32) / 127.5 - 1
