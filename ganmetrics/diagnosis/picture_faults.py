"""Faults of the pictures of one set alone: another range, clipping, borders, lost detail, repeated frames."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import torch

if TYPE_CHECKING:
    from torch import Tensor

    from ganmetrics.diagnosis.pair import Pair
    from ganmetrics.measurement.thumbnails import Thumbnails
    from ganmetrics.types import Images

# Pictures of each side that are compared.
PICTURES = 1_000
# Share of the pixel values that is cut off at either end, so that a few odd pixels do not count.
ENDS = 0.005
# Share of the range of real pixel values that the generated images have: some, severe.
NARROW, NARROWEST = 0.7, 0.3
# Share of that range by which one end alone may lie elsewhere.
MOVED = 0.1
# Share of all values by which more of them are at an end of 0..255 than among real images.
CLIPPED = 0.1
# A border is a sixteenth of the picture on two opposite sides, whose values differ by no more than a few levels.
BORDER, FLAT = 16, 6
# Share of the pictures by which more have such a border, or a successor that is nearly the same.
OFTEN = 0.25
# Mean difference of two pictures that are nearly the same, over the mean distance of one's values from their mean: what
# JPEG changes at a usual quality is less.
ALIKE = 0.1
# Share of the real images' energy above half the band; a blur of one pixel leaves a twentieth.
DETAIL = 0.05

SCALE = "scale to 0..255 and round when saving: ((x + 1) * 127.5).round() for a generator's -1..1"
CLIP = "look at what adds to the pixel values before they are rounded: an offset, a gain or a colour conversion"
CROP = "prepare both sets alike: crop, or pad, both"
RESIZE = "compare at the size that the generator makes, and prepare the real images by the same steps"
FRAMES = "draw a fresh latent for every image; of a video take frames that are far apart"


class Trouble(NamedTuple):
    """One thing that is odd about the images: how bad it is, what was seen, what to do, whether faults follow."""

    verdict: str
    sentence: str
    advice: str
    is_cause: bool = True


def picture_faults(pair: Pair) -> Iterator[Trouble]:
    """Find what sets the pictures of generated images apart from those of real ones, whatever the network."""
    if pair.pictures is not None:
        real, fake = (images[:PICTURES] for images in pair.pictures)
        # Where a kind of image is missing its pixel values are missing too: that range is no cause, but a consequence.
        for trouble in (*_ends(real, fake), *_clipping(real, fake)):
            yield trouble._replace(is_cause=pair.is_off_manifold)
        yield from _borders(real, fake)
        if _are_whole(pair):
            yield from _detail(real, fake)
    yield from _frames(pair)


def _ends(real: Images, fake: Images) -> Iterator[Trouble]:
    """Find another range: a forgotten scaling narrows it, an offset moves one end."""
    ends = [_range(images) for images in (real, fake)]
    width = ends[0][1] - ends[0][0]
    if width <= 0:
        return
    of_real, of_fake = ("{:.0f}..{:.0f}".format(*each) for each in ends)
    sentence = f"pixel values of generated images span {of_fake}, of real images {of_real}"
    share = (ends[1][1] - ends[1][0]) / width
    if share < NARROW:
        yield Trouble("severe" if share < NARROWEST else "some", sentence, SCALE)
    elif max(abs(one - other) for one, other in zip(*ends, strict=True)) > MOVED * width:
        yield Trouble("some", sentence, CLIP)


def _range(images: Images) -> tuple[float, float]:
    """Return the two pixel values that all but few pixels lie between."""
    counts = torch.bincount(images.flatten().long(), minlength=256).double().cumsum(0) / images.numel()
    low = torch.searchsorted(counts, torch.tensor([ENDS, 1 - ENDS], dtype=torch.float64))
    return float(low[0]), float(low[1])


def _clipping(real: Images, fake: Images) -> Iterator[Trouble]:
    for end in (0, 255):
        shares = [float((images == end).double().mean()) for images in (real, fake)]
        if shares[1] - shares[0] > CLIPPED:
            text = f"{shares[1]:.0%} of the pixel values of generated images are {end}, {shares[0]:.0%} of real ones"
            yield Trouble("some", f"{text}: they were clipped", CLIP)


def _borders(real: Images, fake: Images) -> Iterator[Trouble]:
    shares = [float(_has_border(images).double().mean()) for images in (real, fake)]
    if shares[1] - shares[0] > OFTEN:
        text = f"{shares[1]:.0%} of the generated images have flat borders on two sides, {shares[0]:.0%} of real ones"
        yield Trouble("some", f"{text}: they look padded", CROP)


def _has_border(images: Images) -> Tensor:  # [N, 3, H, W] -> bool [N]
    found = torch.zeros(len(images), dtype=torch.bool)
    for axis in (2, 3):
        width = max(1, images.shape[axis] // BORDER)
        strips = [images.narrow(axis, start, width).flatten(2).short() for start in (0, images.shape[axis] - width)]
        found |= torch.stack([(strip.amax(2) - strip.amin(2)).amax(1) <= FLAT for strip in strips]).all(0)
    # A picture that is flat all over has no border.
    return found & ((images.flatten(1).amax(1).short() - images.flatten(1).amin(1)) > FLAT)


def _detail(real: Images, fake: Images) -> Iterator[Trouble]:
    shares = [float(_energy(images).median()) for images in (real, fake)]
    if shares[1] < DETAIL * shares[0]:
        text = f"generated images have {shares[1] / shares[0]:.1%} of the real images' energy above half the band"
        yield Trouble("some", f"{text}: they look enlarged or blurred", RESIZE)


def _energy(images: Images) -> Tensor:  # [N, 3, H, W] -> float32 [N]
    """Return each picture's energy above half the band, both ways, with its ends faded out."""
    grey = images.float().mean(dim=1)
    height, width = grey.shape[1:]
    # Without the window the step between opposite sides would count as detail.
    window = torch.hann_window(height)[:, None] * torch.hann_window(width)
    spectrum = torch.fft.fft2((grey - grey.mean(dim=(1, 2), keepdim=True)) * window).abs().square()
    high = (torch.fft.fftfreq(height).abs()[:, None] > 0.25) | (torch.fft.fftfreq(width).abs() > 0.25)
    return spectrum[:, high].mean(dim=1)


