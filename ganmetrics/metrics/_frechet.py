"""What metrics of the Fréchet family share: the Gaussian of a set, and how uncertain a distance is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ganmetrics.metrics._uncertainty import Estimated, Sizes, expanded
from ganmetrics.numerics.cholesky import centred_factor
from ganmetrics.numerics.influence import FrechetExpansion, Gaussian, Influence
from ganmetrics.numerics.moments import Moments

if TYPE_CHECKING:
    from torch import Tensor

    from ganmetrics.numerics.cholesky import Array

    # The moments of a set, and rows of it where any are at hand.
    Side = tuple[Moments, Tensor | None]


def mean_of(x: Tensor) -> Array:  # [N, D] -> [D]
    """Return the mean of rows."""
    return x.mean(dim=0).cpu().numpy()


def factor_of(x: Tensor) -> Array:  # [N, D] -> [R, D]
    """Return a factor of the covariance of rows: the centred rows themselves where they are fewer than dimensions."""
    if len(x) <= x.shape[1]:
        return centred_factor(x.cpu().numpy())
    return Moments.of(x).factor.rows()


def gaussian(moments: Moments) -> Gaussian:
    """Return the Gaussian that moments describe."""
    return Gaussian(moments.mean.numpy(), moments.factor.rows())


def fid_uncertainty(value: float, real: Side, fake: Side) -> Estimated | None:
    """Tell how uncertain a Fréchet distance is, on the logarithmic scale; ``None`` without rows of the fakes.

    Below full rank the interval is taken within the span of the features, where it is a quarter too wide.
    """
    (real_moments, real_rows), (fake_moments, fake_rows) = real, fake
    if fake_rows is None:
        return None
    expansion = FrechetExpansion(gaussian(real_moments), gaussian(fake_moments))
    # Saved statistics may hold no rows of the real images: their noise is then left out, which the method says.
    on_fake, of_fakes = expansion.of_fakes(fake_rows.double().numpy())
    on_real, of_reals = (None, None) if real_rows is None else expansion.of_reals(real_rows.double().numpy())
    sizes = Sizes(real_moments.count, fake_moments.count)
    second = expansion.second_order(of_reals, of_fakes).error(*sizes)
    return expanded(value, sizes, Influence(on_real, on_fake), second, base=value)
