"""Shares of a set: together they are the set, in its order, whatever the kind of source and the number of readers."""

from __future__ import annotations

import io
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from ganmetrics.data import Reading, Source, open_source
from ganmetrics.data.reading import batches as sharing
from ganmetrics.data.reading.batches import WHOLE, Share
from ganmetrics.errors import InputError

COUNT = 203
PIXELS = torch.randint(256, (COUNT, 3, 4, 4), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)


@given(st.integers(0, 5000), st.integers(1, 7))
def test_shares_of_any_number_of_readers_part_a_set(count: int, world: int) -> None:
    parts = [Share(rank, world).places(count) for rank in range(world)]
    assert torch.equal(torch.cat(parts).sort().values, torch.arange(count))
    assert max(map(len, parts)) - min(map(len, parts)) <= sharing.BLOCK
    for rank, part in enumerate(parts):
        assert torch.equal(part, torch.arange(count)[Share(rank, world).has(torch.arange(count))])


def test_a_stretch_is_parted_alike() -> None:
    parts = [Share(rank, 2, start=100, stop=2000).places(5000) for rank in range(2)]
    assert torch.equal(torch.cat(parts).sort().values, torch.arange(100, 2000))
    assert Share(start=1900, stop=2400).places(2000).tolist() == list(range(1900, 2000))


@pytest.fixture
def _small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sharing, "BLOCK", 64)


def png(index: int) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(PIXELS[index].permute(1, 2, 0).numpy()).save(buffer, "PNG")
    return buffer.getvalue()


def folder(root: Path) -> str:
    (root / "images").mkdir()
    for index in range(COUNT):
        (root / "images" / f"{index:04}.png").write_bytes(png(index))
    return str(root / "images")


def archive(root: Path) -> str:
    with zipfile.ZipFile(root / "images.zip", "w") as target:
        for index in range(COUNT):
            target.writestr(f"{index:04}.png", png(index))
    return str(root / "images.zip")


def shards(root: Path) -> str:
    """Two archives, of which the first holds a hundred."""
    for name, indices in (("0", range(100)), ("1", range(100, COUNT))):
        with tarfile.open(root / f"part-{name}.tar", "w") as target:
            for index in indices:
                member = tarfile.TarInfo(f"{index:04}.png")
                member.size = len(png(index))
                target.addfile(member, io.BytesIO(png(index)))
    return str(root / "part-{0..1}.tar")


def array(root: Path) -> str:
    np.save(root / "images.npy", PIXELS.numpy())
    return str(root / "images.npy")


class Fixed(nn.Module):
    latent_dim = 3

    def forward(self, latents: torch.Tensor) -> torch.Tensor:
        return torch.sigmoid(latents)[:, :, None, None].expand(-1, -1, 4, 4)


def network(root: Path) -> Source:
    return open_source(Fixed(), num_images=COUNT, value_range=(0, 1))


KINDS: dict[str, Callable[[Path], Any]] = {
    "folder": folder,
    "url": lambda root: f"file://{folder(root)}",
    "zip": archive,
    "tar": shards,
    "array file": array,
    "tensor": lambda root: PIXELS,
    "data set": lambda root: TensorDataset(PIXELS),
    "loader": lambda root: DataLoader(TensorDataset(PIXELS), 10),
    "network": network,
}


@pytest.mark.usefixtures("_small_blocks")
@pytest.mark.parametrize("kind", list(KINDS))
def test_the_shares_are_the_whole(kind: str, tmp_path: Path) -> None:
    value = KINDS[kind](tmp_path)
    whole = torch.cat(list(open_source(value).batches()))
    assert len(whole) == COUNT
    if kind != "network":
        assert torch.equal(whole, PIXELS)
    rows: dict[int, torch.Tensor] = {}
    for rank in range(3):
        for places, images in open_source(value, reading=Reading(workers=0)).share(Share(rank, 3)):
            assert len(places) == len(images)
            for place, image in zip(places.tolist(), images, strict=True):
                assert place not in rows
                rows[place] = image
    assert torch.equal(torch.stack([rows[place] for place in range(COUNT)]), whole)


def test_items_of_other_shares_are_not_read() -> None:
    read: list[int] = []

    class Counted(torch.utils.data.Dataset[torch.Tensor]):
        def __len__(self) -> int:
            return 1200

        def __getitem__(self, index: int) -> torch.Tensor:
            read.append(index)
            return PIXELS[index % COUNT]

    source = open_source(Counted())
    read.clear()
    places = torch.cat([places for places, _ in source.share(Share(1, 2))])
    assert places.tolist() == list(range(512, 1024))
    assert set(read) <= set(places.tolist())


def test_a_function_makes_only_its_share() -> None:
    made: list[int] = []
    source = open_source(lambda n: (made.append(n), PIXELS[:n])[1], num_images=1100)
    places = torch.cat([places for places, _ in source.share(Share(0, 2))])
    assert places.tolist() == [*range(512), *range(1024, 1100)]
    assert sum(made) == 512 + 76


def test_places_know_of_files_that_were_left_out(tmp_path: Path) -> None:
    place = folder(tmp_path)
    for index in (0, 5, 64, 202):
        (tmp_path / "images" / f"{index:04}.png").write_bytes(b"no image")
    source = open_source(place, reading=Reading(on_error="skip", workers=0))
    found = list(source.share(WHOLE))
    places = torch.cat([places for places, _ in found])
    assert places.tolist() == [index for index in range(COUNT) if index not in (0, 5, 64, 202)]
    assert torch.equal(torch.cat([images for _, images in found]), PIXELS[places])


def test_a_share_may_hold_nothing_and_a_set_not(tmp_path: Path) -> None:
    source = open_source(folder(tmp_path))
    assert list(source.share(Share(1, 2))) == []


def test_a_shuffled_loader_cannot_be_shared() -> None:
    loader = DataLoader(TensorDataset(PIXELS), 10, shuffle=True)
    with pytest.raises(InputError, match=r"sampler is a RandomSampler.*Pass the data set itself"):
        list(open_source(loader).share(Share(0, 2)))
