"""What the headers of tar archives say: which images lie where, and the labels beside them."""

from __future__ import annotations

import json
import posixpath
import tarfile
from array import array
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from typing import IO, Any, NoReturn

from ganmetrics._files import shown
from ganmetrics.data.places.filesystem import refusal
from ganmetrics.data.places.paths import is_kept, plain_name, shortened
from ganmetrics.data.places.shard_files import Shard
from ganmetrics.data.reading.classes import DATASET_JSON, MAX_LABEL_BYTES, Pairs, class_text
from ganmetrics.data.source import Notes
from ganmetrics.data.zip_file import Caps
from ganmetrics.errors import InputError

# The most bytes that a label's member may hold.
LABEL_BYTES = {".cls": 64, ".json": 1 << 20}
# The most bytes that one member's headers may hold.
HEADER_BYTES = 16 << 20
SCAN_BYTES = 1 << 20
LABEL_KEYS = ("label", "class")


@dataclass
class Found:
    """The images of the archives that were looked at so far."""

    caps: Caps
    notes: Notes
    names: list[str] = field(default_factory=list)
    # For each image its archive, its first byte and its number of bytes.
    spans: array[int] = field(default_factory=lambda: array("q"))
    classes: list[str | None] = field(default_factory=list)
    # Each has a name, an archive, a first byte and a number of bytes.
    dataset_jsons: list[tuple[str, int, int, int]] = field(default_factory=list)

    def add(self, shard: Shard, number: int) -> None:
        """Take in the images of an archive."""
        index = _Index(shard.name, self.caps, self.notes.ignored)
        try:
            with closing(shard.stream()) as stream:
                is_ended = index.read(stream)
        except Exception as error:
            raise _archive_error(error, shard.name) from None
        if not is_ended:
            self.notes.warnings.append(f"{shard.name} has no end mark; it may be incomplete")
        if index.num_lost:
            sentence = f"{index.num_lost} links of {shard.name} were left out"
            self.notes.warnings.append(f"{sentence}: what they name is no image file of the archive")
        if index.num_shared:
            sentence = f"{index.num_shared} images of {shard.name} have the key of another, as x.jpg and x.seg.png do"
            self.notes.warnings.append(f"{sentence}; all of them are counted")
        self.names += index.names
        self.spans.extend(value for start, size in index.spans for value in (number, start, size))
        self.dataset_jsons += [(name, number, start, size) for name, start, size in index.dataset_jsons]
        self.classes += [index.labels.get(_key(name)) for name in index.names]


class _Index:
    """What the headers of one archive say."""

    def __init__(self, where: str, caps: Caps, ignored: Counter[str]) -> None:
        self.where, self.caps, self.ignored = where, caps, ignored
        self.names: list[str] = []
        self.spans: list[tuple[int, int]] = []
        self.labels: dict[str, str] = {}
        self.dataset_jsons: list[tuple[str, int, int]] = []
        self.seen: set[str] = set()
        self.num_shared = self.num_lost = self.total = 0
        self.links: list[tuple[int, str]] = []

    def read(self, stream: IO[bytes]) -> bool:
        """Take in every member; whether the archive ends as one should."""
        capped = _Capped(stream)
        place = -1
        with tarfile.open(fileobj=capped, mode="r:", encoding="utf-8") as archive:  # type: ignore[call-overload]
            while (info := _next(archive, capped)) is not None:
                if info.offset <= place:
                    raise tarfile.ReadError("a member begins before the one that it follows")
                place = info.offset
                self._add(info, stream)
            self._follow_links()
            return _is_ended(archive, stream, self.where)

    def _add(self, info: tarfile.TarInfo, stream: IO[bytes]) -> None:
        if info.isdir():
            return
        self._check(info)
        kind, name, is_link = _kind_of(info), plain_name(info.name), info.issym() or info.islnk()
        if not kind and not is_link and name.endswith(DATASET_JSON) and info.size <= MAX_LABEL_BYTES:
            self.dataset_jsons.append((name, info.offset_data, info.size))
        if kind:
            self.ignored[kind] += 1
        elif (is_link or not self._is_label(info, stream)) and is_kept(name, self.ignored):
            self.num_shared += bool(self.names) and _key(self.names[-1]) == _key(name)
            if is_link:
                self.links.append((len(self.names), _target(info)))
            self.names.append(name)
            self.spans.append((info.offset_data, 0 if is_link else info.size))

    def _follow_links(self) -> None:
        """Give each link that is named like an image the bytes of the image file that it stands for."""
        if not self.links:
            return
        are_links = {number for number, _ in self.links}
        spans = {name: span for number, (name, span) in enumerate(zip(self.names, self.spans, strict=True))
                 if number not in are_links}  # fmt: skip
        for number, target in self.links:
            self.spans[number] = spans.get(target, (0, -1))
            self.total += max(self.spans[number][1], 0)
        if self.total > self.caps.total_bytes:
            self._refuse(f"its links stand for more than {self.caps.total_bytes} bytes")
        kept = [number for number, (_, size) in enumerate(self.spans) if size >= 0]
        self.num_lost = len(self.spans) - len(kept)
        self.ignored.update(["link"] * self.num_lost)
        self.names, self.spans = [self.names[number] for number in kept], [self.spans[number] for number in kept]

    def _refuse(self, reason: str) -> NoReturn:
        raise InputError(f"the archive is refused: {reason}", where=self.where, code="E-ARCHIVE")

    def _check(self, info: tarfile.TarInfo) -> None:
        name, caps = shortened(shown(info.name)), self.caps
        self.total += info.size
        reason = ""
        if plain_name(info.name) in self.seen:
            reason = f"the name '{name}' stands in it twice"
        elif len(self.seen) >= caps.members:
            reason = f"it holds more than {caps.members} files"
        elif info.size > caps.member_bytes:
            reason = f"'{name}' claims {info.size} bytes; the most is {caps.member_bytes}"
        elif self.total > caps.total_bytes:
            reason = f"it claims more than {caps.total_bytes} bytes"
        elif "\0" in info.name or info.name.startswith("/") or ".." in info.name.split("/"):
            reason = f"the name '{name}' leads out of the archive"
        if reason:
            self._refuse(reason)
        self.seen.add(plain_name(info.name))

    def _is_label(self, info: tarfile.TarInfo, stream: IO[bytes]) -> bool:
        base = info.name.rpartition("/")[2]
        suffix = base[base.find(".") :].lower() if "." in base[1:] else ""
        if info.size > LABEL_BYTES.get(suffix, -1):
            return False
        stream.seek(info.offset_data)
        content = stream.read(info.size)
        label = _class_of_number(content) if suffix == ".cls" else _class_of_json(content)
        if label is not None and suffix == ".cls":
            self.labels[_key(plain_name(info.name))] = label
        elif label is not None:
            self.labels.setdefault(_key(plain_name(info.name)), label)
        return label is not None


