"""How often the intervals cover, by simulation: writes the table of ``docs/intervals.md``.

Features are rectified, rotated Student-t variables with 8 degrees of freedom and a decaying spectrum, as those of a
network are: positive, skewed, of heavier tails than a Gaussian's. What an interval should cover is the mean of the
score over all draws of these sizes, which includes the bias of finite samples.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from itertools import starmap
from pathlib import Path

import click
import numpy as np
import torch

from ganmetrics._files import atomic_write
from ganmetrics._progress import progress_bar
from ganmetrics.evaluation.comparison import compared
from ganmetrics.evaluation.preparing import chosen_metrics
from ganmetrics.evaluation.recipe import Recipe
from ganmetrics.evaluation.scoring import Sides, scored
from ganmetrics.evaluation.statistics import Statistics
from ganmetrics.numerics.moments import Moments

SPECTRUM = 6.0  # of d dimensions, d / 6 hold most of the variance
BEGIN, END = "<!-- coverage -->", "<!-- /coverage -->"


@dataclass(frozen=True)
class Case:
    """One row of the table: so many reals and fakes in ``dim`` dimensions, the fakes moved and stretched."""

    dim: int
    num_real: int
    num_fake: int
    shift: float
    scale: float

    @property
    def words(self) -> str:
        moved = f"{self.shift:g}, {self.scale:g}" if (self.shift, self.scale) != (0, 1) else "same distribution"
        return f"{self.dim} | {self.num_real:,} | {self.num_fake:,} | {moved}"


CASES = [
    Case(16, 500, 500, 0.3, 1.2),
    Case(16, 500, 500, 0.1, 1.05),
    Case(16, 500, 500, 0.0, 1.0),
    Case(64, 256, 256, 0.3, 1.2),
    Case(64, 1000, 1000, 0.3, 1.2),
    Case(64, 1000, 300, 0.3, 1.2),
    Case(64, 1000, 1000, 0.0, 1.0),
    Case(256, 200, 200, 0.3, 1.2),
    Case(256, 1024, 1024, 0.3, 1.2),
    Case(256, 1024, 1024, 0.0, 1.0),
]
METRICS = {"FID": "fid", "KID": "kid(subset_size=100,num_subsets=50)"}


class Population:
    """A distribution of features from which any number of sets can be drawn."""

    def __init__(self, dim: int) -> None:
        rng = np.random.RandomState(dim)
        self.dim = dim
        self.rotation = np.linalg.qr(rng.randn(dim, dim))[0]
        self.scales = np.exp(-np.arange(dim) * SPECTRUM / dim / 2)

    def draw(self, count: int, rng: np.random.RandomState, shift: float = 0.0, scale: float = 1.0) -> Statistics:
        """A set as the statistics of as many images."""
        z = (rng.standard_t(8, (count, self.dim)) * scale + shift) * self.scales
        rows = torch.from_numpy(np.maximum(z @ self.rotation + 0.1, 0).astype(np.float32))
        recipe = Recipe("simulated", "simulated", "none")
        return Statistics(recipe, count, "unknown", moments=Moments.of(rows), features=rows)


def coverage(case: Case, metric: str, draws: int) -> tuple[float, float, float, float]:
    """The mean score, its standard deviation over the draws, the mean half-width, and the share that cover."""
    population = Population(case.dim)
    rows = []
    for index in range(draws):
        rng = np.random.RandomState([case.dim, index])
        fake = population.draw(case.num_fake, rng, case.shift, case.scale)
        result = scored(Sides(population.draw(case.num_real, rng), fake), chosen_metrics(metric).metrics, "fast")
        (score,) = result.scores.values()
        assert score.interval is not None
        rows.append((score.value, *score.interval[:2]))
    values, lows, highs = np.array(rows).T
    is_in = (lows <= values.mean()) & (values.mean() <= highs)
    return values.mean(), values.std(ddof=1), (highs - lows).mean() / 2, is_in.mean()


def errors(case: Case, metric: str, draws: int) -> float:
    """How often two sets of one generator get a verdict other than "cannot tell"."""
    population, wrong = Population(case.dim), 0
    for index in range(draws):
        rng = np.random.RandomState([case.dim, 1, index])
        real = population.draw(case.num_real, rng)
        fakes = [population.draw(case.num_fake, rng, case.shift, case.scale) for _ in range(2)]
        sets = {name: Sides(real, fake) for name, fake in zip("AB", fakes, strict=True)}
        wrong += compared(sets, chosen_metrics(metric).metrics, "fast").differences[0].verdict != "cannot tell"
    return wrong / draws


def row(case: Case, title: str, metric: str, draws: int) -> str:
    mean, deviation, width, covered = coverage(case, metric, draws)
    wrong = errors(case, metric, draws)
    numbers = f"{mean:.3g} | {deviation:.2g} | {width / 1.96:.2g} | {covered:.1%} | {wrong:.1%}"
    return f"| {title} | {case.words} | {numbers} |"


def table(draws: int, progress: bool) -> str:
    """The table in Markdown, one row for each metric and case."""
    head = "| score | d | real | fake | shift, scale | mean | deviation | standard error | covered | wrong verdicts |"
    jobs = [(case, title, metric, draws) for title, metric in METRICS.items() for case in CASES]
    rows = []
    with progress_bar("simulating", len(jobs), progress, unit="row") as bar:
        for line in starmap(row, jobs):
            rows.append(line)
            bar.update()
    return "\n".join([head, "|" + " --- |" * 10, *rows])


@click.command()
@click.option("-o", "--output", default="docs/intervals.md", show_default=True, type=click.Path(path_type=Path))
@click.option("--draws", default=400, show_default=True, help="Of each row.")
@click.option("--quiet", "-q", is_flag=True, help="Show no progress bar.")
def main(output: Path, draws: int, quiet: bool) -> None:
    """Simulate, and put the table into the page."""
    text = output.read_text()
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    page = f"{before}{BEGIN}\n{draws} draws in each row.\n\n{table(draws, not quiet)}\n{END}{after}"
    with atomic_write(output) as stream:
        stream.write(page.encode())
    click.echo(f"{os.fspath(output)}: {len(CASES) * len(METRICS)} rows of {draws} draws")


if __name__ == "__main__":
    main()
