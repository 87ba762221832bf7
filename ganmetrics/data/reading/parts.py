"""What decoding gives: an image, the line that says why there is none, or parts that hold some neighbouring ones."""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby, islice
from typing import TYPE_CHECKING, TypeAlias

from ganmetrics.data.places.paths import shortened
from ganmetrics.data.reading.decode import Decoded, Unreadable
from ganmetrics.data.source import Notes
from ganmetrics.errors import GanMetricsError, ResourceError

if TYPE_CHECKING:
    from torch import Tensor

    from ganmetrics.types import Images

TASK_IMAGES = 64  # that are decoded together
Load: TypeAlias = "tuple[str, Callable[[], Decoded]]"  # what messages call an image, and what loads it
Outcome: TypeAlias = "Decoded | str | GanMetricsError"  # str: the line about an image that cannot be read


class Fault(str):
    """The line about an image that cannot be read, and what to do about it where it need not be repaired or removed."""

    def __new__(cls, text: str, fix: str = "") -> Fault:
        line = super().__new__(cls, text)
        line.fix = fix
        return line

    fix: str


@dataclass
class Part:
    """Some neighbouring images: the pixels of all in one uint8 buffer, so that a worker passes a single handle."""

    pixels: Tensor  # uint8, flat
    shapes: list[tuple[int, int, int, int]]  # one (k, 3, H, W) for each run of equal sizes
    notes: Notes = field(default_factory=Notes)
    unreadable: list[str] = field(default_factory=list)
    gaps: list[int] = field(default_factory=list)  # where those would stand among the part's items
    refusal: GanMetricsError | None = None

    @property
    def num_items(self) -> int:
        """How many items were tried."""
        return sum(shape[0] for shape in self.shapes) + len(self.gaps)

    def runs(self) -> Iterator[Images]:
        """The images as [k, 3, H, W], a new run where the size changes."""
        start = 0
        for shape in self.shapes:
            end = start + shape[0] * shape[1] * shape[2] * shape[3]
            yield self.pixels[start:end].view(shape)
            start = end

    def offsets(self) -> Tensor:
        """Where the images stand among the part's items, int64 [N]."""
        import torch

        is_there = torch.ones(self.num_items, dtype=torch.bool)
        is_there[self.gaps] = False
        return is_there.nonzero()[:, 0]


Parts: TypeAlias = Generator[Part, None, None]


def _joined(outcomes: Sequence[Outcome]) -> Part:
    """The outcomes as one part; a refusal among them empties it."""
    import torch

    refusal = next((outcome for outcome in outcomes if isinstance(outcome, GanMetricsError)), None)
    images = [outcome for outcome in outcomes if isinstance(outcome, Decoded)] if refusal is None else []
    part = Part(torch.empty(sum(image.pixels.size for image in images), dtype=torch.uint8), [], refusal=refusal)
    part.gaps = [place for place, outcome in enumerate(outcomes) if isinstance(outcome, str)] if refusal is None else []
    part.unreadable = [outcome for outcome in outcomes if isinstance(outcome, str)]
    for (height, width, _), group in groupby(images, key=lambda image: image.pixels.shape):
        part.shapes.append((len(list(group)), 3, height, width))
    slots = (slot for run in part.runs() for slot in run.numpy())
    for image, slot in zip(images, slots, strict=True):
        slot[...] = image.pixels.transpose(2, 0, 1)
        height, width, _ = image.pixels.shape
        part.notes.kinds.update(image.kinds)
        part.notes.sizes[(height, width)] += 1
        part.notes.formats.update([image.format] if image.format else [])
    return part


def whole(images: Images) -> Part:
    """A batch that is uint8 [N, 3, H, W] already, as a part."""
    num, channels, height, width = images.shape
    part = Part(images.reshape(-1), [(num, channels, height, width)])
    part.notes.sizes[(height, width)] += num
    return part


def next_part(loads: Iterator[Load], num_bytes: float = math.inf, most: int | None = TASK_IMAGES) -> Part:
    """The images that are loaded next: as many as have that many bytes together, and one at least.

    What fails becomes a line, or a refusal that ends the whole reading; both survive a worker's pickle.
    """
    outcomes: list[Outcome] = []
    for name, load in islice(loads, most):
        try:
            outcomes.append(load())
        except Unreadable as error:
            outcomes.append(Fault(f"{shortened(name)} {error}", error.fix))
        except GanMetricsError as error:
            outcomes.append(error)
        except MemoryError:  # skipping the image would make the set depend on the machine
            hint = "Free some; where several processes decode, `workers=1` takes less"
            what = "an image needs more memory than there is"
            outcomes.append(ResourceError(what, where=name, hint=hint, code="E-MEMORY"))
        num_bytes -= outcomes[-1].pixels.nbytes if isinstance(outcomes[-1], Decoded) else 0
        if num_bytes <= 0:
            break
    return _joined(outcomes)
