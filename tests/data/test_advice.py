"""What a message advises fits what was found."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import ganmetrics as gm

KINDS = {  # suffix: words of the advice
    "mp4": "Write the frames of videos",
    "mdb": "an LMDB as files, or pass a torch Dataset",
    "tfrecords": "Convert TFRecords",
    "parquet": "huggingface:FOLDER:SPLIT",
    "h5": "save them by np.savez",
    "pt": "if a generator, load it",
    "safetensors": "Weights are no images",
    "svg": "Convert them to PNG",
    "gz": "torchvision:MNIST:test",
    "heic": "convert them to PNG",
}


def refusal(value: object, **options: object) -> gm.GanMetricsError:
    with pytest.raises(gm.GanMetricsError) as caught:
        gm.measure(gm.source(value, **options), extractor="pixels")  # type: ignore[arg-type]
    return caught.value


@pytest.mark.parametrize("suffix", KINDS)
def test_a_folder_of_other_files(tmp_path: Path, suffix: str) -> None:
    (tmp_path / f"data.{suffix}").write_bytes(b"0" * 99)
    assert KINDS[suffix] in refusal(tmp_path).hint


@pytest.mark.parametrize("suffix", sorted(set(KINDS) - {"gz"}))
def test_another_file_in_place_of_a_folder(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"data.{suffix}"
    path.write_bytes(b"0" * 99)
    assert KINDS[suffix] in refusal(path).hint


def test_what_there_is_most_of_decides(tmp_path: Path) -> None:
    for name in ("a.mp4", "b.mp4", "c.h5", "readme.txt"):
        (tmp_path / name).write_bytes(b"0")
    assert "frames of videos" in refusal(tmp_path).hint


def test_features_are_not_to_be_saved_as_images(tmp_path: Path) -> None:
    np.savez(tmp_path / "features.npz", pool_3=np.zeros((20, 64), np.float32))
    error = refusal(tmp_path / "features.npz")
    assert "shape [20, 64]" in error.what
    assert error.hint.startswith("Rows of features are scored by gm.functional")


def test_statistics_in_a_pickle_are_told_how_statistics_are_saved(tmp_path: Path) -> None:
    np.save(tmp_path / "stats.npy", {"mu": np.zeros(4)}, allow_pickle=True)  # type: ignore[arg-type]
    assert "np.savez(path, mu=mu, sigma=sigma)" in refusal(tmp_path / "stats.npy").hint


def test_floats_are_to_be_scaled_before_they_are_bytes(tmp_path: Path) -> None:
    np.save(tmp_path / "images.npy", np.zeros((4, 8, 8, 3), np.float32))
    assert refusal(tmp_path / "images.npy").hint == "Bring the values to 0..255, round them and save them as uint8"


@pytest.mark.parametrize(
    ("returned", "what", "hint"),
    [
        (lambda images: (images, {}), "2 images were asked for and a tuple was returned", "lambda z: generator(z)[0]"),
        (lambda images: {"sample": images}, "and a dict was returned", "one of 'sample'"),
        (lambda images: images[:1], "a tensor of shape [1, 3, 8, 8] was returned", "as many as it is asked for"),
    ],
)
def test_a_generator_that_returns_more_than_images(returned: object, what: str, hint: str) -> None:
    class Net(torch.nn.Module):
        latent_dim = 4

        def forward(self, z: torch.Tensor) -> object:
            return returned(torch.zeros(len(z), 3, 8, 8))  # type: ignore[operator]

    error = refusal(Net(), num_images=8, value_range=(-1, 1))
    assert what in error.what
    assert hint in error.hint


def test_a_fix_replaces_the_advice_to_repair(tmp_path: Path) -> None:
    for index in range(3):
        Image.new("RGBA", (8, 8), (index, 0, 0, 9)).save(tmp_path / f"{index}.png")
    assert refusal(tmp_path).hint == (
        'Paint it on a colour by `alpha="white"` or `alpha="black"`, or drop it by `alpha="drop"`'
    )
    Image.new("RGB", (8, 8)).save(tmp_path / "3.png")
    (tmp_path / "4.png").write_bytes(b"")
    assert refusal(tmp_path).hint.endswith('; Repair or remove them; `on_error="skip"` leaves them out')


def test_missing_classes_are_named(tmp_path: Path) -> None:
    for side, kinds in (("real", "cat dog"), ("fake", "cat wolf")):
        for kind in kinds.split():
            (tmp_path / side / kind).mkdir(parents=True)
            for index in range(3):
                Image.new("RGB", (8, 8), (index, 0, 0)).save(tmp_path / side / kind / f"{index}.png")
    with pytest.raises(gm.InputError, match="the classes wolf have fewer than two real images"):
        gm.evaluate(tmp_path / "real", tmp_path / "fake", metrics=["class_fid"], extractor="pixels")


def test_probabilities_are_no_logits() -> None:
    logits = torch.randn(100, 10, generator=torch.Generator().manual_seed(0)) * 4
    with pytest.raises(gm.InputError, match="logits hold probabilities"):
        gm.functional.inception_score(logits.softmax(dim=1), splits=1)
    # In half precision, with a failed image, after a subtraction and as percentages too; certain networks are none.
    shares = logits.double().softmax(dim=1)
    for odd in (shares.half(), shares.bfloat16(), shares - 1e-9, torch.cat([shares, 0 * shares[:1]]), 100 * shares):
        with pytest.raises(gm.InputError, match=r"logits hold (probabilities|percentages)"):
            gm.functional.inception_score(odd, splits=1)
    certain = torch.eye(4)[torch.arange(100) % 4]
    assert gm.functional.inception_score(100 * certain, splits=1).value == pytest.approx(4)
    as_logarithms = gm.functional.inception_score(logits.log_softmax(dim=1), splits=1)
    assert as_logarithms.value == pytest.approx(gm.functional.inception_score(logits, splits=1).value)


def test_statistics_that_count_nothing_are_not_said_to_hold_no_images(tmp_path: Path) -> None:
    np.savez(tmp_path / "stats.npz", mu=np.zeros(192), sigma=np.eye(192))
    vouched = gm.load_statistics(tmp_path / "stats.npz", assume="pytorch-fid")
    with pytest.raises(gm.InputError) as caught:
        gm.evaluate(vouched, np.zeros((5, 8, 8, 3), np.uint8), metrics=["kid"], extractor="pixels")
    assert caught.value.what == "kid needs at least 1000 images in each set; found 5 fake"
