"""Mode collapse: kinds of real images that the fakes leave out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from ganmetrics.diagnosis.blindness import LABELS, unseen
from ganmetrics.diagnosis.class_assignment import listed
from ganmetrics.diagnosis.finding import Evidence, Fault, Finding, is_fault, verdicts_of, worst
from ganmetrics.diagnosis.limits import evidence, share_of

if TYPE_CHECKING:
    from torch import Tensor

    from ganmetrics.diagnosis.class_assignment import Classes
    from ganmetrics.diagnosis.pair import Pair

NAME = "mode collapse"
# A check clears a set where it would notice the absence of kinds that hold this share of the real images.
NOTICED = 0.5
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
    numbers = [] if classes is None else _of_classes(classes)
    missing = torch.isin(clusters.real_members, torch.tensor(clusters.shares.missing, dtype=torch.int64))
    numbers += [
        evidence("missing_modes", "share of the reals in clusters that are left out", share_of(missing)),
        evidence("lost", "share of the reals by which clusters are too empty", clusters.shares.lost_share),
        evidence(
            "bins_low",
            f"clusters of {len(clusters.shares.real_counts)} that are too empty",
            _num(clusters.shares.is_low),
        ),
        evidence("bins_high", "clusters that are too full", _num(clusters.shares.is_high)),
    ]
    verdict = worst(verdicts_of(numbers))
    sentence = _sentence(pair, verdict)
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


def _of_classes(classes: Classes) -> list[Evidence]:
    missing = torch.isin(classes.real_members, torch.tensor(classes.shares.missing, dtype=torch.int64))
    rare = torch.isin(classes.real_members, torch.tensor(classes.shares.rare, dtype=torch.int64))
    noun = classes.noun
    return [
        evidence("missing_classes", f"share of the reals in {noun} that are left out", share_of(missing)),
        evidence("rare_classes", f"share of the reals in {noun} with less than a quarter of their due", share_of(rare)),
        evidence("uneven_classes", f"share of the reals by which {noun} are too rare", classes.shares.lost_share),
        evidence("class_kl", f"divergence of the {noun} from the reals' (KL, nats)", classes.divergence),
    ]


def _num(modes: Tensor) -> float:
    return float(modes.sum())


def _sentence(pair: Pair, verdict: str) -> str:
    classes, clusters = pair.classes, pair.clusters
    if classes is not None and classes.shares.missing:
        drawn = classes.num_real - len(classes.shares.missing)
        hardly = f"; hardly any {listed(classes.rare_names)}" if classes.shares.rare else ""
        return f"{drawn} of {classes.num_real} {classes.noun}; missing {listed(classes.missing_names)}{hardly}"
    if classes is not None and classes.shares.rare:
        few = f"less than a quarter of their share: {listed(classes.rare_names)}"
        return f"all {classes.num_real} {classes.noun} are drawn, but {few}"
    if clusters.shares.missing and is_fault(verdict):
        count, share = len(clusters.shares.real_counts), clusters.shares.missing_share
        left_out = f"{len(clusters.shares.missing)} of {count} clusters of real images are left out"
        what = f"{left_out}, {share:.0%} of all real images"
        are_drawn = classes is not None and not classes.num_absent
        return f"{what}, though all {classes.num_real} {classes.noun} are drawn" if classes and are_drawn else what
    if classes is not None and is_fault(verdict):
        rare = [classes.names[place] for place in classes.shares.is_low.nonzero()[:, 0].tolist()]
        return f"{classes.noun} have other frequencies than in the real images; too rare: {listed(rare)}"
    if classes is not None and classes.num_absent:
        drawn = classes.num_real - classes.num_absent
        return f"{drawn} of {classes.num_real} {classes.noun} are drawn, the others too rare to be missed significantly"
    if classes is not None:
        return f"all {classes.num_real} {classes.noun} are drawn"
    return (
        "no cluster of real images is left out" if not clusters.shares.missing else "hardly any real image is left out"
    )


FINDING = Fault(NAME, mode_collapse, 1)
