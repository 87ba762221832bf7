"""Memorisation and leakage: fakes that are copies of reals, exact or nearly so."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ganmetrics.diagnosis.finding import Evidence, Fault, Finding, verdicts_of, worst
from ganmetrics.diagnosis.limits import Number, evidence, share_of_groups
from ganmetrics.errors import InputError
from ganmetrics.metrics.ct import ct

if TYPE_CHECKING:
    from ganmetrics.diagnosis.pair import Pair

NAME = "memorisation"
WORDS = "from a real to its nearest, beyond held-out reals"
# Few held-out real images are within this share of the distance from a real image to its nearest other.
HALF = 0.5
# Fewer still, mirrored, turned or shifted, are within this share of it as pixels.
EDITED = 0.4
ADVICE = (
    "give the generator more data, or augment them for the discriminator (Karras et al. 2020)",
    "stop earlier, or use a smaller discriminator: distances to the training set fall as it overfits",
    "score against images that the generator was not trained on (`test`), and remove training images from them",
)


def memorisation(pair: Pair) -> Finding:
    """Find exact copies, generated images far nearer to a real one than its neighbours are, and data-copying."""
    numbers = [
        evidence("half_way", f"share of fakes within half the way {WORDS}", _within(pair, HALF)),
        evidence("nearer", f"share of fakes within the way {WORDS}", _within(pair, 1.0)),
        *_edited(pair),
        *_exact(pair),
        *_data_copying(pair),
    ]
    verdict = worst(verdicts_of(numbers))
    if verdict == "ok":
        sentence = "generated images are as far from real ones as other real images are"
        return Finding(NAME, verdict, sentence, tuple(numbers))
    blamed = {each.key: each.value for each in numbers if each.verdict == verdict}
    if "exact" in blamed:
        sentence = f"{blamed['exact']:.1%} of the generated images are exact copies of real ones"
    elif "edited" in blamed and not {"half_way", "nearer"} & blamed.keys():
        views = "as they are, mirrored, turned or shifted"
        sentence = f"{blamed['edited']:.1%} of the generated images are near copies of real ones, {views}"
    else:
        ratios = pair.nearness.ratios
        hits, share = int((ratios <= HALF).sum()), float((ratios <= 1).double().mean())
        sentence = (
            f"{share:.0%} of the generated images are nearer to a real image than any other real image is, {hits} of "
            "them within half that distance"
        )
    return Finding(NAME, verdict, sentence, tuple(numbers), ADVICE)


def _within(pair: Pair, share: float) -> Number:
    """Return the share of generated images that near to a real one, less the share of held-out images.

    "That near" is within a share of the distance from the real image to its nearest other. With a share of 1 the first
    term is the complement of authenticity.
    """
    fake = share_of_groups(pair.nearness.ratios <= share, pair.nearness.places)
    ratios, places = pair.held_out_ratios
    return fake.less(share_of_groups(ratios <= share, places))


def _edited(pair: Pair) -> list[Evidence]:
    """Return the share of copies that may be mirrored, turned or shifted, where the pixels were read in this run."""
    if pair.edited is None:
        return []
    fake, *usual = (share_of_groups(each.ratios <= EDITED, each.places) for each in pair.edited)
    real = max(usual, key=lambda share: share.value)
    words = "share of fakes that are reals mirrored, turned, shifted or encoded anew, beyond held-out reals"
    return [evidence("edited", words, fake.less(real))]


def _exact(pair: Pair) -> list[Evidence]:
    """Return the share of exact copies, where the pixels of both sets were read in this run."""
    fake, real = pair.fake.pixels, pair.real.pixels
    if not len(fake) or not len(real):
        return []
    return [evidence("exact", "share of fakes that equal a real, pixel for pixel", fake.shared(real) / len(fake))]


def _data_copying(pair: Pair) -> list[Evidence]:
    """Return Meehan et al.'s test of data-copying, where held-out images are known and cells are large enough.

    The test only informs: a kind that is drawn too often, and whose images are alike, moves it as copies do.
    """
    sets = [side.features for side in (pair.real, pair.fake, pair.test) if side is not None]
    real, fake, test = (*sets, None)[:3]
    if real is None or fake is None or test is None:
        return []
    try:
        value = ct(real, fake, test, seed=pair.seed)
    except InputError:
        return []
    return [evidence("ct", "test of data-copying against held-out real images (CT, standard errors)", value)]


FINDING = Fault(NAME, memorisation, 4)
