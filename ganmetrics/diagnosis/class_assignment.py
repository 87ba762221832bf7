"""The class of each image: by the real images' labels and nearest neighbours, or by a network that is a classifier."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import torch

from ganmetrics.diagnosis.missing_modes import ModeShares, mode_shares

if TYPE_CHECKING:
    from torch import Tensor

    from ganmetrics.extractors import Extractor
    from ganmetrics.measurement.statistics import Statistics

# Labels whose neighbours agree less than this beyond chance name no kinds of image (Cohen's kappa).
LEAST_KAPPA = 0.2
# Labels of more classes are not used.
MOST = 1000
# Classes that a sentence names.
NAMED = 12


class Classes(NamedTuple):
    """The class of each image, and how many images of both sets each class has.

    Attributes
    ----------
    names : tuple of str
    noun : str
        What the classes are together, in the plural, such as ``digits``.
    real_members, fake_members : Tensor, int64 [N], [M]
    shares : ModeShares
    method : str
        How the classes were told apart.
    num_real : int
        Number of classes that real images have.
    """

    names: tuple[str, ...]
    noun: str
    real_members: Tensor
    fake_members: Tensor
    shares: ModeShares
    method: str
    num_real: int

    @property
    def missing_names(self) -> list[str]:
        """The names of the classes that generated images leave out."""
        return [self.names[place] for place in self.shares.missing]

    @property
    def rare_names(self) -> list[str]:
        """The names of the classes of which hardly any image is generated."""
        return [self.names[place] for place in self.shares.rare]

    @property
    def num_absent(self) -> int:
        """Number of classes with real but no generated images, whether that is significant or not."""
        return int(((self.shares.real_counts > 0) & (self.shares.fake_counts == 0)).sum())

    @property
    def divergence(self) -> float:
        """KL divergence of the generated images' classes from the real ones', in nats."""
        # Half a count more keeps the divergence finite where a class has generated images alone.
        counts = self.shares.real_counts + 0.5
        p, q = counts.double() / counts.sum(), self.shares.fake_shares
        return float((torch.special.xlogy(q, q) - torch.special.xlogy(q, p)).sum().clamp(min=0))


def classes_of(
    real: Statistics, fake: Statistics, extractor: Extractor | None, neighbors: tuple[Tensor, Tensor]
) -> Classes | None:
    """Return the classes by the real images' labels where these are useful, else by the classifier, else ``None``.

    ``neighbors`` are the indices of the real images that are nearest to each (other) real and to each generated image.
    """
    return _by_labels(real, extractor, neighbors) or _by_classifier(real, fake, extractor)


def _by_labels(real: Statistics, extractor: Extractor | None, neighbors: tuple[Tensor, Tensor]) -> Classes | None:
    """Give real and generated images the label of the nearest (other) real image, so that both err alike."""
    if real.labels is None or not 1 < len(real.classes) <= MOST:
        return None
    labels, count = real.labels, len(real.classes)
    of_real, of_fake = (labels[places] for places in neighbors)
    chance = float((torch.bincount(labels, minlength=count).double() / len(labels)).square().sum())
    accuracy = float((of_real == labels).double().mean())
    if accuracy - chance < LEAST_KAPPA * (1 - chance):
        return None
    counts = [torch.bincount(members, minlength=count) for members in (of_real, of_fake)]
    mistaken = torch.bincount(of_real[of_real != labels], minlength=count).double() / len(labels)
    method = f"label of the nearest real, right for {accuracy:.0%} of the reals"
    shares = mode_shares(counts[0], counts[1], mistaken)
    names, noun = _named(real.classes, extractor)
    return Classes(names, noun, of_real, of_fake, shares, method, len(labels.unique()))


def _named(classes: tuple[str, ...], extractor: Extractor | None) -> tuple[tuple[str, ...], str]:
    """Return the names of classes and their noun; bare numbers of a classifier's classes get its names."""
    if extractor is not None and classes == tuple(map(str, range(len(extractor.class_names)))):
        return extractor.class_names, extractor.class_noun
    return classes, "classes"


def _by_classifier(real: Statistics, fake: Statistics, extractor: Extractor | None) -> Classes | None:
    if extractor is None or not extractor.class_names:
        return None
    logits = [_logits(side, extractor) for side in (real, fake)]
    if logits[0] is None or logits[1] is None:
        return None
    names = extractor.class_names
    of_real, of_fake = (each.argmax(dim=1) for each in logits if each is not None)
    counts = [torch.bincount(members, minlength=len(names)) for members in (of_real, of_fake)]
    shares = mode_shares(counts[0], counts[1], _mistaken(logits[0], of_real))
    method, num_real = f"classifier {extractor.name}", int((counts[0] > 0).sum())
    return Classes(names, extractor.class_noun, of_real, of_fake, shares, method, num_real)


def _mistaken(logits: Tensor, members: Tensor) -> Tensor:  # [N, K], int64 [N] -> float64 [K]
    """The share of all images that a classifier is expected to count in each class by mistake, by its own doubt."""
    doubt = 1 - logits.double().softmax(dim=1).gather(1, members[:, None])[:, 0]
    return torch.bincount(members, doubt, minlength=logits.shape[1]) / len(logits)


def _logits(side: Statistics, extractor: Extractor) -> Tensor | None:
    if side.logits is not None or side.features is None:
        return side.logits
    return extractor.logits_of(side.features)


def listed(names: Sequence[str], most: int = NAMED) -> str:
    """Join names in a sentence; neighbouring whole numbers become ranges: ``0–6, 8, 9``."""
    runs = _runs(names) if all(name.isdecimal() and str(int(name)) == name for name in names) else list(names)
    more = f" and {len(runs) - most} more" if len(runs) > most else ""
    return ", ".join(runs[:most]) + more


def _runs(names: Sequence[str]) -> list[str]:
    runs: list[list[int]] = []
    for number in sorted(map(int, names)):
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    parts = [[f"{run[0]}–{run[-1]}"] if len(run) > 2 else list(map(str, run)) for run in runs]
    return [each for part in parts for each in part]
