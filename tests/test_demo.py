"""The demonstration: the whole job on what the package brings along."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import ganmetrics as gm
from ganmetrics.demo import run
from ganmetrics.demo.shapes import KINDS, shapes
from ganmetrics.reporting.contact_sheet import contact_sheet


@pytest.mark.slow
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
    with Image.open(tmp_path / "demo" / "shapes-fake.png") as sheet:
        pixels = np.asarray(sheet).astype(int)
        assert np.abs(pixels[..., 0] - pixels[..., 2]).mean() > 10, "the shapes are coloured"
    assert [len(list((tmp_path / "demo" / side).iterdir())) for side in ("shapes-real", "shapes-fake")] == [600, 600]
    assert demo.shapes.result["fid"].title == "FID(colour)"
    assert demo.shapes.result["fid"].value > 3 * demo.shapes.healthy["fid"].value
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
def test_six_shapes_of_which_two_are_drawn_are_a_severe_mode_collapse_in_colour_alone(tmp_path: Path) -> None:
    """The case of a new user offline: no labels, no download, and networks that are blind to it say so."""
    every, two = sorted(KINDS), ("disc", "triangle")
    real, good = (shapes([every[i % 6] for i in range(600)], seed=seed) for seed in (0, 2))
    fake = shapes([two[i % 2] for i in range(600)], seed=1)
    quiet = gm.Reading(progress=False)
    found = gm.diagnose(real, fake, extractor="colour", reading=quiet)
    assert found["mode collapse"].verdict == "severe"
    assert found["low quality"].verdict == "ok"
    found.save_html(tmp_path / "report.html")
    assert "Real images with too few generated counterparts" in (tmp_path / "report.html").read_text()
    assert gm.diagnose(real, good, extractor="colour", reading=quiet).verdict == "ok"
    for blind in ("pixels", "digits"):
        finding = gm.diagnose(real, fake, extractor=blind, reading=quiet)["mode collapse"]
        assert finding.verdict == "cannot tell"
        assert blind in finding.sentence and any("colour" in advice for advice in finding.advice)


def test_shapes_are_seeded() -> None:
    images = shapes(["ring", "star"], seed=3)
    assert (images.dtype, tuple(images.shape)) == (torch.uint8, (2, 3, 64, 64))
    assert torch.equal(images, shapes(["ring", "star"], seed=3))
    assert not torch.equal(images, shapes(["ring", "star"], seed=4))


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
