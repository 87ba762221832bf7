"""Scores of single generated images: realism, rarity, the nearest real image, the share of FID, the class."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganmetrics._files import atomic_write, check_writable, disk_errors
from ganmetrics._report import Report
from ganmetrics._table import Cell, Note, Table
from ganmetrics.data import Source
from ganmetrics.distributed import require
from ganmetrics.errors import StatisticsError, UsageError
from ganmetrics.measurement.sides import Side, open_side
from ganmetrics.metrics import metric
from ganmetrics.metrics.nearest import nearest_neighbors
from ganmetrics.metrics.needs import FEATURES, LABELS, NAMES
from ganmetrics.metrics.rarity import rarity_scores
from ganmetrics.metrics.realism import realism_scores
from ganmetrics.scoring.cautions import alarms
from ganmetrics.scoring.keywords import MeasuringKeywords, Settings, shows
from ganmetrics.scoring.plan import chosen_metrics, measured_sets

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from ganmetrics.measurement.statistics import Statistics
    from ganmetrics.metrics.needs import Need

SCHEMA = 1
SUFFIXES = (".csv", ".parquet")
# Images that a terminal lists.
LISTED = 10


@dataclass(frozen=True)
class ImageScores:
    """The scores of one generated image.

    Attributes
    ----------
    image : str
        Its name, else its index in the set.
    realism : float
        How deep it lies in the manifold of real images; 1 or more is on it.
    rarity : float
        How sparse real images are around it, in units of the features; infinite off the manifold.
    nearest_real : str
        The name or the index of the nearest real image.
    distance : float
        To that image, in units of the features; 0 is a copy.
    fid_share : float
        FID less FID without the image: what it adds to FID.
    label : str
        Its own class, else that of the nearest real image; empty where no image has one.
    """

    image: str
    realism: float
    rarity: float
    nearest_real: str
    distance: float
    fid_share: float
    label: str


@dataclass(frozen=True, repr=False)
class PerImage(Report):
    """The scores of every generated image, in the order of the set.

    Attributes
    ----------
    images : tuple of ImageScores
    warnings : tuple of str
        What is hardly meant about the images.
    """

    images: tuple[ImageScores, ...]
    warnings: tuple[str, ...] = ()

    def __str__(self) -> str:
        worst = PerImage(tuple(sorted(self.images, key=lambda one: one.realism)[:LISTED]))
        return f"{len(self.images):,} images, the least real first:\n\n{worst.table().text()}"

    def table(self) -> Table:
        """Return a table with a row for each image."""
        heads = ("Image", "Realism ↑", "Rarity", "Nearest real", "Distance", "FID share", "Class")
        rows = tuple(
            (Cell(one.image), *map(_number, (one.realism, one.rarity)), Cell(one.nearest_real), _number(one.distance),
             _number(one.fid_share), Cell(one.label))
            for one in self.images
        )  # fmt: skip
        words = "Realism of 1 or more is on the manifold of real images; FID share: FID less FID without the image"
        return Table(heads, rows, (Note(words),), tuple(asdict(one) for one in self.images))

    def to_dict(self) -> dict[str, Any]:
        """Return the scores as plain data; numbers that are not finite are ``None``."""
        images = [_plain(asdict(one)) for one in self.images]
        return {"schema": SCHEMA, "images": images, "warnings": list(self.warnings)}

    def save_table(self, path: str | os.PathLike[str], *, force: bool = False) -> None:
        """Write one row for each image, whole or not at all.

        Parameters
        ----------
        path : path
            A name that ends in ``.csv`` or ``.parquet``.
        force : bool
            Overwrite a file that exists.

        Raises
        ------
        UsageError
            Another ending, a file that exists and ``force`` is false, or a package that is not installed.
        ResourceError
            The folder is missing or the disk is full.
        """
        target = check_table(path, force=force)
        frame = None if target.suffix == ".csv" else self.to_pandas()
        with disk_errors(target), atomic_write(target) as stream:
            if frame is None:
                stream.write(self.to_csv().encode() + b"\n")
            else:
                frame.to_parquet(stream, index=False)


def check_table(path: str | os.PathLike[str], *, force: bool = False) -> Path:
    """Refuse, before any long work, a file that a table cannot be written to (UsageError, ResourceError)."""
    target = check_writable(path, force=force)
    if target.suffix not in SUFFIXES:
        what = f"a table is written as {' or '.join(SUFFIXES)}, not as {target.suffix or 'a file without an ending'}"
        raise UsageError(what, where=str(target), hint="Name the file scores.csv or scores.parquet", code="E-OUTPUT")
    return target


@shows(MeasuringKeywords)
def per_image(real: Any, fake: Any, **settings: Unpack[MeasuringKeywords]) -> PerImage:
    """Score every generated image by itself.

    Use it to sort, filter and look at images, or to plot their scores. It does not replace the scores of the whole set.

    Parameters
    ----------
    real, fake : path, array, tensor, Dataset, DataLoader, Source or Statistics
        Two sets of images, in this order. Saved statistics need their features.
    extractor, device, batch_size, weights, reading
        ``evaluate`` takes the same.

    Returns
    -------
    PerImage

    Raises
    ------
    InputError, StatisticsError, WeightsError, ResourceError
        Images, statistics or weights that cannot be read; sets of three images or fewer.
    """
    common = Settings.of(per_image, settings)
    require(common.reading.engine, ("local", "ray"), "scores of single images")
    fid = metric("fid")
    given = {"real": real, "fake": fake}
    opened = {role: open_side(side, common.reading, common.extractor) for role, side in given.items()}
    more = {role: {FEATURES, NAMES, *fid.losses_reads, *_labels_of(side)} for role, side in opened.items()}
    sides = measured_sets(opened, chosen_metrics(["realism", fid]), common, more).sides
    warnings = tuple(each.sentence for each in alarms({"real": sides["real"], "fake": sides["fake"]}))
    return PerImage(tuple(_scores(sides["real"], sides["fake"])), warnings)


def _labels_of(side: Side) -> list[Need]:
    """Return what to keep of the classes of a set: they are no error where they are not known."""
    return [LABELS] if isinstance(side, Source) and side.known_classes()[0] is not None else []


def _scores(real: Statistics, fake: Statistics) -> Iterator[ImageScores]:
    for role, side in (("real", real), ("fake", fake)):
        if side.features is None or len(side.features) != side.count:
            what = f"the features of every {role} image are needed, and not all are at hand"
            raise StatisticsError(what, where=side.source or role, hint="Name the images", code="E-KEPT")
    assert real.features is not None and fake.features is not None
    chosen = metric("fid")
    assert chosen.losses is not None
    near = nearest_neighbors(real.features, fake.features)
    places = near.places.tolist()
    columns = zip(
        realism_scores(real.features, fake.features).tolist(),
        rarity_scores(real.features, fake.features).tolist(),
        near.distances.tolist(),
        chosen.losses(real.moments, *(need.of(fake) for need in chosen.losses_reads), **chosen.settings).tolist(),
        strict=True,
    )
    for index, (real_at, (realism, rarity, distance, share)) in enumerate(zip(places, columns, strict=True)):
        label = _label(fake, index) or _label(real, real_at)
        yield ImageScores(_name(fake, index), realism, rarity, _name(real, real_at), distance, share, label)


def _name(side: Statistics, index: int) -> str:
    return side.names[index] if side.names else f"image {index}"


def _label(side: Statistics, index: int) -> str:
    if side.labels is None:
        return ""
    label = int(side.labels[index])
    return side.classes[label] if side.classes else str(label)


def _number(value: float) -> Cell:
    return Cell("∞" if math.isinf(value) else f"{value:.4g}", is_number=True)


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: None if isinstance(one, float) and not math.isfinite(one) else one for key, one in values.items()}
