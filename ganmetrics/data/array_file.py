"""An .npy or .npz file of images, read row by row and never unpickled."""

from __future__ import annotations

import math
import os
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, NoReturn

from ganmetrics._files import shown
from ganmetrics.data.places.array_header import ArrayHeader, read_header
from ganmetrics.data.places.paths import is_array_file, suffix_of
from ganmetrics.data.places.refusals import refuse_path
from ganmetrics.data.reading.not_images import ROWS, fix_of_dtype, refuse_what_is_no_image
from ganmetrics.data.reading.pixel_form import FLOATS, RGB8
from ganmetrics.data.reading.uint8 import check_dtype, check_layout, to_form
from ganmetrics.data.source import DEFAULT_OPENING, Classes, Kind, Opening, Source
from ganmetrics.data.zip_file import Caps, check_members, opened_archive
from ganmetrics.errors import InputError, StatisticsError

if TYPE_CHECKING:
    from ganmetrics.types import Images

BATCH = 64
BATCH_BYTES = 64 << 20
# Blank images do shrink a thousand times, and rows are read in small pieces; beyond deflate's limit a claim is a lie.
CAPS = Caps(members=10_000, member_bytes=1 << 42, total_bytes=1 << 42, ratio=1100)
STATISTICS = {"mu", "sigma"}
# np.savez(path, images, labels) names its arrays so.
IMAGES, LABELS = "arr_0", "arr_1"
MOST_LOOKED_AT = 20
FLAT = f"{ROWS}; flattened images by images.reshape(N, H, W, 3)"


