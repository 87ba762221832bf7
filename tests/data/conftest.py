"""Images, folders and snapshots of global state that the tests of sources share."""

from __future__ import annotations

import io
import random
import warnings

import numpy as np
import pytest
import torch
from PIL import Image, ImageFile


def noise(*shape, seed=0):
    """uint8 noise of a shape."""
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def encoded(image, file_format="PNG", **settings):
    """The bytes of an image file; an array is taken as RGB or grey."""
    stream = io.BytesIO()
    (Image.fromarray(image) if isinstance(image, np.ndarray) else image).save(stream, file_format, **settings)
    return stream.getvalue()


def all_images(source):
    """All images of a source as a list of [3, H, W] tensors; every batch has the currency's form."""
    images = []
    for batch in source.batches():
        assert batch.dtype == torch.uint8
        assert batch.ndim == 4
        assert batch.shape[0] >= 1
        assert batch.shape[1] == 3
        images.extend(batch)
    return images


def same(images, arrays):
    """Whether images [3, H, W] equal arrays [H, W, 3], one by one."""
    pairs = zip(images, arrays, strict=True)
    return all(np.array_equal(image.permute(1, 2, 0).numpy(), array) for image, array in pairs)


@pytest.fixture
def kit():
    """The helpers of this file; test files cannot import each other under importlib mode."""
    return globals()


@pytest.fixture
def folder(tmp_path):
    """Five PNG files of noise, 6 x 7, in a folder with a sub-folder; ``arrays`` are in the order of their paths."""
    root = tmp_path / "images"
    (root / "b").mkdir(parents=True)
    names = ["a.png", "b/1.png", "b/2.PNG", "c.png", "d.png"]
    arrays = [noise(6, 7, 3, seed=seed) for seed in range(5)]
    for name, array in zip(names, arrays, strict=True):
        (root / name).write_bytes(encoded(array))
    return root, arrays


@pytest.fixture
def unchanged():
    """After the test, every global stream, filter and flag is what it was before."""
    before = _globals()
    yield
    assert _globals() == before


def _globals():
    numpy_state = np.random.get_state()
    return (
        random.getstate(),
        (numpy_state[1].tolist(), numpy_state[2:]),
        torch.get_rng_state().tolist(),
        list(warnings.filters),
        (ImageFile.LOAD_TRUNCATED_IMAGES, Image.MAX_IMAGE_PIXELS),
        (torch.get_default_dtype(), torch.is_grad_enabled(), torch.get_num_threads()),
    )
