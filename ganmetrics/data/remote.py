"""A URL of any scheme that fsspec knows: a remote folder of images, or a remote .zip, .npz or .npy file."""

from __future__ import annotations

import os
import posixpath
from collections import Counter
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from ganmetrics._files import shown
from ganmetrics.data import array_file, folder, zip_file
from ganmetrics.data.folder import found_instead
from ganmetrics.data.places.filesystem import Place, reading_of, shown_url
from ganmetrics.data.places.local_copy import LocalCopy
from ganmetrics.data.places.other_formats import advice
from ganmetrics.data.places.packed_names import Names
from ganmetrics.data.places.paths import (
    IMAGE_SUFFIXES,
    OTHER_ARCHIVES,
    PICKLES,
    WILD,
    is_copied,
    is_kept,
    is_remote,
    local_path,
    place_of,
    suffix_of,
    url_path,
)
from ganmetrics.data.places.refusals import refuse_archive, refuse_path
from ganmetrics.data.places.shard_files import expanded
from ganmetrics.data.reading.classes import DATASET_JSON
from ganmetrics.data.reading.decode import Decoded, decode
from ganmetrics.data.reading.item_source import MAX_FILE_BYTES, ItemSource
from ganmetrics.data.reading.unreadable import Unreadable
from ganmetrics.data.reading_choices import DEFAULT_READING
from ganmetrics.data.source import DEFAULT_OPENING, Kind, Opening, Source
from ganmetrics.errors import InputError

if TYPE_CHECKING:
    import numpy as np

    from ganmetrics.data.reading_choices import Reading

# The links of a web server's pages may lead in circles.
MAX_DEPTH = 32
# Stands for the size of a file that a listing does not tell.
UNKNOWN = -1


class RemoteSource(ItemSource):
    """The images of a remote folder in the order of their paths' bytes; constructing it lists them.

    Parameters
    ----------
    url : str
        ``scheme://…``, with all sub-folders; a pattern such as ``s3://bucket/out/*_fake.png`` for some of its files.
    reading : Reading
        How images are read.

    Raises
    ------
    UsageError
        An unknown scheme, or one whose package is not installed.
    InputError
        The folder is missing, may not be listed or holds no image.
    """

    is_lasting = True
    _items: _RemoteItems

    def __init__(self, url: str, reading: Reading = DEFAULT_READING) -> None:
        super().__init__()
        folder, pattern = _divided(url)
        place = Place(folder)
        self.name, self.identity = shown_url(url), url
        self.reading = reading_of(url, reading)
        files = _matching(place, pattern, self.name) if pattern else _listing(place)
        images = [files[name] for name in sorted(files, key=os.fsencode) if is_kept(name, self.notes.ignored)]
        self._labels = {name: path for name, (path, _) in files.items() if name.endswith(DATASET_JSON)}
        self._items = _RemoteItems(place, images, reading)
        self.count = len(self._items)
        if not self.count:
            what = f"no images in the folder and its sub-folders ({found_instead(self.notes.ignored)})"
            raise InputError(what, where=self.name, hint=advice(self.notes.ignored), code="E-EMPTY")

    def item_names(self) -> list[str]:
        """The relative paths."""
        return [shown(self._items.relative(index)) for index in range(len(self._items))]

    def _beside(self, name: str) -> bytes | None:
        place, relative = self._items.place, self._labels.get(name)
        return None if relative is None else place.read(f"{place.root.rstrip('/')}/{relative}")


def remote_source(url: str, opening: Opening = DEFAULT_OPENING) -> Source:
    """The source of a URL: what lies at file://, a remote folder, or a local copy of a remote file.

    Raises
    ------
    UsageError
        An unknown scheme, one whose package is not installed, or an archive of another kind.
    InputError
        The place is missing, may not be read or holds no image.
    """
    path = local_path(url)
    if place_of(path) != "url":
        return _local_source(path, opening)
    if is_copied(url):
        return copied_source(LocalCopy(url, progress=opening.reading.progress), opening)
    return RemoteSource(url, opening.reading)


def copied_source(copy: LocalCopy, opening: Opening = DEFAULT_OPENING) -> Source:
    """The images of a copy, under the name of what was copied; the copy then lasts as long as the source."""
    with copy.named():
        source = _local_source(copy.path, opening)
    source.name, source.identity = copy.name, copy.url
    copy.lasts_with(source)
    return source


class _RemoteItems:
    is_quiet = True

    def __init__(self, place: Place, listing: list[tuple[str, int]], reading: Reading) -> None:
        import numpy as np

        self.place, self.reading = place, reading
        self.paths = Names([path for path, _ in listing])
        self.sizes: np.ndarray[Any, Any] = np.array([size for _, size in listing], np.int64)

    def __len__(self) -> int:
        return len(self.paths)

    def relative(self, index: int) -> str:
        return _plain(self.paths[index], self.place)

    def title(self, index: int) -> str:
        return shown(self.relative(index))

    def load(self, index: int) -> Decoded:
        size = int(self.sizes[index])
        if size > MAX_FILE_BYTES:
            raise Unreadable(f"is a file of {size} bytes; the most is {MAX_FILE_BYTES}")
        path = f"{self.place.root.rstrip('/')}/{self.paths[index]}"
        data = self.place.attempt(lambda system: _beginning(system, path)) if size < 0 else self.place.read(path)
        if size >= 0 and len(data) != size:
            raise Unreadable("changed after the folder was listed")
        return decode(data, self.reading, suffix_of(self.relative(index)))


