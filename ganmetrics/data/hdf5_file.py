"""An HDF5 file of images, as ``images.h5`` or ``ILSVRC128.hdf5:imgs``."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ganmetrics._files import shown
from ganmetrics.data.places.libraries import library
from ganmetrics.data.places.paths import hdf5_parts
from ganmetrics.data.reading.targets import classes_of_values
from ganmetrics.data.reading.uint8 import check_layout, to_form
from ganmetrics.data.source import DEFAULT_OPENING, Classes, Kind, Opening, Source
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
        The file, and behind a colon the data set where it has several: [N, H, W, C] or [N, C, H, W], of 8 bits
        uint8 or float with a value range.
    opening : Opening
        What float images call black and white, and which form images have.

    Raises
    ------
    UsageError
        h5py is not installed, or the file has no such data set.
    InputError
        A damaged file, or no images.
    """

    runs_callers_code = False
    is_lasting = True

    def __init__(self, value: str | os.PathLike[str], opening: Opening = DEFAULT_OPENING) -> None:
        super().__init__()
        path, key = hdf5_parts(value)
        self.name, self._path = shown(os.fsdecode(value)), path
        self._range, self._form = opening.value_range, opening.reading.form
        self._column = opening.reading.column
        self._library = library("h5py", "hdf5", self.name)
        with self._opened() as file:
            arrays = {name: each.shape for name, each in _arrays(self._library, file).items()}
            self._key = _image_key(arrays, key, self.name, self._form.channels)
            shape = file[self._key].shape
            check_layout(shape, is_array=True, where=self.name, channels=self._form.channels)
            # One image shows the dtype and whether floats have a range.
            to_form(file[self._key][:1], self._range, self.name, self._form)
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
            images = to_form(rows, self._range, self.name, self._form, first=first)
            self.notes.sizes[(images.shape[2], images.shape[3])] += len(images)
            yield images

    def known_classes(self) -> Classes:
        """The data set called labels, where it has a class for each image."""
        if not self._label:
            return Classes(None, "the file has no data set called labels", "Give one class for each image by `labels`")
        with self._opened() as file:
            return classes_of_values(file[self._label][:].tolist(), f"the values of {self._label}", self._column)

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


def _image_key(arrays: dict[str, tuple[int, ...]], key: str, where: str, channels: int) -> str:
    listed = ", ".join(f"{shown(name)} {list(shape)}" for name, shape in list(arrays.items())[:10]) or "nothing"
    if key:
        if key not in arrays:
            raise UsageError(f"the file has no data set {shown(key)}; it has {listed}", where=where, code="E-SOURCE")
        return key
    images = [name for name, shape in arrays.items() if len(shape) == 4 and channels in (shape[1], shape[3])]
    if len(images) != 1:
        wanted = f"[N, H, W, {channels}] or [N, {channels}, H, W]"
        what = f"the file has {len(images)} data sets of images {wanted}; it has {listed}"
        raise InputError(what, where=where, hint="Name one behind a colon, as in images.h5:real", code="E-SHAPE")
    return images[0]


KIND = Kind(
    accepts="an HDF5 file of images, as images.h5 or images.h5:NAME",
    matches=lambda value: bool(hdf5_parts(value)[0]),
    open=Hdf5Source,
)
