"""Structural similarity of images at several scales (Wang, Simoncelli, Bovik 2003)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.nn import functional as F

if TYPE_CHECKING:
    from torch import Tensor

# Weights of the scales, from the finest.
WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
WINDOW, SIGMA = 11, 1.5
C1, C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2


def most_scales(side: int) -> int:
    """Return how many scales an image of that shorter side has: the window must fit into the coarsest."""
    return next((n for n in range(len(WEIGHTS), 0, -1) if side // 2 ** (n - 1) >= WINDOW), 0)


def ms_ssim(x: Tensor, y: Tensor, scales: int) -> Tensor:  # [N, 3, H, W], in 0..255 -> [N]
    """Compute MS-SSIM of pairs of images, averaged over channels; fewer scales' weights are scaled to sum to 1."""
    weights = torch.tensor(WEIGHTS[:scales], device=x.device)
    # The authors' five weights, whose sum is 1.0001, stay as they are.
    weights = weights / weights.sum() if scales < len(WEIGHTS) else weights
    parts = []
    for scale in range(scales):
        if scale:
            x, y = (F.avg_pool2d(side, 2, padding=[n % 2 for n in side.shape[2:]]) for side in (x, y))
        similarity, contrast = _ssim(x, y)
        # The brightness counts on the coarsest scale alone.
        parts.append(F.relu(contrast if scale < scales - 1 else similarity))
    return torch.stack(parts, dim=-1).pow(weights).prod(dim=-1).mean(dim=1)


def _ssim(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:  # -> [N, 3], [N, 3]
    """Return the similarity, and its part without the brightness."""
    # Means, variances and the covariance over the window about each pixel: [N, 3, H', W'].
    mean_x, mean_y = _blurred(x), _blurred(y)
    var_x, var_y = _blurred(x * x) - mean_x**2, _blurred(y * y) - mean_y**2
    contrast = (2 * (_blurred(x * y) - mean_x * mean_y) + C2) / (var_x + var_y + C2)
    brightness = (2 * mean_x * mean_y + C1) / (mean_x**2 + mean_y**2 + C1)
    return (brightness * contrast).flatten(2).mean(dim=2), contrast.flatten(2).mean(dim=2)


def _blurred(x: Tensor) -> Tensor:
    """Return Gaussian means over the window where it fits."""
    # A Gaussian window is separable: one pass for the rows and one for the columns.
    places = torch.arange(WINDOW, dtype=torch.float32, device=x.device) - WINDOW // 2
    window = torch.exp(-(places**2) / (2 * SIGMA**2))
    window = (window / window.sum()).expand(x.shape[1], 1, WINDOW)
    x = F.conv2d(x, window[:, :, :, None], groups=x.shape[1])
    return F.conv2d(x, window[:, :, None, :], groups=x.shape[1])
