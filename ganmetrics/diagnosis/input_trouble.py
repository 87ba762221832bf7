"""Input trouble: images that were stored, read or given otherwise than they should be."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

import torch

from ganmetrics.diagnosis.finding import Fault, Finding, worst
from ganmetrics.scoring.cautions import Caution, alarms, of_inputs

if TYPE_CHECKING:
    from torch import Tensor

    from ganmetrics.diagnosis.pair import Pair
    from ganmetrics.types import Images

NAME = "input trouble"
# Fewer images than these tell little, and next to nothing.
FEW, TOO_FEW = 500, 100
PICTURES = 1_000
# Share of the pixel values that is cut off at either end, so that a few odd pixels do not count.
ENDS = 0.005
# Share of the range of real pixel values that the generated images have: some, severe.
NARROW, NARROWEST = 0.7, 0.3
# Share of the way from random order to perfect order.
SORTED = 0.5
# Share of a side's images that a caution must be true of to count at all, and to be severe.
SOME, MOSTLY = 0.01, 0.5

SCALE = "scale to 0..255 and round when saving: ((x + 1) * 127.5).round() for a generator's -1..1"
STORE = "store both sides in one lossless format, at one size, in the same colours, without alpha or profiles"
PASS = "pass the folders that you meant, real first"
MORE = "give more images: 10,000 a side is usual, and fewer than 500 tell little"
SHUFFLE = "shuffle the generated images, or score with a package that does"
REPAIR = "repair or remove the images that could not be read"
REMOVE = "remove copies from the set, and find out how they came into it"
CONVERT = "convert all images of both sides to PNG"
NETWORK = "score with a network that was trained on images like these: inception, dinov2-vitl14, or one of your own"
KNOWN = "take the published weights where the score is to be compared"
ADVICE = {
    "same": PASS, "copies": REMOVE, "repeats": REMOVE, "identical": REMOVE, "skipped": REPAIR, "weights": KNOWN,
    "flat": SCALE, "levels-0-1": SCALE, "range": SCALE, "domain": NETWORK, "depths": PASS, "unread": CONVERT,
}  # fmt: skip
BLIND = (
    "pixel values were not compared, as a side has no pictures or pictures of several sizes; nothing else is odd about "
    "the images as they were given"
)
GRAVE = {"same", "identical"}
GRAVE_IF_MOST = {"flat", "levels-0-1", "skipped"}


class Trouble(NamedTuple):
    """One thing that is odd: how bad it is, what was seen, what to do."""

    verdict: str
    sentence: str
    advice: str


def input_trouble(pair: Pair) -> Finding:
    """Find what is odd about the images of either set or of both, the worst first."""
    sides = {"real": pair.real, "fake": pair.fake, "test": pair.test}
    cautions = [each for each in (*alarms(sides), *of_inputs(pair.real, pair.fake)) if each.share >= SOME]
    troubles = [*map(_troubling, cautions), *_counts(pair), *_levels(pair), *_unseen(pair), *_order(pair)]
    troubles.sort(key=lambda each: each.verdict != "severe")
    if not troubles and pair.pictures is None:
        return Finding(NAME, "cannot tell", BLIND)
    if not troubles:
        return Finding(NAME, "ok", "nothing is odd about the images as they were given")
    verdict = worst(each.verdict for each in troubles)
    advice = tuple(dict.fromkeys(each.advice for each in troubles))
    return Finding(NAME, verdict, "; ".join(each.sentence for each in troubles), (), advice)


def _troubling(caution: Caution) -> Trouble:
    is_grave = caution.key in GRAVE or (caution.key in GRAVE_IF_MOST and caution.share >= MOSTLY)
    return Trouble("severe" if is_grave else "some", caution.sentence, ADVICE.get(caution.key, STORE))


def _counts(pair: Pair) -> Iterator[Trouble]:
    for role, side in (("real", pair.real), ("fake", pair.fake)):
        if side.count < FEW:
            yield Trouble("severe" if side.count < TOO_FEW else "some", f"{side.count} {role} images tell little", MORE)


def _unseen(pair: Pair) -> Iterator[Trouble]:
    """Find held-out real images that are the real images themselves."""
    test, real = pair.test, pair.real
    if test is not None and (real.digest == test.digest != "unknown" or bool(real.place and real.place == test.place)):
        yield Trouble("severe", "the held-out real images are the real images themselves", PASS)


def _levels(pair: Pair) -> Iterator[Trouble]:
    """Find generated images with a narrower range of pixel values than real ones: a forgotten scaling."""
    if pair.pictures is None:
        return
    ends = [_ends(images[:PICTURES]) for images in pair.pictures]
    if ends[0][1] <= ends[0][0]:
        return
    share = (ends[1][1] - ends[1][0]) / (ends[0][1] - ends[0][0])
    if share < NARROW:
        verdict = "severe" if share < NARROWEST else "some"
        of_real, of_fake = ("{:.0f}..{:.0f}".format(*each) for each in (ends[0], ends[1]))
        yield Trouble(verdict, f"pixel values of generated images span {of_fake}, of real images {of_real}", SCALE)


def _ends(images: Images) -> tuple[float, float]:
    """Return the two pixel values that all but few pixels lie between."""
    counts = torch.bincount(images.flatten().long(), minlength=256).double().cumsum(0) / images.numel()
    low = torch.searchsorted(counts, torch.tensor([ENDS, 1 - ENDS], dtype=torch.float64))
    return float(low[0]), float(low[1])


def _order(pair: Pair) -> Iterator[Trouble]:
    """Find generated images that come sorted by kind, which distorts scores in splits; folders of classes may be."""
    if pair.fake.labels is not None:
        return
    members = pair.clusters.fake_members if pair.classes is None else pair.classes.fake_members
    together, chance = _together(members), float((torch.bincount(members).double() / len(members)).square().sum())
    if chance < 1 and (together - chance) / (1 - chance) > SORTED:
        sentence = "generated images come sorted by kind: packages that do not shuffle score their splits wrongly"
        yield Trouble("some", sentence, SHUFFLE)


def _together(members: Tensor) -> float:
    """Return the share of images whose successor is of the same cluster."""
    return float((members[1:] == members[:-1]).double().mean())


FINDING = Fault(NAME, input_trouble, 5)
