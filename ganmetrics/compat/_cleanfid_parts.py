"""The parts of clean-fid that public code imports beside its scores: resizers, the network, features of a folder."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from ganmetrics.compat._peer_files import clean_fids_rule, peer_folder
from ganmetrics.compat._sides import peers_reading
from ganmetrics.data import open_source
from ganmetrics.errors import UsageError
from ganmetrics.extractors import load_extractor
from ganmetrics.extractors.extraction import choose_device
from ganmetrics.extractors.inception import Inception
from ganmetrics.extractors.resize import tf1_bilinear
from ganmetrics.metrics.fid import fid, frechet_distance
from ganmetrics.metrics.kid import kid
from ganmetrics.registry import unknown

if TYPE_CHECKING:
    Array = np.ndarray[Any, Any]
    Resizer = Callable[[Array], Array]

FILTERS = ("bicubic", "bilinear", "nearest", "lanczos", "box")
SIZE = (299, 299)
LAYER = "2048"


def build_resizer(mode: str) -> Resizer:
    """The resize of a mode, from uint8 [H, W, 3] to what its network takes (UsageError for another mode)."""
    modes: dict[str, Resizer] = {
        "clean": make_resizer("PIL", False, "bicubic", SIZE),
        # Its network resizes by itself.
        "legacy_tensorflow": np.asarray,
        "legacy_pytorch": make_resizer("PyTorch", False, "bilinear", SIZE),
    }
    if mode not in modes:
        raise unknown("mode", mode, list(modes))
    return modes[mode]


def make_resizer(library: str, quantize_after: bool, filter: str, output_size: tuple[int, int]) -> Resizer:
    """A function that resizes uint8 [H, W, 3] to [height, width, 3]: float32 in 0..255, or uint8 if quantised.

    Parameters
    ----------
    library : {"PIL", "PyTorch"}
        TensorFlow and OpenCV, which clean-fid takes too, are refused.
    quantize_after : bool
    filter : {"bicubic", "bilinear", "nearest", "lanczos", "box"}
    output_size : (int, int)
        Width and height for PIL, height and width for PyTorch, as in clean-fid.

    Raises
    ------
    UsageError
        Another library or filter.
    """
    from PIL import Image

    if library not in ("PIL", "PyTorch"):
        raise unknown("library", library, ["PIL", "PyTorch"])
    if filter not in FILTERS:
        raise unknown("filter", filter, list(FILTERS))
    rule = Image.Resampling[filter.upper()]

    def by_pillow(pixels: Array) -> Array:
        if quantize_after:
            return np.asarray(Image.fromarray(pixels).resize(output_size, rule))
        channels = [Image.fromarray(pixels[..., k].astype(np.float32)).resize(output_size, rule) for k in range(3)]
        return np.stack([np.asarray(channel) for channel in channels], axis=2).clip(0, 255)

    def by_torch(pixels: Array) -> Array:
        x = torch.from_numpy(pixels.astype(np.float32)).permute(2, 0, 1)[None]
        aligned = {} if filter == "nearest" else {"align_corners": False}
        found = F.interpolate(x, size=output_size, mode=filter, **aligned)[0].permute(1, 2, 0).clamp(0, 255).numpy()
        return found.astype(np.uint8) if quantize_after else found

    return by_pillow if library == "PIL" else by_torch


def build_feature_extractor(
    mode: str, device: Any = None, use_dataparallel: bool = True, *, weights: Any = None
) -> Callable[[Tensor], Tensor]:
    """The network of a mode, from images [N, 3, H, W] in 0..255, resized by ``build_resizer(mode)``, to [N, 2048].

    ``use_dataparallel`` does nothing here; ``weights`` names a weights file in place of the published one.
    """
    build_resizer(mode)
    loaded, place = load_extractor("inception", weights), choose_device("auto" if device is None else device)
    assert isinstance(loaded, Inception)
    loaded.to(place)

    def features(images: Tensor) -> Tensor:
        x = images.to(place)
        x = tf1_bilinear(x, SIZE[0]) if mode == "legacy_tensorflow" else x.float()
        # Each mode with the range that its own network takes.
        x = 2 * (x / 255) - 1 if mode == "legacy_pytorch" else (x - 128) / 128
        with torch.no_grad():
            return loaded.net(x, [LAYER])[LAYER]

    return features


def get_folder_features(
    fdir: str | os.PathLike[str], model: Callable[[Tensor], Tensor] | None = None, num_workers: int = 12,
    num: int | None = None, shuffle: bool = False, seed: int = 0, batch_size: int = 128, device: Any = None,
    mode: str = "clean", custom_fn_resize: Resizer | None = None, description: str = "", verbose: bool = True,
    custom_image_tranform: Callable[[Array], Array] | None = None,
) -> Array:  # fmt: skip
    """The features of the images in a folder or zip, float32 [N, D], in clean-fid's order.

    Parameters
    ----------
    fdir : path
    model : callable, optional
        From images [N, 3, H, W] in 0..255 to features; ``build_feature_extractor(mode)`` if left out.
    num, shuffle, seed : int or None, bool, int
        How many images are taken: the first ones, or the first after a shuffle by ``random``.
    custom_image_tranform, custom_fn_resize : callable, optional
        What is done to each image [H, W, 3], first of all and in place of the mode's resize.
    num_workers, batch_size, device, mode, verbose, description
        As in clean-fid; ``description`` does nothing here.

    Raises
    ------
    InputError, UsageError, WeightsError
        As ``compute_fid``.
    """
    reading = peers_reading(workers=num_workers, progress=verbose)
    order = seed if num is not None and shuffle else None
    if os.path.isdir(fdir):
        source = peer_folder(fdir, clean_fids_rule(), reading, num, order)
    else:
        rule = None if num is None else f"first:{num}" if order is None else f"{num}@{seed}"
        source = open_source(fdir, reading=replace(reading, sample=rule))
    resize, run = custom_fn_resize or build_resizer(mode), model or build_feature_extractor(mode, device)
    rows: list[Array] = []
    waiting: list[Tensor] = []
    for batch in source.batches():
        for image in batch.permute(0, 2, 3, 1).numpy():
            changed = resize(image if custom_image_tranform is None else custom_image_tranform(image))
            found = torch.from_numpy(np.array(changed)).permute(2, 0, 1)
            # A batch has images of one size.
            if waiting and (len(waiting) == batch_size or waiting[0].shape != found.shape):
                rows.append(run(torch.stack(waiting)).detach().cpu().numpy())
                waiting = []
            waiting.append(found)
    return np.concatenate([*rows, run(torch.stack(waiting)).detach().cpu().numpy()])


def fid_from_feats(feats1: Array, feats2: Array) -> float:
    """FID of two sets of features, [N, D] and [M, D]; lower is better."""
    return fid(feats1, feats2)


def kernel_distance(feats1: Array, feats2: Array, num_subsets: int = 100, max_subset_size: int = 1000) -> float:
    """KID of two sets of features, with subsets from seed 2020 where clean-fid draws others each time."""
    size = min(len(feats1), len(feats2), max_subset_size)
    if size < 2:
        raise UsageError(f"a kernel distance needs two rows on each side; found {size}", where="feats1, feats2")
    return kid(feats1, feats2, subset_size=size, num_subsets=num_subsets).value


__all__ = [
    "build_feature_extractor",
    "build_resizer",
    "fid_from_feats",
    "frechet_distance",
    "get_folder_features",
    "kernel_distance",
    "make_resizer",
]
