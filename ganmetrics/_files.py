"""Writing a file whole or not at all, and naming any path in a message."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from ganmetrics.errors import ResourceError, UsageError


def shown(path: str | os.PathLike[str]) -> str:
    """The path as one printable line: control and undecodable characters are escaped."""
    text = os.fspath(path)
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def check_writable(path: str | os.PathLike[str], *, force: bool = False) -> Path:
    """Refuse, before any long work, an output that exists or whose folder cannot be written.

    Raises
    ------
    UsageError
        The file exists and ``force`` is false, or the path is a folder.
    ResourceError
        The folder is missing or read-only.
    """
    target = Path(path)
    if "\0" in str(target):
        raise UsageError("the output's name holds a null byte", where=shown(target), code="E-OUTPUT")
    with disk_errors(target):
        target.exists()  # raises where the name is too long
    if target.exists() and not target.is_file():
        raise UsageError("the output is not a regular file", where=shown(target), hint="Name a file", code="E-OUTPUT")
    if target.exists() and not force:
        hint = "Choose another name or pass --force (force=True)"
        raise UsageError("the output exists already", where=shown(target), hint=hint, code="E-EXISTS")
    if not target.parent.is_dir():
        raise ResourceError(
            "the output's folder does not exist", where=shown(target.parent), hint="Create it first", code="E-OUTPUT"
        )
    if not os.access(target.parent, os.W_OK):
        raise ResourceError("the output's folder cannot be written", where=shown(target.parent), code="E-OUTPUT")
    return target


@contextmanager
def atomic_write(path: str | os.PathLike[str]) -> Iterator[IO[bytes]]:
    """A binary file that takes its name only once it is complete and on disk; on any failure the old one stays.

    Raises
    ------
    ResourceError
        The disk is full or the folder cannot be written.
    """
    target = Path(os.path.realpath(path))  # what a link points to is replaced, not the link
    with disk_errors(target):
        if target.exists() and not target.is_file():  # a folder, or a device that would be replaced
            raise ResourceError("the output is not a regular file", where=shown(target), code="E-WRITE")
    temporary = target.with_name(f".{os.getpid()}-{secrets.token_hex(8)}.part")
    with disk_errors(target):
        try:
            with open(temporary, "xb") as stream:
                yield stream
                stream.flush()
                os.fsync(stream.fileno())
            if target.exists():
                shutil.copymode(target, temporary)
            os.replace(temporary, target)
        finally:
            temporary.unlink(missing_ok=True)


@contextmanager
def disk_errors(path: str | os.PathLike[str], hint: str = "") -> Iterator[None]:
    """Turn the operating system's refusal to write at ``path`` into a ``ResourceError``."""
    try:
        yield
    except OSError as error:
        what = f"cannot write the file: {error.strerror or type(error).__name__}"
        raise ResourceError(what, where=shown(path), hint=hint, code="E-WRITE") from error
