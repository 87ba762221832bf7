"""CycleGAN on 32 x 32 colour images: digits and a known restyling of them, emoji faces of two designs.

After Zhu, Park, Isola and Efros (2017): two generators and two patch discriminators, least-squares losses, a cycle loss
of weight 10 and an identity loss of half of it, discriminators that see a pool of 50 former translations, the
discriminators' loss halved, instance normalisation, reflected borders, weights drawn from N(0, 0.02), Adam with
learning rate 2e-4 and beta1 0.5 that falls linearly to zero over the second half. What differs serves the size of 32
pixels: one halving of the image instead of two, three residual blocks instead of six, and patches of 16 pixels (34 for
emoji) instead of 70 in 256.

A CycleGAN has no latents: its sampler translates images of another source. Digits are those of the bundled
``dcgan-mnist``; for emoji they are drawn faces, because no emoji come with the package.

References
----------
Zhu, Park, Isola, Efros: Unpaired Image-to-Image Translation using Cycle-Consistent Adversarial Networks. ICCV 2017,
arXiv:1703.10593.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import nn
from torch.nn import functional as F

from ganmetrics.extractors.weights.fill import filled_from
from ganmetrics.generators import cyclegan_domains as domains
from ganmetrics.generators import setting_rules as allowed
from ganmetrics.generators.cyclegan_nets import Generator, ImagePool, PatchDiscriminator
from ganmetrics.generators.cyclegan_scores import data_scores, sample_scores
from ganmetrics.generators.cyclegan_translation import DIRECTIONS, SOURCES, Source, Translator
from ganmetrics.generators.datasets import to_range
from ganmetrics.generators.system import Recipe, System, Target
from ganmetrics.generators.training import Training, linear_decay, set_learning_rate, update

if TYPE_CHECKING:
    from torch import Tensor

    Pair = tuple[Tensor, Tensor]

TRAINING_DATA: Mapping[str, Callable[[str | None], domains.Domains]] = {
    "restyled-mnist": domains.digit_training,
    "emoji": domains.emoji_training,
}


@dataclass(frozen=True)
class Settings:
    """Settings of a training; the defaults are the paper's but for the sizes of the networks.

    Attributes
    ----------
    data : {"restyled-mnist", "emoji"}
    width, patch_width : int
        Channels of the first layer of the generators and of the discriminators.
    halvings, blocks : int
        Of each generator.
    patch_layers : int
        Strided convolutions of each discriminator: patches of 16 pixels for 1, 34 for 2, 70 for 3.
    cycle : float
        The weight of the cycle loss against the adversarial one.
    identity : float
        The weight of the identity loss against the cycle loss.
    pool : int
        Former translations that each discriminator is shown.
    """

    data: str = allowed.choice("restyled-mnist", *TRAINING_DATA)
    width: int = allowed.whole(16, 1, 1024)
    halvings: int = allowed.whole(1, 0, 3)
    blocks: int = allowed.whole(3, 0, 64)
    patch_width: int = allowed.whole(32, 1, 1024)
    patch_layers: int = allowed.whole(1, 1, 3)
    batch_size: int = allowed.whole(1, 1, allowed.LARGEST_BATCH)
    learning_rate: float = allowed.rate(2e-4)
    beta1: float = allowed.real(0.5, 0, 1, is_open="high")
    cycle: float = allowed.real(10.0, 0, 1e6)
    identity: float = allowed.real(0.5, 0, 1e6)
    pool: int = allowed.whole(50, 0, 100_000)


def least_squares(scores: Tensor, target: float) -> Tensor:
    """E (D - target)^2 over all patches (Mao et al. 2017)."""
    return (scores - target).square().mean()


def discriminator_loss(real_scores: Tensor, fake_scores: Tensor) -> Tensor:
    """Return (E (D(x) - 1)^2 + E D(G(x))^2) / 2: 1/4 at the optimum D = 1/2 of perfect translations."""
    return (least_squares(real_scores, 1.0) + least_squares(fake_scores, 0.0)) / 2


class Translated(NamedTuple):
    """Translations of a batch of each domain, and the generators' cycle and identity losses."""

    fake_first: Tensor
    fake_second: Tensor
    cycle: Tensor
    identity: Tensor


def translated(forward: nn.Module, backward: nn.Module, first: Tensor, second: Tensor) -> Translated:
    """Return translations, cycle loss |F(G(x)) - x| + |G(F(y)) - y| and identity loss |G(y) - y| + |F(x) - x|.

    Losses are means. One pass of each generator serves both its translations and its identity loss.
    """
    size = len(first)
    # Instance normalisation treats each image alone, so that batches may be joined.
    fake_second, same_second = forward(torch.cat([first, second])).split(size)
    fake_first, same_first = backward(torch.cat([second, first])).split(size)
    cycle = F.l1_loss(backward(fake_second), first) + F.l1_loss(forward(fake_first), second)
    identity = F.l1_loss(same_second, second) + F.l1_loss(same_first, first)
    return Translated(fake_first, fake_second, cycle, identity)


