"""``dcgan-mnist``: the bundled DCGAN, trained on MNIST by ``scripts/train_dcgan.py``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import torch

from ganmetrics.errors import UsageError
from ganmetrics.features.precision import true_float32
from ganmetrics.features.states import filled
from ganmetrics.generators.dcgan import Generator, draw_latents
from ganmetrics.generators.record import GeneratorRecord

if TYPE_CHECKING:
    from ganmetrics.types import Images

WEIGHTS = Path(__file__).with_name("dcgan-mnist.safetensors")
CHUNK = 250  # images in one forward pass; the same for every call, so that a seed means the same images


class DcganMnist:
    """Samples the bundled DCGAN."""

    def __init__(self) -> None:
        self.net = filled(Generator, WEIGHTS)

    def __call__(self, num_images: int, *, seed: int = 0) -> Images:
        """Digits as uint8 [num_images, 3, 28, 28], the three channels equal.

        The first n images of a seed are the same however many are asked for.
        """
        if num_images < 1:
            raise UsageError(f"num_images is {num_images}; it must be at least 1", where="num_images")
        whole_chunks = -(-num_images // CHUNK) * CHUNK
        latents = draw_latents(whole_chunks, torch.Generator().manual_seed(seed))
        with true_float32():
            grey = torch.cat([to_uint8(self.net(z)) for z in latents.split(CHUNK)])
        return grey[:num_images].clone().expand(-1, 3, -1, -1).contiguous()


def to_uint8(images: torch.Tensor) -> torch.Tensor:
    """Tanh's -1..1 to 0..255, rounded half to even."""
    return ((images + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)


GENERATOR = GeneratorRecord(
    name="dcgan-mnist",
    load=DcganMnist,
    summary="DCGAN on MNIST, 28 px, 100 latents",
    paper="Radford, Metz, Chintala 2016, arXiv:1511.06434",
)
