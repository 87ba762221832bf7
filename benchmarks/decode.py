"""Decoding one image of a file's bytes to uint8 pixels, beside torchvision's decoders and simplejpeg's."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import torch

from benchmarks.plan import FORMATS, Plan
from benchmarks.report import Agreement, Comparison
from benchmarks.synthetic import SUFFIXES, image
from benchmarks.timing import against_peers, in_turn
from ganmetrics.data import Reading
from ganmetrics.data.reading.decode import decode

if TYPE_CHECKING:
    Pixels: TypeAlias = np.ndarray[Any, Any]  # uint8 [H, W, 3]
    Decoder: TypeAlias = Callable[[bytes], Pixels]

SIZES, QUICK_SIZES = (32, 256, 1024), (32, 256)
IMAGES, TURNS = 4, 10


def rows(plan: Plan) -> list[Comparison | Agreement]:
    """Milliseconds per image of each format and size, and the number of pixels that differ."""
    sizes = QUICK_SIZES if plan.is_quick else SIZES
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of torchvision, about its decoders
        return [row for format in FORMATS for size in sizes for row in _of_kind(format, size, plan)]


def decoders(format: str) -> dict[str, Decoder]:
    """Those that are installed, by name, each for one image."""
    from torchvision.io import decode_image

    reading, suffix = Reading(), SUFFIXES[format]
    found: dict[str, Decoder] = {
        "ganmetrics": lambda data: decode(data, reading, suffix).pixels,
        "torchvision": lambda data: (
            decode_image(torch.frombuffer(bytearray(data), dtype=torch.uint8)).permute(1, 2, 0).numpy()
        ),
    }
    if format == "jpeg" and find_spec("simplejpeg"):
        import simplejpeg

        found["simplejpeg"] = simplejpeg.decode_jpeg
    return found


def encoded(format: str, size: int) -> list[bytes]:
    """The bytes of a few synthetic images."""
    found = []
    for index in range(IMAGES):
        file = io.BytesIO()
        image(index, size).save(file, format=format, **({"quality": 90} if format == "jpeg" else {}))
        found.append(file.getvalue())
    return found


def _of_kind(format: str, size: int, plan: Plan) -> list[Comparison | Agreement]:
    files, chosen = encoded(format, size), decoders(format)
    actions = {name: lambda each=each: [each(data) for data in files] for name, each in chosen.items()}
    seconds = in_turn(actions, plan.rounds * (1 if plan.is_quick else TURNS))
    times = {name: [1000 * value / len(files) for value in values] for name, values in seconds.items()}
    title, command = f"decoding one {format.upper()}, {size} px", plan.again("decode")
    pixels = {name: np.stack(action()) for name, action in actions.items()}
    ours, found = pixels.pop("ganmetrics"), [*against_peers(title, "ms", times, command, {})]
    return found + [
        Agreement(
            f"{title}: mean level; pixels of {IMAGES} images that differ",
            *(float(ours.mean()), float(peer.mean()), name),
            *(float((ours != peer).any(axis=-1).sum()), command, 0.0),
        )
        for name, peer in pixels.items()
    ]
