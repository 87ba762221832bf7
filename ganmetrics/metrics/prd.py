"""Precision and recall for distributions."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import torch

from ganmetrics.errors import InputError, UsageError
from ganmetrics.metrics._validation import matrix_pair
from ganmetrics.metrics.metric import Metric, Part
from ganmetrics.metrics.needs import FEATURES
from ganmetrics.numerics.clusters import kmeans, nearest_center
from ganmetrics.numerics.resampling import seeded

if TYPE_CHECKING:
    from torch import Tensor

    from ganmetrics.types import ArrayLike

NUM_ANGLES = 1001
# Slopes are tan(angle): the outermost angles keep so many radians from the axes, where one would be 0 or infinite.
EDGE = 1e-10
BETA = 8.0


class PrdScores(NamedTuple):
    """The two summaries of a curve, each in 0..1."""

    prd_f8: float
    prd_f1_8: float


class PrdCurve(NamedTuple):
    """Attainable pairs of precision and recall, from high recall to high precision.

    Attributes
    ----------
    precision, recall : Tensor, float64 [1001]
    """

    precision: Tensor
    recall: Tensor


def prd(
    real_features: ArrayLike,
    fake_features: ArrayLike,
    *,
    num_clusters: int = 20,
    num_runs: int = 10,
    seed: int = 2020,
) -> PrdScores:
    """Largest F8, which weighs recall, and F1/8, which weighs precision, on the curve of both distributions.

    Use it to see fidelity and diversity without a threshold on distances. Higher is better, 1 is best, for both. Coarse
    where ``num_clusters`` is small; differences within a cluster do not count.

    Parameters
    ----------
    real_features, fake_features : array_like, [N, D] and [M, D]
        At least ``num_clusters`` rows in all.
    num_clusters : int
        The number of clusters of both sets together, by k-means.
    num_runs : int
        The number of clusterings, whose curves are averaged.
    seed : int
        Seed of the random draws.

    Returns
    -------
    PrdScores
        ``prd_f8`` and ``prd_f1_8``.

    Raises
    ------
    InputError
        There are fewer rows than clusters, the shapes do not fit, or a value is NaN or infinite.
    UsageError
        ``num_clusters`` is below 2, or ``num_runs`` below 1.

    Notes
    -----
    The authors use mini-batch k-means, the best of ten starts, and cut sets to one size first; here each run is one
    k-means++ start with Lloyd's iteration on all rows, so values agree to the spread of clusterings.

    References
    ----------
    Sajjadi et al.: Assessing Generative Models via Precision and Recall. NeurIPS 2018, arXiv:1806.00035.

    Examples
    --------
    >>> import numpy as np
    >>> real = np.repeat([[0.0], [10.0]], 50, axis=0)
    >>> scores = prd(real, real[:50], num_clusters=2)  # one of two modes: all is real, half is missing
    >>> round(scores.prd_f8, 3), round(scores.prd_f1_8, 3)
    (0.504, 0.985)
    """
    curve = prd_curve(real_features, fake_features, num_clusters=num_clusters, num_runs=num_runs, seed=seed)
    return PrdScores(_largest_f(curve, BETA), _largest_f(curve, 1 / BETA))


def prd_curve(
    real_features: ArrayLike,
    fake_features: ArrayLike,
    *,
    num_clusters: int = 20,
    num_runs: int = 10,
    seed: int = 2020,
) -> PrdCurve:
    """Curve of attainable precision and recall, the mean over the clusterings at each of 1001 angles.

    Use it to draw the curve that ``prd`` summarises. Higher is better for both coordinates.

    Parameters
    ----------
    real_features, fake_features, num_clusters, num_runs, seed
        The arguments of ``prd``, whose docstring describes them.

    Returns
    -------
    PrdCurve
        ``precision`` and ``recall``.

    Raises
    ------
    InputError, UsageError
        A set or an option is refused for a reason that ``prd`` names.

    Notes
    -----
    With slope λ = tan(angle), precision is Σ min(λ p, q) and recall Σ min(p, q / λ) of the clusters' shares p of the
    reals and q of the fakes.

    References
    ----------
    Sajjadi et al.: Assessing Generative Models via Precision and Recall. NeurIPS 2018, arXiv:1806.00035.

    Examples
    --------
    >>> import numpy as np
    >>> real = np.repeat([[0.0], [10.0]], 50, axis=0)
    >>> curve = prd_curve(real, real[:50], num_clusters=2)
    >>> round(float(curve.recall.max()), 6), round(float(curve.precision.max()), 6)
    (0.5, 1.0)
    """
    real, fake = matrix_pair(real_features, fake_features)
    if num_clusters < 2 or num_runs < 1:
        what = f"num_clusters is {num_clusters} and num_runs {num_runs}; they must be at least 2 and 1"
        raise UsageError(what, where="prd")
    both = torch.cat([real, fake])
    if len(both) < num_clusters:
        what = f"{num_clusters} clusters need as many images; found {len(real)} real and {len(fake)} fake"
        raise InputError(what, where="prd.num_clusters", hint="Score more images", code="E-TOO-FEW")
    rng = seeded(seed)
    curves = []
    for _ in range(num_runs):
        centers = kmeans(both, num_clusters, rng)
        # The distributions are the shares of the clusters in either set.
        shares = (torch.bincount(nearest_center(x, centers)[0], minlength=num_clusters) for x in (real, fake))
        curves.append(_curve(*(counts.double() / counts.sum() for counts in shares)))
    mean = torch.stack(curves).mean(dim=0)
    return PrdCurve(mean[0], mean[1])


def _curve(p: Tensor, q: Tensor) -> Tensor:  # shares of reals and fakes [K], [K] -> [2, 1001]
    # One pair of precision and recall for each slope, which is the price of one in units of the other.
    angles = torch.linspace(EDGE, math.pi / 2 - EDGE, NUM_ANGLES, dtype=torch.float64, device=p.device)
    slopes = angles.tan()[:, None]
    precision = torch.minimum(slopes * p, q).sum(dim=1)
    return torch.stack([precision, precision / slopes[:, 0]]).clamp_(0, 1)


def _largest_f(curve: PrdCurve, beta: float) -> float:
    p, r = curve
    # Where both are 0 their F is 0 and not NaN.
    f = (1 + beta**2) * p * r / (beta**2 * p + r).clamp(min=1e-300)
    return float(f.max())


METRIC = Metric(
    name="prd",
    function=prd,
    parts=(
        Part("prd_f8", "PRD F8", higher_is_better=True, best="1", scale="share"),
        Part("prd_f1_8", "PRD F1/8", higher_is_better=True, best="1", scale="share"),
    ),
    reads=(FEATURES,),
    paper="Sajjadi et al. 2018, arXiv:1806.00035",
    cost="clustering",
    resampling="parts",
)
