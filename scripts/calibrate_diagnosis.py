"""Set the limits of the diagnosis by healthy sets and planted faults, and write the table of ``docs/diagnosis.md``.

    python scripts/calibrate_diagnosis.py run --data ../shared/data --runs runs.jsonl     (about an hour on one core)
    python scripts/calibrate_diagnosis.py limits --runs runs.jsonl
    python scripts/calibrate_diagnosis.py table --runs runs.jsonl

``run`` can be interrupted and goes on where it stopped; with ``--pool`` it takes one data set, whose runs may be joined
with others' by ``cat``. A verdict of *some* begins beyond every healthy split and every healthy bundled generator;
*severe* is by decision (``SEVERE``).
"""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import click
import faults
import numpy as np
import torch
from faults import POOLS, Pool

import ganmetrics as gm
from ganmetrics._files import atomic_write
from ganmetrics._progress import progress_bar
from ganmetrics.diagnosis.diagnose import faults as known_faults
from ganmetrics.diagnosis.finding import graded, is_fault, worst
from ganmetrics.diagnosis.pair import Pair

ROOT = Path(__file__).parent.parent
LIMITS = ROOT / "ganmetrics" / "diagnosis" / "limits.json"
BEGIN, END = "<!-- calibration -->", "<!-- /calibration -->"
HEALTHY_REPEATS, REPEATS = {(6000, 3000): 20}, 20
SIZES = {"mnist": [(200, 100), (1000, 500), (2000, 1000), (6000, 3000)],
         "fashion": [(200, 100), (1000, 500), (2000, 1000), (6000, 3000)],
         "cifar10": [(200, 100), (1000, 500), (2000, 1000)]}  # fmt: skip
FAULT_SIZES = (2000, 1000)
MARGIN = 0.1  # of the way from the healthy value to the worst healthy set, added to it
SEVERE = {
    "missing_classes": 0.3, "missing_modes": 0.3, "rare_classes": 0.3, "uneven_classes": 0.4, "recall": 0.25,
    "coverage": 0.1, "vendi": 0.4, "spread": 0.25, "repeated": 0.2, "ms_ssim": 0.3, "precision": 0.25, "foreign": 0.3,
    "density": 0.05, "c2st": 0.97, "nearer": 0.3, "half_way": 0.2, "edited": 0.2, "exact": 0.1,
}  # fmt: skip
LEAST = {
    "missing_classes": 0.01,
    "missing_modes": 0.02,
    "rare_classes": 0.01,
    "repeated": 0.005,
    "exact": 0.001,
    "half_way": 0.005,
    "edited": 0.005,
}
HEALTHY = {"recall": 1, "coverage": 1, "vendi": 1, "spread": 1, "precision": 1, "density": 1, "c2st": 0.5}  # else 0
FAULTS = {"drop": "mode collapse", "narrow": "low diversity", "repeat": "low diversity", "copy": "memorisation",
          "blur": "low quality", "noise": "low quality", "jpeg": "low quality"}  # fmt: skip


class Run(NamedTuple):
    """One pair of sets: its name, and what each finding's numbers were, at the mild ends of their intervals."""

    name: str
    numbers: dict[str, dict[str, float]]  # by finding, by key

    def verdict(self, finding: str, limits: dict[str, Any]) -> str:
        """Of a finding under some limits."""
        found = self.numbers[finding].items()
        return worst(graded(v, **limits[k]) for k, v in found if k in limits and not math.isnan(v))


@click.group()
def main() -> None:
    """Measure, set the limits, write the table."""


