"""Fingerprints of pixels: of each image, and of a set whatever its order or container."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor

    from ganmetrics.types import Images

FEW_BYTES = 4 << 20  # of pixels: hashed sooner than threads start
WIDTH = 16  # bytes kept of each image's SHA-256


class PixelDigests:
    """The SHA-256 of every image's size and pixels, 16 bytes each: equal pixels are found, files do not matter."""

    def __init__(self) -> None:
        self._bytes = bytearray()

    def add(self, images: Images) -> None:
        """Take in uint8 images [N, 3, H, W]."""
        import torch

        pixels = images.cpu().contiguous().numpy()
        shape = np.asarray(pixels.shape[1:], dtype="<i8").tobytes()

        def digest(image: np.ndarray[Any, Any]) -> bytes:
            hasher = hashlib.sha256(shape)
            hasher.update(image.data)  # which lets other threads run
            return hasher.digest()[:WIDTH]

        if pixels.nbytes < FEW_BYTES:
            self._bytes += b"".join(map(digest, pixels))
            return
        with ThreadPoolExecutor(torch.get_num_threads()) as pool:  # one thread would hold up a fast GPU
            self._bytes += b"".join(pool.map(digest, pixels))

    def last(self, count: int) -> PixelDigests:
        """The digests of the images that came last."""
        found = PixelDigests()
        found._bytes = self._bytes[len(self._bytes) - WIDTH * count :]
        return found

    def merge(self, other: PixelDigests) -> None:
        """Append the digests of other images."""
        self._bytes += other._bytes

    def reordered(self, order: Tensor) -> PixelDigests:
        """The digests in another order of the images, int64 [N]."""
        found = PixelDigests()
        found._bytes = bytearray(np.frombuffer(self._bytes, f"V{WIDTH}")[order.numpy()].tobytes())
        return found

    def tensor(self) -> Tensor:
        """The digests as uint8 [N, 16], for ``restore``."""
        import torch

        return (
            torch.frombuffer(self._bytes + b"", dtype=torch.uint8).view(-1, WIDTH).clone()
            if self._bytes
            else (torch.empty(0, WIDTH, dtype=torch.uint8))
        )

    def restore(self, digests: Tensor) -> None:
        """Have these digests, uint8 [N, 16], and no others."""
        self._bytes = bytearray(digests.view(-1, WIDTH).numpy().tobytes())

    def key(self, what: str) -> str:
        """A name for something that was made of these images in this order, in hexadecimal."""
        return hashlib.sha256(self._bytes + what.encode()).hexdigest()

    def __len__(self) -> int:
        return len(self._bytes) // WIDTH

    def combined(self) -> str:
        """One digest of the set, the same for any order: the SHA-256 of the sorted digests, in hexadecimal."""
        return hashlib.sha256(np.sort(self._array()).tobytes()).hexdigest()

    def ordered(self) -> str:
        """One digest of the set in its order, on which subsets drawn by position depend, in hexadecimal."""
        return hashlib.sha256(self._array().tobytes()).hexdigest()

    def distinct(self) -> int:
        """How many different images there are."""
        return len(np.unique(self._array()))

    def shared(self, other: PixelDigests) -> int:
        """How many images of this set are also in the other."""
        return int(np.isin(self._array(), other._array()).sum())

    def _array(self) -> np.ndarray[Any, Any]:  # -> [N], 16 bytes each, as hexadecimal text so that NumPy can sort it
        return np.frombuffer(bytes(self._bytes).hex().encode(), dtype=f"S{2 * WIDTH}")
