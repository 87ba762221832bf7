"""A DCGAN on MNIST in plain PyTorch, with its FID(digits) watched as it trains. A few minutes on a CPU.

python examples/dcgan_mnist.py --data ~/data --out runs/dcgan
python examples/dcgan_mnist.py --data ~/data --out runs/collapse --collapse
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import torch
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits as bce
from torchvision.datasets import MNIST

import ganmetrics as gm

LATENT_DIM, BATCH = 64, 64


def up(inputs: int, outputs: int, kernel: int, stride: int, padding: int) -> list[nn.Module]:
    layer = nn.ConvTranspose2d(inputs, outputs, kernel, stride, padding, bias=False)
    return [layer, nn.BatchNorm2d(outputs), nn.ReLU()]


class Generator(nn.Module):
    """Latents [N, 64] to images [N, 1, 28, 28] in -1..1."""

    latent_dim = LATENT_DIM  # the monitor reads it

    def __init__(self, width: int = 24) -> None:
        super().__init__()
        self.net = nn.Sequential(
            *up(LATENT_DIM, 4 * width, 4, 1, 0),
            *up(4 * width, 2 * width, 3, 2, 1),
            *up(2 * width, width, 4, 2, 1),
            nn.ConvTranspose2d(width, 1, 4, 2, 1),
            nn.Tanh(),
        )

    def forward(self, latents: torch.Tensor) -> torch.Tensor:
        return self.net(latents[:, :, None, None])


class Discriminator(nn.Module):
    """Images [N, 1, 28, 28] to logits [N]: positive means real."""

    def __init__(self, width: int = 24) -> None:
        super().__init__()
        self.net = nn.Sequential(
            nn.Conv2d(1, width, 4, 2, 1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(width, 2 * width, 4, 2, 1, bias=False),
            nn.BatchNorm2d(2 * width),
            nn.LeakyReLU(0.2),
            nn.Conv2d(2 * width, 4 * width, 3, 2, 1, bias=False),
            nn.BatchNorm2d(4 * width),
            nn.LeakyReLU(0.2),
            nn.Conv2d(4 * width, 1, 4),
        )

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.net(images).flatten()


def init_weights(module: nn.Module) -> None:
    if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)):
        nn.init.normal_(module.weight, 0.0, 0.02)


class Training:
    """Both networks and their optimisers; ``collapse`` lets the generator run after the same few images."""

    def __init__(self, images: torch.Tensor, collapse: bool) -> None:
        self.images, self.step, self.generator_steps = images, 0, 12 if collapse else 1
        self.generator, self.discriminator = Generator().apply(init_weights), Discriminator().apply(init_weights)
        self.g_adam = torch.optim.Adam(self.generator.parameters(), lr=6e-4, betas=(0.5, 0.999))
        self.d_adam = torch.optim.Adam(self.discriminator.parameters(), lr=2e-4, betas=(0.5, 0.999))
        self.parts = [self.generator, self.discriminator, self.g_adam, self.d_adam]

    def fakes(self) -> torch.Tensor:
        return self.generator(torch.randn(BATCH, LATENT_DIM))

    def advance(self) -> dict[str, torch.Tensor]:
        """One step; the numbers that tell its health."""
        real = self.images[torch.randint(len(self.images), (BATCH,))]
        on_real, on_fake = self.discriminator(real), self.discriminator(self.fakes().detach())
        d_loss = bce(on_real, torch.ones(BATCH)) + bce(on_fake, torch.zeros(BATCH))
        self.d_adam.zero_grad()
        d_loss.backward()
        self.d_adam.step()
        for _ in range(self.generator_steps):
            g_loss = bce(self.discriminator(self.fakes()), torch.ones(BATCH))
            self.g_adam.zero_grad()
            g_loss.backward()
            self.g_adam.step()
        self.step += 1
        norm = torch.stack([each.grad.norm() for each in self.generator.parameters()]).norm()
        accuracy = torch.cat([on_real > 0, on_fake < 0]).float().mean()
        return {"d_loss": d_loss, "g_loss": g_loss, "g_grad_norm": norm, "d_accuracy": accuracy}

    def save(self, path: Path, monitor: gm.training.Monitor) -> None:
        states = [part.state_dict() for part in self.parts]
        torch.save(
            {"step": self.step, "rng": torch.get_rng_state(), "parts": states, "monitor": monitor.state_dict()}, path
        )

    def load(self, path: Path, monitor: gm.training.Monitor) -> None:
        saved = torch.load(path)
        self.step = saved["step"]
        torch.set_rng_state(saved["rng"])
        monitor.load_state_dict(saved["monitor"])
        for part, state in zip(self.parts, saved["parts"], strict=True):
            part.load_state_dict(state)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="data", help="torchvision's root; MNIST is downloaded into it if need be")
    parser.add_argument("--out", type=Path, default=Path("runs/dcgan"))
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument("--every", type=int, default=300, help="steps between evaluations")
    parser.add_argument("--collapse", action="store_true", help="provoke a mode collapse")
    parser.add_argument("--resume", action="store_true", help="go on from the checkpoint in --out")
    chosen = parser.parse_args()

    torch.manual_seed(0)
    training = Training(MNIST(chosen.data, download=True).data[:, None] / 127.5 - 1, chosen.collapse)
    monitor = gm.training.Monitor(
        "mnist-test", every=chosen.every, num_images=2000, extractor="digits", folder=chosen.out
    )
    checkpoint, start = chosen.out / "checkpoint.pt", time.perf_counter()
    if chosen.resume:
        training.load(checkpoint, monitor)
    while training.step < chosen.steps:
        numbers = training.advance()
        if monitor(training.step, training.generator, **numbers) is not None:
            training.save(checkpoint, monitor)
    for record in monitor.history:
        print(f"step {record.step:>6}  {record.first}")
    print(f"monitor: {monitor.seconds / (time.perf_counter() - start):.1%} of the time")


if __name__ == "__main__":
    main()
