"""The pictures of a report: which images are shown, and their pixels as data."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PIL import Image

from ganmetrics.diagnosis.diagnose import name_of
from ganmetrics.diagnosis.mode_collapse import is_uneven
from ganmetrics.diagnosis.unlike_reals import unlike_reals
from ganmetrics.errors import InputError
from ganmetrics.evaluation.attribute import CAUTION, attributed
from ganmetrics.metrics import metric
from ganmetrics.reporting.figures import low_modes

if TYPE_CHECKING:
    from torch import Tensor

    from ganmetrics.diagnosis.missing_modes import ModeShares
    from ganmetrics.diagnosis.pair import Pair
    from ganmetrics.measurement.statistics import Statistics

# Pixels of a side up to which a picture is stored as PNG; a larger one is stored as JPEG.
LOSSLESS = 48
QUALITY = 85
RANDOM, BESIDE, ATTRIBUTED = 32, 20, 16
# Generated images that an attribution needs.
LEAST = 3
MODES, OF_MODE = 12, 8
GROUPS, OF_GROUP = 8, 6
PAIRS = 12


@dataclass(frozen=True)
class Picture:
    """One image: its pixels as a data URL, its name, and a word below it."""

    source: str
    name: str
    note: str = ""
    is_small: bool = True


@dataclass(frozen=True)
class Row:
    """Pictures that belong together, under the title of what they have in common."""

    title: str
    pictures: tuple[Picture, ...]


@dataclass(frozen=True)
class Gallery:
    """Rows of pictures under one heading; ``is_beside`` puts rows beside each other, ``is_folded`` below a click."""

    name: str
    title: str
    caption: str
    rows: tuple[Row, ...]
    is_beside: bool = False
    is_folded: bool = False


def of_sets(real: Statistics | None, fake: Statistics) -> Iterator[Gallery]:
    """Yield random samples of both sides."""
    sides = [("real", real), ("fake", fake)]
    rows = [Row(f"{role}, at random", _pictures(side, _random(side))) for role, side in sides if side is not None]
    shown = tuple(row for row in rows if row.pictures)
    if shown:
        yield Gallery("samples", "Samples", "Images drawn at random, with a fixed seed.", shown)


def beside(sets: Mapping[str, Statistics | None]) -> Iterator[Gallery]:
    """Yield random samples of several sets in columns, so that they can be looked at together."""
    rows = [Row(name, _pictures(side, _random(side)[:BESIDE])) for name, side in sets.items() if side is not None]
    shown = tuple(row for row in rows if row.pictures)
    if shown:
        yield Gallery("samples", "Samples", "Images drawn at random, with a fixed seed.", shown, is_beside=True)


def _random(side: Statistics) -> list[int]:
    return [] if side.thumbnails is None else side.thumbnails.sample(RANDOM)


def attribution(real: Statistics | None, fake: Statistics) -> Iterator[Gallery]:
    """Yield the images that raise and lower FID most, where moments, features and pictures were kept."""
    if fake.thumbnails is None or fake.features is None or real is None or real.moments is None:
        return
    if len(fake.features) < max(fake.count, LEAST):
        return
    # Leave-one-out shares need the row of every image; a sample of the rows is not enough.
    found = attributed(real, fake, metric("fid"), ATTRIBUTED)
    rows = [
        Row(title, tuple(_picture(fake, each.index, f"{each.share:+.2g}") for each in images))
        for title, images in (("raise it most", found.raising), ("lower it most", found.lowering))
    ]
    caption = f"Below each image: FID less FID without the image. Most are negative where images are few. {CAUTION}"
    yield Gallery("attribution", "Images that contribute most to FID", caption, tuple(rows))


def of_pair(pair: Pair) -> Iterator[Gallery]:
    """Yield what a diagnosis speaks of: missing kinds, near-duplicates, and generated images near to real ones."""
    if pair.real.thumbnails is not None:
        yield from filter(None, [_missing(pair), _unlike(pair)])
    if pair.fake.thumbnails is not None:
        yield from filter(None, [_repeats(pair), _pairs(pair)])


def _missing(pair: Pair) -> Gallery | None:
    """Show real images of the classes, else of the clusters, that have too few generated images."""
    classes, found = pair.classes, pair.clusters
    if classes is not None and bool(classes.shares.is_low.any()):
        names, members, shares = classes.names, classes.real_members, classes.shares
    elif bool(found.shares.is_low.any()):
        names = tuple(f"cluster {place + 1}" for place in range(len(found.shares.real_counts)))
        members, shares = found.real_members, found.shares
    else:
        return None
    low = low_modes(shares)
    rows = tuple(
        Row(f"{names[place]}: {_shares(shares, place)}", _pictures(pair.real, _first(members, place)))
        for place in low[:MODES]
    )
    more = f" Shown are the {MODES} of {len(low)} kinds that lost most." if len(low) > MODES else ""
    return Gallery(
        "missing", "Real images with too few generated counterparts", f"Real images of each kind.{more}", rows
    )


def _unlike(pair: Pair) -> Gallery | None:
    """Show, where no classes are known and kinds are too rare, what the real images have and the generated ones not."""
    try:
        if pair.classes is not None or not is_uneven(pair):
            return None
    except InputError:
        # So few images tell nothing about kinds, and scores of them have a report all the same.
        return None
    groups = unlike_reals(pair)
    rows = tuple(Row(f"{len(group)} real images", _pictures(pair.real, group[:OF_MODE].tolist())) for group in groups)
    caption = (
        "Real images that a classifier tells most surely from the generated ones, in groups of like ones. They show "
        "which kinds are missing or rare."
    )
    return Gallery("unlike", "Real images that no generated image is like", caption, rows)


def _shares(shares: ModeShares, place: int) -> str:
    return f"{float(shares.real_shares[place]):.1%} of the reals, {float(shares.fake_shares[place]):.1%} of the fakes"


def _first(members: Tensor, place: int) -> list[int]:
    return (members == place).nonzero()[:OF_MODE, 0].tolist()


def _repeats(pair: Pair) -> Gallery | None:
    groups = pair.copies.groups
    if not groups:
        return None
    rows = tuple(Row(f"{len(group)} fakes", _pictures(pair.fake, group[:OF_GROUP])) for group in groups[:GROUPS])
    caption = f"Generated images that nearly equal each other: the largest {len(rows)} of {len(groups)} groups."
    return Gallery("repeats", "Near-duplicates among the generated images", caption, rows)


def _pairs(pair: Pair) -> Gallery | None:
    """Show the generated images nearest to a real image, each beside it."""
    if pair.real.thumbnails is None:
        return None
    ratios, places = pair.nearness.ratios, pair.nearness.places
    rows = []
    for index in ratios.argsort()[:PAIRS].tolist():
        real = int(places[index])
        pictures = (_picture(pair.fake, index, "fake"), _picture(pair.real, real, "real"))
        rows.append(Row(f"{float(ratios[index]):.2f}", pictures))
    caption = (
        "Generated images nearest to a real image, each beside it. The number is their distance, divided by that of "
        "the real image to its nearest other one: 0 is a copy, below 0.5 is rare among different images."
    )
    return Gallery("pairs", "Generated images and their nearest real images", caption, tuple(rows))


def _pictures(side: Statistics, places: Sequence[int]) -> tuple[Picture, ...]:
    return () if side.thumbnails is None else tuple(_picture(side, place) for place in places)


def _picture(side: Statistics, index: int, note: str = "") -> Picture:
    assert side.thumbnails is not None
    pixels = side.thumbnails[index]
    is_small = max(pixels.shape[1:]) <= LOSSLESS
    image, stream = Image.fromarray(pixels.permute(1, 2, 0).contiguous().numpy()), io.BytesIO()
    if is_small:
        image.save(stream, format="PNG", optimize=True)
    else:
        image.save(stream, format="JPEG", quality=QUALITY)
    kind, data = "png" if is_small else "jpeg", base64.b64encode(stream.getvalue()).decode()
    return Picture(f"data:image/{kind};base64,{data}", name_of(side, index), note, is_small)
