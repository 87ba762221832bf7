"""Mean and covariance of a stream of features: memory that does not grow, and the peers' ``np.cov`` on all of them.

``python -m benchmarks.moments --rows 1000000`` streams through the collector of an evaluation and prints its own peak.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click
import numpy as np
import torch

from benchmarks.plan import Plan
from benchmarks.report import Agreement, Comparison, relative
from benchmarks.timing import Goal, against_peers, kilobytes, measured
from ganmetrics.evaluation.gathering import Collector

if TYPE_CHECKING:
    from ganmetrics.features.base import Extractor

DIM, MANY, FEW, BLOCK = 2048, 1_000_000, 50_000, 512
LAYER, PEER = "features", "np.cov of all"
CONSTANT = Goal(ratio=1.02)
SAME = 1e-10  # relative


class AnyExtractor:
    """The one thing that a collector asks of an extractor."""

    def layer_for(self, reads: str) -> str:
        return LAYER


def rows(plan: Plan) -> list[Comparison | Agreement]:
    """Peaks of one process after few and after many rows, and cost against ``np.cov`` at few."""
    dim, few, many = (256, 2_000, 20_000) if plan.is_quick else (DIM, FEW, MANY)
    first, last = _measured(["--rows", str(few), "--rows", str(many), "--dim", str(dim)])
    peaks = {"ganmetrics": [last["memory"]], f"ours at {few:,}": [first["memory"]]}
    title = f"memory of moments, {many:,} × {dim} rows"
    constant = against_peers(title, "MiB", peaks, plan.again("moments"), dict.fromkeys(peaks, CONSTANT))
    return [*constant, *_against_all_at_once(few, dim, plan)]


def _against_all_at_once(count: int, dim: int, plan: Plan) -> list[Comparison | Agreement]:
    arguments, command = ["--rows", str(count), "--dim", str(dim)], plan.again("moments")
    runs: dict[str, list[dict[str, float]]] = {"ganmetrics": [], PEER: []}
    for _ in range(plan.rounds):
        runs["ganmetrics"] += _measured(arguments)
        runs[PEER] += _measured([*arguments, "--all-at-once"])
    found: list[Comparison | Agreement] = []
    for what, unit, key in (("moments", "s", "seconds"), ("memory of moments above the start", "MiB", "growth")):
        values = {name: [run[key] for run in each] for name, each in runs.items()}
        found += against_peers(f"{what}, {count:,} × {dim} rows", unit, values, command, {})
    ours, peer = (each[-1]["trace"] for each in runs.values())
    return [*found, Agreement("trace of the covariance", ours, peer, PEER, relative(ours, peer), command, SAME)]


def blocks(count: int, dim: int, seed: int = 0) -> Iterator[torch.Tensor]:
    """Rows of float32 features in blocks of at most 512: one seeded block, moved a little each time."""
    block = torch.from_numpy(np.random.RandomState(seed).standard_normal((BLOCK, dim)).astype(np.float32)).abs_()
    for index, start in enumerate(range(0, count, BLOCK)):
        yield block[: count - start] + 0.01 * (index % 7)


def _measured(arguments: list[str]) -> list[dict[str, float]]:
    usage = measured([sys.executable, "-m", "benchmarks.moments", *arguments])
    return [json.loads(line) for line in usage.output.splitlines()]


def _streamed(counts: list[int], dim: int) -> Iterator[tuple[int, float]]:
    """Each count and the trace of the covariance once the block that completes it is in."""
    collector = Collector(["moments"], cast("Extractor", AnyExtractor()))
    seen = 0
    for block in blocks(max(counts), dim):
        collector.add({LAYER: block})
        seen += len(block)
        if counts and seen >= counts[0]:
            moments = collector.moments("moments")
            assert moments is not None
            yield counts.pop(0), moments.trace()


def _all_at_once(count: int, dim: int) -> float:  # as the peers do: every row kept, then np.cov
    features = torch.cat(list(blocks(count, dim))).numpy()
    return float(np.trace(np.cov(features, rowvar=False)))


def _memory() -> float:
    """Peak of this process in MiB, from VmHWM: ru_maxrss would include what the parent held when it forked."""
    return kilobytes(Path("/proc/self/status").read_text(), "VmHWM") / 1024


@click.command()
@click.option("--rows", "counts", type=int, multiple=True, required=True, help="Rows; several in rising order.")
@click.option("--dim", default=DIM, show_default=True)
@click.option("--all-at-once", is_flag=True, help="Keep every row and take np.cov, as the peers do.")
def main(counts: tuple[int, ...], dim: int, all_at_once: bool) -> None:
    """Stream synthetic features and print a line of JSON for each count: seconds, peak in MiB, growth, trace."""
    before, start = _memory(), time.perf_counter()
    found: Any = [(counts[0], _all_at_once(counts[0], dim))] if all_at_once else _streamed(list(counts), dim)
    for count, trace in found:
        facts = {"rows": count, "seconds": time.perf_counter() - start, "memory": _memory(), "trace": trace}
        click.echo(json.dumps(facts | {"growth": facts["memory"] - before}))


if __name__ == "__main__":
    main()
