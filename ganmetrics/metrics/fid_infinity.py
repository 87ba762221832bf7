"""FID of infinitely many fakes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ganmetrics.errors import InputError, UsageError
from ganmetrics.metrics.frechet_family import factor_of, fid_influence, mean_of
from ganmetrics.metrics.record import Metric, Part
from ganmetrics.metrics.validation import matrix_pair
from ganmetrics.numerics import frechet
from ganmetrics.numerics.resampling import seeded

if TYPE_CHECKING:
    from ganmetrics.types import ArrayLike

LEAST = 20  # fakes, of which the smallest subset has two


def fid_infinity(
    real_features: ArrayLike, fake_features: ArrayLike, *, num_points: int = 15, seed: int = 2020
) -> float:
    """FID extrapolated to infinitely many fakes, from a line through FIDs of subsets against 1 / n.

    Lower is better, 0 is best. Free of the first-order bias in the number of fakes, so sets of different sizes compare;
    the bias from the reals stays. It may come out below 0.

    Parameters
    ----------
    real_features, fake_features : array_like, [N, D] and [M, D]
    num_points : int
        Subsets, of M / 10 to M fakes.
    seed : int
        Of the subsets.

    Returns
    -------
    float
        The line's value at 1 / n = 0.

    Raises
    ------
    InputError
        Fewer than 20 fakes, other shapes, NaN.
    UsageError
        Fewer than two points.

    Notes
    -----
    The authors draw subsets of 5,000 to 50,000 by a quasi-random sequence through the generator; here subsets of the
    fakes at hand. Its interval is that of FID on the same sets: the subsets share their images, so the extrapolation
    adds little noise where n is well above the number of dimensions.

    References
    ----------
    Chong, Forsyth: Effectively Unbiased FID and Inception Score and where to find them. CVPR 2020, arXiv:1911.07023.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.RandomState(0)
    >>> real, fake = rng.randn(5000, 8), rng.randn(500, 8)
    >>> from ganmetrics.functional import fid
    >>> abs(fid_infinity(real, fake)) < fid(real, fake)
    True
    """
    real, fake = matrix_pair(real_features, fake_features)
    if num_points < 2:
        raise UsageError(f"num_points is {num_points}; it must be at least 2", where="fid_infinity.num_points")
    if len(fake) < LEAST:
        what = f"subsets of a tenth of the fakes need {LEAST} of them; found {len(fake)}"
        raise InputError(what, where="fid_infinity", hint="Score more images", code="E-TOO-FEW")
    sizes = np.linspace(len(fake) // 10, len(fake), num_points).astype(int)
    rng, mu, factor = seeded(seed), mean_of(real), factor_of(real)
    subsets = [fake[rng.permutation(len(fake))[:size]] for size in sizes]
    values = [frechet.distance_of_factors(mu, factor, mean_of(subset), factor_of(subset)) for subset in subsets]
    return float(np.polynomial.Polynomial.fit(1 / sizes, values, 1)(0.0))


METRIC = Metric(
    name="fid_infinity",
    function=fid_infinity,
    parts=(Part("fid_infinity", "FID-infinity", higher_is_better=False, best="0"),),
    reads=("features",),
    paper="Chong, Forsyth 2020, arXiv:1911.07023",
    cost="15 FIDs",
    influence=fid_influence,
    influence_reads=("moments", "sample"),
)
