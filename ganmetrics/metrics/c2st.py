"""Classifier two-sample test."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import torch
from scipy import special

from ganmetrics.errors import InputError, UsageError
from ganmetrics.metrics._validation import matrix_pair
from ganmetrics.metrics.metric import Metric, Part
from ganmetrics.metrics.needs import FEATURES
from ganmetrics.numerics.resampling import seeded, split_bounds

if TYPE_CHECKING:
    from torch import Tensor

    from ganmetrics.types import ArrayLike

MOST_STEPS = 200
# The slope of the summed loss, in any direction, at which the search ends.
SLOPE = 1e-4


class TwoSampleTest(NamedTuple):
    """The classifiers' accuracy on rows that they did not see, and how likely equal distributions are to be told apart.

    Attributes
    ----------
    accuracy : float
        The cross-validated share of right answers.
    p_value : float
        The probability of as many right answers, or more, of one classifier that is trained on half of the rows and
        answers on the other half.
    """

    accuracy: float
    p_value: float


def c2st(
    real_features: ArrayLike, fake_features: ArrayLike, *, folds: int = 5, penalty: float = 1.0, seed: int = 2020
) -> float:
    """Accuracy with which a linear classifier tells reals from fakes that it did not see.

    Use it as a test of equal distributions whose result is a share. Lower is better; 0.5 is best and means that it
    cannot tell, 1 that it always can. It grows with the number of images, from which the classifier learns.

    Parameters
    ----------
    real_features, fake_features : array_like, [N, D] and [M, D]
        The larger set is cut to the size of the smaller by a seeded draw.
    folds : int
        The number of folds of the cross-validation; each set needs as many rows.
    penalty : float
        The penalty on squared weights of the logistic regression, in units of one row.
    seed : int
        Seed of the draw and of the folds.

    Returns
    -------
    float
        In 0..1; below 0.5 only by chance.

    Raises
    ------
    InputError
        A set has fewer rows than folds, is no matrix of the other's width, or holds NaN or infinity.
    UsageError
        There are fewer than two folds, or the penalty is not above 0.

    Notes
    -----
    Logistic regression on features that are standardised by the training folds, by L-BFGS. The paper proposes any
    classifier, and one hold-out set; ``c2st_test`` gives its p-value.

    References
    ----------
    Lopez-Paz, Oquab: Revisiting Classifier Two-Sample Tests. ICLR 2017, arXiv:1610.06545.

    Examples
    --------
    >>> import numpy as np
    >>> real = np.random.RandomState(0).randn(60, 3)
    >>> c2st(real, real + 100.0)
    1.0
    """
    return _accuracy(_sides(real_features, fake_features, folds, penalty, seed), folds, penalty)


def c2st_test(
    real_features: ArrayLike, fake_features: ArrayLike, *, folds: int = 5, penalty: float = 1.0, seed: int = 2020
) -> TwoSampleTest:
    """Accuracy of a linear classifier, with the probability of one as high for equal distributions.

    Lower accuracy is better; a p-value below 0.05 tells real and fake apart.

    Parameters
    ----------
    real_features, fake_features, folds, penalty, seed
        The arguments of ``c2st``, whose docstring describes them.

    Returns
    -------
    TwoSampleTest
        ``accuracy`` and ``p_value``, each in 0..1.

    Raises
    ------
    InputError, UsageError
        A set or an option is refused for a reason that ``c2st`` names.

    Notes
    -----
    The p-value is exact: given the half that trains, each answer on the other half is right with probability 1/2 where
    the distributions are equal. Answers of several folds are not independent, as the folds train on common rows: of
    their sum a test of level 5 % would reject 9 %.

    References
    ----------
    Lopez-Paz, Oquab: Revisiting Classifier Two-Sample Tests. ICLR 2017, arXiv:1610.06545.

    Examples
    --------
    >>> import numpy as np
    >>> real = np.random.RandomState(0).randn(60, 3)
    >>> c2st_test(real, real + 100.0).p_value < 1e-6
    True
    """
    sides = _sides(real_features, fake_features, folds, penalty, seed)
    size = len(sides[0])
    # One hold-out split: of all folds, which train on common rows, no exact test is known.
    right = _right_answers(sides, size // 2, size, penalty)
    p_value = float(special.bdtrc(right - 1, 2 * (size - size // 2), 0.5))
    return TwoSampleTest(_accuracy(sides, folds, penalty), p_value)


def _sides(real_features: ArrayLike, fake_features: ArrayLike, folds: int, penalty: float, seed: int) -> list[Tensor]:
    """Put both sets into random order and cut them to one size (InputError, UsageError)."""
    real, fake = matrix_pair(real_features, fake_features)
    if folds < 2 or not penalty > 0:
        what = f"folds is {folds} and penalty {penalty}; they must be at least 2 and above 0"
        raise UsageError(what, where="c2st")
    size = min(len(real), len(fake))
    if size < folds:
        what = f"{folds} folds need as many images on each side; found {len(real)} real and {len(fake)} fake"
        raise InputError(what, where="c2st.folds", hint="Score more images", code="E-TOO-FEW")
    rng = seeded(seed)
    # Both classes have equally many rows, so that chance is right in half of all cases.
    return [x[rng.permutation(len(x))[:size]] for x in (real, fake)]


def _accuracy(sides: list[Tensor], folds: int, penalty: float) -> float:
    """Return the cross-validated share of right answers."""
    size = len(sides[0])
    right = sum(_right_answers(sides, start, stop, penalty) for start, stop in split_bounds(size, folds))
    return right / (2 * size)


def _right_answers(sides: list[Tensor], start: int, stop: int, penalty: float) -> int:
    """Count right answers of a classifier that is trained on all rows but those of one fold of each side."""
    train = torch.cat([torch.cat([x[:start], x[stop:]]) for x in sides])
    mean, std = train.mean(dim=0), train.std(dim=0)
    # The folds that train give the unit, so that nothing of the other fold leaks into the classifier.
    scale = torch.where(std > 0, 1 / std, 0.0)
    signs = torch.ones(len(train), dtype=train.dtype, device=train.device)
    signs[: len(train) // 2] = -1
    weights, bias = _logistic((train - mean) * scale, signs, penalty)
    answers = [((x[start:stop] - mean) * scale) @ weights + bias for x in sides]
    # Where nothing varies the answer is 0, which counts as an answer too.
    return int((answers[0] < 0).sum() + (answers[1] >= 0).sum())


def _logistic(x: Tensor, signs: Tensor, penalty: float) -> tuple[Tensor, float]:
    """Fit weights [D] and a bias that minimise the logistic loss plus half the penalty times the squared weights."""
    w = torch.zeros(x.shape[1] + 1, dtype=x.dtype, device=x.device)

    def loss() -> float:
        margins = signs * (x @ w[:-1] + w[-1])
        pull = -signs * torch.sigmoid(-margins)
        w.grad = torch.cat([x.T @ pull + penalty * w[:-1], pull.sum()[None]])
        value = torch.nn.functional.softplus(-margins).sum() + penalty / 2 * w[:-1].square().sum()
        return float(value)

    # PyTorch's own: SciPy's brings another pool of threads, and two that wait by spinning take turns on each core
    torch.optim.LBFGS([w], max_iter=MOST_STEPS, tolerance_grad=SLOPE, line_search_fn="strong_wolfe").step(loss)
    return w[:-1], float(w[-1])


METRIC = Metric(
    name="c2st",
    function=c2st,
    parts=(Part("c2st", "C2ST accuracy", higher_is_better=False, best="0.5", scale="share"),),
    reads=(FEATURES,),
    paper="Lopez-Paz, Oquab 2017, arXiv:1610.06545",
    cost="training",
    minimum="folds",
    resampling="parts",
)
