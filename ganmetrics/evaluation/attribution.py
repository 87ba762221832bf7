"""Which images a score owes to: the influence of every fake on it, and of every class."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import torch

from ganmetrics.data import Reading
from ganmetrics.distributed import require
from ganmetrics.errors import StatisticsError, UsageError
from ganmetrics.evaluation.preparing import Facts, chosen_metrics, prepared
from ganmetrics.evaluation.result import Score, save_json
from ganmetrics.evaluation.scoring import Sides, scored
from ganmetrics.features.extraction import choose_device

if TYPE_CHECKING:
    import os

    from ganmetrics.evaluation.statistics import Statistics
    from ganmetrics.features import Extractor
    from ganmetrics.metrics import Metric

SCHEMA = 2


@dataclass(frozen=True)
class Attributed:
    """One fake image.

    Attributes
    ----------
    index : int
        Its place in the set, from 0.
    name : str
        Its path in the folder, where it has one.
    share : float
        About how much the score would change the other way without it.
    """

    index: int
    name: str
    share: float


@dataclass(frozen=True)
class AttributedClass:
    """The fakes of one class.

    Attributes
    ----------
    name : str
    count : int
    share : float
        The sum over its images.
    """

    name: str
    count: int
    share: float


@dataclass(frozen=True)
class Attribution:
    """What a score owes to each fake, to first order; the shares of all fakes add up to 0.

    Attributes
    ----------
    score : Score
    shares : Tensor, float64 [N]
        Of every fake, in the order of the set.
    raising, lowering : tuple of Attributed
        Those that move the score up most and down most, the strongest first.
    classes : tuple of AttributedClass
        The strongest first; empty where the fakes have no classes.
    """

    score: Score
    shares: torch.Tensor
    raising: tuple[Attributed, ...]
    lowering: tuple[Attributed, ...]
    classes: tuple[AttributedClass, ...] = ()

    def __str__(self) -> str:
        lines = [str(self.score), f"  {self.score.signature}"]
        for title, images in (("raise", self.raising), ("lower", self.lowering)):
            lines += ["", f"fakes that {title} it most, and by how much:"]
            lines += [f"  {each.share:+.4g}  {each.name or f'image {each.index}'}" for each in images]
        if self.classes:
            lines += ["", "by class:"]
            lines += [f"  {each.share:+.4g}  {each.name} ({each.count} images)" for each in self.classes]
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """The attribution as plain data, without the shares of all images."""
        groups = ("raising", "lowering", "classes")
        lists = {group: [asdict(each) for each in getattr(self, group)] for group in groups}
        return {"schema": SCHEMA, "score": self.score.to_dict(), **lists}

    def to_json(self) -> str:
        """The same as JSON text."""
        return json.dumps(self.to_dict(), indent=2, ensure_ascii=False)

    @property
    def warnings(self) -> tuple[str, ...]:
        """Those of the score."""
        return self.score.warnings

    def save(self, path: str | os.PathLike[str], *, force: bool = False) -> None:
        """Write the JSON under this name, as ``Result.save`` does."""
        save_json(self.to_json(), path, force=force)


def attribute(
    real: Any,
    fake: Any,
    *,
    metric: str | Metric = "fid",
    num_images: int = 10,
    extractor: str | Extractor | Callable[..., Any] | None = None,
    device: str | torch.device = "auto",
    batch_size: int | None = None,
    weights: str | os.PathLike[str] | None = None,
    reading: Reading | None = None,
) -> Attribution:
    """The fakes that move a score most, and the share of each class where the fakes have classes.

    Parameters
    ----------
    real, fake : as in ``evaluate``
        Saved statistics of fakes need their features; classes are sub-folders, or a data set's targets.
    metric : {"fid", "is"}
        One with an influence function of every image.
    num_images : int
        How many images to list each way.
    extractor, device, batch_size, weights, reading : as in ``evaluate``

    Returns
    -------
    Attribution

    Raises
    ------
    UsageError
        A metric that says nothing about single images; ``num_images`` below 1.
    InputError, StatisticsError, WeightsError, ResourceError
        As ``evaluate``.

    Notes
    -----
    The share of image i is its influence over the number of fakes: the derivative of the score as the image's weight
    grows. Leaving the image out changes the score by about minus that.
    """
    if num_images < 1:
        raise UsageError(f"num_images is {num_images}; it must be at least 1", where="num_images")
    choice = chosen_metrics([metric])
    chosen = choice.metrics[0]
    _check(chosen)
    facts = Facts(extractor, weights, reading or Reading(), choose_device(device), batch_size)
    require(facts.reading.engine, ("local", "ray"), "an attribution")
    extra = {"features"} if "sample" in chosen.influence_reads else set()
    sides = prepared({"real": real, "fake": fake}, choice, "fast", facts, {"fake": {"names", *extra}}).sides
    return attributed(sides.get("real"), sides["fake"], chosen, num_images)


def attributed(real: Statistics | None, fake: Statistics, chosen: Metric, num_images: int) -> Attribution:
    """The same of sets that were measured."""
    score = scored(Sides(real, fake), [chosen], "fast")[chosen.name]
    found = chosen.influences(real, SimpleNamespace(moments=fake.moments, sample=fake.features, logits=fake.logits))
    if found is None:
        raise StatisticsError("the saved statistics hold no rows of the fakes", hint="Name the images", code="E-KEPT")
    shares = found.fake / fake.count
    order = shares.argsort(descending=True, stable=True).tolist()
    ends = order[:num_images], order[::-1][:num_images]
    raising, lowering = (tuple(_attributed(index, shares, fake) for index in end) for end in ends)
    return Attribution(score, shares, raising, lowering, _by_class(shares, fake))


def _check(chosen: Metric) -> None:
    if chosen.name not in ("fid", "is"):
        what = f"{chosen.name} says nothing about single images"
        raise UsageError(what, where="metric", hint="Attribute fid or is")


def _attributed(index: int, shares: torch.Tensor, fake: Statistics) -> Attributed:
    return Attributed(index, fake.names[index] if fake.names else "", float(shares[index]))


def _by_class(shares: torch.Tensor, fake: Statistics) -> tuple[AttributedClass, ...]:
    if fake.labels is None:
        return ()
    rows = [(name, fake.labels == place) for place, name in enumerate(fake.classes)]
    found = [AttributedClass(name, int(is_in.sum()), float(shares[is_in].sum())) for name, is_in in rows]
    return tuple(sorted(found, key=lambda each: -each.share))
