"""Train the classifier behind the ``digits`` extractor on MNIST and write its weights.

    python scripts/train_digits.py --data DIR -o ganmetrics/features/digits.safetensors

DIR is a torchvision root (it holds ``MNIST/raw``). About six minutes on two cores. The seed, the data and the
command are recorded in the file's metadata, with the accuracy on the test set.
"""

from __future__ import annotations

import json
import math
from pathlib import Path

import click
import torch
from safetensors.torch import save_file
from torch import nn
from torch.nn import functional as F
from torchvision.datasets import MNIST

from ganmetrics.features.digit_net import DigitNet


def load_digits(root: str, train: bool) -> tuple[torch.Tensor, torch.Tensor]:  # [N, 1, 28, 28] in 0..1, [N]
    dataset = MNIST(root, train=train, download=True)
    return dataset.data.unsqueeze(1).float() / 255, dataset.targets


def augment(images: torch.Tensor, rng: torch.Generator) -> torch.Tensor:
    """Small random affine maps: up to 10 degrees, 10 % scale, 2 pixels."""
    count = len(images)
    angle, scale, shift_x, shift_y = (torch.rand(4, count, generator=rng) * 2 - 1).unbind(0)
    angle, scale = angle * math.radians(10), 1 + 0.1 * scale
    rows = [
        torch.stack([angle.cos() * scale, -angle.sin() * scale, shift_x * 4 / 28], dim=1),
        torch.stack([angle.sin() * scale, angle.cos() * scale, shift_y * 4 / 28], dim=1),
    ]
    grid = F.affine_grid(torch.stack(rows, dim=1), list(images.shape), align_corners=False)
    return F.grid_sample(images, grid, align_corners=False)


def accuracy(net: nn.Module, images: torch.Tensor, labels: torch.Tensor) -> float:
    net.eval()
    with torch.inference_mode():
        hits = [net(x).argmax(1).eq(y).sum() for x, y in zip(images.split(1000), labels.split(1000), strict=True)]
    return float(sum(hits)) / len(images)


@click.command()
@click.option("--data", required=True, help="A torchvision root holding MNIST/raw.")
@click.option("-o", "--output", required=True, type=click.Path(dir_okay=False, path_type=Path))
@click.option("--epochs", default=12, show_default=True)
@click.option("--seed", default=0, show_default=True)
def main(data: str, output: Path, epochs: int, seed: int) -> None:
    """Train on the 60,000 training digits, report the accuracy on the 10,000 test digits."""
    torch.manual_seed(seed)
    rng = torch.Generator().manual_seed(seed)
    images, labels = load_digits(data, train=True)
    net = DigitNet()
    optimizer = torch.optim.AdamW(net.parameters(), lr=2e-3, weight_decay=1e-2)
    steps = epochs * math.ceil(len(images) / 128)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=2e-3, total_steps=steps)
    for epoch in range(epochs):
        net.train()
        for index in torch.randperm(len(images), generator=rng).split(128):
            logits = net(augment(images[index], rng))
            loss = F.cross_entropy(logits, labels[index], label_smoothing=0.02)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
        score = accuracy(net, *load_digits(data, train=False))
        click.echo(f"epoch {epoch + 1}: test accuracy {score:.4f}", err=True)
    card = {"data": "MNIST train", "seed": seed, "epochs": epochs, "test_accuracy": round(score, 4)}
    save_file(net.state_dict(), output, metadata={"ganmetrics": json.dumps(card)})


if __name__ == "__main__":
    main()
