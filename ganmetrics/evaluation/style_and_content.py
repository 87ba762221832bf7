"""Style and content distance of two sets of images: one pass over each, then a comparison of feature maps."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator
from contextlib import closing
from copy import deepcopy
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from ganmetrics._files import shown
from ganmetrics._progress import progress_bar
from ganmetrics.data import Reading, Source
from ganmetrics.data.places.paths import IMAGE_SUFFIXES, place_of, suffix_of
from ganmetrics.data.reading.decode import decode
from ganmetrics.data.reading.loading import read_parts, serial_parts
from ganmetrics.distributed import require
from ganmetrics.errors import InputError, UsageError
from ganmetrics.extractors.style_networks import MapNetwork, load_map_network
from ganmetrics.measurement.image_record import ImageRecord
from ganmetrics.measurement.recipe import PRECISION, Recipe, Signature
from ganmetrics.measurement.sides import open_side
from ganmetrics.measurement.statistics import Statistics
from ganmetrics.metrics.feature_maps import content_loss, gram_matrix, style_loss
from ganmetrics.scoring.cautions import cautions
from ganmetrics.scoring.keywords import FileKeywords, Settings, shows
from ganmetrics.scoring.result import Result, Score
from ganmetrics.version import __version__

if TYPE_CHECKING:
    from torch import Tensor
    from typing_extensions import Unpack

    from ganmetrics.types import Images

    Maps = dict[str, Tensor]
    # The style distance, and the content distance where it is defined.
    Found = tuple[float, float | None]

# Pixels of one forward pass: the maps of the first block, in float64, then take 128 MiB.
PIXELS = 1 << 18


def style_distance(
    real: Any,
    fake: Any,
    *,
    network: str = "auto",
    weights: str | os.PathLike[str] | None = None,
    paired: bool = False,
    device: str | torch.device = "auto",
) -> Score:
    """Compute the style loss of Gatys et al. between two sets of images, or two images; lower is better, 0 at best.

    Parameters and errors are those of ``style_and_content``; the mathematics is ``functional.style_distance``.
    """
    found = style_and_content(real, fake, network=network, weights=weights, paired=paired, device=device)
    return found["style"]


def content_distance(
    real: Any,
    fake: Any,
    *,
    network: str = "auto",
    weights: str | os.PathLike[str] | None = None,
    paired: bool = False,
    device: str | torch.device = "auto",
) -> Score:
    """Compute the content loss of Gatys et al. between two sets of images of one size, or two images.

    Lower is better, 0 at best. Parameters and errors are those of ``style_and_content``; images of different sizes are
    an ``InputError``. The mathematics is ``functional.content_distance``.
    """
    found = style_and_content(real, fake, network=network, weights=weights, paired=paired, device=device)
    if "content" not in found.scores:
        raise InputError(found.warnings[-1], hint="Bring them to one size first", code="E-SIZE")
    return found["content"]


@shows(FileKeywords)
def style_and_content(
    real: Any,
    fake: Any,
    *,
    network: str = "auto",
    paired: bool = False,
    device: str | torch.device = "auto",
    **settings: Unpack[FileKeywords],
) -> Result:
    """Compute the style and the content distance of two sets of images; each image meets the network once.

    Parameters
    ----------
    real, fake : path, array, tensor, Dataset, DataLoader or Source
        Two sets of images, in this order, at their own sizes; one image, also an image file, is a set too.
    network : {"auto", "vgg19", "random-vgg19", "digits"}
        ``"auto"`` is VGG19 where its weights are given, else one with random weights; titles and signatures say which.
    paired : bool
        Whether the i-th real image is compared with the i-th generated one and the distances are averaged. Otherwise
        the sets' mean Gram matrices and mean maps are compared. With one image on each side both are the same.
    device : str
        ``"auto"``, ``"cpu"``, ``"cuda"``, ``"cuda:1"`` or ``"mps"``.
    weights : path, optional
        Weights for VGG19, in torchvision's layout.
    reading : Reading, optional
        How files are read.

    Returns
    -------
    Result
        ``"style"`` and ``"content"``; the second is left out, with a warning, where images have different sizes.

    Raises
    ------
    UsageError
        An unknown network or device, weights without their network or the reverse, saved statistics.
    InputError
        Images that cannot be read or are too small, sets of different counts that should be paired.
    WeightsError
        A missing or damaged file, or another network's.

    Examples
    --------
    >>> import numpy as np
    >>> images = np.zeros((2, 28, 28, 3), dtype=np.uint8)
    >>> result = style_and_content(images, images, network="digits")
    >>> float(result["style"]), float(result["content"]), result["style"].title
    (0.0, 0.0, 'Style distance(digits)')
    """
    chosen = Settings.of(style_and_content, {**settings, "device": device})
    reading = chosen.reading
    require(reading.engine, ("local",), "a style distance")
    # Both sets are opened before a network is loaded, so that a mistyped path is refused at once.
    sides = _opened(real, reading), _opened(fake, reading)
    if paired:
        _require_equal(sides[0].count, sides[1].count)
    mapping = _Mapping(load_map_network(network, chosen.weights), chosen.device, reading)
    everything = ImageRecord(), ImageRecord()
    streams = [mapping.watched(side, seen) for side, seen in zip(sides, everything, strict=True)]
    # Closed streams end their decoding processes, also where an image is refused in the middle.
    with closing(streams[0]), closing(streams[1]):
        found = mapping.of_pairs(*streams) if paired else mapping.of_sets(*streams)
    left, right = (mapping.described(side, seen) for side, seen in zip(sides, everything, strict=True))
    return _result(found, (left, right), mapping.network, paired)


class _Mapping:
    """A network on a device, and the feature maps that it makes of images."""

    def __init__(self, network: MapNetwork, device: torch.device, reading: Reading) -> None:
        self.network, self.device, self.reading = network, device, reading
        network.to(device)

    def watched(self, source: Source, seen: ImageRecord) -> Generator[Images, None, None]:
        """Yield the images in pieces that fit one forward pass; note their digests and their range of values."""
        with progress_bar(source.name[-40:], source.count, self.reading.progress) as bar:
            for images in source.batches():
                self.network.check_size(images.shape[-2], images.shape[-1])
                seen.add(images, torch.arange(len(seen.pixels), len(seen.pixels) + len(images)))
                yield from images.split(max(1, PIXELS // (images.shape[-2] * images.shape[-1])))
                bar.update(len(images))

    def maps(self, images: Images) -> Maps:
        """Return the feature maps in float64, on the CPU where the device has no float64."""
        found = self.network.maps(images.to(self.device))
        return {name: (value.cpu() if value.device.type == "mps" else value).double() for name, value in found.items()}

    def grams(self, maps: Maps) -> Maps:
        return {layer: gram_matrix(maps[layer]) for layer in self.network.style_layers}

    def of_pairs(self, real: Iterator[Images], fake: Iterator[Images]) -> Found:
        """Return the mean distances over pairs: the i-th real beside the i-th generated image."""
        count, style, content, is_one_size = 0, 0.0, 0.0, True
        for images in _pairs(real, fake):
            left, right = (self.maps(each) for each in images)
            style += float(style_loss(self.grams(left), self.grams(right)).sum())
            is_one_size = is_one_size and images[0].shape == images[1].shape
            if is_one_size:
                layer = self.network.content_layer
                content += float(content_loss(left[layer], right[layer]).sum())
            count += len(images[0])
        return style / count, content / count if is_one_size else None

    def of_sets(self, real: Iterator[Images], fake: Iterator[Images]) -> Found:
        """Return the distances between the sets' mean Gram matrices and between their mean maps."""
        left, right = _Means(self, real), _Means(self, fake)
        style = float(style_loss(left.grams, right.grams))
        if len(left.sizes | right.sizes) > 1:
            return style, None
        return style, float(content_loss(left.content, right.content))

    def described(self, source: Source, seen: ImageRecord) -> Statistics:
        """Return the set as the result shows it: its count, digest and recipe, without statistics."""
        notes = deepcopy(source.notes)
        notes.kinds.update(seen.notes.kinds)
        return Statistics(
            recipe=Recipe(self.network.name, self.network.identity, "none", source.changes_under(self.reading)),
            count=len(seen.pixels),
            digest=seen.pixels.combined(),
            name=source.label,
            order=seen.pixels.ordered(),
            skipped=len(source.notes.skipped),
            notes=notes,
            filled=seen.filled(),
            pixels=seen.pixels,
            place=source.identity,
            source=source.name,
        )


