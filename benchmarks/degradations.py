"""What FID says of real digits made worse by known amounts: the table of ``docs/degradations.md``.

    GANMETRICS_DATA_DIR=DIR python -m benchmarks.degradations -o docs/degradations.md

DIR is a torchvision root with MNIST and FashionMNIST. Every row scores MNIST's 10,000 test digits, changed in one way,
against the bundled statistics of the 60,000 training digits with the extractor ``digits``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import click
import torch
from torchvision import datasets
from torchvision.transforms.functional import gaussian_blur

import ganmetrics as gm

SEED = 0
Change = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]  # grey uint8 [N, 1, 28, 28] and labels [N] -> images


class Row(NamedTuple):
    """One row of the table: a family of changes, its strength, and the score."""

    family: str
    strength: str
    num_images: int
    fid: float


def blurred(sigma: float) -> Change:
    """Gaussian blur of that many pixels."""
    return lambda images, _: gaussian_blur(images, [13, 13], [sigma, sigma])


def noised(sigma: float) -> Change:
    """Gaussian noise of that many grey levels, clipped to 0..255."""

    def change(images: torch.Tensor, _: torch.Tensor) -> torch.Tensor:
        noise = torch.randn(images.shape, generator=torch.Generator().manual_seed(SEED)) * sigma
        return (images + noise).round().clamp(0, 255).to(torch.uint8)

    return change


def keeping(classes: int) -> Change:
    """Only the digits 0 to ``classes - 1``, repeated to the full count: a collapse that blurs nothing."""

    def change(images: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        kept = images[labels < classes]
        return kept.repeat(-(-len(images) // len(kept)), 1, 1, 1)[: len(images)]

    return change


FAMILIES: list[tuple[str, list[tuple[str, Change]]]] = [
    ("blur, σ in pixels", [(f"{sigma}", blurred(sigma)) for sigma in (0.5, 1.0, 2.0)]),
    ("noise, σ in grey levels", [(f"{sigma}", noised(sigma)) for sigma in (16, 32, 64, 128)]),
    ("digits kept of ten", [(f"{classes}", keeping(classes)) for classes in (9, 7, 5, 3, 1)]),
]


def rows(root: str, count: int = 10_000, reference: str = "mnist-train") -> Iterator[Row]:
    """Every row in order, from the first ``count`` test digits."""
    dataset = datasets.MNIST(root, train=False, download=True)
    images, labels = dataset.data[:count].unsqueeze(1), dataset.targets[:count]
    yield Row("none: MNIST's test set", "", count, fid(reference, images))
    for family, strengths in FAMILIES:
        for strength, change in strengths:
            yield Row(family, strength, count, fid(reference, change(images, labels)))
    fashion = datasets.FashionMNIST(root, train=False, download=True).data[:count].unsqueeze(1)
    yield Row("other images: Fashion-MNIST", "", count, fid(reference, fashion))


def fid(reference: str, grey: torch.Tensor) -> float:
    return gm.fid(reference, grey.expand(-1, 3, -1, -1).contiguous()).value


def markdown(table: list[Row]) -> str:
    """The page with the table."""
    lines = [
        "# FID of blurred, noisy and incomplete images",
        "",
        "See how much FID grows when real images are made worse by known amounts. MNIST's 10,000 test digits are",
        "changed in one way and compared with the bundled statistics of the 60,000 training digits. The network is",
        "`digits`, whose FIDs have a scale of their own. Within each kind of change, FID grows with the strength.",
        "[Metrics](metrics.md#how-do-the-metrics-respond-to-known-faults) shows how the other metrics respond.",
        "",
        "The page is written by `python -m benchmarks.degradations`; the test suite computes every row again.",
        "",
        "| change | strength | images | FID (`digits`) |",
        "|---|---:|---:|---:|",
    ]
    lines += [f"| {row.family} | {row.strength} | {row.num_images} | {row.fid:.4f} |" for row in table]
    return "\n".join(lines) + "\n"


@click.command()
@click.option("--data", envvar="GANMETRICS_DATA_DIR", required=True, help="A torchvision root.")
@click.option("-o", "--output", required=True, type=click.Path(dir_okay=False, path_type=Path))
def main(data: str, output: Path) -> None:
    """Compute every row and write the page."""
    output.write_text(markdown(list(rows(data))), encoding="utf-8")


if __name__ == "__main__":
    main()
