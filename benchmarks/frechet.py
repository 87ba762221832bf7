"""The Fréchet distance alone, at the three ranks that matter: few images, as many as dimensions, many."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.plan import Plan
from benchmarks.report import Agreement, Comparison, relative
from benchmarks.timing import Goal, against_peers, in_turn
from ganmetrics.functional import frechet_distance

if TYPE_CHECKING:
    Array = np.ndarray[Any, np.dtype[np.float64]]
    Gaussians = tuple[Array, Array, Array, Array]  # mu_r, sigma_r, mu_f, sigma_f

DIM, COUNTS = 2048, (300, 2048, 50_000)
SAME = 1e-9  # relative, at full rank; below it the peers are off by more, see numerics/root_trace.py
GOALS = {"pytorch-fid": Goal(ratio=0.1), "torch-fidelity": Goal(ratio=0.43)}


def rows(plan: Plan) -> list[Comparison | Agreement]:
    """Seconds and values at each count of images."""
    dim = 128 if plan.is_quick else DIM
    counts = (20, 128, 3000) if plan.is_quick else COUNTS
    return [row for count in counts for row in of_count(count, dim, plan)]


def of_count(count: int, dim: int, plan: Plan) -> list[Comparison | Agreement]:
    """Seconds and values at one count of images."""
    gaussians = pair(count, dim)
    found: dict[str, float] = {}

    def action(name: str, distance: Callable[[Gaussians], float]) -> Callable[[], None]:
        return lambda: found.__setitem__(name, distance(gaussians))

    actions = {name: action(name, distance) for name, distance in distances().items()}
    seconds = in_turn(actions, plan.rounds)
    title, command = f"Fréchet distance, {dim} dimensions, {count} images", plan.again("frechet")
    ours, bound = found.pop("ganmetrics"), SAME if count > dim else None
    same = [Agreement(title, ours, peer, name, relative(ours, peer), command, bound) for name, peer in found.items()]
    return [*against_peers(title, "s", seconds, command, GOALS), *same]


def distances() -> dict[str, Callable[[Gaussians], float]]:
    """The three implementations, by name."""
    from pytorch_fid.fid_score import calculate_frechet_distance
    from torch_fidelity.metric_fid import KEY_METRIC_FID, fid_statistics_to_metric

    def pytorch_fid(gaussians: Gaussians) -> float:
        with warnings.catch_warnings():  # it passes SciPy an argument that SciPy is about to drop
            warnings.simplefilter("ignore", DeprecationWarning)
            return float(calculate_frechet_distance(*gaussians))

    def torch_fidelity(gaussians: Gaussians) -> float:
        mu_r, sigma_r, mu_f, sigma_f = gaussians
        real, fake = {"mu": mu_r, "sigma": sigma_r}, {"mu": mu_f, "sigma": sigma_f}
        return float(fid_statistics_to_metric(fake, real, False)[KEY_METRIC_FID])

    return {
        "ganmetrics": lambda gaussians: frechet_distance(*gaussians),
        "pytorch-fid": pytorch_fid,
        "torch-fidelity": torch_fidelity,
    }


def pair(count: int, dim: int, seed: int = 0) -> Gaussians:
    """Sample means and covariances of that many images of two Gaussians with decaying spectra."""
    values = np.random.RandomState(seed)
    basis, _ = np.linalg.qr(values.standard_normal((dim, dim)))
    spread = 0.5 * np.arange(1, dim + 1) ** -0.75
    sigma_r = _covariance(count, spread[:, None] * basis, values)
    turned = basis + 0.02 * values.standard_normal((dim, dim))
    sigma_f = _covariance(count, 1.1 * spread[:, None] * turned, values)
    mu_r = np.abs(values.standard_normal(dim)) * 0.4
    return mu_r, sigma_r, mu_r + 0.02 * values.standard_normal(dim), sigma_f


def _covariance(count: int, factor: Array, values: np.random.RandomState) -> Array:
    """The covariance of ``count`` vectors with population covariance factor.T @ factor, [D, D].

    For more vectors than dimensions Bartlett's triangle of chi and normal variables stands in for them, exactly.
    """
    dim = len(factor)
    rows_ = values.standard_normal((min(count - 1, dim), dim))
    if count - 1 > dim:
        chi = np.sqrt(values.chisquare(count - 1 - np.arange(dim)))
        rows_ = np.triu(rows_, k=1) + np.diag(chi)
    sample = rows_ @ factor
    return sample.T @ sample / (count - 1)