class _Means:
    """The mean Gram matrix of each style layer, and the mean content map where all images have one size."""

    def __init__(self, mapping: _Mapping, batches: Iterator[Images]) -> None:
        count = 0
        self.sizes: set[torch.Size] = set()
        self.grams: Maps = {}
        self.content = torch.zeros(())
        for images in batches:
            maps = mapping.maps(images)
            count += len(images)
            self.sizes.add(images.shape[-2:])
            for layer, value in mapping.grams(maps).items():
                self.grams[layer] = self.grams.get(layer, 0) + value.sum(dim=0)
            if len(self.sizes) == 1:
                self.content = self.content + maps[mapping.network.content_layer].sum(dim=0)
        # Sums over all images become means once the stream has ended: no count is known before.
        self.grams = {layer: total / count for layer, total in self.grams.items()}
        self.content = self.content / count


class _ImageFile(Source):
    """One image file as a set of one; other metrics need many images and do not take it."""

    def __init__(self, path: str, reading: Reading) -> None:
        super().__init__()
        self.path, self.reading = path, reading
        self.name, self.identity, self.count = shown(path), os.path.realpath(path), 1

    def batches(self) -> Iterator[Images]:
        load = self.name, lambda: decode(Path(self.path).read_bytes(), self.reading, suffix_of(self.path))
        return read_parts(serial_parts(iter([load])), self.reading, self.notes, self.name)


