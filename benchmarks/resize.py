"""TensorFlow 1's resize alone, from uint8 batches to 299 px."""

from __future__ import annotations

import numpy as np
import torch

from benchmarks.plan import Plan
from benchmarks.report import Agreement, Comparison
from benchmarks.synthetic import image
from benchmarks.timing import Goal, against_peers, in_turn
from ganmetrics.extractors._inception_net import SIZE
from ganmetrics.extractors.resize import tf1_bilinear

REPEATS = 10  # turns for each round: one takes milliseconds
GOALS = {32: Goal(ratio=0.2), 256: Goal(ratio=0.33)}


def rows(plan: Plan) -> list[Comparison | Agreement]:
    """Seconds for a batch, and equality to the last bit, at two sizes."""
    return [row for size in GOALS for row in of_size(size, plan)]


def batch(count: int, size: int) -> torch.Tensor:
    """Synthetic images as a source hands them over, uint8 [N, 3, H, W]."""
    stack = np.stack([np.asarray(image(index, size)) for index in range(count)])
    return torch.from_numpy(stack).permute(0, 3, 1, 2).contiguous()


def of_size(size: int, plan: Plan) -> list[Comparison | Agreement]:
    """Seconds for a batch of images of one size, and equality to the last bit."""
    from torch_fidelity.interpolate_compat_tensorflow import interpolate_bilinear_2d_like_tensorflow1x as slow

    images = batch(4 if plan.is_quick else 32, size)

    def theirs() -> torch.Tensor:
        found: torch.Tensor = slow(images.float(), size=(SIZE, SIZE), align_corners=False, method="slow")
        return found

    def ours() -> torch.Tensor:
        return tf1_bilinear(images, SIZE)

    seconds = in_turn({"ganmetrics": ours, "torch-fidelity": theirs}, plan.rounds * REPEATS)
    title, command = f"TF1 resize of {len(images)} images, {size} px", plan.again("resize")
    a, b = ours(), theirs()
    difference = 0.0 if torch.equal(a, b) else float((a - b).abs().max())
    same = Agreement(f"{title}, mean", float(a.mean()), float(b.mean()), "torch-fidelity", difference, command, 0.0)
    return [*against_peers(title, "s", seconds, command, {"torch-fidelity": GOALS[size]}), same]
