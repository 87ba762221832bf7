"""MS-SSIM diversity."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from ganmetrics.errors import InputError, UsageError
from ganmetrics.metrics.metric import Estimate, Metric, Part
from ganmetrics.metrics.needs import IMAGES
from ganmetrics.numerics.resampling import seeded
from ganmetrics.numerics.ssim import most_scales, ms_ssim

if TYPE_CHECKING:
    from torch import Tensor

    from ganmetrics.types import ArrayLike

# Pairs compared at a time; fewer where images are large.
BATCH = 64
BATCH_BYTES = 16 << 20


def ms_ssim_diversity(fake_images: ArrayLike, *, num_pairs: int = 1000, scales: int = 5, seed: int = 2020) -> Estimate:
    """Mean multi-scale structural similarity of random pairs of images, for sets of one class.

    Use it to see whether generated images of one class are all alike. Lower is better, that of unseen reals is best: 1
    are equal images, 0 unlike ones. Unbiased.

    Parameters
    ----------
    fake_images : array_like, uint8 [N, 3, H, W]
        Images of one class, as in the paper: pairs of different classes say little.
    num_pairs : int
        Pairs at most; each image is in one pair only, so that they are independent.
    scales : int
        Halvings of the images plus one. Five need 176 pixels on the shorter side, two need 22.
    seed : int
        Seed of the pairs.

    Returns
    -------
    Estimate
        In 0..1, with the standard deviation over pairs and the standard error of the mean.

    Raises
    ------
    InputError
        There are fewer than four images, their shape or dtype is another, or they are too small for so many scales.
    UsageError
        ``num_pairs`` is below 2, or ``scales`` is not in 1..5.

    Notes
    -----
    A Gaussian window of 11 pixels and σ = 1.5 where it fits, channel by channel, as in the package pytorch-msssim; with
    fewer than five scales the weights of those that remain are scaled to sum to 1.

    References
    ----------
    Odena, Olah, Shlens: Conditional Image Synthesis with Auxiliary Classifier GANs. ICML 2017, arXiv:1610.09585.
    Wang, Simoncelli, Bovik: Multi-scale Structural Similarity for Image Quality Assessment. Asilomar 2003.

    Examples
    --------
    >>> import numpy as np
    >>> image = np.random.RandomState(0).randint(0, 256, (1, 3, 24, 24), dtype=np.uint8)
    >>> ms_ssim_diversity(np.repeat(image, 10, axis=0), scales=2).value
    1.0
    """
    images = _checked(fake_images, scales)
    if num_pairs < 2:
        raise UsageError(f"num_pairs is {num_pairs}; it must be at least 2", where="ms_ssim_diversity.num_pairs")
    # Each image is in one pair only, so that pairs are independent and their spread tells the standard error.
    order = torch.from_numpy(seeded(seed).permutation(len(images)))
    num = min(num_pairs, len(images) // 2)
    step = max(1, min(BATCH, BATCH_BYTES // images[0].nbytes))
    pairs = zip(order[:num].split(step), order[num : 2 * num].split(step), strict=True)
    similarities = torch.cat([ms_ssim(images[i].float(), images[j].float(), scales) for i, j in pairs]).double()
    std = float(similarities.std())
    return Estimate(float(similarities.mean()), std, std / math.sqrt(num))


def _checked(images: Any, scales: int) -> Tensor:
    """Check images and return them as a tensor (InputError, UsageError)."""
    if not 1 <= scales <= 5:
        raise UsageError(f"scales is {scales}; it must be in 1..5", where="ms_ssim_diversity.scales")
    array = images if isinstance(images, torch.Tensor) else np.asarray(images)
    if array.ndim != 4 or array.shape[1] != 3 or len(array) < 4 or str(array.dtype).removeprefix("torch.") != "uint8":
        what = f"fake_images are {array.dtype} of shape {list(array.shape)}; expected uint8 [N, 3, H, W], N at least 4"
        raise InputError(what, where="fake_images", code="E-SHAPE")
    side, most = min(array.shape[2:]), most_scales(min(array.shape[2:]))
    if most < scales:
        what = f"{scales} scales do not fit into {side} pixels"
        hint = f"Ask for `ms_ssim_diversity(scales={most})`" if most else "Enlarge the images"
        raise InputError(what, where="ms_ssim_diversity.scales", hint=hint, code="E-SHAPE")
    return torch.as_tensor(array)


METRIC = Metric(
    name="ms_ssim_diversity",
    function=ms_ssim_diversity,
    parts=(Part("ms_ssim_diversity", "MS-SSIM diversity", higher_is_better=False, best="that of unseen reals"),),
    reads=(IMAGES,),
    paper="Odena et al. 2017, arXiv:1610.09585",
    needs_real=False,
    spread="pairs",
    depends_on_count=False,
)
