"""Feature likelihood divergence and generalisation gap."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import torch

from ganmetrics.errors import InputError, UsageError
from ganmetrics.metrics.record import Metric, Part
from ganmetrics.metrics.validation import matrix_triple
from ganmetrics.numerics.mixture import MixtureOfCenters
from ganmetrics.numerics.resampling import seeded

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

    from ganmetrics.types import ArrayLike


class Fld(NamedTuple):
    """Feature likelihood divergence, and what of it is memory."""

    fld: float
    fld_gap: float


def fld(
    real_features: ArrayLike,
    fake_features: ArrayLike,
    test_features: ArrayLike,
    *,
    num_rows: int = 10_000,
    seed: int = 2020,
) -> Fld:
    """How unlikely unseen reals are under a density around the fakes, and how much likelier the reals of its training.

    Lower is better for ``fld``, 0 is as good as reals; it grows with poor fidelity, missing modes and memorisation
    alike. Higher is better for ``fld_gap`` up to 0, which is best: the further below, the more was memorised. Depends
    on the number of fakes, so only values at equal numbers compare.

    Parameters
    ----------
    real_features, fake_features, test_features : array_like, [N, D], [M, D] and [P, D]
        Reals that the generator was trained on, fakes, and reals that it never saw.
    num_rows : int
        Rows of each set at most, drawn at random; memory grows with its square.
    seed : int
        Of that draw, and of the halves that reals are compared with reals by.

    Returns
    -------
    Fld
        In hundredths of a nat for each dimension.

    Raises
    ------
    InputError
        Fewer than four rows of reals, other shapes, NaN.
    UsageError
        ``num_rows`` below 4.

    Notes
    -----
    Features are standardised by the training reals. Every fake is the centre of an isotropic Gaussian whose variance
    maximises the likelihood of the training reals: by expectation maximisation here, by gradient descent in the paper.
    A memorised image then gets a variance near 0 and does not cover its surroundings. From the mean negative log
    likelihood of unseen reals that of a density around one half of the training reals, fitted to the other half, is
    taken away; ``fld_gap`` is that of the training reals less that of the unseen ones.

    References
    ----------
    Jiralerspong et al.: Feature Likelihood Divergence: Evaluating the Generalization of Generative Models Using
    Samples. NeurIPS 2023, arXiv:2302.04440.

    Examples
    --------
    >>> import numpy as np
    >>> real, fake, test = (np.random.RandomState(seed).randn(200, 8) for seed in range(3))
    >>> fld(real, real + 1e-3 * fake, test).fld_gap < fld(real, fake, test).fld_gap  # copies
    True
    """
    real, fake, test = matrix_triple(real_features, fake_features, test_features)
    if num_rows < 4:
        raise UsageError(f"num_rows is {num_rows}; it must be at least 4", where="fld.num_rows")
    if len(real) < 4:
        what = f"real_features hold {len(real)} rows; at least 4 are needed"
        raise InputError(what, where="real_features", code="E-TOO-FEW")
    rng = seeded(seed)
    mean, std = real.mean(dim=0), real.std(dim=0, correction=0)
    real, fake, test = (_drawn((side - mean) / std.where(std > 0, 1.0), num_rows, rng) for side in (real, fake, test))
    half = len(real) // 2
    around_fakes = MixtureOfCenters.fitted(fake, real)
    around_reals = MixtureOfCenters.fitted(real[:half], real[half:])
    scale = 100 / real.shape[1]
    unseen, seen = (-scale * around_fakes.mean_log_likelihood(side) for side in (test, real))
    return Fld(unseen + scale * around_reals.mean_log_likelihood(test), seen - unseen)


def _drawn(rows: Tensor, num: int, rng: np.random.RandomState) -> Tensor:
    """In random order, ``num`` of them at most."""
    return rows[torch.from_numpy(rng.permutation(len(rows)))[:num].to(rows.device)]


METRIC = Metric(
    name="fld",
    function=fld,
    parts=(
        Part("fld", "FLD", higher_is_better=False, best="0", scale="real"),
        Part("fld_gap", "FLD gap", higher_is_better=True, best="0", scale="real"),
    ),
    reads=("features",),
    paper="Jiralerspong et al. 2023, arXiv:2302.04440",
    cost="all pairs, kept",
    needs_test=True,
    resampling="halves",
)
