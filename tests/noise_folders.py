"""Two small folders of noise, the fakes brighter than the reals."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image


def real_and_fake(root: Path, count: int, size: tuple[int, int], brighter: int) -> tuple[Path, Path]:
    """Folders of PNG files of that (height, width); the fakes reach so many levels higher than 200."""
    for seed, name in enumerate(("real", "fake")):
        (root / name).mkdir()
        rng = np.random.default_rng(seed)
        for index in range(count):
            pixels = rng.integers(0, 200 + brighter * seed, (*size, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(root / name / f"{index:03d}.png")
    return root / "real", root / "fake"
