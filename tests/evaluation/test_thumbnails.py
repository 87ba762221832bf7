"""Small pictures of a set: which image is where, how large they are, and what they may cost."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import ganmetrics as gm
from ganmetrics.measurement.thumbnails import BUDGET, SIDE, Thumbnails


def images(count: int, height: int, width: int, seed: int = 0) -> torch.Tensor:
    return torch.from_numpy(np.random.RandomState(seed).randint(0, 256, (count, 3, height, width), dtype=np.uint8))


def test_small_images_stay_as_they_are_in_their_order() -> None:
    parts = [images(5, 28, 28), images(3, 20, 32, 1), images(4, 28, 28, 2)]
    found = Thumbnails(12)
    for part in parts:
        found.add(part)
    flat = [image for part in parts for image in part]
    assert len(found) == 12
    assert all(torch.equal(found[index], flat[index]) for index in range(12))
    assert found.stacked([0, 9]) is not None and found.stacked([0, 6]) is None


@pytest.mark.parametrize(("shape", "expected"), [((200, 100), (96, 48)), ((97, 500), (19, 96)), ((1, 4000), (1, 96))])
def test_large_images_are_shrunk_by_means(shape: tuple[int, int], expected: tuple[int, int]) -> None:
    found = Thumbnails(10)
    whole = images(2, *shape)
    found.add(whole)
    assert tuple(found[0].shape[1:]) == expected
    assert found[1].float().mean() == pytest.approx(float(whole[1].float().mean()), abs=1.5)


@pytest.mark.parametrize("count", [1, 10_000, 50_000, 1_000_000, None])
def test_they_never_take_more_than_their_budget(count: int | None) -> None:
    side = Thumbnails(count).side
    assert 8 <= side <= SIDE
    assert 3 * side**2 * (count or 100_000) <= BUDGET or side == 8


def test_a_sample_is_the_same_each_time() -> None:
    found = Thumbnails(50)
    found.add(images(50, 8, 8))
    assert found.sample(10) == found.sample(10)
    assert len(set(found.sample(60))) == 50


def test_measuring_keeps_them_only_where_they_are_asked_for() -> None:
    array = images(40, 16, 16).permute(0, 2, 3, 1).numpy()
    assert gm.measure(array, extractor="pixels").thumbnails is None
    kept = gm.measure(array, extractor="pixels", reading=gm.Reading(thumbnails=True)).thumbnails
    assert kept is not None and torch.equal(kept[39], torch.from_numpy(array[39]).permute(2, 0, 1))


def test_flat_images_and_levels_of_0_and_1_are_noted() -> None:
    array = images(40, 16, 16).permute(0, 2, 3, 1).numpy().copy()
    array[:4] = 7
    array[4:10] //= 128
    found = gm.measure(array, extractor="pixels")
    assert (found.notes.kinds["flat"], found.notes.kinds["levels-0-1"]) == (4, 6)
    source = gm.source(lambda n: torch.full((n, 3, 8, 8), 5, dtype=torch.uint8), num_images=8)
    assert [gm.measure(source, extractor="pixels").notes.kinds["flat"] for _ in range(2)] == [8, 8]
    warnings = gm.evaluate(array[::2], array, extractor="pixels").warnings
    assert any("6 of 40 images have no level above 1 of 255" in each for each in warnings)
    assert any("4 of 40 images have one colour all over" in each for each in warnings)
