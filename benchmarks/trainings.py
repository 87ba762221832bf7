"""How often intervals over trainings cover, by simulation: a table of ``docs/intervals.md``.

``python -m benchmarks.trainings -n 400`` writes it. A training is a draw of how far a generator is off; its images are
drawn anew. In each draw two methods are trained ten times each, and the first 2, 3, 5 and 10 trainings are compared.
The truth is the mean of the difference over all draws, each with real images of its own.
"""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import NamedTuple

import click
import numpy as np

from benchmarks.families import draw
from ganmetrics._files import atomic_write
from ganmetrics.numerics.interval_ends import Interval
from ganmetrics.scoring.plan import chosen_metrics
from ganmetrics.scoring.score import Sides, score_metric
from ganmetrics.scoring.trainings import Trained, difference_of_means, spread_of

PAGE = Path(__file__).parents[1] / "docs" / "intervals.md"
COUNTS = (2, 3, 5, 10)
FAMILY, DIM, NUM_REAL, NUM_FAKE = "rectified t", 8, 1000, 400


class Case(NamedTuple):
    """How far the generators of two methods are off in the mean, and how much that varies between trainings."""

    words: str
    means: tuple[float, float]
    stds: tuple[float, float]


CASES = (
    Case("one method twice, trainings vary", (0.3, 0.3), (0.04, 0.04)),
    Case("two methods, trainings vary", (0.3, 0.45), (0.04, 0.04)),
    Case("two methods, one varies twice as much", (0.3, 0.45), (0.025, 0.05)),
    Case("two methods, trainings are equal", (0.3, 0.45), (0.0, 0.0)),
)


def simulate(case: Case, number: int, draws: int) -> list[tuple[float, float]]:
    """Return for each number of trainings how often the interval of a mean, and of the difference, covered."""
    (metric,) = chosen_metrics("fid").metrics
    trained = []
    for index in range(draws):
        rng = np.random.RandomState([number, index])
        real = draw(FAMILY, (number, index, 0), NUM_REAL, DIM, 0.0)
        sides = []
        for method in (0, 1):
            offsets = case.means[method] + case.stds[method] * rng.standard_normal(max(COUNTS))
            found = []
            for place, offset in enumerate(offsets):
                fake = draw(FAMILY, (number, index, 1 + 2 * place + method), NUM_FAKE, DIM, abs(float(offset)))
                values = score_metric(metric, Sides(real, fake), "fast")
                found.append(Trained.of(values.estimates["fid"].value, values.uncertainty.get("fid")))
            sides.append(found)
        trained.append(sides)
    means = [float(np.mean([one.value for sides in trained for one in sides[method]])) for method in (0, 1)]
    rates = []
    for count in COUNTS:
        alone = [spread_of(sides[0][:count]).interval for sides in trained]
        apart = [difference_of_means(sides[0][:count], sides[1][:count]) for sides in trained]
        rates.append((_covered(alone, means[0]), _covered(apart, means[0] - means[1])))
    return rates


def _covered(intervals: list[Interval | None], truth: float) -> float:
    held = [one.low <= truth <= one.high for one in intervals if one is not None]
    return float(np.mean(held)) if held else math.nan


@click.command()
@click.option("-n", "--draws", default=400, show_default=True, type=click.IntRange(min=10))
def main(draws: int) -> None:
    """Simulate every case and write the table."""
    head = f"| FID, {NUM_REAL:,} real images, {NUM_FAKE} of each training | {' | '.join(f'{n} each' for n in COUNTS)} |"
    rows = [head, f"|---|{'---|' * len(COUNTS)}"]
    for number, case in enumerate(CASES):
        cells = [f"{alone:.1%}, {apart:.1%}" for alone, apart in simulate(case, number, draws)]
        rows.append(f"| {case.words} | {' | '.join(cells)} |")
        click.echo(rows[-1])
    text = PAGE.read_text()
    block = "\n".join(["<!-- trainings -->", *rows, "<!-- /trainings -->"])
    text = re.sub(r"<!-- trainings -->.*?<!-- /trainings -->", lambda _: block, text, flags=re.DOTALL)
    with atomic_write(PAGE) as stream:
        stream.write(text.encode())


if __name__ == "__main__":
    main()
