"""Bounds of the metrics of manifolds for any sets, and worse images that must be farther."""

from __future__ import annotations

import io
from collections.abc import Callable
from functools import cache
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFilter

import ganmetrics as gm
from ganmetrics import functional as F

COUNT = 400
Change = Callable[[Image.Image], Image.Image]


def drawn(count: int, dim: int, scale: float, seed: int) -> np.ndarray:
    """Rows of which some are repeated."""
    rng = np.random.RandomState(seed)
    rows = scale * rng.randn(count, dim)
    rows[rng.permutation(count)[: count // 4]] = rows[0]
    return rows


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(
    st.integers(6, 80), st.integers(6, 80), st.integers(1, 64), st.floats(1e-3, 1e3), st.floats(0, 3),
    st.integers(0, 2**32 - 2), st.integers(1, 5),
)  # fmt: skip
def test_shares_are_shares(
    count_r: int, count_f: int, dim: int, scale: float, shift: float, seed: int, neighbors: int
) -> None:
    real, fake = drawn(count_r, dim, scale, seed), drawn(count_f, dim, scale, seed + 1) + shift * scale
    for found in (
        F.precision_recall(real, fake, neighbors=neighbors),
        F.precision_recall(real, fake, neighbors=neighbors, inside="<"),
    ):
        assert 0 <= found.precision <= 1 and 0 <= found.recall <= 1
    found = F.density_coverage(real, fake, neighbors=neighbors)
    assert 0 <= found.coverage <= 1
    assert 0 <= found.density <= count_r / neighbors  # every fake in every ball


@settings(max_examples=30, deadline=None)
@given(st.integers(6, 80), st.integers(1, 64), st.floats(1e-3, 1e3), st.integers(0, 2**32 - 1), st.integers(1, 5))
def test_a_set_is_wholly_covered_by_itself(count: int, dim: int, scale: float, seed: int, neighbors: int) -> None:
    rows = scale * np.random.RandomState(seed).randn(count, dim)
    assert F.precision_recall(rows, rows, neighbors=neighbors)[:] == (1.0, 1.0)
    assert F.density_coverage(rows, rows, neighbors=neighbors).coverage == 1.0


@pytest.fixture(scope="module")
def real() -> gm.Statistics:
    return gm.measure(digits(1), extractor="digits")


@cache
def digits(seed: int) -> torch.Tensor:
    return gm.generators.load("dcgan-mnist")(COUNT, seed=seed)


def through(images: torch.Tensor, change: Change) -> torch.Tensor:
    """The images after a change to each of them."""
    arrays = images.permute(0, 2, 3, 1).numpy()
    changed = np.stack([np.asarray(change(Image.fromarray(each)).convert("RGB")) for each in arrays])
    return torch.from_numpy(changed).permute(0, 3, 1, 2).contiguous()


def blurred(strength: float) -> Callable[[torch.Tensor], torch.Tensor]:
    return lambda images: through(images, lambda image: image.filter(ImageFilter.GaussianBlur(strength)))


def compressed(quality: int) -> Callable[[torch.Tensor], torch.Tensor]:
    def change(image: Image.Image) -> Image.Image:
        stream = io.BytesIO()
        image.save(stream, "JPEG", quality=quality)
        return Image.open(stream)

    return lambda images: through(images, change)


def swapped(share: float) -> Callable[[torch.Tensor], torch.Tensor]:
    """Some of the digits are clothes."""
    num = round(share * COUNT)
    return lambda images: torch.cat([gm.generators.load("dcgan-fashion")(num, seed=0), images[num:]])


@pytest.mark.parametrize(
    ("change", "strengths"),
    [
        pytest.param(blurred, (0.0, 0.7, 1.2, 2.0), id="blur"),
        pytest.param(compressed, (100, 40, 15, 5), id="JPEG", marks=pytest.mark.slow),
        pytest.param(swapped, (0.05, 0.25, 0.5, 1.0), id="swap", marks=pytest.mark.slow),
    ],
)
def test_worse_images_are_farther(change: Callable, strengths: tuple[float, ...], real: gm.Statistics) -> None:
    sets = [gm.measure(change(strength)(digits(2)), extractor="digits") for strength in strengths]
    values = [gm.evaluate(real, fake, metrics=["fid"])["fid"].value for fake in sets]
    assert all(later > 1.05 * earlier for earlier, later in pairwise(values)), values


def test_a_grey_copy_is_as_far_from_its_set_as_the_set_from_it() -> None:
    images = torch.from_numpy(np.random.RandomState(0).randint(0, 256, (40, 3, 8, 8)).astype(np.uint8))
    rows, grey = (x.flatten(1).double() for x in (images, through(images, lambda image: image.convert("L"))))
    assert F.fid(rows, grey) == pytest.approx(F.fid(grey, rows), rel=1e-9)
    assert F.fid(rows, grey) > 1