class ArrayFileSource(Source):
    """The images of an .npy file, or of ``arr_0`` or the only array of an .npz file.

    Parameters
    ----------
    path : str or os.PathLike
        The file; its array is [N, H, W, C] or [N, C, H, W], of 8 bits uint8 or float with a value range.
    opening : Opening
        What float images call black and white, and which form images have.
    is_beside_statistics : bool
        Whether the file may hold statistics too, as a reference batch of guided diffusion does.

    Raises
    ------
    InputError
        A broken file, one of Python objects, a wrong dtype or shape, or a header that claims more than there is.
    StatisticsError
        An .npz file with ``mu`` and ``sigma``: saved statistics, not images.
    """

    runs_callers_code = False

    def __init__(
        self,
        path: str | os.PathLike[str],
        opening: Opening = DEFAULT_OPENING,
        *,
        is_beside_statistics: bool = False,
    ) -> None:
        super().__init__()
        if not os.path.isfile(path):
            refuse_path(path)
        self.name = shown(path)
        self.identity, self.is_lasting = os.path.realpath(path), True
        self._path = os.path.abspath(path)
        keys = _checked_keys(self._path, self.name) if suffix_of(path) == ".npz" else []
        if not is_beside_statistics:
            _refuse_statistics(keys, self.name)
        self._member = _image_member(keys, self.name) if suffix_of(path) == ".npz" else ""
        self._has_labels = self._member == f"{IMAGES}.npy" and LABELS in keys
        with self._stream(self._member) as (stream, num_bytes):
            self._header = _checked_header(stream, num_bytes, self.name, opening)
        self._range = opening.value_range if self._header.dtype.name in FLOATS else None
        self._form = opening.reading.form
        check_layout(self._header.shape, is_array=True, where=self.name, channels=self._form.channels)
        self.count = self._header.shape[0]
        others = [key for key in keys[:MOST_LOOKED_AT] if f"{key}.npy" != self._member and self._are_images(key)]
        if others:
            what = f"the file's array {shown(', '.join(others))} holds images too"
            self.notes.warnings.append(f"{what}, which were left out; those of {self._member[:-4]} are scored")

    def _are_images(self, key: str) -> bool:
        try:
            with self._stream(f"{key}.npy") as (stream, _):
                header = _header(stream, self.name)
        except InputError:
            return False
        return header.dtype.name == "uint8" and len(header.shape) == 4

    def known_classes(self) -> Classes:
        """The classes in ``arr_1`` beside ``arr_0``, as guided-diffusion's samplers save them."""
        if not self._has_labels:
            what = f"the file has no array {LABELS} of classes beside {IMAGES}"
            return Classes(None, what, "Save both in one .npz: np.savez(path, images, labels)")
        try:
            return Classes(self._labels())
        except InputError as error:
            return Classes(None, error.what, "Save one class for each image there", True)

    def _labels(self) -> list[str]:
        import numpy as np

        with self._stream(f"{LABELS}.npy") as (stream, _):
            header = _header(stream, self.name)
            is_one_each = header.shape[:1] == (self.count,) and math.prod(header.shape) == self.count
            if header.dtype.kind not in "iu" or not is_one_each:
                what = f"{LABELS} is {header.dtype.name} {list(header.shape)}; expected whole numbers [{self.count}]"
                raise InputError(what, where=self.name, code="E-LABELS")
            values = np.frombuffer(_exactly(stream, _data_bytes(header), self.name), header.dtype)
        return [str(value) for value in values.tolist()]

    def batches(self) -> Iterator[Images]:
        """The images in order; see ``Source.batches``."""
        self.notes.sizes.clear()
        row_bytes = _data_bytes(self._header) // self._header.shape[0]
        step = max(1, min(BATCH, BATCH_BYTES // row_bytes))
        with self._stream(self._member) as (stream, _):
            stream.read(self._header.num_bytes)
            for first in range(0, self._header.shape[0], step):
                images = self._rows(stream, min(step, self._header.shape[0] - first), first)
                self.notes.sizes[(images.shape[2], images.shape[3])] += images.shape[0]
                yield images

    def _rows(self, stream: IO[bytes], num: int, first: int) -> Images:
        import numpy as np

        shape = (num, *self._header.shape[1:])
        # torch wants memory that can be written.
        dtype = self._header.dtype
        data = bytearray(_exactly(stream, math.prod(shape) * dtype.itemsize, self.name))
        values = np.frombuffer(data, dtype).astype(dtype.newbyteorder("="), copy=False).reshape(shape)
        return to_form(values, self._range, self.name, self._form, first=first)

    @contextmanager
    def _stream(self, member: str) -> Iterator[tuple[IO[bytes], int]]:
        # the bytes of the .npy file or member, and how many it claims to be
        if not member:
            with open(self._path, "rb") as stream:
                yield stream, os.path.getsize(self._path)
            return
        with opened_archive(self._path) as archive, _opened(archive, member, self.name) as stream:
            yield stream, archive.getinfo(member).file_size


def _opened(archive: zipfile.ZipFile, member: str, where: str) -> IO[bytes]:
    try:
        return archive.open(member)
    except Exception as error:  # BadZipFile, NotImplementedError, RuntimeError, OSError
        _refuse_damaged(error, where)


def _checked_keys(path: str, where: str) -> list[str]:
    try:
        archive = opened_archive(path)
    except InputError as error:
        what = error.what.replace("the archive", "the .npz file")
        raise InputError(what, where=where, hint=error.hint, code="E-ARRAY") from None
    with archive:
        infos = archive.infolist()
    try:
        check_members(infos, os.path.getsize(path), where, CAPS)
    except InputError as error:
        raise InputError(error.what, where=where, code="E-ARRAY") from None
    return [info.filename.removesuffix(".npy") for info in infos if info.filename.endswith(".npy")]


def _refuse_statistics(keys: list[str], where: str) -> None:
    if STATISTICS.issubset(keys):
        what = "the file holds saved statistics (mu and sigma), not images"
        hint = "Statistics are scored by `ganmetrics fid REAL FAKE` and gm.evaluate; name the images here"
        raise StatisticsError(what, where=where, hint=hint)


def _image_member(keys: list[str], where: str) -> str:
    if IMAGES in keys or len(keys) == 1:
        return f"{IMAGES if IMAGES in keys else keys[0]}.npy"
    what = f"the file has no array {IMAGES}; its arrays are {shown(', '.join(keys[:10])) or 'none'}"
    hint = "Save images alone, np.savez(path, images), and statistics as mu and sigma"
    raise InputError(what, where=where, hint=hint, code="E-ARRAY")


def _checked_header(stream: IO[bytes], num_bytes: int, where: str, opening: Opening) -> ArrayHeader:
    header = _header(stream, where)
    if header.dtype.hasobject:
        what = "the array holds Python objects, which may run code when they are loaded; it is refused"
        hint = "Save images as one uint8 array, and statistics by np.savez(path, mu=mu, sigma=sigma)"
        raise InputError(what, where=where, hint=hint, code="E-ARRAY")
    if opening.reading.form == RGB8:
        refuse_what_is_no_image(header.shape, header.dtype.name, where)
    if len(header.shape) == 2:
        what = f"the array has the shape {list(header.shape)} and dtype {header.dtype.name}; expected uint8 images"
        raise InputError(what, where=where, hint=FLAT, code="E-SHAPE")
    is_float = header.dtype.name in FLOATS
    if opening.reading.form != RGB8:
        check_dtype(header, True, where, opening.reading.form)
    elif header.dtype.name != "uint8" and not (is_float and opening.value_range is not None):
        what = f"the array has dtype {header.dtype.name}; expected uint8 images"
        scaled = "State what black and white are, as by `value_range=(-1, 1)`, or save the images as uint8 in 0..255"
        hint = scaled if is_float else fix_of_dtype(header.dtype.name, is_array=True)
        raise InputError(what, where=where, hint=hint, code="E-DTYPE")
    if header.is_fortran and len(header.shape) > 1:
        what = "the array is stored in column (Fortran) order and cannot be read image by image"
        raise InputError(what, where=where, hint="Save np.ascontiguousarray(images)", code="E-ARRAY")
    if header.num_bytes + _data_bytes(header) != num_bytes:
        what = f"the header claims {_data_bytes(header)} bytes of images {list(header.shape)}"
        what += f", the file holds {num_bytes - header.num_bytes}"
        raise InputError(what, where=where, hint="It may be incomplete; make it again", code="E-ARRAY")
    return header


def _header(stream: IO[bytes], where: str) -> ArrayHeader:
    try:
        header = read_header(stream)
        if min(header.shape, default=0) < 0:
            raise ValueError("negative shape")
        return header
    except Exception as error:  # numpy raises ValueError, SyntaxError, EOFError, RecursionError, and zlib its own
        _refuse_damaged(error, where)


def _data_bytes(header: ArrayHeader) -> int:
    return math.prod(header.shape) * int(header.dtype.itemsize)


def _exactly(stream: IO[bytes], size: int, where: str) -> bytes:
    try:
        data = stream.read(size)
    except Exception as error:  # zlib.error, BadZipFile, EOFError, OSError
        _refuse_damaged(error, where)
    if len(data) != size:
        _refuse_damaged(EOFError(f"{size - len(data)} bytes are missing"), where)
    return data


def _refuse_damaged(error: Exception, where: str) -> NoReturn:
    reason = str(error).splitlines()[0][:120] if str(error) else type(error).__name__
    prefix = "the archive" if isinstance(error, zipfile.BadZipFile) else "the array"
    what = f"{prefix} is damaged or incomplete: {shown(reason)}"
    raise InputError(what, where=where, hint="Make the file again", code="E-ARRAY") from None


KIND = Kind(
    accepts="an .npz or .npy file of images",
    matches=is_array_file,
    open=ArrayFileSource,
)