def _are_whole(pair: Pair) -> bool:
    """Whether both sides hold the images themselves, all of one size: shrunk pictures have lost their detail."""
    sizes = [set(side.notes.sizes) for side in (pair.real, pair.fake)]
    sides = [side.thumbnails.side for side in (pair.real, pair.fake) if side.thumbnails is not None]
    return sizes[0] == sizes[1] and len(sizes[0]) == 1 and max(next(iter(sizes[0]))) <= min(sides)


def _frames(pair: Pair) -> Iterator[Trouble]:
    real, fake = pair.real.thumbnails, pair.fake.thumbnails
    if real is None or fake is None:
        return
    followed, others = _shares_alike(fake)
    # Copies of a collapsed generator resemble all others, not their successors alone.
    beyond = followed - max(others, _shares_alike(real)[0])
    if beyond > OFTEN:
        text = f"{followed:.0%} of the generated images are followed by nearly the same picture"
        yield Trouble("some", f"{text}, as frames of a video are", FRAMES)


def _shares_alike(pictures: Thumbnails) -> tuple[float, float]:
    """Return the shares of pictures that nearly equal their successor, and some other picture."""
    places = [place for place in pictures.sample(PICTURES) if place + 1 < len(pictures)]
    pairs = [[(place, place + 1) for place in places], list(pairwise(places))]
    hits = [sum(_are_alike(pictures[one], pictures[other]) for one, other in each) for each in pairs]
    return hits[0] / max(1, len(pairs[0])), hits[1] / max(1, len(pairs[1]))


def _are_alike(one: Tensor, other: Tensor) -> bool:  # uint8 [3, h, w] each
    if one.shape != other.shape:
        return False
    contrast = (one.float() - one.float().mean()).abs().mean()
    return bool(contrast > 0 and (one.float() - other.float()).abs().mean() <= ALIKE * contrast)
