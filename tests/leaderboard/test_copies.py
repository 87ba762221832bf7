"""Copies of reference images are found, disguised or not, and honest images are left alone."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from boards import REAL, pictures
from PIL import Image

from ganmetrics.leaderboard import copied_images as copies
from ganmetrics.leaderboard.copied_images import Pictures

Array = np.ndarray[Any, Any]
COUNT, PLANTED = 100, 10


def of(images: Array, *, is_reference: bool = False) -> Pictures:
    tensor = torch.from_numpy(images).permute(0, 3, 1, 2)
    return copies.pictures(tensor.split(32), is_reference=is_reference)


def jpeg(image: Array, quality: int = 85) -> Array:
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, format="JPEG", quality=quality)
    return np.array(Image.open(stream))


def cropped(image: Array) -> Array:
    height, width, _ = image.shape
    return np.array(Image.fromarray(image[1:-1, 1:-1]).resize((width, height), Image.Resampling.BICUBIC))


DISGUISES: dict[str, Callable[[Array], Array]] = {
    "none": lambda image: image,
    "jpeg": jpeg,
    "flip": lambda image: image[:, ::-1],
    "crop": cropped,
    "flip and jpeg": lambda image: jpeg(image[:, ::-1]),
    "flip and crop": lambda image: cropped(image[:, ::-1]),
    "one pixel": lambda image: np.concatenate([image[:1] ^ 1, image[1:]]),
}


@pytest.mark.parametrize("name", DISGUISES)
def test_a_tenth_of_planted_copies_is_found(name: str) -> None:
    fake = pictures(COUNT, 5)
    fake[:PLANTED] = np.stack([DISGUISES[name](image) for image in REAL[:PLANTED]])
    found = copies.copies(of(REAL, is_reference=True), of(fake))
    assert found.near == [(index, index) for index in range(PLANTED)]
    assert found.exact == (found.near if name == "none" else [])
    assert found.near_share == 0.1 and found.num_fakes == COUNT


def test_honest_images_are_left_alone() -> None:
    found = copies.copies(of(REAL, is_reference=True), of(pictures(500, 6)))
    assert found.near == [] and found.num_repeated == 0


def test_repeated_images_are_counted() -> None:
    fake = pictures(COUNT, 5)
    fake[50:] = fake[0]
    found = copies.copies(of(REAL, is_reference=True), of(fake))
    assert found.num_repeated == 50 and found.repeated_share == 0.5


def test_a_reference_of_equal_images_finds_exact_copies_alone() -> None:
    real = np.repeat(REAL[:1], 30, axis=0)
    found = copies.copies(of(real, is_reference=True), of(np.concatenate([REAL[:1], pictures(9, 3)])))
    assert found.near == found.exact == [(0, 0)]


def test_pictures_are_kept(tmp_path: Any) -> None:
    made = of(REAL, is_reference=True)
    made.save(tmp_path / "x.npz")
    again = Pictures.load(tmp_path / "x.npz")
    assert torch.equal(again.digests, made.digests) and torch.equal(again.views, made.views)
    assert made.views.shape == (4, len(REAL), 256)
