"""Set the limits of the diagnosis by healthy sets and planted faults, and write the table of ``docs/diagnosis.md``.

    python scripts/calibrate_diagnosis.py run --data ../shared/data --cache DIR --yardstick WEIGHTS --runs runs.jsonl
    python scripts/calibrate_diagnosis.py limits --runs runs.jsonl
    python scripts/calibrate_diagnosis.py table --runs runs.jsonl

``run`` takes two hours on one core, can be interrupted and goes on where it stopped. ``--setting`` takes one of the
settings of ``faults.py``; ``--draws 8``, and a second ``run`` without it, give a first table early. Features of each
set, as it is and with each fault of the pixels, are computed once and kept in DIR. WEIGHTS are those of a trained
Inception. A verdict of *some* begins beyond every healthy split and every healthy bundled generator; *severe* is by
decision (``SEVERE``). ``limits`` moves a limit only where a healthy set lies beyond it.
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
from faults import SETTINGS, Pool

import ganmetrics as gm
from ganmetrics._files import atomic_write
from ganmetrics._progress import progress_bar
from ganmetrics.diagnosis.diagnose import faults as known_faults
from ganmetrics.diagnosis.finding import graded, is_fault, worst
from ganmetrics.diagnosis.pair import Pair
from ganmetrics.numerics.interval_ends import clopper_pearson

ROOT = Path(__file__).parent.parent
LIMITS = ROOT / "ganmetrics" / "diagnosis" / "limits.json"
BEGIN, END = "<!-- calibration -->", "<!-- /calibration -->"
HEALTHY_REPEATS = {200: 30, 1000: 20, 2000: 8, 5000: 3}
REPEATS, FAULTY_SIZE = 20, (1000, 500)
GENERATOR_REPEATS, GENERATOR_SIZE = 3, (2000, 1000)
MARGIN = 0.1  # of the way from the healthy value to the worst healthy set, added to it
SEVERE = {
    "missing_classes": 0.3, "missing_modes": 0.3, "uneven_modes": 0.2, "rare_classes": 0.3, "uneven_classes": 0.4,
    "recall": 0.25, "coverage": 0.1, "vendi": 0.4, "spread": 0.25, "repeated": 0.2, "ms_ssim": 0.3, "precision": 0.25,
    "foreign": 0.3, "density": 0.05, "c2st": 0.97, "nearer": 0.3, "half_way": 0.2, "edited": 0.2, "exact": 0.1,
}  # fmt: skip
LEAST = {
    "missing_classes": 0.01,
    "missing_modes": 0.02,
    "uneven_modes": 0.01,
    "rare_classes": 0.01,
    "repeated": 0.005,
    "exact": 0.001,
    "half_way": 0.005,
    "edited": 0.005,
}
HEALTHY = {"recall": 1, "coverage": 1, "vendi": 1, "spread": 1, "precision": 1, "density": 1, "c2st": 0.5}  # else 0
FAULTS = {"drop": "mode collapse", "unlabelled": "mode collapse", "narrow": "low diversity", "repeat": "low diversity",
          "copy": "memorisation", "blur": "low quality", "noise": "low quality", "jpeg": "low quality"}  # fmt: skip
INPUT_TROUBLE = "input trouble"


class Run(NamedTuple):
    """One pair of sets: its name, and what each finding's numbers were, at the mild ends of their intervals."""

    name: str
    numbers: dict[str, dict[str, float]]  # by finding, by key

    @property
    def parts(self) -> list[str]:
        """The setting, the fault or the kind of healthy set, its strength or name, the sizes, the seed."""
        return self.name.split("/")

    def verdict(self, finding: str, limits: dict[str, Any]) -> str:
        """Of a finding under some limits."""
        found = self.numbers[finding].items()
        return worst(graded(v, **limits[k]) for k, v in found if k in limits and not math.isnan(v))


@click.group()
def main() -> None:
    """Measure, set the limits, write the table."""


