"""Copies that are mirrored, turned, moved or encoded anew are found as pixels, on pictures of any size and colour."""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
import pytest
import torch
from PIL import Image
from torch.nn.functional import interpolate, pad

import ganmetrics as gm
from ganmetrics.diagnosis.edited_copies import References, edited, edited_usually


def scenes(seed: int, count: int, side: int = 40) -> torch.Tensor:
    """Pictures of some coloured discs on a coloured ground, uint8 [count, 3, side, side]."""
    rng = np.random.RandomState(seed)
    down, right = np.mgrid[:side, :side] / side
    pictures = np.repeat(rng.randint(256, size=(count, 3, 1, 1)), side * side, axis=3).reshape(count, 3, side, side)
    for picture in pictures:
        for top, left, radius in zip(*rng.rand(2, 4), rng.uniform(0.08, 0.25, 4), strict=True):
            picture[:, (down - top) ** 2 + (right - left) ** 2 < radius**2] = rng.randint(256, size=(3, 1))
    return torch.from_numpy(pictures.astype(np.uint8))


def encoded(pictures: torch.Tensor) -> torch.Tensor:
    found = []
    for picture in pictures:
        stream = io.BytesIO()
        Image.fromarray(picture.permute(1, 2, 0).numpy()).save(stream, "JPEG", quality=40)
        found.append(torch.from_numpy(np.array(Image.open(stream))).permute(2, 0, 1))
    return torch.stack(found)


EDITS: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "none": lambda x: x,
    "mirrored": lambda x: x.flip(3),
    "upside down": lambda x: x.flip(2),
    "turned": lambda x: x.rot90(1, (2, 3)),
    "turned and mirrored": lambda x: x.rot90(3, (2, 3)).flip(3),
    "moved": lambda x: pad(x.float(), (2, 0, 1, 0), mode="replicate")[:, :, :-1, :-2].byte(),
    "encoded": encoded,
    "brighter": lambda x: (x.float() * 0.98 + 4).byte(),
    "larger": lambda x: interpolate(x.float(), 70, mode="bilinear").byte(),
    "other channels": lambda x: x[:, [2, 0, 1]],
}
REALS, OTHERS = scenes(0, 300), scenes(1, 300)


@pytest.mark.parametrize("name", EDITS)
def test_every_edit_is_found_at_its_real_picture(name: str) -> None:
    found = edited(list(EDITS[name](REALS[:40])), References.of(list(REALS)))
    assert float((found.ratios < 0.4).double().mean()) >= 0.9
    assert float((found.places == torch.arange(40)).double().mean()) >= 0.95


def test_other_pictures_are_no_copies() -> None:
    assert float((edited(list(OTHERS), References.of(list(REALS))).ratios < 0.4).double().mean()) <= 0.01


def test_pictures_of_several_sizes_are_compared() -> None:
    reals = [picture[:, : 30 + index % 9] for index, picture in enumerate(REALS)]
    found = edited([picture.flip(2) for picture in reals[:20]], References.of(reals))
    assert found.places.tolist() == list(range(20))
    assert float(found.ratios.max()) < 0.01


def test_pictures_of_one_kind_are_no_copies() -> None:
    """One disc in the middle of each picture, of any radius: all are near to some, and none is a copy."""
    down, right = np.mgrid[:40, :40] - 19.5
    radii = np.random.RandomState(0).uniform(4, 18, (2, 600, 1, 1))
    sides = (255 / (1 + np.exp(-2 * (radii - np.hypot(down, right))))).astype(np.uint8)
    real, fake = (torch.from_numpy(side)[:, None].expand(-1, 3, -1, -1) for side in sides)
    references = References.of(list(real))
    found, usual = edited(list(fake), references), edited_usually(list(fake), references)
    shares = [float((each.ratios < 0.4).double().mean()) for each in (found, usual)]
    assert shares[0] == pytest.approx(shares[1], abs=0.1)


def test_a_diagnosis_names_mirrored_copies_and_no_healthy_set() -> None:
    """``pixels`` does not see a mirrored picture, whatever it is a copy of."""
    real, fake = torch.cat([REALS, scenes(2, 300)]), OTHERS.clone()
    healthy = gm.diagnose(real, fake, extractor="pixels", device="cpu")["memorisation"]
    assert healthy.verdict == "ok", str(healthy)
    fake[::6] = real[:50].flip(3)
    found = gm.diagnose(real, fake, extractor="pixels", device="cpu")["memorisation"]
    assert found.verdict == "some"
    assert "mirrored, turned or shifted" in found.sentence
    assert {each.key: each.value for each in found.evidence}["edited"] == pytest.approx(50 / 300, abs=0.01)
