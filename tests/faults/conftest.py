"""What the tests of faults share: the process that forks children for them, and two small sets of images."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import nursery as nurseries
import pytest
from nursery import Nursery
from PIL import Image


@pytest.fixture(scope="session")
def nursery() -> Iterator[Nursery]:
    with nurseries.opened() as opened:
        yield opened


@pytest.fixture(scope="session")
def sets(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Twenty real and twenty fake images of 8 pixels."""
    root = tmp_path_factory.mktemp("sets")
    for seed, name in enumerate(("real", "fake")):
        (root / name).mkdir()
        rng = np.random.default_rng(seed)
        for index in range(20):
            pixels = rng.integers(0, 200 + 50 * seed, (8, 8, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(root / name / f"{index:02}.png")
    return root / "real", root / "fake"
