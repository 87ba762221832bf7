"""Sampling StyleGAN2 with truncation, and the quality and variety of its samples at several truncations."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple, cast

import torch

from ganmetrics.errors import UsageError
from ganmetrics.evaluation.evaluate import measure, score
from ganmetrics.generators.card_scores import NUM_IMAGES, QUIET, REFERENCES, image_scores
from ganmetrics.generators.sampler import drawn, in_chunks, normal_latents, to_uint8_rgb, without_border
from ganmetrics.generators.system import Measured
from ganmetrics.measurement import archive

if TYPE_CHECKING:
    from torch import Tensor

    from ganmetrics.generators.stylegan2_nets import Generator
    from ganmetrics.generators.system import Recipe, Sampler
    from ganmetrics.types import Images

# Width of the black border that the training images have and samples lose, in pixels.
BORDER = 2
PSIS = (0.5, 0.75, 1.0)
# Separates the seed of the noise from that of the latents, which would be equal otherwise.
NOISE_STREAM = 0x5BD1E995


class StyleSampler:
    """Images of a StyleGAN2 generator, with truncation.

    The latents and each image's noise are both drawn by the seed.

    Parameters
    ----------
    net : Generator
    """

    def __init__(self, net: Generator) -> None:
        self.net = net.to(memory_format=torch.channels_last)

    def __call__(self, num_samples: int, *, seed: int = 0, truncation: float = 1.0) -> Images:
        """Return images as uint8 RGB [num_samples, 3, 28, 28], grey.

        Parameters
        ----------
        truncation : float
            psi, by which styles are scaled about their mean: 1 leaves them, 0 draws the mean style alone.
        """
        if not math.isfinite(truncation):
            raise UsageError(f"truncation is {truncation}; it must be a finite number", where="truncation")
        latents = drawn(normal_latents(self.net.latent_dim), num_samples, seed)
        rng = torch.Generator().manual_seed(seed ^ NOISE_STREAM)

        def forward(z: Tensor) -> Tensor:
            noise = self.net.synthesis.draw_noise(len(z), rng)
            return without_border(to_uint8_rgb(self.net(z, noise, truncation=truncation)), BORDER)

        return in_chunks(forward, latents)[:num_samples]


class Truncated(NamedTuple):
    """The quality and variety of samples at one psi.

    ``fid`` is the FID to the training set. ``spread`` is the root-mean-square distance between two samples in the same
    features.
    """

    psi: float
    fid: float
    spread: float


def truncation_sweep(
    sampler: StyleSampler, psis: Iterable[float], *, data: str = "mnist", num_images: int = NUM_IMAGES, seed: int = 0
) -> list[Truncated]:
    """Measure the quality and variety of the same latents at each truncation psi.

    Parameters
    ----------
    sampler : StyleSampler
    psis : iterable of float
    data : str
        What the generator was trained on; its training set and classifier are the reference.
    num_images : int
        Number of images at each psi; the FID of fewer images is biased upward.

    Returns
    -------
    list of Truncated
        In the order of ``psis``. The spread is sqrt(2 tr Sigma), Sigma the unbiased covariance of the features: the
        square root of the mean squared L2 distance over all pairs, exactly.
    """
    reference = REFERENCES[data]
    train = archive.bundled(reference.train, reference.extractor)
    swept = []
    for psi in psis:
        images = sampler(num_images, seed=seed, truncation=psi)
        fake = measure(images, reads=("moments",), extractor=reference.extractor, reading=QUIET)
        assert fake.moments is not None
        fid = score(train, fake, ["fid"])["fid"].value
        swept.append(Truncated(psi, fid, math.sqrt(2 * fake.moments.trace())))
    return swept


def style_scores(recipe: Recipe, sampler: Sampler, seed: int) -> list[Measured]:
    """Return the scores of images, then FID and spread of the same latents at several truncations."""
    swept = truncation_sweep(cast("StyleSampler", sampler), PSIS, data=recipe.data, num_images=NUM_IMAGES, seed=seed)
    extractor = REFERENCES[recipe.data].extractor
    protocol = f"{NUM_IMAGES:,} images; root-mean-square distance of two in the features of {extractor}"
    scores = image_scores(recipe, sampler, seed)
    for psi, fid, spread in swept:
        about = f"as FID, at psi {psi:g}"
        scores.append(Measured(f"fid_psi_{psi:g}", f"FID({extractor}) at psi {psi:g}", fid, False, protocol=about))
        scores.append(Measured(f"spread_psi_{psi:g}", f"spread at psi {psi:g}", spread, True, protocol=protocol))
    return scores