@main.command()
@click.option(
    "--data", required=True, type=click.Path(exists=True, path_type=Path), help="MNIST, Fashion-MNIST, CIFAR-10."
)
@click.option("--runs", required=True, type=click.Path(path_type=Path), help="One line for each pair; it grows.")
@click.option("--pool", "pools", multiple=True, type=click.Choice(list(POOLS)), default=list(POOLS))
@click.option("--threads", default=1, show_default=True)
def run(data: Path, runs: Path, pools: tuple[str, ...], threads: int) -> None:
    """Diagnose healthy splits, healthy generators and planted faults."""
    torch.set_num_threads(threads)
    done = {each.name for each in _read(runs)} if runs.exists() else set()
    for name in pools:
        plan = [each for each in _plan(name) if each not in done]
        if not plan:
            continue
        pool = POOLS[name](data)
        with progress_bar(name, len(plan), shown=True, unit="pair") as bar, runs.open("a") as stream:
            for each in plan:
                numbers = _numbers(_pair(pool, each))
                stream.write(json.dumps([each, numbers]) + "\n")
                stream.flush()
                bar.update()


def _plan(pool: str) -> Iterator[str]:
    """The names of all pairs: ``mnist/drop/3/2000x1000/7``."""
    for n, m in SIZES[pool]:
        yield from (f"{pool}/split/0/{n}x{m}/{seed}" for seed in range(HEALTHY_REPEATS.get((n, m), 60)))
    for name in faults.healthy_generators(pool):
        yield from (f"{pool}/generator/{name}/{n}x{m}/{seed}" for n, m in SIZES[pool][2:] for seed in range(5))
    for fault, strengths in faults.STRENGTHS.items():
        size = "{}x{}".format(*FAULT_SIZES)
        yield from (f"{pool}/{fault}/{each:g}/{size}/{seed}" for each in strengths for seed in range(REPEATS))


def _pair(pool: Pool, name: str) -> Pair:
    _, fault, strength, size, seed = name.split("/")
    n, m = map(int, size.split("x"))
    rng = np.random.RandomState([int(seed), n, sum(map(ord, fault + strength))])
    real, rest = np.split(rng.permutation(len(pool.images)), [n])
    if fault == "generator":
        fake = pool.measured(gm.generators.load(strength)(m, seed=int(seed)))
    elif fault == "split":
        fake = pool.statistics(rest[:m])
    else:
        fake = faults.planted(pool, fault, float(strength), (real, rest, m), rng)
    return Pair(pool.statistics(real), fake, extractor=pool.extractor, seed=int(seed))


def _numbers(pair: Pair) -> dict[str, dict[str, float]]:
    found = [fault.find(pair) for fault in known_faults()]
    numbers = {each.name: {one.key: one.mild for one in each.evidence} for each in found}
    return {**numbers, "input trouble": {"verdict": float(found[-1].is_fault)}}


@main.command()
@click.option("--runs", required=True, type=click.Path(exists=True, path_type=Path))
def limits(runs: Path) -> None:
    """Write ``ganmetrics/diagnosis/limits.json``."""
    values: dict[str, dict[str, list[float]]] = defaultdict(lambda: {"split": [], "generator": []})
    for each in _read(runs):
        kind = each.name.split("/")[1]
        if kind in ("split", "generator"):
            for numbers in each.numbers.values():
                for key, value in numbers.items():
                    values[key][kind].append(value)
    found = {key: {"some": _some(key, values[key]), "severe": severe} for key, severe in SEVERE.items()}
    lines = ",\n".join(f"  {json.dumps(key)}: {json.dumps(each)}" for key, each in found.items())
    with atomic_write(LIMITS) as stream:
        stream.write(f"{{\n{lines}\n}}\n".encode())


def _some(key: str, values: dict[str, list[float]]) -> float:
    """Beyond every healthy split and every healthy generator."""
    normal = HEALTHY.get(key, 0)
    sign = 1 if SEVERE[key] > normal else -1
    splits, generators = (np.array([v for v in values[kind] if not math.isnan(v)]) for kind in ("split", "generator"))
    edge = float((sign * np.concatenate([splits, generators, [normal]])).max())
    limit = edge + MARGIN * (edge - sign * normal)
    if limit >= sign * SEVERE[key]:
        raise click.ClickException(f"{key}: healthy sets reach {sign * edge:g}, {SEVERE[key]:g} cannot be severe")
    limit = max(limit, sign * LEAST.get(key, sign * -math.inf))
    step = 0.01 if abs(limit) >= 0.02 else 0.001
    return round(sign * math.ceil(limit / step) * step, 4)


