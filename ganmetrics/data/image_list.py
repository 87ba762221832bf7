"""A list or an iterator of images or of paths of image files, as pipelines return them and people hold them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from io import IOBase
from itertools import chain
from typing import TYPE_CHECKING, Any

from ganmetrics._files import shown
from ganmetrics.data.dataloader import part_of
from ganmetrics.data.dataset import DatasetSource
from ganmetrics.data.image_files import files_source
from ganmetrics.data.joined import joined_source
from ganmetrics.data.places.paths import is_array_file, is_pattern, is_shards, is_zip, place_of
from ganmetrics.data.reading.items import image_of, images_of, is_image
from ganmetrics.data.reading.loading import read_parts
from ganmetrics.data.reading.targets import ONE_EACH, classes_of_values
from ganmetrics.data.source import Classes, Kind, Opening, Source, is_instance
from ganmetrics.data.tensor import is_tensor
from ganmetrics.errors import GanMetricsError, InputError, UsageError

if TYPE_CHECKING:
    from ganmetrics.data.reading.parts import Parts
    from ganmetrics.types import Images

# Single images of an iterator that become one batch.
CHUNK = 64
# Stands for the first element of an empty iterator.
NOTHING = object()
NO_LISTS = (str, bytes, bytearray, memoryview, range)
FORMS = "PIL images, tensors [3, H, W], arrays [H, W, 3], batches of them, or paths of image files"


class ListSource(DatasetSource):
    """The images of a list, in its order.

    Parameters
    ----------
    images : sequence
        PIL images, tensors [3, H, W] or arrays [H, W, 3], or pairs of one and its class.
    opening : Opening
        How images are read, and the range of float images.
    """

    def __init__(self, images: Sequence[Any], opening: Opening) -> None:
        super().__init__(images, opening)
        self.name = f"list of {len(images)} images"

    def known_classes(self) -> Classes:
        """The second entries, where the list holds pairs of an image and its class."""
        items = self._dataset
        if not all(isinstance(item, tuple) and len(item) == 2 for item in items):
            return Classes(None, "the list holds images alone", "Pass pairs of an image and its class, or a data set")
        return classes_of_values(
            [label for _, label in items], "the second entries of the pairs", self._opening.reading.column
        )


class StreamSource(Source):
    """The images of an iterator, which gives them once, or of a list of batches.

    Parameters
    ----------
    elements : iterable
        Images, or batches of images, as a loader of torch gives them.
    opening : Opening
        How PIL images are read, and the range of float images.
    name : str
        What they are called in tables and messages.
    """

    def __init__(self, elements: Iterable[Any], opening: Opening, name: str) -> None:
        super().__init__()
        self.name = name
        self._elements, self._opening, self._is_over = elements, opening, False
        if isinstance(elements, Sequence) and all(is_tensor(each) and each.ndim == 4 for each in elements):
            self.count = sum(len(each) for each in elements)

    def batches(self) -> Iterator[Images]:
        """The images as the iterator gives them; see ``Source.batches``.

        Raises
        ------
        InputError
            The images of an iterator were read before.
        """
        if self._is_over:
            what = "the iterator gives its images once, and they were read before"
            raise InputError(what, where=self.name, hint="Pass list(iterator), or a new iterator", code="E-SOURCE")
        self._is_over = isinstance(self._elements, Iterator)
        return read_parts(self._parts(), self._opening.reading, self.notes, self.name)

    def known_classes(self) -> Classes:
        """None: images come one behind the other."""
        return Classes(None, "images of an iterator or of batches bring no classes", ONE_EACH)

    def _parts(self) -> Parts:
        waiting: list[Any] = []
        first = 0
        for element in _given(self._elements, self.name):
            found = images_of(image_of(element, self.name) if isinstance(element, tuple) else element, self.name)
            singles = found if isinstance(found, list) else []
            if waiting and (not singles or len(waiting) >= CHUNK):
                yield part_of(waiting, first, self._opening, self.name)
                first, waiting = first + len(waiting), []
            waiting += singles
            if not singles:
                yield part_of(found, first, self._opening, self.name)
                first += len(found)
        if waiting:
            yield part_of(waiting, first, self._opening, self.name)


def _given(elements: Iterable[Any], where: str) -> Iterator[Any]:
    """The elements; what the caller's own code raises becomes an error that names it (InputError)."""
    try:
        yield from elements
    except (GanMetricsError, MemoryError):
        raise
    except Exception as error:
        said = (str(error).splitlines() or [""])[0][:200]
        what = f"it raised {type(error).__name__}: {shown(said)}"
        raise InputError(what, where=where, code="E-UNREADABLE") from error


