"""What the metrics of the Fréchet family share: the Gaussian of a set, and the influence of each image."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ganmetrics.numerics.frechet import centred_factor
from ganmetrics.numerics.influence import Gaussian, Influence, frechet_influence
from ganmetrics.numerics.moments import Moments

if TYPE_CHECKING:
    from torch import Tensor

    from ganmetrics.numerics.frechet import Array


def mean_of(x: Tensor) -> Array:  # [N, D] -> [D]
    """The mean of rows."""
    return x.mean(dim=0).cpu().numpy()


def factor_of(x: Tensor) -> Array:  # [N, D] -> [R, D]
    """A factor of the covariance of rows: themselves, centred, where they are fewer than dimensions."""
    if len(x) <= x.shape[1]:
        return centred_factor(x.cpu().numpy())
    return Moments.of(x).factor.rows()


def fid_influence(
    real_moments: Moments, real_sample: Tensor | None, fake_moments: Moments, fake_sample: Tensor
) -> Influence:
    """Of each sampled image on FID; reals without their rows count as exact.

    It is used below full rank too, within the span of the features: simulated standard errors are then a quarter too
    wide, where the bootstrap, whose copies shrink the rank further, doubles them.
    """
    real, fake = (Gaussian(m.mean.numpy(), m.factor.rows()) for m in (real_moments, fake_moments))
    rows = None if real_sample is None else real_sample.double().numpy()
    return frechet_influence(real, fake, rows, fake_sample.double().numpy())
