"""A function that makes images: it is asked for n and returns n."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from ganmetrics.data.reading.batches import WHOLE, Share
from ganmetrics.data.reading.uint8 import to_form
from ganmetrics.data.source import Kind, Opening, Source, is_instance
from ganmetrics.data.tensor import images_alone, is_tensor
from ganmetrics.errors import InputError, UsageError

if TYPE_CHECKING:
    from ganmetrics.types import ArrayLike, Images, Placed

# Fixed, so that a seeded function gives the same images whatever the batch size of the evaluation.
CALL_IMAGES = 64


class FunctionSource(Source):
    """The images that a function ``n -> images`` makes, asked for 64 at a time and for the rest at last.

    Parameters
    ----------
    function : callable
        Returns n images as [n, 3, H, W] (an array also [n, H, W, 3]), uint8, or float with a value range. It runs
        without gradients; what it draws from the global random streams is its own affair.
    opening : Opening
        ``num_images`` says how many are made, ``value_range`` what float images call black and white.

    Raises
    ------
    UsageError
        The number of images is missing.
    """

    def __init__(self, function: Callable[[int], ArrayLike], opening: Opening) -> None:
        super().__init__()
        self.name = f"function {getattr(function, '__name__', type(function).__name__)}"
        if opening.num_images is None:
            what = "a function can make any number of images; num_images must say how many are scored"
            raise UsageError(
                what,
                where=self.name,
                hint="Pass num_images, as in gm.source(function, num_images=50000)",
                code="E-SOURCE",
            )
        self.count: int = opening.num_images
        self._function, self._range, self._form = function, opening.value_range, opening.reading.form

    def batches(self) -> Iterator[Images]:
        """The images in the order they are made; see ``Source.batches``."""
        for _, images in self.share(WHOLE):
            yield images

    def share(self, share: Share) -> Iterator[Placed]:
        """A share of the images, of which only its own are made, by the caller's own function on each rank."""
        import torch

        self.notes.sizes.clear()
        for first in range(0, self.count, CALL_IMAGES):
            places = torch.arange(first, min(first + CALL_IMAGES, self.count))
            # The function is called for all images of a call, of which a sample may take some.
            is_mine = share.has(places)
            if is_mine.any():
                images = self._made(len(places), first)
                images = images[is_mine.to(images.device)]
                self.notes.sizes[(images.shape[2], images.shape[3])] += images.shape[0]
                yield places[is_mine], images

    def _made(self, num: int, first: int) -> Images:
        import torch

        with torch.no_grad():
            made: Any = self._function(num)
        if not is_tensor(made):
            what = f"the function returned {type(made).__name__}; expected a tensor or array of {num} images"
            raise InputError(what, where=self.name, hint=images_alone(made), code="E-SHAPE")
        images = to_form(made, self._range, self.name, self._form, first=first)
        if images.shape[0] != num:
            what = f"the function was asked for {num} images and returned {images.shape[0]}"
            raise InputError(what, where=self.name, hint="It must return as many as it is asked for", code="E-SHAPE")
        return images


def is_maker(value: Any) -> bool:
    """Whether a value is called for images, and neither a set of them nor a network."""
    others = (
        ("torch.utils.data", "Dataset"),
        ("torch.utils.data", "DataLoader"),
        ("datasets", "Dataset"),
        ("torch.nn", "Module"),
    )
    is_other = is_tensor(value) or isinstance(value, type) or any(is_instance(value, *other) for other in others)
    return callable(value) and not is_other


def takes_seed(value: Any) -> bool:
    """Whether it is called as ``value(n, seed=0)``: a sampler of ``generator``, and no function of this file."""
    try:
        return "seed" in inspect.signature(value).parameters
    except (TypeError, ValueError):  # some built-in callables have no signature
        return False


def _is_function(value: Any) -> bool:
    return is_maker(value) and not takes_seed(value)


KIND = Kind(
    accepts="a function n -> images, with num_images",
    matches=_is_function,
    open=FunctionSource,
    is_counted_by_caller=True,
)
