"""Attribute a score to images and classes: how much does each generated image contribute?"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import torch

from ganmetrics._arguments import whole
from ganmetrics._report import Report
from ganmetrics.distributed import require
from ganmetrics.errors import StatisticsError, UsageError
from ganmetrics.metrics.needs import NAMES
from ganmetrics.scoring.keywords import MeasuringKeywords, Settings, shows
from ganmetrics.scoring.plan import chosen_metrics, measured_sets
from ganmetrics.scoring.result import Score
from ganmetrics.scoring.score import Sides, scored

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from ganmetrics.measurement.statistics import Statistics
    from ganmetrics.metrics import Metric

SCHEMA = 2


@dataclass(frozen=True)
class Attributed:
    """The share of one generated image.

    Attributes
    ----------
    index : int
        The index of the image in the set, from 0.
    name : str
        The path of the image in the folder; empty where it has none.
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
    """The share of the generated images of one class.

    Attributes
    ----------
    name : str
    count : int
        How many generated images the class has.
    share : float
        The sum, over the images of the class, of their shares less the mean share of all generated images.
    """

    name: str
    count: int
    share: float


@dataclass(frozen=True)
class Attribution(Report):
    """How much each generated image contributes to a score.

    Attributes
    ----------
    score : Score
    shares : Tensor, float64 [N]
        The score less the score without the image, for every generated image in the order of the set.
    raising, lowering : tuple of Attributed
        The images with the largest and with the smallest shares, the strongest first.
    classes : tuple of AttributedClass
        The classes with the largest shares first; empty where the generated images have no classes.
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
        """Return the attribution as plain data, without the shares of all images."""
        groups = ("raising", "lowering", "classes")
        lists = {group: [asdict(each) for each in getattr(self, group)] for group in groups}
        return {"schema": SCHEMA, "score": self.score.to_dict(), **lists}

    @property
    def warnings(self) -> tuple[str, ...]:
        """What makes the score easily misread."""
        return self.score.warnings


@shows(MeasuringKeywords)
def attribute(
    real: Any,
    fake: Any,
    *,
    metric: str | Metric = "fid",
    num_images: int = 10,
    **settings: Unpack[MeasuringKeywords],
) -> Attribution:
    """Say which generated images, and which of their classes, raise and lower a score most.

    Parameters
    ----------
    real, fake : path, array, tensor, Dataset, DataLoader, Source or Statistics
        Two sets of images, in this order. Saved statistics of generated images need their features. Classes are
        sub-folders, or a data set's targets.
    metric : {"fid", "is"}
        A score of which every image's part is known.
    num_images : int
        How many images to list at each end.
    extractor, device, batch_size, weights, reading
        ``evaluate`` takes the same.

    Returns
    -------
    Attribution

    Raises
    ------
    UsageError
        A metric that says nothing about single images; ``num_images`` below 1.
    InputError, StatisticsError, WeightsError, ResourceError
        Images, statistics or weights that cannot be read.

    Notes
    -----
    The share of an image is the score less the score without the image, exact for every image and any number of them
    (``numerics.leave_one_out``). FID depends on the number of images: where they are hardly more than the dimensions,
    it is higher without nearly any image, and all shares are negative. The Inception Score leaves an image out of its
    split. The share of a class is the sum over its images, each left out alone, less as many mean shares.
    """
    common = Settings.of(attribute, settings)
    whole(num_images, "num_images", 1)
    choice = chosen_metrics([metric])
    chosen = choice.metrics[0]
    _check(chosen)
    require(common.reading.engine, ("local", "ray"), "an attribution")
    # Names and features of the generated images are kept beyond what the metric itself reads.
    extra = {"fake": {NAMES, *chosen.losses_reads}}
    sides = measured_sets({"real": real, "fake": fake}, choice, common, extra).sides
    return attributed(sides.get("real"), sides["fake"], chosen, num_images)


def attributed(real: Statistics | None, fake: Statistics, chosen: Metric, num_images: int) -> Attribution:
    """Attribute a score of sets whose statistics are already computed."""
    score = scored(Sides(real, fake), [chosen], "fast")[chosen.name]
    assert chosen.losses is not None
    rows = [need.of(fake) for need in chosen.losses_reads]
    if any(each is None or len(each) != fake.count for each in rows):
        raise StatisticsError("the saved statistics hold no rows of the fakes", hint="Name the images", code="E-KEPT")
    shares = chosen.losses(real and real.moments, *rows, **chosen.settings)
    # Images of equal share keep the order of the set, so that the same sets give the same list.
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
    # A class of many images has a large sum of shares in any case, so the mean share of all images is taken off.
    beyond = shares - shares.mean()
    found = [AttributedClass(name, int(is_in.sum()), float(beyond[is_in].sum())) for name, is_in in rows]
    return tuple(sorted(found, key=lambda each: -each.share))
