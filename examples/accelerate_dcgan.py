"""The DCGAN of ``dcgan_mnist.py`` on the ranks of Accelerate, each of which makes its share of the images to be scored.

torchrun --nproc-per-node=2 examples/accelerate_dcgan.py --data ~/data --steps 600
"""

from __future__ import annotations

import argparse

import torch
from accelerate import Accelerator
from dcgan_mnist import BATCH, LATENT_DIM, Discriminator, Generator, bce, init_weights
from torch.utils.data import DataLoader, TensorDataset
from torchvision.datasets import MNIST

import ganmetrics as gm


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="data", help="torchvision's root")
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--every", type=int, default=200, help="steps between evaluations")
    chosen = parser.parse_args()
    accelerator = Accelerator(cpu=True)
    torch.manual_seed(accelerator.process_index)
    images = MNIST(chosen.data, download=True).data[:, None] / 127.5 - 1
    generator, discriminator = Generator().apply(init_weights), Discriminator().apply(init_weights)
    g_adam = torch.optim.Adam(generator.parameters(), lr=6e-4, betas=(0.5, 0.999))
    d_adam = torch.optim.Adam(discriminator.parameters(), lr=2e-4, betas=(0.5, 0.999))
    loader = DataLoader(TensorDataset(images), BATCH, shuffle=True, drop_last=True)
    generator, discriminator, g_adam, d_adam, loader = accelerator.prepare(
        generator, discriminator, g_adam, d_adam, loader
    )
    monitor = gm.training.Monitor("mnist-test", every=chosen.every, num_images=2000, extractor="digits")
    ones, zeros, step = torch.ones(BATCH), torch.zeros(BATCH), 0
    while step < chosen.steps:
        for (real,) in loader:
            fake = generator(torch.randn(BATCH, LATENT_DIM))
            d_adam.zero_grad()
            on_real = bce(discriminator(real), ones)
            accelerator.backward(on_real)
            on_fake = bce(discriminator(fake.detach()), zeros)
            accelerator.backward(on_fake)
            d_adam.step()
            g_loss = bce(discriminator(fake), ones)
            g_adam.zero_grad()
            accelerator.backward(g_loss)
            g_adam.step()
            step += 1  # every rank calls the monitor
            monitor(step, accelerator.unwrap_model(generator), d_loss=on_real + on_fake, g_loss=g_loss)
            if step == chosen.steps:
                break
    accelerator.end_training()


if __name__ == "__main__":
    main()
