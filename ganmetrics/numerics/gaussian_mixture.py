"""Mixtures of isotropic Gaussians with given centres, whose variances are fitted to rows.

Two fits: expectation maximisation, which climbs to a maximum of the likelihood, and the descent that the published
values of the feature likelihood divergence come from, which starts elsewhere, ends early and has one more component.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from ganmetrics.numerics.distances import squared_distances
from ganmetrics.numerics.memory import OF_PAIR, memory_budget

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

# Steps of expectation maximisation at most.
STEPS = 100
# Growth of the mean log likelihood for each dimension at which it ends.
TOLERANCE = 1e-5
# The least variance: that of a centre on a row it is fitted to would vanish.
FLOOR = 1e-6
# Rows of distances at a time, and fewer where a limit of memory is set.
BLOCK = 1024

# The descent: Adam's rate, epochs at most and at least, rows of a batch, the bound of a logarithm of a variance.
RATE, EPOCHS, FEWEST, BATCH, BOUND = 0.5, 50, 7, 10_000, 40.0
# Decay of the means of the gradient and of its square, as in Adam's paper.
MOMENTS = 0.9, 0.999
# Added to each centre's squared distance to its nearest row, which its variance starts from.
START = 1e-3
# The factor of squared distances to the mean of the rows, about which one more component lies.
SHRUNK = 0.9**2
# Epochs whose losses, in nats for each dimension, differ by less: the descent ends.
WINDOW, SETTLED = 5, 5e-4
# Bytes of squared distances that are kept where no limit is set; more are computed in every epoch.
KEPT = 2**31


@dataclass(frozen=True)
class MixtureOfCenters:
    """Equal weights, one variance for each centre.

    Attributes
    ----------
    centers : Tensor, [M, D]
    variances : Tensor, float64 [M]
    """

    centers: Tensor
    variances: Tensor

    @staticmethod
    def fitted(centers: Tensor, rows: Tensor) -> MixtureOfCenters:
        """Fit the variances that maximise the likelihood of rows, starting from 1: [M, D], [N, D]."""
        squares = _Squares(rows, centers)
        variances = torch.ones(len(centers), dtype=torch.float64, device=centers.device)
        before = -math.inf
        for _ in range(STEPS):
            likelihood, variances = _step(squares.parts(0, len(rows)), variances, centers.shape[1])
            if likelihood - before < TOLERANCE * centers.shape[1]:
                break
            before = likelihood
        return MixtureOfCenters(centers, variances)

    @staticmethod
    def descended(centers: Tensor, rows: Tensor, rng: np.random.RandomState) -> MixtureOfCenters:
        """Fit the variances by Adam, which ends early: [M, D], [N, D].

        The likelihood that Adam climbs has a component about the mean of the rows, of the weight of all centres
        together, which gives every row some likelihood. The mixture that is left is without it.
        """
        rows = rows[torch.from_numpy(rng.permutation(len(rows))).to(rows.device)]
        batches = _Batches(rows, centers)
        starts = torch.stack([part.amin(dim=0) for part in batches.squares.parts(0, len(rows))]).amin(dim=0)
        logs = torch.cat([((starts.double() + START) / rows.shape[1]).log(), starts.new_zeros(1, dtype=torch.float64)])
        adam = _Adam(logs)
        losses: list[float] = []
        for _ in range(EPOCHS):
            batch_losses = []
            for start in range(0, len(rows), BATCH):
                loss, gradient = batches.gradient(logs, start, min(start + BATCH, len(rows)))
                adam.step(gradient)
                logs[:-1].clamp_(-BOUND, BOUND)
                batch_losses.append(loss)
            losses.append(sum(batch_losses) / len(batch_losses))
            is_settled = max(abs(loss - losses[-1]) for loss in losses[-WINDOW:]) < SETTLED
            if is_settled and len(losses) >= FEWEST:
                break
        return MixtureOfCenters(centers, logs[:-1].exp())

    def mean_log_likelihood(self, rows: Tensor) -> float:  # [N, D]
        """The mean log likelihood of rows, in nats."""
        logs = [
            torch.logsumexp(_logs(_squares(part, self.centers), self.variances, rows.shape[1]), dim=1)
            for part in rows.split(_block(len(self.centers)))
        ]
        return float(torch.cat(logs).double().mean()) - math.log(len(self.centers))


class _Adam:
    """Adam (Kingma, Ba 2015) with its usual constants; PyTorch's own imports its compiler, which takes seconds."""

    def __init__(self, values: Tensor) -> None:
        self.values, self.mean, self.square, self.steps = values, torch.zeros_like(values), torch.zeros_like(values), 0

    def step(self, gradient: Tensor) -> None:
        self.steps += 1
        self.mean += (1 - MOMENTS[0]) * (gradient - self.mean)
        self.square += (1 - MOMENTS[1]) * (gradient.square() - self.square)
        mean, square = (x / (1 - b**self.steps) for x, b in zip((self.mean, self.square), MOMENTS, strict=True))
        self.values -= RATE * mean / (square.sqrt() + 1e-8)


