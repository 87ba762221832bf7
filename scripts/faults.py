"""Real images as healthy sets, and the same with planted faults of graded strength; for ``calibrate_diagnosis.py``."""

from __future__ import annotations

import gzip
import io
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import colour_sets
import numpy as np
import torch
from colour_sets import Labelled
from PIL import Image
from stored_features import StoredFeatures

import ganmetrics as gm
from ganmetrics.measurement.image_record import PixelDigests
from ganmetrics.measurement.thumbnails import Thumbnails

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ganmetrics.types import Images

    Places = np.ndarray[Any, np.dtype[np.int64]]

STRENGTHS: dict[str, Sequence[float]] = {
    "drop": (0.1, 0.2, 0.3, 0.5, 0.9),
    "unlabelled": (0.1, 0.2, 0.3, 0.5, 0.9),
    "narrow": (0.7, 0.5, 0.3, 0.1),
    "repeat": (0.01, 0.03, 0.1),
    "copy": (0.01, 0.03, 0.1),
    "blur": (0.5, 1.0, 2.0),
    "noise": (5, 10, 20),
    "jpeg": (75, 30, 10),
}
WORDS = {
    "drop": "{:.0%} of the kinds left out",
    "unlabelled": "{:.0%} of the kinds left out, no labels",
    "narrow": "only the {:.0%} nearest to their class's centre",
    "repeat": "{:.0%} are other fakes with noise of 2 levels",
    "copy": "{:.0%} are reals with noise of 2 levels",
    "blur": "Gaussian blur, σ = {:g} pixels",
    "noise": "noise of {:g} levels",
    "jpeg": "JPEG of quality {:g}",
}
SHAKE = 2.0  # levels of noise on copies
BROKEN = ("collapsed", "memorised", "overpowered", "three-digits", "wgan-mnist")  # or poor
MOST = 12_000  # images of a pool
SHAPES = 12_000, 64  # drawn, their side


class Setting(NamedTuple):
    """A set of images and the network by which it is diagnosed.

    Attributes
    ----------
    images : callable
        From the folder of the data sets to images with kinds.
    network : str
    knows_kinds : str
        ``"labels"`` where the real images have labels, ``"network"`` where the network is a classifier, else empty.
    healthy : sizes of the real and the generated set
    """

    images: Callable[[Path], Labelled]
    network: str
    knows_kinds: str
    healthy: tuple[tuple[int, int], ...]

    @property
    def faults(self) -> Iterator[tuple[str, float]]:
        """Every fault that is planted, in every strength."""
        left_out = {"network": "unlabelled", "": "drop"}.get(self.knows_kinds)
        is_slow = self.network == "inception"
        for fault, strengths in STRENGTHS.items():
            for strength in strengths:
                is_damage = fault in ("blur", "noise", "jpeg")
                if fault != left_out and not (is_slow and is_damage and strength not in (1.0, 10, 30)):
                    yield fault, strength


def _grey(name: str) -> Callable[[Path], Labelled]:
    def load(data: Path) -> Labelled:
        pixels, labels = (
            np.frombuffer(
                gzip.decompress((data / name / "raw" / f"train-{file}.gz").read_bytes()), np.uint8, offset=skip
            )
            for file, skip in (("images-idx3-ubyte", 16), ("labels-idx1-ubyte", 8))
        )
        images = torch.from_numpy(pixels.reshape(-1, 1, 28, 28)[-MOST:].copy())
        return Labelled(images.expand(-1, 3, -1, -1).contiguous(), torch.from_numpy(labels[-MOST:].copy()).long())

    return load


def _shapes(data: Path) -> Labelled:
    return colour_sets.shapes(*SHAPES)


SMALL = ((200, 200), (1000, 1000))
MIDDLE = (*SMALL, (2000, 2000))
LARGE = (*MIDDLE, (5000, 5000))
SETTINGS = {
    "CIFAR-10, `colour`": Setting(colour_sets.cifar, "colour", "labels", MIDDLE),
    "emoji, `colour`": Setting(colour_sets.emoji, "colour", "", SMALL),
    "shapes, `colour`": Setting(_shapes, "colour", "labels", LARGE),
    "MNIST, `digits`": Setting(_grey("MNIST"), "digits", "network", LARGE),
    "Fashion-MNIST, `fashion`": Setting(_grey("FashionMNIST"), "fashion", "network", LARGE),
    "CIFAR-10, Inception": Setting(colour_sets.cifar, "inception", "labels", SMALL),
    "emoji, Inception": Setting(colour_sets.emoji, "inception", "", SMALL),
}


class Rows(NamedTuple):
    """Images with their features."""

    images: Images
    features: torch.Tensor

    def of(self, places: Places) -> Rows:
        """Some of the images."""
        return Rows(self.images[places], self.features[places])

    def joined(self, other: Rows) -> Rows:
        """The images of both."""
        return Rows(*map(torch.cat, zip(self, other, strict=True)))


