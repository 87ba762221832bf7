"""Mixtures of Gaussians in the plane, on which the modes that a generator reaches can be counted exactly."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Mixture:
    """Equally likely isotropic Gaussians.

    Attributes
    ----------
    name : str
    centers : tuple of (float, float)
    std : float
        Standard deviation of every mode in each dimension.
    """

    name: str
    centers: tuple[tuple[float, float], ...]
    std: float


def draw(mixture: Mixture, n: int, rng: torch.Generator) -> torch.Tensor:
    """Independent points of the mixture, float32 [n, 2], drawn from the generator and on its device.

    Examples
    --------
    >>> import torch
    >>> draw(GRID, 5, torch.Generator().manual_seed(0)).shape
    torch.Size([5, 2])
    """
    # Imported late: every file of this folder is imported to find the kinds of sources.
    import torch

    centers = torch.tensor(mixture.centers, device=rng.device)
    modes = torch.randint(len(centers), (n,), generator=rng, device=rng.device)
    return centers[modes] + mixture.std * torch.randn(n, 2, generator=rng, device=rng.device)


def _on_circle(count: int) -> tuple[tuple[float, float], ...]:
    angles = [2 * math.pi * index / count for index in range(count)]
    return tuple((math.cos(angle), math.sin(angle)) for angle in angles)


# as in PacGAN (Lin et al. 2018, arXiv:1712.04086) and VEEGAN (Srivastava et al. 2017, arXiv:1705.07761)
RING = Mixture("ring", _on_circle(8), 0.01)
GRID = Mixture("grid", tuple((float(x), float(y)) for x in range(-4, 5, 2) for y in range(-4, 5, 2)), 0.05)
