"""Sources whose images are loaded one by one, in any order and any process: files, members of archives, items."""

from __future__ import annotations

import os
from abc import abstractmethod
from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING

from ganmetrics.data.reading.classes import classes_of_files
from ganmetrics.data.reading.loading import Items, chosen_workers, item_parts, read_placed
from ganmetrics.data.reading.share import WHOLE, Share
from ganmetrics.data.source import Classes, Notes, Reading, Source

if TYPE_CHECKING:
    from ganmetrics.types import Images, Placed


class ItemSource(Source):
    """A source over items; a share of it reads only its own.

    Attributes
    ----------
    reading : Reading
    """

    reading: Reading
    runs_callers_code = False
    _items: Items

    def known_classes(self) -> Classes:
        """The classes with what there is to say about them."""
        return self._classes

    @cached_property
    def _classes(self) -> Classes:
        names = [name.replace(os.sep, "/") for name in self.item_names() or ()]
        return classes_of_files(names, self._beside, self.reading.classes)

    @abstractmethod
    def _beside(self, name: str) -> bytes | None:
        """The content of ``dataset.json`` of this relative name; ``None`` where there is none (Unreadable)."""

    def batches(self) -> Iterator[Images]:
        """The images in the order of the items; see ``Source.batches``."""
        for _, images in self.share(WHOLE):
            yield images

    def share(self, share: Share) -> Iterator[Placed]:
        """A share of the images; see ``Source.share``."""
        workers = chosen_workers(self.reading, len(share.places(len(self._items))))
        return placed_items(self._items, share, workers, self.reading, self.notes, self.name)


def placed_items(
    items: Items, share: Share, workers: int, reading: Reading, notes: Notes, where: str
) -> Iterator[Placed]:
    """The images of a share of the items, each batch with its indices among all."""
    indices = share.places(len(items))
    if not len(indices):
        return iter(())
    parts = item_parts(items, indices, workers)
    return read_placed(parts, reading, notes, where, indices=None if share.is_whole else indices)
