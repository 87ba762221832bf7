"""Kernel inception distance."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import torch

from ganmetrics.errors import InputError, UsageError
from ganmetrics.metrics._uncertainty import Estimated, Sizes, expanded
from ganmetrics.metrics._validation import matrix_pair
from ganmetrics.metrics.metric import Estimate, Given, Metric, Part
from ganmetrics.metrics.needs import FEATURES, SAMPLE
from ganmetrics.numerics.discrepancy import KernelExpansion, kernel_expansion
from ganmetrics.numerics.kernels import cubic_kernel, subset_sums, unbiased_mmd2
from ganmetrics.numerics.resampling import Indices, paired_subsets, seeded

if TYPE_CHECKING:
    from torch import Tensor

    from ganmetrics.types import ArrayLike

# Rows converted at a time.
FEW = 4096
# The largest value whose square, for the spread, does not overflow.
LARGEST = 1e150
# Rows whose influence is taken, at random among all.
MAX_ROWS = 4096
Pairs = list[tuple[Indices, Indices]]


def kid(
    real_features: ArrayLike,
    fake_features: ArrayLike,
    *,
    subset_size: int = 1000,
    num_subsets: int = 100,
    seed: int = 2020,
) -> Estimate:
    """Squared maximum mean discrepancy with the cubic kernel (x·y / d + 1)³, averaged over random subsets.

    Use it for small sets, for which FID is mostly bias. Lower is better; around 0 for equal distributions. Unbiased, so
    small negative values are legal, and the score of a set against itself is negative rather than 0.

    Parameters
    ----------
    real_features, fake_features : array_like, [N, D] and [M, D]
        Real numbers of any dtype: features of real and of generated images by one extractor.
    subset_size : int
        The number of images drawn without replacement from each side for one subset.
    num_subsets : int
        The number of subsets.
    seed : int
        Seed of the random draws.

    Returns
    -------
    Estimate
        The mean over the subsets and their standard deviation (ddof 0).

    Raises
    ------
    InputError
        A set has fewer images than ``subset_size``, the shapes do not fit, or a value is NaN, infinite or beyond 1e25.

    Notes
    -----
    Everything is computed in float64. The kernel's 1 makes the score depend on the unit of the features. Subsets come
    from ``RandomState(seed)`` in torch-fidelity's order, which then has the same subsets. Where all subsets together
    hold more pairs than the whole sets, each kernel value is computed once, block by block, and summed into every
    subset that holds it: the same estimate for less work.

    References
    ----------
    Bińkowski et al.: Demystifying MMD GANs. ICLR 2018, arXiv:1801.01401.

    Examples
    --------
    >>> import numpy as np
    >>> half, more = np.full((10, 4), 0.5), np.full((10, 4), 1.5)
    >>> round(kid(half, more, subset_size=5, num_subsets=2).value, 9)
    25.5625
    """
    real, fake = matrix_pair(real_features, fake_features, is_narrow=True)
    if subset_size < 2 or num_subsets < 1:
        what = f"subset_size is {subset_size} and num_subsets {num_subsets}; they must be at least 2 and 1"
        raise UsageError(what, where="kid")
    smaller = min(len(real), len(fake))
    if smaller < subset_size:
        what = f"subsets of {subset_size} images need as many on each side; found {len(real)} real and {len(fake)} fake"
        hint = f"Score more images, or ask for `kid(subset_size={smaller})` (a different protocol)"
        raise InputError(what, where="kid.subset_size", hint=hint, code="E-TOO-FEW")
    pairs = list(paired_subsets(len(real), len(fake), subset_size, num_subsets, seeded(seed)))
    values = _cheaper_route(len(real), len(fake), subset_size, num_subsets)(real, fake, pairs)
    if not np.abs(values).max() < LARGEST:
        largest = max(float(x.abs().max()) for x in (real, fake))
        what = f"features reach {largest:.3g}, whose products overflow in the third power"
        raise InputError(what, where="kid", hint="Score features in another unit", code="E-RANGE")
    return Estimate(float(np.mean(values)), float(np.std(values)))


def _cheaper_route(n: int, m: int, subset_size: int, num_subsets: int) -> Callable[[Tensor, Tensor, Pairs], Indices]:
    # Two ways to one estimate: subset by subset, or all pairs once, whichever has fewer kernel values.
    return _whole if n * n + m * m + n * m <= 3 * num_subsets * subset_size**2 else _by_subset


def _by_subset(real: Tensor, fake: Tensor, pairs: Pairs) -> Indices:  # -> [num_subsets]
    values = []
    for r, f in pairs:
        values.append(unbiased_mmd2(real[torch.from_numpy(r)].double(), fake[torch.from_numpy(f)].double()))
    return np.asarray(values)


def _whole(real: Tensor, fake: Tensor, pairs: Pairs) -> Indices:  # -> [num_subsets]
    # Which subsets each row is in, [N, S] and [M, S].
    in_real = _membership(len(real), [r for r, _ in pairs], real)
    in_fake = _membership(len(fake), [f for _, f in pairs], fake)
    m = len(pairs[0][0])
    # Each kernel value is summed into every subset that holds both of its rows.
    within = _off_diagonal(real, in_real) + _off_diagonal(fake, in_fake)
    across = subset_sums(real, fake, in_real, in_fake)
    return (within / (m * (m - 1)) - 2 * across / m**2).cpu().numpy()


def _membership(count: int, subsets: list[Indices], like: Tensor) -> Tensor:  # -> [count, num_subsets], 0 or 1
    members = np.zeros((count, len(subsets)))
    for column, indices in enumerate(subsets):
        members[indices, column] = 1.0
    return torch.from_numpy(members).to(like.device)


def _off_diagonal(x: Tensor, members: Tensor) -> Tensor:  # [N, D], [N, S] -> [S]
    squares = torch.cat([rows.double().square().sum(dim=1) for rows in x.split(FEW)])
    # The unbiased estimate leaves out each row with itself.
    diagonal = cubic_kernel(squares / x.shape[1])
    return subset_sums(x, x, members, members) - diagonal @ members


def uncertainty(computed: Estimate, given: Given) -> dict[str, Estimated]:
    """Tell how uncertain KID is, on the logarithmic scale of the biased discrepancy, which is never negative.

    The rows at hand tell that discrepancy: of the sets themselves, what the diagonals add is known to a hair.
    """
    samples = [side.sample[:MAX_ROWS].double() for side in (given.real, given.fake)]
    sizes = Sizes(len(given.real.features), len(given.fake.features))
    # Subsets drawn at random add noise of their own.
    noise = (computed.std or 0.0) / int(given.settings["num_subsets"]) ** 0.5
    return {"kid": _uncertain(kernel_expansion(*samples), sizes, computed.value, noise)}


def kid_of_all(real: Tensor, fake: Tensor) -> Estimated:  # float64 [N, D], [M, D]
    """Estimate KID from all rows at once, without subsets, with its interval; at least three rows on each side."""
    expansion = kernel_expansion(real, fake)
    return _uncertain(expansion, Sizes(len(real), len(fake)), expansion.unbiased)


def _uncertain(expansion: KernelExpansion, sizes: Sizes, value: float, noise: float = 0.0) -> Estimated:
    # The biased discrepancy is the unbiased one and what the diagonals add; it is never negative, whatever the draw.
    bias = sum(extra / size for extra, size in zip(expansion.diagonals, sizes, strict=True))
    base = max(expansion.unbiased + bias, bias / 4, 0.0)
    second = expansion.second.error(*sizes)
    return expanded(value, sizes, expansion.influence, second, base=base, noise=noise)


METRIC = Metric(
    name="kid",
    function=kid,
    parts=(Part("kid", "KID", higher_is_better=False, best="0", scale="real"),),
    reads=(FEATURES,),
    spread="subsets",
    paper="Bińkowski et al. 2018, arXiv:1801.01401",
    cost="pairs in subsets",
    minimum="subset_size",
    uncertainty=uncertainty,
    uncertainty_reads=(SAMPLE,),
    resampling="bootstrap",
    depends_on_count=False,
)
