"""Checks against published numbers: the literature's Inception on CIFAR-10, both fetched.

The subsets are those of torch-fidelity's own tests: 5,000 images of each split, in the order of the data set.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch

from ganmetrics.data.reading_choices import Reading
from ganmetrics.data.torchvision_set import load_dataset
from ganmetrics.evaluation.evaluate import evaluate
from ganmetrics.extractors.weights.weight_store import fetch, known
from ganmetrics.selftest.check import Check

if TYPE_CHECKING:
    from ganmetrics.types import Images

WEIGHTS, DATA = "inception-2015-12-05", "CIFAR10"
SUBSET, SEED = 5000, 2020


class Number(NamedTuple):
    """A published number: a metric's value or spread, and the tolerance for rounding."""

    metric: str
    field: str
    value: float
    tolerance: float


# torch-fidelity's README, with a shuffle seeded by 2020 and ten splits
WHOLE = (Number("is", "value", 11.23678, 0.005), Number("is", "std", 0.09514061, 0.005))
# tests/torch_versions_ge_1_13_0/test_versions.py of torch-fidelity 0.4
SUBSETS = (
    Number("is", "value", 10.75051, 0.005),
    Number("is", "std", 0.5778723, 0.005),
    Number("fid", "value", 10.32333, 0.01),
    Number("kid", "value", -2.907863e-05, 1e-5),
    Number("kid", "std", 1.023118e-04, 1e-5),
)


def fetch_all(*, progress: bool) -> None:
    """Fetch weights and images before any check runs.

    Raises
    ------
    WeightsError, InputError
        Something is not on this machine and cannot be fetched.
    """
    fetch(known(WEIGHTS), progress=progress)
    for split in ("train", "test"):
        load_dataset(DATA, split)


def published(device: str, *, progress: bool) -> Iterator[Check]:
    """Check the scores of CIFAR-10's subsets, then of its whole training set."""
    train, test = (_images(split) for split in ("train", "test"))
    yield from _compared(test[_chosen(len(test))], train[_chosen(len(train))], SUBSETS, device, progress)
    yield from _compared(None, train, WHOLE, device, progress)


def _images(split: str) -> Images:
    pixels = np.asarray(load_dataset(DATA, split).data)
    return torch.from_numpy(pixels).permute(0, 3, 1, 2).contiguous()


def _chosen(count: int) -> torch.Tensor:  # -> places in the order of their files' names
    places = np.random.RandomState(SEED).choice(count, min(SUBSET, count), replace=False)
    return torch.from_numpy(np.sort(places))


def _compared(
    real: Images | None, fake: Images, numbers: tuple[Number, ...], device: str, progress: bool
) -> Iterator[Check]:
    metrics = list(dict.fromkeys(number.metric for number in numbers))
    result = evaluate(real, fake, metrics=metrics, device=device, reading=Reading(progress=progress))
    for metric, field, value, tolerance in numbers:
        score = result[metric.partition("(")[0]]
        title = f"{score.title} of {len(fake):,} images of CIFAR-10" + (", std" if field == "std" else "")
        yield Check(title, getattr(score, field), value, tolerance)
