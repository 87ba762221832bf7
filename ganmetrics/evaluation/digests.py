"""Fingerprints of pixels: of each image, and of a set whatever its order or container."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from ganmetrics.types import Images

WIDTH = 16  # bytes kept of each image's SHA-256


class PixelDigests:
    """The SHA-256 of every image's size and pixels, 16 bytes each: equal pixels are found, files do not matter."""

    def __init__(self) -> None:
        self._bytes = bytearray()

    def add(self, images: Images) -> None:
        """Take in uint8 images [N, 3, H, W]."""
        pixels = images.cpu().contiguous().numpy()
        shape = np.asarray(pixels.shape[1:], dtype="<i8").tobytes()
        for image in pixels:
            self._bytes += hashlib.sha256(shape + image.tobytes()).digest()[:WIDTH]

    def __len__(self) -> int:
        return len(self._bytes) // WIDTH

    def combined(self) -> str:
        """One digest of the set, the same for any order: the SHA-256 of the sorted digests, in hexadecimal."""
        return hashlib.sha256(np.sort(self._array()).tobytes()).hexdigest()

    def ordered(self) -> str:
        """The same of the images in their order, which subsets drawn by position depend on."""
        return hashlib.sha256(self._array().tobytes()).hexdigest()

    def distinct(self) -> int:
        """How many different images there are."""
        return len(np.unique(self._array()))

    def shared(self, other: PixelDigests) -> int:
        """How many images of this set are also in the other."""
        return int(np.isin(self._array(), other._array()).sum())

    def _array(self) -> np.ndarray[Any, Any]:  # -> [N], 16 bytes each, as hexadecimal text so that NumPy can sort it
        return np.frombuffer(bytes(self._bytes).hex().encode(), dtype=f"S{2 * WIDTH}")
