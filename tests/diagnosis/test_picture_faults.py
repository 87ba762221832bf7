"""Faults of the pictures themselves are found first, and what follows from them says so."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch.nn.functional import interpolate, pad

import ganmetrics as gm


def textures(seed: int, count: int) -> torch.Tensor:
    """Coloured noise of a 1/f spectrum between two colours, uint8 [count, 3, 32, 32]."""
    rng = torch.Generator().manual_seed(seed)
    radius = torch.fft.fftfreq(32)[:, None].square() + torch.fft.fftfreq(32).square()
    noise = torch.fft.fft2(torch.randn(count, 1, 32, 32, generator=rng)) / (radius.sqrt() + 1 / 32)
    field = torch.fft.ifft2(noise).real
    field = ((field - field.mean((2, 3), keepdim=True)) / field.std((2, 3), keepdim=True) * 0.25 + 0.5).clamp(0, 1)
    colours = torch.rand(2, count, 3, 1, 1, generator=rng)
    return (255 * (colours[0] * field + colours[1] * (1 - field))).round().to(torch.uint8)


REAL, FAKE = textures(0, 600), textures(1, 600)
SMALL = [interpolate(FAKE.float(), 16, mode="area"), pad(FAKE[:, :, 4:-4].float(), (0, 0, 4, 4))]
FAULTS: dict[str, tuple[Callable[[], torch.Tensor], str]] = {
    "in 0..1": (lambda: (FAKE.float() / 255).round(), "no level above 1"),
    "narrow": (lambda: FAKE.float() * 0.5 + 64, "pixel values of generated images span"),
    "brighter by 40": (lambda: FAKE.float() + 40, "pixel values of generated images span"),
    "contrast": (lambda: (FAKE.float() - 128) * 3 + 128, "they were clipped"),
    "enlarged": (lambda: interpolate(SMALL[0], 32, mode="bilinear"), "they look enlarged or blurred"),
    "letterbox": (lambda: SMALL[1], "they look padded"),
    "frames": (lambda: FAKE[:100].repeat_interleave(6, 0) + torch.arange(600)[:, None, None, None] % 6, "of a video"),
}
QUICK = ("in 0..1", "narrow", "enlarged", "frames")


@pytest.mark.parametrize(
    "name", [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in FAULTS]
)
def test_a_fault_of_the_pictures_comes_first(name: str) -> None:
    make, said = FAULTS[name]
    found = gm.diagnose(REAL, make().clamp(0, 255).to(torch.uint8), extractor="pixels", device="cpu")
    trouble = found["input trouble"]
    assert trouble.is_fault and said in trouble.sentence
    # Brighter and paler pictures are like other real ones in these features: the range may be a kind's own.
    assert trouble.is_cause == (name not in ("brighter by 40", "narrow"))
    assert found.findings[0] is trouble or not trouble.is_cause
    for each in found.findings:
        follows = each.is_fault and trouble.is_cause and each is not trouble
        assert each.sentence.endswith("This may follow from the input trouble") == follows


def test_the_range_of_a_missing_kind_is_no_cause() -> None:
    """Dark and light pictures, of which the dark ones alone are drawn: the collapse comes first."""
    rng = np.random.RandomState(0)
    real, fake = (rng.randint(10, 110, (count, 8, 8, 3)).astype(np.uint8) for count in (600, 500))
    real[::2] += 140
    fake[0] += 140
    found = gm.diagnose(real, fake, labels=[index % 2 for index in range(600)], extractor="pixels", device="cpu")
    assert (found.findings[0].name, found.findings[0].verdict) == ("mode collapse", "severe")
    trouble = found["input trouble"]
    assert "pixel values of generated images span" in trouble.sentence and not trouble.is_cause


def test_healthy_pictures_are_not_accused() -> None:
    found = gm.diagnose(REAL, FAKE, extractor="pixels", device="cpu")["input trouble"]
    assert (found.verdict, found.is_cause) == ("ok", False)


def test_what_both_sides_share_is_no_fault() -> None:
    sides = [pad(images[:, :, 4:-4].float(), (0, 0, 4, 4)).to(torch.uint8) for images in (REAL, FAKE)]
    assert gm.diagnose(*sides, extractor="pixels", device="cpu")["input trouble"].verdict == "ok"


def test_few_images_cause_nothing() -> None:
    black = np.zeros((60, 8, 8, 3), np.uint8)
    found = gm.diagnose(np.arange(60 * 192, dtype=np.uint8).reshape(60, 8, 8, 3), black, extractor="pixels")
    assert found["input trouble"].is_cause, "pictures of one colour"
    found = gm.diagnose(REAL[:100], FAKE[:100], extractor="pixels", device="cpu")["input trouble"]
    assert (found.verdict, found.is_cause) == ("some", False)
