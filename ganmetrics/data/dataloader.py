"""A torch DataLoader; its batches are images, (images, labels) or dictionaries."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from ganmetrics.data.reading.batches import Share
from ganmetrics.data.reading.items import decoded, image_of, images_of
from ganmetrics.data.reading.loading import read_parts
from ganmetrics.data.reading.parts import Part, Parts, next_part, whole
from ganmetrics.data.reading.random_streams import OwnStreams
from ganmetrics.data.reading.targets import classes_of_dataset, number_of
from ganmetrics.data.reading.uint8 import to_form
from ganmetrics.data.reading.workers import watched
from ganmetrics.data.source import DEFAULT_OPENING, Classes, Kind, Opening, Source, is_instance
from ganmetrics.errors import InputError

if TYPE_CHECKING:
    from ganmetrics.types import Images, Placed


class LoaderSource(Source):
    """The images of a loader, batch by batch as it gives them; the global random streams do not move.

    Parameters
    ----------
    loader : torch.utils.data.DataLoader
        Its batches are a tensor [N, 3, H, W] or a list of images, alone, first of a tuple, or in a dictionary under
        image, images or pixel_values.
    opening : Opening
        How PIL images are read, and the range of float images.
    """

    def __init__(self, loader: Any, opening: Opening = DEFAULT_OPENING) -> None:
        super().__init__()
        self.name = f"loader of {type(loader.dataset).__name__}"
        self._loader, self._opening = loader, opening
        self.count = _count(loader)
        self.notes.warnings += _sampler_warnings(loader)
        is_streamed = is_instance(loader.dataset, "torch.utils.data", "IterableDataset")
        if opening.reading.sample and not (is_streamed or _keeps_order(loader)):
            what = "the loader may give the images in another order each time, so that a sample would hold others"
            raise InputError(what, where=self.name, hint="Pass the data set itself", code="E-SOURCE")

    def batches(self) -> Iterator[Images]:
        """The images in the loader's order; see ``Source.batches``."""
        return read_parts(self._parts(), self._opening.reading, self.notes, self.name)

    def share(self, share: Share) -> Iterator[Placed]:
        """A share of the images; see ``Source.share``.

        Raises
        ------
        InputError
            Readers of several shares would not see the same order.
        """
        if share.world > 1 and not _keeps_order(self._loader):
            kind = type(_sampler(self._loader)).__name__
            what = f"the loader's sampler is a {kind}: {share.world} ranks would not see one order of images"
            hint = "Pass the data set itself: it is divided without a sampler, and no sample is repeated"
            raise InputError(what, where=self.name, hint=hint)
        return super().share(share)

    def known_classes(self) -> Classes:
        """The classes of the loader's data set, where the loader keeps its order."""
        if not _keeps_order(self._loader) or self.count is None:
            what = "the loader may give the images in another order than the data set, which knows their classes"
            return Classes(None, what, "Pass the data set itself")
        found = classes_of_dataset(self._loader.dataset, number_of(self._loader.dataset), self._opening.reading.column)
        return found if found.names is None else found._replace(names=found.names[: self.count])

    def _parts(self) -> Parts:
        streams, first = OwnStreams(), 0
        with streams, watched(self.name):
            iterator = iter(self._loader)
        try:
            while True:
                with streams, watched(self.name):
                    batch = next(iterator, None)
                if batch is None:
                    return
                part = self._part(batch, first)
                first += sum(part.notes.sizes.values()) + len(part.unreadable)
                yield part
        finally:
            # Ends the processes of the loader, also where the consumer stopped early.
            del iterator

    def _part(self, batch: Any, first: int) -> Part:
        if self._loader.batch_size is None and self._loader.batch_sampler is None:
            # The loader gives single items, as the data set does.
            batch = image_of(batch, self.name)
        return part_of(images_of(batch, self.name), first, self._opening, self.name)


def part_of(images: Any, first: int, opening: Opening, where: str) -> Part:
    """Images of one batch, [N, 3, H, W] or a list of single ones, of which the first has the place ``first``."""
    if not isinstance(images, list):
        return whole(to_form(images, opening.value_range, where, opening.reading.form, first=first))
    names = (f"image {index}" for index in range(first, first + len(images)))
    loads = (
        (name, partial(decoded, image, opening.reading, opening.value_range, f"{name} of {where}"))
        for name, image in zip(names, images, strict=True)
    )
    return next_part(loads, most=None)


def _count(loader: Any) -> int | None:
    # known where each sample of the sampler becomes one image: automatic batches, the last one kept or complete
    if loader.batch_size is None or is_instance(loader.dataset, "torch.utils.data", "IterableDataset"):
        return None
    number = number_of(loader.sampler)
    return number if number is None or not loader.drop_last else number - number % loader.batch_size


def _sampler(loader: Any) -> Any:
    """What decides the order of the images: one of batches may order them otherwise than the loader's ``sampler``."""
    batches = loader.batch_sampler
    return batches.sampler if type(batches).__name__ == "BatchSampler" else batches or loader.sampler


def _keeps_order(loader: Any) -> bool:
    """Whether the loader is known to give the images in the order of its data set."""
    return is_instance(_sampler(loader), "torch.utils.data", "SequentialSampler")


def _sampler_warnings(loader: Any) -> list[str]:
    warnings = []
    samplers = (loader.sampler, getattr(loader.batch_sampler, "sampler", None))
    if any(is_instance(sampler, "torch.utils.data.distributed", "DistributedSampler") for sampler in samplers):
        warnings.append(
            "the loader has a DistributedSampler: only this rank's share is scored, and the samples that it repeats "
            "to make the shares equal count twice"
        )
    number = number_of(samplers[0])
    if loader.drop_last and loader.batch_size and number and number % loader.batch_size:
        warnings.append(
            f"the loader drops its last batch (drop_last): {number % loader.batch_size} images are left out"
        )
    return warnings


KIND = Kind(
    accepts="a torch DataLoader",
    matches=lambda value: is_instance(value, "torch.utils.data", "DataLoader"),
    open=LoaderSource,
)
