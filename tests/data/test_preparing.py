"""Crops and resizes before anything else: equal to guided-diffusion's and torchvision's to the pixel."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
import torch
import torchvision.transforms as transforms
from PIL import Image

import ganmetrics as gm
from ganmetrics.data import open_source

SIZES = [(300, 200), (64, 64), (63, 65), (513, 1025), (128, 400), (97, 33), (200, 131), (64, 129)]
BICUBIC, LANCZOS = transforms.InterpolationMode.BICUBIC, transforms.InterpolationMode.LANCZOS


def picture(rng: np.random.Generator, height: int, width: int) -> Image.Image:
    small = rng.integers(0, 256, (height // 3 + 1, width // 3 + 1, 3), dtype=np.uint8)
    return Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC)


def prepared(image: Image.Image, steps: str) -> np.ndarray:
    [batch] = open_source([image], reading=gm.Reading(prepare=steps)).batches()
    return batch[0].permute(1, 2, 0).numpy()


def test_the_crop_of_adm_is_that_of_guided_diffusion() -> None:
    """The digest is of what its own ``center_crop_arr`` made of the same images."""
    rng, digest = np.random.default_rng(0), hashlib.sha256()
    for height, width in SIZES:
        image = picture(rng, height, width)
        for size in (32, 64):
            digest.update(prepared(image, f"adm-crop:{size}").tobytes())
    assert digest.hexdigest() == "14370e622ecdf1de53bf57c5e723338d7c18c737deedc5ea8b7b9425494efdf5"


@pytest.mark.parametrize(("steps", "peer"), [
    ("fidelity-crop:33", [transforms.Resize(33), transforms.CenterCrop(33)]),
    ("fidelity-crop:64", [transforms.Resize(64), transforms.CenterCrop(64)]),
    ("center-crop:33", [transforms.CenterCrop(33)]),
    ("resize:40", [transforms.Resize(40, BICUBIC)]),
    ("resize:40x31:lanczos", [transforms.Resize((40, 31), LANCZOS)]),
    ("resize:50:bilinear+center-crop:24", [transforms.Resize(50), transforms.CenterCrop(24)]),
])  # fmt: skip
def test_other_crops_and_resizes_are_torchvisions(steps: str, peer: list) -> None:
    rng = np.random.default_rng(1)
    for height, width in SIZES:
        image = picture(rng, height, width)
        assert np.array_equal(prepared(image, steps), np.asarray(transforms.Compose(peer)(image)))


def test_a_square_is_cut_out_or_filled_up() -> None:
    image = picture(np.random.default_rng(2), 20, 31)
    pixels = np.asarray(image)
    assert np.array_equal(prepared(image, "center-crop"), pixels[:, 6:26])
    padded = prepared(image, "pad")
    assert padded.shape == (31, 31, 3)
    assert np.array_equal(padded[5:25], pixels)
    assert not padded[:5].any() and not padded[25:].any()


def test_every_kind_of_set_is_prepared_once(tmp_path: Path) -> None:
    """Halving is not the same twice, so that a set that were prepared twice would show it."""
    steps, rng = "resize:24x20+center-crop:12", np.random.default_rng(3)
    images = [picture(rng, 30, 40) for _ in range(5)]
    (tmp_path / "folder").mkdir()
    for number, image in enumerate(images):
        image.save(tmp_path / "folder" / f"{number}.png")
    arrays = np.stack([np.asarray(image) for image in images])
    np.save(tmp_path / "images.npy", arrays)
    wanted = np.stack([prepared(image, steps) for image in images])
    tensor = torch.from_numpy(arrays).permute(0, 3, 1, 2)
    both = f"{tmp_path / 'images.npy'},{tmp_path / 'folder'}"
    sets = {"folder": tmp_path / "folder", "file": tmp_path / "images.npy", "tensor": tensor, "list": images,
            "data set": torch.utils.data.TensorDataset(tensor), "iterator": iter(images),
            "loader": torch.utils.data.DataLoader(torch.utils.data.TensorDataset(tensor), batch_size=2)}  # fmt: skip
    for name, each in sets.items():
        source = open_source(each, reading=gm.Reading(prepare=steps))
        found = torch.cat(list(source.batches())).permute(0, 2, 3, 1).numpy()
        assert np.array_equal(found, wanted), name
        assert dict(source.notes.sizes) == {(12, 12): 5}, name
    for workers in (0, 1):
        source = open_source(both, reading=gm.Reading(prepare=steps, workers=workers))
        found = torch.cat(list(source.batches())).permute(0, 2, 3, 1).numpy()
        assert np.array_equal(found, np.concatenate([wanted, wanted])), workers


def test_the_signature_names_what_was_done_to_each_side() -> None:
    images = torch.randint(256, (8, 3, 20, 14), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    real = gm.source(images, reading=gm.Reading(prepare="center-crop"))
    found = gm.evaluate(real, images, extractor="pixels")
    assert ":prepare=center-crop|fake:#8:" in str(found["fid"].signature)
    both = gm.evaluate(images, images, extractor="pixels", reading=gm.Reading(prepare="pad"))
    assert str(both["fid"].signature).count("prepare=pad") == 2


def test_a_source_keeps_its_own_reading_in_the_signature(tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    for number in range(4):
        Image.fromarray(rng.integers(0, 256, (8, 8, 4), dtype=np.uint8)).save(tmp_path / f"{number}.png")
    white = gm.source(tmp_path, reading=gm.Reading(alpha="white"))
    signature = str(gm.evaluate(white, white, extractor="pixels")["fid"].signature)
    assert signature.count("alpha=white") == 2
    every = gm.measure(white, extractor="pixels")
    assert every.recipe.reading == ("alpha=white",)


@pytest.mark.parametrize(("steps", "said"), [
    ("crop", "none of the known steps"),
    ("adm-crop", "none of the known steps"),
    ("resize:8:nearest", "none of the known steps"),
    ("resize:8x8x8", "none of the known steps"),
    ("pad:white", "none of the known steps"),
    ("", "none of the known steps"),
    ("resize:0", "asks for 0 pixels"),
    ("center-crop:99999", "asks for 99999 pixels"),
    (256, "prepare is 256"),
])  # fmt: skip
def test_steps_that_cannot_be_meant_are_refused(steps: object, said: str) -> None:
    with pytest.raises(gm.UsageError, match=said) as caught:
        gm.Reading(prepare=steps)  # type: ignore[arg-type]
    assert "adm-crop:N" in f"{caught.value}" or "must be 1 to" in f"{caught.value}"


def test_an_image_smaller_than_the_cut_is_unreadable(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    for number, size in enumerate((8, 20, 20)):
        picture(rng, size, size).save(tmp_path / f"{number}.png")
    reading = gm.Reading(prepare="center-crop:16")
    with pytest.raises(gm.InputError, match=r"1 of 3 images cannot be read: 0\.png is 8x8, and 16x16 cannot be"):
        list(open_source(tmp_path, reading=reading).batches())
    skipping = gm.Reading(prepare="center-crop:16", on_error="skip")
    assert sum(map(len, open_source(tmp_path, reading=skipping).batches())) == 2
    with pytest.raises(gm.InputError, match="an image is 8x8, and 16x16 cannot be cut out of it"):
        list(open_source(np.zeros((3, 8, 8, 3), np.uint8), reading=reading).batches())


def test_where_no_image_can_be_cut_three_are_named(tmp_path: Path) -> None:
    for number in range(30):
        Image.new("RGB", (8, 8)).save(tmp_path / f"{number:02}.png")
    with pytest.raises(gm.InputError, match=r"30 of 30 images cannot be read: 00\.png is 8x8.*; and 27 more") as caught:
        list(gm.source(tmp_path, reading=gm.Reading(prepare="center-crop:16", workers=0)).batches())
    assert len(str(caught.value)) < 400
