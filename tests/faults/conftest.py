"""What the tests of faults share: the process that forks children for them, and two small sets of images."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import nursery as nurseries
import pytest
from noise_folders import real_and_fake
from nursery import Nursery


@pytest.fixture(scope="session")
def nursery() -> Iterator[Nursery]:
    with nurseries.opened() as opened:
        yield opened


@pytest.fixture(scope="session")
def sets(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Twenty real and twenty fake images of 8 pixels."""
    return real_and_fake(tmp_path_factory.mktemp("sets"), 20, (8, 8), 50)