@main.command()
@click.option(
    "--data", required=True, type=click.Path(exists=True, path_type=Path), help="MNIST, Fashion, CIFAR, emoji."
)
@click.option(
    "--cache", required=True, type=click.Path(file_okay=False, path_type=Path), help="Features are kept here."
)
@click.option("--yardstick", type=click.Path(exists=True, path_type=Path), help="Weights of a trained Inception.")
@click.option("--runs", required=True, type=click.Path(path_type=Path), help="One line for each pair; it grows.")
@click.option("--setting", "titles", multiple=True, type=click.Choice(list(SETTINGS)), default=list(SETTINGS))
@click.option("--draws", default=max(HEALTHY_REPEATS.values()), show_default=True, help="The most draws of each pair.")
def run(data: Path, cache: Path, yardstick: Path | None, runs: Path, titles: tuple[str, ...], draws: int) -> None:
    """Diagnose healthy splits, healthy generators and planted faults."""
    torch.set_num_threads(1)
    done = {each.name for each in _read(runs)} if runs.exists() else set()
    for title in titles:
        plan = [each for each in _plan(title) if each not in done and int(each.split("/")[-1]) < draws]
        if not plan:
            continue
        pool = faults.load(title, data, cache, yardstick)
        with progress_bar(title, len(plan), shown=True, unit="pair") as bar, runs.open("a") as stream:
            for each in plan:
                stream.write(json.dumps([each, _numbers(each, _pair(pool, each))]) + "\n")
                stream.flush()
                bar.update()


def _plan(title: str) -> Iterator[str]:
    """The names of all pairs: ``CIFAR-10, `colour`/drop/0.3/2000x1000/7``."""
    setting = SETTINGS[title]
    for n, m in setting.healthy:
        yield from (f"{title}/split/0/{n}x{m}/{seed}" for seed in range(HEALTHY_REPEATS[n]))
    for name in faults.healthy_generators(title):
        size = "{}x{}".format(*GENERATOR_SIZE)
        yield from (f"{title}/generator/{name}/{size}/{seed}" for seed in range(GENERATOR_REPEATS))
    for fault, strength in setting.faults:
        size = "{}x{}".format(*FAULTY_SIZE)
        yield from (f"{title}/{fault}/{strength:g}/{size}/{seed}" for seed in range(REPEATS))


def _pair(pool: Pool, name: str) -> Pair:
    _, fault, strength, size, seed = name.split("/")
    n, m = map(int, size.split("x"))
    rng = np.random.RandomState([int(seed), n, sum(map(ord, fault + strength))])
    real, rest = np.split(rng.permutation(len(pool.labelled.images)), [n])
    healthy = pool.damaged("", 0)
    if fault == "generator":
        fake = pool.measured(gm.generators.load(strength)(m, seed=int(seed)))
    elif fault == "split":
        fake = pool.statistics(healthy.of(rest[:m]))
    else:
        fake = faults.planted(pool, fault, float(strength), (real, rest, m), rng)
    is_labelled = pool.setting.knows_kinds == "labels" and fault != "unlabelled"
    labels = pool.labelled.labels[real] if is_labelled else None
    return Pair(pool.statistics(healthy.of(real), labels), fake, extractor=pool.features.extractor, seed=int(seed))


def _numbers(name: str, pair: Pair) -> dict[str, dict[str, float]]:
    """Return the numbers of every finding of healthy sets, and of the planted one of others."""
    planted = FAULTS.get(name.split("/")[1])
    found = [fault.find(pair) for fault in known_faults() if planted in (None, fault.name)]
    numbers = {each.name: {one.key: one.mild for one in each.evidence} for each in found}
    for each in found:
        numbers[each.name]["is_blind"] = float(each.verdict == "cannot tell")
        if each.name == INPUT_TROUBLE:
            numbers[each.name]["is_fault"] = float(each.is_fault)
    return numbers


@main.command()
@click.option("--runs", required=True, type=click.Path(exists=True, path_type=Path))
def limits(runs: Path) -> None:
    """Move the limits of ``ganmetrics/diagnosis/limits.json`` that healthy sets lie beyond."""
    values: dict[str, list[float]] = defaultdict(list)
    for each in _healthy(_read(runs), "split", "generator"):
        for numbers in each.numbers.values():
            for key, value in numbers.items():
                values[key].append(value)
    present = json.loads(LIMITS.read_text())
    found = {key: {"some": _some(key, values[key], present[key]["some"]), "severe": SEVERE[key]} for key in SEVERE}
    lines = ",\n".join(f"  {json.dumps(key)}: {json.dumps(each)}" for key, each in found.items())
    with atomic_write(LIMITS) as stream:
        stream.write(f"{{\n{lines}\n}}\n".encode())


