"""StyleGAN2 on MNIST, 32 x 32 pixels with a border of two that the samples lose again.

After Karras et al. (2020), at the size of one processor: 4 mapping layers for 8, latents and styles of 64 numbers for
512, 96 to 16 channels for 512. Kept from the paper: the networks (``stylegan2_nets.py``), the logistic non-saturating
loss, R1 every 16 iterations and path-length regularisation every 8, each weighted by its interval, the latter on half
a batch, Adam with beta1 0 and beta2 0.99, corrected for the additional steps, and averaged weights. Style mixing and
truncation are those of StyleGAN (Karras et al. 2019).

Differences: half of the samples mix styles, not nine in ten, each at a crossover of its own; both networks move at once
on one batch of fakes, which saves forward passes; the learning rate falls linearly to zero over the last third.

References
----------
Karras, Laine, Aittala, Hellsten, Lehtinen, Aila: Analyzing and Improving the Image Quality of StyleGAN. CVPR 2020,
arXiv:1912.04958. Karras, Laine, Aila: A Style-Based Generator Architecture for GANs. CVPR 2019, arXiv:1812.04948.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, cast

import torch

from ganmetrics.errors import UsageError
from ganmetrics.evaluation.evaluate import measure, score
from ganmetrics.extractors.weights.fill import filled_from
from ganmetrics.generators import datasets, losses
from ganmetrics.generators import settings as allowed
from ganmetrics.generators.card_scores import BETTER_THAN_GAN, NUM_IMAGES, QUIET, REFERENCES, image_scores
from ganmetrics.generators.sampler import drawn, in_chunks, normal_latents, to_uint8_rgb, without_border
from ganmetrics.generators.stylegan2_nets import Discriminator, Generator, PathLength, mixed
from ganmetrics.generators.system import Measured, Recipe, System
from ganmetrics.generators.training import (
    Training,
    averaged,
    linear_decay,
    move_average,
    placed,
    set_learning_rate,
    update,
)
from ganmetrics.measurement import archive

if TYPE_CHECKING:
    from torch import Tensor, nn

    from ganmetrics.generators.system import Sampler
    from ganmetrics.types import Images

# Side of the images and width of the black border, in pixels.
SIZE, BORDER = 32, 2
PSIS = (0.5, 0.75, 1.0)
# Separates the seed of the noise from that of the latents, which would be equal otherwise.
NOISE_STREAM = 0x5BD1E995


@dataclass(frozen=True)
class Settings:
    """The sizes and weights of one training.

    Attributes
    ----------
    depth : int
        Layers of the mapping network.
    channels : str
        Those of 4, 8, 16 and 32 pixels, in both networks.
    mixing : float
        The share of samples that take the styles of two latents.
    r1_gamma, r1_every : float, int
        gamma / 2 E |grad D|^2 at real images, taken every so many iterations and weighted by as many.
    path_weight, path_decay, path_every : float, float, int
        The same for the path length; its running mean moves by ``path_decay``.
    w_avg_decay, average : float
        Of the mean style and of the averaged weights.
    """

    latent_dim: int = allowed.whole(64, 1, allowed.WIDEST)
    depth: int = allowed.whole(4, 1, 64)
    channels: str = allowed.sizes("96-64-32-16", "-")
    batch_size: int = allowed.whole(32, 2, allowed.LARGEST_BATCH)
    learning_rate: float = allowed.rate(2.5e-3)
    beta2: float = allowed.real(0.99, 0, 1, is_open="high")
    mixing: float = allowed.real(0.5, 0, 1)
    r1_gamma: float = allowed.real(0.1, 0, 1e6)
    r1_every: int = allowed.whole(16, 1, allowed.LONGEST)
    path_weight: float = allowed.real(2.0, 0, 1e6)
    path_decay: float = allowed.real(0.01, 0, 1)
    path_every: int = allowed.whole(8, 1, allowed.LONGEST)
    w_avg_decay: float = allowed.real(0.995, 0, 1)
    average: float = allowed.real(0.999, 0, 1)

    @property
    def widths(self) -> tuple[int, ...]:
        return tuple(int(width) for width in self.channels.split("-"))


def lazy_adam(net: nn.Module, beta2: float, every: int) -> torch.optim.Adam:
    """Adam with beta1 0 for a network that is regularised every so many steps: beta2 to the power k / (k + 1)."""
    return torch.optim.Adam(net.parameters(), betas=(0.0, beta2 ** lazy_share(every)))


def lazy_share(every: int) -> float:
    """k / (k + 1): the share of k loss steps among these and one regularisation, a factor of the learning rate."""
    return every / (every + 1)


class StyleGAN2Training(Training):
    """Both networks, their optimisers, the averaged generator and the running path length."""

    def __init__(self, recipe: Recipe, root: str | None, seed: int, device: torch.device) -> None:
        super().__init__(seed, device)
        settings: Settings = recipe.settings
        self.settings, self.iterations = settings, recipe.iterations
        self.images = datasets.load_grey(recipe.data, root, size=SIZE).images.to(device)
        generator = Generator(settings.latent_dim, settings.depth, settings.widths)
        self.generator = placed(generator, device)
        self.discriminator = placed(Discriminator(settings.widths), device)
        self.average = averaged(self.generator)
        self.path_length = PathLength(settings.path_decay).to(device)
        self.g_optimizer = lazy_adam(self.generator, settings.beta2, settings.path_every)
        self.d_optimizer = lazy_adam(self.discriminator, settings.beta2, settings.r1_every)
        self.parts = {
            "generator": self.generator,
            "discriminator": self.discriminator,
            "average": self.average,
            "path_length": self.path_length,
            "g_optimizer": self.g_optimizer,
            "d_optimizer": self.d_optimizer,
        }

    def step(self) -> dict[str, float]:
        rate = self.settings.learning_rate * linear_decay(self.iteration, self.iterations, after=2 / 3)
        set_learning_rate(self.g_optimizer, rate * lazy_share(self.settings.path_every))
        set_learning_rate(self.d_optimizer, rate * lazy_share(self.settings.r1_every))
        real = datasets.to_range(self.draw(self.images, self.settings.batch_size))
        found = self.play(real)
        if (self.iteration + 1) % self.settings.r1_every == 0:
            found |= self.regularise_discriminator(real)
        if (self.iteration + 1) % self.settings.path_every == 0:
            found |= self.regularise_generator()
        move_average(self.average, self.generator, self.settings.average)
        return found

    def play(self, real: Tensor) -> dict[str, float]:
        """A step of the discriminator, then one of the generator on the same fakes, which it is to improve."""
        fake, _ = self.fakes(len(real))
        real_logits, fake_logits = self.discriminator(real), self.discriminator(fake.detach())
        d_loss = losses.discriminator_loss(real_logits, fake_logits)
        update(self.d_optimizer, d_loss)
        g_loss = losses.non_saturating_loss(self.discriminator(fake))
        self.g_optimizer.zero_grad(set_to_none=True)
        g_loss.backward(inputs=list(self.generator.parameters()))
        self.g_optimizer.step()
        accuracy = torch.cat([real_logits > 0, fake_logits < 0]).float().mean()
        return {"d_loss": d_loss.item(), "g_loss": g_loss.item(), "d_accuracy": accuracy.item()}

    def regularise_discriminator(self, real: Tensor) -> dict[str, float]:
        real.requires_grad_(True)
        penalty = losses.r1_penalty(self.discriminator(real), real)
        update(self.d_optimizer, penalty * (self.settings.r1_gamma / 2 * self.settings.r1_every))
        return {"r1": penalty.item()}

    def regularise_generator(self) -> dict[str, float]:
        images, styles = self.fakes(self.settings.batch_size // 2)
        direction = torch.randn(images.shape, generator=self.rng).to(self.device) / SIZE
        penalty = self.path_length(images, styles, direction)
        update(self.g_optimizer, penalty * (self.settings.path_weight * self.settings.path_every))
        return {"path_penalty": penalty.item(), "path_length": self.path_length.mean.item()}

    def fakes(self, count: int) -> tuple[Tensor, Tensor]:
        """Images [count, 1, 32, 32] and their styles [count, num_styles, latent_dim]."""
        styles = self.styles(count)
        noise = [each.to(self.device) for each in self.generator.synthesis.draw_noise(count, self.rng)]
        return self.generator.synthesis(styles, noise), styles

    def styles(self, count: int) -> Tensor:
        """Styles of random latents, some of two; moves their running mean."""
        z = torch.randn(2 * count, self.settings.latent_dim, generator=self.rng)
        w = self.generator.mapping(z.to(self.device))
        self.generator.mapping.track(w, self.settings.w_avg_decay)
        crossover = draw_crossovers(count, self.generator.synthesis.num_styles, self.settings.mixing, self.rng)
        first, second = self.generator.broadcast(w).split(count)
        return mixed(first, second, crossover.to(self.device))

    def weights(self) -> dict[str, Tensor]:
        return self.average.state_dict()


def draw_crossovers(count: int, num_styles: int, share: float, rng: torch.Generator) -> Tensor:
    """Where each sample passes to its second latent: uniform in 1..num_styles - 1 for a share, else num_styles."""
    is_mixed = torch.rand(count, generator=rng) < share
    return torch.where(is_mixed, torch.randint(1, num_styles, (count,), generator=rng), num_styles)


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
        """Images as uint8 RGB [num_samples, 3, 28, 28], grey.

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
    """What samples are at one psi.

    ``fid`` is that to the training set; ``spread`` the root-mean-square distance between two samples in the features
    that it is taken in.
    """

    psi: float
    fid: float
    spread: float


