"""The check that every metric of labels or tokens passes first."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from ganmetrics.errors import InputError
from ganmetrics.metrics._validation import matrix

Integers = np.ndarray[Any, np.dtype[np.int64]]


def integer_matrix(values: Any, name: str, stop: int) -> Integers:
    """Convert a tensor, an array or nested lists to an int64 [N, T] array of whole numbers in 0..stop - 1.

    Raises
    ------
    InputError
        The shape is another, or a value is a fraction, NaN or out of the range; the error names its row.
    """
    x = matrix(values, name)
    odd = (x != x.floor()) | (x < 0) | (x >= stop)
    if bool(odd.any()):
        row, column = odd.nonzero()[0].tolist()
        what = f"{name} must be whole numbers in 0..{stop - 1}; found {float(x[row, column]):g} in row {row}"
        raise InputError(what, where=name, code="E-RANGE")
    return x.to(torch.int64).cpu().numpy()
