"""Attribution: the shares of images against leaving them out, their names, and how they read."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from feature_sets import features, statistics
from PIL import Image

import ganmetrics as gm
from ganmetrics.evaluation.attribute import attributed
from ganmetrics.functional import fid
from ganmetrics.metrics import metric


@pytest.mark.parametrize("count", [10, 17, 2000])
def test_a_share_is_what_leaving_the_image_out_changes(count: int) -> None:
    """Below the number of dimensions, at it, and far above it."""
    real, fake = features(0, 2000), features(1, count, 0.3)
    if count == 2000:
        fake[5] += 2.0  # one that is away from the rest
    found = attributed(statistics(real), statistics(fake), metric("fid"), 3)
    whole = fid(real, fake)
    for index in (5, 8, count - 1):
        without = fid(real, np.delete(fake, index, axis=0))
        assert whole - without == pytest.approx(float(found.shares[index]), rel=1e-5, abs=1e-8 * whole)
    assert [each.share for each in found.raising] == sorted(found.shares.tolist(), reverse=True)[:3]
    assert [each.share for each in found.lowering] == sorted(found.shares.tolist())[:3]
    assert ("without any single image the score is higher" in str(found)) == (count == 10)
    if count == 2000:
        assert found.raising[0].index == 5
        assert found.raising[-1].share > 0 > found.lowering[-1].share


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """Reals of two classes; fakes of the same, but with one white image, and all of "dim" darker."""
    rng = np.random.default_rng(0)
    for side in ("real", "fake"):
        for name in ("dim", "plain"):
            (tmp_path / side / name).mkdir(parents=True)
            for index in range(30):
                top = 60 if side == "fake" and name == "dim" else 200
                pixels = rng.integers(0, top, (6, 6, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(tmp_path / side / name / f"{index:02d}.png")
    Image.new("RGB", (6, 6), (255, 255, 255)).save(tmp_path / "fake" / "plain" / "07.png")
    return tmp_path / "real", tmp_path / "fake"


def test_images_are_named(folders: tuple[Path, Path]) -> None:
    found = gm.attribute(*folders, extractor="pixels", num_images=4)
    assert found.raising[0].name == "plain/07.png"
    assert found.score == gm.fid(*folders, extractor="pixels")
    data = json.loads(found.to_json())
    assert data["schema"] == 3 and "classes" not in data
    assert data["raising"][0] == {"index": 37, "name": "plain/07.png", "share": found.raising[0].share}
    assert "plain/07.png" in str(found)


def test_the_text_says_in_which_direction_a_share_reads(folders: tuple[Path, Path]) -> None:
    """FID is better when it is lower, the Inception Score when it is higher; no share is the quality of an image."""
    of_fid = gm.attribute(*folders, extractor="pixels", num_images=2)
    of_is = gm.attribute(None, gm.generators.load("dcgan-mnist")(60, seed=0), metric="is(splits=2)", extractor="digits")
    title = of_fid.score.title
    assert f"that raise {title} most, which is worse ({title} less {title} without the image)" in str(of_fid)
    assert f"that lower {title} most, which is better" in str(of_fid)
    assert f"that raise {of_is.score.title} most, which is better" in str(of_is)
    for words in (str(of_fid), str(of_is)):
        assert "not how good it looks" in words and "ganmetrics diagnose" in words


def test_images_of_a_blurred_class_may_lower_fid() -> None:
    """What the text warns of: one of four kinds is drawn at its mean alone, and seems to make the score better."""
    rng = np.random.RandomState(0)
    kind, noise = np.repeat(np.arange(4), 200), rng.normal(size=(2, 800, 6))
    centres = 3 * rng.normal(size=(4, 6))
    real, fake = centres[kind] + noise
    fake[kind == 0] = 0.8 * centres[0]
    shares = attributed(statistics(real), statistics(fake), metric("fid"), 3).shares.numpy()
    assert shares[kind == 0].mean() < shares[kind != 0].mean()


def test_the_inception_score_is_attributed_too() -> None:
    images = gm.generators.load("dcgan-mnist")(300, seed=0)
    found = gm.attribute(None, images, metric="is(splits=2)", extractor="digits", num_images=2)
    assert found.raising[0].name == ""
    assert found.raising[0].share > 0 > found.lowering[0].share


def test_what_says_nothing_about_images_is_refused() -> None:
    images = torch.zeros(4, 3, 8, 8, dtype=torch.uint8)
    with pytest.raises(gm.UsageError, match="kid says nothing about single images"):
        gm.attribute(images, images, metric="kid", extractor="pixels")
    with pytest.raises(gm.UsageError, match="num_images is 0"):
        gm.attribute(images, images, num_images=0, extractor="pixels")
    moments = gm.measure(torch.randint(0, 255, (9, 3, 8, 8)).to(torch.uint8), extractor="pixels")
    with pytest.raises(gm.StatisticsError, match="no rows of the fakes"):
        gm.attribute(images, moments)
