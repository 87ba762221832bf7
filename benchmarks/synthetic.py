"""Seeded stand-ins for what cannot be shipped: Inception weights of the published layout, and folders of images.

The weights are random, yet the features they give are of order 1 and differ between images, so that a FID of synthetic
weights has the size and the numerical difficulty of a real one. Its value means nothing.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from PIL import Image, ImageDraw

from ganmetrics.extractors._inception_blocks import PARTS, Conv
from ganmetrics.extractors._inception_net import InceptionNet

if TYPE_CHECKING:
    Array = np.ndarray[Any, np.dtype[np.float64]]
    Values = np.random.RandomState

# Behind a ReLU of standard normal inputs the variance is (1 - 1 / pi) / 2; this gain brings it back to 1.
GAIN = float(np.sqrt(2 / (1 - 1 / np.pi)))
LAST_SCALE = np.float32(0.6)  # brings the 2048 features to the size of the published network's, a mean of about 0.4
SUFFIXES = {"png": ".png", "jpeg": ".jpg"}
OCTAVES = ((4, 60.0), (16, 30.0), (64, 10.0))  # cells along a side, standard deviation in grey levels


def write_weights(path: str | os.PathLike[str], seed: int = 0) -> Path:
    """A weights file of the FID Inception's layout; equal seeds give equal bytes under any name.

    Parameters
    ----------
    path : path-like
    seed : int

    Returns
    -------
    Path
        Of the file, 95 MB in torch's zip format.
    """
    with open(path, "wb") as file:  # by handle: torch would write the file's name into it
        torch.save(state_dict(seed), file)
    return Path(path)


def state_dict(seed: int = 0) -> dict[str, torch.Tensor]:
    """Random values under the published names, the counters of batch normalisation included."""
    state: dict[str, torch.Tensor] = {}
    net = InceptionNet()
    for name, module in net.named_modules():
        if isinstance(module, Conv):
            arrays = _convolution(tuple(module.conv.weight.shape), _values(seed, name))
            if name.startswith("Mixed_7c."):
                arrays[1:3] = [LAST_SCALE * array for array in arrays[1:3]]
            state |= {f"{name}.{part}": torch.from_numpy(array) for part, array in zip(PARTS, arrays, strict=True)}
            state[f"{name}.bn.num_batches_tracked"] = torch.tensor(0)
    for part in ("weight", "bias"):
        shape = tuple(getattr(net.fc, part).shape)
        state[f"fc.{part}"] = torch.from_numpy(_normal(_values(seed, f"fc.{part}"), shape, 0.06))
    return state


def write_images(
    folder: str | os.PathLike[str],
    count: int,
    sizes: int | Sequence[int] = 256,
    seed: int = 0,
    format: str = "png",
    shift: float = 0.0,
) -> list[Path]:
    """Square images in a folder, ``00000.png`` and so on; each depends on the seed and its index alone.

    Parameters
    ----------
    folder : path-like
        Made where it is missing.
    count : int
    sizes : int or sequence of int
        Pixels along a side; several are taken in turn.
    seed : int
    format : {"png", "jpeg"}
    shift : float
        0 is one distribution, any other value another one, the farther the greater it is; about 1 is plenty.

    Returns
    -------
    list of Path
    """
    Path(folder).mkdir(parents=True, exist_ok=True)
    sides = [sizes] if isinstance(sizes, int) else list(sizes)
    paths = [Path(folder) / f"{index:05d}{SUFFIXES[format]}" for index in range(count)]
    for index, path in enumerate(paths):
        picture = image(index, sides[index % len(sides)], seed, shift)
        picture.save(path, format=format, **({"quality": 90} if format == "jpeg" else {}))
    return paths


def image(index: int, size: int = 256, seed: int = 0, shift: float = 0.0) -> Image.Image:
    """One RGB image: a smooth coloured field with finer grain, and a few shapes."""
    values = np.random.RandomState([seed, index])
    field = 128 + 40 * values.randn(3) + shift * np.array([40.0, 0.0, -40.0])
    levels = np.broadcast_to(field, (size, size, 3))
    for cells, spread in OCTAVES:
        levels = levels + _smooth(values, cells, spread / (1 + abs(shift)), size)
    picture = Image.fromarray(levels.clip(0, 255).astype(np.uint8))
    _draw_shapes(picture, values, round(4 * (1 + abs(shift))))
    return picture


def _values(seed: int, name: str) -> Values:
    """A stream of its own for each name, so that no value depends on the order of the others."""
    return np.random.RandomState([seed, zlib.crc32(name.encode())])


def _normal(values: Values, shape: tuple[int, ...], spread: float) -> Any:  # float32 of that shape
    return (values.standard_normal(shape) * spread).astype(np.float32)


def _convolution(shape: tuple[int, ...], values: Values) -> list[Any]:
    """He-normal filters of zero mean, then batch norm's gamma, beta, mean and variance, in the order of ``PARTS``.

    Inputs behind a ReLU share a positive mean; a filter of zero mean leaves it out and passes on what differs between
    images, which a plain He-normal stack this deep would lose.
    """
    outputs, fan_in = shape[0], int(np.prod(shape[1:]))
    filters = values.standard_normal((outputs, fan_in)) * (GAIN / np.sqrt(fan_in))
    filters -= filters.mean(axis=1, keepdims=True)
    gamma, beta, mean = (_normal(values, (outputs,), spread) for spread in (0.1, 0.1, 0.05))
    var = np.exp(_normal(values, (outputs,), 0.1))
    return [filters.reshape(shape).astype(np.float32), gamma + np.float32(1), beta, mean, var]


def _smooth(values: Values, cells: int, spread: float, size: int) -> Array:  # [size, size, 3], zero mean
    coarse = (128 + spread * values.randn(cells, cells, 3)).clip(0, 255).astype(np.uint8)
    fine = Image.fromarray(coarse).resize((size, size), Image.Resampling.BICUBIC)
    return np.asarray(fine, dtype=np.float64) - 128


def _draw_shapes(picture: Image.Image, values: Values, count: int) -> None:
    draw = ImageDraw.Draw(picture)
    for _ in range(count):
        x, y, width, height = (values.uniform((0, 0, 0.05, 0.05), (0.8, 0.8, 0.5, 0.5)) * picture.width).tolist()
        colour = tuple(int(level) for level in values.randint(0, 256, 3))
        shape = draw.ellipse if values.rand() < 0.5 else draw.rectangle
        shape((x, y, x + width, y + height), fill=colour)
