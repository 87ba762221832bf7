"""The scores of a generator's samples, which its card records and ``reproduce`` recomputes."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import torch

from ganmetrics.data import Reading
from ganmetrics.evaluation.evaluate import evaluate, measure, score
from ganmetrics.extractors import load_extractor
from ganmetrics.extractors.extraction import Extraction
from ganmetrics.generators.system import Measured, Target
from ganmetrics.measurement import archive
from ganmetrics.metrics.needs import LOGITS

if TYPE_CHECKING:
    from torch import Tensor

    from ganmetrics.generators.system import Recipe, Sampler
    from ganmetrics.measurement.statistics import Statistics
    from ganmetrics.scoring.result import Result
    from ganmetrics.types import Images

# FID depends on the number of images; all cards use this one.
NUM_IMAGES = 10_000
BETTER_THAN_GAN = Target("fid", 18.59, "that of gan-mnist")
QUIET = Reading(progress=False)


class Reference(NamedTuple):
    """What samples of one data set are scored against: bundled statistics under one extractor."""

    train: str
    test: str
    extractor: str


REFERENCES = {
    "mnist": Reference("mnist-train", "mnist-test", "digits"),
    "fashion": Reference("fashion-train", "fashion-test", "fashion"),
}


def image_scores(recipe: Recipe, sampler: Sampler, seed: int) -> list[Measured]:
    """Return FID to the training set, Inception Score, KID to the test set and the classes of 10,000 images."""
    reference = REFERENCES[recipe.data]
    fake = measured(sampler(NUM_IMAGES, seed=seed), reference.extractor)
    return [*scores_against(reference, fake), *class_scores(fake, reference.extractor)]


def measured(images: Images, extractor: str) -> Statistics:
    """Measure a set of images: the moments, features and logits that the scores read."""
    return measure(images, reads=("moments", "features", "logits"), extractor=extractor, reading=QUIET)


def scores_against(reference: Reference, fake: Statistics) -> list[Measured]:
    """Return FID to the training set, Inception Score, and KID to the test set."""
    train = archive.bundled(reference.train, reference.extractor)
    test = archive.bundled(reference.test, reference.extractor)
    # A card records the spread over seeds in place of intervals.
    return [
        *of_result(score(train, fake, ["fid", "is"], ci="off")),
        *of_result(score(test, fake, ["kid"], ci="off")),
    ]


def class_scores(fake: Statistics, extractor: str) -> list[Measured]:
    """Return how many classes hold more than a twentieth of the images, and the share of the largest."""
    assert fake.logits is not None
    # [num_classes], summing to 1.
    shares = fake.logits.argmax(dim=1).bincount(minlength=fake.logits.shape[1]) / len(fake.logits)
    protocol = f"{fake.count:,} images, classes by {extractor}"
    return [
        Measured("classes", "classes over 5 %", float((shares > 0.05).sum()), True, protocol=protocol),
        Measured("largest_class", "share of the largest class", float(shares.max()), False, protocol=protocol),
    ]


def of_result(result: Result) -> list[Measured]:
    """Return the scores of an evaluation."""
    return [
        Measured(each.name, each.title, each.value, each.higher_is_better, str(each.signature))
        for each in result.scores.values()
    ]


def quick_fid(recipe: Recipe, sampler: Sampler, *, num_images: int = 2000) -> dict[str, float]:
    """Return the FID of a few images against the training set, as a training logs it."""
    reference = REFERENCES[recipe.data]
    images = sampler(num_images, seed=0)
    return {
        "fid": evaluate(reference.train, images, extractor=reference.extractor, reading=QUIET, ci="off")["fid"].value
    }


def classes_of(images: Images, extractor: str) -> Tensor:
    """Return the class that a bundled classifier gives each image, int64 [N]."""
    network = load_extractor(extractor)
    extraction = Extraction(network, [network.layer_for(LOGITS)], torch.device("cpu"), None)
    logits = [layers[network.layer_for(LOGITS)] for layers in extraction.run(iter(images.split(500)))]
    return torch.cat(logits).argmax(dim=1)
