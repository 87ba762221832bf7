"""Fingerprints of pixels: whatever the order, the batches and the container."""

from __future__ import annotations

import hashlib

import pytest
import torch

from ganmetrics.measurement.image_record import PixelDigests


def drawn(count, height=4, width=5, seed=0):
    return torch.randint(
        0, 256, (count, 3, height, width), dtype=torch.uint8, generator=torch.Generator().manual_seed(seed)
    )


def digests(*batches):
    found = PixelDigests()
    for images in batches:
        found.add(images)
    return found


IMAGES = drawn(20)
WHOLE = digests(IMAGES)


@pytest.mark.parametrize("batch", [1, 3, 7, 20])
def test_batches_do_not_matter(batch):
    found = digests(*IMAGES.split(batch))
    assert len(found) == 20
    assert found.combined() == WHOLE.combined()


def test_the_order_does_not_matter():
    order = torch.randperm(20, generator=torch.Generator().manual_seed(1))
    assert digests(IMAGES[order]).combined() == WHOLE.combined()


def test_the_memory_layout_does_not_matter():
    assert digests(IMAGES.to(memory_format=torch.channels_last)).combined() == WHOLE.combined()
    assert digests(IMAGES.flip(0).flip(0)[::1]).combined() == WHOLE.combined()


def test_one_value_apart_is_another_set():
    other = IMAGES.clone()
    other[13, 2, 3, 4] ^= 1
    assert digests(other).combined() != WHOLE.combined()
    assert digests(other).shared(WHOLE) == 19


def test_the_shape_of_an_image_matters():
    pixels = drawn(1, 4, 6)
    shapes = [pixels, pixels.reshape(1, 3, 6, 4), pixels.reshape(1, 3, 2, 12), pixels.reshape(1, 3, 24, 1)]
    assert len({digests(images).combined() for images in shapes}) == 4


def test_the_channels_matter():
    assert digests(IMAGES.flip(1)).shared(WHOLE) == 0


def test_how_often_an_image_occurs_matters():
    twice = digests(IMAGES, IMAGES[:1])
    assert (len(twice), twice.distinct()) == (21, 20)
    assert twice.combined() != WHOLE.combined()
    assert digests(IMAGES[:1].repeat(9, 1, 1, 1)).distinct() == 1


def test_shared_counts_the_images_of_this_set():
    some = digests(IMAGES[:5], IMAGES[:2], drawn(3, seed=9))
    assert some.shared(WHOLE) == 7
    assert WHOLE.shared(some) == 5
    assert WHOLE.shared(digests(drawn(20, seed=9))) == 0


def test_sizes_may_mix():
    mixed = digests(drawn(2, 4, 4), drawn(2, 8, 8))
    assert (len(mixed), mixed.distinct()) == (4, 4)
    assert mixed.combined() == digests(drawn(2, 8, 8), drawn(2, 4, 4)).combined()


def test_no_images():
    none = PixelDigests()
    assert (len(none), none.distinct(), none.shared(WHOLE), WHOLE.shared(none)) == (0, 0, 0, 0)
    assert none.combined() == hashlib.sha256(b"").hexdigest()


def test_adding_does_not_change_the_images():
    images = drawn(3)
    before = images.clone()
    digests(images)
    assert torch.equal(images, before)


def test_golden_digest():
    """SHA-256 of the sizes as three little-endian 8-byte integers and the pixels; saved files name sets by it."""
    sizes = b"".join(n.to_bytes(8, "little") for n in (3, 4, 5))
    each = sorted(hashlib.sha256(sizes + image.numpy().tobytes()).digest()[:16].hex() for image in IMAGES)
    assert WHOLE.combined() == hashlib.sha256("".join(each).encode()).hexdigest()
