"""Train the bundled DCGAN on MNIST and write its generator's weights.

    python scripts/train_dcgan.py --data DIR -o ganmetrics/generators/dcgan-mnist.safetensors --checkpoint FILE

DIR is a torchvision root (it holds ``MNIST/raw``). About an hour on one core; an interrupted run goes on from its
checkpoint. The last third of the run lowers the learning rate linearly to zero, and the bundled weights are an
exponential moving average (0.999) whose batch statistics are measured again at the end: additions to the paper.
"""

from __future__ import annotations

import copy
import json
import os
import time
from pathlib import Path

import click
import torch
from safetensors.torch import save_file
from torch import nn
from torchvision.datasets import MNIST

from ganmetrics.generators import dcgan

BATCH_SIZE = 64
AVERAGING = 0.999


class Training:
    """Both networks, their optimisers, the averaged generator and the random streams, as one resumable state."""

    def __init__(self, images: torch.Tensor, seed: int, iterations: int) -> None:
        torch.manual_seed(seed)
        self.images, self.iterations, self.iteration = images, iterations, 0
        self.rng = torch.Generator().manual_seed(seed)
        self.generator, self.discriminator = dcgan.Generator(), dcgan.Discriminator()
        self.average = copy.deepcopy(self.generator).requires_grad_(False)
        self.optimizers = [
            torch.optim.Adam(net.parameters(), lr=2e-4, betas=(0.5, 0.999))
            for net in (self.generator, self.discriminator)
        ]

    @property
    def parts(self) -> list[nn.Module | torch.optim.Optimizer]:
        return [self.generator, self.discriminator, self.average, *self.optimizers]

    def state(self) -> dict[str, object]:
        states = [part.state_dict() for part in self.parts]
        return {"iteration": self.iteration, "rng": self.rng.get_state(), "parts": states}

    def restore(self, path: Path) -> None:
        state = torch.load(path, weights_only=True)
        self.iteration = state["iteration"]
        self.rng.set_state(state["rng"])
        for part, values in zip(self.parts, state["parts"], strict=True):
            part.load_state_dict(values)

    def step(self) -> tuple[float, float]:
        left = (self.iterations - self.iteration) / (self.iterations / 3)
        for optimizer in self.optimizers:
            optimizer.param_groups[0]["lr"] = 2e-4 * min(1.0, left)
        index = torch.randint(len(self.images), (BATCH_SIZE,), generator=self.rng)
        real = self.images[index]
        fake = self.generator(dcgan.draw_latents(BATCH_SIZE, self.rng))
        d_loss = dcgan.discriminator_loss(self.discriminator(real), self.discriminator(fake.detach()))
        self.update(1, d_loss)
        g_loss = dcgan.generator_loss(self.discriminator(fake))
        self.update(0, g_loss)
        for mean, value in zip(self.average.parameters(), self.generator.parameters(), strict=True):
            mean.lerp_(value.detach(), 1 - AVERAGING)
        self.iteration += 1
        return d_loss.item(), g_loss.item()

    def update(self, which: int, loss: torch.Tensor) -> None:
        self.optimizers[which].zero_grad()
        loss.backward()
        self.optimizers[which].step()

    def finished(self) -> nn.Module:
        """The averaged generator with the batch statistics of its own activations."""
        for module in self.average.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.reset_running_stats()
                module.momentum = None  # a plain mean over the batches below
        self.average.train()
        with torch.no_grad():
            for _ in range(100):
                self.average(dcgan.draw_latents(128, self.rng))
        return self.average.eval()


def save_checkpoint(training: Training, path: Path) -> None:
    torch.save(training.state(), f"{path}.part")
    os.replace(f"{path}.part", path)


@click.command()
@click.option("--data", required=True, help="A torchvision root holding MNIST/raw.")
@click.option("-o", "--output", required=True, type=click.Path(dir_okay=False, path_type=Path))
@click.option("--checkpoint", required=True, type=click.Path(dir_okay=False, path_type=Path))
@click.option("--iterations", default=20_000, show_default=True)
@click.option("--seed", default=0, show_default=True)
def main(data: str, output: Path, checkpoint: Path, iterations: int, seed: int) -> None:
    """Train, checkpoint every 500 iterations, and write the averaged generator in float16."""
    images = MNIST(data, train=True, download=True).data.unsqueeze(1).float() / 127.5 - 1
    training = Training(images, seed, iterations)
    if checkpoint.exists():
        training.restore(checkpoint)
    start = time.monotonic()
    while training.iteration < iterations:
        d_loss, g_loss = training.step()
        if training.iteration % 500 == 0 or training.iteration == iterations:
            save_checkpoint(training, checkpoint)
            seconds = time.monotonic() - start
            click.echo(f"{training.iteration} d {d_loss:.3f} g {g_loss:.3f} {seconds:.0f} s", err=True)
    card = {"system": "DCGAN", "data": "MNIST train", "seed": seed, "iterations": iterations, "batch_size": BATCH_SIZE}
    weights = {
        name: value.half() for name, value in training.finished().state_dict().items() if value.is_floating_point()
    }
    save_file(weights, output, metadata={"ganmetrics": json.dumps(card)})


if __name__ == "__main__":
    main()
