"""Vendi score."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import torch

from ganmetrics.errors import InputError, UsageError
from ganmetrics.metrics._uncertainty import Estimated
from ganmetrics.metrics._validation import matrix
from ganmetrics.metrics.metric import Given, Metric, Part
from ganmetrics.metrics.needs import FEATURES
from ganmetrics.numerics import interval_ends
from ganmetrics.numerics.directions import unit_rows
from ganmetrics.numerics.resampling import seeded
from ganmetrics.numerics.spectra import effective_number_expansion

if TYPE_CHECKING:
    from torch import Tensor

    from ganmetrics.types import ArrayLike

ASYMMETRY = 1e-8
# Orders so near to 1 are taken from differences.
NEAR = 0.1
# Groups that are left out in turn; fewer above ``WIDE`` dimensions, where eigenvalues cost much.
GROUPS, FEW_GROUPS = 40, 20
WIDE = 512
# Rows for each direction from which on influences tell the variance.
ENOUGH = 10


def vendi(fake_features: ArrayLike, *, order: float = 1.0) -> float:
    """Effective number of different images in a set, by the cosine similarity of their features.

    Use it to measure variety without any real images. Higher is better; from 1, all alike, to the number of images, all
    orthogonal. It never looks at real images: noise scores high. Grows with the number of images.

    Parameters
    ----------
    fake_features : array_like, [N, D]
        Rows are brought to unit length. Rows that are all zero have no direction; they are one kind of their own, alike
        among themselves and orthogonal to all others.
    order : float
        q of Rényi's entropy: 1 is Shannon's; below, rare kinds count more, above, common ones; ``inf`` is the largest
        eigenvalue's.

    Returns
    -------
    float
        In 1..min(N, D), with D one larger where some rows are all zero.

    Raises
    ------
    InputError
        Another shape, NaN.
    UsageError
        ``order`` is below 0.

    Notes
    -----
    The score follows from the eigenvalues of the smaller of the [N, N] and the [D, D] Gram matrix, which are the same
    but for zeros.

    References
    ----------
    Friedman, Dieng: The Vendi Score: A Diversity Evaluation Metric for Machine Learning. TMLR 2023, arXiv:2210.02410.
    Pasarkar, Dieng: Cousins of the Vendi Score. AISTATS 2024, arXiv:2310.12952, for orders other than 1.

    Examples
    --------
    >>> import numpy as np
    >>> round(vendi(np.repeat(np.eye(3), 5, axis=0)), 9)  # three images, five times each
    3.0
    """
    _check_order(order)
    x = unit_rows(matrix(fake_features, "fake_features"))
    # Either Gram matrix has the same eigenvalues but for zeros; the smaller one costs less.
    gram = x @ x.T if len(x) <= x.shape[1] else x.T @ x
    return _effective_number(torch.linalg.eigvalsh(gram) / len(x), order)


def vendi_of_kernel(kernel: ArrayLike, *, order: float = 1.0) -> float:
    """Effective number of different items in a set, from a matrix of similarities.

    Use it with a similarity of your own. Higher is more diverse; from 1 to N.

    Parameters
    ----------
    kernel : array_like, [N, N]
        Symmetric and positive semidefinite, with ones on the diagonal.
    order : float
        The arguments of ``vendi``, whose docstring describes them.

    Returns
    -------
    float
        In 1..N.

    Raises
    ------
    InputError
        A matrix that is not square, not symmetric, or has another diagonal.
    UsageError
        ``order`` is below 0.

    Notes
    -----
    The score is the exponential of the entropy of the eigenvalues of kernel / N.

    References
    ----------
    Friedman, Dieng: The Vendi Score: A Diversity Evaluation Metric for Machine Learning. TMLR 2023, arXiv:2210.02410.
    Pasarkar, Dieng: Cousins of the Vendi Score. AISTATS 2024, arXiv:2310.12952, for orders other than 1.

    Examples
    --------
    >>> import numpy as np
    >>> points = np.array([0, 0, 10, 10, 20, 20.0])
    >>> round(vendi_of_kernel(np.exp(-abs(points[:, None] - points))), 4)
    3.0
    """
    _check_order(order)
    k = matrix(kernel, "kernel")
    is_square = k.shape[0] == k.shape[1]
    if not is_square or float((k - k.T).abs().max()) > ASYMMETRY or float((k.diagonal() - 1).abs().max()) > ASYMMETRY:
        what = f"kernel is of shape {list(k.shape)}; expected a symmetric [N, N] with ones on the diagonal"
        raise InputError(what, where="kernel", code="E-SHAPE")
    return _effective_number(torch.linalg.eigvalsh(k) / len(k), order)


def _check_order(order: float) -> None:
    if not order >= 0:
        raise UsageError(f"order is {order}; it must be at least 0", where="vendi.order")


def _effective_number(shares: Tensor, order: float) -> float:
    """Return exp of Rényi's entropy of eigenvalues that sum to 1: [R] -> 1..R."""
    # Rounding of zero eigenvalues has no part in the entropy.
    logs = shares[shares > len(shares) * torch.finfo(torch.float64).eps].log()
    if math.isinf(order):
        entropy = -logs.max()
    elif order == 1:
        entropy = -(logs.exp() * logs).sum()
    elif abs(order - 1) < NEAR:  # Σ p^q - 1 without its cancellation
        entropy = torch.log1p((logs.exp() * torch.expm1((order - 1) * logs)).sum()) / (1 - order)
    else:
        entropy = torch.logsumexp(order * logs, dim=0) / (1 - order)
    return float(entropy.exp().clamp(1, len(logs)))