class _Capped:
    """A stream of which the headers of one member take a bounded number of bytes, whatever they claim."""

    def __init__(self, stream: IO[bytes]) -> None:
        self.stream, self.left = stream, HEADER_BYTES
        self.seek, self.tell = stream.seek, stream.tell

    def read(self, size: int) -> bytes:
        self.left -= size
        if size < 0 or self.left < 0:
            raise tarfile.ReadError(f"the headers of a member claim more than {HEADER_BYTES} bytes")
        return self.stream.read(size)


def _next(archive: tarfile.TarFile, stream: _Capped) -> tarfile.TarInfo | None:
    stream.left = HEADER_BYTES
    archive.members.clear()  # type: ignore[attr-defined]  # it would keep every header: a gigabyte for a million of them
    return archive.next()


def _is_ended(archive: tarfile.TarFile, stream: IO[bytes], where: str) -> bool:
    # tarfile stops at any header that it cannot read, and at the first block of zeros, as if it were the end
    stream.seek(archive.offset)
    block = stream.read(tarfile.BLOCKSIZE)
    if block.strip(b"\0"):
        raise tarfile.ReadError(f"there is no header of a member at byte {archive.offset}")
    while data := stream.read(SCAN_BYTES):
        if data.strip(b"\0"):
            what = (
                f"more data follow the end mark at byte {archive.offset}, as after `cat a.tar b.tar` or a lost header"
            )
            hint = "Give joined archives one by one, or join them by `tar -A`"
            raise InputError(what, where=where, hint=hint, code="E-ARCHIVE")
    return len(block) == tarfile.BLOCKSIZE


def _kind_of(info: tarfile.TarInfo) -> str:
    # what the member is if it is neither a file with its content in one piece nor a link to one
    if info.issparse():
        return "sparse file"
    return "" if info.isreg() or info.issym() or info.islnk() else "pipe, socket or device"


def _target(info: tarfile.TarInfo) -> str:
    # a hard link names a member, a symbolic link a path beside its own
    folder = posixpath.dirname(info.name) if info.issym() else ""
    return plain_name(posixpath.normpath(posixpath.join(folder, info.linkname)))


def _key(name: str) -> str:
    folder, separator, base = name.rpartition("/")
    return folder + separator + base.partition(".")[0]


def _class_of_number(content: bytes) -> str | None:
    try:
        return str(int(content))
    except ValueError:
        return None


def _class_of_json(content: bytes) -> str | None:
    try:
        found: Any = json.loads(content, object_pairs_hook=Pairs)
        labels = [found.one(key) for key in LABEL_KEYS] if isinstance(found, Pairs) else []
        return next((class_text(label) for label in labels if label is not None), None)
    except (ValueError, RecursionError):
        return None


def _archive_error(error: Exception, where: str) -> Exception:
    if isinstance(error, (OSError, InputError)) and not isinstance(error, tarfile.TarError):
        return refusal(error, where)
    text = shown((str(error).strip() or type(error).__name__).splitlines()[0][:120])
    hint = "It may be incomplete, or no tar archive; make it again"
    return InputError(f"the archive cannot be read: {text}", where=where, hint=hint, code="E-ARCHIVE")
