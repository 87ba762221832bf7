"""A source that stands before another and changes one thing about it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from ganmetrics.data.reading.batches import Share
from ganmetrics.data.reading.preparing import prepared_batch
from ganmetrics.data.reading.unreadable import Unreadable
from ganmetrics.data.reading_choices import Reading
from ganmetrics.data.source import Classes, Source
from ganmetrics.errors import InputError

if TYPE_CHECKING:
    from ganmetrics.types import Images, Placed


class WrappedSource(Source):
    """The images of another source.

    Parameters
    ----------
    source : Source
    """

    def __init__(self, source: Source) -> None:
        super().__init__()
        self.source = source
        self.name, self.label, self.identity, self.count = source.name, source.label, source.identity, source.count
        self.notes, self.is_lasting, self.changes = source.notes, source.is_lasting, source.changes
        self.runs_callers_code, self.prepares, self.form = source.runs_callers_code, source.prepares, source.form
        self.has_frames = source.has_frames

    def batches(self) -> Iterator[Images]:
        """The images of the source."""
        return self.source.batches()

    def share(self, share: Share) -> Iterator[Placed]:
        """A share of the images of the source."""
        return self.source.share(share)

    def item_names(self) -> Sequence[str] | None:
        """The names that the source has for its images."""
        return self.source.item_names()

    def known_classes(self) -> Classes:
        """The classes that the source knows."""
        return self.source.known_classes()


def preparing(source: Source, reading: Reading) -> Source:
    """The source, with the crops and resizes that the reading asks for."""
    return PreparedSource(source, reading.prepare) if reading.prepare and not source.prepares else source


class PreparedSource(WrappedSource):
    """The images of a source that does not prepare them itself, after crops and resizes.

    Parameters
    ----------
    source : Source
    steps : str
        ``Reading.prepare``.
    """

    def __init__(self, source: Source, steps: str) -> None:
        super().__init__(source)
        self._steps, self.prepares = steps, True

    def batches(self) -> Iterator[Images]:
        """The prepared images; see ``Source.batches``."""
        return (self._prepared(images) for images in self.source.batches())

    def share(self, share: Share) -> Iterator[Placed]:
        """A share of the prepared images."""
        return ((places, self._prepared(images)) for places, images in self.source.share(share))

    def _prepared(self, images: Images) -> Images:
        try:
            done = prepared_batch(images, self._steps, self.name)
        except Unreadable as error:
            raise InputError(f"an image {error}", where=self.name, hint=error.fix, code="E-SHAPE") from None
        sizes, height, width = self.notes.sizes, images.shape[2], images.shape[3]
        sizes[(height, width)] -= len(images)
        if sizes[(height, width)] <= 0:
            del sizes[(height, width)]
        sizes[(done.shape[2], done.shape[3])] += len(done)
        return done
