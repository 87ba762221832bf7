"""How often intervals cover and how often ``compare`` errs, by simulation: the tables of ``docs/intervals.md``.

``python -m benchmarks.intervals run`` simulates every cell that ``benchmarks/intervals.json`` lacks and adds it there;
``python -m benchmarks.intervals page`` writes the tables. A cell is one metric, one family of features, one size. In
each draw two sets of one generator meet one set of reals: both intervals should hold the mean score over all draws, and
no verdict should tell the two apart.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path
from typing import Any

import click
import numpy as np
import torch

from benchmarks.families import FAMILIES, draw
from ganmetrics._files import atomic_write
from ganmetrics._progress import progress_bar
from ganmetrics.evaluation.compare import Comparison, compared
from ganmetrics.metrics import METRICS, Metric
from ganmetrics.metrics.needs import IMAGES
from ganmetrics.scoring.plan import chosen_metrics
from ganmetrics.scoring.score import Sides

RECORD = Path(__file__).with_name("intervals.json")
PAGE = Path(__file__).parents[1] / "docs" / "intervals.md"
# How much dearer a draw is than one of FID: of such metrics fewer are taken.
COSTS = {
    **dict.fromkeys(("alpha_precision_beta_recall_authenticity", "density_coverage", "precision_recall", "prdc"), 2),
    **dict.fromkeys(("rarity", "realism", "fld", "ct"), 2),
    **dict.fromkeys(("c2st", "prd"), 4),
}
WANTED = ("fid", "kid", "fid_infinity", "is", "vendi", "precision_recall", "density_coverage")


@dataclass(frozen=True)
class Cell:
    """One row of the study: a metric, a family of features, sizes and how far the fakes are off."""

    metric: str
    family: str
    dim: int
    num_real: int
    num_fake: int
    delta: float
    draws: int

    @property
    def key(self) -> str:
        """The cell as the record names it."""
        return f"{self.metric}|{self.family}|{self.dim}|{self.num_real}|{self.num_fake}|{self.delta:g}"


def simulate(cell: Cell) -> dict[str, dict[str, float]]:
    """The rates of each number that the metric gives: ``covered``, ``wrong``, ``width`` (as a share of what is needed).

    ``missing`` is the share of scores without an interval; ``covered`` and ``width`` are those of the others.
    """
    (metric,) = chosen_metrics(configured(cell.metric, min(cell.num_real, cell.num_fake))).metrics
    rows: dict[str, list[tuple[float, float, float]]] = {part.name: [] for part in metric.parts}
    wrong = dict.fromkeys(rows, 0)
    for index in range(cell.draws):
        found = _one_draw(metric, cell, index)
        for name, score in [pair for result in found.results.values() for pair in result.scores.items()]:
            around = score.interval
            rows[name].append((score.value, *((math.nan,) * 2 if around is None else (around.low, around.high))))
        for difference in found.differences:
            wrong[difference.name] += difference.verdict != "cannot tell"
    return {name: rates(np.array(row), wrong[name] / cell.draws, name) for name, row in rows.items()}


def _one_draw(metric: Metric, cell: Cell, index: int) -> Comparison:
    """Two sets of one generator against one set of reals."""
    sizes = (("real", cell.num_real, 0.0), ("a", cell.num_fake, cell.delta), ("b", cell.num_fake, cell.delta))
    real, *fakes = (
        draw(cell.family, (cell.dim, index, place), count, cell.dim, delta, has_images=IMAGES in metric.reads)
        for place, (_, count, delta) in enumerate(sizes)
    )
    test = draw(cell.family, (cell.dim, index, 3), cell.num_real, cell.dim) if metric.needs_test else None
    sets = {name: Sides(real, fake, test) for name, fake in zip("AB", fakes, strict=True)}
    return compared(sets, [metric], "fast")


def rates(found: np.ndarray[Any, Any], wrong: float, name: str) -> dict[str, float]:
    """What the values and the ends of their intervals, [draws, 3], say."""
    values, low, high = found.T
    # A support size is a reciprocal: its interval is that of the number of pairs, whose mean is the truth.
    truth = 1 / np.mean(1 / values) if name == "birthday" else values.mean()
    has = ~np.isnan(low)
    covered = ((low <= truth) & (truth <= high))[has]
    needed = 1.96 * values.std(ddof=1)
    widths = (high - low)[has] / 2
    return {
        "mean": float(values.mean()),
        "covered": float(covered.mean()) if has.any() else math.nan,
        "wrong": wrong,
        "width": float(np.median(widths) / needed) if has.any() and needed > 0 else math.nan,
        "missing": float(1 - has.mean()),
    }


def configured(metric: str, count: int) -> str:
    """The metric with options that sets of this size allow."""
    more = {
        "kid": f"subset_size={min(400, count // 4)},num_subsets=30",
        "ndb": f"num_bins={min(100, count // 20)}",
        "ms_ssim_diversity": "scales=2",
    }.get(metric, "")
    return f"{metric}({more})" if more else metric


def cells(times: int = 1) -> list[Cell]:
    """Every cell of the study, the cheapest first; ``times`` as many draws as the committed record was begun with."""
    main = product(WANTED, FAMILIES, [(8, 2000, 300, 60), (64, 1000, 1000, 24)])
    high = product(
        ("fid", "kid", "fid_infinity"), ("rectified t", "counts"), [(256, 400, 400, 20), (2048, 500, 500, 8)]
    )
    found = [
        Cell(metric, family, dim, num_real, num_fake, 0.3, _draws(metric, times * draws))
        for metric, family, (dim, num_real, num_fake, draws) in [*main, *high]
    ]
    found += [
        Cell(metric, "rectified t", 8, size, size, 0.0, _draws(metric, times * draws))
        for metric, (size, draws) in product(METRICS.names(), [(400, 40), (4000, 16), (10_000, 8)])
    ]
    return sorted(found, key=lambda cell: (cell.num_fake * cell.num_real * cell.dim, COSTS.get(cell.metric, 1)))


def _draws(metric: str, draws: int) -> int:
    return max(4, draws // COSTS.get(metric, 1))


def run(record: Path, chosen: Sequence[Cell], minutes: float, progress: bool) -> None:
    """Simulate what the record lacks, writing it after each cell, until the time is over."""
    found = read(record)
    end = time.monotonic() + 60 * minutes
    missing = [cell for cell in chosen if found.get(cell.key, {"draws": 0})["draws"] < cell.draws]
    with progress_bar("simulating", len(missing), progress, unit="cell") as bar:
        for cell in missing:
            if time.monotonic() > end:
                break
            found[cell.key] = {**asdict(cell), "numbers": simulate(cell)}
            write(record, found)
            bar.update()


def read(record: Path) -> dict[str, Any]:
    """The cells that were simulated, by key; none where there is no record."""
    return json.loads(record.read_text()) if record.exists() else {}


def write(record: Path, found: dict[str, Any]) -> None:
    """Replace the record, one cell a line, so that a change of one is a change of one line."""
    lines = [f"{json.dumps(key)}: {json.dumps(_rounded(found[key]))}" for key in sorted(found)]
    with atomic_write(record) as stream:
        stream.write(("{\n" + ",\n".join(lines) + "\n}\n").encode())


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _rounded(each) for name, each in value.items()}
    return (None if math.isnan(value) else float(f"{value:.4g}")) if isinstance(value, float) else value


def summary(found: dict[str, Any]) -> list[str]:
    """One row for each number that a metric gives: cells, mean and least coverage, most wrong verdicts, widths."""
    head = "| score | cells | covered: mean | least | where | wrong verdicts: mean | most | where | width / needed |"
    lines = [head, "|---|---:|---:|---:|---|---:|---:|---|---:|"]
    for name, rows in sorted(_by_number(found).items()):
        with_interval = [(cell, row) for cell, row in rows if row["covered"] is not None]
        worst = max(rows, key=lambda one: one[1]["wrong"])
        wrong = f"{_mean(rows, 'wrong'):.1%} | {worst[1]['wrong']:.1%} | {_place(worst[0], worst[1]['wrong'] > 0)}"
        if not with_interval:
            lines.append(f"| {name} | {len(rows)} | no interval | | | {wrong} | |")
            continue
        least = min(with_interval, key=lambda one: one[1]["covered"])
        covered = f"{_mean(with_interval, 'covered'):.1%} | {least[1]['covered']:.1%} | {_place(least[0], True)}"
        width = np.median([row["width"] for _, row in with_interval if row["width"] is not None])
        lines.append(f"| {name} | {len(rows)} | {covered} | {wrong} | {width:.2f} |")
    return lines


def full(found: dict[str, Any]) -> list[str]:
    """One row for each number, size and distance, one column for each family: coverage, wrong verdicts."""
    lines = [
        f"| score | d | real | fake | off | {' | '.join(FAMILIES)} |",
        "|---|---:|---:|---:|---:" + "|---" * 8 + "|",
    ]
    table: dict[tuple[Any, ...], dict[str, str]] = {}
    for name, rows in _by_number(found).items():
        for cell, row in rows:
            place = (name, cell["dim"], cell["num_real"], cell["num_fake"], cell["delta"])
            covered = "–" if row["covered"] is None else f"{100 * row['covered']:.0f}"
            table.setdefault(place, {})[cell["family"]] = f"{covered}, {100 * row['wrong']:.0f}"
    for place, columns in sorted(table.items()):
        name, dim, num_real, num_fake, delta = place
        cells_of = " | ".join(columns.get(family, "") for family in FAMILIES)
        lines.append(f"| {name} | {dim} | {num_real:,} | {num_fake:,} | {delta:g} | {cells_of} |")
    return lines


def _by_number(found: dict[str, Any]) -> dict[str, list[tuple[dict[str, Any], dict[str, Any]]]]:
    rows: dict[str, list[tuple[dict[str, Any], dict[str, Any]]]] = {}
    for cell in found.values():
        for name, row in cell["numbers"].items():
            rows.setdefault(name, []).append((cell, row))
    return rows


def _mean(rows: Sequence[tuple[dict[str, Any], dict[str, Any]]], what: str) -> float:
    return float(np.mean([row[what] for _, row in rows]))


def _place(cell: dict[str, Any], is_worth: bool) -> str:
    """Where a cell stands, in words; nothing where there is nothing to point at."""
    return f"{cell['family']}, n {cell['num_fake']:,}, d {cell['dim']}" if is_worth else ""


@click.group()
def main() -> None:
    """Simulate intervals and verdicts, and write the tables of the page."""


@main.command("run")
@click.option("--only", default="", help="Simulate only cells whose key holds this text, such as 'fid|'.")
@click.option("--minutes", default=600.0, show_default=True, help="Stop after so many minutes; a later run goes on.")
@click.option("--record", default=RECORD, type=click.Path(path_type=Path), help="The file of results.")
@click.option("--times", default=1, show_default=True, help="Take so many times the draws.")
@click.option("--quiet", "-q", is_flag=True, help="Show no progress bar.")
def run_command(only: str, minutes: float, record: Path, times: int, quiet: bool) -> None:
    """Simulate every cell that the record lacks."""
    torch.set_num_threads(1)
    run(record, [cell for cell in cells(times) if only in cell.key], minutes, not quiet)


@main.command("page")
@click.option("-o", "--output", default=PAGE, type=click.Path(path_type=Path), help="The page.")
def page_command(output: Path) -> None:
    """Write the tables of the record into the page, between its marks."""
    found, text = read(RECORD), output.read_text()
    for mark, table in (("summary", summary(found)), ("full", full(found))):
        begin, end = f"<!-- {mark} -->\n", f"\n<!-- /{mark} -->"
        before, after = text.partition(begin)[0], text.partition(end)[2]
        text = before + begin + "\n".join(table) + end + after
    with atomic_write(output) as stream:
        stream.write(text.encode())


if __name__ == "__main__":
    main()
