"""Images in a file of statistics, as guided diffusion's reference batches have them: ``arr_0``, uint8 [N, H, W, 3]."""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING

import numpy as np
import torch

from ganmetrics.data.array_file import IMAGES as IMAGES_MEMBER
from ganmetrics.errors import InputError
from ganmetrics.measurement.image_record import PixelDigests
from ganmetrics.numerics.resampling import seeded

if TYPE_CHECKING:
    from ganmetrics.data import Source
    from ganmetrics.measurement.statistics import Statistics

# As many as guided diffusion's files hold, for precision and recall.
MOST, SEED = 10_000, 2020


def write_images(archive: zipfile.ZipFile, source: Source, statistics: Statistics) -> str:
    """Write the images of a set into an archive, all or 10,000 drawn by a fixed seed; return their ordered digest.

    They are written batch by batch and uncompressed, so that they are never all in memory.

    Raises
    ------
    InputError
        The images are of several sizes, or others than the statistics are of.
    """
    count = statistics.count
    chosen = np.arange(count) if count <= MOST else np.sort(seeded(SEED).permutation(count)[:MOST])
    indices = torch.from_numpy(chosen.astype(np.int64))
    everything, kept, first, size = PixelDigests(), PixelDigests(), 0, None
    with archive.open(zipfile.ZipInfo(f"{IMAGES_MEMBER}.npy"), "w", force_zip64=True) as stream:
        for images in source.batches():
            if size is None:
                size = images.shape[2:]
                header = {"descr": "|u1", "fortran_order": False, "shape": (len(indices), *size, 3)}
                np.lib.format.write_array_header_1_0(stream, header)
            if images.shape[2:] != size:
                what = f"images of {list(size)} and of {list(images.shape[2:])} pixels do not fit into one array"
                hint = "Resize them all alike, or keep no images"
                raise InputError(what, where=source.name, hint=hint, code="E-SHAPE")
            images = images.cpu()
            everything.add(images)
            here = images[indices[(indices >= first) & (indices < first + len(images))] - first]
            kept.add(here)
            stream.write(here.permute(0, 2, 3, 1).contiguous().numpy().tobytes())
            first += len(images)
    if everything.combined() != statistics.digest:
        what = "these are not the images that the statistics are of"
        raise InputError(what, where=source.name, hint="Name the images that were measured", code="E-COUNT")
    return kept.ordered()


__all__ = ["IMAGES_MEMBER", "write_images"]
