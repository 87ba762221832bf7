"""What every source of images is: checked cheaply, then read once, batch by batch; and how a file offers one."""

from __future__ import annotations

import sys
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple, TypedDict

from ganmetrics._arguments import interval, whole
from ganmetrics.data.reading.batches import Share
from ganmetrics.data.reading.pixel_form import RGB8, PixelForm
from ganmetrics.data.reading_choices import Reading
from ganmetrics.errors import UsageError

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from ganmetrics.types import Images, Placed


@dataclass
class Notes:
    """What was seen while reading: counts by kind, and the sentences that become warnings of the result.

    ``kinds`` counts images by a short name of what is unusual about them (``exif-rotated``, ``icc``, ``cmyk``,
    ``12-bit``, ``16-bit``, ``clipped``, ``grey``, ``palette``, ``alpha``, ``first-frame``, ``wrong-extension`` ...);
    ``formats`` by file format (``PNG``, ``JPEG``); ``sizes`` by (height, width); ``depths`` by how many sub-folders
    down they lie; ``roles`` by what pix2pix and CycleGAN call them in file names (``fake_B``); ``ignored`` counts files
    by the reason they were not opened; ``remarks`` say what was assumed and is no trouble.
    """

    kinds: Counter[str] = field(default_factory=Counter)
    formats: Counter[str] = field(default_factory=Counter)
    sizes: Counter[tuple[int, int]] = field(default_factory=Counter)
    depths: Counter[int] = field(default_factory=Counter)
    roles: Counter[str] = field(default_factory=Counter)
    ignored: Counter[str] = field(default_factory=Counter)
    # One line for each unreadable image that ``on_error="skip"`` leaves out.
    skipped: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    def merge(self, other: Notes) -> None:
        """Take in what was seen in another part of the same set."""
        for name in ("kinds", "formats", "sizes"):
            getattr(self, name).update(getattr(other, name))
        self.skipped += other.skipped


class Classes(NamedTuple):
    """The class of each image of a set, in order, and what there is to say about it.

    Attributes
    ----------
    names : sequence of str, or None
        ``None`` where the classes are not known.
    remark : str
        Why they are not known, or what was assumed of those that are; empty where there is nothing to say.
    hint : str
        What to do where they are not known.
    is_caution : bool
        Whether the remark tells of something that could be meant otherwise, and belongs among a result's warnings.
    """

    names: Sequence[str] | None
    remark: str = ""
    hint: str = ""
    is_caution: bool = False


class Source(ABC):
    """A set of images, read in one fixed order.

    Attributes
    ----------
    name : str
        A short printable name for tables and messages, such as a folder's path.
    count : int or None
        The number of images if it is known before reading.
    label : str
        A name that means the same images everywhere, as the signature writes it; empty for a user's own files.
    is_lasting : bool
        Whether the same images can be read again another day, so that their features are worth keeping.
    identity : str
        Equal for two sources that are surely the same place (a resolved path), empty where nothing is known.
    runs_callers_code : bool
        Whether reading calls functions of the caller's, which then run in the caller's thread with nothing beside them.
    notes : Notes
        Filled while reading.
    changes : tuple of str, or None
        The choices of its own reading that stand in the signature; ``None`` where it is read as the run says.
    prepares : bool
        Whether it crops and resizes its images itself, as its reading says, in the processes that decode.
    has_frames : bool
        Whether it holds videos, of which ``Reading.every`` takes frames.
    form : PixelForm
        Of its images: three channels of 8 bits, unless its reading says otherwise.
    """

    name: str = ""
    label: str = ""
    identity: str = ""
    count: int | None = None
    is_lasting: bool = False
    runs_callers_code: bool = True
    changes: tuple[str, ...] | None = None
    prepares: bool = False
    has_frames: bool = False
    form: PixelForm = RGB8

    def __init__(self) -> None:
        self.notes = Notes()

    @abstractmethod
    def batches(self) -> Iterator[Images]:
        """The images in order, as uint8 RGB [N, 3, H, W] with N >= 1; a new batch starts where the size changes.

        Raises
        ------
        InputError
            Images that cannot be read, all of them named up to ten, unless they are to be skipped.
        """

    def share(self, share: Share) -> Iterator[Placed]:
        """One of several readers' part of the images: batches as those of ``batches``, each with its places, int64 [N].

        Every reader sees all images here and leaves out those of others; sources that can do better do.
        """
        import torch

        first = 0
        for images in self.batches():
            places = torch.arange(first, first + len(images))
            first += len(images)
            is_mine = share.has(places)
            if is_mine.all():
                yield places, images
            elif is_mine.any():
                yield places[is_mine], images[is_mine.to(images.device)]

    def changes_under(self, reading: Reading) -> tuple[str, ...]:
        """What the signature says of how the source is read: by its own reading, or else by that of the run."""
        return reading.changes() if self.changes is None else self.changes

    def item_names(self) -> Sequence[str] | None:
        """A printable name for each image, in order, such as its path in the folder; ``None`` where there are none."""
        return None

    def known_classes(self) -> Classes:
        """The class of each image, with what was assumed of it or why it is not known."""
        return Classes(None)

    def class_names(self) -> Sequence[str] | None:
        """The class of each image, in order; ``None`` where the source knows no classes."""
        return self.known_classes().names


@dataclass(frozen=True, kw_only=True)
class Opening:
    """What the caller said beside the value; see ``open_source``."""

    reading: Reading = field(default_factory=Reading)
    value_range: tuple[float, float] | None = None
    num_images: int | None = None
    latents: int | Callable[[int, torch.Generator], Tensor] | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        if self.value_range is not None:
            interval(self.value_range, "value_range", "Usual ranges are (0, 1) and (-1, 1)", code="E-RANGE")
            if self.reading.dtype != "uint8":
                what = f"value_range makes 8 bits of floats, and the images are taken as {self.reading.dtype}"
                raise UsageError(what, where="value_range", hint="Leave value_range out, or the dtype")
        if self.num_images is not None:
            whole(self.num_images, "num_images", 1, code="E-SOURCE")


class Drawing(TypedDict, total=False):
    """Keywords of functions that take a generator: how many images it draws, from what, in which range."""

    value_range: tuple[float, float] | None
    num_images: int | None
    latents: int | Callable[[int, torch.Generator], Tensor] | None
    seed: int


DEFAULT_DRAWING = MappingProxyType({"value_range": None, "num_images": None, "latents": None, "seed": 0})
DEFAULT_OPENING = Opening()


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One kind of source: what it is called in a list, which values are of it, and how one is opened.

    ``matches`` is true for no value that another kind matches, so that the order of kinds has no meaning.
    """

    accepts: str
    matches: Callable[[Any], bool]
    open: Callable[[Any, Opening], Source]
    is_counted_by_caller: bool = False
    takes_latents: bool = False


def is_instance(value: Any, module: str, name: str) -> bool:
    """``isinstance(value, module.name)`` without importing the module: where it is not loaded, nothing is of it."""
    kind = getattr(sys.modules.get(module), name, None)
    return isinstance(kind, type) and isinstance(value, kind)
