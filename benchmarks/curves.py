"""How ours scales: the Fréchet step with the number of images and of dimensions, reading with the workers."""

from __future__ import annotations

import time
from collections.abc import Callable

from benchmarks.frechet import pair
from benchmarks.plan import Plan
from benchmarks.report import Stage
from ganmetrics.data import Reading, open_source
from ganmetrics.functional import frechet_distance

COUNTS, QUICK_COUNTS = (300, 2_048, 10_000, 50_000), (20, 128)
DIMS, QUICK_DIMS = (64, 192, 768, 2_048), (64, 128)
WORKERS = (0, 1, 2)


def rows(plan: Plan) -> list[Stage]:
    """Seconds at each size, the best of the rounds."""
    counts, dims = (QUICK_COUNTS, QUICK_DIMS) if plan.is_quick else (COUNTS, DIMS)
    found = [_frechet(f"Fréchet step by images, {dims[-1]} dimensions", count, dims[-1], plan) for count in counts]
    found += [_frechet(f"Fréchet step by dimensions, {counts[-1]} images", counts[-1], dim, plan) for dim in dims]
    return found + [_reading(workers, plan) for workers in WORKERS]


def _frechet(what: str, count: int, dim: int, plan: Plan) -> Stage:
    gaussians = pair(count, dim)
    size = f"n = {count}" if "by images" in what else f"d = {dim}"
    return Stage(what, size, _best(lambda: frechet_distance(*gaussians), plan.rounds), plan.again("curves"))


def _reading(workers: int, plan: Plan) -> Stage:
    folder, _ = plan.images("png")
    reading = Reading(workers=workers)

    def read() -> int:
        return sum(len(images) for images in open_source(folder, reading=reading).batches())

    what = f"reading {plan.num_images} PNG, 256 px"
    return Stage(what, f"workers: {workers}", _best(read, plan.rounds), plan.again("curves"))


def _best(action: Callable[[], object], rounds: int) -> float:
    seconds = []
    for _ in range(rounds + 1):  # the first finds things cold
        start = time.perf_counter()
        action()
        seconds.append(time.perf_counter() - start)
    return min(seconds)