def _opened(value: Any, reading: Reading) -> Source:
    if place_of(value) == "path" and os.path.isfile(value) and suffix_of(value) in IMAGE_SUFFIXES:
        return _ImageFile(os.fspath(value), reading)
    side = open_side(value, reading, None)
    if isinstance(side, Statistics):
        what = "saved statistics hold no maps, which style and content are read from"
        raise UsageError(what, where=side.source or side.name, hint="Name the images themselves")
    return side


def _pairs(real: Iterator[Images], fake: Iterator[Images]) -> Iterator[tuple[Images, Images]]:
    """Yield two streams of batches in step, cut into batches of equal size."""
    left = right = torch.empty(0)
    count = 0
    while True:
        left = left if len(left) else next(real, left)
        right = right if len(right) else next(fake, right)
        size = min(len(left), len(right))
        if not size:
            _require_equal(count + len(left), count + len(right))
            return
        yield left[:size], right[:size]
        left, right, count = left[size:], right[size:], count + size


def _require_equal(real: int | None, fake: int | None) -> None:
    if real is not None and fake is not None and real != fake:
        what = f"pairs need as many real as fake images; found at least {real} real and {fake} fake"
        raise InputError(what, where="paired", hint="Leave `paired=True` out to compare the sets", code="E-PAIRS")


def _result(found: Found, sides: tuple[Statistics, Statistics], network: MapNetwork, paired: bool) -> Result:
    warnings = cautions(*sides, [])
    if found[1] is None:
        warnings.append("the content distance is not defined: the images have different sizes")
    scores = {}
    for name, value in zip(("style", "content"), found, strict=True):
        if value is not None:
            signature = _signature(f"{name}(paired={paired})", sides, network, paired)
            title = f"{name.capitalize()} distance({network.name})"
            scores[name] = Score(name, title, value, None, "", False, signature, tuple(warnings))
    return Result(scores, *sides, tuple(warnings))


def _signature(metric: str, sides: tuple[Statistics, Statistics], network: MapNetwork, paired: bool) -> Signature:
    real, fake = (side.labelled(has_order=paired) for side in sides)
    return Signature(metric, network.identity, "none", real, fake, PRECISION, __version__)
