"""Writing a file whole or not at all, naming any path in a message, and where a user's caches lie."""

from __future__ import annotations

import os
import re
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from ganmetrics import _arguments
from ganmetrics.errors import ResourceError, UsageError

# A file that has not got its name so many seconds after its last byte is a killed writer's.
SECONDS_TO_FINISH = 3600
UNFINISHED = re.compile(r"\.\d+-[0-9a-f]{16}\.part")


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
    if isinstance(path, (str, os.PathLike)) and "\0" in os.fsdecode(path):
        raise UsageError("the output's name holds a null byte", where=shown(path), code="E-OUTPUT")
    target = Path(_arguments.path(path, "the output"))
    with disk_errors(target):
        # This raises where the name is too long.
        target.exists()
    if target.exists() and not target.is_file():
        raise UsageError("the output is not a regular file", where=shown(target), hint="Name a file", code="E-OUTPUT")
    if target.exists() and not force:
        hint = "Choose another name or pass `force=True`"
        raise UsageError("the output exists already", where=shown(target), hint=hint, code="E-EXISTS")
    if not target.parent.is_dir():
        raise ResourceError(
            "the output's folder does not exist", where=shown(target.parent), hint="Create it first", code="E-OUTPUT"
        )
    if not os.access(target.parent, os.W_OK):
        raise ResourceError("the output's folder cannot be written", where=shown(target.parent), code="E-OUTPUT")
    return target


@contextmanager
def atomic_write(
    path: str | os.PathLike[str], *, mode: int = 0o666, is_one_of_many: bool = False
) -> Iterator[IO[bytes]]:
    """A binary file that takes its name only once it is complete and on disk; on any failure the old one stays.

    What writers that were killed long ago left in its folder is removed.

    Parameters
    ----------
    path : path
    mode : int
        The permissions of a new file, less the umask.
    is_one_of_many : bool
        Neither wait for the disk nor look for what was left, which would take long for every image of a set.

    Raises
    ------
    ResourceError
        The disk is full or the folder cannot be written.
    """
    # What a link points to is replaced, not the link.
    target = Path(os.path.realpath(path))
    with disk_errors(target):
        # A folder cannot be written, and a device would be replaced.
        if target.exists() and not target.is_file():
            raise ResourceError("the output is not a regular file", where=shown(target), code="E-WRITE")
    temporary = unfinished(target.parent)
    with disk_errors(target):
        if not is_one_of_many:
            remove_abandoned(target.parent)
        try:
            with open(temporary, "xb", opener=lambda name, flags: os.open(name, flags, mode)) as stream:
                yield stream
                stream.flush()
                if not is_one_of_many:
                    os.fsync(stream.fileno())
            if target.exists():
                shutil.copymode(target, temporary)
            os.replace(temporary, target)
        finally:
            temporary.unlink(missing_ok=True)


def unfinished(folder: Path) -> Path:
    """A name in a folder for a file that is being written, which no other writer has."""
    return folder / f".{os.getpid()}-{secrets.token_hex(8)}.part"


def remove_abandoned(folder: Path) -> None:
    """Remove the unfinished files of a folder that nothing was written to for an hour; what cannot be removed stays."""
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if UNFINISHED.fullmatch(entry.name) and time.time() - entry.stat().st_mtime > SECONDS_TO_FINISH:
                os.unlink(entry)


def user_folder(name: str, variable: str = "") -> Path | None:
    """The folder that an environment variable names, else that of this name in the user's cache.

    The cache is XDG_CACHE_HOME, else ``~/.cache``; ``None`` for a user without a home.
    """
    chosen = os.environ.get(variable) or os.path.join(os.environ.get("XDG_CACHE_HOME") or "~/.cache", name)
    folder = os.path.expanduser(chosen)
    return None if folder.startswith("~") else Path(folder)


def required_folder(name: str, content: str, variable: str = "") -> Path:
    """Return the folder of a cache that must have a place (ResourceError for a user without a home)."""
    folder = user_folder(name, variable)
    if folder is None:
        what = f"this user has no home folder to keep {content} in"
        raise ResourceError(what, hint=f"Set {variable or 'XDG_CACHE_HOME'} to a folder for them", code="E-WRITE")
    return folder


@contextmanager
def disk_errors(path: str | os.PathLike[str], hint: str = "") -> Iterator[None]:
    """Turn the operating system's refusal to write at ``path`` into a ``ResourceError``."""
    try:
        yield
    except OSError as error:
        what = f"cannot write the file: {error.strerror or type(error).__name__}"
        raise ResourceError(what, where=shown(path), hint=hint, code="E-WRITE") from error


def write_text(text: str, path: str | os.PathLike[str]) -> None:
    """Write a text, whole or not at all (ResourceError)."""
    with atomic_write(path) as stream:
        stream.write(text.encode())


def save_json(text: str, path: str | os.PathLike[str], *, force: bool) -> None:
    """Write JSON text, whole or not at all (UsageError for a file that exists, ResourceError)."""
    check_writable(path, force=force)
    write_text(f"{text}\n", path)
