"""The form of the images that a network takes: how many channels, of which numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ganmetrics.errors import InputError

if TYPE_CHECKING:
    from ganmetrics.types import Images

FLOATS = ("float16", "bfloat16", "float32", "float64")
# The dtypes of tensors and arrays that become numbers of one kind; of 8 bits, floats need a value range.
TAKEN = {"uint8": ("uint8", *FLOATS), "uint16": ("uint16",), "float32": FLOATS}


class PixelForm(NamedTuple):
    """The images that a network takes: tensors [N, channels, H, W].

    Attributes
    ----------
    channels : int
    dtype : {"uint8", "uint16", "float32"}
        Numbers of 16 bits come as int32 in 0..65535, since torch has few operations for uint16. Floats come as they
        are, in whatever unit.
    """

    channels: int = 3
    dtype: str = "uint8"

    def __str__(self) -> str:
        return f"{self.channels}x{self.dtype}"

    @property
    def words(self) -> str:
        """What it is called in messages, such as ``13 channels of float32``."""
        return f"{self.channels} channel{'s' * (self.channels > 1)} of {self.dtype}"

    def require(self, images: Images, where: str) -> None:
        """Refuse images of another form (InputError)."""
        found = str(images.dtype).removeprefix("torch.")
        if images.shape[1] != self.channels or found != ("int32" if self.dtype == "uint16" else self.dtype):
            what = f"the source gave images of shape {list(images.shape)} and dtype {found}"
            raise InputError(f"{what}; the network takes {self.words}", where=where, code="E-SHAPE")


# The currency of every network that has a name.
RGB8 = PixelForm()
