"""Networks of one's own that take other channels and depths than RGB of 8 bits."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

import ganmetrics as gm

FLOATS = gm.Reading(channels=13, dtype="float32")


class Net(nn.Module):
    """Means of quarters of each channel; keeps the dtypes and channels that it was given."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: set[tuple[torch.dtype, int]] = set()

    def forward(self, images: Tensor) -> Tensor:
        self.seen.add((images.dtype, images.shape[1]))
        return nn.functional.adaptive_avg_pool2d(images.float(), 2).flatten(1)


class Items(torch.utils.data.Dataset[Any]):
    """Images one by one, each with a class."""

    def __init__(self, images: Tensor) -> None:
        self.images = images

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        return self.images[index], index % 2


class Made(nn.Module):
    """A generator of 13 channels, without a range."""

    latent_dim = 4

    def forward(self, z: Tensor) -> Tensor:
        return z.mean(1)[:, None, None, None] * torch.arange(13.0)[:, None, None] * torch.ones(8, 8)


def drawn(seed: int, count: int = 40) -> Tensor:
    return torch.randn(count, 13, 8, 8, generator=torch.Generator().manual_seed(seed)) * (1 + seed)


def as_hdf5(images: Tensor, folder: Path) -> str:
    h5py = pytest.importorskip("h5py")
    with h5py.File(folder / "images.h5", "w") as file:
        file["images"] = images.numpy()
    return str(folder / "images.h5")


def as_npy(images: Tensor, folder: Path) -> str:
    np.save(folder / "images.npy", images.permute(0, 2, 3, 1).contiguous().numpy())
    return str(folder / "images.npy")


def as_npz(images: Tensor, folder: Path) -> str:
    np.savez(folder / "images.npz", images.numpy())
    return str(folder / "images.npz")


WAYS: dict[str, Callable[[Tensor, Path], Any]] = {
    "tensor": lambda images, _: images,
    "array with channels last": lambda images, _: images.permute(0, 2, 3, 1).numpy(),
    "doubles": lambda images, _: images.double(),
    "npy": as_npy,
    "npz": as_npz,
    "hdf5": as_hdf5,
    "data set": lambda images, _: Items(images),
    "loader": lambda images, _: torch.utils.data.DataLoader(Items(images), batch_size=7),
    "list": lambda images, _: list(images),
    "iterator": lambda images, _: iter(images.split(9)),
    "function": lambda images, _: gm.source(lambda count: images[:count], num_images=40, reading=FLOATS),
}


@pytest.mark.parametrize("way", WAYS)
def test_thirteen_channels_of_floats_reach_the_network_as_they_are(way: str, tmp_path: Path) -> None:
    real, fake, net = drawn(0), drawn(1), Net()
    extractor = gm.load_extractor(net, channels=13, dtype="float32")
    found = gm.fid(WAYS[way](real, tmp_path), fake, extractor=extractor)
    assert net.seen == {(torch.float32, 13)}
    wanted = gm.fid(gm.features(Net()(real), "net"), gm.features(Net()(fake), "net"))
    assert found.value == pytest.approx(wanted.value, rel=1e-9)
    assert "|own-13xfloat32|" in str(found.signature)


def test_batches_of_thirteen_channels_give_the_same_score() -> None:
    real, fake = drawn(0), drawn(1)
    extractor = gm.load_extractor(Net(), channels=13, dtype="float32")
    batchwise = gm.Evaluation(["fid"], extractor=extractor)
    for part in real.split(16):
        batchwise.update(part, real=True)
    batchwise.update(fake)
    assert str(batchwise.compute()) == str(gm.evaluate(real, fake, metrics=["fid"], extractor=extractor))


def test_a_generator_of_thirteen_channels_needs_no_range() -> None:
    extractor = gm.load_extractor(Net(), channels=13, dtype="float32")
    fake = gm.source(Made(), num_images=40, reading=FLOATS)
    assert gm.fid(drawn(0), fake, extractor=extractor).value > 0