def uncertainty(computed: float, given: Given) -> dict[str, Estimated] | None:
    """Tell how uncertain the score is, by influences, or by leaving out groups where images are few for the directions.

    Either counts the second-order term twice, which is taken off once.
    """
    rows, order = given.fake.features.double(), float(given.settings["order"])
    if len(rows) < 2 * GROUPS:
        return None
    x = unit_rows(rows)
    expansion = effective_number_expansion(x) if order == 1 else None
    if expansion is not None and len(rows) >= ENOUGH * expansion.rank:
        error, method = expansion.influence.error(0, len(rows)), "influence function"
        freedom = expansion.influence.freedom(0, len(rows))
    else:
        num = GROUPS if min(rows.shape) <= WIDE else FEW_GROUPS
        error, freedom, method = _error_without_groups(x, order, num), num - 1, f"jackknife of {num} groups"
    twice = expansion.second.error(0, len(rows)) if expansion else 0.0
    # Either method counts the second-order term twice; it is taken off once, and no more than half of the variance.
    error = math.sqrt(max(error**2 - twice**2, error**2 / 2))
    low, high = interval_ends.plain(computed, error, interval_ends.quantile(freedom))
    return {"vendi": Estimated(computed, interval_ends.Bounds(min(computed, max(1.0, low)), high), method)}


def _error_without_groups(x: Tensor, order: float, num: int) -> float:  # unit rows [N, D]
    groups = torch.from_numpy(seeded(0).permutation(len(x)) % num)
    values = [_effective_number(shares, order) for shares in _shares_without(x, groups, num)]
    return float(np.std(values)) * (num - 1) ** 0.5


def _shares_without(x: Tensor, groups: Tensor, num: int) -> Iterator[Tensor]:
    """Yield the eigenvalues without each group in turn; products of two rows are taken once for all of them."""
    is_tall = len(x) * (num - 1) // num > x.shape[1]
    whole = x.T @ x if is_tall else x @ x.T
    for group in range(num):
        kept = groups != group
        left_out = x[~kept]
        gram = whole - left_out.T @ left_out if is_tall else whole[kept][:, kept]
        yield torch.linalg.eigvalsh(gram) / int(kept.sum())


METRIC = Metric(
    name="vendi",
    function=vendi,
    parts=(Part("vendi", "Vendi", higher_is_better=True, best="that of unseen reals"),),
    reads=(FEATURES,),
    paper="Friedman, Dieng 2023, arXiv:2210.02410",
    cost="eigenvalues",
    uncertainty=uncertainty,
    needs_real=False,
)
