"""Input trouble: images that were stored, read or given otherwise than they should be."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

import torch

from ganmetrics.diagnosis.finding import Finding, worst
from ganmetrics.evaluation.cautions import of_inputs

if TYPE_CHECKING:
    from torch import Tensor

    from ganmetrics.diagnosis.pair import Pair
    from ganmetrics.evaluation import Statistics

NAME = "input trouble"
FEW, TOO_FEW = 500, 100  # images
PICTURES = 1_000
ENDS = 0.005  # of all levels, on either side
NARROW, NARROWEST = 0.7, 0.3  # share of the reals' range of levels that the fakes' has
SORTED = 0.5  # of the way from random order to perfect order
FLAT = 0.05, 0.5  # share of images of a single colour
DARK = "levels-0-1"
SCALE = "scale to 0..255 and round when saving: ((x + 1) * 127.5).round() for a generator's -1..1"
STORE = "store both sides in one lossless format, at one size, without alpha or colour profiles"
PASS = "pass the folders that you meant, real first"
MORE = "give more images: 10,000 of each side is usual, 1,000 the least for a verdict"
SHUFFLE = "shuffle the fakes, or score with a package that does"


class Trouble(NamedTuple):
    """One thing that is odd: how bad it is, what was seen, what to do."""

    verdict: str
    sentence: str
    advice: str


def input_trouble(pair: Pair) -> Finding:
    """All that is odd about either set or about both, the worst first."""
    found = [*_counts(pair), *_levels(pair), *_sets(pair), *_flat(pair)]
    found += [Trouble("some", sentence, STORE) for sentence in of_inputs(pair.real, pair.fake)]
    found += _order(pair)
    found.sort(key=lambda each: each.verdict != "severe")
    if not found:
        return Finding(NAME, "none", "nothing is odd about the images as they were given")
    verdict = worst(each.verdict for each in found)
    advice = tuple(dict.fromkeys(each.advice for each in found))
    return Finding(NAME, verdict, "; ".join(each.sentence for each in found), (), advice)


def _counts(pair: Pair) -> Iterator[Trouble]:
    for role, side in (("real", pair.real), ("fake", pair.fake)):
        if side.count < FEW:
            yield Trouble("severe" if side.count < TOO_FEW else "some", f"{side.count} {role} images tell little", MORE)


def _sets(pair: Pair) -> Iterator[Trouble]:
    """One and the same set where two were meant."""
    if _are_same(pair.real, pair.fake):
        yield Trouble("severe", "both sides are one and the same set", PASS)
    if pair.test is not None and _are_same(pair.real, pair.test):
        yield Trouble("severe", "the unseen reals are the reals themselves", PASS)


def _are_same(one: Statistics, other: Statistics) -> bool:
    return one.digest == other.digest != "unknown" or bool(one.place and one.place == other.place)


def _flat(pair: Pair) -> Iterator[Trouble]:
    """Images without content."""
    for role, side in (("real", pair.real), ("fake", pair.fake)):
        flat, dark = (side.notes.kinds[kind] / side.count for kind in ("flat", DARK))
        if flat >= FLAT[0]:
            verdict = "severe" if flat >= FLAT[1] else "some"
            yield Trouble(verdict, f"{flat:.0%} of the {role} images are of a single colour", SCALE)
        if dark >= FLAT[1]:
            yield Trouble("severe", f"{dark:.0%} of the {role} images have no level above 1 of 255", SCALE)


def _levels(pair: Pair) -> Iterator[Trouble]:
    """Fakes of a narrower range of levels than the reals: a forgotten scaling."""
    ends = [_ends(side) for side in (pair.real, pair.fake)]
    if ends[0] is None or ends[1] is None or ends[0][1] <= ends[0][0]:
        return
    share = (ends[1][1] - ends[1][0]) / (ends[0][1] - ends[0][0])
    if share < NARROW:
        verdict = "severe" if share < NARROWEST else "some"
        of_real, of_fake = ("{:.0f}..{:.0f}".format(*each) for each in (ends[0], ends[1]))
        yield Trouble(verdict, f"levels of the fakes span {of_fake}, those of the reals {of_real}", SCALE)


def _ends(side: Statistics) -> tuple[float, float] | None:
    """The levels that all but few pixels lie between."""
    if side.thumbnails is None:
        return None
    levels = torch.cat([side.thumbnails[index].flatten() for index in side.thumbnails.sample(PICTURES)])
    counts = torch.bincount(levels.long(), minlength=256).double().cumsum(0) / len(levels)
    low = torch.searchsorted(counts, torch.tensor([ENDS, 1 - ENDS], dtype=torch.float64))
    return float(low[0]), float(low[1])


def _order(pair: Pair) -> Iterator[Trouble]:
    """Fakes that come sorted by kind, which scores in splits suffer from; folders of classes are so by nature."""
    if pair.fake.labels is not None:
        return
    members = pair.clusters.fake_members
    together, chance = _together(members), float((torch.bincount(members).double() / len(members)).square().sum())
    if chance < 1 and (together - chance) / (1 - chance) > SORTED:
        sentence = "the fakes come sorted by kind: packages that do not shuffle score their splits wrongly"
        yield Trouble("some", sentence, SHUFFLE)


def _together(members: Tensor) -> float:
    """How often an image and the next are of one cluster."""
    return float((members[1:] == members[:-1]).double().mean())
