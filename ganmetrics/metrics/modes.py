"""Modes captured, by any classifier."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import torch

from ganmetrics.errors import InputError, UsageError
from ganmetrics.metrics._uncertainty import Estimated, of_counts
from ganmetrics.metrics._validation import matrix
from ganmetrics.metrics.metric import Given, Metric, Part
from ganmetrics.metrics.needs import LOGITS
from ganmetrics.numerics.counting import relative_entropy_of_counts

if TYPE_CHECKING:
    from torch import Tensor

    from ganmetrics.types import ArrayLike


class Modes(NamedTuple):
    """The two numbers, and the classes' counts.

    Attributes
    ----------
    modes : int
        Classes with enough fakes.
    modes_kl : float
        KL divergence of the fakes' classes from the reals', in nats.
    real_counts, fake_counts : Tensor, int64 [K]
    """

    modes: int
    modes_kl: float
    real_counts: Tensor
    fake_counts: Tensor


def modes(real_logits: ArrayLike, fake_logits: ArrayLike, *, least: int = 1) -> Modes:
    """Number of classes that the fakes have, and how far their shares are from those of real images.

    Use it to count the classes that a generator misses, where a classifier tells them reliably. Higher is better for
    the number, up to that of the reals' classes; lower is better for the divergence, 0 is best. The divergence is
    biased upward by about (K - 1) (1 / 2M + 1 / 2N).

    Parameters
    ----------
    real_logits, fake_logits : array_like, [N, K] and [M, K]
        Logits of one classifier; the largest decides the class.
    least : int
        The number of fakes that a class needs to count.

    Returns
    -------
    Modes
        ``modes``, ``modes_kl`` and the counts.

    Raises
    ------
    InputError
        The numbers of classes differ, a set is no matrix, or a value is NaN or infinite.
    UsageError
        ``least`` is below 1.

    Notes
    -----
    A class that only fakes have counts as half a real, which leaves the divergence finite; all other classes count as
    they are, so equal shares give exactly 0. On stacked MNIST, whose 1000 modes are classes of three digits, see
    ``stacked_modes``.

    References
    ----------
    Metz, Poole, Pfau, Sohl-Dickstein: Unrolled Generative Adversarial Networks. ICLR 2017, arXiv:1611.02163. Lin et
    al.: PacGAN. NeurIPS 2018, arXiv:1712.04086.

    Examples
    --------
    >>> import numpy as np
    >>> real = np.eye(4)[np.arange(400) % 4]
    >>> found = modes(real, real[np.arange(400) % 4 < 2])
    >>> found.modes, round(found.modes_kl, 3)
    (2, 0.693)
    """
    if least < 1:
        raise UsageError(f"least is {least}; it must be at least 1", where="modes.least")
    real, fake = matrix(real_logits, "real_logits"), matrix(fake_logits, "fake_logits")
    if real.shape[1] != fake.shape[1]:
        what = f"real_logits have {real.shape[1]} dimensions and fake_logits {fake.shape[1]}"
        raise InputError(what, hint="Both must come from one classifier", code="E-SHAPE")
    counts = [torch.bincount(x.argmax(dim=1), minlength=x.shape[1]).cpu() for x in (real, fake)]
    # A class without a real image would make the divergence infinite.
    weights = _weights(*counts)
    p, q = weights / weights.sum(), counts[1].double() / counts[1].sum()
    divergence = float((torch.special.xlogy(q, q) - torch.special.xlogy(q, p)).sum().clamp(min=0))
    return Modes(int((counts[1] >= least).sum()), divergence, *counts)


def _weights(real_counts: Tensor, fake_counts: Tensor) -> Tensor:  # [K], [K] -> float64 [K]
    """Return the counts of real images, with half a real image in a class that only fakes have."""
    return torch.where((real_counts == 0) & (fake_counts > 0), 0.5, real_counts.double())


def uncertainty(computed: Modes, given: Given) -> dict[str, Estimated]:
    """Tell how uncertain the divergence is; the number of classes with any fake has no interval."""
    weights, counts = (
        _weights(computed.real_counts, computed.fake_counts),
        (len(given.real.logits), len(given.fake.logits)),
    )
    second = (int((weights > 0).sum()) - 1) * (1 / counts[0] + 1 / counts[1]) ** 2 / 2
    sides = relative_entropy_of_counts(weights, computed.fake_counts)
    return {"modes_kl": of_counts(computed.modes_kl, sides, counts, second)}


METRIC = Metric(
    name="modes",
    function=modes,
    parts=(
        Part("modes", "Modes", higher_is_better=True, best="the number of classes"),
        Part("modes_kl", "Modes KL", higher_is_better=False, best="0"),
    ),
    reads=(LOGITS,),
    paper="Metz et al. 2017, arXiv:1611.02163",
    uncertainty=uncertainty,
)
