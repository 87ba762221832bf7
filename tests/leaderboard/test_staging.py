"""What is refused before a pixel is decoded, and what only decoding shows: the threats of a stranger's file."""

from __future__ import annotations

import os
import pickle
import struct
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from boards import COUNT, SIDE, members, npz, pictures, png, zipped

from ganmetrics.errors import InputError, RejectedError
from ganmetrics.leaderboard import decoding as pixels
from ganmetrics.leaderboard import staging
from ganmetrics.leaderboard.rules import Rules

RULES = Rules(
    title="T", metrics=("fid",), rank_by="fid", extractor="pixels", network="pixels-8x8", second_extractor="",
    second_network="", reference="#2:ab", hidden="", num_images=COUNT, width=SIDE, height=SIDE, seed=1, quota=(),
    copies=0.01, duplicates=0.1, has_diagnosis=True, version="0",
)  # fmt: skip
IMAGES = pictures(COUNT, 7)


def decoded(path: Path, folder: Path) -> np.ndarray[Any, Any]:
    """Take a submission in and decode it, as a worker does, in this process."""
    (folder / "board").mkdir(exist_ok=True)
    staged = staging.stage_path(path, folder / "board", RULES)
    job = {"rules": RULES.to_json(), "file": str(folder / "board" / staged.file), "pixels": str(folder / "pixels.npy")}
    pixels.answer(job)
    return np.load(folder / "pixels.npy", allow_pickle=False)


def folder_of(path: Path, content: dict[str, bytes]) -> Path:
    for name, data in content.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(data)
    return path


@pytest.mark.parametrize("kind", ["folder", "zip", "deflated", "npz", "compressed", "channels first"])
def test_every_kind_gives_the_same_pixels(kind: str, tmp_path: Path) -> None:
    make: dict[str, Callable[[], Path]] = {
        "folder": lambda: folder_of(tmp_path / "fake", {**members(IMAGES), ".DS_Store": b"x", "sub/notes.txt": b"x"}),
        "zip": lambda: zipped(tmp_path / "fake.zip", {**members(IMAGES), "__MACOSX/._0.png": b"x", "a/": b""}),
        "deflated": lambda: zipped(tmp_path / "fake.zip", members(IMAGES), zipfile.ZIP_DEFLATED),
        "npz": lambda: npz(tmp_path / "fake.npz", IMAGES),
        "compressed": lambda: _compressed(tmp_path / "fake.npz"),
        "channels first": lambda: npz(tmp_path / "fake.npz", IMAGES.transpose(0, 3, 1, 2).copy()),
    }
    np.testing.assert_array_equal(decoded(make[kind](), tmp_path), IMAGES)


def _compressed(path: Path) -> Path:
    np.savez_compressed(path, arr_0=IMAGES)
    return path


def test_a_folder_packs_the_same_every_time(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    found = [staging.stage_path(folder_of(tmp_path / "fake", members(IMAGES)), tmp_path / n, RULES) for n in ("a", "b")]
    assert found[0].digest == found[1].digest and found[0].file != found[1].file


def _bomb(path: Path) -> Path:
    return zipped(path, {**members(IMAGES[:-1]), "bomb.png": bytes(31 << 20)}, zipfile.ZIP_DEFLATED)


def _overlapping(path: Path) -> Path:
    """The directory names one member's bytes many times."""
    zipped(path, {"0.png": png(IMAGES[0])})
    data = path.read_bytes()
    start = data.index(b"PK\x01\x02")
    entry, end = data[start : data.index(b"PK\x05\x06")], data.index(b"PK\x05\x06")
    entries = b"".join(entry.replace(b"0.png", f"{chr(48 + i)}.png".encode()) for i in range(60))
    tail = struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, 60, 60, len(entries), start, 0)
    path.write_bytes(data[:start] + entries + tail)
    assert end
    return path


def _linked(path: Path) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members(IMAGES[:-1]).items():
            archive.writestr(name, data)
        link = zipfile.ZipInfo("link.png")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
    return path


def _pixel_bomb(side: int) -> bytes:
    """A PNG whose header claims side x side pixels."""
    import zlib

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


