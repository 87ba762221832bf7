"""Real images as healthy sets, and the same with planted faults of graded strength; for ``calibrate_diagnosis.py``."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from PIL import Image

import ganmetrics as gm
from ganmetrics.data.torchvision_set import load_dataset
from ganmetrics.measurement.image_record import PixelDigests
from ganmetrics.measurement.thumbnails import Thumbnails

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ganmetrics.types import Images

    Places = np.ndarray[Any, np.dtype[np.int64]]

STRENGTHS: dict[str, Sequence[float]] = {
    "drop": (1, 2, 3, 5, 9),
    "narrow": (0.7, 0.5, 0.3, 0.1),
    "repeat": (0.01, 0.03, 0.1, 0.3),
    "copy": (0.01, 0.03, 0.1, 0.3),
    "blur": (0.5, 0.75, 1.0, 2.0),
    "noise": (8, 16, 32, 64),
    "jpeg": (75, 50, 25, 10),
}
WORDS = {
    "drop": "{:g} of 10 classes dropped",
    "narrow": "only the {:.0%} nearest to their class's centre",
    "repeat": "{:.0%} are other fakes with noise of 2 levels",
    "copy": "{:.0%} are reals with noise of 2 levels",
    "blur": "Gaussian blur, σ = {:g} pixels",
    "noise": "noise of {:g} levels",
    "jpeg": "JPEG of quality {:g}",
}
SHAKE = 2.0  # levels of noise on copies
BROKEN = ("collapsed", "memorised", "overpowered", "three-digits", "wgan-mnist")  # or poor
QUIET = gm.Reading(thumbnails=True)
MOST = 20_000  # images of a pool


@dataclass
class Pool:
    """Real images with what a network makes of them, from which disjoint sets are drawn."""

    images: Images
    labels: torch.Tensor
    extractor: Any
    whole: gm.Statistics
    is_labelled: bool = False

    def measured(self, images: Images) -> gm.Statistics:
        """Other images through the same network."""
        reads = ("features", "logits") if self.whole.logits is not None else ("features",)
        return gm.measure(images, reads=reads, extractor=self.extractor, reading=QUIET)

    def statistics(self, places: Places) -> gm.Statistics:
        """Some of the images, without another pass."""
        images, index = self.images[places], torch.from_numpy(places)
        pixels, thumbnails = PixelDigests(), Thumbnails(len(places))
        pixels.add(images)
        thumbnails.add(images)
        whole = self.whole
        assert whole.features is not None
        logits = None if whole.logits is None else whole.logits[index]
        return replace(
            whole, count=len(places), digest=pixels.combined(), order=pixels.ordered(), features=whole.features[index],
            logits=logits, pixels=pixels, thumbnails=thumbnails, place="", sample=None,
            labels=self.labels[index] if self.is_labelled else None, classes=tuple("0123456789") * self.is_labelled,
        )  # fmt: skip


class SmallConv(torch.nn.Module):
    """Seeded random convolutions of small photographs, as He's normal distribution draws them: 384 features."""

    def __init__(self) -> None:
        super().__init__()
        rng = torch.Generator().manual_seed(0)
        sizes = [(3, 32), (32, 64), (64, 128)]
        self.weights = torch.nn.ParameterList(
            [torch.randn(b, a, 3, 3, generator=rng) * (2 / (9 * a)) ** 0.5 for a, b in sizes]
        )

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Means and deviations over the image of the last two layers: uint8 [N, 3, H, W] -> [N, 384]."""
        x, found = images.float() / 127.5 - 1, []
        for weight in self.weights:
            x = torch.nn.functional.conv2d(x, weight, padding=1).relu()
            found += [x.mean(dim=(2, 3)), x.std(dim=(2, 3))]
            x = torch.nn.functional.max_pool2d(x, 2)
        return torch.cat(found[2:], dim=1)


def _grey(name: str, extractor: str) -> Callable[[Path], Pool]:
    def load(data: Path) -> Pool:
        import tempfile

        with tempfile.TemporaryDirectory() as folder:  # torchvision unpacks into it
            raw = Path(folder) / name / "raw"
            raw.mkdir(parents=True)
            for file in (data / name / "raw").iterdir():
                (raw / file.name).symlink_to(file.resolve())
            found = load_dataset(name, "train", folder=folder)
        images = found.data[-MOST:, None].expand(-1, 3, -1, -1).contiguous()
        return _pool(images, found.targets[-MOST:], gm.load_extractor(extractor), ("features", "logits"))

    return load


def _cifar10(data: Path) -> Pool:
    with np.load(data / "cifar10_train4000_test1000.npz") as found:
        pixels = np.concatenate([found["train_images"], found["test_images"]])
        labels = np.concatenate([found["train_labels"], found["test_labels"]])
    images = torch.from_numpy(pixels).permute(0, 3, 1, 2).contiguous()
    pool = _pool(images, torch.from_numpy(labels).long(), gm.load_extractor(SmallConv()), ("features",))
    return replace(pool, is_labelled=True)


def _pool(images: Images, labels: torch.Tensor, extractor: Any, reads: tuple[str, ...]) -> Pool:
    whole = gm.measure(images, reads=reads, extractor=extractor, reading=gm.Reading())
    return Pool(images, labels, extractor, whole)


POOLS = {"mnist": _grey("MNIST", "digits"), "fashion": _grey("FashionMNIST", "fashion"), "cifar10": _cifar10}


def healthy_generators(pool: str) -> Iterator[str]:
    """The bundled generators of a data set's images that are not broken on purpose."""
    for name in gm.generators.names():
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
    if fault == "drop":
        dropped = rng.permutation(10)[: int(strength)]
        return pool.statistics(rest[~np.isin(pool.labels[rest], dropped)][:count])
    if fault == "narrow":
        return pool.statistics(rng.permutation(_nearest_to_centre(pool, rest, strength))[:count])
    images = pool.images[rest[:count]].clone()
    if fault in ("copy", "repeat"):
        num = round(strength * count)
        sources = pool.images[real[rng.permutation(len(real))[:num]]] if fault == "copy" else images[-num:]
        images[:num] = _shaken(sources, rng, SHAKE)
        return pool.measured(images)
    return pool.measured(_damaged(images, fault, strength, rng))


