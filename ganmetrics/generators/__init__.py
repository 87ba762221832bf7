"""Reference generators: trained systems that anyone can sample, score and train again.

>>> from ganmetrics import generators
>>> images = generators.load("dcgan-mnist")(16, seed=0)
>>> images.shape, images.dtype
(torch.Size([16, 3, 28, 28]), torch.uint8)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ganmetrics.errors import UsageError
from ganmetrics.generators import cards
from ganmetrics.generators.cards import Card, CardScore
from ganmetrics.generators.sampler import LatentSampler, normal_latents, uniform_latents
from ganmetrics.generators.system import Sampler

if TYPE_CHECKING:
    import os

    from torch import nn

_registered: dict[str, Callable[[], Sampler]] = {}
_LATENTS = {"normal": normal_latents, "uniform": uniform_latents}


def names() -> list[str]:
    """Return the names that ``load`` knows: bundled generators, a user's cards, and what ``register`` added."""
    return sorted({*cards.folders(), *_registered})


def load(name: str | os.PathLike[str]) -> Sampler:
    """Load a trained generator, ready to sample.

    Parameters
    ----------
    name : str or path
        A name of ``names()``, or a folder that holds a card.

    Returns
    -------
    Sampler
        ``load("dcgan-mnist")(n, seed=0)`` gives uint8 RGB images [n, 3, H, W], the same for the same seed.

    Raises
    ------
    UsageError
        An unknown name, with the nearest known one.
    InputError, WeightsError
        A damaged card or damaged weights.
    """
    if str(name) in _registered:
        return _registered[str(name)]()
    return cards.load_sampler(cards.folder_of(name))


def card(name: str | os.PathLike[str]) -> Card:
    """Return the card of a generator: how it was trained and what it scores.

    Raises
    ------
    UsageError
        An unknown name, or one that was registered without a card.
    """
    if str(name) in _registered:
        raise UsageError(f"the generator {str(name)!r} was registered without a card", where=str(name))
    return cards.read_card(cards.folder_of(name))


def register(name: str, load: Callable[[], Sampler]) -> None:
    """Make a generator of one's own known under a name, for this process.

    Parameters
    ----------
    name : str
    load : callable
        Gives the sampler; called each time that the name is loaded.

    Raises
    ------
    UsageError
        The name is taken.
    """
    if name in names():
        raise UsageError(f"the name {name!r} is taken", where="register", hint="Choose another name")
    _registered[name] = load


def from_module(net: nn.Module, latent_dim: int, *, latents: str = "normal") -> Sampler:
    """Return the sampler of any generator network that maps latents [N, latent_dim] to images in -1..1.

    The network is put into evaluation mode and must be on the CPU.

    Parameters
    ----------
    net : Module
        Its images are [N, 1 or 3, H, W].
    latent_dim : int
    latents : {"normal", "uniform"}
        Standard normal, or uniform in -1..1.

    Examples
    --------
    >>> from torch import nn
    >>> net = nn.Sequential(nn.Linear(8, 3 * 16), nn.Tanh(), nn.Unflatten(1, (3, 4, 4)))
    >>> from_module(net, 8)(5, seed=0).shape
    torch.Size([5, 3, 4, 4])
    """
    if latents not in _LATENTS:
        raise UsageError(f"latents is {latents!r}; it must be 'normal' or 'uniform'", where="latents")
    return LatentSampler(net.eval(), _LATENTS[latents](latent_dim))


__all__ = ["Card", "CardScore", "Sampler", "card", "from_module", "load", "names", "register"]
