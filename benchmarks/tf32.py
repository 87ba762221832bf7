"""What TF32 (``--fast``) does to features and to FID, by a simulation that needs no GPU.

TF32 rounds both factors of every product to 10 bits of mantissa and sums in float32. Rounding the weights once, and the
input of every convolution, is the same; only the order of summation differs from a GPU's.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from benchmarks.plan import Plan
from benchmarks.report import Agreement, relative
from ganmetrics.extractors._arithmetic import arithmetic
from ganmetrics.extractors.inception import Inception
from ganmetrics.functional import fid

DROPPED = 13  # bits of float32's 23


def rows(plan: Plan) -> list[Agreement]:
    """FID and the mean feature of two folders in both arithmetics; the difference is that of FID, of the features."""
    extractor, command = Inception(str(plan.weights)), plan.again("tf32")
    folders = [sorted(folder.iterdir())[: plan.num_images] for folder in plan.images("png")]
    exact, rounded = ([_features(extractor, files, is_tf32) for files in folders] for is_tf32 in (False, True))
    ours, simulated = fid(*exact), fid(*rounded)
    title = f"TF32 simulated, {len(folders[0])} + {len(folders[1])} images"
    difference = float((rounded[0] - exact[0]).norm() / exact[0].norm())
    mean, rounded_mean = (float(side[0].mean()) for side in (exact, rounded))
    return [
        Agreement(f"{title}, FID", ours, simulated, "in TF32", relative(ours, simulated), command),
        Agreement(f"{title}, features", mean, rounded_mean, "in TF32", difference, command),
    ]


def tf32(x: Tensor) -> Tensor:
    """The nearest numbers of 10 bits of mantissa, ties away from zero."""
    bits = x.contiguous().view(torch.int32)
    return ((bits + (1 << (DROPPED - 1))) & -(1 << DROPPED)).view(torch.float32)


@contextmanager
def rounded_convolutions() -> Iterator[None]:
    """Within it, every convolution gets factors of TF32."""
    exact: Any = F.conv2d

    def conv2d(x: Tensor, weight: Tensor, *rest: Any) -> Any:
        return exact(tf32(x), tf32(weight), *rest)

    with patch.object(F, "conv2d", conv2d):
        yield


def _features(extractor: Inception, files: list[Path], is_tf32: bool) -> Tensor:
    found = []
    with arithmetic():
        for start in range(0, len(files), 32):
            stack = np.stack([np.asarray(Image.open(str(path))) for path in files[start : start + 32]])
            inputs = extractor.prepare(torch.from_numpy(stack).permute(0, 3, 1, 2))
            found.append(_forward(extractor, inputs, is_tf32))
    return torch.cat(found)


def _forward(extractor: Inception, inputs: Tensor, is_tf32: bool) -> Tensor:
    if not is_tf32:
        return extractor.forward(inputs, ["2048"])["2048"]
    with rounded_convolutions():
        return extractor.forward(inputs, ["2048"])["2048"]
