"""What every metric says of digits with known faults: ``docs/metrics/responses.json`` and two pictures.

    GANMETRICS_DATA_DIR=DIR python -m benchmarks.responses -o docs/metrics

DIR is a torchvision root with MNIST. Every set has 1,000 images; the real ones are the first 1,000 training digits, and
the extractor is ``digits``. ``python scripts/build_metrics.py`` puts the values on the page of each metric.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import click
import matplotlib.pyplot as plt
import torch
from torch.utils.data import TensorDataset
from torchvision import datasets

import ganmetrics as gm
from benchmarks.degradations import blurred
from ganmetrics.reporting.contact_sheet import contact_sheet, save_png

COUNT, BLUR = 1000, 1.0
EXTRA = ["ms_ssim_diversity(scales=2)"]  # five scales do not fit into 28 pixels
SHEET = (3, 16)  # rows and columns of each set in the picture


class Digits(NamedTuple):
    """Grey digits as images [N, 3, 28, 28] with their classes, or ``None`` where nobody knows them."""

    images: torch.Tensor
    classes: torch.Tensor | None = None

    def source(self) -> Any:
        """What ``gm.evaluate`` takes; classes come with a data set."""
        return self.images if self.classes is None else TensorDataset(self.images, self.classes)


def mnist(root: str, *, train: bool, start: int = 0) -> Digits:
    """``COUNT`` digits of MNIST from a place on."""
    data = datasets.MNIST(root, train=train, download=True)
    images = data.data[start : start + COUNT].unsqueeze(1).expand(-1, 3, -1, -1).contiguous()
    return Digits(images, data.targets[start : start + COUNT])


def drawn(name: str) -> Digits:
    """Digits of a bundled generator."""
    return Digits(gm.generators.load(name)(COUNT, seed=0))


def sets(root: str) -> Iterator[tuple[str, Digits]]:
    """Each fault with its set, the faultless one first."""
    held_out = mnist(root, train=False, start=COUNT)
    yield "other real digits", held_out
    yield "DCGAN", drawn("dcgan-mnist")
    yield "three digits of ten", drawn("dcgan-three-digits")
    yield "one image", drawn("dcgan-collapsed")
    yield "learnt by heart", drawn("dcgan-memorised")
    yield "blurred", Digits(blurred(BLUR)(held_out.images, held_out.images), held_out.classes)


def scores(root: str, fake: Digits, metrics: str | Sequence[str]) -> dict[str, str]:
    """Every score that the set allows, with its interval, as tables print it."""
    real, test = mnist(root, train=True), mnist(root, train=False)
    result = gm.evaluate(real.source(), fake.source(), test.source(), metrics=metrics, extractor="digits")
    return {name: printed(score) for name, score in result.scores.items()}


def printed(score: gm.Score) -> str:
    """``"9.72 (8.5 to 11.1)"``: the value without digits that the interval drowns, and the interval's ends."""
    if score.interval is None:
        return f"{score.value:.4g}"
    return str(score).removeprefix(score.title).partition(", 95%")[0].strip() + ")"


def draw_curves(root: str, fakes: dict[str, Digits], path: Path) -> None:
    """The PRD curve of every set."""
    real = features(mnist(root, train=True))
    figure, axes = plt.subplots(figsize=(6, 4))
    for name, fake in fakes.items():
        curve = gm.functional.prd_curve(real, features(fake))
        axes.plot(curve.recall, curve.precision, label=name)
    axes.set(xlabel="recall", ylabel="precision", xlim=(0, 1.02), ylim=(0, 1.02))
    axes.legend(fontsize=8, loc="lower left")
    figure.savefig(path, dpi=100, bbox_inches="tight", metadata={"Software": None})
    plt.close(figure)


def features(digits: Digits) -> torch.Tensor:
    """The features of a set, [N, D]."""
    found = gm.measure(digits.images, extractor="digits", reads=("features",)).features
    assert found is not None
    return found


@click.command()
@click.option("--data", envvar="GANMETRICS_DATA_DIR", required=True, help="A torchvision root.")
@click.option("-o", "--output", required=True, type=click.Path(file_okay=False, path_type=Path))
def main(data: str, output: Path) -> None:
    """Draw and score every set, and write the record and the picture."""
    fakes, (rows, columns) = dict(sets(data)), SHEET
    save_png(
        contact_sheet(torch.cat([fake.images[: rows * columns] for fake in fakes.values()]), columns),
        output / "sets.png",
    )
    draw_curves(data, fakes, output / "prd.png")
    record = {name: scores(data, fake, "all") | scores(data, fake, EXTRA) for name, fake in fakes.items()}
    (output / "responses.json").write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