@main.command()
@click.option("--runs", required=True, type=click.Path(exists=True, path_type=Path))
@click.option("-o", "--output", default=ROOT / "docs" / "diagnosis.md", type=click.Path(exists=True, path_type=Path))
def table(runs: Path, output: Path) -> None:
    """Fill the tables of the page in."""
    found = _read(runs)
    text = output.read_text()
    before, rest = text.split(BEGIN)
    after = rest.split(END)[1]
    tables = "\n\n".join([_alarms(found), _limits(found), _detection(found)])
    with atomic_write(output) as stream:
        stream.write(f"{before}{BEGIN}\n\n{tables}\n\n{END}{after}".encode())


def _alarms(runs: list[Run]) -> str:
    """How often healthy sets are accused, by finding."""
    bounds = json.loads(LIMITS.read_text())
    groups = {kind: [r for r in runs if r.name.split("/")[1] == kind] for kind in ("split", "generator")}
    rows = ["| finding | healthy splits accused | healthy generators accused |", "|---|---|---|"]
    for finding in ("mode collapse", "low diversity", "low quality", "memorisation"):
        cells = [_rate(group, finding, bounds) for group in groups.values()]
        rows.append(f"| {finding} | {' | '.join(cells)} |")
    cells = [_odd(group) for group in groups.values()]
    return "\n".join([*rows, f"| input trouble | {' | '.join(cells)} |"])


def _rate(runs: list[Run], finding: str, bounds: dict[str, Any]) -> str:
    hits = sum(is_fault(each.verdict(finding, bounds)) for each in runs)
    return f"{hits / max(1, len(runs)):.1%} of {len(runs)}"


def _odd(runs: list[Run]) -> str:
    """Of sets that are large enough: of fewer images the finding says so."""
    runs = [each for each in runs if "/200x100/" not in each.name]
    hits = sum(each.numbers["input trouble"]["verdict"] for each in runs)
    return f"{hits / max(1, len(runs)):.1%} of {len(runs)}"


def _limits(runs: list[Run]) -> str:
    """Every number's healthy range and limits."""
    bounds = json.loads(LIMITS.read_text())
    rows = ["| number | healthy splits | healthy generators | some from | severe from |", "|---|---|---|---|---|"]
    for key, limit in bounds.items():
        ranges = [_range([n[key] for r in runs if r.name.split("/")[1] == kind for n in r.numbers.values() if key in n])
                  for kind in ("split", "generator")]  # fmt: skip
        rows.append(f"| `{key}` | {ranges[0]} | {ranges[1]} | {limit['some']:g} | {limit['severe']:g} |")
    return "\n".join(rows)


def _range(values: list[float]) -> str:
    finite = [value for value in values if not math.isnan(value)]
    return f"{min(finite):.3g} to {max(finite):.3g}" if finite else "not taken"


def _detection(runs: list[Run]) -> str:
    """How often each planted fault is named, by data set and strength: any verdict, and severe."""
    bounds = json.loads(LIMITS.read_text())
    rows = [f"| planted | finding | {' | '.join(POOLS)} |", f"|---|---|{'---|' * len(POOLS)}"]
    for fault, strengths in faults.STRENGTHS.items():
        for strength in strengths:
            cells = []
            for pool in POOLS:
                start = f"{pool}/{fault}/{strength:g}/"
                verdicts = [r.verdict(FAULTS[fault], bounds) for r in runs if r.name.startswith(start)]
                shares = [
                    sum(v in kinds for v in verdicts) / max(1, len(verdicts))
                    for kinds in (("some", "severe"), ("severe",))
                ]
                cells.append("{:.0%} ({:.0%})".format(*shares))
            rows.append(f"| {faults.words(fault, strength)} | {FAULTS[fault]} | {' | '.join(cells)} |")
    return "\n".join(rows)


def _read(path: Path) -> list[Run]:
    return [Run(*json.loads(line)) for line in path.read_text().splitlines() if line.endswith("]")]


if __name__ == "__main__":
    main()
