"""The whole evaluation: one pass, every order, every kind of side, what it refuses before a network loads."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import DataLoader, TensorDataset

import ganmetrics as gm
from ganmetrics.extractors.digits import Digits
from ganmetrics.extractors.pixels import Pixels
from ganmetrics.measurement import archive

REAL, FAKE = 0, 1


def images(count: int, seed: int, size: int = 16) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.integers(0, 200 + 20 * seed, (count, size, size, 3), dtype=np.uint8)


def write(folder: Path, array: np.ndarray, suffix: str = "png") -> Path:
    folder.mkdir(parents=True)
    for index, pixels in enumerate(array):
        Image.fromarray(pixels).save(folder / f"{index:03d}.{suffix}")
    return folder


def tensor(array: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(array).permute(0, 3, 1, 2).contiguous()


class Counting(Pixels):
    """Counts the images that reach the network."""

    def __init__(self) -> None:
        super().__init__()
        self.seen = 0

    def forward(self, inputs: torch.Tensor, layers: Any) -> dict[str, torch.Tensor]:
        self.seen += len(inputs)
        return super().forward(inputs, layers)


def forms(array: np.ndarray, root: Path) -> dict[str, Any]:
    """The same images in every form a side may have."""
    np.savez(root / "images.npz", arr_0=array)
    np.save(root / "images.npy", array)
    pixels = tensor(array)
    return {
        "folder": write(root / "folder", array),
        "text": str(root / "folder"),
        "npz": root / "images.npz",
        "npy": root / "images.npy",
        "array": array,
        "tensor": pixels,
        "dataset": TensorDataset(pixels, torch.arange(len(pixels))),
        "loader": DataLoader(TensorDataset(pixels), batch_size=7),
        "source": gm.source(pixels),
        "function": gm.source(Slices(pixels), num_images=len(pixels)),
    }


class Slices:
    """A generator that hands out given images in turn."""

    def __init__(self, pixels: torch.Tensor) -> None:
        self.pixels, self.start = pixels, 0

    def __call__(self, n: int) -> torch.Tensor:
        self.start += n
        return self.pixels[self.start - n : self.start]


def test_every_form_of_the_same_images_gives_the_same_number_and_signature(tmp_path: Path) -> None:
    real = images(40, REAL)
    results = {name: gm.fid(real, side, extractor="pixels") for name, side in forms(images(30, FAKE), tmp_path).items()}
    assert len({str(score.signature) for score in results.values()}) == 1
    values = [score.value for score in results.values()]
    assert max(values) == pytest.approx(min(values), rel=1e-12)
    assert values[0] > 0


def test_one_pass_serves_every_metric() -> None:
    network = Counting()
    gm.evaluate(images(40, REAL), images(30, FAKE), metrics=["fid", "kid(subset_size=20)"], extractor=network)
    assert network.seen == 70


def test_the_order_of_files_changes_nothing(tmp_path: Path) -> None:
    real, fake = images(40, REAL), images(30, FAKE)
    write(tmp_path / "a", fake)
    write(tmp_path / "b", fake[::-1])
    a, b = (gm.fid(real, tmp_path / name, extractor="pixels") for name in "ab")
    assert a.value == pytest.approx(b.value, rel=1e-10)
    assert str(a.signature) == str(b.signature)


@pytest.mark.parametrize("batch_size", [1, 7, 64])
@pytest.mark.parametrize("workers", [0, 2])
def test_batches_and_workers_change_nothing(batch_size: int, workers: int, tmp_path: Path) -> None:
    real, fake = write(tmp_path / "real", images(30, REAL)), write(tmp_path / "fake", images(25, FAKE))
    options: dict[str, Any] = {"metrics": ["fid", "kid(subset_size=20)"], "extractor": "pixels"}
    base = gm.evaluate(real, fake, **options)
    other = gm.evaluate(real, fake, **options, batch_size=batch_size, reading=gm.Reading(workers=workers))
    for name in ("fid", "kid"):
        assert other[name].value == pytest.approx(base[name].value, rel=1e-9)
        assert str(other[name].signature) == str(base[name].signature)


def test_moments_of_blocks_merge_to_the_whole() -> None:
    """More images than one block of 512: the streamed moments are NumPy's."""
    array = images(1300, REAL, size=8)
    got = gm.measure(array, extractor="pixels").moments
    rows = array.astype(np.float32).transpose(0, 3, 1, 2).reshape(1300, -1).astype(np.float64) / 255
    assert got is not None
    np.testing.assert_allclose(got.mean.numpy(), rows.mean(axis=0), atol=1e-6)
    np.testing.assert_allclose(got.covariance().numpy(), np.cov(rows, rowvar=False), atol=1e-8)


