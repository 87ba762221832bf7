"""Intake of submissions: a folder, a zip or an npz file becomes one file of the board, named by its SHA-256.

Only names, sizes and directories are checked here, which costs little. Pixels are decoded in a process of their own.
"""

from __future__ import annotations

import dataclasses
import hashlib
import os
import secrets
import stat
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, NamedTuple, NoReturn

from ganmetrics._files import disk_errors, shown, unfinished
from ganmetrics.data.places.array_header import read_header
from ganmetrics.data.places.paths import foreign_archive, why_ignored
from ganmetrics.data.zip_file import SMALL_MEMBER, Caps, check_members, opened_archive
from ganmetrics.errors import InputError, RejectedError
from ganmetrics.leaderboard.rules import EXTRA_FILES, MEMBER_BYTES, Rules

# The earliest time that a zip can hold, so that equal folders give equal bytes.
EPOCH = (1980, 1, 1, 0, 0, 0)
BLOCK = 1 << 20


class Staged(NamedTuple):
    """A file of the board: its SHA-256 and its name among the submissions."""

    digest: str
    file: str


def stage_path(path: str | os.PathLike[str], folder: Path, rules: Rules) -> Staged:
    """Take in a folder, a .zip or an .npz file.

    Raises
    ------
    RejectedError
        Whatever names and sizes show to be wrong.
    InputError
        There is no such folder or file.
    """
    if os.path.isdir(path):
        return _staged(folder, rules, lambda stream: _pack(Path(path), stream, rules))
    if not os.path.isfile(path):
        raise InputError("there is no such folder or file", where=shown(path), code="E-MISSING")

    def copy(stream: IO[bytes]) -> None:
        with open(path, "rb") as source:
            while block := source.read(BLOCK):
                stream.write(block)

    return _staged(folder, rules, copy)


@contextmanager
def receiving(folder: Path, rules: Rules) -> Iterator[Receiver]:
    """Yield a file that is written piece by piece, as an upload comes; it is removed unless ``done`` was called."""
    receiver = Receiver(folder, rules)
    try:
        yield receiver
    finally:
        receiver.discard()


class Receiver:
    """Receives an upload: counts and hashes its bytes as they come, and checks the file once all have come."""

    def __init__(self, folder: Path, rules: Rules) -> None:
        self.folder, self.rules = folder, rules
        self.temporary = unfinished(folder)
        with disk_errors("the board's folder"):
            self.stream = open(self.temporary, "xb")  # noqa: SIM115  closed by ``discard``
        self.hasher, self.count = hashlib.sha256(), 0

    def write(self, block: bytes) -> int:
        """Write some bytes; return how many (RejectedError when there are too many)."""
        self.count += len(block)
        if self.count > self.rules.max_upload:
            refuse(f"the submission has more than {self.rules.max_upload:,} bytes, the most that this board takes")
        self.hasher.update(block)
        with disk_errors("the board's folder"):
            return self.stream.write(block)

    def flush(self) -> None:
        """Do nothing: writers of archives flush the file that they write to."""

    def done(self) -> Staged:
        """Check the file and give it its name (RejectedError)."""
        with disk_errors("the board's folder"):
            self.stream.flush()
            os.fsync(self.stream.fileno())
            self.stream.close()
        suffix = check_file(self.temporary, self.rules)
        digest = self.hasher.hexdigest()
        # Each submission has a file of its own, even where the bytes are equal.
        staged = Staged(digest, f"{digest}-{secrets.token_hex(4)}{suffix}")
        with disk_errors("the board's folder"):
            os.replace(self.temporary, self.folder / staged.file)
        return staged

    def discard(self) -> None:
        """Close and remove the unfinished file."""
        self.stream.close()
        self.temporary.unlink(missing_ok=True)


def _staged(folder: Path, rules: Rules, fill: Callable[[IO[bytes]], None]) -> Staged:
    with receiving(folder, rules) as receiver:
        fill(receiver)  # type: ignore[arg-type]
        return receiver.done()


