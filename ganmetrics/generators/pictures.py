"""A picture of a generator's samples, for its card."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from ganmetrics._files import atomic_write
from ganmetrics.generators.cards import SAMPLES
from ganmetrics.reporting.contact_sheet import contact_sheet, save_png

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor

    from ganmetrics.generators.system import Sampler, System

# Pixels of the side of a picture of points.
SIDE = 320


def save_samples(sampler: Sampler, system: System, folder: Path) -> None:
    """Write ``samples.png`` of 100 images or 2,500 points of seed 0, or ``samples.txt`` of 20 sequences."""
    if system.makes == "images":
        images = system.preview(sampler) if system.preview else sampler(100, seed=0)
        save_png(contact_sheet(images, 10, scale=2), folder / SAMPLES)
    elif system.makes == "points":
        save_png(points_picture(sampler(2500, seed=0)), folder / SAMPLES)
    else:
        lines = [" ".join(str(token) for token in row) for row in sampler(20, seed=0).tolist()]
        with atomic_write(folder / "samples.txt") as stream:
            stream.write(("\n".join(lines) + "\n").encode())


def points_picture(points: Tensor) -> Image.Image:
    """Draw points [N, 2] as dark marks on white; both axes have one scale that holds all points, y upwards."""
    reach = float(points.abs().max()) * 1.05 or 1.0
    cells = ((points / reach + 1) / 2 * (SIDE - 1)).round().long().clamp(0, SIDE - 1).numpy()
    pixels = np.full((SIDE, SIDE), 255, dtype=np.int32)
    np.subtract.at(pixels, (SIDE - 1 - cells[:, 1], cells[:, 0]), 60)
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))
