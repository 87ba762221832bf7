"""Alpha-precision, beta-recall and authenticity."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import torch

from ganmetrics.errors import UsageError
from ganmetrics.metrics._manifold import feature_pair
from ganmetrics.metrics.metric import Metric, Part
from ganmetrics.metrics.needs import FEATURES
from ganmetrics.numerics.distances import TIE
from ganmetrics.numerics.neighbors import held, nearest, neighbor_squares

if TYPE_CHECKING:
    from torch import Tensor

    from ganmetrics.types import ArrayLike

# Levels of alpha and beta, from 0 to 1.
NUM_LEVELS = 30


class AlphaBeta(NamedTuple):
    """The three shares, each at most 1."""

    alpha_precision: float
    beta_recall: float
    authenticity: float


def alpha_precision_beta_recall_authenticity(
    real_features: ArrayLike, fake_features: ArrayLike, *, recall: str = "code"
) -> AlphaBeta:
    """Agreement of typical sets of real and generated images, level by level, and the share that are no near copies.

    Use it to see fidelity, diversity and memorisation apart. Higher is better, 1 is best, for the first two;
    authenticity is higher for a better generalising generator, and about 1/2 for equal distributions: what is much
    lower has copied.

    Parameters
    ----------
    real_features, fake_features : array_like, [N, D] and [M, D]
        Real numbers of any dtype: features of real and of generated images by one extractor.
    recall : {"code", "paper"}
        The definition of beta-recall: as in the authors' code, which published values come from, or as in their
        paper. The notes give both.

    Returns
    -------
    AlphaBeta
        ``alpha_precision`` and ``beta_recall``, 1 less twice the mean gap between the level and the share at it, and
        ``authenticity``, the share of fakes farther from their nearest real than that real is from its own.

    Raises
    ------
    InputError
        A set has fewer than two rows, is no matrix of the other's width, or holds NaN or infinity.
    UsageError
        ``recall`` is neither ``"code"`` nor ``"paper"``.

    Notes
    -----
    The alpha-support of the reals is the ball about their mean that holds a share alpha of them, and the beta-support
    of the fakes the ball about the fakes' mean that holds a share beta of the fakes.

    Beta-recall by ``"paper"``: a real is recalled at level beta if any fake of the beta-support is no farther from it
    than its nearest other real. By ``"code"``: a real is recalled if its nearest fake is no farther than its nearest
    other real, and that fake is no farther from the fakes' mean than the quantile beta of such distances, taken over
    the nearest fakes of all reals (a fake counts once for each real that it is nearest to) and not over all fakes.

    The authors first map features by a one-class network that is trained for each data set; here features count as they
    are, as in later libraries. Their code takes authenticity over reals; here, as in the paper, over fakes.

    References
    ----------
    Alaa et al.: How Faithful is your Synthetic Data? ICML 2022, arXiv:2102.08921.

    Examples
    --------
    >>> import numpy as np
    >>> real = np.random.RandomState(0).randn(400, 4)
    >>> alpha_precision_beta_recall_authenticity(real, real).authenticity  # copies of reals are not authentic
    0.0
    """
    real, fake = feature_pair(real_features, fake_features, 1, "alpha_precision_beta_recall_authenticity")
    levels = torch.linspace(0, 1, NUM_LEVELS, dtype=torch.float64, device=real.device)
    center = real.mean(dim=0, dtype=torch.float64)
    precision = _shares_within((fake - center).norm(dim=1), (real - center).norm(dim=1), levels)
    # A real image is recalled by a fake that is no farther than its nearest other real image.
    own = neighbor_squares(real, 1)
    recalled = _recall(real, fake, own, levels, recall)
    places, squares = nearest(fake, real)
    # A fake that is nearer to a real image than any other real image is counts as its copy.
    authenticity = float((squares > own[places] * (1 + TIE)).double().mean())
    return AlphaBeta(_agreement(precision, levels), _agreement(recalled, levels), authenticity)


def _recall(real: Tensor, fake: Tensor, own: Tensor, levels: Tensor, definition: str) -> Tensor:  # -> [L]
    """Return the share of reals that are recalled at each level; ``own`` are squared distances to their nearest."""
    from_center = (fake - fake.mean(dim=0, dtype=torch.float64)).norm(dim=1)
    if definition == "code":
        places, squares = nearest(real, fake)
        innermost = torch.where(squares <= own * (1 + TIE), from_center[places], torch.inf)
        return _shares_within(innermost, from_center[places], levels)
    if definition != "paper":
        what = f"recall is {definition!r}; it must be 'code' or 'paper'"
        raise UsageError(what, where="alpha_precision_beta_recall_authenticity.recall")
    # The innermost of the fakes that each real image's ball holds.
    innermost = torch.full_like(own, torch.inf)
    for rows, columns, is_held in held(real, fake, own, is_closed=True):
        least = torch.where(is_held, from_center[columns], torch.inf).amin(dim=1)
        innermost[rows] = torch.minimum(innermost[rows], least)
    return _shares_within(innermost, from_center, levels)


def _shares_within(distances: Tensor, reference: Tensor, levels: Tensor) -> Tensor:
    """Return the share of distances up to each quantile of the reference: [M], [N], [L] -> [L]."""
    radii = torch.quantile(reference, levels) * (1 + TIE)
    return torch.stack([(distances <= radius).double().mean() for radius in radii])


def _agreement(shares: Tensor, levels: Tensor) -> float:
    """Return 1 less the area between the curve and the diagonal, as a share of the largest area."""
    return float(1 - (shares - levels).abs().sum() / levels.sum())


METRIC = Metric(
    name="alpha_precision_beta_recall_authenticity",
    function=alpha_precision_beta_recall_authenticity,
    parts=(
        Part("alpha_precision", "Alpha-precision", higher_is_better=True, best="1", scale="share"),
        Part("beta_recall", "Beta-recall", higher_is_better=True, best="1", scale="share"),
        Part("authenticity", "Authenticity", higher_is_better=True, best="about 0.5 or more", scale="share"),
    ),
    reads=(FEATURES,),
    paper="Alaa et al. 2022, arXiv:2102.08921",
    cost="all pairs",
    resampling="parts",
)
