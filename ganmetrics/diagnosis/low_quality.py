"""Low quality: fakes off the manifold of the reals, and easily told from them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ganmetrics.diagnosis.blindness import unseen
from ganmetrics.diagnosis.finding import Fault, Finding, is_fault, verdicts_of, worst
from ganmetrics.diagnosis.limits import Number, evidence, mean_of, quantile, share_of
from ganmetrics.diagnosis.pair import NEIGHBORS

if TYPE_CHECKING:
    from torch import Tensor

    from ganmetrics.diagnosis.pair import Pair

NAME = "low quality"
# A fake is foreign where it is FAR times as far from every real as this quantile of the held-out reals.
QUANTILE, FAR = 0.98, 1.3
ADVICE = (
    "train longer, or average the generator's weights over steps",
    "look at the fakes farthest from the reals: artefacts of upsampling, clipped levels, another resize or compression",
    "compare the file formats of both sides: JPEG against PNG alone is told apart",
)


def low_quality(pair: Pair) -> Finding:
    """Compare precision and density with those of held-out images, and try to tell both sets apart."""
    fake, held_out = pair.crossings
    inside, as_reals = share_of(fake.real_balls > 0), share_of(held_out.real_balls > 0)
    density, of_reals = (_density(side.real_balls) for side in (fake, held_out))
    accuracy, far = pair.told_apart, _foreign(pair)
    foreign = evidence("foreign", "share of the fakes far from every real, beyond that of held-out reals", far)
    numbers = (
        evidence("outside", "share of the fakes outside the reals' manifold", share_of(fake.real_balls == 0)),
        evidence("precision", "precision relative to held-out reals", inside.over(as_reals)),
        foreign,
        evidence("density", "density relative to held-out reals", density.over(of_reals)),
        evidence(
            "c2st", "accuracy of a classifier that tells generated images from real ones of their kinds", accuracy
        ),
    )
    verdict = worst(verdicts_of(numbers))
    sentence = (
        f"{1 - inside.value:.0%} of the generated images lie outside the manifold of real ones "
        f"({1 - as_reals.value:.0%} of held-out real images do); a classifier that tells both apart is right for "
        f"{accuracy.value:.0%}"
    )
    if is_fault(foreign.verdict):
        sentence += f"; {foreign.value:.0%} are foreign: far from every real image"
    finding = Finding(NAME, verdict, sentence, numbers, ADVICE if is_fault(verdict) else ())
    return unseen(finding, pair.blindness.to_detail)


def _density(real_balls: Tensor) -> Number:
    return mean_of(real_balls.double() / NEIGHBORS)._replace(least=0.0)


def _foreign(pair: Pair) -> Number:
    """Return the share of generated images that are far from every real one, less the share of held-out images."""
    fake, held_out = pair.ways
    limit = FAR * quantile(held_out, QUANTILE)
    return share_of(fake > limit).less(share_of(held_out > limit))


FINDING = Fault(NAME, low_quality, 3)
