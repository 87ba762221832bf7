"""The named shapes that cross the floors of the package; for annotations only, so that they cost no import."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

    Images: TypeAlias = Tensor  # uint8, RGB, [N, 3, H, W]: the one currency of images
    Features: TypeAlias = Tensor  # float, [N, D]
    Logits: TypeAlias = Tensor  # float, [N, K], unnormalised log-probabilities
    Placed: TypeAlias = tuple[Tensor, Images]  # int64 [N], the places of the images in their set, and the images
    ArrayLike: TypeAlias = Tensor | np.ndarray[Any, Any]
