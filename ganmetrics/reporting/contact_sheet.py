"""A grid of images as one PNG."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from ganmetrics._files import atomic_write

if TYPE_CHECKING:
    from ganmetrics.types import Images

GAP, BACKGROUND = 2, 64


def contact_sheet(images: Images, columns: int, *, scale: int = 1) -> Image.Image:
    """Draw images row by row on a dark ground, each enlarged ``scale`` times without smoothing.

    Parameters
    ----------
    images : uint8 [N, 3, H, W], N >= 1
    columns : int
    scale : int
    """
    tiles = images.permute(0, 2, 3, 1).cpu().numpy().repeat(scale, axis=1).repeat(scale, axis=2)
    count, height, width, _ = tiles.shape
    rows = -(-count // columns)
    shape = (rows * (height + GAP) + GAP, columns * (width + GAP) + GAP, 3)
    sheet = np.full(shape, BACKGROUND, dtype=np.uint8)
    for index, tile in enumerate(tiles):
        row, column = divmod(index, columns)
        top, left = GAP + row * (height + GAP), GAP + column * (width + GAP)
        sheet[top : top + height, left : left + width] = tile
    return Image.fromarray(sheet)


def save_png(image: Image.Image, path: str | os.PathLike[str], *, is_one_of_many: bool = False) -> None:
    """Write an image as PNG under exactly this name. The file is written whole or not at all."""
    with atomic_write(path, is_one_of_many=is_one_of_many) as stream:
        image.save(stream, format="PNG")
