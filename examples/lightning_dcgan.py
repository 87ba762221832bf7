"""The DCGAN of ``dcgan_mnist.py`` in Lightning, watched by the monitor's callback.

python examples/lightning_dcgan.py --data ~/data --steps 600
"""

from __future__ import annotations

import argparse

import lightning.pytorch as pl
import torch
from dcgan_mnist import BATCH, LATENT_DIM, Discriminator, Generator, bce, init_weights
from torch.utils.data import DataLoader, TensorDataset
from torchvision.datasets import MNIST

import ganmetrics as gm
from ganmetrics.compat.lightning import MonitorCallback


class Gan(pl.LightningModule):
    def __init__(self) -> None:
        super().__init__()
        self.automatic_optimization = False
        self.generator, self.discriminator = Generator().apply(init_weights), Discriminator().apply(init_weights)

    def configure_optimizers(self) -> list[torch.optim.Optimizer]:
        betas = (0.5, 0.999)
        g_adam = torch.optim.Adam(self.generator.parameters(), lr=6e-4, betas=betas)
        return [g_adam, torch.optim.Adam(self.discriminator.parameters(), lr=2e-4, betas=betas)]

    def training_step(self, batch: list[torch.Tensor], _: int) -> dict[str, torch.Tensor]:
        real, ones, zeros = batch[0], torch.ones(len(batch[0])), torch.zeros(len(batch[0]))
        g_adam, d_adam = self.optimizers()
        fake = self.generator(torch.randn(len(real), LATENT_DIM))
        d_loss = bce(self.discriminator(real), ones) + bce(self.discriminator(fake.detach()), zeros)
        d_adam.zero_grad()
        self.manual_backward(d_loss)
        d_adam.step()
        g_loss = bce(self.discriminator(fake), ones)
        g_adam.zero_grad()
        self.manual_backward(g_loss)
        g_adam.step()
        return {"d_loss": d_loss.detach(), "g_loss": g_loss.detach()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="data", help="torchvision's root")
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--every", type=int, default=200, help="steps between evaluations")
    chosen = parser.parse_args()
    pl.seed_everything(0)
    images = MNIST(chosen.data, download=True).data[:, None] / 127.5 - 1
    # Lightning's global_step counts the steps of both optimisers: two for each of the training.
    monitor = gm.training.Monitor("mnist-test", every=2 * chosen.every, num_images=2000, extractor="digits")
    quiet = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False, "accelerator": "cpu"}
    trainer = pl.Trainer(max_steps=2 * chosen.steps, callbacks=[MonitorCallback(monitor)], **quiet)
    trainer.fit(Gan(), DataLoader(TensorDataset(images), BATCH, shuffle=True))


if __name__ == "__main__":
    main()
