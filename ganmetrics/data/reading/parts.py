"""What decoding gives: an image, the line that says why there is none, or parts that hold some neighbouring ones."""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field
from itertools import groupby, islice
from typing import TYPE_CHECKING, Protocol, TypeAlias

from ganmetrics.data.places.paths import shortened
from ganmetrics.data.reading.decode import Decoded
from ganmetrics.data.reading.unreadable import Fault, Unreadable
from ganmetrics.data.source import Notes
from ganmetrics.errors import GanMetricsError, ResourceError

if TYPE_CHECKING:
    from torch import Tensor

    from ganmetrics.types import Images

# Images that are decoded together.
TASK_IMAGES = 64
# What messages call an image, and what loads it.
Load: TypeAlias = "tuple[str, Callable[[], Decoded]]"


class Items(Protocol):
    """Images that can be loaded one by one, in any process.

    ``is_quiet`` says that nothing of the caller's runs in a worker, whose stderr may then be closed: C libraries write
    about corrupt files there, and a worker that is ended complains of its lost connection.
    """

    is_quiet: bool

    def __len__(self) -> int: ...

    def title(self, index: int) -> str:
        """What messages call an image."""

    def load(self, index: int) -> Decoded:
        """The image (Unreadable, or an error that ends the whole reading)."""


@dataclass
class Part:
    """Some neighbouring images: the pixels of all in one buffer, so that a worker passes a single handle."""

    # Flat.
    pixels: Tensor
    # One (k, C, H, W) for each run of equal sizes.
    shapes: list[tuple[int, int, int, int]]
    notes: Notes = field(default_factory=Notes)
    unreadable: list[str] = field(default_factory=list)
    # Where the unreadable images would stand among the part's items.
    gaps: list[int] = field(default_factory=list)
    refusal: GanMetricsError | None = None

    @property
    def num_items(self) -> int:
        """How many items were tried."""
        return sum(shape[0] for shape in self.shapes) + len(self.gaps)

    def runs(self) -> Iterator[Images]:
        """The images as [k, C, H, W], a new run where the size changes."""
        start = 0
        for shape in self.shapes:
            end = start + shape[0] * shape[1] * shape[2] * shape[3]
            yield self.pixels[start:end].view(shape)
            start = end


Parts: TypeAlias = Generator[Part, None, None]


def whole(images: Images) -> Part:
    """A batch that is [N, C, H, W] already, as a part."""
    num, channels, height, width = images.shape
    part = Part(images.reshape(-1), [(num, channels, height, width)])
    part.notes.sizes[(height, width)] += num
    return part


def next_part(loads: Iterator[Load], num_bytes: float = math.inf, most: int | None = TASK_IMAGES) -> Part:
    """The images that are loaded next: as many as have that many bytes together, and one at least.

    What fails becomes a line, or a refusal that empties the part and ends the whole reading; both survive a worker's
    pickle.
    """
    import torch

    images: list[Decoded] = []
    gaps: dict[int, Fault] = {}
    refusal: GanMetricsError | None = None
    for place, (name, load) in enumerate(islice(loads, most)):
        try:
            images.append(load())
            num_bytes -= images[-1].pixels.nbytes
        except Unreadable as error:
            gaps[place] = Fault(f"{shortened(name)} {error}", error.fix)
        except GanMetricsError as error:
            refusal = refusal or error
        except MemoryError:  # skipping the image would make the set depend on the machine
            hint = "Free some; where several processes decode, `workers=1` takes less"
            what = "an image needs more memory than there is"
            refusal = refusal or ResourceError(what, where=name, hint=hint, code="E-MEMORY")
        if num_bytes <= 0:
            break
    unreadable: list[str] = list(gaps.values())
    if refusal is not None:
        return Part(torch.empty(0, dtype=torch.uint8), [], unreadable=unreadable, refusal=refusal)
    # One buffer for all, from [H, W, C] of each to [k, C, H, W] of each run of one size.
    num_values = sum(image.pixels.size for image in images)
    dtype = getattr(torch, images[0].pixels.dtype.name) if images else torch.uint8
    part = Part(torch.empty(num_values, dtype=dtype), [], unreadable=unreadable, gaps=list(gaps))
    for (height, width, channels), group in groupby(images, key=lambda image: image.pixels.shape):
        part.shapes.append((len(list(group)), channels, height, width))
    slots = (slot for run in part.runs() for slot in run.numpy())
    for image, slot in zip(images, slots, strict=True):
        slot[...] = image.pixels.transpose(2, 0, 1)
        height, width, _ = image.pixels.shape
        part.notes.kinds.update(image.kinds)
        part.notes.sizes[(height, width)] += 1
        part.notes.formats.update([image.format] if image.format else [])
    return part
