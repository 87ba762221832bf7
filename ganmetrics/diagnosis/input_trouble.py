"""Input trouble: images that were stored, read or given otherwise than they should be."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import torch

from ganmetrics.diagnosis.blindness import NETWORK
from ganmetrics.diagnosis.finding import Fault, Finding, worst
from ganmetrics.diagnosis.picture_faults import SCALE, Trouble, picture_faults
from ganmetrics.scoring.cautions import Caution, alarms, of_inputs

if TYPE_CHECKING:
    from torch import Tensor

    from ganmetrics.diagnosis.pair import Pair

NAME = "input trouble"
# Fewer images than these tell little, and next to nothing.
FEW, TOO_FEW = 500, 100
# Share of the way from random order to perfect order.
SORTED = 0.5
# Share of a side's images that a caution must be true of to count at all, and to be severe.
SOME, MOSTLY = 0.01, 0.5

STORE = "store both sides in one lossless format, at one size, in the same colours, without alpha or profiles"
PASS = "pass the folders that you meant, real first"
MORE = "give more images: 10,000 a side is usual, and fewer than 500 tell little"
SHUFFLE = "shuffle the generated images, or score with a package that does"
REPAIR = "repair or remove the images that could not be read"
REMOVE = "remove copies from the set, and find out how they came into it"
CONVERT = "convert all images of both sides to PNG"
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
# Cautions from which no fault of the generated images follows.
HARMLESS = {"weights", "classes", "reading", "unread", "skipped"}
GRAVE_IF_MOST = {"flat", "levels-0-1", "skipped"}


def input_trouble(pair: Pair) -> Finding:
    """Find what is odd about the images of either set or of both, the worst first."""
    sides = {"real": pair.real, "fake": pair.fake, "test": pair.test}
    cautions = [each for each in (*alarms(sides), *of_inputs(pair.real, pair.fake)) if each.share >= SOME]
    troubles = [
        *(_troubling(each, pair) for each in cautions),
        *picture_faults(pair),
        *_counts(pair),
        *_unseen(pair),
        *_order(pair),
    ]
    troubles.sort(key=lambda each: (each.verdict != "severe", not each.is_cause))
    if not troubles and pair.pictures is None:
        return Finding(NAME, "cannot tell", BLIND)
    if not troubles:
        return Finding(NAME, "ok", "nothing is odd about the images as they were given")
    verdict = worst(each.verdict for each in troubles)
    advice = tuple(dict.fromkeys(each.advice for each in troubles))
    is_cause = any(each.is_cause for each in troubles)
    return Finding(NAME, verdict, "; ".join(each.sentence for each in troubles), (), advice, is_cause)


def _troubling(caution: Caution, pair: Pair) -> Trouble:
    is_grave = caution.key in GRAVE or (caution.key in GRAVE_IF_MOST and caution.share >= MOSTLY)
    advice = ADVICE.get(caution.key, STORE)
    # A kind of image may fill less of the range than all kinds together.
    is_cause = pair.is_off_manifold if caution.key == "range" else caution.key not in HARMLESS
    return Trouble("severe" if is_grave else "some", caution.sentence, advice, is_cause)


def _counts(pair: Pair) -> Iterator[Trouble]:
    for role, side in (("real", pair.real), ("fake", pair.fake)):
        if side.count < FEW:
            verdict = "severe" if side.count < TOO_FEW else "some"
            yield Trouble(verdict, f"{side.count} {role} images tell little", MORE, is_cause=False)


def _unseen(pair: Pair) -> Iterator[Trouble]:
    """Find held-out real images that are the real images themselves."""
    test, real = pair.test, pair.real
    if test is not None and (real.digest == test.digest != "unknown" or bool(real.place and real.place == test.place)):
        yield Trouble("severe", "the held-out real images are the real images themselves", PASS, is_cause=False)


def _order(pair: Pair) -> Iterator[Trouble]:
    """Find generated images that come sorted by kind, which distorts scores in splits; folders of classes may be."""
    if pair.fake.labels is not None:
        return
    members = pair.clusters.fake_members if pair.classes is None else pair.classes.fake_members
    together, chance = _together(members), float((torch.bincount(members).double() / len(members)).square().sum())
    if chance < 1 and (together - chance) / (1 - chance) > SORTED:
        sentence = "generated images come sorted by kind: packages that do not shuffle score their splits wrongly"
        yield Trouble("some", sentence, SHUFFLE, is_cause=False)


def _together(members: Tensor) -> float:
    """Return the share of images whose successor is of the same cluster."""
    return float((members[1:] == members[:-1]).double().mean())


FINDING = Fault(NAME, input_trouble, 5)
