"""How often a network's features show that kinds of images are missing, at 2 % false alarms."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from ganmetrics.numerics.clusters import kmeans, nearest_center

REPEATS, NUM_CLUSTERS, CLUSTERINGS, FALSE_ALARMS, RIDGE = 200, 10, 5, 0.02, 0.3
Pool = tuple[Tensor, Tensor]  # features float64 [N, D] and classes [N]
Statistic = Callable[[Pool, Pool, np.random.RandomState], float]  # of real and fake images: larger is worse


def detections(pools: dict[str, Pool]) -> dict[str, float]:
    """The share of draws in which missing kinds are found, by question."""
    shapes, cifar = pools["shapes"], pools["cifar"]
    return {
        "2 of 6 kinds of shapes missing, found without labels, n = 200": found(shapes, 200, 2, cluster_gap),
        "5 of 10 classes of CIFAR-10 missing, found without labels, n = 500": found(cifar, 500, 5, cluster_gap),
        "3 of 10 classes of CIFAR-10 missing, found with labels, n = 500": found(cifar, 500, 3, class_gap),
    }


def found(pool: Pool, count: int, dropped: int, statistic: Statistic) -> float:
    """The share of faulty draws beyond all but 2 % of healthy draws of so many real and fake images."""
    rng = np.random.RandomState(0)
    labels, healthy, faulty = pool[1], [], []
    for _ in range(REPEATS):
        order = torch.from_numpy(rng.permutation(len(labels)))
        real, rest = order[:count], order[count:]
        missing = torch.from_numpy(rng.permutation(int(labels.max()) + 1)[:dropped])
        kept = rest[~torch.isin(labels[rest], missing)][:count]
        for rows, gaps in ((rest[:count], healthy), (kept, faulty)):
            gaps.append(statistic((pool[0][real], labels[real]), (pool[0][rows], labels[rows]), rng))
    return float(np.mean(np.array(faulty) > np.quantile(healthy, 1 - FALSE_ALARMS)))


def cluster_gap(real: Pool, fake: Pool, rng: np.random.RandomState) -> float:
    """The chi-square distance between the shares of clusters of the real images, the mean of several clusterings."""
    gaps = []
    for _ in range(CLUSTERINGS):
        centers = kmeans(real[0], NUM_CLUSTERS, rng)
        ours, theirs = (_shares(nearest_center(side[0], centers)[0], NUM_CLUSTERS) for side in (real, fake))
        gaps.append(_chi_square(ours, theirs))
    return float(np.mean(gaps))


def class_gap(real: Pool, fake: Pool, rng: np.random.RandomState) -> float:
    """The chi-square distance between the shares of classes that a ridge regression on the real images names.

    Real images are named by the regression without them: leave-one-out has a closed form.
    """
    classes = int(real[1].max()) + 1
    x, y = (torch.cat([side[0], torch.ones(len(side[0]), 1, dtype=torch.float64)], dim=1) for side in (real, fake))
    targets = torch.nn.functional.one_hot(real[1], classes).double()
    gram = x.T @ x + RIDGE * x.square().sum() / len(x) * torch.eye(x.shape[1], dtype=torch.float64)
    inverse = torch.linalg.inv(gram)
    weights = inverse @ x.T @ targets
    own = ((x @ inverse) * x).sum(dim=1, keepdim=True)
    left_out = (x @ weights - own * targets) / (1 - own)
    ours, theirs = _shares(left_out.argmax(dim=1), classes), _shares((y @ weights).argmax(dim=1), classes)
    return _chi_square(ours, theirs)


def _shares(labels: Tensor, count: int) -> Tensor:
    return torch.bincount(labels, minlength=count) / len(labels)


def _chi_square(first: Tensor, second: Tensor) -> float:
    return float(((first - second).square() / (first + second).clamp(min=1e-9)).sum())
