"""Ten trainings of one small GAN on MNIST: how often are five of them told apart from the other five?

``python -m benchmarks.small_trainings --data ROOT`` trains, five minutes on one core, and prints the rate, which
``docs/intervals.md`` quotes. All ten are trainings of one method, so that 5 % is right.
"""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import click
import torch
from torch import Tensor, nn
from torchvision.datasets import MNIST

import ganmetrics as gm
from ganmetrics.scoring.trainings import Trained, difference_of_means

TRAININGS, STEPS, BATCH, LATENTS, IMAGES = 10, 1200, 64, 64, 1000


def train(data: Tensor, seed: int) -> Tensor:
    """Train on images [N, 784] in -1..1, and return generated images as uint8 [n, 3, 28, 28]."""
    torch.manual_seed(seed)
    generator = nn.Sequential(
        *(nn.Linear(LATENTS, 256), nn.LeakyReLU(0.2), nn.Linear(256, 256), nn.BatchNorm1d(256), nn.LeakyReLU(0.2)),
        *(nn.Linear(256, 784), nn.Tanh()),
    )
    discriminator = nn.Sequential(
        *(nn.Linear(784, 256), nn.LeakyReLU(0.2), nn.Dropout(0.3), nn.Linear(256, 128), nn.LeakyReLU(0.2)),
        nn.Linear(128, 1),
    )
    steps = [torch.optim.Adam(net.parameters(), 2e-4, betas=(0.5, 0.999)) for net in (generator, discriminator)]
    loss, real, fake = nn.BCEWithLogitsLoss(), torch.ones(BATCH, 1), torch.zeros(BATCH, 1)
    for _ in range(STEPS):
        images, drawn = data[torch.randint(len(data), (BATCH,))], generator(torch.randn(BATCH, LATENTS))
        discriminator.zero_grad()
        (loss(discriminator(images), real) + loss(discriminator(drawn.detach()), fake)).backward()
        steps[1].step()
        generator.zero_grad()
        loss(discriminator(drawn), real).backward()
        steps[0].step()
    generator.eval()
    with torch.no_grad():
        pixels = (generator(torch.randn(IMAGES, LATENTS)).reshape(-1, 1, 28, 28) + 1) * 127.5
    return pixels.round().clamp(0, 255).byte().expand(-1, 3, -1, -1).contiguous()


@click.command()
@click.option("--data", required=True, type=click.Path(path_type=Path), help="A torchvision root folder with MNIST.")
def main(data: Path) -> None:
    """Train, score, and count how many divisions into halves are told apart."""
    images = MNIST(str(data), train=True).data[:20_000].float().div(127.5).sub(1).reshape(-1, 784)
    values = [gm.fid("mnist-test", train(images, seed), extractor="digits").value for seed in range(TRAININGS)]
    click.echo(f"FID(digits) of {TRAININGS} trainings: {', '.join(f'{value:.1f}' for value in sorted(values))}")
    halves = [half for half in combinations(range(TRAININGS), TRAININGS // 2) if 0 in half]
    told = 0
    for half in halves:
        sides = [[Trained(values[i]) for i in range(TRAININGS) if (i in half) is inside] for inside in (True, False)]
        interval = difference_of_means(sides[0], sides[1])
        told += interval is not None and not interval.low <= 0 <= interval.high
    click.echo(f"{told} of {len(halves)} divisions into halves are told apart: {told / len(halves):.1%}")


if __name__ == "__main__":
    main()