@pytest.mark.parametrize("workers", [0, 2])
def test_files_of_16_bits_keep_their_numbers(workers: int, tmp_path: Path) -> None:
    rng, net = np.random.default_rng(0), Net()
    arrays = {role: rng.integers(0, 65536, (66, 1, 6, 7)).astype(np.uint16) for role in ("real", "fake")}
    for role, array in arrays.items():
        (tmp_path / role).mkdir()
        for index, image in enumerate(array):
            Image.fromarray(image[0]).save(tmp_path / role / f"{index:03}.png")
    extractor = gm.load_extractor(net, channels=1, dtype="uint16")
    reading = gm.Reading(workers=workers)
    files = gm.fid(tmp_path / "real", tmp_path / "fake", extractor=extractor, reading=reading)
    assert files.signature == gm.fid(arrays["real"], arrays["fake"], extractor=extractor).signature
    assert net.seen == {(torch.int32, 1)}


def test_four_channels_keep_transparency_and_one_takes_grey_files(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for index in range(12):
        Image.fromarray(rng.integers(0, 256, (6, 7, 4)).astype(np.uint8)).save(tmp_path / f"{index}.png")
    net = Net()
    assert gm.fid(tmp_path, tmp_path, extractor=gm.load_extractor(net, channels=4)).value == pytest.approx(0, abs=1e-9)
    assert net.seen == {(torch.uint8, 4)}
    with pytest.raises(gm.InputError, match="has colours or an alpha channel; the network takes one channel"):
        gm.fid(tmp_path, tmp_path, extractor=gm.load_extractor(Net(), channels=1))
    for index in range(12):
        Image.fromarray(rng.integers(0, 256, (6, 7, 3)).astype(np.uint8)).save(tmp_path / f"{index}.png")
    with pytest.raises(gm.InputError, match="has the mode RGB; the network takes 4 channels of uint8"):
        gm.fid(tmp_path, tmp_path, extractor=gm.load_extractor(Net(), channels=4))
    grey = [Image.fromarray(rng.integers(0, 256, (6, 7)).astype(np.uint8)) for _ in range(12)]
    net = Net()
    gm.fid(grey, [image.convert("RGB") for image in grey], extractor=gm.load_extractor(net, channels=1))
    assert net.seen == {(torch.uint8, 1)}


@pytest.mark.parametrize(("image", "channels", "words"), [
    (Image.new("CMYK", (4, 4)), 4, "has the mode CMYK"),
    (Image.new("F", (4, 4)), 1, "has the mode F"),
    (Image.new("I", (4, 4)), 1, "has the mode I"),
])  # fmt: skip
def test_numbers_are_neither_made_up_nor_left_out(image: Image.Image, channels: int, words: str) -> None:
    with pytest.raises(gm.InputError, match=f"{words}; the network takes {channels} channel"):
        gm.fid([image] * 3, [image] * 3, extractor=gm.load_extractor(Net(), channels=channels))


def test_colours_of_16_bits_are_not_cut_to_8(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 65536, (5, 6, 4)).astype(np.uint16)
    png = sixteen_bit_rgba(pixels)
    for index in range(3):
        (tmp_path / f"{index}.png").write_bytes(png)
    with pytest.raises(gm.InputError, match="has colours of 16 bits; the network takes 4 channels of uint8"):
        gm.fid(tmp_path, tmp_path, extractor=gm.load_extractor(Net(), channels=4))


def sixteen_bit_rgba(pixels: np.ndarray[Any, Any]) -> bytes:
    """A PNG file of uint16 [H, W, 4], which Pillow cannot write."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    height, width, _ = pixels.shape
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in pixels)
    header = struct.pack(">IIBBBBB", width, height, 16, 6, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def test_saved_statistics_remember_the_form(tmp_path: Path) -> None:
    extractor = gm.load_extractor(Net(), channels=13, dtype="float32")
    gm.save_statistics(gm.measure(drawn(0), reads="moments", extractor=extractor), tmp_path / "real.npz")
    found = gm.fid(tmp_path / "real.npz", drawn(1), extractor=extractor)
    assert found.value == gm.fid(drawn(0), drawn(1), extractor=extractor).value
    grey = gm.load_extractor(Net(), channels=1, dtype="float32")
    with pytest.raises(gm.StatisticsError, match="resize: own-13xfloat32 / own-1xfloat32"):
        gm.fid(tmp_path / "real.npz", drawn(1)[:, :1], extractor=grey)


def of_floats() -> Any:
    return gm.load_extractor(Net(), channels=13, dtype="float32")


REFUSALS: dict[str, tuple[type[Exception], str, Callable[[], object]]] = {
    "a plain network": (
        gm.InputError,
        r"expected images \[N, 3, H, W\].*gm.load_extractor\(network, channels=13, dtype=\"float32\"\)",
        lambda: gm.fid(drawn(0), drawn(1), extractor=Net()),
    ),
    "opened as RGB": (
        gm.UsageError,
        "takes 13 channels of float32, and the images were opened as 3 channels of uint8",
        lambda: gm.fid(gm.source(drawn(0)[:, :3], value_range=(-9, 9)), drawn(1), extractor=of_floats()),
    ),
    "opened as floats for RGB": (
        gm.UsageError,
        "Net takes 3 channels of uint8, and the images were opened as 13 channels of float32",
        lambda: gm.fid(gm.source(drawn(0), reading=FLOATS), drawn(1)[:, :3].byte(), extractor=Net()),
    ),
    "a name": (gm.UsageError, "this network knows", lambda: gm.load_extractor("inception", channels=4)),
    "another dtype": (gm.UsageError, "unknown dtype", lambda: gm.load_extractor(Net(), dtype="int8")),
    "no channel": (gm.UsageError, "channels", lambda: gm.load_extractor(Net(), channels=0)),
    "whole numbers for floats": (
        gm.InputError,
        "dtype int64; the network takes 13 channels of float32",
        lambda: gm.fid(drawn(0).long(), drawn(1), extractor=of_floats()),
    ),
    "too few channels": (
        gm.InputError,
        r"expected \[N, 13, H, W\]",
        lambda: gm.fid(drawn(0)[:, :12], drawn(1), extractor=of_floats()),
    ),
    "infinite": (
        gm.InputError,
        "image 0 at channel 12, row 0, column 0 is NaN or infinite",
        lambda: gm.fid(drawn(0) / torch.arange(13).flip(0)[:, None, None], drawn(1), extractor=of_floats()),
    ),
    "a range": (
        gm.UsageError,
        "value_range makes 8 bits of floats",
        lambda: gm.source(drawn(0), value_range=(0, 1), reading=FLOATS),
    ),
    "transparency": (gm.UsageError, "alpha is for RGB", lambda: gm.Reading(channels=4, alpha="white")),
    "orientations": (gm.UsageError, "exif is for RGB", lambda: gm.Reading(channels=4, exif="transpose")),
    "a crop": (gm.UsageError, "prepare is for RGB", lambda: gm.Reading(channels=13, prepare="pad")),
    "a metric of pixels": (
        gm.UsageError,
        "reads the images themselves, and these have 13 channels of float32",
        lambda: gm.evaluate(drawn(0), drawn(1), metrics=["ms_ssim_diversity"], extractor=of_floats()),
    ),
    "a metric of pixels batch by batch": (
        gm.UsageError,
        "reads the images themselves",
        lambda: gm.Evaluation(["ms_ssim_diversity"], extractor=of_floats()),
    ),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_what_does_not_fit_is_refused_in_a_sentence(case: str) -> None:
    error, words, call = REFUSALS[case]
    with pytest.raises(error, match=words):
        call()
