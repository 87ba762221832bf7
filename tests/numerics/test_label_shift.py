"""Shares of classes by likelihood: exact where classes are told, unbiased where they are confused."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ganmetrics.numerics.label_shift import class_shares, confusion_variance, share_distance

EVEN = (0.25, 0.25, 0.25, 0.25)
NARROW = (0.6, 0.4, 0.0, 0.0)


def probabilities(seed: int, count: int, shares: tuple[float, ...], width: float) -> torch.Tensor:
    """Probabilities, under even shares, of four classes whose images lie about 0, 1, 2 and 3 on a line."""
    rng = np.random.RandomState(seed)
    places = rng.choice(4, count, p=shares) + width * rng.randn(count)
    return torch.from_numpy(-((places[:, None] - np.arange(4)) ** 2) / (2 * width**2)).softmax(dim=1)


def test_classes_that_are_told_without_error_are_counted() -> None:
    certain = torch.eye(3, dtype=torch.float64)[torch.tensor([0, 0, 0, 2])]
    assert class_shares(certain).tolist() == pytest.approx([0.75, 0, 0.25])
    assert confusion_variance(certain).tolist() == pytest.approx([0, 0, 0])


def test_the_distance_of_certain_classes_is_chi_square() -> None:
    eye = torch.eye(3, dtype=torch.float64)
    real, fake = eye[torch.arange(3000) % 3], eye[torch.arange(2000) % 2]
    distance, error = share_distance(real, fake)
    by_chance = 2 * (1 / 3000 + 1 / 2000)
    assert distance == pytest.approx(1 / 3 + 2 * (1 / 6) ** 2 * 3 - by_chance, rel=2e-3)
    assert 0 < error < 0.05


@pytest.mark.parametrize("width", [0.1, 0.6])
def test_missing_classes_are_missing_though_images_are_taken_for_them(width: float) -> None:
    fake = probabilities(0, 4000, NARROW, width)
    counted = torch.bincount(fake.argmax(dim=1), minlength=4) / 4000
    shares = class_shares(fake)
    assert shares.tolist() == pytest.approx(NARROW, abs=0.05)
    assert width == 0.1 or float(counted[2]) > 0.05


@pytest.mark.parametrize("width", [0.1, 0.6])
def test_errors_are_those_of_repeated_draws(width: float) -> None:
    """Shares of one distribution stray as far as confusion says."""
    found = torch.stack([class_shares(probabilities(seed, 300, EVEN, width)) for seed in range(200)])
    variance = (0.25 * 0.75 + confusion_variance(probabilities(999, 20_000, EVEN, width))) / 300
    assert (found.var(dim=0) / variance).tolist() == pytest.approx([1] * 4, rel=0.35)
    assert found.mean(dim=0).tolist() == pytest.approx(EVEN, abs=0.01)


def test_sets_of_one_distribution_have_no_distance() -> None:
    draws = [
        share_distance(probabilities(2 * seed, 500, EVEN, 0.6), probabilities(2 * seed + 1, 250, EVEN, 0.6))
        for seed in range(200)
    ]
    values, errors = np.array(draws).T
    assert abs(values.mean()) < 3 * values.std() / 200**0.5
    assert values.std() < errors.mean() < 2.5 * values.std()
    assert np.mean(values > 1.96 * errors) <= 0.01


def test_sets_of_other_shares_have() -> None:
    distance, error = share_distance(probabilities(0, 500, EVEN, 0.6), probabilities(1, 250, NARROW, 0.6))
    assert distance - 1.96 * error > 0.2


def test_probabilities_that_tell_nothing_have_no_distance() -> None:
    same = torch.full((50, 4), 0.25, dtype=torch.float64)
    assert share_distance(same, same) == (0.0, 0.0)
