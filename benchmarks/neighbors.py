"""Precision, recall, density and coverage beside prdc, and KID beside torch-fidelity, each in a process of its own.

``python -m benchmarks.neighbors --what prdc --rows 50000`` measures ours alone, where prdc's matrices fit no memory.
"""

from __future__ import annotations

import json
import sys
import time
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import numpy as np
import torch

from benchmarks.plan import Plan
from benchmarks.report import Agreement, Comparison, relative
from benchmarks.timing import Goal, against_peers, kilobytes, measured

if TYPE_CHECKING:
    from collections.abc import Callable

    Score = Callable[[torch.Tensor, torch.Tensor], float]

DIM, FEW, MANY, NEIGHBORS = 2048, 10_000, 50_000, 5
DOUBLE = "torch-fidelity in float64"
PEERS = {"prdc": ("prdc",), "kid": (DOUBLE, "torch-fidelity")}
KID_COUNTS = (5_000, FEW, MANY)
KID_TIMES = {5_000: Goal(ratio=0.25), FEW: Goal(ratio=0.71)}
MOST = Goal(value=2000)  # MiB, of 50,000 rows
SAME = {"prdc": 1e-12, DOUBLE: 1e-9, "torch-fidelity": 1e-3}  # relative; the last computes in float32


def rows(plan: Plan) -> list[Comparison | Agreement]:
    """Seconds, memory above the features, and values: at few rows, and at many where the peer's matrices fit."""
    dim, few, many = (64, 1200, 1500) if plan.is_quick else (DIM, FEW, MANY)
    found = _beside("prdc", few, dim, plan)
    for count in (few,) if plan.is_quick else KID_COUNTS:
        found += _beside("kid", count, dim, plan)
    alone = _run("prdc", "ganmetrics", many, dim)
    found.append(_limit(alone, many, dim, plan))
    return found


def goals(what: str, count: int, unit: str) -> dict[str, Goal]:
    """What is wanted against each peer; of KID, in seconds, against the one that computes in float64 as ours does."""
    if what == "prdc":
        return {"prdc": Goal(ratio=0.4 if unit == "s" else 0.25)}
    return {DOUBLE: KID_TIMES[count]} if unit == "s" and count in KID_TIMES else {}


def _beside(what: str, count: int, dim: int, plan: Plan) -> list[Comparison | Agreement]:
    runs: dict[str, list[dict[str, float]]] = {name: [] for name in ("ganmetrics", *PEERS[what])}
    for _ in range(plan.rounds):
        for name, each in runs.items():
            each.append(_run(what, name, count, dim))
    title, command = f"{what}, {count:,} × {dim} features a side", plan.again("neighbors")
    found: list[Comparison | Agreement] = []
    for unit, key in (("s", "seconds"), ("MiB", "growth")):
        values = {name: [run[key] for run in each] for name, each in runs.items()}
        heading = f"{title}{', memory above them' * (unit == 'MiB')}"
        found += against_peers(heading, unit, values, command, goals(what, count, unit))
    results = {name: each[-1]["value"] for name, each in runs.items()}
    ours = results.pop("ganmetrics")
    for name, peer in results.items():
        found.append(Agreement(title, ours, peer, name, relative(ours, peer), command, SAME[name]))
    return found


def _limit(run: dict[str, float], count: int, dim: int, plan: Plan) -> Comparison:
    """A row of ours alone, beside the memory of one matrix of distances in float32."""
    matrix = 4 * count**2 / 2**20
    title = f"prdc, {count:,} × {dim} features a side, memory above them; {run['seconds']:.0f} s"
    command = plan.again("neighbors")
    return Comparison(title, "MiB", [run["growth"]], [matrix], "one of prdc's matrices", command, None, MOST.value)


def _run(what: str, name: str, count: int, dim: int) -> dict[str, float]:
    side = {"ganmetrics": "ours", DOUBLE: "float64"}.get(name, "peer")
    command = [sys.executable, "-m", "benchmarks.neighbors", "--what", what, "--side", side, "--rows", str(count)]
    return dict(json.loads(measured([*command, "--dim", str(dim)]).output.splitlines()[-1]))


def scores(what: str, side: str) -> Score:
    """The function that is measured, already imported."""
    return {
        ("prdc", "ours"): _our_prdc,
        ("prdc", "peer"): _their_prdc,
        ("kid", "ours"): _our_kid,
        ("kid", "peer"): _their_kid,
        ("kid", "float64"): _their_kid,
    }[what, side]()


def _our_prdc() -> Score:
    from ganmetrics.functional import prdc

    return lambda real, fake: float(sum(prdc(real, fake, neighbors=NEIGHBORS)))


def _their_prdc() -> Score:
    from prdc import compute_prdc  # type: ignore[import-untyped]

    return lambda real, fake: float(sum(compute_prdc(real.numpy(), fake.numpy(), NEIGHBORS).values()))


def _our_kid() -> Score:
    from ganmetrics.functional import kid

    return lambda real, fake: kid(real, fake).value


def _their_kid() -> Score:
    from torch_fidelity.metric_kid import KEY_METRIC_KID_MEAN, kid_features_to_metric

    return lambda real, fake: float(kid_features_to_metric(fake, real, verbose=False)[KEY_METRIC_KID_MEAN])


def features(count: int, dim: int, seed: int) -> torch.Tensor:
    """Rows of float32 with a decaying spectrum, made in blocks."""
    values = np.random.RandomState(seed)
    scale = (np.arange(1, dim + 1) ** -0.3).astype(np.float32)
    found = torch.empty(count, dim)
    for start in range(0, count, 1000):
        block = values.standard_normal((min(1000, count - start), dim)).astype(np.float32)
        found[start : start + len(block)] = torch.from_numpy(np.abs(block * scale) * (1 + 0.02 * seed))
    return found


def _memory(name: str) -> float:
    return kilobytes(Path("/proc/self/status").read_text(), name) / 1024


@click.command()
@click.option("--what", type=click.Choice(list(PEERS)), required=True)
@click.option("--side", type=click.Choice(["ours", "peer", "float64"]), default="ours", show_default=True)
@click.option("--rows", "count", type=int, default=FEW, show_default=True, help="Features of each side.")
@click.option("--dim", default=DIM, show_default=True)
def main(what: str, side: str, count: int, dim: int) -> None:
    """Score synthetic features and print a line of JSON: seconds, growth of the peak in MiB, value."""
    dtype = torch.float64 if side == "float64" else torch.float32
    real, fake = (features(count, dim, seed).to(dtype) for seed in range(2))
    score: Any = scores(what, side)
    before, start = _memory("VmRSS"), time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the peers' dependencies
        value = score(real, fake)
    seconds = time.perf_counter() - start
    click.echo(json.dumps({"seconds": seconds, "growth": _memory("VmHWM") - before, "value": value}))


if __name__ == "__main__":
    main()
