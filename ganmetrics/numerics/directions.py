"""Directions of vectors, whatever their unit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.nn.functional import normalize

if TYPE_CHECKING:
    from torch import Tensor


def unit_rows(x: Tensor) -> Tensor:  # [N, D] -> [N, D + 1]
    """Rows at length 1, whose products are cosines.

    A row that is all zero has no direction. The last column gives it one that only such rows share: they are alike
    among themselves and orthogonal to all others.
    """
    largest = x.abs().amax(dim=1, keepdim=True)
    is_zero = largest == 0
    directions = normalize(x / torch.where(is_zero, 1.0, largest), dim=1)  # so that no square vanishes or overflows
    return torch.cat([directions, is_zero.to(x.dtype)], dim=1)
