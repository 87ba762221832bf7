"""Directions of vectors, whatever their unit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.nn.functional import normalize

if TYPE_CHECKING:
    from torch import Tensor


def unit_rows(x: Tensor) -> Tensor:  # [N, D] -> [N, D + 1]
    """Bring rows to length 1, so that their products are cosines.

    A row that is all zero has no direction. The last column gives it one that only such rows share: they are alike
    among themselves and orthogonal to all others.
    """
    largest = x.abs().amax(dim=1, keepdim=True)
    is_zero = largest == 0
    # The largest entry becomes 1 first, so that no square vanishes or overflows.
    directions = normalize(x / torch.where(is_zero, 1.0, largest), dim=1)
    return torch.cat([directions, is_zero.to(x.dtype)], dim=1)
