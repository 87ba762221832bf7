"""FID of infinitely many fakes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch

from ganmetrics.errors import InputError, UsageError
from ganmetrics.metrics._uncertainty import Estimated, Sizes, expanded
from ganmetrics.metrics._validation import matrix_pair
from ganmetrics.metrics.fid import factor_of, frechet_from_traces, mean_of
from ganmetrics.metrics.metric import Given, Metric, Part
from ganmetrics.metrics.needs import FEATURES
from ganmetrics.numerics.influence import WIDE, FrechetExpansion, Gaussian, Influence
from ganmetrics.numerics.resampling import Indices, seeded
from ganmetrics.numerics.root_trace import traces_of_factors

if TYPE_CHECKING:
    from torch import Tensor

    from ganmetrics.types import ArrayLike

# The fewest fakes: the smallest subset, a tenth, then has two.
LEAST = 20
# Rows whose influence is taken, at random among all.
ROWS = 4096


class Extrapolated(NamedTuple):
    """FID of infinitely many fakes, and the FIDs that it follows from.

    Attributes
    ----------
    fid_infinity : float
    values : float64 [J]
        FID of each subset, of which the last has all fakes.
    subsets : list of int64 [m]
        The rows of each subset.
    """

    fid_infinity: float
    values: np.ndarray[Any, Any]
    subsets: list[Indices]


def fid_infinity(
    real_features: ArrayLike, fake_features: ArrayLike, *, num_points: int = 15, seed: int = 2020
) -> float:
    """FID extrapolated to infinitely many fakes, from a line through FIDs of subsets against 1 / n.

    Use it to compare sets of different numbers of generated images. Lower is better, 0 is best. Free of the first-order
    bias in the number of fakes, so sets of different sizes compare; the bias from the reals stays. It may come out
    below 0.

    Parameters
    ----------
    real_features, fake_features : array_like, [N, D] and [M, D]
        Real numbers of any dtype: features of real and of generated images by one extractor.
    num_points : int
        The number of subsets, of M / 10 to M fakes.
    seed : int
        Seed of the subsets.

    Returns
    -------
    float
        The line's value at 1 / n = 0.

    Raises
    ------
    InputError
        There are fewer than 20 fakes, the shapes do not fit, or a value is NaN or infinite.
    UsageError
        ``num_points`` is below 2.

    Notes
    -----
    The authors draw subsets of 5,000 to 50,000 by a quasi-random sequence through the generator; here subsets of the
    fakes at hand.

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
    return extrapolated(real_features, fake_features, num_points=num_points, seed=seed).fid_infinity


def extrapolated(
    real_features: ArrayLike, fake_features: ArrayLike, *, num_points: int = 15, seed: int = 2020
) -> Extrapolated:
    """Compute FID of infinitely many fakes with what its interval needs."""
    real, fake = matrix_pair(real_features, fake_features)
    if num_points < 2:
        raise UsageError(f"num_points is {num_points}; it must be at least 2", where="fid_infinity.num_points")
    if len(fake) < LEAST:
        what = f"subsets of a tenth of the fakes need {LEAST} of them; found {len(fake)}"
        raise InputError(what, where="fid_infinity", hint="Score more images", code="E-TOO-FEW")
    # FID is nearly linear in 1 / n: the line through subsets of several sizes tells its value at 1 / n = 0.
    sizes = np.linspace(len(fake) // 10, len(fake), num_points).astype(int)
    rng, mu, factor = seeded(seed), mean_of(real), factor_of(real)
    subsets = [rng.permutation(len(fake))[:size] for size in sizes]
    sides = (fake[torch.from_numpy(subset).to(fake.device)] for subset in subsets)
    values = [frechet_from_traces(mu, mean_of(x), traces_of_factors(factor, factor_of(x))) for x in sides]
    return Extrapolated(float(np.polynomial.Polynomial.fit(1 / sizes, values, 1)(0.0)), np.array(values), subsets)


def uncertainty(computed: Extrapolated, given: Given) -> dict[str, Estimated]:
    """Tell how uncertain the intercept is, from the influence of each image on every FID that it has part in.

    Each FID has the weight that the line gives it. In more than 512 dimensions the influences on FID of all fakes stand
    in for those on FIDs of subsets.
    """
    real, fake = given.real.features.double(), given.fake.features.double()
    sizes = np.array([len(subset) for subset in computed.subsets])
    away = 1 / sizes - (1 / sizes).mean()
    # The weight of each FID in the line's intercept.
    weights = 1 / len(sizes) - away * (1 / sizes).mean() / (away @ away)
    rows = _Rows(real, fake)
    whole = rows.expansion(computed.subsets[-1])
    on_real, of_reals = whole.of(rows.real, "real")
    on_fake, of_fakes = whole.of(rows.fake, "fake")
    sizes_of_sets = Sizes(len(real), len(fake))
    second = whole.second_order(of_reals, of_fakes).error(*sizes_of_sets)
    # An expansion for each subset would cost too much in many dimensions.
    if real.shape[1] > WIDE:
        parts = zip(weights, computed.subsets, strict=True)
        influence = Influence(on_real, on_fake * len(fake) * sum(w * rows.is_in(s) / len(s) for w, s in parts))
    else:
        influence = _joined([rows.weighed(w, s) for w, s in zip(weights, computed.subsets, strict=True)])
    one = expanded(computed.fid_infinity, sizes_of_sets, influence, second, base=float(computed.values[-1]))
    return {"fid_infinity": one}


def _joined(parts: list[Influence]) -> Influence:
    on_real, on_fake = (torch.stack(rows).sum(dim=0) for rows in zip(*parts, strict=True))
    return Influence(on_real, on_fake)


class _Rows:
    """Two sets, and the rows of each whose influence is taken."""

    def __init__(self, real: Tensor, fake: Tensor) -> None:
        self.gaussian, self.all_fake = _gaussian(real), fake
        self.places = seeded(0).permutation(len(fake))[:ROWS]
        self.real = real[torch.from_numpy(seeded(0).permutation(len(real))[:ROWS])].numpy()
        self.fake = fake[torch.from_numpy(self.places)].numpy()

    def expansion(self, subset: Indices) -> FrechetExpansion:
        return FrechetExpansion(self.gaussian, _gaussian(self.all_fake[torch.from_numpy(subset)]))

    def is_in(self, subset: Indices) -> Tensor:
        return torch.from_numpy(np.isin(self.places, subset)).double()

    def weighed(self, weight: float, subset: Indices) -> Influence:
        """Return the part that FID of a subset has in the influences on the intercept, in units of one image of all."""
        expansion, is_in = self.expansion(subset), self.is_in(subset)
        on_fake = torch.zeros(len(self.fake), dtype=torch.float64)
        if bool(is_in.any()):
            on_fake[is_in > 0] = expansion.of(self.fake[is_in.numpy() > 0], "fake")[0]
        scale = weight * len(self.all_fake) / len(subset)
        return Influence(weight * expansion.of(self.real, "real")[0], scale * on_fake)


def _gaussian(rows: Tensor) -> Gaussian:
    return Gaussian(mean_of(rows), factor_of(rows))


METRIC = Metric(
    name="fid_infinity",
    function=extrapolated,
    parts=(Part("fid_infinity", "FID-infinity", higher_is_better=False, best="0", scale="real"),),
    reads=(FEATURES,),
    paper="Chong, Forsyth 2020, arXiv:1911.07023",
    cost="15 FIDs",
    uncertainty=uncertainty,
    resampling="bootstrap",
)
