"""The child process that decodes a submission's file into uint8 pixels, and does nothing else.

A file that takes over the decoder can give other pixels, but no score: the network runs in another process.
"""

from __future__ import annotations

import math
import os
import zipfile
from typing import IO, TYPE_CHECKING, Any

from ganmetrics._files import shown
from ganmetrics.data.reading.decode import decode
from ganmetrics.data.reading.unreadable import Unreadable
from ganmetrics.data.reading_choices import Reading
from ganmetrics.data.zip_file import opened_archive
from ganmetrics.errors import ResourceError
from ganmetrics.leaderboard.rules import MAX_PIXELS, MEMBER_BYTES, Rules
from ganmetrics.leaderboard.staging import array_errors, array_shape, check_file, is_image, refuse

if TYPE_CHECKING:
    import numpy as np

    Pixels = np.ndarray[Any, np.dtype[np.uint8]]

NUM_LISTED = 3
ROWS = 256


def answer(job: dict[str, Any]) -> dict[str, Any]:
    """Decode ``job["file"]`` into ``job["pixels"]``, an npy file uint8 [N, H, W, 3]; return the names of the images.

    ``recomputation`` runs it in the sandbox, as ``sandbox.run("decoding", ...)``; nothing imports it.

    Raises
    ------
    RejectedError
        Whatever is wrong with the file or an image.
    """
    from pathlib import Path

    rules, path = Rules.from_json(job["rules"]), Path(job["file"])
    # Again: what the parent checked may have been replaced.
    suffix = check_file(path, rules)
    try:
        with open(job["pixels"], "wb") as stream:
            names = _from_array(path, rules, stream) if suffix == ".npz" else _from_images(path, rules, stream)
    except OSError as error:
        raise ResourceError(f"the pixels cannot be written: {error.strerror}") from error
    return {"names": names}


def _header(stream: IO[bytes], rules: Rules) -> None:
    from numpy.lib import format as npy

    shape = (rules.num_images, rules.height, rules.width, 3)
    npy.write_array_header_1_0(stream, {"descr": "|u1", "fortran_order": False, "shape": shape})


def _from_images(path: Any, rules: Rules, stream: IO[bytes]) -> list[str]:
    reading = Reading(max_pixels=MAX_PIXELS)
    _header(stream, rules)
    with opened_archive(path) as archive:
        names = sorted(info.filename for info in archive.infolist() if not info.is_dir() and is_image(info.filename))
        faults = []
        for name in names:
            try:
                stream.write(_image(archive, name, reading, rules).tobytes())
            except Unreadable as error:
                faults.append(f"'{shown(name)}' {error}")
                if len(faults) == NUM_LISTED:
                    break
    if faults:
        refuse(f"images cannot be read: {'; '.join(faults)}")
    return [shown(name) for name in names]


def _image(archive: zipfile.ZipFile, name: str, reading: Reading, rules: Rules) -> Pixels:
    try:
        with archive.open(name) as member:
            content = member.read(MEMBER_BYTES + 1)
    # A damaged member raises zlib.error, BadZipFile, EOFError, NotImplementedError, RuntimeError and others.
    except Exception as error:
        raise Unreadable(f"cannot be unpacked: {shown(str(error)[:100]) or type(error).__name__}") from None
    # A member may unpack to more than its header says.
    if len(content) > MEMBER_BYTES:
        raise Unreadable(f"unpacks to more than {MEMBER_BYTES} bytes")
    pixels = decode(content, reading, os.path.splitext(name)[1].lower()).pixels
    if pixels.shape != (rules.height, rules.width, 3):
        raise Unreadable(f"has {pixels.shape[1]} x {pixels.shape[0]} pixels; expected {rules.width} x {rules.height}")
    return pixels


def _from_array(path: Any, rules: Rules, stream: IO[bytes]) -> list[str]:
    with opened_archive(path) as archive, array_errors(), archive.open(archive.namelist()[0]) as member:
        _copy_array(member, rules, stream)
    return []


def _copy_array(member: IO[bytes], rules: Rules, stream: IO[bytes]) -> None:
    import numpy as np

    shape = array_shape(member, rules)
    _header(stream, rules)
    for begin in range(0, rules.num_images, ROWS):
        count = min(ROWS, rules.num_images - begin)
        data = member.read(count * math.prod(shape[1:]))
        rows = np.frombuffer(data, np.uint8).reshape(count, *shape[1:])
        stream.write((rows if shape[1:] == (rules.height, rules.width, 3) else rows.transpose(0, 2, 3, 1)).tobytes())
    if member.read(1):
        refuse("the array holds more than its header says")
