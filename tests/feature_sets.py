"""Sets of features as the statistics of as many images, for tests of what follows from features alone."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

import ganmetrics as gm


def features(seed: int, count: int, shift: float = 0.0, dim: int = 16) -> np.ndarray:
    rng = np.random.RandomState(seed)
    return (rng.standard_t(8, (count, dim)) * np.sqrt(np.linspace(1, 0.1, dim)) + shift).astype(np.float32)


def statistics(rows: np.ndarray) -> gm.Statistics:
    """Features as they are, as the statistics of as many images."""
    images = np.zeros((len(rows), 4, 4, 3), dtype=np.uint8)
    images[:, 0, 0, 0], images[:, 0, 0, 1] = np.arange(len(rows)) % 256, np.arange(len(rows)) // 256

    def network(batch: torch.Tensor) -> torch.Tensor:
        index = batch[:, 0, 0, 0].long() + 256 * batch[:, 1, 0, 0].long()
        return torch.from_numpy(rows)[index]

    return gm.measure(images, reads=("moments", "features"), extractor=_Named(network))


class _Named(torch.nn.Module):
    def __init__(self, network: Callable[[torch.Tensor], torch.Tensor]) -> None:
        super().__init__()
        self.network = network

    def forward(self, batch: torch.Tensor) -> torch.Tensor:
        return self.network(batch)
