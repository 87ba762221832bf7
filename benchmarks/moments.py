"""Mean and covariance of a stream of features: memory that does not grow, and the peers' ways to the same.

``python -m benchmarks.moments --rows 1000000`` streams through the collector of an evaluation and prints its own peak.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click
import numpy as np
import torch

from benchmarks.plan import Plan
from benchmarks.report import Agreement, Comparison, relative
from benchmarks.timing import Goal, against_peers, kilobytes, measured
from ganmetrics.measurement.gathering import Collector
from ganmetrics.metrics.needs import MOMENTS

if TYPE_CHECKING:
    from ganmetrics.extractors.extractor import Extractor
    from ganmetrics.metrics.needs import Need

DIM, MANY, FEW, BLOCK = 2048, 1_000_000, 50_000, 512
BATCH = 32  # rows that a network yields at a time
LAYER = "features"
GOALS = {"torchmetrics": {"s": Goal(ratio=0.25)}}
CONSTANT = Goal(ratio=1.02)
SAME = 1e-10  # relative


class AnyExtractor:
    """The one thing that a collector asks of an extractor."""

    def layer_for(self, need: Need) -> str:
        return LAYER


def rows(plan: Plan) -> list[Comparison | Agreement]:
    """Peaks of one process after few and after many rows, and cost against the peers at few."""
    dim, few, many = (256, 2_000, 20_000) if plan.is_quick else (DIM, FEW, MANY)
    first, last = _measured(["--rows", str(few), "--rows", str(many), "--dim", str(dim)])
    peaks = {"ganmetrics": [last["memory"]], f"ours at {few:,}": [first["memory"]]}
    title = f"memory of moments, {many:,} × {dim} rows"
    constant = against_peers(title, "MiB", peaks, plan.again("moments"), dict.fromkeys(peaks, CONSTANT))
    return [*constant, *beside(few, dim, plan)]


def beside(count: int, dim: int, plan: Plan) -> list[Comparison | Agreement]:
    """Seconds, memory and the trace of the covariance, each way in a process of its own."""
    arguments, command = ["--rows", str(count), "--dim", str(dim)], plan.again("moments")
    runs: dict[str, list[dict[str, float]]] = {name: [] for name in WAYS}
    for _ in range(plan.rounds):
        for name, each in runs.items():
            each += _measured([*arguments, "--way", name])
    found: list[Comparison | Agreement] = []
    for what, unit, key in (("moments", "s", "seconds"), ("memory of moments above the start", "MiB", "growth")):
        values = {name: [run[key] for run in each] for name, each in runs.items()}
        goals = {name: goal[unit] for name, goal in GOALS.items() if unit in goal}
        found += against_peers(f"{what}, {count:,} × {dim} rows", unit, values, command, goals)
    ours, *peers = ((name, each[-1]["trace"]) for name, each in runs.items())
    for name, trace in peers:
        difference = relative(ours[1], trace)
        found.append(Agreement("trace of the covariance", ours[1], trace, name, difference, command, SAME))
    return found


def blocks(count: int, dim: int, seed: int = 0) -> Iterator[torch.Tensor]:
    """Rows of float32 features in batches of at most 32, from one seeded block that is moved a little each time."""
    block = torch.from_numpy(np.random.RandomState(seed).standard_normal((BLOCK, dim)).astype(np.float32)).abs_()
    for index, start in enumerate(range(0, count, BLOCK)):
        yield from (block[: count - start] + 0.01 * (index % 7)).split(BATCH)


def _measured(arguments: list[str]) -> list[dict[str, float]]:
    usage = measured([sys.executable, "-m", "benchmarks.moments", *arguments])
    return [json.loads(line) for line in usage.output.splitlines()]


def _streamed(counts: list[int], dim: int) -> Iterator[tuple[int, float]]:
    """Each count and the trace of the covariance once the block that completes it is in."""
    collector = Collector([MOMENTS], cast("Extractor", AnyExtractor()))
    seen = 0
    for block in blocks(max(counts), dim):
        collector.add({LAYER: block})
        seen += len(block)
        if counts and seen >= counts[0]:
            moments = collector.values()[MOMENTS]
            assert moments is not None
            yield counts.pop(0), moments.trace()


def _all_at_once(counts: list[int], dim: int) -> Iterator[tuple[int, float]]:
    """As pytorch-fid, torch-fidelity and clean-fid do: every row kept, then ``np.cov``."""
    features = torch.cat(list(blocks(counts[0], dim))).numpy()
    yield counts[0], float(np.trace(np.cov(features, rowvar=False)))


class Handed(torch.nn.Module):
    """A network for torchmetrics that gives it the rows that it is handed in place of images."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.num_features = dim

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        return rows


def _running_sums(counts: list[int], dim: int) -> Iterator[tuple[int, float]]:
    """torchmetrics' own update, whose sums of x and of x xᵀ its ``compute`` turns into a covariance."""
    from torchmetrics.image.fid import FrechetInceptionDistance

    metric = FrechetInceptionDistance(feature=Handed(dim), normalize=True)
    for block in blocks(counts[0], dim):
        metric.update(block, real=True)
    total, mean = metric.real_features_num_samples, metric.real_features_sum / metric.real_features_num_samples
    centred = metric.real_features_cov_sum.diagonal() - total * mean**2
    yield counts[0], float(centred.sum() / (total - 1))


WAYS = {"ganmetrics": _streamed, "np.cov of all": _all_at_once, "torchmetrics": _running_sums}


def _memory() -> float:
    """Peak of this process in MiB, from VmHWM: ru_maxrss would include what the parent held when it forked."""
    return kilobytes(Path("/proc/self/status").read_text(), "VmHWM") / 1024


@click.command()
@click.option("--rows", "counts", type=int, multiple=True, required=True, help="Rows; several in rising order.")
@click.option("--dim", default=DIM, show_default=True)
@click.option("--way", type=click.Choice(list(WAYS)), default="ganmetrics", show_default=True)
def main(counts: tuple[int, ...], dim: int, way: str) -> None:
    """Stream synthetic features and print a line of JSON for each count: seconds, peak in MiB, growth, trace."""
    if way == "torchmetrics":
        import_module("torchmetrics.image.fid")  # which takes seconds that are not measured
    before, start = _memory(), time.perf_counter()
    for count, trace in WAYS[way](list(counts), dim):
        facts = {"rows": count, "seconds": time.perf_counter() - start, "memory": _memory(), "trace": trace}
        click.echo(json.dumps(facts | {"growth": facts["memory"] - before}))


if __name__ == "__main__":
    main()
