"""The demonstration: the whole job on what the package brings along."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import ganmetrics as gm
from ganmetrics.demo import run
from ganmetrics.reporting.contact_sheet import contact_sheet


def test_the_demo_writes_scores_and_shows(tmp_path: Path) -> None:
    demo = run(str(tmp_path / "demo"), num_images=300, seed=0, force=False, progress=False)
    files = sorted((tmp_path / "demo" / "fake").iterdir())
    assert [file.name for file in files[:2]] == ["00000.png", "00001.png"]
    assert len(files) == 300
    with Image.open(files[0]) as first:
        assert first.size == (28, 28)
    with Image.open(tmp_path / "demo" / "contact-sheet.png") as sheet:
        assert sheet.size == (582, 582)
        assert np.asarray(sheet).std() > 20
    assert list(demo.result.scores) == ["fid", "is", "kid"]
    assert demo.result["fid"].title == "FID(digits)"
    again = gm.fid("mnist-test", tmp_path / "demo" / "fake")
    assert again.value == pytest.approx(demo.result["fid"].value, rel=1e-6)


@pytest.mark.slow
def test_a_second_demo_keeps_what_the_first_wrote_unless_forced(tmp_path: Path) -> None:
    run(str(tmp_path), num_images=120, seed=0, force=False, progress=False)
    (tmp_path / "fake" / "mine.txt").write_text("mine")
    with pytest.raises(gm.UsageError, match="not empty"):
        run(str(tmp_path), num_images=100, seed=1, force=False, progress=False)
    run(str(tmp_path), num_images=100, seed=1, force=True, progress=False)
    assert len(list((tmp_path / "fake").glob("*.png"))) == 100
    assert (tmp_path / "fake" / "mine.txt").exists()


@pytest.mark.slow
def test_the_bundled_dcgan_draws_digits() -> None:
    """Every class is drawn; the scores of 2,000 images are those of the run that bundled it, seed 0, on the CPU."""
    sampler = gm.generators.load("dcgan-mnist")
    images = sampler(2000, seed=0)
    assert (images.dtype, tuple(images.shape)) == (torch.uint8, (2000, 3, 28, 28))
    assert torch.equal(images[:300], sampler(300, seed=0))
    assert not torch.equal(images[:300], sampler(300, seed=1))
    result = gm.evaluate("mnist-test", images, metrics=["fid", "is", "kid"])
    assert result["fid"].value == pytest.approx(9.7216, rel=1e-3)
    assert result["is"].value == pytest.approx(6.3570, rel=1e-3)
    assert result["kid"].value == pytest.approx(0.5567, rel=1e-3)


def test_generators_answer_typing_errors() -> None:
    with pytest.raises(gm.UsageError, match="Did you mean 'dcgan-mnist'"):
        gm.generators.load("dcgan-mnits")
    with pytest.raises(gm.UsageError, match="at least 1"):
        gm.generators.load("dcgan-mnist")(0)


def test_a_contact_sheet_places_its_tiles() -> None:
    images = torch.zeros(3, 3, 2, 2, dtype=torch.uint8)
    images[1], images[2] = 100, 200
    pixels = np.asarray(contact_sheet(images, 2))
    assert pixels.shape == (10, 10, 3)
    assert (pixels[2, 2, 0], pixels[2, 6, 0], pixels[6, 2, 0]) == (0, 100, 200)
    assert (pixels[0, 0, 0], pixels[6, 6, 0]) == (64, 64)
