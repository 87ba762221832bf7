"""The two domains of each CycleGAN: digits and a known restyling, faces of emoji of 2017 and of 2025, drawn faces.

Counterparts stand in the same row of both domains. Trainings never use that; scores do.
"""

from __future__ import annotations

import io
import lzma
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from PIL import Image
from torch.nn import functional as F

from ganmetrics._files import shown
from ganmetrics.data.torchvision_set import data_folder
from ganmetrics.errors import InputError
from ganmetrics.generators import datasets
from ganmetrics.generators.sampler import CHUNK

if TYPE_CHECKING:
    from torch import Tensor

    from ganmetrics.types import Images

SIZE = 32
EMOJI_FILE = "noto_emoji32.tar.xz"
EMOJI_FOLDERS = ("A_blob2017", "B_noto2025")
FACES = (
    (0x2639, 0x263A),
    (0x1F600, 0x1F607),
    (0x1F609, 0x1F637),
    (0x1F641, 0x1F644),
    (0x1F910, 0x1F915),
    (0x1F920, 0x1F925),
    (0x1F927, 0x1F92F),
    (0x1F970, 0x1F97A),
    (0x1F9D0, 0x1F9D0),
)  # code points, both ends
# Share of the faces that is held out.
HELD_OUT_SHARE = 0.2
# Faces are drawn at twice their size.
FINE = 2 * SIZE
# Pixel value of eyes and mouths.
DARK = 50.0


class Domains(NamedTuple):
    """Images of both domains, uint8 [N, 3, 32, 32]."""

    first: Images
    second: Images


@dataclass(frozen=True)
class Style:
    """The colours of restyled digits, RGB in 0..255."""

    paper: tuple[int, int, int] = (250, 236, 200)
    ink: tuple[int, int, int] = (24, 48, 140)


STYLE = Style()


def restyled(digits: Images, style: Style = STYLE) -> Images:
    """Light digits on black as thicker ink on paper: each pixel takes the largest of itself and its four neighbours.

    Parameters
    ----------
    digits : uint8 [N, 3, H, W]
        The mean of the three channels counts.
    style : Style

    Returns
    -------
    uint8 [N, 3, H, W]

    Examples
    --------
    >>> import torch
    >>> restyled(torch.zeros(1, 3, 4, 4, dtype=torch.uint8))[0, :, 0, 0].tolist()
    [250, 236, 200]
    """
    ink = widest(digits.float().mean(dim=1, keepdim=True) / 255)
    paper, line = _axis(style)
    return (paper + line * ink).round().to(torch.uint8)


def unstyled(images: Images, style: Style = STYLE) -> Images:
    """Light digits on black from ink on paper: the inverse of ``restyled`` up to gaps that the thickening closed.

    Each colour counts as its nearest between paper and ink, and each pixel takes the least of itself and its four
    neighbours.

    Parameters
    ----------
    images : uint8 [N, 3, H, W]
    style : Style

    Returns
    -------
    uint8 [N, 3, H, W]
        Three equal channels.
    """
    paper, line = _axis(style)
    ink = ((images.float() - paper) * line).sum(dim=1, keepdim=True) / line.square().sum()
    thin = 1 - widest(1 - ink.clamp(0, 1))
    return (thin * 255).round().to(torch.uint8).expand(-1, 3, -1, -1).contiguous()


def _axis(style: Style) -> tuple[Tensor, Tensor]:  # the paper's colour and the way to the ink's, [3, 1, 1]
    paper, ink = (torch.tensor(colour, dtype=torch.float32)[:, None, None] for colour in (style.paper, style.ink))
    return paper, ink - paper


def widest(values: Tensor) -> Tensor:  # [N, C, H, W]: the largest of each pixel and its four neighbours
    upright = F.max_pool2d(values, (3, 1), stride=1, padding=(1, 0))
    return torch.maximum(upright, F.max_pool2d(values, (1, 3), stride=1, padding=(0, 1)))


def digit_domains(digits: Tensor) -> Domains:
    """Return digits [N, 1 or 3, 28, 28] padded to 32 pixels, and their restyled counterparts."""
    border = (SIZE - digits.shape[-1]) // 2
    padded = F.pad(digits, [border] * 4).expand(-1, 3, -1, -1)
    return Domains(padded, restyled(padded))


def digit_training(root: str | None) -> Domains:
    """MNIST's training images at even places, and those at odd places restyled: no digit is in both domains."""
    grey = datasets.load_grey("mnist", root, size=SIZE).images.expand(-1, 3, -1, -1)
    # In parts, to spare memory.
    styled = [restyled(digits) for digits in grey[1::2].split(1000)]
    return Domains(grey[::2], torch.cat(styled))


def emoji_training(root: str | None) -> Domains:
    """Return the training faces in both designs, jittered."""
    domains, is_held_out = load_emoji(root)
    return Domains(*(jittered(images[~is_held_out]) for images in domains))


def jittered(images: Images) -> Images:
    """Shift images on white, and their mirror images, by up to a pixel each way: 18 for one, [18 N, 3, H, W].

    In place of the paper's enlarging and cropping: a discriminator soon knows sixty faces by heart.
    """
    both = torch.cat([images, images.flip(3)])
    padded, (height, width) = F.pad(both, [1] * 4, value=255), images.shape[2:]
    return torch.cat([padded[:, :, y : y + height, x : x + width] for y in range(3) for x in range(3)])