class _Squares:
    """Squared distances of rows [N, D] to centres [M, D], kept where they take half of the memory at most."""

    def __init__(self, rows: Tensor, centers: Tensor) -> None:
        self.rows, self.centers, self.block = rows, centers, _block(len(centers))
        is_kept = 4 * len(rows) * len(centers) <= memory_budget(2 * KEPT) // 2
        self.kept = _squares(rows, centers) if is_kept else None

    def parts(self, start: int, stop: int) -> Iterator[Tensor]:  # -> [n, M]
        """The distances of the rows from ``start`` to ``stop``, block by block."""
        for first in range(start, stop, self.block):
            at = slice(first, min(first + self.block, stop))
            yield _squares(self.rows[at], self.centers) if self.kept is None else self.kept[at]


class _Batches:
    """Squared distances of rows to centres, and to the mean of the rows."""

    def __init__(self, rows: Tensor, centers: Tensor) -> None:
        self.squares = _Squares(rows, centers)
        self.to_mean = SHRUNK * _squares(rows, rows.mean(dim=0, keepdim=True))

    def gradient(self, logs: Tensor, start: int, stop: int) -> tuple[float, Tensor]:
        """Return the mean negative log likelihood of some rows for each dimension, and its gradient: [M + 1]."""
        squares = self.squares
        dim, variances, log_count = squares.rows.shape[1], logs.exp(), math.log(len(squares.centers))
        total, weights, sums = 0.0, torch.zeros_like(logs), torch.zeros_like(logs)
        means = self.to_mean[start:stop].split(squares.block)
        for part, to_mean in zip(squares.parts(start, stop), means, strict=True):
            # The component about the mean has the weight of all centres together.
            about_mean = _logs(to_mean, variances[-1:], dim).add_(log_count)
            shares = _logs(part, variances[:-1], dim)
            of_rows = torch.logaddexp(torch.logsumexp(shares, dim=1, keepdim=True), about_mean)
            for at, share, square in (
                (slice(-1), shares.sub_(of_rows).exp_(), part),
                (slice(-1, None), about_mean.sub_(of_rows).exp_(), to_mean),
            ):
                weights[at] += share.sum(dim=0, dtype=torch.float64)
                sums[at] += share.mul_(square).sum(dim=0, dtype=torch.float64)
            total += log_count * len(part) - float(of_rows.double().sum())
        scale = (stop - start) * dim
        return total / scale, (dim * weights - sums / variances) / (2 * scale)


def _step(parts: Iterable[Tensor], variances: Tensor, dim: int) -> tuple[float, Tensor]:
    """Take one step of expectation maximisation over squared distances, in parts [n, M].

    It gives the mean log likelihood before the step, and the variances after it.
    """
    weights, sums, total, count = torch.zeros_like(variances), torch.zeros_like(variances), 0.0, 0
    for part in parts:
        count += len(part)
        logs = _logs(part, variances, dim)
        of_rows = torch.logsumexp(logs, dim=1, keepdim=True)
        # The share of each centre in each row, [n, M].
        shares = logs.sub_(of_rows).exp_()
        weights += shares.sum(dim=0, dtype=torch.float64)
        sums += shares.mul_(part).sum(dim=0, dtype=torch.float64)
        total += float(of_rows.double().sum())
    # A centre that explains no row keeps its variance.
    is_used = weights > FLOOR
    fitted = (sums / (dim * weights).clamp_min(FLOOR)).clamp_min(FLOOR)
    return total / count - math.log(len(variances)), torch.where(is_used, fitted, variances)


def _logs(squares: Tensor, variances: Tensor, dim: int) -> Tensor:  # [n, M] -> [n, M], without the weights
    constant = -dim / 2 * torch.log(2 * math.pi * variances)
    return torch.addcmul(constant.to(squares.dtype), squares, (-0.5 / variances).to(squares.dtype))


def _squares(x: Tensor, y: Tensor) -> Tensor:  # [N, D], [M, D] -> float32 [N, M]
    return torch.cat([squared_distances(part, y).to(torch.float32) for part in x.split(_block(len(y)))])


def _block(num_centers: int) -> int:
    """The rows whose distances to so many centres are taken at a time."""
    # The other half of the memory keeps distances.
    room = memory_budget(2 * OF_PAIR * BLOCK * num_centers) // 2
    return min(BLOCK, max(1, room // (OF_PAIR * num_centers)))
