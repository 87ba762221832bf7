"""Array files, statistics, archives and weights that should not be taken as they are; see ``bad_files``."""

from __future__ import annotations

import io
import json
import stat
import struct
import tempfile
import warnings
import zipfile
from collections.abc import Iterable, Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from bad_files import COUNT, Array, Maker, encoded, picture

import ganmetrics as gm
from ganmetrics._content import content_digest

# --- array files and statistics ------------------------------------------------------------------------------------


def file(name: str, data: bytes) -> Maker:
    """One file."""

    def make(at: Path) -> Path:
        (at / name).write_bytes(data)
        return at / name

    return make


def npy(array: Array) -> Maker:
    """An .npy file."""

    def make(at: Path) -> Path:
        np.save(at / "x.npy", array)
        return at / "x.npy"

    return make


def npz(**arrays: Array) -> Maker:
    """An .npz file, of objects too."""

    def make(at: Path) -> Path:
        np.savez(at / "x.npz", **arrays)  # type: ignore[arg-type]
        return at / "x.npz"

    return make


def header(shape: tuple[int, ...], descr: str = "<f8") -> bytes:
    """The first bytes of an array of that shape, whose numbers never follow."""
    stream = io.BytesIO()
    np.lib.format.write_array_header_1_0(stream, {"descr": descr, "fortran_order": False, "shape": shape})
    return stream.getvalue()


def raw_npz(**members: bytes) -> Maker:
    """An .npz file of these bytes."""
    return zipped(((f"{name}.npy", data) for name, data in members.items()), "x.npz")


@cache
def statistics_file() -> bytes:
    """Saved statistics of good images under the extractor ``pixels``, of 192 dimensions."""
    images = np.stack([np.asarray(picture(seed)) for seed in range(COUNT)])
    with tempfile.TemporaryDirectory() as place:
        gm.save_statistics(gm.measure(images, extractor="pixels"), f"{place}/s.npz")
        return Path(place, "s.npz").read_bytes()


def statistics(facts: Mapping[str, Any] | None = None, **members: Array | None) -> Maker:
    """Saved statistics with some members exchanged or left out, and some facts of their description changed."""

    def make(at: Path) -> Path:
        with np.load(io.BytesIO(statistics_file())) as sound:
            arrays = {name: sound[name] for name in sound.files}
        description = json.loads(str(arrays["ganmetrics"]))
        recipe = {**description["recipe"], **(facts or {}).get("recipe", {})}
        described = {**description, **(facts or {}), "recipe": recipe}
        described.pop("content", None)
        kept = {k: v for k, v in {**arrays, **members}.items() if v is not None}
        with suppress(TypeError, ValueError):  # what has a digest is signed, as whoever forges such a file would do
            numbers = {name: value for name, value in kept.items() if name != "ganmetrics"}
            described["content"] = content_digest({**numbers, "ganmetrics": described})
        return npz(**{**kept, "ganmetrics": np.array(json.dumps(described))})(at)  # type: ignore[return-value]

    return make


def changed_statistics() -> Maker:
    """Saved statistics whose covariance was doubled after they were written, under the digest of the old one."""

    def make(at: Path) -> Path:
        with np.load(io.BytesIO(statistics_file())) as sound:
            arrays = {name: sound[name] for name in sound.files}
        return npz(**{**arrays, "sigma": 2 * arrays["sigma"]})(at)  # type: ignore[return-value]

    return make


# --- archives ------------------------------------------------------------------------------------------------------


def zipped(members: Iterable[tuple[str | zipfile.ZipInfo, bytes]], name: str = "x.zip") -> Maker:
    """An archive of these members, repeated names included."""
    kept = list(members)

    def make(at: Path) -> Path:
        with zipfile.ZipFile(at / name, "w", zipfile.ZIP_DEFLATED) as archive, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of repeated names
            for member, data in kept:
                archive.writestr(member, data)
        return at / name

    return make


IMAGES = [(f"{index}.png", encoded(picture(100 + index))) for index in range(COUNT)]


def zipped_with(name: str | zipfile.ZipInfo, data: bytes = b"") -> Maker:
    """An archive of good images and one member more."""
    return zipped([*IMAGES, (name, data)])


def cut(make: Maker, num_bytes: int) -> Maker:
    """The same file without its last bytes."""

    def made(at: Path) -> Path:
        path = Path(make(at))
        path.write_bytes(path.read_bytes()[:-num_bytes])
        return path

    return made


def link_member(name: str) -> zipfile.ZipInfo:
    """A member that is a symbolic link."""
    info = zipfile.ZipInfo(name)
    info.create_system = 3
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    return info


def encrypted(at: Path) -> Path:
    """An archive whose only member says that it is encrypted."""
    path = Path(zipped([("x.png", IMAGES[0][1])])(at))
    data = bytearray(path.read_bytes())
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(data)
    return path


def overlapping(at: Path) -> Path:
    """An archive whose directory names one member's bytes twenty times."""
    path = Path(zipped([("0.png", IMAGES[0][1])])(at))
    data = path.read_bytes()
    start, end = data.index(b"PK\x01\x02"), data.index(b"PK\x05\x06")
    entries = b"".join(data[start:end].replace(b"0.png", b"%c.png" % (65 + index)) for index in range(20))
    tail = struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, 20, 20, len(entries), start, 0)
    path.write_bytes(data[:start] + entries + tail)
    return path


# --- weights -------------------------------------------------------------------------------------------------------


class Evil:
    """Leaves a file behind where it is unpickled."""

    def __reduce__(self) -> Any:
        return open, ("marker", "w")


def safetensors(*spans: tuple[str, int, int]) -> Maker:
    """A safetensors file of tensors by their (name, first byte, last byte); names may repeat and spans overlap."""
    fact = {"dtype": "F32", "shape": [4]}
    facts = (f'"{name}": {json.dumps({**fact, "data_offsets": span})}' for name, *span in spans)
    text = f"{{{', '.join(facts)}}}".encode()
    return file("w.safetensors", len(text).to_bytes(8, "little") + text + bytes(max(span[2] for span in spans)))
