"""What is known of images before any network: fingerprints of pixels, pixel values, notes, and small pictures."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch

from ganmetrics.data import Notes
from ganmetrics.errors import InputError
from ganmetrics.measurement.gathering import Sample
from ganmetrics.measurement.thumbnails import Thumbnails
from ganmetrics.numerics.memory import memory_budget

if TYPE_CHECKING:
    from torch import Tensor

    from ganmetrics.types import Images

# Fewer bytes of pixels are hashed sooner than threads start.
FEW_BYTES = 4 << 20
# Bytes kept of each image's SHA-256.
WIDTH = 16
VALUES = 256
# The share of a set's images that may reach beyond the others, such as a title page among dark scans.
STRAY = 0.01
# Rows of each image in which values and colours are looked for; its extremes are those of all pixels.
ROWS = 64
# The difference between channels from which a pixel is no grey, whatever JPEG made of it.
COLOURED = 16
# Images that are kept, which make a thousand pairs.
SAMPLE_IMAGES = 2_000
# Bytes of the images that are kept, where no limit of memory was set.
SAMPLE_BYTES = 512 << 20
# Kinds of image that are told from its pixels.
LEVELS = ("flat", "levels-0-1")


class ImageRecord:
    """What is known of images before any network: places, digests, notes, and some or all of them in small.

    Parameters
    ----------
    has_sample : bool
        Whether 2,000 of the images are kept.
    thumbnails : Thumbnails or None
        Where pictures of all images go.

    Attributes
    ----------
    values : Tensor, int64 [4, 256]
        Images by their lowest pixel value, images by their highest, pixels by value, images by their largest difference
        between the channels of a pixel.
    """

    def __init__(self, *, has_sample: bool = False, thumbnails: Thumbnails | None = None) -> None:
        self.sample = Sample(SAMPLE_IMAGES, memory_budget(SAMPLE_BYTES)) if has_sample else None
        self.thumbnails = thumbnails
        self.pixels, self.notes = PixelDigests(), Notes()
        self.values = torch.zeros(4, VALUES, dtype=torch.int64)
        self.places: list[Tensor] = []

    def add(self, images: Images, places: Tensor) -> PixelDigests:
        """Take in images [N, C, H, W] and their places in the set, int64 [N]; return the images' digests."""
        digests = self.pixels.add(images)
        self.places.append(places)
        if images.dtype != torch.uint8 or images.shape[1] != 3:
            # What the values of other images mean, only the network of the caller's knows.
            return digests
        # Images of a single colour, and those that would be black but for a value of 1: [N, 3] each.
        low, high = images.flatten(2).aminmax(dim=2)
        for kind, is_so in zip(LEVELS, ((low == high).all(dim=1), high.amax(dim=1) == 1), strict=True):
            self.notes.kinds[kind] += int(is_so.sum())
        rows = images[:, :, :: max(1, images.shape[2] // ROWS)]
        difference = (rows.amax(dim=1) - rows.amin(dim=1)).flatten(1).amax(dim=1)
        found = (low.amin(dim=1), high.amax(dim=1), rows, difference)
        # Never in place: states share the counts.
        self.values = self.values + torch.stack([torch.bincount(v.flatten(), minlength=VALUES).cpu() for v in found])
        for keeper in (self.sample, self.thumbnails):
            if keeper is not None:
                keeper.add(images.cpu(), places)
        return digests

    def merge(self, other: ImageRecord) -> None:
        """Take in what was seen of another part of the set."""
        self.pixels.merge(other.pixels)
        self.values = self.values + other.values
        self.places += other.places
        self.notes.merge(other.notes)
        if self.sample is not None and other.sample is not None:
            self.sample.merge(other.sample)
        if self.thumbnails is not None and other.thumbnails is not None:
            self.thumbnails.merge(other.thumbnails)

    def moved(self, by: int) -> ImageRecord:
        """A copy, so many places further on; without thumbnails."""
        found = ImageRecord()
        found.merge(self)
        found.places = [places + by for places in self.places]
        found.sample = self.sample and self.sample.moved(by)
        return found

    def filled(self) -> Filled | None:
        """The part of the range of pixel values that the images fill; ``None`` without images."""
        lows, highs, values, differences = self.values
        if not (total := int(lows.sum())):
            return None
        strays = int(STRAY * total)
        low = int((lows.cumsum(0) > strays).nonzero()[0])
        high = int((highs.flip(0).cumsum(0).flip(0) > strays).nonzero()[-1])
        is_coloured = int(differences[COLOURED + 1 :].sum()) > total / 2
        return Filled(low, high, int((values > 0).sum()), is_coloured)

    def order(self) -> Tensor | None:
        """How to put what was seen into the order of the set, int64 [N]; ``None`` where it is in order.

        Raises
        ------
        InputError
            Images that were read twice.
        """
        places = torch.cat(self.places) if self.places else torch.empty(0, dtype=torch.int64)
        if bool((places.diff() > 0).all()):
            return None
        order = places.argsort()
        repeated = (places[order].diff() == 0).sum()
        if repeated:
            what = f"{int(repeated)} of {len(places)} images have a place in the set that others have too"
            hint = "Give every rank images of its own; samplers that make all shares equal repeat some"
            raise InputError(what, hint=hint, code="E-REPEATED")
        return order


class PixelDigests:
    """The SHA-256 of every image's size and pixels, 16 bytes each: equal pixels are found, files do not matter."""

    def __init__(self) -> None:
        self._bytes = bytearray()

    def add(self, images: Images) -> PixelDigests:
        """Take in images [N, C, H, W], and return their digests alone."""
        added = PixelDigests()
        pixels = images.cpu().contiguous().numpy()
        shape = np.asarray(pixels.shape[1:], dtype="<i8").tobytes()

        def digest(image: np.ndarray[Any, Any]) -> bytes:
            hasher = hashlib.sha256(shape)
            # Hashing lets other threads run.
            hasher.update(image.data)
            return hasher.digest()[:WIDTH]

        if pixels.nbytes < FEW_BYTES:
            added._bytes += b"".join(map(digest, pixels))
        else:
            # One thread would hold up a fast GPU.
            with ThreadPoolExecutor(torch.get_num_threads()) as pool:
                added._bytes += b"".join(pool.map(digest, pixels))
        self._bytes += added._bytes
        return added

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


class Filled(NamedTuple):
    """The part of the range that a set fills.

    Attributes
    ----------
    low, high : int
        Pixel values in 0..255 between which all but a hundredth of the images stay.
    in_use : int
        How many different pixel values occur.
    is_coloured : bool
        Whether more than half of the images have colours.
    """

    low: int
    high: int
    in_use: int
    is_coloured: bool

    @property
    def share(self) -> float:
        """The share of 0..255 that lies between both ends, in 0..1."""
        return (self.high - self.low) / (VALUES - 1)
