"""A user's own network or function as an extractor."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import torch

from ganmetrics._process import evaluating
from ganmetrics.data.reading.pixel_form import RGB8, PixelForm
from ganmetrics.errors import InputError
from ganmetrics.extractors.extractor import Extractor

if TYPE_CHECKING:
    from torch import Tensor

    from ganmetrics.types import Images


class Custom(Extractor):
    """Any ``torch.nn.Module`` or callable from images [N, C, H, W] to features [N, D].

    A module runs in evaluation mode, on the device where its parameters are, and gets its training flags back after
    every call. It resizes for itself: images reach it as they are.

    Parameters
    ----------
    network : callable
        Its name, in plain letters, and for a module a hash of its values stand in the signature.
    takes : PixelForm
        The images that it is given: three channels of 8 bits, or what stands in the signature beside the resize.
    """

    feature_layer = "features"
    runs_callers_code = True

    def __init__(self, network: Callable[[Tensor], Tensor], takes: PixelForm = RGB8) -> None:
        self.network, self.takes = network, takes
        self.resize = "own" if takes == RGB8 else f"own-{takes}"
        self.name = _plain(getattr(network, "__name__", type(network).__name__))
        is_module = isinstance(network, torch.nn.Module)
        self.identity = f"custom-{self.name}:{_digest(network) if is_module else 'unhashed'}"
        # The dimension is known after the first batch.
        self.layers: dict[str, int] = {"features": 0}
        self.device = _device_of(network)

    def to(self, device: torch.device) -> None:
        """Leave a module where its owner put it; feed a plain callable on the device asked for."""
        self.device = _device_of(self.network) or device

    def prepare(self, images: Images) -> Tensor:
        return images.to(self.device)

    def forward(self, inputs: Tensor, layers: Sequence[str]) -> dict[str, Tensor]:
        with evaluating(self.network) if isinstance(self.network, torch.nn.Module) else nullcontext():
            features = self.network(inputs)
        return {name: self._checked(features, len(inputs)) for name in layers}

    def _checked(self, features: Any, count: int) -> Tensor:
        found = f"shape {list(features.shape)}" if isinstance(features, torch.Tensor) else type(features).__name__
        if (
            not isinstance(features, torch.Tensor)
            or features.ndim != 2
            or len(features) != count
            or not features.shape[1]
        ):
            what = f"the extractor returned {found} for {count} images; expected a tensor of shape [{count}, D]"
            raise InputError(what, where=self.name, hint=_hint(features), code="E-SHAPE")
        self.layers = {"features": features.shape[1]}
        return narrowed(features, self.name)


def narrowed(features: Tensor, where: str) -> Tensor:
    """Features in float32, [N, D]; refused where it does not hold them (InputError)."""
    narrow, limits = features.to(torch.float32), torch.finfo(torch.float32)
    largest = float(features.abs().max()) if features.dtype == torch.float64 else 1.0
    if limits.max < largest < math.inf or 0 < largest < 1e6 * limits.tiny:
        what = f"the features reach {largest:.3g}, which float32 does not hold"
        raise InputError(what, where=where, hint="Give them in another unit", code="E-RANGE")
    return narrow


def _hint(features: Any) -> str:
    if not isinstance(features, torch.Tensor):
        is_array = type(features).__module__ == "numpy"
        return "Return torch.from_numpy(features)" if is_array else "Return the tensor of features alone"
    return "Pool or flatten its output" if features.ndim > 2 else "Return one row of features for each image"


def _plain(name: object) -> str:
    """A name that can stand in a signature, whose fields are parted by other characters; ``<lambda>`` is ``lambda``."""
    return re.sub(r"[^A-Za-z0-9_.-]", "-", str(name)).strip("-") or "unnamed"


def _device_of(network: object) -> torch.device | None:
    parameter = next(network.parameters(), None) if isinstance(network, torch.nn.Module) else None
    return None if parameter is None else parameter.device


def _digest(network: Any) -> str:
    """The first 8 hexadecimal digits of the SHA-256 of a module's class and of its values with their names."""
    hasher = hashlib.sha256(f"{type(network).__module__}.{type(network).__qualname__} ".encode())
    for name, value in sorted(network.state_dict().items()):
        hasher.update(f"{name} {value.dtype} {list(value.shape)} ".encode())
        hasher.update(value.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
    return hasher.hexdigest()[:8]
