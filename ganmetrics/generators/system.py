"""A reference system as the rest of the package sees it: how it is trained, sampled and scored."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from ganmetrics.generators.setting_rules import checked

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from ganmetrics.generators.training import Training
    from ganmetrics.types import Images


class Sampler(Protocol):
    """A trained generator: a number of samples and a seed to samples, the same for the same seed.

    Images are uint8 RGB [N, 3, H, W], points float32 [N, 2], sequences int64 [N, T]. The first n samples of a seed
    are the same however many are asked for. A sampler may take further keyword options, such as ``labels`` or
    ``truncation``.
    """

    def __call__(self, num_samples: int, *, seed: int = 0) -> Tensor: ...


class Measured(NamedTuple):
    """One score of a generator.

    ``protocol`` says how it was taken where ``signature`` is empty, because no evaluation of two sets gave it.
    """

    name: str
    title: str
    value: float
    higher_is_better: bool
    signature: str = ""
    protocol: str = ""


class Target(NamedTuple):
    """A target of a recipe's score: the limit that it is meant to reach, and where the limit comes from."""

    score: str
    limit: float
    reason: str


@dataclass(frozen=True)
class Recipe:
    """One training of a system: everything that ``ganmetrics generators train NAME`` needs.

    Attributes
    ----------
    name : str
        What users type, and the name of the bundle's folder.
    summary : str
    data : str
        What it is trained on, such as ``"mnist"``.
    settings : dataclass
        The system's own settings.
    iterations : int
    fault : str
        What is wrong with it on purpose; empty where nothing is.
    targets : tuple of Target
    """

    name: str
    summary: str
    data: str
    settings: Any
    iterations: int
    fault: str = ""
    targets: tuple[Target, ...] = ()


@dataclass(frozen=True)
class System:
    """One system: a paper, its training and its sampling.

    Attributes
    ----------
    name, title, paper : str
    makes : {"images", "points", "sequences"}
    settings : type
        The frozen dataclass of its settings; a card stores its values.
    train : callable
        A recipe, the data root (or ``None`` for the default), a seed and a device to a ``Training`` at iteration 0.
    sampler : callable
        Settings and stored weights to a sampler.
    score : callable
        A recipe, a sampler and a seed to the scores of the samples of that seed.
    recipes : tuple of Recipe
    score_on_data : callable, optional
        A recipe, a sampler and the data root to scores that need real data which no package may hold.
    preview : callable, optional
        A sampler to the 100 images of its card's picture, in rows of ten; without it the first 100 of seed 0.
    """

    name: str
    title: str
    paper: str
    makes: str
    settings: type
    train: Callable[[Recipe, str | None, int, torch.device], Training]
    sampler: Callable[[Any, Mapping[str, Tensor]], Sampler]
    score: Callable[[Recipe, Sampler, int], list[Measured]]
    recipes: tuple[Recipe, ...]
    score_on_data: Callable[[Recipe, Any, str | None], list[Measured]] | None = None
    # The default picture, the first images of seed 0, says little of a translator.
    preview: Callable[[Any], Images] | None = None

    def settings_of(self, values: Mapping[str, Any]) -> Any:
        """Return the settings of a file (TypeError for an unknown name, UsageError for a value that cannot be)."""
        return checked(self.settings(**values))