def _beginning(system: Any, path: str) -> bytes:
    # of a file whose size nobody knows
    with system.open(path, "rb") as stream:
        data: bytes = stream.read(MAX_FILE_BYTES + 1)
    if len(data) > MAX_FILE_BYTES:
        raise Unreadable(f"is a file of more than {MAX_FILE_BYTES} bytes")
    return data


def _listing(place: Place) -> dict[str, tuple[str, int]]:
    # by their relative names, the paths below the root as the file system writes them, and the sizes, of all files
    _check_suffix(place)
    found = place.ask(lambda system: _files(system, place))
    if not found and not place.ask(lambda system: system.exists(place.root)):
        raise InputError("there is no such file or folder", where=place.name, hint="Check the URL", code="E-MISSING")
    files: dict[str, tuple[str, int]] = {}
    for path, facts in found.items():
        relative = path.removeprefix(place.root).lstrip("/")
        if not relative:
            what = (
                "the URL is a file of no kind that is read; expected a folder of images, or a .zip, .tar, .npz or .npy"
            )
            raise InputError(what, where=place.name, code="E-NOT-FOLDER")
        files.setdefault(_plain(relative, place), (relative, _size(facts)))
    return files


def _divided(url: str) -> tuple[str, str]:
    """A folder and the pattern of files in it, which is empty for a web server: a question mark begins its query."""
    wild = WILD.search(url)
    if wild is None or url.lower().startswith(("http://", "https://")):
        return url, ""
    start = url.rfind("/", 0, wild.start()) + 1
    return url[:start], url[start:]


def _matching(place: Place, pattern: str, where: str) -> dict[str, tuple[str, int]]:
    """The files that a pattern names, as ``_listing`` has them, and ``dataset.json`` beside them."""
    root = place.root.rstrip("/")
    paths = [f"{root}/{name}" for name in (*expanded(pattern, where), DATASET_JSON)]
    found: dict[str, dict[str, Any]] = place.ask(
        lambda system: {path: facts for each in paths for path, facts in system.glob(each, detail=True).items()}
    )
    files = {path: facts for path, facts in found.items() if facts.get("type") != "directory"}
    if files.keys() <= {f"{root}/{DATASET_JSON}"}:
        raise InputError("the pattern names no file", where=where, hint="Check the URL", code="E-MISSING")
    names = {path: path.removeprefix(root).lstrip("/") for path in files}
    return {name: (name, _size(files[path])) for path, name in names.items()}


def _size(facts: dict[str, Any]) -> int:
    size = facts.get("size")
    return UNKNOWN if size is None else int(size)


def _files(system: Any, place: Place) -> dict[str, dict[str, Any]]:
    from fsspec import AbstractFileSystem
    from fsspec.asyn import AsyncFileSystem

    # What walks folder by folder leaves out those that it cannot list, unless it is told not to.
    is_walk = isinstance(system, AsyncFileSystem) and type(system)._find is AsyncFileSystem._find
    is_walk = is_walk or type(system).find is AbstractFileSystem.find
    depth = {"maxdepth": MAX_DEPTH} if place.is_http else {}
    found: dict[str, dict[str, Any]] = system.find(
        place.root, detail=True, **depth, **({"on_error": "raise"} if is_walk else {})
    )
    return found


def _plain(relative: str, place: Place) -> str:
    # Pages of links encode names, and a page that links to itself lists everything again under another name.
    return posixpath.normpath(unquote(relative)) if place.is_http else relative


def _check_suffix(place: Place) -> None:
    suffix = suffix_of(url_path(place.url))
    if suffix in OTHER_ARCHIVES:
        refuse_archive(f"{suffix} archives", place.name)
    if suffix in PICKLES:
        what = f"a {suffix} file may run code when it is loaded, so it is not opened"
        raise InputError(what, where=place.name, hint=advice(Counter([suffix])), code="E-NOT-FOLDER")
    if suffix in IMAGE_SUFFIXES:
        what, hint = "the URL is one image; a set of images is wanted", "Name the folder that holds the images"
        raise InputError(what, where=place.name, hint=hint, code="E-NOT-FOLDER")


def _local_source(path: str, opening: Opening) -> Source:
    for kind in (folder.KIND, zip_file.KIND, array_file.KIND):
        if kind.matches(path):
            return kind.open(path, opening)
    refuse_path(path)


KIND = Kind(accepts="a URL that fsspec reads, such as s3://bucket/folder", matches=is_remote, open=remote_source)
