"""``dinov2-vits14``, ``dinov2-vitb14`` and ``dinov2-vitl14``: self-supervised transformers; FD-DINOv2 reads the last.

References
----------
Oquab et al.: DINOv2: Learning Robust Visual Features without Supervision. TMLR 2024, arXiv:2304.07193.
Stein et al.: Exposing Flaws of Generative Model Evaluation Metrics. NeurIPS 2023, arXiv:2306.04675.
"""

from __future__ import annotations

import torch
from torch.nn import functional as F

from ganmetrics.extractors._vision_transformer import Variant, record
from ganmetrics.extractors.random_vgg16 import MEAN, STD

SIZE = 224
# The authors' network enlarges the grid of positions that it interpolates to by this much.
OFFSET = 0.1


def layout(state: dict[str, torch.Tensor], side: int) -> dict[str, torch.Tensor]:
    """The authors' layout as timm's: the same names, with the positions of 518 pixels brought to those of ours."""
    state = {name: value for name, value in state.items() if name != "mask_token"}
    if "pos_embed" in state:
        state["pos_embed"] = at_side(state["pos_embed"], side)
    return state


def at_side(positions: torch.Tensor, side: int) -> torch.Tensor:  # [1, 1 + S * S, D] -> [1, 1 + side * side, D]
    """Positions interpolated as the authors' network does it: by a factor of (side + 0.1) / S, not to a size."""
    own = round((positions.shape[1] - 1) ** 0.5)
    if own == side:
        return positions
    grid = positions[:, 1:].float().reshape(1, own, own, -1).permute(0, 3, 1, 2)
    factor = (side + OFFSET) / own
    grid = F.interpolate(grid, scale_factor=(factor, factor), mode="bicubic")
    return torch.cat([positions[:, :1].float(), grid.permute(0, 2, 3, 1).flatten(1, 2)], dim=1)


def _variant(letter: str, timm_size: str, dim: int) -> Variant:
    return Variant(
        name=f"dinov2-vit{letter}14",
        timm_name=f"vit_{timm_size}_patch14_dinov2",
        size=SIZE,
        dim=dim,
        outputs=0,
        resize="antialiased-bicubic",
        mean=MEAN,
        std=STD,
        layout=layout,
    )


EXTRACTOR = [
    record(
        _variant("l", "large", 1024),
        "DINOv2 ViT-L/14 (300 M): FD-DINOv2 of Stein et al.; pip install 'ganmetrics[vit]'",
    ),
    record(_variant("b", "base", 768), "DINOv2 ViT-B/14 (86 M)"),
    record(_variant("s", "small", 384), "DINOv2 ViT-S/14 (21 M)"),
]
