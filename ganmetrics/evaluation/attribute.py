"""How much each fake image, and each class of them, contributes to a score: what the score is without the image."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import torch

from ganmetrics._arguments import whole
from ganmetrics._report import Report
from ganmetrics.data import Reading
from ganmetrics.data.source import chosen_reading
from ganmetrics.distributed import require
from ganmetrics.errors import StatisticsError, UsageError
from ganmetrics.extractors.extraction import choose_device
from ganmetrics.metrics.needs import NAMES
from ganmetrics.scoring.plan import Facts, chosen_metrics, prepared
from ganmetrics.scoring.result import Score
from ganmetrics.scoring.score import Sides, scored

if TYPE_CHECKING:
    import os

    from ganmetrics.extractors import Extractor
    from ganmetrics.measurement.statistics import Statistics
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
        The score less the score without the image, exactly.
    """

    index: int
    name: str
    share: float

    @property
    def title(self) -> str:
        """What the image is called in tables: its name, else its index."""
        return self.name or f"image {self.index}"


@dataclass(frozen=True)
class AttributedClass:
    """The fakes of one class.

    Attributes
    ----------
    name : str
    count : int
    share : float
        The sum over its images of their shares less the mean share of all fakes.
    """

    name: str
    count: int
    share: float


@dataclass(frozen=True)
class Attribution(Report):
    """How much each fake contributes to a score.

    Attributes
    ----------
    score : Score
    shares : Tensor, float64 [N]
        The score less the score without the image, for every fake in the order of the set.
    raising, lowering : tuple of Attributed
        The images with the largest and with the smallest shares, the strongest first.
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
        for title, images in (("largest", self.raising), ("smallest", self.lowering)):
            lines += ["", f"fakes with the {title} share (the score less the score without the image):"]
            lines += [f"  {each.share:+.4g}  {each.title}" for each in images]
        if bool((self.shares < 0).all()):
            lines += ["", "without any single image the score is higher, because it depends on the number of images"]
        if self.classes:
            lines += ["", "classes (their shares less those of as many mean images):"]
            lines += [f"  {each.share:+.4g}  {each.name} ({each.count} images)" for each in self.classes]
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """The attribution as plain data, without the shares of all images."""
        groups = ("raising", "lowering", "classes")
        lists = {group: [asdict(each) for each in getattr(self, group)] for group in groups}
        return {"schema": SCHEMA, "score": self.score.to_dict(), **lists}

    @property
    def warnings(self) -> tuple[str, ...]:
        """Those of the score."""
        return self.score.warnings


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
    """Say which fakes raise and lower a score most, by leaving each out, and which classes do.

    Parameters
    ----------
    real, fake : as in ``evaluate``
        Saved statistics of fakes need their features; classes are sub-folders, or a data set's targets.
    metric : {"fid", "is"}
        A score of which every image's part is known.
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
    The share of an image is the score less the score without the image, exact for every image and any number of them
    (``numerics.leave_one_out``). FID depends on the number of images: where they are hardly more than the dimensions,
    it is higher without nearly any image, and all shares are negative. The Inception Score leaves an image out of its
    split. The share of a class is the sum over its images, each left out alone, less as many mean shares.
    """
    whole(num_images, "num_images", 1)
    choice = chosen_metrics([metric])
    chosen = choice.metrics[0]
    _check(chosen)
    facts = Facts(extractor, weights, chosen_reading(reading), choose_device(device), batch_size)
    require(facts.reading.engine, ("local", "ray"), "an attribution")
    extra = {"fake": {NAMES, *chosen.losses_reads}}
    sides = prepared({"real": real, "fake": fake}, choice, "fast", facts, extra).sides
    return attributed(sides.get("real"), sides["fake"], chosen, num_images)


def attributed(real: Statistics | None, fake: Statistics, chosen: Metric, num_images: int) -> Attribution:
    """The same of sets that were measured."""
    score = scored(Sides(real, fake), [chosen], "fast")[chosen.name]
    assert chosen.losses is not None
    rows = [need.of(fake) for need in chosen.losses_reads]
    if any(each is None or len(each) != fake.count for each in rows):
        raise StatisticsError("the saved statistics hold no rows of the fakes", hint="Name the images", code="E-KEPT")
    shares = chosen.losses(real and real.moments, *rows, **chosen.settings)
    order = shares.argsort(descending=True, stable=True).tolist()
    ends = order[:num_images], order[::-1][:num_images]
    raising, lowering = (tuple(_attributed(index, shares, fake) for index in end) for end in ends)
    return Attribution(score, shares, raising, lowering, _by_class(shares, fake))


def _check(chosen: Metric) -> None:
    if chosen.losses is None:
        what = f"{chosen.name} says nothing about single images"
        raise UsageError(what, where="metric", hint="Attribute fid or is")


def _attributed(index: int, shares: torch.Tensor, fake: Statistics) -> Attributed:
    return Attributed(index, fake.names[index] if fake.names else "", float(shares[index]))


def _by_class(shares: torch.Tensor, fake: Statistics) -> tuple[AttributedClass, ...]:
    if fake.labels is None:
        return ()
    rows = [(name, fake.labels == place) for place, name in enumerate(fake.classes)]
    beyond = shares - shares.mean()
    found = [AttributedClass(name, int(is_in.sum()), float(beyond[is_in].sum())) for name, is_in in rows]
    return tuple(sorted(found, key=lambda each: -each.share))
