"""A torch tensor or a NumPy array of images in memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ganmetrics.data.reading.pixel_form import RGB8, PixelForm
from ganmetrics.data.reading.uint8 import as_tensor, check_floats, to_form
from ganmetrics.data.source import Kind, Source, is_instance

if TYPE_CHECKING:
    from torch import Tensor

    from ganmetrics.types import ArrayLike, Images

BATCH = 64


class TensorSource(Source):
    """Images in memory; constructing it checks shape, dtype and every value.

    Parameters
    ----------
    images : torch.Tensor or numpy.ndarray
        [N, C, H, W], an array also [N, H, W, C]; of 8 bits uint8, or float with a value range.
    value_range : (float, float), optional
        What float images call black and white.
    form : PixelForm
        What the images become.

    Raises
    ------
    InputError
        A wrong shape, dtype or value; see ``uint8.to_form``.
    """

    runs_callers_code = False

    def __init__(
        self, images: ArrayLike, value_range: tuple[float, float] | None = None, form: PixelForm = RGB8
    ) -> None:
        super().__init__()
        self.name = f"{_title(images)} of shape {list(images.shape)}"
        self.identity = f"object {id(images)}"
        # Kept so that the tensor's id stays its own.
        self._original = images
        self._images = as_tensor(images, self.name, form)
        self._range, self._form = value_range, form
        self.count = self._images.shape[0]
        for first, piece in self._pieces():
            if piece.is_floating_point():
                check_floats(piece, value_range, self.name, form, first=first)

    def batches(self) -> Iterator[Images]:
        """The images in order; see ``Source.batches``."""
        height, width = self._images.shape[2:]
        self.notes.sizes.clear()
        self.notes.sizes[(height, width)] = self._images.shape[0]
        for first, piece in self._pieces():
            yield to_form(piece, self._range, self.name, self._form, first=first)

    def _pieces(self) -> Iterator[tuple[int, Tensor]]:
        for first in range(0, self._images.shape[0], BATCH):
            yield first, self._images[first : first + BATCH]


def is_tensor(value: Any) -> bool:
    """Whether the value is a torch tensor or a NumPy array."""
    return is_instance(value, "torch", "Tensor") or is_instance(value, "numpy", "ndarray")


def images_alone(made: Any) -> str:
    """How to hand over the images alone, where what makes them returned something else."""
    if isinstance(made, (tuple, list)):
        return "Wrap it so that it returns the images alone, as in lambda z: generator(z)[0]"
    if isinstance(made, dict):
        return f"Wrap it so that it returns the images alone, one of {', '.join(map(repr, list(made)[:5]))}"
    if hasattr(made, "images"):
        return "Wrap it so that it returns the images alone, as in lambda z: generator(z).images"
    return "It must return as many as it is asked for" if is_tensor(made) else ""


def _title(images: ArrayLike) -> str:
    return "tensor" if is_instance(images, "torch", "Tensor") else "array"


KIND = Kind(
    accepts="a uint8 tensor [N, 3, H, W] or array [N, H, W, 3]",
    matches=is_tensor,
    open=lambda value, opening: TensorSource(value, opening.value_range, opening.reading.form),
)
