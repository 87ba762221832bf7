"""From a network and a seed to samples: the same for a seed, whatever their number and however they are split."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import torch

from ganmetrics.errors import UsageError
from ganmetrics.extractors._arithmetic import arithmetic

if TYPE_CHECKING:
    from torch import Tensor, nn

    from ganmetrics.types import Images

    Draw = Callable[[int, torch.Generator], Tensor]

# Samples of one forward pass: equal for every call, so that a seed means the same samples.
CHUNK = 250


class LatentSampler:
    """Images of a generator network that maps latents to images in -1..1.

    Parameters
    ----------
    net : Module
        Latents to images [N, 1 or 3, H, W] in -1..1.
    draw : callable
        A count and a CPU ``torch.Generator`` to latents.
    border : int
        Pixels cut from each side: the padding that the data was trained with.
    """

    def __init__(self, net: nn.Module, draw: Draw, *, border: int = 0) -> None:
        self.net, self.draw, self.border = net, draw, border

    def __call__(self, num_samples: int, *, seed: int = 0) -> Images:
        """Return images as uint8 RGB [num_samples, 3, H, W]; grey ones have three equal channels."""
        latents = drawn(self.draw, num_samples, seed).to(dtype_of(self.net))
        return in_chunks(lambda z: without_border(to_uint8_rgb(self.net(z)), self.border), latents)[:num_samples]


def dtype_of(net: nn.Module) -> torch.dtype:
    """Return the dtype that a network computes in; float32 where it has no parameters."""
    return next((parameter.dtype for parameter in net.parameters()), torch.float32)


def drawn(draw: Draw, num_samples: int, seed: int) -> Tensor:
    """Draw latents for whole chunks: at least ``num_samples`` (UsageError for fewer than one or a wrong seed)."""
    for name, value in (("num_samples", num_samples), ("seed", seed)):
        if not hasattr(value, "__index__"):
            raise UsageError(f"{name} is {value!r}; it must be a whole number", where=name)
    if num_samples < 1:
        raise UsageError(f"num_samples is {num_samples}; it must be at least 1", where="num_samples")
    if not 0 <= seed < 2**63:
        raise UsageError(f"the seed {seed} is not in 0..2**63 - 1", where="seed")
    # Rounded up to whole chunks, because a smaller last pass could round differently.
    return draw(-(-num_samples // CHUNK) * CHUNK, torch.Generator().manual_seed(seed))


@torch.no_grad()
def in_chunks(forward: Callable[[Tensor], Tensor], latents: Tensor) -> Tensor:
    """Apply a network to latents in passes of ``CHUNK``, in its own precision: float32 without TF32, or float64."""
    with arithmetic():
        return torch.cat([forward(chunk) for chunk in latents.split(CHUNK)])


def to_uint8_rgb(images: Tensor) -> Images:
    """Return images [N, 1 or 3, H, W] in -1..1 as uint8 RGB, rounded half to even."""
    # -1..1 to 0..255.
    levels = ((images + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)
    return levels.expand(-1, 3, -1, -1).contiguous()


def without_border(images: Tensor, border: int) -> Tensor:
    return images[..., border:-border, border:-border].contiguous() if border else images


def uniform_latents(dim: int) -> Draw:
    """Return a function that draws latents uniform in -1..1."""
    return lambda count, rng: torch.rand(count, dim, generator=rng) * 2 - 1


def normal_latents(dim: int) -> Draw:
    """Return a function that draws standard normal latents."""
    return lambda count, rng: torch.randn(count, dim, generator=rng)


def batches_of(draw: Draw, count: int, size: int, rng: torch.Generator) -> Iterator[Tensor]:
    """Yield ``count`` batches of ``size`` latents."""
    return (draw(size, rng) for _ in range(count))
