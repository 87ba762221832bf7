"""Intervals and differences of every metric on seeded features; those in ``recorded_intervals.json`` were so once.

``python tests/recorded_intervals.py`` writes that file anew.
"""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import torch

from ganmetrics.metrics import METRICS
from ganmetrics.metrics import metric as named
from ganmetrics.metrics.metric import Option
from ganmetrics.numerics.moments import Moments
from ganmetrics.numerics.spread import Spread
from ganmetrics.scoring.intervals import uncertainty_of

RECORD = Path(__file__).with_name("recorded_intervals.json")
# Of real images, of both generated sets and of the held-out set.
COUNTS, DIM = (90, 84, 100, 60), 6
# How far the generated sets lie from the real one: where the second order of an error counts, and where the first does.
SHIFTS = {"near": (0.0, 0.1), "apart": (0.6, 0.9)}
# Options with which few rows are enough, and little work.
SMALL: dict[str, dict[str, Option]] = {
    "fid_infinity": {"num_points": 4},
    "is": {"splits": 5},
    "kid": {"subset_size": 30, "num_subsets": 20},
    "ms_ssim_diversity": {"scales": 2},
    "ndb": {"num_bins": 10},
    "prd": {"num_runs": 2, "num_clusters": 5},
}
# Other ways of a metric to its interval.
VARIANTS = ("vendi(order=2.0)",)
# Their optimisers end where little changes, at other numbers elsewhere.
LEFT_OUT = {"fld", "c2st"}
# Metrics that real images may serve by their moments alone.
MOMENTS = {"fid", "sfid"}

Numbers = dict[str, list[float | str]]


def sides(shifts: tuple[float, float], *, has_rows: bool) -> list[SimpleNamespace]:
    """Real images, two generated sets, held-out images; without rows the real ones are moments alone."""
    found = [side(seed, shift) for seed, shift in enumerate((0.0, *shifts, 0.0))]
    if not has_rows:
        found[0].sample = None
    return found


def side(seed: int, shift: float) -> SimpleNamespace:
    rng, count = np.random.RandomState(seed), COUNTS[seed]
    x = torch.from_numpy(rng.standard_normal((count, DIM)) * np.linspace(1.5, 0.5, DIM) + shift)
    images = torch.from_numpy(rng.randint(0, 256, (count, 3, 24, 24), dtype=np.uint8))
    moments, labels = Moments.of(x), torch.arange(count) % 3
    return SimpleNamespace(
        moments=moments, spatial_moments=moments, spread=Spread.of(x), features=x, logits=3 * x, labels=labels,
        images=images, sample=x, spatial_sample=x, classes=("a", "b", "c"), count=count,
    )  # fmt: skip


def numbers(name: str) -> Numbers:
    """Ends and methods of each part's interval for both generated sets, and of their difference."""
    found: Numbers = {}
    metric = named(name)
    metric = metric.configured({**SMALL.get(metric.name, {}), **metric.options})
    for case, shifts in SHIFTS.items():
        for has_rows in (True, False) if metric.name in MOMENTS else (True,):
            real, *fakes, test = sides(shifts, has_rows=has_rows)
            computed = [metric.computed(real, fake, test) for fake in fakes]
            pairs = zip(fakes, computed, strict=True)
            uncertain = [uncertainty_of(metric, (real, fake, test), one, "fast") for fake, one in pairs]
            if None in uncertain:
                continue
            for part in uncertain[0]:
                title = f"{case}{'' if has_rows else ', real without rows'}: {part}"
                one, other = (each[part] for each in uncertain)
                for which, interval in (("first", one.interval()), ("second", other.interval())):
                    if interval is not None:
                        found[f"{title}, {which}"] = [interval.low, interval.high, interval.method]
                contrast = one.contrast(other)
                if contrast is not None:
                    ends = [contrast.interval.low, contrast.interval.high]
                    found[f"{title}, difference"] = [contrast.value, *ends, contrast.interval.method, contrast.doubt]
    return found


def names() -> list[str]:
    """Metrics whose intervals are recorded, and other ways of theirs."""
    return [*(name for name in METRICS.names() if name not in LEFT_OUT), *VARIANTS]


if __name__ == "__main__":
    RECORD.write_text(json.dumps({name: numbers(name) for name in names()}, indent=1, ensure_ascii=False) + "\n")
