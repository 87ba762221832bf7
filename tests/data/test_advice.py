"""What a message advises fits what was found."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import ganmetrics as gm

KINDS = {  # suffix: words of the advice
    "mp4": "Score the frames of videos by a pattern",
    "mdb": "Name the folder that holds the data.mdb",
    "tfrecords": "Convert TFRecords to a zip by dataset_tool.py",
    "tfrecord-00000-of-00010": "Convert TFRecords to a zip by dataset_tool.py",
    "parquet": "by a pattern in quotes",
    "h5": "Name one file, and behind a colon its data set",
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


# Files of these kinds, and folders with such a file, are sets of images.
READ = {"mp4", "parquet", "h5"}


@pytest.mark.parametrize("suffix", sorted(set(KINDS) - {"mdb"}))
def test_a_folder_of_other_files(tmp_path: Path, suffix: str) -> None:
    (tmp_path / f"data.{suffix}").write_bytes(b"0" * 99)
    assert KINDS[suffix] in refusal(tmp_path).hint


@pytest.mark.parametrize("suffix", sorted(set(KINDS) - {"gz", *READ}))
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
    assert error.hint.startswith("Rows of features are scored as gm.features(rows, name=")


def test_statistics_in_a_pickle_are_told_how_statistics_are_saved(tmp_path: Path) -> None:
    np.save(tmp_path / "stats.npy", {"mu": np.zeros(4)}, allow_pickle=True)  # type: ignore[arg-type]
    assert "np.savez(path, mu=mu, sigma=sigma)" in refusal(tmp_path / "stats.npy").hint


def test_floats_need_their_range(tmp_path: Path) -> None:
    np.save(tmp_path / "images.npy", np.zeros((4, 8, 8, 3), np.float32))
    assert refusal(tmp_path / "images.npy").hint.startswith("State what black and white are, as by `value_range=(-1")
    assert int(next(gm.source(tmp_path / "images.npy", value_range=(-1, 1)).batches()).max()) == 128


OTHER_ARRAYS: dict[str, tuple[np.ndarray, str]] = {
    "pooled features": (np.zeros((6, 2048, 1, 1), np.float32), "Pooled features are features.reshape(6, 2048). Rows"),
    "maps of features": (np.zeros((6, 7, 8, 8), np.float16), "Maps of features are averaged to rows"),
    "features of tokens": (np.zeros((6, 4, 64)), "Features of tokens are averaged to rows, features.mean(1)"),
    "latents": (np.zeros((6, 4, 32, 32), np.float32), "Latents are decoded to images first"),
    "latents of more channels": (np.zeros((6, 16, 32, 32), np.float32), "Latents are decoded to images first"),
    "paths": (np.array(["a.png", "b.png"]), "Paths of images are given as a list"),
    "encoded images": (np.array([b"a", b"b"]), "decode encoded images"),
    "dates": (np.zeros((6, 8, 8, 3), "M8[s]"), "Dates and durations are no pixel values"),
    "bytes of three": (np.zeros((6, 8, 8), "V3"), "images.view(np.uint8).reshape(*images.shape, 3)"),
    "records": (np.zeros((6, 8), [("a", "f4"), ("b", "f4")]), "An array of records is no array of images"),
}


@pytest.mark.parametrize("case", OTHER_ARRAYS)
def test_what_is_no_image_has_advice_of_its_own(case: str, tmp_path: Path) -> None:
    array, words = OTHER_ARRAYS[case]
    np.savez(tmp_path / "x.npz", array)
    for value in (tmp_path / "x.npz", array):
        error = refusal(value, **({} if isinstance(value, Path) else {"value_range": (0, 1)}))
        assert words in error.hint
        assert "0..255" not in error.hint
    if "features" in case:
        assert "gm.features(rows" in error.hint


def test_the_advice_for_three_bytes_a_pixel_is_right() -> None:
    images = np.random.default_rng(0).integers(0, 256, (6, 8, 8, 3), np.uint8)
    packed = images.copy().view([("r", "u1"), ("g", "u1"), ("b", "u1")]).reshape(6, 8, 8)
    assert np.array_equal(packed.view(np.uint8).reshape(*packed.shape, 3), images)


@pytest.mark.parametrize(
    ("dtype", "words"),
    [("int8", "(images.astype(np.int16) + 128).astype(np.uint8)"), ("bool", "* 255"), ("int64", "run from 0 to 255")],
)
def test_images_of_other_whole_numbers(dtype: str, words: str, tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.zeros((4, 8, 8, 3), dtype))
    assert words in refusal(tmp_path / "x.npy").hint
    assert words in refusal(np.zeros((4, 8, 8, 3), dtype)).hint


def test_a_second_array_of_images_is_told(tmp_path: Path) -> None:
    images = np.zeros((4, 8, 8, 3), np.uint8)
    np.savez(tmp_path / "x.npz", images, images)
    found = gm.measure(tmp_path / "x.npz", extractor="pixels")
    assert (
        "the file's array arr_1 holds images too, which were left out; those of arr_0 are scored"
        in found.notes.warnings
    )
    np.savez(tmp_path / "y.npz", images, np.arange(4))
    assert gm.measure(tmp_path / "y.npz", extractor="pixels").notes.warnings == []


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