def emoji_held_out(root: str | None) -> Domains:
    """Return the held-out faces, in both designs."""
    domains, is_held_out = load_emoji(root)
    return Domains(domains.first[is_held_out], domains.second[is_held_out])


def load_emoji(root: str | None = None) -> tuple[Domains, Tensor]:
    """Load the yellow faces of Noto Emoji of 2017 and of 2025, counterparts in the same rows, and which are held out.

    Other emoji are left out: a flag has no counterpart in shape, and what changed between the designs is the face, from
    a blob to a shaded disc. A fifth is held out by a fixed seed.

    Parameters
    ----------
    root : str, optional
        The folder that holds ``noto_emoji32.tar.xz``; by default that of ``GANMETRICS_DATA_DIR``, else the user's
        cache.

    Raises
    ------
    InputError
        The archive is missing or damaged.
    """
    path = Path(root or data_folder()) / EMOJI_FILE
    if not path.is_file():
        what = "the emoji are missing: an archive of 32 px PNG files in the folders A_blob2017 and B_noto2025"
        hint = "Put it there, or name its folder by GANMETRICS_DATA_DIR"
        raise InputError(what, where=shown(path), hint=hint, code="E-MISSING")
    try:
        domains = _read_emoji(path)
    except (tarfile.TarError, lzma.LZMAError, EOFError, OSError, KeyError, RuntimeError) as error:
        what = f"the archive of emoji cannot be read: {str(error) or type(error).__name__}"
        raise InputError(what, where=shown(path), hint="Copy it again") from error
    return domains, held_out(len(domains.first))


def _read_emoji(path: Path) -> Domains:
    designs: dict[str, dict[str, Images]] = {folder: {} for folder in EMOJI_FOLDERS}
    with tarfile.open(path, "r:xz") as archive:
        for member in archive:
            place = Path(member.name)
            stream = archive.extractfile(member) if place.suffix == ".png" else None
            if stream is not None:
                picture = Image.open(io.BytesIO(stream.read())).convert("RGB")
                designs[place.parent.name][place.stem] = torch.from_numpy(np.array(picture)).permute(2, 0, 1)
    names = sorted(filter(is_face, set.intersection(*(set(images) for images in designs.values()))))
    return Domains(*(torch.stack([images[name] for name in names]) for images in designs.values()))


def is_face(name: str) -> bool:
    """Return whether a name, such as ``emoji_u1f44b_1f3fb``, is one code point of a yellow face."""
    points = name.removeprefix("emoji_u").split("_")
    return len(points) == 1 and any(low <= int(points[0], 16) <= high for low, high in FACES)


def held_out(count: int, *, seed: int = 0) -> Tensor:
    """Return which faces of so many are held out, bool [count]."""
    order = torch.from_numpy(np.random.RandomState(seed).permutation(count))
    return order < round(HELD_OUT_SHARE * count)


def drawn_faces(count: int, seed: int) -> Domains:
    """Faces of random shapes in the manner of both designs: flat blobs and shaded discs.

    They stand in for emoji where none are at hand. Nine random numbers make a face, the same in both domains; the
    first n faces of a seed are the same however many are drawn.
    """
    traits = torch.rand(count, 9, generator=torch.Generator().manual_seed(seed)).split(CHUNK)
    return Domains(*(torch.cat([_faces(rows, is_blob=is_blob) for rows in traits]) for is_blob in (True, False)))


def _faces(traits: Tensor, *, is_blob: bool) -> Images:  # [N, 9] in 0..1 -> [N, 3, 32, 32]
    # Coordinates in -1..1, y downwards.
    x, y = torch.meshgrid(*[(torch.arange(FINE) + 0.5) / (FINE / 2) - 1] * 2, indexing="xy")
    turn, size, gap, eye, height, mouth, curve, thick, tone = traits[:, :, None, None].unbind(dim=1)
    across, down = x / (0.8 + 0.12 * size), y / (0.8 + 0.12 * size)
    circle = across**2 + down**2
    head = torch.where(down < 0, circle, across**4 + down**4) < 1 if is_blob else circle < 1
    beside, above = ((x - 0.1 * turn).abs() - 0.25 - 0.15 * gap) / 0.1, (y + 0.1 + 0.2 * height) / (0.1 + 0.1 * eye)
    reach, bow = 0.25 + 0.25 * mouth, (curve - 0.5) / 2
    lips = ((y - 0.4 + bow * (x / reach) ** 2).abs() < 0.04 + 0.08 * thick) & (x.abs() < reach)
    is_dark = lips | (beside**2 + above**2 < 1)
    yellow = torch.stack([252 - 20 * tone, 190 + 25 * tone, 30 + 40 * tone], dim=1)
    shade = 1 if is_blob else 1.1 - 0.15 * (across**2 + (down + 0.4) ** 2)[:, None]
    face = torch.where(is_dark[:, None], DARK, (yellow * shade).clamp(max=255))
    pixels = F.avg_pool2d(torch.where(head[:, None], face, 255.0), FINE // SIZE)
    return pixels.round().to(torch.uint8)
