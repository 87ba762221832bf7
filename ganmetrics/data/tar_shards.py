"""Tar archives, as WebDataset shards: read where they lie, by the places of their members, and never unpacked."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ganmetrics._files import shown
from ganmetrics.data.folder import found_instead
from ganmetrics.data.places.filesystem import reading_of, shown_url
from ganmetrics.data.places.other_formats import advice
from ganmetrics.data.places.packed_names import Names
from ganmetrics.data.places.paths import is_shards, local_path, place_of, suffix_of
from ganmetrics.data.places.shard_files import RemoteShard, Shard, shards_of
from ganmetrics.data.places.tar_index import Found
from ganmetrics.data.reading.batches import Share
from ganmetrics.data.reading.classes import classes_of_files
from ganmetrics.data.reading.decode import Decoded, decode
from ganmetrics.data.reading.item_source import ItemSource
from ganmetrics.data.reading.unreadable import Unreadable
from ganmetrics.data.reading_choices import DEFAULT_READING, Reading
from ganmetrics.data.source import Classes, Kind
from ganmetrics.data.zip_file import DEFAULT_CAPS, Caps
from ganmetrics.errors import InputError

if TYPE_CHECKING:
    import numpy as np

    from ganmetrics.types import Placed


class TarSource(ItemSource):
    """The images of tar archives, in the order of the archives and of their members; constructing it reads headers.

    The members of one sample share a key, their name up to the first dot: a ``.cls`` (a whole number) or a ``.json``
    (with ``label`` or ``class``) beside an image is its class; without any, the rule for folders holds.

    Parameters
    ----------
    value : str or os.PathLike
        A path or URL of a .tar file; with ``{000..009}``, ``{a,b}`` or wild cards, of several.
    reading : Reading
        How images are read.
    caps : Caps
        The most each archive may hold.

    Raises
    ------
    UsageError
        A compressed archive.
    InputError
        A missing, truncated or hostile archive, or no images.
    """

    is_lasting = True
    _items: _TarItems

    def __init__(
        self, value: str | os.PathLike[str], reading: Reading = DEFAULT_READING, caps: Caps = DEFAULT_CAPS
    ) -> None:
        super().__init__()
        text = local_path(os.fsdecode(value))
        self.name = shown_url(text) if place_of(text) == "url" else shown(text)
        self.identity = text if place_of(text) == "url" else os.path.realpath(text)
        shards = shards_of(text)
        self.reading = reading_of(text, reading)
        found = Found(caps, self.notes)
        for number, shard in enumerate(shards):
            found.add(shard, number)
        self.count = len(found.names)
        if not self.count:
            what = (
                f"no images in the {'archives' if len(shards) > 1 else 'archive'} ({found_instead(self.notes.ignored)})"
            )
            raise InputError(what, where=self.name, hint=advice(self.notes.ignored), code="E-EMPTY")
        num_copied = sum(isinstance(shard, RemoteShard) and shard.is_copied for shard in shards)
        if num_copied:
            what = f"the server of {self.name} ignores requests for a part of a file (Range)"
            self.notes.warnings.append(f"{what}; {num_copied} of {len(shards)} archives were copied whole")
        self._items = _TarItems(shards, found, reading)
        self._labels, self._dataset_jsons = found.classes, found.dataset_jsons

    def item_names(self) -> list[str]:
        """The names in the archive, behind the archive's own where there are several."""
        return [self._items.title(index) for index in range(len(self._items))]

    @cached_property
    def _classes(self) -> Classes:
        missing = sum(label is None for label in self._labels)
        if self.reading.classes == "auto" and missing < len(self._labels):
            what = f"{missing} of {len(self._labels)} images have no .cls or .json with their class beside them"
            return Classes(None, what) if missing else Classes([label or "" for label in self._labels])
        names = [shown(self._items.names[index]) for index in range(len(self._items))]
        return classes_of_files(names, self._beside, self.reading)

    def _beside(self, name: str) -> bytes | None:
        places = [(number, start, size) for member, number, start, size in self._dataset_jsons if member == name]
        if not places:
            return None
        if len(self._items.shards) > 1:
            raise Unreadable("is read where it lies in one archive with all images, and there are several")
        number, start, size = places[0]
        with closing(self._items.shards[number]) as shard:
            return shard.read(start, size)

    def share(self, share: Share) -> Iterator[Placed]:
        """A share of the images; see ``Source.share``."""
        try:
            yield from super().share(share)
        finally:
            self._items.close()


class _TarItems:
    is_quiet = True

    def __init__(self, shards: list[Shard], found: Found, reading: Reading) -> None:
        import numpy as np

        self.shards, self.names, self.reading = shards, Names(found.names), reading
        self.spans: np.ndarray[Any, Any] = np.array(found.spans, np.int64).reshape(-1, 3)
        titles = [shard.name.rpartition("/")[2] for shard in shards]
        are_short = len(set(titles)) == len(titles)
        self.titles = titles if are_short else [shard.name for shard in shards]
        # The archive that was read last, whose file is still open.
        self._last = 0

    def __len__(self) -> int:
        return len(self.names)

    def title(self, index: int) -> str:
        name = shown(self.names[index])
        return name if len(self.shards) == 1 else f"{self.titles[int(self.spans[index, 0])]}/{name}"

    def close(self) -> None:
        for shard in self.shards:
            shard.close()

    def load(self, index: int) -> Decoded:
        number, start, size = (int(value) for value in self.spans[index])
        if number != self._last:
            self.shards[self._last].close()
            self._last = number
        data = self.shards[number].read(start, size)
        if len(data) != size:
            raise Unreadable(f"is cut off: {len(data)} of {size} bytes are there")
        return decode(data, self.reading, suffix_of(self.names[index]))


KIND = Kind(
    accepts="a .tar archive of images, or several by a pattern such as shard-{000..009}.tar",
    matches=is_shards,
    open=lambda value, opening: TarSource(value, opening.reading),
)
