"""Checks of the package's networks on this device, of bundled statistics, and of evaluations of seeded noise."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import torch

from ganmetrics.data.reading_choices import Reading
from ganmetrics.errors import StatisticsError
from ganmetrics.evaluation.evaluate import evaluate
from ganmetrics.measurement.archive import bundled, index
from ganmetrics.selftest.check import Check

if TYPE_CHECKING:
    from ganmetrics.types import Images

COUNT = 300
METRICS = ("fid", "is", "kid(subset_size=100)")
# Recorded with torch 2.14.1 and numpy 2.4.6 on x86-64.
RECORDED = {
    "digits": {"fid": 14.78253502, "is": 1.06219499, "kid": 0.25945883},
    "fashion": {"fid": 32.83383945, "is": 1.27813164, "kid": 10.39399274},
}


def networks(device: str) -> Iterator[Check]:
    """Check scores of seeded noise beside the recorded ones, in one batch and in small batches."""
    real, fake = noise(seed=0), noise(seed=1)
    for extractor, recorded in RECORDED.items():
        scored = partial(evaluate, real, fake, metrics=METRICS, extractor=extractor, device=device, reading=Reading())
        once, again = scored(), scored(batch_size=7)
        for name, expected in recorded.items():
            yield Check(f"{once[name].title} of noise", once[name].value, expected, 1e-4 * abs(expected))
        title = f"{once['fid'].title} in batches of 7 less that in one"
        yield Check(title, again["fid"].value - once["fid"].value, 0.0, 1e-6 * (1 + once["fid"].value))


def noise(*, seed: int) -> Images:
    """Return seeded grey ramps with noise, uint8 [COUNT, 3, 28, 28]."""
    rng = np.random.RandomState(seed)
    ramps = rng.uniform(0, 8, size=(COUNT, 1, 1, 1)) * np.arange(28) + rng.normal(0, 20 + 20 * seed, (COUNT, 1, 28, 28))
    return torch.from_numpy(ramps.clip(0, 255).astype(np.uint8)).expand(-1, 3, -1, -1).contiguous()


def statistics() -> Iterator[Check]:
    """Check that every bundled set of statistics is whole and of the images that the index names."""
    for name, entries in index().items():
        for extractor, entry in entries.items():
            bundle = bundled(name, extractor)
            if bundle.digest != entry["digest"]:
                raise StatisticsError("bundled statistics of other images than the index says", where=entry["file"])
            yield Check(f"images of {name}, for {extractor}", bundle.count, entry["count"], 0)
