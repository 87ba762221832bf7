"""Resizing against closed forms."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from ganmetrics.extractors import load_extractor
from ganmetrics.extractors.resize import antialiased_bilinear, tf1_bilinear

RULES = [tf1_bilinear, antialiased_bilinear]


def noise(height: int, width: int) -> torch.Tensor:
    rng = np.random.default_rng(0)
    return torch.from_numpy(rng.integers(0, 256, (2, 3, height, width), dtype=np.uint8))


@pytest.mark.parametrize("rule", RULES)
def test_the_same_size_is_the_identity(rule) -> None:
    images = noise(40, 40)
    assert torch.equal(rule(images, 40), images.float())


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("size", [1, 7, 40, 299])
def test_a_constant_stays_constant(rule, size: int) -> None:
    images = torch.full((1, 3, 33, 21), 77, dtype=torch.uint8)
    assert torch.allclose(rule(images, size), torch.full((1, 3, size, size), 77.0), atol=1e-4)


def test_the_tf1_rule_is_its_formula() -> None:
    """src = dst * in / out; a plain loop over the output."""
    images, size = noise(11, 17), 23
    x = images.double()
    expected = torch.empty(2, 3, size, size, dtype=torch.float64)
    for row in range(size):
        for column in range(size):
            y, left = row * 11 / size, column * 17 / size
            y0, x0 = int(y), int(left)
            y1, x1 = min(y0 + 1, 10), min(x0 + 1, 16)
            top = x[:, :, y0, x0] * (1 - (left - x0)) + x[:, :, y0, x1] * (left - x0)
            bottom = x[:, :, y1, x0] * (1 - (left - x0)) + x[:, :, y1, x1] * (left - x0)
            expected[:, :, row, column] = top * (1 - (y - y0)) + bottom * (y - y0)
    assert torch.allclose(tf1_bilinear(images, size).double(), expected, atol=1e-3)


@pytest.mark.parametrize("shift", [0, 3])
def test_impulses_show_who_antialiases(shift: int) -> None:
    """One 255 in each 8 x 8 cell, shrunk eight times: the mean is 3.98, which sampling without a filter misses."""
    image = torch.zeros(1, 3, 2392, 2392, dtype=torch.uint8)
    image[:, :, shift::8, shift::8] = 255
    aliased, filtered = float(tf1_bilinear(image, 299).mean()), float(antialiased_bilinear(image, 299).mean())
    assert aliased == pytest.approx(255.0 if shift == 0 else 0.0)
    assert 3.9 < filtered < 4.05


def test_the_antialiased_rule_is_pillows() -> None:
    image = noise(64, 48)[:1]
    pillow = Image.fromarray(image[0].permute(1, 2, 0).numpy()).resize((28, 28), Image.Resampling.BILINEAR)
    expected = torch.from_numpy(np.array(pillow)).permute(2, 0, 1).float()
    assert float((antialiased_bilinear(image, 28)[0] - expected).abs().max()) <= 1.0  # Pillow rounds to whole levels


def test_a_network_that_is_back_at_its_own_resize_has_chosen_none(synthetic_weights: Path) -> None:
    network = load_extractor("inception@clean-bicubic", synthetic_weights)
    assert network.chosen_resize == "clean-bicubic"
    network.choose_resize("tf1-bilinear")
    assert (network.resize, network.chosen_resize) == ("tf1-bilinear", "")
    network.choose_resize("pytorch-fid-bilinear")
    assert network.chosen_resize == "pytorch-fid-bilinear"
