"""The checks that every metric's arguments pass before any arithmetic."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from ganmetrics.errors import InputError

# Rows checked at a time.
FEW = 4096
# The squares of numbers whose largest is smaller than this lose digits in float64.
SMALLEST = 1e-152
# The root of the sum of all squares up to which that sum does not overflow.
LARGEST = 1e154
# Times the usual distance from the middle: beyond, differences between squared distances are below 1e-9 of these.
FARTHEST = 1e8
# Rows whose median is the middle.
SAMPLED = 256
POWERS = {2: "squares", 4: "fourth powers"}

if TYPE_CHECKING:
    from torch import Tensor


def matrix(values: Any, name: str, *, is_narrow: bool = False) -> Tensor:
    """Convert a tensor, an array or nested lists to a finite float64 [N, D] tensor; float32 stays where ``is_narrow``.

    Raises
    ------
    InputError
        The shape is another or empty, or a value is NaN or infinite; the error names its row.
    """
    x = _tensor(values, name)
    if x.ndim != 2 or 0 in x.shape or x.is_complex():
        what = f"{name} is {x.dtype} of shape {list(x.shape)}; expected real numbers of shape [N, D]"
        raise InputError(what, where=name, code="E-SHAPE")
    x = x if is_narrow and x.dtype == torch.float32 else x.to(torch.float64)
    # Rows are checked in parts, without a copy of all of them.
    finite = torch.cat([torch.isfinite(rows).all(dim=1) for rows in x.split(FEW)])
    if not bool(finite.all()):
        row = int((~finite).nonzero()[0])
        what = f"{name} holds NaN or infinity, first in row {row}"
        raise InputError(what, where=name, hint="Look at that image and at the extractor", code="E-NOT-FINITE")
    return x


def vectors(values: Any, name: str, *, is_narrow: bool = False, power: int = 2) -> Tensor:
    """Check a matrix [N, D] whose squares or fourth powers must neither vanish nor overflow in float64 (InputError)."""
    x = matrix(values, name, is_narrow=is_narrow)
    largest = max(float(rows.abs().max()) for rows in x.split(FEW))
    if largest > (LARGEST / x.numel() ** 0.5) ** (2 / power) or 0 < largest < SMALLEST ** (2 / power):
        what = f"{name} reach {largest:.3g}, whose {POWERS[power]} float64 does not hold"
        raise InputError(what, where=name, hint="Score features in another unit", code="E-RANGE")
    return x


def _tensor(values: Any, name: str) -> Tensor:
    if isinstance(values, torch.Tensor):
        # Apple's MPS devices have no float64.
        return values.detach().cpu() if values.device.type == "mps" else values.detach()
    try:
        array = np.asarray(values)
        if array.dtype.kind not in "biufcO":
            raise TypeError(array.dtype)
        if array.dtype == np.float32:
            # NumPy copies only where the array is not contiguous or not writable.
            return torch.from_numpy(np.require(array, requirements=["C", "W"]))
        return torch.from_numpy(array.astype(np.complex128 if np.iscomplexobj(array) else np.float64))
    except (TypeError, ValueError, RuntimeError, ArithmeticError) as error:
        what = f"{name} is {type(values).__name__} that holds no numbers of shape [N, D]"
        raise InputError(what, where=name, code="E-SHAPE") from error


def matrix_pair(real: Any, fake: Any, *, is_narrow: bool = False) -> tuple[Tensor, Tensor]:
    """Check features of two sets as matrices of one width on one device, of at least two rows each (InputError)."""
    x, y = vectors(real, "real_features", is_narrow=is_narrow), vectors(fake, "fake_features", is_narrow=is_narrow)
    if x.shape[1] != y.shape[1]:
        what = f"real_features have {x.shape[1]} dimensions and fake_features {y.shape[1]}"
        raise InputError(what, hint="Both must come from one extractor", code="E-SHAPE")
    for name, rows in (("real_features", len(x)), ("fake_features", len(y))):
        if rows < 2:
            raise InputError(f"{name} hold {rows} row; at least 2 are needed", where=name, code="E-TOO-FEW")
    return x, y.to(x.device)


def check_reach(x: Tensor, name: str) -> None:  # [N, D]
    """Refuse a row so far away that its distances to all others are equal but for rounding (InputError)."""
    center = x[:: max(1, len(x) // SAMPLED)].double().median(dim=0).values
    reach = torch.cat([torch.linalg.vector_norm(rows - center, dim=1) for rows in x.split(FEW)])
    usual = float(reach.kthvalue(max(1, len(x) * 9 // 10)).values)
    row = int(reach.argmax())
    if usual > 0 and float(reach[row]) > FARTHEST * usual:
        what = f"row {row} of {name} lies {float(reach[row]) / usual:.2g} times as far away as nine tenths of the rows"
        raise InputError(what, where=name, hint="Look at that image and at the extractor", code="E-RANGE")


def matrix_triple(real: Any, fake: Any, test: Any) -> tuple[Tensor, Tensor, Tensor]:
    """Check features of three sets, (real, fake, test), as matrices of one width on one device (InputError)."""
    x, y = matrix_pair(real, fake)
    z = vectors(test, "test_features").to(x.device)
    if z.shape[1] != x.shape[1]:
        what = f"real_features have {x.shape[1]} dimensions and test_features {z.shape[1]}"
        raise InputError(what, hint="All must come from one extractor", code="E-SHAPE")
    for side, name in ((x, "real_features"), (y, "fake_features"), (z, "test_features")):
        check_reach(side, name)
    return x, y, z
