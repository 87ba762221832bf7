"""Attribute a score to images: how does it change when one generated image is left out?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import torch

from ganmetrics._arguments import whole
from ganmetrics._report import Report
from ganmetrics._table import Cell, Note, Table
from ganmetrics.distributed import require
from ganmetrics.errors import StatisticsError, UsageError
from ganmetrics.metrics.needs import NAMES
from ganmetrics.scoring.keywords import MeasuringKeywords, Settings, shows
from ganmetrics.scoring.plan import chosen_metrics, measured_sets
from ganmetrics.scoring.result import Score
from ganmetrics.scoring.score import Sides
from ganmetrics.scoring.scored import scored

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from ganmetrics.measurement.statistics import Statistics
    from ganmetrics.metrics import Metric

# Schema 2 summed the shares of each class.
SCHEMA = 3
CAUTION = (
    "A share says what one image does to the score, not how good it looks. An image of a kind that is drawn too "
    "rarely, or blurred, may make the score better, because that kind is missed more without it. `ganmetrics diagnose` "
    "judges kinds of images."
)


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


@dataclass(frozen=True, repr=False)
class Attribution(Report):
    """How a score changes when one generated image is left out.

    Attributes
    ----------
    score : Score
    shares : Tensor, float64 [N]
        The score less the score without the image, for every generated image in the order of the set. An image with a
        positive share raises the score, which is worse for FID and better for the Inception Score.
    raising, lowering : tuple of Attributed
        The images that raise and that lower the score most, the strongest first.

    Notes
    -----
    A share is not the quality of an image. An image of a class that is drawn too rarely, or blurred, may lower FID,
    because without it the class is missed more. ``diagnose`` and the metric ``class_fid`` judge classes.
    """

    score: Score
    shares: torch.Tensor
    raising: tuple[Attributed, ...]
    lowering: tuple[Attributed, ...]

    def __str__(self) -> str:
        lines = [str(self.score), f"  {self.score.signature}"]
        name, is_good = self.score.title, self.score.higher_is_better
        for way, images, is_better in (("raise", self.raising, is_good), ("lower", self.lowering, not is_good)):
            what = f"generated images that {way} {name} most, which is {'better' if is_better else 'worse'}"
            lines += ["", f"{what} ({name} less {name} without the image):"]
            lines += [f"  {each.share:+.4g}  {each.title}" for each in images]
        if bool((self.shares < 0).all()):
            lines += ["", "without any single image the score is higher, because it depends on the number of images"]
        return "\n".join([*lines, "", CAUTION])

    def by_set(self) -> Mapping[str, Mapping[str, Score]]:
        """Return the score that is attributed."""
        return {"fake": {self.score.name: self.score}}

    def table(self) -> Table:
        """Return the images that raise and that lower the score most as a table."""
        heads, groups = ("Image", "Way", "Share"), (("raises", self.raising), ("lowers", self.lowering))
        given = [(each, way) for way, images in groups for each in images]
        rows = tuple((Cell(each.title), Cell(way), Cell(f"{each.share:+.4g}", is_number=True)) for each, way in given)
        records = tuple({"image": each.title, "way": way, "share": each.share} for each, way in given)
        notes = (Note(str(self.score)), Note("", str(self.score.signature)), Note(CAUTION))
        return Table(heads, rows, notes, records)

    def to_dict(self) -> dict[str, Any]:
        """Return the attribution as plain data, without the shares of all images."""
        groups = ("raising", "lowering")
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
    """Say which generated images raise and lower a score most.

    Use it to look at single images that FID objects to. For classes use ``diagnose``, which scores each by itself.

    Parameters
    ----------
    real, fake : path, array, tensor, Dataset, DataLoader, Source or Statistics
        Two sets of images, in this order. Saved statistics of generated images need their features.
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
    split. A share is not the quality of an image (``Attribution``).
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
    return Attribution(score, shares, raising, lowering)


def _check(chosen: Metric) -> None:
    if chosen.losses is None:
        what = f"{chosen.name} says nothing about single images"
        raise UsageError(what, where="metric", hint="Attribute fid or is")


def _attributed(index: int, shares: torch.Tensor, fake: Statistics) -> Attributed:
    return Attributed(index, fake.names[index] if fake.names else "", float(shares[index]))