def truncation_sweep(
    sampler: StyleSampler, psis: Iterable[float], *, data: str = "mnist", num_images: int = NUM_IMAGES, seed: int = 0
) -> list[Truncated]:
    """Quality and variety of the same latents at each truncation psi.

    Parameters
    ----------
    sampler : StyleSampler
    psis : iterable of float
    data : str
        What the generator was trained on; its training set and classifier are the reference.
    num_images : int
        At each psi; the FID of fewer images is biased upward.

    Returns
    -------
    list of Truncated
        In the order of ``psis``. The spread is sqrt(2 tr Sigma), Sigma the unbiased covariance of the features: the
        square root of the mean squared L2 distance over all pairs, exactly.
    """
    reference = REFERENCES[data]
    train = archive.bundled(reference.train, reference.extractor)
    found = []
    for psi in psis:
        images = sampler(num_images, seed=seed, truncation=psi)
        fake = measure(images, reads=("moments",), extractor=reference.extractor, reading=QUIET)
        assert fake.moments is not None
        fid = score(train, fake, ["fid"])["fid"].value
        found.append(Truncated(psi, fid, math.sqrt(2 * fake.moments.trace())))
    return found


def style_scores(recipe: Recipe, sampler: Sampler, seed: int) -> list[Measured]:
    """The scores of images, then FID and spread at several truncations, of the same latents."""
    swept = truncation_sweep(cast("StyleSampler", sampler), PSIS, data=recipe.data, num_images=NUM_IMAGES, seed=seed)
    extractor = REFERENCES[recipe.data].extractor
    protocol = f"{NUM_IMAGES:,} images; root-mean-square distance of two in the features of {extractor}"
    found = image_scores(recipe, sampler, seed)
    for psi, fid, spread in swept:
        about = f"as FID, at psi {psi:g}"
        found.append(Measured(f"fid_psi_{psi:g}", f"FID({extractor}) at psi {psi:g}", fid, False, protocol=about))
        found.append(Measured(f"spread_psi_{psi:g}", f"spread at psi {psi:g}", spread, True, protocol=protocol))
    return found


def sampler(settings: Settings, weights: Mapping[str, Tensor]) -> StyleSampler:
    return StyleSampler(filled_from(lambda: Generator(settings.latent_dim, settings.depth, settings.widths), weights))


RECIPES = (Recipe("stylegan2-mnist", "StyleGAN2 on MNIST", "mnist", Settings(), 18_000, targets=(BETTER_THAN_GAN,)),)

SYSTEM = System(
    name="stylegan2",
    title="StyleGAN2",
    paper="Karras, Laine, Aittala, Hellsten, Lehtinen, Aila 2020, arXiv:1912.04958",
    makes="images",
    settings=Settings,
    train=StyleGAN2Training,
    sampler=sampler,
    score=style_scores,
    recipes=RECIPES,
)