def check_file(path: Path, rules: Rules) -> str:
    """Check the directory of an archive; return the suffix for the file, ``.zip`` or ``.npz`` (RejectedError)."""
    if title := foreign_archive(path):
        refuse(f"the submission is {title}; expected a zip archive of images or an npz file of uint8 images")
    try:
        with opened_archive(path) as archive:
            infos = archive.infolist()
        names = [info.filename for info in infos]
        is_array = any(name.endswith(".npy") for name in names)
        check_members(infos, path.stat().st_size, "the submission", rules.caps if not is_array else _array_caps(rules))
    except InputError as error:
        raise RejectedError(error.what, code="E-REJECTED") from None
    if is_array:
        check_keys(names)
        with opened_archive(path) as archive, array_errors(), archive.open(names[0]) as member:
            array_shape(member, rules)
        return ".npz"
    check_count(sum(map(is_image, names)), rules)
    return ".zip"


def check_keys(names: list[str]) -> None:
    """Refuse an npz of anything but one array of images: statistics above all (RejectedError)."""
    keys = [name.removesuffix(".npy") for name in names]
    if {"mu", "sigma"} & set(keys):
        refuse("the submission holds statistics (mu, sigma); a board scores images and nothing else")
    if len(keys) != 1:
        refuse(f"the npz file holds {len(keys)} entries ({shown(', '.join(keys[:5]))}); expected one array of images")


def array_shape(member: IO[bytes], rules: Rules) -> tuple[int, ...]:
    """Read an array's header and return the shape that it states (RejectedError for any but the board's images)."""
    shape, is_fortran, dtype, _ = read_header(member)
    last = (rules.num_images, rules.height, rules.width, 3)
    first = (rules.num_images, 3, rules.height, rules.width)
    if dtype.hasobject or dtype.name != "uint8" or is_fortran or shape not in (last, first):
        layout = "column order " if is_fortran else ""
        kind = "Python objects" if dtype.hasobject else dtype.name
        refuse(f"the array is {layout}{kind} {list(shape)}; expected uint8 {list(last)} or {list(first)}")
    return tuple(shape)


@contextmanager
def array_errors() -> Iterator[None]:
    """Turn whatever a damaged array raises into a rejection."""
    try:
        yield
    except RejectedError:
        raise
    # NumPy raises ValueError, SyntaxError, EOFError, RecursionError, and zlib its own.
    except Exception as error:
        refuse(f"the array is damaged: {shown(str(error)[:100]) or type(error).__name__}")


def check_count(count: int, rules: Rules) -> None:
    """Refuse another number of images (RejectedError)."""
    if count != rules.num_images:
        refuse(f"the submission has {count:,} images; this board takes exactly {rules.num_images:,}")


def is_image(name: str) -> bool:
    """Return whether a member of an archive counts as an image, by the rule of every archive."""
    return not why_ignored(name)


def refuse(what: str) -> NoReturn:
    """Reject the submission (RejectedError)."""
    raise RejectedError(what)


def _array_caps(rules: Rules) -> Caps:
    # blank images do shrink a thousand times, and the array's own size is known
    return dataclasses.replace(rules.caps, member_bytes=_array_bytes(rules), ratio=1100)


def _array_bytes(rules: Rules) -> int:
    return 3 * rules.num_images * rules.width * rules.height + SMALL_MEMBER


def _pack(root: Path, stream: IO[bytes], rules: Rules) -> None:
    """Zip a folder's images; equal files give equal bytes. Links are refused, and nothing else is opened."""
    names = sorted(_walk(root, rules))
    check_count(len(names), rules)
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as archive:
        for name in names:
            archive.writestr(zipfile.ZipInfo(name, EPOCH), _content(root, name))


def _walk(root: Path, rules: Rules) -> Iterator[str]:
    """Yield the relative paths of a folder's images, with ``/``."""
    count = 0
    for folder, folders, files in os.walk(root):
        for name in [*folders, *files]:
            count += 1
            if count > rules.num_images + EXTRA_FILES:
                refuse(f"the folder holds more than {rules.num_images:,} images and {EXTRA_FILES} other files")
            if os.path.islink(os.path.join(folder, name)):
                refuse(f"the submission holds a symbolic link, '{shown(name)}'; copy the file in its place")
        for name in files:
            relative = Path(folder, name).relative_to(root).as_posix()
            if is_image(relative):
                yield relative


def _content(root: Path, name: str) -> bytes:
    try:
        descriptor = os.open(root / name, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
        with os.fdopen(descriptor, "rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                refuse(f"'{shown(name)}' is no regular file")
            if status.st_size > MEMBER_BYTES:
                refuse(f"'{shown(name)}' has {status.st_size:,} bytes; the most is {MEMBER_BYTES:,}")
            return file.read(MEMBER_BYTES)
    except OSError as error:
        refuse(f"'{shown(name)}' cannot be read: {error.strerror}")
