"""Checks of pixels on this machine: the decoder, and resizing where rules differ most."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import resources

import numpy as np
import torch

from ganmetrics.data.reading.decode import decode
from ganmetrics.data.reading_choices import Reading
from ganmetrics.extractors.resize import pillow_bicubic, pytorch_bilinear, tf1_bilinear
from ganmetrics.selftest.check import Check

# A grid of single bright pixels, one for each pixel of the image of side 299 that it shrinks to.
SIDE, STEP = 2392, 8
# Decoders that follow the JPEG standard may differ by so many pixel values.
LEVELS = 2.0


def images() -> Iterator[Check]:
    """Check a JPEG with coloured edges beside its recorded pixels, and a grid of bright pixels that is shrunk."""
    folder = resources.files("ganmetrics.selftest")
    jpeg, recorded = (
        decode(folder.joinpath(name).read_bytes(), Reading()).pixels for name in ("edges.jpg", "edges.png")
    )
    largest = float(np.abs(jpeg.astype(int) - recorded).max())
    yield Check("largest difference of a decoded JPEG, in levels", largest, 0.0, LEVELS)
    on, off = _grid(0), _grid(3)
    yield Check("clean-fid's resize of a grid", float(pillow_bicubic(off, 299).mean()), 255 / STEP**2, 0.05)
    yield Check("pytorch-fid's resize, beside the grid", float(pytorch_bilinear(on, 299).mean()), 0.0, 1e-7)
    yield Check("pytorch-fid's resize, on the grid", float(pytorch_bilinear(off, 299).mean()), 0.25, 1e-6)
    yield Check("TensorFlow 1's resize, on the grid", float(tf1_bilinear(on, 299).mean()), 255.0, 1e-4)
    yield Check("TensorFlow 1's resize, beside the grid", float(tf1_bilinear(off, 299).mean()), 0.0, 1e-7)


def _grid(start: int) -> torch.Tensor:  # -> uint8 [1, 3, SIDE, SIDE]
    grid = torch.zeros(1, 3, SIDE, SIDE, dtype=torch.uint8)
    grid[:, :, start::STEP, start::STEP] = 255
    return grid
