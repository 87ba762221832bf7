"""What the metrics of the Fréchet family share: the Gaussian of a set, and the influence of each image."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ganmetrics.metrics._uncertainty import Estimated, Sizes, expanded
from ganmetrics.numerics.cholesky import centred_factor
from ganmetrics.numerics.influence import FrechetExpansion, Gaussian, Influence
from ganmetrics.numerics.moments import Moments

if TYPE_CHECKING:
    from torch import Tensor

    from ganmetrics.numerics.cholesky import Array

    Side = tuple[Moments, Tensor | None]  # the moments of a set, and rows of it where any are at hand


def mean_of(x: Tensor) -> Array:  # [N, D] -> [D]
    """The mean of rows."""
    return x.mean(dim=0).cpu().numpy()


def factor_of(x: Tensor) -> Array:  # [N, D] -> [R, D]
    """A factor of the covariance of rows: themselves, centred, where they are fewer than dimensions."""
    if len(x) <= x.shape[1]:
        return centred_factor(x.cpu().numpy())
    return Moments.of(x).factor.rows()


def gaussian(moments: Moments) -> Gaussian:
    """The Gaussian of a set."""
    return Gaussian(moments.mean.numpy(), moments.factor.rows())


def fid_uncertainty(value: float, real: Side, fake: Side) -> Estimated | None:
    """Of a Fréchet distance, on the logarithmic scale; ``None`` without rows of the fakes.

    It is used below full rank too, within the span of the features, where it is a quarter too wide.
    """
    (real_moments, real_rows), (fake_moments, fake_rows) = real, fake
    if fake_rows is None:
        return None
    expansion = FrechetExpansion(gaussian(real_moments), gaussian(fake_moments))
    on_fake, of_fakes = expansion.of_fakes(fake_rows.double().numpy())
    on_real, of_reals = (None, None) if real_rows is None else expansion.of_reals(real_rows.double().numpy())
    sizes = Sizes(real_moments.count, fake_moments.count)
    second = expansion.second_order(of_reals, of_fakes).error(*sizes)
    return expanded(value, sizes, Influence(on_real, on_fake), second, base=value)
