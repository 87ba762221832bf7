"""Mode collapse: kinds of real images that the fakes leave out."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

from ganmetrics.diagnosis.blindness import LABELS, unseen
from ganmetrics.diagnosis.class_assignment import listed
from ganmetrics.diagnosis.finding import Evidence, Fault, Finding, is_fault, verdicts_of, worst
from ganmetrics.diagnosis.limits import Number, evidence, share_of

if TYPE_CHECKING:
    from torch import Tensor

    from ganmetrics.diagnosis.class_assignment import Classes
    from ganmetrics.diagnosis.missing_modes import ModeShares
    from ganmetrics.diagnosis.pair import Pair

NAME = "mode collapse"
# A check clears a set where it would notice the absence of kinds that hold this share of the real images.
NOTICED = 0.5
# A fault of quality moves images into other clusters. It is likely where a classifier is right for this share.
APART = 0.75
FREQUENCIES = "frequencies from the reals' (chi-square)"
ADVICE = (
    "let the discriminator see several samples at once: minibatch statistics (Karras et al. 2018) or packing (Lin et "
    "al. 2018)",
    "use a loss that does not saturate on the modes that are won: Wasserstein with gradient penalty (Gulrajani et al. "
    "2017), or R1 (Mescheder et al. 2018)",
    "lower the generator's learning rate, or take more discriminator steps for each of the generator",
    "check that the training set and its sampler hold the missing kinds at all",
)


def mode_collapse(pair: Pair) -> Finding:
    """Find classes, where they are known, and clusters that have no or too few generated images."""
    clusters, classes = pair.clusters, pair.classes
    numbers = [] if classes is None else _of_classes(pair, classes)
    numbers += [
        evidence(
            "missing_modes",
            "share of the reals in clusters that are left out",
            _in_modes(clusters.shares, clusters.shares.missing),
        ),
        evidence("uneven_modes", f"distance of the clusters' {FREQUENCIES}", _unless_apart(pair, clusters.gap)),
        evidence("lost", "share of the reals by which clusters are too empty", clusters.shares.lost_share),
        evidence(
            "bins_low",
            f"clusters of {len(clusters.shares.real_counts)} that are too empty",
            _num(clusters.shares.is_low),
        ),
        evidence("bins_high", "clusters that are too full", _num(clusters.shares.is_high)),
    ]
    verdict = worst(verdicts_of(numbers))
    sentence = _sentence(pair, {each.key for each in numbers if is_fault(each.verdict)})
    if is_fault(verdict) and pair.is_off_manifold:
        kinds = "clusters" if classes is None else f"clusters and {classes.noun}"
        sentence += f"; but most generated images lie off the manifold of real ones, which empties {kinds} too"
    finding = Finding(NAME, verdict, sentence, tuple(numbers), ADVICE if is_fault(verdict) else ())
    return unseen(finding, _blindness(pair), *([] if pair.real.labels is not None else [LABELS]))


def _blindness(pair: Pair) -> str:
    """Return why a missing kind of image would go unnoticed; empty where most would be seen."""
    classes = pair.classes
    is_labelled = classes is not None and pair.real.labels is not None
    if pair.real.labels is not None and classes is None:
        return "the classes of the real images are too alike in these features to be told apart"
    if pair.blindness.to_kinds and not is_labelled:
        return pair.blindness.to_kinds
    shares = pair.clusters.shares if classes is None else classes.shares
    if shares.noticed_share >= NOTICED:
        return ""
    kinds = "clusters of real images" if classes is None else classes.noun
    counts = f"{pair.real.count} real and {pair.fake.count} generated images"
    return f"with {counts}, most {kinds} could be missing by chance"


def _of_classes(pair: Pair, classes: Classes) -> list[Evidence]:
    noun, shares = classes.noun, classes.shares
    missing, rare = (_in_modes(shares, modes) for modes in (shares.missing, shares.rare))
    return [
        evidence("missing_classes", f"share of the reals in {noun} that are left out", missing),
        evidence("rare_classes", f"share of the reals in {noun} with less than a quarter of their due", rare),
        evidence("uneven_classes", f"distance of the {noun}' {FREQUENCIES}", _unless_apart(pair, classes.gap)),
        evidence("lost_classes", f"share of the reals by which {noun} are too rare", shares.lost_share),
        evidence("class_kl", f"divergence of the {noun} from the reals' (KL, nats)", classes.divergence),
    ]


def _in_modes(shares: ModeShares, modes: list[int]) -> Number:
    """Return the share of the real images in some modes, with its error."""
    total = int(shares.real_counts.sum())
    return share_of(torch.arange(total) < int(shares.real_counts[modes].sum()))


def _unless_apart(pair: Pair, gap: Number) -> Number:
    """Return how uneven kinds are; NaN where images of one cluster are told apart, as quality then moves images too."""
    return Number(math.nan, math.nan) if pair.told_apart.value >= APART else gap


def is_uneven(pair: Pair) -> bool:
    """Whether kinds of images are too rare among the generated ones, as far as clusters tell."""
    number = evidence("uneven_modes", "", _unless_apart(pair, pair.clusters.gap))
    return is_fault(number.verdict)


def _num(modes: Tensor) -> float:
    return float(modes.sum())


def _sentence(pair: Pair, blamed: set[str]) -> str:
    classes, clusters = pair.classes, pair.clusters
    if classes is not None and classes.shares.missing:
        drawn = classes.num_real - len(classes.shares.missing)
        hardly = f"; hardly any {listed(classes.rare_names)}" if classes.shares.rare else ""
        return f"{drawn} of {classes.num_real} {classes.noun}; missing {listed(classes.missing_names)}{hardly}"
    if classes is not None and classes.shares.rare:
        few = f"less than a quarter of their share: {listed(classes.rare_names)}"
        return f"all {classes.num_real} {classes.noun} are drawn, but {few}"
    if blamed and clusters.shares.missing:
        return _of_clusters(pair, "uneven_modes" in blamed)
    if classes is not None and "uneven_classes" in blamed:
        rare = [classes.names[place] for place in classes.shares.is_low.nonzero()[:, 0].tolist()]
        which = f"too rare: {listed(rare)}" if rare else "these features cannot tell which are missing or rare"
        return f"{classes.noun} have other frequencies than in the real images; {which}"
    if "uneven_modes" in blamed:
        return (
            "clusters of real images have other frequencies among generated ones: kinds are missing or rare, and these "
            "features cannot tell which"
        )
    if classes is not None and classes.num_absent:
        drawn = classes.num_real - classes.num_absent
        return f"{drawn} of {classes.num_real} {classes.noun} are drawn, the others too rare to be missed significantly"
    if classes is not None:
        return f"all {classes.num_real} {classes.noun} are drawn"
    return (
        "no cluster of real images is left out" if not clusters.shares.missing else "hardly any real image is left out"
    )


def _of_clusters(pair: Pair, is_uneven: bool) -> str:
    classes, shares = pair.classes, pair.clusters.shares
    left_out = f"{len(shares.missing)} of {len(shares.real_counts)} clusters of real images are left out"
    what = f"{left_out}, {shares.missing_share:.0%} of all real images" + (", and others are too rare" * is_uneven)
    are_drawn = classes is not None and not classes.num_absent
    return f"{what}, though all {classes.num_real} {classes.noun} are drawn" if classes and are_drawn else what


FINDING = Fault(NAME, mode_collapse, 1)
