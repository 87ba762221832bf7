"""A torch Dataset or IterableDataset; its items are images, (image, label) or dictionaries."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from ganmetrics._files import shown
from ganmetrics.data.reading.batches import WHOLE, Share
from ganmetrics.data.reading.columns import with_known_image
from ganmetrics.data.reading.decode import Decoded
from ganmetrics.data.reading.items import decoded, image_of
from ganmetrics.data.reading.loading import placed_items, read_parts, serial_parts
from ganmetrics.data.reading.parts import Load
from ganmetrics.data.reading.targets import classes_of_dataset, number_of
from ganmetrics.data.reading.unreadable import Unreadable
from ganmetrics.data.reading_choices import Reading
from ganmetrics.data.source import DEFAULT_OPENING, Classes, Kind, Opening, Source, is_instance
from ganmetrics.errors import GanMetricsError, InputError, is_out_of_memory

if TYPE_CHECKING:
    from ganmetrics.types import Images, Placed


class DatasetSource(Source):
    """The images of a data set in its own order.

    Parameters
    ----------
    dataset : torch.utils.data.Dataset
        Its items are a PIL image, a tensor [3, H, W] or an array [H, W, 3], alone, first of a tuple, or in a
        dictionary under image, images or pixel_values.
    opening : Opening
        How images are read, and the range of float images. Worker processes are used only where ``workers`` asks
        for them: data sets often cannot be pickled.

    Raises
    ------
    InputError
        The data set is empty.
    """

    def __init__(self, dataset: Any, opening: Opening = DEFAULT_OPENING) -> None:
        super().__init__()
        self.name = f"data set {type(dataset).__name__}"
        self.identity = f"object {id(dataset)}"
        self._dataset, self._opening = with_known_image(dataset), opening
        self.count = number_of(dataset)
        self.prepares = self._is_indexed
        if self.count == 0:
            raise InputError("the data set is empty", where=self.name, code="E-EMPTY")

    def batches(self) -> Iterator[Images]:
        """The images in the data set's order; see ``Source.batches``."""
        if self._is_indexed:
            return (images for _, images in self.share(WHOLE))
        parts = serial_parts(_loads(self._dataset, self._opening, self.name))
        return read_parts(parts, self._opening.reading, self.notes, self.name)

    def share(self, share: Share) -> Iterator[Placed]:
        """A share of the images; see ``Source.share``."""
        if not self._is_indexed:
            return super().share(share)
        items, reading = _DatasetItems(self._dataset, self._opening, self.name), self._opening.reading
        return placed_items(items, share, reading.workers or 0, reading, self.notes, self.name)

    @property
    def _is_indexed(self) -> bool:
        return self.count is not None and hasattr(self._dataset, "__getitem__") and not is_iterable(self._dataset)

    def known_classes(self) -> Classes:
        """The data set's ``targets`` or ``labels``, as torchvision's have them, or its column of classes."""
        return classes_of_dataset(self._dataset, self.count, self._opening.reading.column)


class _DatasetItems:
    is_quiet = False

    def __init__(self, dataset: Any, opening: Opening, title: str) -> None:
        self.dataset, self.opening, self.where = dataset, opening, title

    def __len__(self) -> int:
        return len(self.dataset)

    def title(self, index: int) -> str:
        return f"item {index}"

    def load(self, index: int) -> Decoded:
        try:
            item = self.dataset[index]
        except GanMetricsError:
            raise
        except Exception as error:  # whatever a user's data set raises on a broken file
            # Where memory ends, the file is not at fault.
            if is_out_of_memory(error):
                raise MemoryError(str(error)) from error
            text = str(error).splitlines()[:1] or [""]
            fix = "Ask the data set for one of them, as in dataset[0], to see where it fails"
            raise Unreadable(f"raised {type(error).__name__}: {shown(text[0][:200])}", fix) from None
        return _decoded(item, index, self.opening, self.where)


def is_iterable(value: Any) -> bool:
    """Whether the value is a data set that can only be iterated."""
    return is_instance(value, "torch.utils.data", "IterableDataset") or is_instance(
        value, "datasets", "IterableDataset"
    )


def _loads(dataset: Any, opening: Opening, title: str) -> Iterator[Load]:
    for index, item in enumerate(dataset):
        yield f"item {index}", partial(_decoded, item, index, opening, title)


def _decoded(item: Any, index: int, opening: Opening, title: str) -> Decoded:
    where = f"item {index} of {title}"
    reading: Reading = opening.reading
    return decoded(image_of(item, where), reading, opening.value_range, where)


def _is_dataset(value: Any) -> bool:
    # a Hugging Face data set is none of torch's, but hands out the same kind of items
    is_torch = is_instance(value, "torch.utils.data", "Dataset")
    return is_torch or is_instance(value, "datasets", "Dataset") or is_iterable(value)


KIND = Kind(accepts="a torch Dataset or IterableDataset", matches=_is_dataset, open=DatasetSource)
