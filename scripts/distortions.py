"""Distortions of small colour pictures, each a function of float32 images [N, 3, H, W] in 0..255 and a level in 0..1.

``train_colour.py`` has the network tell them apart; ``judge_colour.py`` grades some of them. Level 0 is barely visible,
level 1 destroys the picture. Randomness comes from the generator that is passed in.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

Distortion = Callable[[Tensor, float, torch.Generator], Tensor]
LUMINANCE_STEPS = torch.tensor(
    [
        [16, 11, 10, 16, 24, 40, 51, 61], [12, 12, 14, 19, 26, 58, 60, 55], [14, 13, 16, 24, 40, 57, 69, 56],
        [14, 17, 22, 29, 51, 87, 80, 62], [18, 22, 37, 56, 68, 109, 103, 77], [24, 35, 55, 64, 81, 104, 113, 92],
        [49, 64, 78, 87, 103, 121, 120, 101], [72, 92, 95, 98, 112, 100, 103, 99],
    ]
).float()  # fmt: skip  # of JPEG's Annex K, for quality 50
YCC = torch.tensor([[0.299, 0.587, 0.114], [-0.1687, -0.3313, 0.5], [0.5, -0.4187, -0.0813]])


def geometric(low: float, high: float, level: float) -> float:
    """The value between two ends, in equal ratios."""
    return low * (high / low) ** level


def blur_by(images: Tensor, sigma: float) -> Tensor:
    """Gaussian blur with reflected borders, sigma in pixels."""
    reach = min(max(1, math.ceil(3 * sigma)), min(images.shape[-2:]) - 1)
    x = torch.arange(-reach, reach + 1, dtype=torch.float32)
    kernel = torch.exp(-x.square() / (2 * sigma**2))
    kernel = (kernel / kernel.sum()).expand(3, 1, 1, -1)
    padded = F.pad(images, [reach] * 4, mode="reflect")
    return F.conv2d(F.conv2d(padded, kernel, groups=3), kernel.transpose(2, 3), groups=3)


def blur(images: Tensor, level: float, rng: torch.Generator) -> Tensor:
    return blur_by(images, geometric(0.4, 3.0, level))


def motion(images: Tensor, level: float, rng: torch.Generator) -> Tensor:
    reach = 1 + round(4 * level)
    size = (1, 2 * reach + 1) if torch.rand((), generator=rng) < 0.5 else (2 * reach + 1, 1)
    pad = [reach, reach, 0, 0] if size[0] == 1 else [0, 0, reach, reach]
    return F.avg_pool2d(F.pad(images, pad, mode="reflect"), size, stride=1)


def noise(images: Tensor, level: float, rng: torch.Generator) -> Tensor:
    return images + geometric(4, 64, level) * torch.randn(images.shape, generator=rng)


def grey_noise(images: Tensor, level: float, rng: torch.Generator) -> Tensor:
    return images + geometric(4, 64, level) * torch.randn(images[:, :1].shape, generator=rng)


def cloudy(images: Tensor, level: float, rng: torch.Generator) -> Tensor:
    return images + geometric(8, 80, level) * smooth_noise(images.shape, 8, rng)


def speckle(images: Tensor, level: float, rng: torch.Generator) -> Tensor:
    return images * (1 + geometric(0.05, 0.6, level) * torch.randn(images.shape, generator=rng))


def salted(images: Tensor, level: float, rng: torch.Generator) -> Tensor:
    share = geometric(0.003, 0.15, level)
    dice = torch.rand(images[:, :1].shape, generator=rng)
    return torch.where(dice < share, dice / share * 255 // 128 * 255, images)


def jpeg(images: Tensor, level: float, rng: torch.Generator) -> Tensor:
    """Quantised cosine coefficients of 8 x 8 blocks, luma and chroma at one resolution."""
    scale = geometric(0.6, 8.0, level)
    n, _, height, width = images.shape
    pad = [0, -width % 8, 0, -height % 8]
    planes = torch.einsum("ij,njhw->nihw", YCC, F.pad(images, pad, mode="replicate"))
    planes[:, 0] -= 128
    high, wide = planes.shape[2] // 8, planes.shape[3] // 8
    blocks = planes.view(n, 3, high, 8, wide, 8).transpose(3, 4)
    basis = _cosines()
    steps = torch.stack([LUMINANCE_STEPS, 1.5 * LUMINANCE_STEPS, 1.5 * LUMINANCE_STEPS]) * scale
    steps = steps.clamp(min=1)[None, :, None, None]
    coefficients = (basis @ blocks @ basis.T / steps).round() * steps
    planes = (basis.T @ coefficients @ basis).transpose(3, 4).reshape(n, 3, high * 8, wide * 8)
    planes[:, 0] += 128
    return torch.einsum("ij,njhw->nihw", torch.linalg.inv(YCC), planes)[..., :height, :width]


def _cosines() -> Tensor:
    k, x = torch.arange(8.0)[:, None], torch.arange(8.0)
    basis = torch.cos(math.pi * (x + 0.5) * k / 8) / 2
    basis[0] /= math.sqrt(2)
    return basis


def resized(images: Tensor, level: float, rng: torch.Generator, mode: str = "bilinear") -> Tensor:
    """Shrunk with an area filter and enlarged again."""
    height, width = images.shape[-2:]
    factor = geometric(0.8, 0.15, level)
    small = (max(3, round(height * factor)), max(3, round(width * factor)))
    shrunk = F.interpolate(images, small, mode="bilinear", antialias=True, align_corners=False)
    return F.interpolate(shrunk, (height, width), mode=mode)


def pixelated(images: Tensor, level: float, rng: torch.Generator) -> Tensor:
    return resized(images, level, rng, "nearest")


def checkerboard(images: Tensor, level: float, rng: torch.Generator) -> Tensor:
    """The alternating pattern of transposed convolutions, of period 2 or 4 pixels."""
    half = int(torch.randint(1, 3, (), generator=rng))
    rows, columns = (torch.arange(size) // half for size in images.shape[-2:])
    return images + geometric(3, 40, level) * (1 - 2.0 * ((rows[:, None] + columns) % 2))


def stripes(images: Tensor, level: float, rng: torch.Generator) -> Tensor:
    period = int(torch.randint(2, 9, (), generator=rng))
    wave = torch.sin(2 * math.pi * (torch.arange(images.shape[-1]) + 0.25) / period) * geometric(3, 40, level)
    return images + (wave if torch.rand((), generator=rng) < 0.5 else wave[:, None])


def smooth_noise(shape: torch.Size, cells: int, rng: torch.Generator) -> Tensor:
    coarse = torch.randn(shape[0], shape[1], cells, cells, generator=rng)
    return F.interpolate(coarse, shape[2:], mode="bicubic", align_corners=False)


def warped(images: Tensor, offsets: Tensor) -> Tensor:
    """Pixels taken from elsewhere; offsets [N, 2, H, W] are (x, y) in units of half the image."""
    identity = torch.eye(2, 3).expand(len(images), -1, -1)
    grid = F.affine_grid(identity, list(images.shape), align_corners=False)
    return F.grid_sample(images, grid + offsets.permute(0, 2, 3, 1), padding_mode="reflection", align_corners=False)


def elastic(images: Tensor, level: float, rng: torch.Generator) -> Tensor:
    shape = torch.Size((len(images), 2, *images.shape[2:]))
    return warped(images, geometric(0.02, 0.2, level) * smooth_noise(shape, 8, rng))


def affine(images: Tensor, angle: float, zoom: float = 1.0) -> Tensor:
    cos, sin = math.cos(angle) / zoom, math.sin(angle) / zoom
    matrix = torch.tensor([[cos, -sin, 0], [sin, cos, 0]]).expand(len(images), -1, -1)
    grid = F.affine_grid(matrix, list(images.shape), align_corners=False)
    return F.grid_sample(images, grid, padding_mode="reflection", align_corners=False)


def rotated(images: Tensor, level: float, rng: torch.Generator) -> Tensor:
    sign = 1 if torch.rand((), generator=rng) < 0.5 else -1
    return affine(images, sign * math.radians(geometric(5, 60, level)))


def zoomed(images: Tensor, level: float, rng: torch.Generator) -> Tensor:
    return affine(images, 0.0, geometric(1.15, 2.5, level))


def swirl(images: Tensor, level: float, rng: torch.Generator) -> Tensor:
    height, width = images.shape[-2:]
    y, x = torch.linspace(-1, 1, height)[:, None], torch.linspace(-1, 1, width)
    angle = geometric(0.3, 3.0, level) * (1 - torch.hypot(y, x)).clamp(min=0)
    moved = torch.stack([x * angle.cos() - y * angle.sin() - x, x * angle.sin() + y * angle.cos() - y])
    return warped(images, moved.expand(len(images), -1, -1, -1))


def posterised(images: Tensor, level: float, rng: torch.Generator) -> Tensor:
    step = 255 / round(geometric(10, 2, level))
    return (images / step).round() * step


def sharpened(images: Tensor, level: float, rng: torch.Generator) -> Tensor:
    return images + geometric(0.5, 6, level) * (images - blur_by(images, 1.2))


def boxed(images: Tensor, level: float, rng: torch.Generator) -> Tensor:
    """A box of one colour at a random place of each image."""
    height, width = images.shape[-2:]
    side = geometric(0.15, 0.6, level)
    top, left = torch.rand(2, len(images), 1, 1, 1, generator=rng) * (1 - side)
    y, x = torch.linspace(0, 1, height)[:, None], torch.linspace(0, 1, width)
    inside = (y >= top) & (y < top + side) & (x >= left) & (x < left + side)
    return torch.where(inside, 255 * torch.rand(len(images), 3, 1, 1, generator=rng), images)


def shuffled(images: Tensor, level: float, rng: torch.Generator) -> Tensor:
    """Tiles in another order."""
    tiles = 2 if level < 0.5 else 4
    height, width = (size // tiles for size in images.shape[-2:])
    parts = images[..., : height * tiles, : width * tiles].unfold(2, height, height).unfold(3, width, width)
    parts = parts.flatten(2, 3)[:, :, torch.randperm(tiles**2, generator=rng)]
    parts = parts.unflatten(2, (tiles, tiles)).transpose(3, 4).flatten(4, 5).flatten(2, 3)
    return F.pad(parts, [0, images.shape[-1] - width * tiles, 0, images.shape[-2] - height * tiles], mode="replicate")


def blended(images: Tensor, level: float, rng: torch.Generator) -> Tensor:
    return torch.lerp(images, images.roll(1, 0), geometric(0.1, 0.5, level))


def fringed(images: Tensor, level: float, rng: torch.Generator) -> Tensor:
    shift = 1 + round(3 * level)
    return torch.stack([images[:, 0].roll(shift, 2), images[:, 1], images[:, 2].roll(-shift, 2)], dim=1)


def mirrored(images: Tensor, level: float, rng: torch.Generator) -> Tensor:
    half = images.shape[-1] // 2
    return torch.cat([images[..., :half], images[..., : images.shape[-1] - half].flip(3)], dim=3)


def dilated(images: Tensor, level: float, rng: torch.Generator) -> Tensor:
    reach = 1 + round(2 * level)
    sign = 1 if torch.rand((), generator=rng) < 0.5 else -1
    return sign * F.max_pool2d(sign * images, 2 * reach + 1, stride=1, padding=reach)


def punched(images: Tensor, level: float, rng: torch.Generator) -> Tensor:
    dice = torch.rand(len(images), 1, 12, 12, generator=rng)
    return images * (F.interpolate(dice, images.shape[2:]) > geometric(0.03, 0.4, level))


def unchanged(images: Tensor, level: float, rng: torch.Generator) -> Tensor:
    return images


DISTORTIONS: tuple[Distortion, ...] = (
    unchanged, blur, motion, noise, grey_noise, cloudy, speckle, salted, jpeg, resized, pixelated, checkerboard,
    stripes, elastic, rotated, zoomed, swirl, posterised, sharpened, boxed, shuffled, blended, fringed, mirrored,
    dilated, punched,
)  # fmt: skip
