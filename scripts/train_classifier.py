"""Train the classifier behind the ``digits`` or ``fashion`` extractor and write its weights.

    python scripts/train_classifier.py --data-set mnist --data DIR -o ganmetrics/extractors/digits.safetensors
    python scripts/train_classifier.py --data-set fashion --data DIR -o ganmetrics/extractors/fashion.safetensors

DIR is a torchvision root (it holds ``MNIST/raw`` and ``FashionMNIST/raw``). About nine minutes on one core. The data,
the seed and the number of epochs are recorded in the file's metadata, with the accuracy on the test set.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import click
import torch
from safetensors.torch import save_file
from torch import nn
from torch.nn import functional as F
from torchvision.datasets import MNIST, FashionMNIST

from ganmetrics.extractors._grey_net import SIZE, GreyNet

BATCH_SIZE = 128
MARGIN = 2  # pixels that clothing is shifted by at most
COMMAND = "python scripts/train_classifier.py --data-set fashion"


def affine(images: torch.Tensor, rng: torch.Generator) -> torch.Tensor:
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


def mirrored_and_shifted(images: torch.Tensor, rng: torch.Generator) -> torch.Tensor:
    """Half of them mirrored left to right, all shifted by whole pixels, which keeps the weave of the cloth sharp."""
    count = len(images)
    is_mirrored = torch.rand(count, generator=rng) < 0.5
    images = torch.where(is_mirrored[:, None, None, None], images.flip(3), images)
    padded = F.pad(images, [MARGIN] * 4).squeeze(1)
    top, left = torch.randint(2 * MARGIN + 1, (2, count, 1), generator=rng) + torch.arange(SIZE)
    return padded[torch.arange(count)[:, None, None], top[:, :, None], left[:, None, :]].unsqueeze(1)


class Task(NamedTuple):
    """A data set, how its images may vary within their class, and how the weights are stored.

    The bundled digits were stored before the rest: in float32 and without ``facts``, so that repeating their training
    gives the same bytes.
    """

    dataset: type[MNIST]
    title: str
    augment: Callable[[torch.Tensor, torch.Generator], torch.Tensor]
    dtype: torch.dtype
    facts: Mapping[str, str] = MappingProxyType({})

    def load(self, root: str, train: bool) -> tuple[torch.Tensor, torch.Tensor]:  # [N, 1, 28, 28] in 0..1, [N]
        dataset = self.dataset(root, train=train, download=True)
        return dataset.data.unsqueeze(1).float() / 255, dataset.targets


TASKS = {
    "mnist": Task(MNIST, "MNIST train", affine, torch.float32),
    "fashion": Task(
        FashionMNIST,
        "Fashion-MNIST train",
        mirrored_and_shifted,
        torch.float16,
        {"data_licence": "MIT, Zalando SE", "command": COMMAND},
    ),
}


def accuracy(net: nn.Module, images: torch.Tensor, labels: torch.Tensor) -> float:
    net.eval()
    with torch.inference_mode():
        hits = [net(x).argmax(1).eq(y).sum() for x, y in zip(images.split(1000), labels.split(1000), strict=True)]
    return float(sum(hits)) / len(images)


def train(net: nn.Module, task: Task, root: str, epochs: int, rng: torch.Generator) -> Iterator[int]:
    """Train the network in place; yields the number of each epoch at its end."""
    images, labels = task.load(root, train=True)
    optimizer = torch.optim.AdamW(net.parameters(), lr=2e-3, weight_decay=1e-2)
    steps = epochs * math.ceil(len(images) / BATCH_SIZE)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=2e-3, total_steps=steps)
    for epoch in range(1, epochs + 1):
        net.train()
        for index in torch.randperm(len(images), generator=rng).split(BATCH_SIZE):
            logits = net(task.augment(images[index], rng))
            loss = F.cross_entropy(logits, labels[index], label_smoothing=0.02)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
        yield epoch


@click.command()
@click.option("--data-set", required=True, type=click.Choice(list(TASKS)))
@click.option("--data", required=True, help="A torchvision root holding MNIST/raw or FashionMNIST/raw.")
@click.option("-o", "--output", required=True, type=click.Path(dir_okay=False, path_type=Path))
@click.option("--epochs", default=12, show_default=True)
@click.option("--seed", default=0, show_default=True)
def main(data_set: str, data: str, output: Path, epochs: int, seed: int) -> None:
    """Train on the 60,000 training images, report the accuracy on the 10,000 test images."""
    task = TASKS[data_set]
    torch.manual_seed(seed)
    net, test = GreyNet(), task.load(data, train=False)
    for epoch in train(net, task, data, epochs, torch.Generator().manual_seed(seed)):
        click.echo(f"epoch {epoch}: test accuracy {accuracy(net, *test):.4f}", err=True)
    stored = {name: value.to(task.dtype) for name, value in net.state_dict().items()}
    net.load_state_dict(stored)
    score = round(accuracy(net, *test), 4)
    card = {"data": task.title, "seed": seed, "epochs": epochs, "test_accuracy": score, **task.facts}
    save_file(stored, output, metadata={"ganmetrics": json.dumps(card)})


if __name__ == "__main__":
    main()
