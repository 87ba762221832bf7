"""Counts of modes for distributions whose modes are known: mixtures of Gaussians and stacked digits."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch

from ganmetrics.errors import InputError, UsageError
from ganmetrics.metrics._integers import integer_matrix
from ganmetrics.metrics._validation import matrix
from ganmetrics.numerics.mode_counts import TIE, captured_modes, divergence_from_uniform, nearest_mode

if TYPE_CHECKING:
    from ganmetrics.types import ArrayLike


class MixtureModes(NamedTuple):
    """Modes with a sample of high quality, the share of such samples, and their divergence from uniform in nats."""

    captured: int
    high_quality: float
    reverse_kl: float


class ModeCount(NamedTuple):
    """Modes with a sample, and the divergence of the samples' modes from uniform in nats."""

    captured: int
    kl: float


def mixture_modes(points: ArrayLike, centers: ArrayLike, std: float, *, threshold: float = 3.0) -> MixtureModes:
    """Modes of an even mixture of equal isotropic Gaussians that samples reach, how closely, and how evenly.

    Use it for generators of points that are trained on a mixture of Gaussians. Higher is better for ``captured`` (at
    most K) and ``high_quality`` (real draws in two dimensions: 0.9889); for ``reverse_kl``, in nats, 0 is best and log
    K worst. It is biased upward by about (K - 1) / 2N.

    Parameters
    ----------
    points : array_like, [N, D]
        Generated samples.
    centers : array_like, [K, D]
        The means of the modes.
    std : float
        Standard deviation of every mode in each dimension.
    threshold : float
        A sample is of high quality where it is nearer than so many standard deviations to its nearest mode.

    Returns
    -------
    MixtureModes
        ``captured``: modes with at least one sample of high quality, 0..K. ``high_quality``: their share of all
        samples, 0..1. ``reverse_kl``: KL(p || uniform) = log K - H(p), with p the shares of the modes among the
        samples of high quality; without any, ``captured`` is 0 and ``reverse_kl`` NaN, since p is not defined.

    Raises
    ------
    InputError
        The shapes are others, the dimensions differ, or a value is NaN or infinite.
    UsageError
        ``std`` or ``threshold`` is not above 0.

    Notes
    -----
    The protocol of PacGAN, which takes 2,500 samples. Of modes far apart, real draws in D dimensions are of high
    quality as often as chi with D degrees of freedom is below the threshold: 1 - exp(-9 / 2) for D = 2.

    References
    ----------
    Lin, Khetan, Fanti, Oh: PacGAN: The power of two samples in generative adversarial networks. NeurIPS 2018,
    arXiv:1712.04086.

    Examples
    --------
    >>> import numpy as np
    >>> centers = np.array([[-1.0, 0.0], [1.0, 0.0]])
    >>> found = mixture_modes(np.array([[-1.0, 0.02], [-1.0, 0.0], [1.0, 0.2]]), centers, 0.01)
    >>> found.captured, round(found.high_quality, 4), round(found.reverse_kl, 4)
    (1, 0.6667, 0.6931)
    """
    x, means = matrix(points, "points"), matrix(centers, "centers")
    if x.shape[1] != means.shape[1]:
        what = f"points have {x.shape[1]} dimensions and centers {means.shape[1]}; they must be of one space"
        raise InputError(what, where="points", code="E-SHAPE")
    if not (std > 0 and threshold > 0 and math.isfinite(std)):
        what = f"std is {std} and threshold {threshold}; they must be above 0 and std finite"
        raise UsageError(what, where="mixture_modes")
    index, distance = nearest_mode(x, means.to(x.device), std)
    # One at the threshold is outside, whatever the unit of the points.
    good = distance < threshold * (1 - TIE)
    counts = torch.bincount(index[good], minlength=len(means))
    return MixtureModes(captured_modes(counts), float(good.double().mean()), divergence_from_uniform(counts))


def stacked_modes(digits: ArrayLike, *, num_classes: int = 10) -> ModeCount:
    """Modes of Stacked MNIST: distinct triples of the digits that a classifier reads in the three channels.

    Use it for generators that are trained on Stacked MNIST, whose modes are known. Higher is better for ``captured``,
    at most ``num_classes``³ = 1000; for ``kl``, in nats, 0 is best and log 1000 worst. Biased upward by about (K - 1) /
    2N: 0.019 for the literature's 26,000 samples.

    Parameters
    ----------
    digits : array_like, [N, 3]
        The class of each channel, whole numbers in 0..num_classes - 1.
    num_classes : int
        The number of classes, at least 1.

    Returns
    -------
    ModeCount
        ``captured``: triples that occur. ``kl``: KL(p || uniform) = log K - H(p), with p the shares of the triples.

    Raises
    ------
    InputError
        The shape is another, or a value is no whole number or out of the range.
    UsageError
        ``num_classes`` is below 1.

    Notes
    -----
    The reference is the uniform distribution over all triples, as in PacGAN, and not the shares of real digits.

    References
    ----------
    Metz, Poole, Pfau, Sohl-Dickstein: Unrolled generative adversarial networks. ICLR 2017, arXiv:1611.02163.
    Lin, Khetan, Fanti, Oh: PacGAN. NeurIPS 2018, arXiv:1712.04086.

    Examples
    --------
    >>> import numpy as np
    >>> found = stacked_modes(np.array([[7, 7, 7], [7, 7, 7], [0, 1, 2], [2, 1, 0]]))
    >>> found.captured, round(found.kl, 4)
    (3, 5.868)
    """
    if num_classes < 1:
        raise UsageError(f"num_classes is {num_classes}; it must be at least 1", where="stacked_modes")
    classes = integer_matrix(digits, "digits", num_classes)
    if classes.shape[1] != 3:
        what = f"digits have {classes.shape[1]} columns; expected [N, 3], one for each channel"
        raise InputError(what, where="digits", code="E-SHAPE")
    # A triple of digits as one number: its place among all triples.
    codes = classes @ np.array([num_classes**2, num_classes, 1])
    counts = torch.bincount(torch.from_numpy(codes), minlength=num_classes**3)
    return ModeCount(captured_modes(counts), divergence_from_uniform(counts))
