"""The named shapes that cross the floors of the package; for annotations only, so that they cost no import."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

    # uint8, RGB, [N, 3, H, W]: the one currency of images.
    Images: TypeAlias = Tensor
    # float, [N, D].
    Features: TypeAlias = Tensor
    # float, [N, K]: unnormalised log-probabilities.
    Logits: TypeAlias = Tensor
    # The places of the images in their set, int64 [N], and the images.
    Placed: TypeAlias = tuple[Tensor, Images]
    ArrayLike: TypeAlias = Tensor | np.ndarray[Any, Any]
