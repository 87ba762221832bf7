"""Perceptual path length: the pure part, from embeddings of the ends of short paths."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ganmetrics.errors import UsageError
from ganmetrics.metrics._validation import matrix_pair
from ganmetrics.metrics.metric import Estimate

if TYPE_CHECKING:
    from torch import Tensor

    from ganmetrics.types import ArrayLike


def path_length(
    start_embeddings: ArrayLike,
    end_embeddings: ArrayLike,
    *,
    epsilon: float = 1e-4,
    trim: float = 1.0,
) -> Estimate:
    """Mean squared distance between the ends of short paths through a generator's latents, over their length squared.

    Use it to judge how smoothly a generator's images follow its latents. Lower is better: 0 is a generator that draws
    one image only, so it says nothing without a measure of diversity.

    Parameters
    ----------
    start_embeddings, end_embeddings : array_like, [N, D]
        Vectors whose squared distance is perceptual, of images from latents that are ``epsilon`` of a path apart.
    epsilon : float
        The share of a path between two latents.
    trim : float
        The percentage of the lengths that is left out at each end.

    Returns
    -------
    Estimate
        The mean with the standard deviation over paths and the standard error.

    Raises
    ------
    InputError
        There are fewer than two paths, the shapes do not fit, or a value is NaN or infinite.
    UsageError
        ``epsilon`` is not above 0, or ``trim`` is not in 0..50.

    Notes
    -----
    Quantiles are order statistics, the lower one rounded down and the upper one up, as in StyleGAN's code. The standard
    error is that of a trimmed mean (Tukey and McLaughlin 1963), from the lengths clipped to the quantiles; below
    100 / ``trim`` paths nothing is trimmed, and long tails make 95 % intervals cover less.

    References
    ----------
    Karras, Laine, Aila: A Style-Based Generator Architecture for Generative Adversarial Networks. CVPR 2019,
    arXiv:1812.04948.

    Examples
    --------
    >>> path_length([[0.0], [0.0]], [[1e-4], [1e-4]], epsilon=1e-4).value
    1.0
    """
    start, end = matrix_pair(start_embeddings, end_embeddings)
    return of_squares((end - start).square().sum(dim=1), epsilon=epsilon, trim=trim)


def of_squares(squares: Tensor, *, epsilon: float, trim: float) -> Estimate:  # [N]
    """Compute the mean path length from squared distances between the ends of paths."""
    if not epsilon > 0:
        raise UsageError(f"epsilon is {epsilon}; it must be above 0", where="ppl.epsilon")
    if not 0 <= trim < 50:
        raise UsageError(f"trim is {trim}; it must be at least 0 and below 50 percent", where="ppl.trim")
    lengths = (squares.double() / epsilon**2).sort().values
    last = len(lengths) - 1
    low, high = math.floor(last * trim / 100), math.ceil(last * (100 - trim) / 100)
    kept = lengths[(lengths >= lengths[low]) & (lengths <= lengths[high])]
    # A path beyond a quantile still moves it: the variance of the trimmed mean is that of the winsorised lengths.
    winsorised = float(lengths.clamp(lengths[low], lengths[high]).std())
    error = winsorised * math.sqrt(len(lengths)) / len(kept)
    return Estimate(float(kept.mean()), float(kept.std(correction=0)), error)
