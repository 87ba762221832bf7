"""Feature likelihood divergence and generalisation gap."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import torch

from ganmetrics.errors import InputError, UsageError
from ganmetrics.metrics._validation import matrix_triple
from ganmetrics.metrics.metric import Metric, Part
from ganmetrics.metrics.needs import FEATURES
from ganmetrics.numerics.gaussian_mixture import MixtureOfCenters
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
    fit: str = "adam",
    seed: int = 2020,
) -> Fld:
    """How unlikely unseen real images are under a density around the fakes, and how much likelier training images are.

    Use it where one number must punish copies of training images as well as poor or missing ones. Lower is better for
    ``fld``, 0 is as good as reals; it grows with poor fidelity, missing modes and memorisation alike. Higher is better
    for ``fld_gap`` up to 0, which is best: the further below, the more was memorised. Depends on the number of fakes,
    so only values at equal numbers compare.

    Parameters
    ----------
    real_features, fake_features, test_features : array_like, [N, D], [M, D] and [P, D]
        Features of real images that the generator was trained on, of generated images, and of real images that it
        never saw; of one extractor.
    num_rows : int
        Fakes at most, drawn at random, 10,000 in the authors' code; with ``fit="em"`` rows of each set at most.
    fit : {"adam", "em"}
        How the density is fitted: as by the authors' code, with whose published values the result compares, or by
        expectation maximisation, the maximum that the paper defines. Values of the two do not compare.
    seed : int
        Seed of that draw, of the order of batches, and of the reals that make the density which fakes are compared
        with.

    Returns
    -------
    Fld
        In hundredths of a nat for each dimension.

    Raises
    ------
    InputError
        There are fewer than four real or two unseen rows, the shapes do not fit, or a value is NaN or infinite.
    UsageError
        ``num_rows`` is below 4, or ``fit`` is neither ``"adam"`` nor ``"em"``.

    Notes
    -----
    Every fake is the centre of an isotropic Gaussian whose variance is fitted to the training reals. A memorised image
    then gets a variance near 0 and does not cover its surroundings. From the mean negative log likelihood of unseen
    reals that of a density around other training reals, fitted to the rest of them, is taken away; ``fld_gap`` is that
    of the training reals less that of the unseen ones.

    By ``"adam"``, as the authors' code does: features are standardised by the unseen reals. The reals' density has as
    many centres as there are fakes, at most half of the training reals. The fit is a descent by Adam, in batches of
    10,000 rows, that ends after 50 epochs at most, or once five epochs change the loss by less than 0.0005 nats for
    each dimension; during it, one more component about the mean of the training reals, of the weight of all others
    together, gives every row some likelihood. Distances are exact here and of float32's rounding there. Squared
    distances of all reals to all fakes take 4 N M bytes. Beyond 2 GiB, or half of what ``memory_limit`` allows, they
    are computed anew in every epoch.

    By ``"em"``: features are standardised by the training reals, both halves of these are compared, and no component
    is added.

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
    for name, rows, least in (("real_features", len(real), 4), ("test_features", len(test), 2)):
        if rows < least:
            what = f"{name} hold {rows} row{'s' * (rows > 1)}; at least {least} are needed"
            raise InputError(what, where=name, code="E-TOO-FEW")
    rng = seeded(seed)
    if fit == "adam":
        real, fake, test = _standardised((real, fake, test), test.mean(dim=0), test.std(dim=0))
        real, fake = _drawn(real, len(real), rng), _drawn(fake, num_rows, rng)
        # The density of real images has as many centres as that of the fakes, so that both overfit alike.
        count = min(len(fake), len(real) // 2)
        around_fakes = MixtureOfCenters.descended(fake, real, rng)
        around_reals = MixtureOfCenters.descended(real[:count], real[count:], rng)
    elif fit == "em":
        sides = _standardised((real, fake, test), real.mean(dim=0), real.std(dim=0, correction=0))
        real, fake, test = (_drawn(side, num_rows, rng) for side in sides)
        half = len(real) // 2
        around_fakes = MixtureOfCenters.fitted(fake, real)
        around_reals = MixtureOfCenters.fitted(real[:half], real[half:])
    else:
        raise UsageError(f"fit is {fit!r}; it must be 'adam' or 'em'", where="fld.fit")
    scale = 100 / real.shape[1]
    # In hundredths of a nat for each dimension, as the paper prints it.
    unseen, seen = (-scale * around_fakes.mean_log_likelihood(side) for side in (test, real))
    return Fld(unseen + scale * around_reals.mean_log_likelihood(test), seen - unseen)


def _standardised(sides: tuple[Tensor, ...], mean: Tensor, std: Tensor) -> list[Tensor]:
    """Subtract the mean from each set and divide by the deviation; a feature that does not vary keeps its unit."""
    return [(side - mean) / std.where(std > 0, 1.0) for side in sides]


def _drawn(rows: Tensor, num: int, rng: np.random.RandomState) -> Tensor:
    """Draw rows in random order, ``num`` of them at most."""
    return rows[torch.from_numpy(rng.permutation(len(rows)))[:num].to(rows.device)]


METRIC = Metric(
    name="fld",
    function=fld,
    parts=(
        Part("fld", "FLD", higher_is_better=False, best="0"),
        Part("fld_gap", "FLD gap", higher_is_better=True, best="0"),
    ),
    reads=(FEATURES,),
    paper="Jiralerspong et al. 2023, arXiv:2302.04440",
    cost="all pairs, kept",
    needs_test=True,
)
