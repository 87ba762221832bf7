"""A .zip archive of images, read in memory and never unpacked."""

from __future__ import annotations

import io
import os
import stat
import zipfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ganmetrics._files import shown
from ganmetrics.data.folder import found_instead
from ganmetrics.data.places.other_formats import advice
from ganmetrics.data.places.paths import foreign_archive, is_kept, is_zip, plain_name, shortened, suffix_of
from ganmetrics.data.places.refusals import refuse_path
from ganmetrics.data.reading.batches import Share
from ganmetrics.data.reading.classes import DATASET_JSON
from ganmetrics.data.reading.decode import Decoded, decode
from ganmetrics.data.reading.item_source import ItemSource
from ganmetrics.data.reading.result_names import roles_of
from ganmetrics.data.reading.unreadable import Unreadable
from ganmetrics.data.reading_choices import DEFAULT_READING, Reading
from ganmetrics.data.source import Kind
from ganmetrics.errors import InputError

if TYPE_CHECKING:
    from ganmetrics.types import Placed

ENCRYPTED = 0x1
UTF8_NAME = 0x800
MAX_DIRECTORY_BYTES = 1 << 30
# A small blank bitmap may well shrink a thousand times.
SMALL_MEMBER = 1 << 20


@dataclass(frozen=True, kw_only=True)
class Caps:
    """The most an archive may hold; a leaderboard sets its own.

    Parameters
    ----------
    members : int
        Files in the archive.
    member_bytes, total_bytes : int
        Unpacked size of one file and of all.
    ratio : int
        Unpacked over packed size, of the archive and of each file above 1 MiB.
    """

    members: int = 2_000_000
    member_bytes: int = 512 << 20
    total_bytes: int = 1 << 40
    ratio: int = 200


DEFAULT_CAPS = Caps()


class ZipSource(ItemSource):
    """The images of a .zip archive in the order of their names' bytes; constructing it checks the directory.

    Parameters
    ----------
    path : str or os.PathLike
        The archive.
    reading : Reading
        How images are read.
    caps : Caps
        The most it may hold.

    Raises
    ------
    InputError
        Not a zip archive, a truncated or hostile one, or one without images.
    """

    is_lasting = True
    _items: _ZipItems

    def __init__(
        self, path: str | os.PathLike[str], reading: Reading = DEFAULT_READING, caps: Caps = DEFAULT_CAPS
    ) -> None:
        super().__init__()
        if not os.path.isfile(path):
            refuse_path(path)
        self.name = shown(path)
        self.identity = os.path.realpath(path)
        self.reading = reading
        with opened_archive(path) as archive:
            infos = archive.infolist()
            check_members(infos, os.path.getsize(path), self.name, caps)
        files = sorted((info for info in infos if not info.is_dir()), key=_name_bytes)
        members = [info.filename for info in files if is_kept(info.filename, self.notes.ignored)]
        names = [member_name(member) for member in members]
        labels = [info.filename for info in files if info.filename.endswith(DATASET_JSON)]
        self._labels = {member_name(member): member for member in labels}
        self.count = len(names)
        if not names:
            what = f"no images in the archive ({found_instead(self.notes.ignored)})"
            raise InputError(what, where=self.name, hint=advice(self.notes.ignored), code="E-EMPTY")
        self.notes.depths.update(name.count("/") for name in names)
        self.notes.roles = roles_of(names)
        self._items = _ZipItems(os.path.abspath(path), names, members, reading, caps)

    def item_names(self) -> list[str]:
        """The names in the archive."""
        return [shown(name) for name in self._items.names]

    def _beside(self, name: str) -> bytes | None:
        member = self._labels.get(name)
        try:
            return None if member is None else self._items.content(member)
        finally:
            self._items.close()

    def share(self, share: Share) -> Iterator[Placed]:
        """A share of the images; see ``Source.share``."""
        try:
            yield from super().share(share)
        finally:
            self._items.close()


class _ZipItems:
    # Each process opens the archive for itself: a handle shared by a fork would share one file position.
    is_quiet = True

    def __init__(self, path: str, names: list[str], members: list[str], reading: Reading, caps: Caps) -> None:
        self.path, self.names, self.members, self.reading, self.caps = path, names, members, reading, caps
        self._archive: zipfile.ZipFile | None = None
        self._process = 0

    def __getstate__(self) -> dict[str, object]:
        return {**self.__dict__, "_archive": None}

    def __len__(self) -> int:
        return len(self.names)

    def close(self) -> None:
        if self._archive is not None:
            self._archive.close()
        self._archive = None

    def title(self, index: int) -> str:
        return shown(self.names[index])

    def load(self, index: int) -> Decoded:
        return decode(self.content(self.members[index]), self.reading, suffix_of(self.names[index]))

    def content(self, name: str) -> bytes:
        if self._archive is None or self._process != os.getpid():
            self._archive, self._process = opened_archive(self.path), os.getpid()
        try:
            return _bounded(self._archive, name, self.caps.member_bytes)
        except MemoryError:  # no fault of the member
            raise
        except Exception as error:  # zlib.error, BadZipFile, EOFError, NotImplementedError, RuntimeError ...
            text = str(error).splitlines()[0][:120] if str(error) else type(error).__name__
            raise Unreadable(f"cannot be unpacked: {shown(text)}") from None