@dataclass
class Pool:
    """Real images with what a network makes of them, whole or damaged, from which disjoint sets are drawn."""

    setting: Setting
    labelled: Labelled
    features: StoredFeatures
    title: str

    def __post_init__(self) -> None:
        self._rows: dict[tuple[str, float], Rows] = {}
        # What is known of the images is counted by the fastest network.
        whole = gm.measure(self.labelled.images, reads=("features",), extractor="pixels", reading=gm.Reading())
        self._template = replace(whole, recipe=self.measured(self.labelled.images[:20]).recipe)

    @property
    def kinds(self) -> int:
        """Number of kinds of images."""
        return int(self.labelled.labels.max()) + 1

    def damaged(self, fault: str, strength: float) -> Rows:
        """All images with a fault of the pixels; ``("", 0)`` are the images as they are."""
        key = fault, strength
        if key not in self._rows:
            images = _damaged(self.labelled.images, fault, strength)
            name = "".join(filter(str.isalnum, self.title))
            self._rows[key] = Rows(images, self.features.of(f"calibration-{name}-{fault}-{strength:g}", images))
        return self._rows[key]

    def measured(self, images: Images) -> gm.Statistics:
        """Other images through the same network."""
        return self.features.measured(images)

    def statistics(self, rows: Rows, labels: torch.Tensor | None = None) -> gm.Statistics:
        """Some images as a measured set."""
        pixels, thumbnails = PixelDigests(), Thumbnails(len(rows.images))
        pixels.add(rows.images)
        thumbnails.add(rows.images)
        classes = () if labels is None else tuple(map(str, range(self.kinds)))
        return replace(
            self._template, count=len(rows.images), digest=pixels.combined(), order=pixels.ordered(), sample=None,
            features=rows.features, pixels=pixels, thumbnails=thumbnails, place="", labels=labels, classes=classes,
        )  # fmt: skip


def load(title: str, data: Path, cache: Path, yardstick: Path | None) -> Pool:
    """Return a setting's images with the features of its network, which are kept in a folder."""
    setting = SETTINGS[title]
    images, labels = setting.images(data)
    # Some emoji of several code points are one picture, which would be in two sets.
    first = {image.numpy().tobytes(): place for place, image in reversed(list(enumerate(images)))}
    kept = torch.tensor(sorted(first.values()))
    labelled = Labelled(images[kept], labels[kept])
    return Pool(setting, labelled, StoredFeatures(setting.network, cache, yardstick), title)


def healthy_generators(title: str) -> Iterator[str]:
    """The bundled generators of a data set's images that are not broken on purpose."""
    pool = {"MNIST, `digits`": "mnist", "Fashion-MNIST, `fashion`": "fashion"}.get(title)
    for name in gm.generators.names() if pool else ():
        card = gm.generators.card(name)
        is_broken = name.endswith(BROKEN)
        is_of_pool = pool in name or (card.data == pool and pool != "mnist")
        if is_of_pool and not is_broken and card.system not in ("cyclegan", "style_transfer"):
            yield name


def planted(
    pool: Pool, fault: str, strength: float, places: tuple[Places, Places, int], rng: np.random.RandomState
) -> gm.Statistics:
    """So many fakes with a fault, from images that are not among the reals."""
    real, rest, count = places
    healthy = pool.damaged("", 0)
    if fault in ("drop", "unlabelled"):
        dropped = rng.permutation(pool.kinds)[: round(strength * pool.kinds)]
        return pool.statistics(healthy.of(rest[~np.isin(pool.labelled.labels[rest], dropped)][:count]))
    if fault == "narrow":
        return pool.statistics(healthy.of(rng.permutation(_nearest_to_centre(pool, rest, strength))[:count]))
    if fault in ("copy", "repeat"):
        num = round(strength * count)
        sources = rng.permutation(real)[:num] if fault == "copy" else rest[count - num : count]
        return pool.statistics(pool.damaged("noise", SHAKE).of(sources).joined(healthy.of(rest[num:count])))
    return pool.statistics(pool.damaged(fault, strength).of(rest[:count]))


def _nearest_to_centre(pool: Pool, places: Places, share: float) -> Places:
    """Of each class the share whose features are nearest to the class's mean."""
    features, labels = pool.damaged("", 0).features[places], pool.labelled.labels[places]
    kept = []
    for label in range(pool.kinds):
        own = (labels == label).nonzero()[:, 0]
        distances = (features[own] - features[own].mean(dim=0)).norm(dim=1)
        kept.append(places[own[distances.argsort()[: round(share * len(own))]].numpy()])
    return np.concatenate(kept)


def _damaged(images: Images, fault: str, strength: float) -> Images:
    if fault == "":
        return images
    if fault == "noise":
        # Noise on grey images is grey, as a generator of grey images would make it.
        planes = images[:, :1] if torch.equal(images[:, :1].expand_as(images), images) else images
        noise = np.random.RandomState(0).normal(0, strength, tuple(planes.shape)).astype(np.float32)
        return (images + torch.from_numpy(noise)).round().clamp(0, 255).byte()
    if fault == "blur":
        from torchvision.transforms.functional import gaussian_blur

        return gaussian_blur(images, [2 * int(3 * strength) + 1] * 2, [strength] * 2)
    arrays = images.permute(0, 2, 3, 1).numpy()
    return torch.from_numpy(np.stack([_compressed(image, int(strength)) for image in arrays])).permute(0, 3, 1, 2)


def _compressed(image: np.ndarray[Any, Any], quality: int) -> np.ndarray[Any, Any]:
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, "JPEG", quality=quality)
    return np.array(Image.open(stream))


def words(fault: str, strength: float) -> str:
    """The fault as a table says it."""
    return WORDS[fault].format(strength)
