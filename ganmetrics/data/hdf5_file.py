"""An HDF5 file of images, as ``images.h5`` or ``ILSVRC128.hdf5:imgs``."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ganmetrics._files import shown
from ganmetrics.data.places.libraries import library
from ganmetrics.data.places.paths import hdf5_parts
from ganmetrics.data.reading.targets import classes_of_values
from ganmetrics.data.reading.uint8 import check_layout, to_uint8
from ganmetrics.data.source import Classes, Kind, Source
from ganmetrics.errors import InputError, UsageError

if TYPE_CHECKING:
    from ganmetrics.types import Images

BATCH = 64
LABEL_NAMES = ("labels", "label", "targets", "y")


class Hdf5Source(Source):
    """The images of one data set of an HDF5 file.

    Parameters
    ----------
    value : str or os.PathLike
        The file, and behind a colon the data set where it has several of images: uint8 [N, H, W, 3] or [N, 3, H, W],
        or float with a value range.
    value_range : (float, float), optional
        What float images call black and white.

    Raises
    ------
    UsageError
        h5py is not installed, or the file has no such data set.
    InputError
        A damaged file, or no images.
    """

    runs_callers_code = False
    is_lasting = True

    def __init__(self, value: str | os.PathLike[str], value_range: tuple[float, float] | None = None) -> None:
        super().__init__()
        path, key = hdf5_parts(value)
        self.name, self._path, self._range = shown(os.fsdecode(value)), path, value_range
        self._library = library("h5py", "hdf5", self.name)
        with self._opened() as file:
            arrays = {name: each.shape for name, each in _arrays(self._library, file).items()}
            self._key = _image_key(arrays, key, self.name)
            shape = file[self._key].shape
            check_layout(shape, is_array=True, where=self.name)
            # One image shows the dtype and whether floats have a range.
            to_uint8(file[self._key][:1], value_range, self.name)
        self._label = next((name for name in LABEL_NAMES if name in arrays and arrays[name][:1] == shape[:1]), "")
        self.count = int(shape[0])
        self.identity = f"{os.path.realpath(path)}:{self._key}"

    def batches(self) -> Iterator[Images]:
        """The images in order; see ``Source.batches``."""
        self.notes.sizes.clear()
        for first in range(0, self.count or 0, BATCH):
            # The file is closed between reads: a fork would share its handle.
            with self._opened() as file:
                rows = file[self._key][first : first + BATCH]
            images = to_uint8(rows, self._range, self.name, first=first)
            self.notes.sizes[(images.shape[2], images.shape[3])] += len(images)
            yield images

    def known_classes(self) -> Classes:
        """The data set called labels, where it has a class for each image."""
        if not self._label:
            return Classes(None, "the file has no data set called labels", "Give one class for each image by `labels`")
        with self._opened() as file:
            return classes_of_values(file[self._label][:].tolist(), f"the values of {self._label}")

    def _opened(self) -> Any:
        try:
            return self._library.File(self._path, "r")
        except OSError as error:
            reason = shown((str(error).splitlines() or [""])[0][:120])
            what = f"the file is damaged or no HDF5 file: {reason}"
            raise InputError(what, where=self.name, hint="Make it again", code="E-ARRAY") from None


def _arrays(library: Any, file: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    file.visititems(lambda name, each: found.update({name: each}) if isinstance(each, library.Dataset) else None)
    return found


def _image_key(arrays: dict[str, tuple[int, ...]], key: str, where: str) -> str:
    listed = ", ".join(f"{shown(name)} {list(shape)}" for name, shape in list(arrays.items())[:10]) or "nothing"
    if key:
        if key not in arrays:
            raise UsageError(f"the file has no data set {shown(key)}; it has {listed}", where=where, code="E-SOURCE")
        return key
    images = [name for name, shape in arrays.items() if len(shape) == 4 and 3 in (shape[1], shape[3])]
    if len(images) != 1:
        what = f"the file has {len(images)} data sets of images [N, H, W, 3] or [N, 3, H, W]; it has {listed}"
        raise InputError(what, where=where, hint="Name one behind a colon, as in images.h5:real", code="E-SHAPE")
    return images[0]


KIND = Kind(
    accepts="an HDF5 file of images, as images.h5 or images.h5:NAME",
    matches=lambda value: bool(hdf5_parts(value)[0]),
    open=lambda value, opening: Hdf5Source(value, opening.value_range),
)