def _some(key: str, values: list[float], present: float) -> float:
    """Return the limit, or one beyond every healthy set where some lie beyond it."""
    normal = HEALTHY.get(key, 0)
    sign = 1 if SEVERE[key] > normal else -1
    edge = max((sign * value for value in values if not math.isnan(value)), default=-math.inf)
    if edge < sign * present:
        return present
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


def _healthy(runs: list[Run], *kinds: str) -> list[Run]:
    return [each for each in runs if each.parts[1] in kinds]


def _alarms(runs: list[Run]) -> str:
    """How often healthy sets are accused, by finding and number of real images."""
    splits = _healthy(runs, "split")
    sizes = sorted({int(each.parts[3].split("x")[0]) for each in splits})
    groups = {f"{n:,} images": [r for r in splits if r.parts[3].startswith(f"{n}x")] for n in sizes}
    groups |= {"all splits": splits, "healthy generators": _healthy(runs, "generator")}
    rows = [f"| finding | {' | '.join(groups)} |", f"|---|{'---:|' * len(groups)}"]
    for finding in (*dict.fromkeys(FAULTS.values()), INPUT_TROUBLE):
        rows.append(f"| {finding} | {' | '.join(_alarm(group, finding) for group in groups.values())} |")
    return "\n".join(rows)


def _alarm(runs: list[Run], finding: str) -> str:
    """Return the share of accused sets; of few images the finding ``input trouble`` says that they are few."""
    bounds = json.loads(LIMITS.read_text())
    if finding == INPUT_TROUBLE:
        hits = [bool(each.numbers[finding]["is_fault"]) for each in runs if not each.parts[3].startswith("200x")]
    else:
        hits = [is_fault(each.verdict(finding, bounds)) for each in runs]
    return _share(hits, ".1%")


def _share(hits: list[bool], style: str) -> str:
    """Return a share with its exact 95 % interval and, where it is of false alarms, the number of draws."""
    if not hits:
        return ""
    ends = clopper_pearson(sum(hits), len(hits) - sum(hits))
    count = f" of {len(hits)}" if style == ".1%" else ""
    return f"{sum(hits) / len(hits):{style}}{count} ({100 * ends.low:{style[:2]}f}–{100 * ends.high:{style[:2]}f})"


def _limits(runs: list[Run]) -> str:
    """Every number's healthy range and limits."""
    bounds = json.loads(LIMITS.read_text())
    rows = ["| number | healthy splits | healthy generators | some from | severe from |", "|---|---|---|---|---|"]
    for key, limit in bounds.items():
        ranges = [_range([n[key] for r in _healthy(runs, kind) for n in r.numbers.values() if key in n])
                  for kind in ("split", "generator")]  # fmt: skip
        rows.append(f"| `{key}` | {ranges[0]} | {ranges[1]} | {limit['some']:g} | {limit['severe']:g} |")
    return "\n".join(rows)


def _range(values: list[float]) -> str:
    finite = [value for value in values if not math.isnan(value)]
    return f"{min(finite):.3g} to {max(finite):.3g}" if finite else "not taken"


def _detection(runs: list[Run]) -> str:
    """How often each planted fault is named, by setting and strength."""
    titles = [title for title in SETTINGS if any(each.parts[0] == title for each in runs)]
    rows = [f"| planted | finding | {' | '.join(titles)} |", f"|---|---|{'---:|' * len(titles)}"]
    for fault, strengths in faults.STRENGTHS.items():
        for strength in strengths:
            key = [fault, f"{strength:g}"]
            groups = [[r for r in runs if r.parts[:3] == [title, *key]] for title in titles]
            cells = [_detected(group, FAULTS[fault]) for group in groups]
            rows.append(f"| {faults.words(fault, strength)} | {FAULTS[fault]} | {' | '.join(cells)} |")
    return "\n".join(rows)


def _detected(runs: list[Run], finding: str) -> str:
    """Return the share of draws that are accused, and that of the others in which the check says it is blind."""
    bounds = json.loads(LIMITS.read_text())
    hits = [is_fault(each.verdict(finding, bounds)) for each in runs]
    blind = sum(not hit and bool(each.numbers[finding]["is_blind"]) for hit, each in zip(hits, runs, strict=True))
    return _share(hits, ".0%") + (f"; {blind / len(runs):.0%} cannot tell" if blind else "")


def _read(path: Path) -> list[Run]:
    return [Run(*json.loads(line)) for line in path.read_text().splitlines() if line.endswith("]")]


if __name__ == "__main__":
    main()
