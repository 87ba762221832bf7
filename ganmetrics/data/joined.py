"""Several places as one set, as in ``train/,val/`` or a list of folders, archives and patterns."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from ganmetrics._files import shown
from ganmetrics.data.image_files import files_source
from ganmetrics.data.kinds import kind_of
from ganmetrics.data.places.paths import place_of, places_of, why_ignored
from ganmetrics.data.places.refusals import refuse_path
from ganmetrics.data.reading.batches import WHOLE, Behind, Share
from ganmetrics.data.source import Classes, Kind, Opening, Source
from ganmetrics.data.wrapped import preparing
from ganmetrics.errors import InputError, UsageError

if TYPE_CHECKING:
    from ganmetrics.types import Images, Placed


class JoinedSource(Source):
    """The images of several sources, one behind the other.

    Parameters
    ----------
    parts : sequence of Source
        Each knows how many images it has.
    name : str
        What they are called together.
    """

    def __init__(self, parts: Sequence[Source], name: str) -> None:
        super().__init__()
        self.parts, self.name = parts, name
        self._counts = [_count_of(part) for part in parts]
        self.count = sum(self._counts)
        self.is_lasting = all(part.is_lasting for part in parts)
        self.prepares = True
        self.has_frames = any(part.has_frames for part in parts)
        self.runs_callers_code = any(part.runs_callers_code for part in parts)
        if all(part.identity for part in parts):
            self.identity = ",".join(part.identity for part in parts)
        for part in parts:
            self.notes.depths.update(part.notes.depths)
            self.notes.ignored.update(part.notes.ignored)
            self.notes.roles.update(part.notes.roles)
            self.notes.warnings += part.notes.warnings
        if self.notes.roles:
            self.notes.roles[""] += self.count - self.notes.roles.total()

    def batches(self) -> Iterator[Images]:
        """The images of each part in turn; see ``Source.batches``."""
        for _, images in self.share(WHOLE):
            yield images

    def share(self, share: Share) -> Iterator[Placed]:
        """A share of the images; see ``Source.share``."""
        for counts in (self.notes.kinds, self.notes.formats, self.notes.sizes, self.notes.skipped):
            counts.clear()
        offset = 0
        for part, count in zip(self.parts, self._counts, strict=True):
            own = WHOLE if share == WHOLE else Behind(offset=offset, inner=share)
            for places, images in part.share(own):
                yield places + offset, images
            self.notes.merge(part.notes)
            offset += count

    def item_names(self) -> Sequence[str] | None:
        """The name of each image in its part, behind the name of the part."""
        named = [(part.name, part.item_names()) for part in self.parts]
        if any(names is None for _, names in named):
            return None
        return [f"{title.rstrip('/')}/{name}" for title, names in named for name in names or ()]

    def known_classes(self) -> Classes:
        """The classes of all parts, where each knows its own."""
        found = [part.known_classes() for part in self.parts]
        unknown = next((each for each in found if each.names is None), None)
        if unknown is not None:
            return unknown
        told = next((each for each in found if each.remark), found[0])
        return told._replace(names=[name for each in found for name in each.names or ()])


def _count_of(part: Source) -> int:
    if part.count is None:
        what = f"{part.name} does not tell how many images it has, and only sets that do can be joined"
        raise InputError(what, where=part.name, hint="Score it alone", code="E-SOURCE")
    return part.count


def joined_source(places: Sequence[Any], opening: Opening, name: str) -> JoinedSource:
    """The images of several places, each of which is read as if it stood alone.

    Raises
    ------
    UsageError
        The same place twice.
    InputError
        A place that is missing or holds no images.
    """
    parts = [_opened(place, opening) for place in places]
    identities = [part.identity for part in parts if part.identity]
    twice = next((part.name for part in parts if identities.count(part.identity) > 1), "")
    if twice:
        what = f"the same place stands in the list more than once: '{twice}'"
        raise UsageError(what, where=name, hint="Name each place once", code="E-SOURCE")
    return JoinedSource(parts, name)


def _opened(place: Any, opening: Opening) -> Source:
    kind = kind_of(place)
    if kind is not None:
        return preparing(kind.open(place, opening), opening.reading)
    # A single image file is no set, but may be one of several places.
    if os.path.isfile(place) and not why_ignored(os.path.basename(os.fsdecode(place))):
        return files_source([place], opening)
    refuse_path(place)


KIND = Kind(
    accepts="several places as in 'a/,b/'",
    matches=lambda value: place_of(value) == "joined",
    open=lambda value, opening: joined_source(places_of(os.fsdecode(value)), opening, shown(value)),
)