def list_source(value: Iterable[Any], opening: Opening) -> Source:
    """The source of a list or an iterator, by its first element.

    Raises
    ------
    UsageError
        Elements that are neither images nor paths, or of both kinds.
    InputError
        No element at all, or files that are not there.
    """
    elements = iter(value)
    first = next(elements, NOTHING)
    if first is NOTHING:
        raise InputError("there are no images", where=f"empty {type(value).__name__}", code="E-EMPTY")
    if isinstance(first, (str, os.PathLike)):
        return source_of_paths([first, *elements], opening)
    _check_element(first, 0)
    name = f"{type(value).__name__} of images"
    if not isinstance(value, Sequence):
        return StreamSource(chain([first], elements), opening, name)
    for place, element in enumerate(value):
        _check_element(element, place)
    is_of_singles = all(_is_single(element) for element in value)
    return ListSource(value, opening) if is_of_singles else StreamSource(value, opening, name)


def _is_single(element: Any) -> bool:
    image = image_of(element, "an element of the list") if isinstance(element, (tuple, dict)) else element
    return is_image(image) and getattr(image, "ndim", 3) != 4


def _check_element(element: Any, place: int) -> None:
    inner = element
    while isinstance(inner, (tuple, list)) and inner:
        inner = inner[0]
    if place and place_of(inner):
        what = f"element {place} is a path, and those before it are images; a list holds images or paths"
        raise UsageError(what, where=f"element {place}", hint="Open the images, or name all by paths", code="E-SOURCE")
    if not is_image(inner) and not isinstance(inner, dict):
        what = f"element {place} is of type {type(element).__name__}; a list or an iterator holds {FORMS}"
        raise UsageError(what, where=f"element {place}", code="E-SOURCE")


def source_of_paths(paths: list[Any], opening: Opening, name: str = "", hint: str = "") -> Source:
    """The images of image files in their order, or of the folders, archives, patterns and files that a list names.

    Parameters
    ----------
    paths : list of path or str
    opening : Opening
    name : str
        What they are called together.
    hint : str
        What to do where a file is missing.

    Raises
    ------
    UsageError
        An element of another type.
    InputError
        A file that is not there.
    """
    where = name or f"list of {len(paths)} paths"
    odd = next((place for place, path in enumerate(paths) if not place_of(path)), None)
    if odd is not None:
        what = f"element {odd} is of type {type(paths[odd]).__name__}; a list of paths holds paths and nothing else"
        raise UsageError(what, where=name or f"list of {len(paths)} elements", code="E-SOURCE")
    are_files = all(place_of(path) == "path" and _is_file(path) for path in paths)
    return files_source(paths, opening, where, hint) if are_files else joined_source(paths, opening, where)


def _is_file(path: Any) -> bool:
    """Whether a path is that of an image file, there or not, and no set of its own."""
    return not (os.path.isdir(path) or is_pattern(path) or is_zip(path) or is_array_file(path) or is_shards(path))


def _is_list(value: Any) -> bool:
    is_sequence = isinstance(value, Sequence) and not isinstance(value, NO_LISTS)
    is_iterator = isinstance(value, Iterator) and not isinstance(value, IOBase)
    is_set = is_instance(value, "torch.utils.data", "Dataset") or is_instance(value, "datasets", "Dataset")
    # A column of a streamed data set of Hugging Face can be iterated, and again.
    is_column = is_instance(value, "datasets.iterable_dataset", "IterableColumn")
    return (is_sequence or is_iterator or is_column) and not is_set and not isinstance(value, os.PathLike)


KIND = Kind(
    accepts="a list or an iterator of PIL images, arrays, tensors or paths",
    matches=_is_list,
    open=list_source,
)