def generators(settings: Settings) -> nn.ModuleList:
    """Return the forward generator and the backward one."""
    return nn.ModuleList(Generator(settings.width, settings.halvings, settings.blocks) for _ in range(2))


class CycleGANTraining(Training):
    """Both generators, both discriminators with their pools, and an optimiser for each pair.

    Of each pair the first belongs to the forward direction: G and D of the second domain.
    """

    def __init__(self, recipe: Recipe, root: str | None, seed: int, device: torch.device) -> None:
        super().__init__(seed, device)
        self.settings: Settings = recipe.settings
        self.iterations = recipe.iterations
        first, second = TRAINING_DATA[self.settings.data](root)
        self.first, self.second = first.to(device), second.to(device)
        width, layers = self.settings.patch_width, self.settings.patch_layers
        critics = nn.ModuleList(PatchDiscriminator(width, layers) for _ in range(2))
        # Shape of the images that the pools hold.
        shape = (3, domains.SIZE, domains.SIZE)
        # Channels last is a tenth faster on a CPU.
        layout = torch.channels_last
        self.generators = generators(self.settings).to(device).to(memory_format=layout)
        self.discriminators = critics.to(device).to(memory_format=layout)
        self.pools = nn.ModuleList(ImagePool(self.settings.pool, shape) for _ in range(2)).to(device)
        betas = (self.settings.beta1, 0.999)
        self.g_optimizer = torch.optim.Adam(self.generators.parameters(), betas=betas)
        self.d_optimizer = torch.optim.Adam(self.discriminators.parameters(), betas=betas)
        self.parts = {
            "generators": self.generators,
            "discriminators": self.discriminators,
            "pools": self.pools,
            "g_optimizer": self.g_optimizer,
            "d_optimizer": self.d_optimizer,
        }

    def step(self) -> dict[str, float]:
        rate = self.settings.learning_rate * linear_decay(self.iteration, self.iterations, after=0.5)
        set_learning_rate(self.g_optimizer, rate)
        set_learning_rate(self.d_optimizer, rate)
        first = to_range(self.draw(self.first, self.settings.batch_size))
        second = to_range(self.draw(self.second, self.settings.batch_size))
        made, entry = self.step_generators(first, second)
        return entry | self.step_discriminators((second, first), (made.fake_second, made.fake_first))

    def step_generators(self, first: Tensor, second: Tensor) -> tuple[Translated, dict[str, float]]:
        # Frozen, the discriminators need no gradients of their own.
        self.discriminators.requires_grad_(False)
        forward, backward = self.generators
        critic_second, critic_first = self.discriminators
        made = translated(forward, backward, first, second)
        # Both generators want their translations to score 1, as real images.
        adversarial = least_squares(critic_second(made.fake_second), 1.0)
        adversarial = adversarial + least_squares(critic_first(made.fake_first), 1.0)
        weight = self.settings.cycle
        update(self.g_optimizer, adversarial + weight * made.cycle + weight * self.settings.identity * made.identity)
        self.discriminators.requires_grad_(True)
        losses = {"g_loss": adversarial, "cycle": made.cycle, "identity": made.identity}
        return made, {name: loss.item() for name, loss in losses.items()}

    def step_discriminators(self, reals: Pair, fakes: Pair) -> dict[str, float]:
        losses = []
        for critic, pool, real, fake in zip(self.discriminators, self.pools, reals, fakes, strict=True):
            # Former translations from the pool keep the discriminator from forgetting.
            shown = torch.cat([real, pool(fake.detach(), self.rng)])
            losses.append(discriminator_loss(*critic(shown).chunk(2)))
        update(self.d_optimizer, losses[0] + losses[1])
        return {"d_forward": losses[0].item(), "d_backward": losses[1].item()}

    def weights(self) -> dict[str, Tensor]:
        return self.generators.state_dict()


def sampler(settings: Settings, weights: Mapping[str, Tensor], source: Source | None = None) -> Translator:
    forward, backward = filled_from(lambda: generators(settings), weights)
    return Translator(forward, backward, source or SOURCES[settings.data])


EMOJI = Settings(data="emoji", patch_layers=2)

RECIPES = (
    Recipe(
        "cyclegan-mnist",
        "CycleGAN, MNIST to and from ink on paper",
        "restyled-mnist",
        Settings(),
        40_000,
        targets=tuple(Target(f"label_{direction}", 0.9, "nine digits in ten") for direction in DIRECTIONS),
    ),
    Recipe("cyclegan-emoji", "CycleGAN, Noto faces of 2017 to and from 2025", "emoji", EMOJI, 20_000),
)

SYSTEM = System(
    name="cyclegan",
    title="CycleGAN",
    paper="Zhu, Park, Isola, Efros 2017, arXiv:1703.10593",
    makes="images",
    settings=Settings,
    train=CycleGANTraining,
    sampler=sampler,
    score=sample_scores,
    score_on_data=data_scores,
    preview=Translator.preview,
    recipes=RECIPES,
)
