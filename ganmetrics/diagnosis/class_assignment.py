"""The classes of both sets: by the real images' labels, or by a network that is a classifier."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import torch

from ganmetrics.diagnosis.class_probabilities import ClassProbabilities, by_labels
from ganmetrics.diagnosis.limits import Number
from ganmetrics.diagnosis.missing_modes import ModeShares, mode_shares
from ganmetrics.numerics.label_shift import class_shares, confusion_variance, share_distance

if TYPE_CHECKING:
    from torch import Tensor

    from ganmetrics.extractors import Extractor
    from ganmetrics.measurement.statistics import Statistics

# Labels that features tell less often than this beyond chance name no kinds of image (Cohen's kappa).
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
        The most probable class of each image. Both sides err alike.
    shares : ModeShares
        How many images each class has, corrected for what is taken for another class.
    gap : Number
        How far the shares of classes differ between both sets.
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
    gap: Number
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
    return _by_labels(real, fake, extractor, neighbors) or _by_classifier(real, fake, extractor)


def _by_labels(
    real: Statistics, fake: Statistics, extractor: Extractor | None, neighbors: tuple[Tensor, Tensor]
) -> Classes | None:
    """Learn the classes from the real images; their own counts are exact."""
    if real.labels is None or not 1 < len(real.classes) <= MOST or real.features is None or fake.features is None:
        return None
    count = len(real.classes)
    found = by_labels((real.features, fake.features), real.labels, neighbors, count)
    counts = torch.bincount(real.labels, minlength=count)
    shares = counts.double() / counts.sum()
    chance = float(shares.square().sum())
    if found.accuracy - chance < LEAST_KAPPA * (1 - chance):
        return None
    method = f"{found.method}, right for {found.accuracy:.0%} of the reals"
    of_fake = class_shares(found.fake / shares.clamp(min=1 / len(real.labels)))
    return _classes(found, (counts, _counts(of_fake, len(found.fake))), _named(real.classes, extractor), method)


def _named(classes: tuple[str, ...], extractor: Extractor | None) -> tuple[tuple[str, ...], str]:
    """Return the names of classes and their noun; bare numbers of a classifier's classes get its names."""
    if extractor is not None and classes == tuple(map(str, range(len(extractor.class_names)))):
        return extractor.class_names, extractor.class_noun
    return classes, "classes"


def _by_classifier(real: Statistics, fake: Statistics, extractor: Extractor | None) -> Classes | None:
    """Take the classifier's own probabilities, by which its confusion is corrected on both sides."""
    if extractor is None or not extractor.class_names:
        return None
    logits = [_logits(side, extractor) for side in (real, fake)]
    if logits[0] is None or logits[1] is None:
        return None
    sides = [each.double().softmax(dim=1) for each in logits if each is not None]
    method = f"classifier {extractor.name}"
    counts = [_counts(class_shares(side), len(side)) for side in sides]
    names = extractor.class_names, extractor.class_noun
    return _classes(ClassProbabilities(sides[0], sides[1], math.nan, method), (counts[0], counts[1]), names, method)


def _classes(
    found: ClassProbabilities, counts: tuple[Tensor, Tensor], names: tuple[tuple[str, ...], str], method: str
) -> Classes:
    return Classes(
        names=names[0],
        noun=names[1],
        real_members=found.real.argmax(dim=1),
        fake_members=found.fake.argmax(dim=1),
        shares=mode_shares(*counts, confusion_variance(found.real)),
        gap=Number(*share_distance(found.real, found.fake)),
        method=method,
        num_real=int((counts[0] > 0).sum()),
    )


def _counts(shares: Tensor, total: int) -> Tensor:  # [K] -> int64 [K]
    """Return whole numbers of images that sum to the total."""
    ends = (shares.cumsum(dim=0) * total).round().long()
    return torch.diff(ends, prepend=torch.zeros(1, dtype=torch.int64))


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