def test_saved_statistics_stand_for_their_images(tmp_path: Path) -> None:
    real, fake = images(40, REAL), images(30, FAKE)
    statistics = gm.measure(real, reads=("moments", "features"), extractor="pixels")
    archive.save_statistics(statistics, tmp_path / "real.npz")
    metrics = ["fid", "kid(subset_size=20)"]
    direct = gm.evaluate(real, fake, metrics=metrics, extractor="pixels")
    loaded = gm.evaluate(tmp_path / "real.npz", fake, metrics=metrics)
    both = gm.evaluate(
        tmp_path / "real.npz", gm.measure(fake, reads=("moments", "features"), extractor="pixels"), metrics=metrics
    )
    for name in ("fid", "kid"):
        assert loaded[name].value == pytest.approx(direct[name].value, rel=1e-10)
        assert both[name].value == loaded[name].value
        assert str(loaded[name].signature) == str(direct[name].signature)


def test_statistics_of_another_recipe_are_refused_before_any_image(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive.save_statistics(gm.measure(images(40, REAL), extractor="pixels"), tmp_path / "real.npz")
    monkeypatch.setattr(Digits, "forward", lambda *_: pytest.fail("an image reached the network"))
    with pytest.raises(gm.StatisticsError, match=r"network: pixels-8x8 / digits:\w+; resize: area / luma") as caught:
        gm.fid(tmp_path / "real.npz", images(30, FAKE), extractor="digits")
    assert caught.value.exit_code == 4
    with pytest.raises(gm.StatisticsError, match="different recipes"):
        gm.fid(images(30, FAKE), tmp_path / "real.npz", extractor="digits")


def test_statistics_without_features_cannot_give_a_kid(tmp_path: Path) -> None:
    archive.save_statistics(gm.measure(images(40, REAL), extractor="pixels"), tmp_path / "real.npz")
    with pytest.raises(gm.StatisticsError, match="hold no features"):
        gm.evaluate(tmp_path / "real.npz", images(30, FAKE), metrics=["kid(subset_size=20)"])


def test_statistics_on_either_side_bring_their_extractor(tmp_path: Path) -> None:
    archive.save_statistics(gm.measure(images(40, REAL), extractor="pixels"), tmp_path / "set.npz")
    as_real, as_fake = gm.fid(tmp_path / "set.npz", images(30, FAKE)), gm.fid(images(30, FAKE), tmp_path / "set.npz")
    assert as_real.value == pytest.approx(as_fake.value, rel=1e-12)
    assert as_fake.signature.network == "pixels-8x8"


def test_a_function_cannot_vouch_for_saved_statistics() -> None:
    def mean_colour(x: torch.Tensor) -> torch.Tensor:
        return x.float().mean(dim=(2, 3))

    saved = gm.measure(images(40, REAL), extractor=mean_colour)
    with pytest.raises(gm.StatisticsError, match="one and the same function"):
        gm.fid(saved, images(30, FAKE), extractor=mean_colour)


def test_choices_of_reading_stand_in_the_label_of_their_side(tmp_path: Path) -> None:
    archive.save_statistics(gm.measure(images(40, REAL), extractor="pixels"), tmp_path / "real.npz")
    score = gm.evaluate(tmp_path / "real.npz", images(30, FAKE), reading=gm.Reading(alpha="white"))["fid"]
    assert "alpha" not in score.signature.real
    assert score.signature.fake.endswith(":alpha=white")


def test_the_order_stands_in_the_signature_where_it_matters() -> None:
    real, fake = images(60, REAL), images(60, FAKE)
    metrics = ["fid", "kid(subset_size=20,num_subsets=5)"]
    one, two = (gm.evaluate(real, x, metrics=metrics, extractor="pixels") for x in (fake, fake[::-1].copy()))
    assert str(one["fid"].signature) == str(two["fid"].signature)
    assert one["kid"].value != two["kid"].value
    assert str(one["kid"].signature) != str(two["kid"].signature)
    assert "~" in one["kid"].signature.fake


def test_a_source_that_is_used_twice_leaves_the_first_result_alone(tmp_path: Path) -> None:
    source = gm.source(write(tmp_path / "fake", images(30, FAKE)))
    first = gm.evaluate(images(40, REAL), source, extractor="pixels")
    before = first.to_json()
    second = gm.evaluate(images(40, REAL), source, extractor="pixels")
    assert first.to_json() == before == second.to_json()


def test_scores_of_other_networks_are_labelled_as_their_own() -> None:
    score = gm.fid(images(40, REAL), images(30, FAKE), extractor="pixels")
    assert score.title == "FID(pixels)"
    assert score.warnings
    assert "warnings]" in str(score)


@pytest.mark.parametrize("reads", ["momments", ("features", "foo"), ()])
def test_what_is_measured_must_be_known(reads: Any) -> None:
    with pytest.raises(gm.UsageError):
        gm.measure(images(40, REAL), reads=reads, extractor="pixels")


def test_measured_sets_are_scored_without_their_images() -> None:
    real, fake = (gm.measure(images(40, s), reads="moments", extractor="pixels") for s in (REAL, FAKE))
    direct = gm.fid(images(40, REAL), images(40, FAKE), extractor="pixels")
    assert gm.score(real, fake, "fid")["fid"].value == direct.value
    with pytest.raises(gm.UsageError, match="no metric"):
        gm.score(real, fake, [])
    with pytest.raises(gm.UsageError, match="needs real images"):
        gm.score(None, fake, "fid")


def test_bundled_statistics_bring_their_extractor() -> None:
    score = gm.fid("mnist-test", images(30, FAKE))
    assert score.signature.network.startswith("digits:")
    assert score.signature.real.startswith("mnist-test#10000:")


def test_bundled_statistics_of_another_extractor_are_refused() -> None:
    with pytest.raises(gm.StatisticsError, match="exist for digits, not for pixels"):
        gm.fid("mnist-test", images(30, FAKE), extractor="pixels")


def test_a_mistyped_name_is_answered() -> None:
    with pytest.raises(gm.InputError, match="Did you mean 'mnist-test'"):
        gm.fid("mnist-tst", images(30, FAKE))


EARLY = [
    ({"metrics": []}, gm.UsageError, "no metric"),
    ({"metrics": ["fdi"]}, gm.UsageError, "Did you mean 'fid'"),
    ({"metrics": ["kid(subsets=3)"]}, gm.UsageError, "unknown option of kid"),
    ({"metrics": ["kid"]}, gm.InputError, "at least 1000 images in each set; found 40 real and 30 fake"),
    ({"metrics": ["fid", "fid"]}, gm.UsageError, "asked for twice"),
    ({"metrics": ["fid", "is"]}, gm.UsageError, "no class probabilities"),
    ({"metrics": ["kid(subset_size=0)"]}, gm.UsageError, "at least 1"),
    ({"device": "cuda:77"}, gm.UsageError, "not there"),
    ({"batch_size": 0}, gm.UsageError, "at least 1"),
]


@pytest.mark.parametrize(("options", "kind", "words"), EARLY, ids=[words for *_, words in EARLY])
def test_what_cannot_be_scored_is_refused(options: dict[str, Any], kind: type[Exception], words: str) -> None:
    with pytest.raises(kind, match=words):
        gm.evaluate(images(40, REAL), images(30, FAKE), extractor="pixels", **options)


@pytest.mark.parametrize("side", [None, np.zeros((1, 16, 16, 3), np.uint8)])
def test_too_few_images_are_refused_before_the_network_loads(side: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ganmetrics.measurement.reader.load_extractor", lambda *_: pytest.fail("a network was loaded"))
    with pytest.raises(gm.InputError):
        gm.fid(images(40, REAL), side, extractor="digits")
    with pytest.raises(gm.UsageError if side is None else gm.InputError):
        gm.fid(side, images(40, REAL), extractor="digits")


def warned(real: Any, fake: Any, **options: Any) -> str:
    return "\n".join(gm.evaluate(real, fake, extractor="pixels", **options).warnings)


def test_the_same_folder_twice_is_said(tmp_path: Path) -> None:
    folder = write(tmp_path / "images", images(30, REAL))
    (tmp_path / "link").symlink_to(folder)
    text = warned(folder, tmp_path / "link")
    assert "the same place" in text
    assert "exactly the same images" in text


def test_leaked_and_repeated_images_are_counted() -> None:
    real, fake = images(40, REAL), images(30, FAKE)
    assert "5 of 35 fake images are exact copies of real ones" in warned(real, np.concatenate([fake, real[:5]]))
    assert "fake: 4 of 34 images are exact copies" in warned(real, np.concatenate([fake, fake[:4]]))
    assert "all 30 images are identical" in warned(real, np.repeat(fake[:1], 30, axis=0))
    assert "copies" not in warned(real, fake)


def test_sizes_formats_and_small_counts_are_said(tmp_path: Path) -> None:
    real = write(tmp_path / "real", images(30, REAL, 24))
    fake = write(tmp_path / "fake", images(30, FAKE), "jpg")
    text = warned(real, fake)
    assert "real images are mostly 24x24 and fake ones 16x16" in text
    assert "fake images are JPEG and real ones are not" in text
    assert "30 real and 30 fake images for 192 dimensions: the covariance is singular" in text
    assert "FID is biased upward at 300 images" in warned(images(300, REAL), images(310, FAKE))


def test_skipped_files_mark_the_result(tmp_path: Path) -> None:
    fake = write(tmp_path / "fake", images(30, FAKE))
    (fake / "broken.png").write_bytes(b"no image")
    with pytest.raises(gm.InputError, match=r"broken\.png"):
        gm.fid(images(40, REAL), fake, extractor="pixels")
    result = gm.evaluate(images(40, REAL), fake, extractor="pixels", reading=gm.Reading(on_error="skip"))
    assert result.fake.skipped == 1
    assert result["fid"].signature.fake.endswith(":skipped=1")
    assert "1 unreadable images were left out of 31" in "\n".join(result.warnings)
    assert "broken.png" in result.to_dict()["fake"]["skipped"]["first"][0]


def test_a_result_prints_saves_and_indexes(tmp_path: Path) -> None:
    result = gm.evaluate(images(40, REAL), images(30, FAKE), metrics=["fid", "kid(subset_size=20)"], extractor="pixels")
    assert "lower is better" in str(result)
    assert str(result["fid"].signature) in str(result)
    assert float(result["fid"]) == result["fid"].value
    result.save(tmp_path / "result.json")
    data = json.loads((tmp_path / "result.json").read_text())
    assert data["schema"] == 2
    assert data["scores"]["fid"]["value"] == result["fid"].value
    assert gm.Signature.parse(data["scores"]["kid"]["signature"]) == result["kid"].signature
    assert data["real"]["count"] == 40
    with pytest.raises(gm.UsageError, match="exists already"):
        result.save(tmp_path / "result.json")
    with pytest.raises(KeyError, match="Did you mean 'fid'"):
        result["fidd"]


def test_a_seed_is_in_the_signature_and_matters() -> None:
    real, fake = images(60, REAL), images(60, FAKE)
    one, two, again = (
        gm.evaluate(real, fake, metrics=["kid(subset_size=20,num_subsets=5)"], extractor="pixels", seed=seed)["kid"]
        for seed in (1, 2, 1)
    )
    assert "seed=1" in one.signature.metric
    assert one.value == again.value != two.value


def test_real_and_fake_are_not_exchanged() -> None:
    result = gm.evaluate(images(40, REAL), images(30, FAKE), extractor="pixels")
    assert (result["fid"].signature.real[:3], result["fid"].signature.fake[:3]) == ("#40", "#30")