class Evil:
    """Leaves a file behind where it is unpickled."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> Any:
        return open, (str(self.marker), "w")


def _pickled(tmp_path: Path) -> Path:
    array = np.empty(1, object)
    array[0] = Evil(tmp_path / "marker")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        np.savez(tmp_path / "evil.npz", arr_0=array)
    return tmp_path / "evil.npz"


def _replaced(content: bytes, name: str = "00003.png") -> dict[str, bytes]:
    return {**members(IMAGES), name: content}


TEXTS = {f"{number}.txt": b"" for number in range(60)}


def _zip(folder: Path, content: dict[str, bytes]) -> Path:
    return zipped(folder / "x.zip", content)


CASES: dict[str, tuple[Callable[[Path], Path], str]] = {
    "statistics": (lambda p: npz(p / "x.npz", IMAGES, mu=np.zeros(3), sigma=np.eye(3)), "holds statistics"),
    "statistics alone": (lambda p: _saved(p / "x.npz", mu=np.zeros(3), sigma=np.eye(3)), "holds statistics"),
    "another key": (lambda p: npz(p / "x.npz", IMAGES, labels=np.zeros(3)), "2 entries .arr_0, labels."),
    "pickles": (_pickled, "Python objects"),
    "a .pth file": (lambda p: _file(p / "x.pth", pickle.dumps(Evil(p / "marker"))), "cannot be opened|not a zip"),
    "float images": (lambda p: npz(p / "x.npz", IMAGES / 255), "is float64"),
    "column order": (lambda p: npz(p / "x.npz", np.asfortranarray(IMAGES)), "column order"),
    "too few in npz": (lambda p: npz(p / "x.npz", IMAGES[:-1]), r"\[59, 24, 24, 3\]; expected uint8 \[60"),
    "one image too few": (lambda p: _zip(p, members(IMAGES[:-1])), "59 images; this board takes exactly 60"),
    "one image too many": (lambda p: _zip(p, _replaced(png(IMAGES[0]), "z.png")), "61 images"),
    "folder too few": (lambda p: folder_of(p / "x", members(IMAGES[:-1])), "59 images"),
    "another size": (lambda p: _zip(p, _replaced(png(IMAGES[0][:-1]))), "24 x 23 pixels; expected 24 x 24"),
    "zip slip": (lambda p: _zip(p, _replaced(png(IMAGES[0]), "../../evil.png")), "leads out of the archive"),
    "absolute name": (lambda p: _zip(p, _replaced(png(IMAGES[0]), "/etc/evil.png")), "leads out"),
    "bomb": (lambda p: _bomb(p / "x.zip"), "more than 200 times|times its size"),
    "overlapping": (lambda p: _overlapping(p / "x.zip"), "overlap"),
    "link in zip": (lambda p: _linked(p / "x.zip"), "symbolic link"),
    "pixel bomb": (lambda p: _zip(p, _replaced(_pixel_bomb(50_000))), "more than 16000000 pixels"),
    "postscript": (lambda p: _zip(p, _replaced(b"%!PS-Adobe-3.0 EPSF-3.0\n")), "PostScript"),
    "photoshop": (lambda p: _zip(p, _replaced(b"8BPS\0\1" + bytes(64))), "Photoshop"),
    "fits": (lambda p: _zip(p, _replaced(b"SIMPLE  =                    T")), "FITS"),
    "html": (lambda p: _zip(p, _replaced(b"<svg onload=alert(1)>")), "HTML, SVG"),
    "truncated image": (lambda p: _zip(p, _replaced(png(IMAGES[0])[:100])), "'00003.png' is truncated"),
    "empty image": (lambda p: _zip(p, _replaced(b"")), "is empty"),
    "truncated zip": (lambda p: _file(p / "y.zip", _zip(p, members(IMAGES)).read_bytes()[:-200]), "cannot be opened"),
    "gzip": (lambda p: _file(p / "x.zip", b"\x1f\x8b" + bytes(100)), "a gzip file"),
    "too many files": (lambda p: _zip(p, {**members(IMAGES), **TEXTS}), "the most is 110"),
    "folder of many": (lambda p: folder_of(p / "x", {**members(IMAGES), **TEXTS}), "more than 60 images and 50"),
    "too many bytes": (lambda p: _file(p / "x.zip", bytes(RULES.max_upload + 1)), "the most that this board takes"),
    "a name in a terminal's colours": (lambda p: _zip(p, {**members(IMAGES[:-1]), "\x1b[31m.png": b"x"}), "x1b"),
}  # fmt: skip


def _saved(path: Path, **arrays: Any) -> Path:
    np.savez(path, **arrays)
    return path


def _file(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("name", CASES)
def test_threats_are_refused(name: str, tmp_path: Path) -> None:
    make, what = CASES[name]
    path = make(tmp_path)
    with pytest.raises(RejectedError, match=what) as refused:
        decoded(path, tmp_path)
    assert refused.value.exit_code == 7
    assert str(refused.value).isprintable() and str(tmp_path) not in str(refused.value)
    assert not (tmp_path / "marker").exists(), "code ran"
    assert not (tmp_path.parent / "evil.png").exists()
    assert not list((tmp_path / "board").glob(".*.part")), "nothing is left half-written"


@pytest.mark.parametrize("kind", ["file", "folder", "fifo"])
def test_folders_are_never_left_by_a_link(kind: str, tmp_path: Path) -> None:
    fake, board = folder_of(tmp_path / "fake", members(IMAGES[:-1])), tmp_path / "board"
    board.mkdir()
    if kind == "fifo":
        os.mkfifo(fake / "z.png")
    else:
        (fake / "z.png").symlink_to("/etc/passwd" if kind == "file" else "/etc")
    with pytest.raises(RejectedError, match="no regular file" if kind == "fifo" else "symbolic link"):
        staging.stage_path(fake, board, RULES)
    assert not list(board.iterdir())


def test_a_missing_path_is_no_rejection(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such folder"):
        staging.stage_path(tmp_path / "none", tmp_path, RULES)


@pytest.mark.parametrize("seed", range(60))
def test_damaged_files_are_refused_in_our_words(seed: int, tmp_path: Path) -> None:
    """Bytes of good submissions changed at random: pixels, or our exception."""
    rng = np.random.RandomState(seed)
    source = npz(tmp_path / "x.npz", IMAGES) if seed % 2 else zipped(tmp_path / "x.zip", members(IMAGES), seed % 4 * 4)
    data = bytearray(source.read_bytes())
    for place in rng.randint(0, len(data), 1 + seed % 5):
        data[place] = rng.randint(256)
    for place in rng.randint(max(0, len(data) - 4000), len(data), seed % 7):
        data[place] = rng.randint(256)
    source.write_bytes(bytes(data))
    said = ""
    try:
        found = decoded(source, tmp_path)
        assert found.shape == (COUNT, SIDE, SIDE, 3)
    except RejectedError as error:
        said = str(error)
    assert said.isprintable()