def opened_archive(path: str | os.PathLike[str]) -> zipfile.ZipFile:
    """The archive, its directory read.

    Raises
    ------
    InputError
        It is not a zip archive, or a truncated one.
    """
    try:
        return _Archive(path)
    except InputError:
        raise
    except Exception as error:  # damaged directories raise BadZipFile, struct.error, ValueError, NotImplementedError
        reason = error.strerror if isinstance(error, OSError) else str(error)
        title = foreign_archive(path)
        what = f"the file is {title}, not a zip archive" if title else f"the archive cannot be opened: {reason}"
        hint = "Unpack it and name the folder, or pack it as a zip" if title else "It may be incomplete; make it again"
        # The system refuses it: nothing is wrong with the archive.
        is_refused = isinstance(error, OSError)
        raise InputError(what, where=shown(path), hint="" if is_refused else hint, code="E-ARCHIVE") from None


def check_members(infos: list[zipfile.ZipInfo], num_bytes: int, where: str, caps: Caps) -> None:
    """Refuse an archive for what its directory says, before anything is unpacked.

    Raises
    ------
    InputError
        Too many or too large members, overlapping data, encryption, links, repeated or escaping names.
    """
    packed, unpacked = sum(info.compress_size for info in infos), sum(info.file_size for info in infos)
    reason = ""
    if len(infos) > caps.members:
        reason = f"it holds {len(infos)} files; the most is {caps.members}"
    elif unpacked > caps.total_bytes:
        reason = f"it claims to unpack to {unpacked} bytes; the most is {caps.total_bytes}"
    elif packed > num_bytes:
        reason = f"its members overlap: they claim {packed} bytes of a file of {num_bytes}"
    elif unpacked > max(caps.ratio * num_bytes, SMALL_MEMBER):
        reason = f"it claims to unpack to {unpacked // num_bytes} times its size; the most is {caps.ratio} times"
    reason = reason or _repeated(infos) or next(filter(None, (_member_fault(info, caps) for info in infos)), "")
    if reason:
        raise InputError(f"the archive is refused: {reason}", where=where, code="E-ARCHIVE")


def _repeated(infos: list[zipfile.ZipInfo]) -> str:
    name, number = Counter(member_name(info.filename) for info in infos).most_common(1)[0] if infos else ("", 0)
    return f"the name '{shortened(shown(name))}' stands in it {number} times" if number > 1 else ""


def _member_fault(info: zipfile.ZipInfo, caps: Caps) -> str:
    name = shortened(shown(info.orig_filename))
    if info.flag_bits & ENCRYPTED:
        return f"'{name}' is encrypted"
    if _escapes(info.orig_filename):
        return f"the name '{name}' leads out of the archive"
    if stat.S_ISLNK(info.external_attr >> 16):
        return f"'{name}' is a symbolic link"
    if info.file_size > caps.member_bytes:
        return f"'{name}' claims {info.file_size} bytes; the most is {caps.member_bytes}"
    if info.file_size > max(SMALL_MEMBER, caps.ratio * info.compress_size):
        return f"'{name}' claims to unpack to more than {caps.ratio} times its size"
    return ""


def _escapes(name: str) -> bool:
    parts = name.replace("\\", "/").split("/")
    return "\0" in name or parts[0] == "" or parts[0][1:2] == ":" or ".." in parts


def member_name(name: str) -> str:
    """A member's relative name as a folder would have it: archives of Windows may hold backslashes."""
    return plain_name(name.replace("\\", "/"))


def _name_bytes(info: zipfile.ZipInfo) -> bytes:
    return member_name(info.filename).encode("utf-8" if info.flag_bits & UTF8_NAME else "cp437", "surrogateescape")


def _bounded(archive: zipfile.ZipFile, name: str, max_bytes: int) -> bytes:
    # bounded by what comes out, whatever the directory says
    with archive.open(name) as member:
        content = member.read(max_bytes + 1)
    if len(content) > max_bytes:
        raise ValueError(f"it unpacks to more than {max_bytes} bytes")
    return content


class _Archive(zipfile.ZipFile):
    # zipfile leaves a reader that it was given open

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._reader = _CappedReader(io.FileIO(path))
        try:
            super().__init__(self._reader)
        except BaseException:
            self._reader.close()
            raise

    def close(self) -> None:
        super().close()
        self._reader.close()


class _CappedReader(io.BufferedReader):
    # zipfile reads the directory in one piece, of the size that the archive states; each entry becomes an object.

    def read(self, size: int | None = -1, /) -> bytes:
        if size is not None and size > MAX_DIRECTORY_BYTES:
            raise ValueError(f"its directory claims {size} bytes")
        return super().read(size)


KIND = Kind(
    accepts="a .zip archive of images",
    matches=is_zip,
    open=lambda value, opening: ZipSource(value, opening.reading),
)