def _nearest_to_centre(pool: Pool, places: Places, share: float) -> Places:
    """Of each class the share whose features are nearest to the class's mean."""
    assert pool.whole.features is not None
    features, labels, kept = pool.whole.features[places], pool.labels[places], []
    for label in range(10):
        own = (labels == label).nonzero()[:, 0]
        distances = (features[own] - features[own].mean(dim=0)).norm(dim=1)
        kept.append(places[own[distances.argsort()[: round(share * len(own))]].numpy()])
    return np.concatenate(kept)


def _damaged(images: Images, fault: str, strength: float, rng: np.random.RandomState) -> Images:
    if fault == "noise":
        return _shaken(images, rng, strength)
    if fault == "blur":
        from torchvision.transforms.functional import gaussian_blur

        return gaussian_blur(images, [2 * int(3 * strength) + 1] * 2, [strength] * 2)
    arrays = images.permute(0, 2, 3, 1).numpy()
    return torch.from_numpy(np.stack([_compressed(image, int(strength)) for image in arrays])).permute(0, 3, 1, 2)


def _shaken(images: Images, rng: np.random.RandomState, levels: float) -> Images:
    noise = torch.from_numpy(rng.normal(0, levels, tuple(images.shape)))
    return (images + noise).round().clamp(0, 255).byte()


def _compressed(image: np.ndarray[Any, Any], quality: int) -> np.ndarray[Any, Any]:
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, "JPEG", quality=quality)
    return np.array(Image.open(stream))


def words(fault: str, strength: float) -> str:
    """The fault as a table says it."""
    return WORDS[fault].format(strength)
