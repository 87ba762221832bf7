"""Cautions: what makes a valid score easily misread, as sentences."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from ganmetrics.data.places.paths import UNREAD_SUFFIXES
from ganmetrics.extractors import EXTRACTORS
from ganmetrics.extractors.extractor import ExtractorRecord
from ganmetrics.metrics.needs import MOMENTS

if TYPE_CHECKING:
    from ganmetrics.measurement.statistics import Statistics
    from ganmetrics.metrics import Metric

# Images below which the literature's FIDs do not compare.
FEW = 10_000
# Images in a split below which the Inception Score is clearly biased.
THIN_SPLIT = 1000
# Images in one half of the range reach a little beyond its middle where bicubic resizing overshoots. Of 20,000 pairs of
# images of MNIST, Fashion-MNIST, CIFAR-10 and emoji at most seven stayed in a half, and of larger sets none.
BELOW, ABOVE = 112, 143
# The shares of the range that many images, and that few images, fill at least.
MIDDLE, NARROW = 0.505, 0.33
# Pixel values of 16 bits that become one of 8 bits.
DEEP = 257
# Pixel values that are few, and the number of images from which it shows.
FEW_VALUES, FEW_IMAGES = 32, 20
# Share of copies, or of images of one colour, from which a caution is given.
SHARE = 0.01
KINDS = {
    "exif-rotated": 'an EXIF orientation, which was ignored (`exif="transpose"` applies it)',
    "icc": "a colour profile, which was ignored",
    "cmyk": "CMYK colours, converted without a profile",
    "12-bit": "12 bits a channel, reduced to 8",
    "16-bit": "16 bits a channel, reduced to 8",
    "32-bit": "numbers of 32 bits, scaled to 8 as `levels` says",
    "8-bit": "8 bits a channel, to which `levels` does not apply",
    "clipped": "pixel values outside of `levels`, which became black or white",
    "alpha": "transparent pixels, treated as `alpha` says",
    "first-frame": "several frames, of which the first was taken",
    "wrong-extension": "a file name that does not fit their content",
    "flat": "one colour all over",
}
TURNED = "an EXIF orientation, which was applied; peers ignore it"


class Caution(NamedTuple):
    """One thing to be careful about.

    Attributes
    ----------
    key : str
        The kind of caution: a kind of image, ``range``, ``copies``, ``sizes``, ``formats`` and so on.
    sentence : str
    share : float
        The share of the images of its set that the caution is about, in 0..1.
    """

    key: str
    sentence: str
    share: float = 1.0


def cautions(
    real: Statistics | None, fake: Statistics, metrics: Sequence[Metric], test: Statistics | None = None
) -> list[str]:
    """List all cautions about the sets, alone and together, and about the metrics; alarms come first."""
    first = alarms({"real": real, "fake": fake, "test": test})
    sentences = [caution.sentence for caution in (*first, *of_inputs(real, fake))]
    if real is not None and any(MOMENTS in metric.reads for metric in metrics):
        real = real.serving([MOMENTS])
        dim = len(fake.moments.mean) if fake.moments is not None else 0
        counts = [("real", real.count), ("fake", fake.count)]
        if any(0 < count <= dim for _, count in counts):
            text = " and ".join(f"{count} {role}" for role, count in counts if 0 < count <= dim)
            sentences.append(f"{text} images for {dim} dimensions: the covariance is singular and FID is mostly bias")
        elif any(0 < count < FEW for _, count in counts):
            least = min(count for _, count in counts if count)
            sentences.append(f"FID is biased upward at {least} images; compare it only with scores at the same counts")
        if real.count != fake.count and real.count and fake.count:
            told = f"the counts differ, {real.count} real and {fake.count} fake; published FIDs name both"
            sentences.append(told)
        if real.count == 0 or fake.count == 0:
            sentences.append("the saved statistics do not say of how many images they are")
    for metric in metrics:
        splits = int(metric.settings.get("splits", 0))
        if splits and fake.count < THIN_SPLIT * splits:
            size = fake.count // splits
            sentences.append(f"IS is biased downward in splits of {size} images; the literature takes 5,000 in each")
    return sentences


def of_inputs(real: Statistics | None, fake: Statistics) -> list[Caution]:
    """List the cautions about the images themselves beside alarms, whatever is scored."""
    sides = [("fake", fake)] if real is None else [("real", real), ("fake", fake)]
    alone = [caution for role, side in sides for caution in _alone(role, side)]
    return alone if real is None else [*alone, *_together(real, fake)]


def alarms(sides: Mapping[str, Statistics | None]) -> list[Caution]:
    """List what was hardly meant, by the roles of the sets: an unfilled range, a network made for other images."""
    known = [(role, side) for role, side in sides.items() if side is not None]
    return [caution for kind in (_range, _domain) for role, side in known for caution in kind(role, side)]


def _range(role: str, side: Statistics) -> Iterator[Caution]:
    ones, filled = side.notes.kinds["levels-0-1"], side.filled
    if ones:
        text = f"{role}: {ones} of {side.count} images have no level above 1 of 255"
        cause = "they look like images in 0..1 that were saved without scaling"
        yield Caution("levels-0-1", f"{text}: {cause}", ones / side.count)
    # Images of one colour, and those without a level above 1, have a caution of their own.
    if filled is None or filled.in_use == 1 or ones > side.count / 2:
        return
    halves = (filled.low >= BELOW, filled.high <= ABOVE)
    if any(halves) or filled.share <= (MIDDLE if side.count >= FEW_IMAGES else NARROW):
        where = {(True, False): "never below the middle, ", (False, True): "never above the middle, "}.get(halves, "")
        text = f"{role}: the pixel values fill {filled.share:.0%} of the range 0..255: they lie in"
        told = f"{text} {filled.low}..{filled.high}, {where}{filled.in_use} values in use"
        yield Caution("range", f"{told}. {_range_hint(side, is_upper=halves == (True, False))}")
    elif filled.in_use <= FEW_VALUES and side.count >= FEW_IMAGES:
        text = f"{role}: only {filled.in_use} values of the range 0..255 are in use"
        yield Caution("range", f"{text}. Images that were rounded before they were scaled look so")


def _range_hint(side: Statistics, *, is_upper: bool) -> str:
    """Say what to do about images that fill little of the range, by where they come from."""
    levels = [choice for choice in side.recipe.reading if choice.startswith("levels=")]
    if side.notes.kinds["16-bit"] > side.count / 2 and not levels:
        bits = math.ceil(math.log2(max(2, DEEP * side.filled.high - DEEP // 2))) if side.filled else 16
        if bits == 16:
            return "Their black and white may be others: state both, as in `gm.Reading(levels=(0, 4095))`"
        option = f"`gm.Reading(levels=(0, {2**bits - 1}))`"
        return f"Images of {bits} bits in files of 16 look so: state their black and white, as in {option}"
    if levels:
        return f"Look at `levels`, which was {levels[0].partition('=')[2]}"
    if side.notes.formats:
        return "Scale images to 0..255 before they are saved"
    cause = "images in 0..1 look so under (-1, 1)" if is_upper else "images look so under a range wider than their own"
    return f"Check the declared value_range, or the scaling of uint8 images: {cause}"


def network_record(side: Statistics) -> ExtractorRecord | None:
    """Return what is known of the network that made a set's features; ``None`` for one of the caller's."""
    is_callers = side.recipe.network.startswith("custom-")
    return None if is_callers else EXTRACTORS.get(re.split("[:@+]", side.recipe.extractor)[0])


def outside_domain(side: Statistics) -> str:
    """Say what a network was made for and what it was given, where these differ; empty where nothing is known to."""
    record = network_record(side)
    if record is None:
        return ""
    domain, is_coloured = record.domain, side.filled is not None and side.filled.is_coloured
    is_large = 0 < domain.most_pixels < max(side.notes.sizes.most_common(1)[0][0] if side.notes.sizes else (0,))
    if is_large or (domain.is_grey and is_coloured):
        given = f"{_commonest(side)} images{' in colour' * is_coloured}".strip()
        return f"the network {record.name} was made for {domain.images} and was given {given}"
    return ""


def _domain(role: str, side: Statistics) -> Iterator[Caution]:
    if text := outside_domain(side):
        hint = "Its features say little about these: use inception, colour, or a network trained on such images"
        yield Caution("domain", f"{role}: {text}. {hint}")


def _alone(role: str, side: Statistics) -> Iterator[Caution]:
    notes = side.notes
    yield from (Caution("reading", f"{role}: {sentence}") for sentence in notes.warnings)
    # Remarks about classes are no trouble of the images.
    yield from (Caution("classes", f"{role}: {sentence}", 0.0) for sentence in notes.remarks)
    if "-custom:" in side.recipe.network:
        text = "the weights are not the published ones; the score compares only with others of the same file"
        yield Caution("weights", f"{role}: {text}")
    if side.skipped:
        total = side.skipped + side.count
        text = f"{role}: {side.skipped} unreadable images were left out of {total}"
        yield Caution("skipped", text, side.skipped / total)
    for kind, words in KINDS.items():
        # A few images of one colour may well be meant.
        if notes.kinds[kind] > (SHARE * side.count if kind == "flat" else 0):
            told = TURNED if kind == "exif-rotated" and "exif=transpose" in side.recipe.reading else words
            text = f"{role}: {notes.kinds[kind]} of {side.count} images have {told}"
            yield Caution(kind, text, notes.kinds[kind] / side.count)
    # Pictures of kinds that are not read, and images that may lie in the folder by mistake.
    unread = {suffix: number for suffix, number in notes.ignored.items() if suffix in UNREAD_SUFFIXES}
    if unread:
        listed = ", ".join(f"{suffix} {number}" for suffix, number in unread.items())
        share = sum(unread.values()) / (sum(unread.values()) + side.count)
        yield Caution("unread", f"{role}: files of kinds that are not read were left out: {listed}", share)
    outside, inside = notes.depths[0], notes.depths.total() - notes.depths[0]
    if outside and inside > 0:
        text = f"{role}: {outside} images lie in the folder itself and {inside} in its sub-folders; all are scored"
        yield Caution("depths", text, min(inside, outside) / notes.depths.total())
    yield from _roles(role, side)
    if any(min(size) < 2 for size in notes.sizes):
        yield Caution("thin", f"{role}: some images are a single pixel high or wide")
    if role == "fake" and len(notes.sizes) > 1:
        text = f"fake: the images have {len(notes.sizes)} different sizes, which generators rarely make"
        yield Caution("sizes", text)
    distinct = side.pixels.distinct()
    copies = len(side.pixels) - distinct
    # Digests of pixels tell copies exactly, whatever the files' names and formats.
    if len(side.pixels) > 1 and distinct == 1:
        yield Caution("identical", f"{role}: all {side.count} images are identical")
    elif copies > SHARE * len(side.pixels):
        text = f"{role}: {copies} of {side.count} images are exact copies of others in the set"
        yield Caution("repeats", text, copies / len(side.pixels))


def _roles(role: str, side: Statistics) -> Iterator[Caution]:
    """A folder of pix2pix's or CycleGAN's results holds the inputs beside what was made of them."""
    roles = side.notes.roles
    if len(roles) > 1:
        listed = ", ".join(f"{number} *_{name}" if name else f"{number} others" for name, number in roles.most_common())
        # What was generated, or the real images of the domain that it was generated for.
        made = max((name for name in roles if name.startswith("fake_")), default=max(roles))
        real = made.replace("fake", "real")
        hint = f"`include='*_{real if role == 'real' and real in roles else made}.*'` takes one kind"
        yield Caution("roles", f"{role}: the images are inputs and results of a translation: {listed}. {hint}")


def _together(real: Statistics, fake: Statistics) -> Iterator[Caution]:
    if real.place and real.place == fake.place:
        yield Caution("same", f"real and fake are the same place, {fake.source}")
    if real.digest == fake.digest != "unknown":
        yield Caution("same", "real and fake hold exactly the same images")
    elif len(fake.pixels) and (shared := fake.pixels.shared(real.pixels)) > SHARE * len(fake.pixels):
        text = f"{shared} of {fake.count} fake images are exact copies of real ones"
        yield Caution("copies", text, shared / len(fake.pixels))
    sizes = [_commonest(side) for side in (real, fake)]
    if all(sizes) and sizes[0] != sizes[1]:
        resized = "" if fake.recipe.resize == "none" else "; the resize differs between them"
        yield Caution("sizes", f"real images are mostly {sizes[0]} and fake ones {sizes[1]} pixels{resized}")
    # Sets that were not read from files have no formats.
    lossy = [bool(side.notes.formats["JPEG"]) for side in (real, fake)]
    if real.notes.formats and fake.notes.formats and lossy[0] != lossy[1]:
        which = ("real", "fake") if lossy[0] else ("fake", "real")
        text = f"{which[0]} images are JPEG and {which[1]} ones are not; compression alone moves scores"
        yield Caution("formats", text)
    grey = [side.notes.kinds["grey"] == side.count for side in (real, fake)]
    if real.notes.formats and fake.notes.formats and grey[0] != grey[1]:
        yield Caution("grey", f"only the {'real' if grey[0] else 'fake'} images are grey")


def _commonest(side: Statistics) -> str:
    (height, width), _ = side.notes.sizes.most_common(1)[0] if side.notes.sizes else ((0, 0), 0)
    return f"{width}x{height}" if height else ""
