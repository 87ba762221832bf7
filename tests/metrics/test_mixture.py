"""Modes of mixtures and of stacked digits: by hand, invariances, and what real data score."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torchvision.datasets import MNIST

import ganmetrics as gm
from ganmetrics.data.mixtures import GRID, RING, draw
from ganmetrics.errors import InputError, UsageError
from ganmetrics.metrics.mixture_modes import ModeCount, mixture_modes, stacked_modes

WITHIN_THREE = 1 - math.exp(-4.5)  # of a Gaussian in the plane
CENTERS = np.array([[0.0, 0.0], [10.0, 0.0], [0.0, 10.0], [10.0, 10.0]])


def drawn(mixture, n, seed):
    return draw(mixture, n, torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("mixture", [RING, GRID], ids=lambda mixture: mixture.name)
def test_real_draws_are_of_high_quality_as_often_as_they_must(mixture):
    n = 100_000
    found = mixture_modes(drawn(mixture, n, 0), mixture.centers, mixture.std)
    error = math.sqrt(WITHIN_THREE * (1 - WITHIN_THREE) / n)
    assert found.captured == len(mixture.centers)
    assert found.high_quality == pytest.approx(WITHIN_THREE, abs=4 * error)


@pytest.mark.parametrize("mixture", [RING, GRID], ids=lambda mixture: mixture.name)
def test_the_divergence_of_real_draws_is_its_bias(mixture):
    """2 N KL is close to chi-square with K - 1 degrees of freedom, N the samples of high quality; PacGAN's 2,500."""
    n, repeats, freedom = 2500, 40, len(mixture.centers) - 1
    found = [mixture_modes(drawn(mixture, n, seed), mixture.centers, mixture.std) for seed in range(repeats)]
    scaled = [2 * n * each.high_quality * each.reverse_kl for each in found]
    assert {each.captured for each in found} == {freedom + 1}
    assert np.mean(scaled) == pytest.approx(freedom, abs=4 * math.sqrt(2 * freedom / repeats))


def test_dropped_modes_and_noise_are_told():
    points = drawn(RING, 8000, 0)
    kept = points[points[:, 0] > 0.5]  # three of the eight modes
    noise = 2 * torch.rand(8000, 2, generator=torch.Generator().manual_seed(1)) - 1
    collapsed, scattered = (mixture_modes(x, RING.centers, RING.std) for x in (kept, noise))
    assert collapsed.captured == 3
    assert collapsed.reverse_kl == pytest.approx(math.log(8 / 3), abs=0.01)
    near_modes = (4 + 4 / 2) * math.pi * 0.03**2 / 4  # of the square's area: four discs and four halves at its edges
    assert scattered.high_quality == pytest.approx(near_modes, abs=4 * math.sqrt(near_modes / 8000))


def test_by_hand():
    points = [[0.0, 0.2], [0.0, 2.9], [0.0, 3.1], [10.0, 1.0], [5.0, 5.0]]
    found = mixture_modes(points, CENTERS, 1.0)
    assert found.captured == 2
    assert found.high_quality == pytest.approx(3 / 5)
    assert found.reverse_kl == pytest.approx(math.log(4) + 2 / 3 * math.log(2 / 3) + 1 / 3 * math.log(1 / 3))
    assert mixture_modes(points, CENTERS, 2.0).high_quality == pytest.approx(4 / 5)
    assert mixture_modes(points, CENTERS, 1.0, threshold=0.5).high_quality == pytest.approx(1 / 5)


def test_the_threshold_itself_is_outside():
    assert mixture_modes([[3.0, 0.0]], [[0.0, 0.0]], 1.0).high_quality == 0.0


def test_without_a_good_sample_the_divergence_is_undefined():
    found = mixture_modes([[5.0, 5.0], [6.0, 5.0]], CENTERS, 0.1)
    assert found[:2] == (0, 0.0)
    assert math.isnan(found.reverse_kl)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**32 - 1), st.floats(0.1, 100), st.floats(-100, 100))
def test_the_order_of_samples_and_of_modes_the_scale_and_the_place_do_not_matter(seed, scale, shift):
    rng = np.random.RandomState(seed)
    points = CENTERS[rng.randint(3, size=60)] + 1.5 * rng.randn(60, 2)
    expected = mixture_modes(points, CENTERS, 1.01)
    moved = mixture_modes(
        scale * rng.permutation(points) + shift, scale * rng.permutation(CENTERS) + shift, scale * 1.01
    )
    assert moved == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("points", "centers", "code", "where"),
    [
        (np.zeros(4), CENTERS, "E-SHAPE", "points"),
        (np.zeros((4, 3)), CENTERS, "E-SHAPE", "points"),
        (np.zeros((4, 2)), CENTERS[0], "E-SHAPE", "centers"),
        ([[0.0, math.nan]], CENTERS, "E-NOT-FINITE", "points"),
        (np.zeros((0, 2)), CENTERS, "E-SHAPE", "points"),
    ],
)
def test_points_that_cannot_be_scored_are_refused(points, centers, code, where):
    with pytest.raises(InputError) as caught:
        mixture_modes(points, centers, 1.0)
    assert (caught.value.code, caught.value.where) == (code, where)


@pytest.mark.parametrize(("std", "threshold"), [(0.0, 3.0), (-1.0, 3.0), (math.nan, 3.0), (math.inf, 3.0), (1.0, 0.0)])
def test_a_width_that_cannot_be_meant_is_refused(std, threshold):
    with pytest.raises(UsageError, match="above 0"):
        mixture_modes([[0.0, 0.0]], CENTERS, std, threshold=threshold)


def test_every_triple_once_is_uniform():
    digits = np.stack(np.meshgrid(*[np.arange(10)] * 3), axis=-1).reshape(-1, 3)
    assert stacked_modes(digits) == (1000, pytest.approx(0.0, abs=1e-14))
    assert stacked_modes(digits[digits.max(axis=1) < 5], num_classes=5) == (125, pytest.approx(0.0, abs=1e-14))
    without_nine = stacked_modes(digits[digits.max(axis=1) < 9])
    assert without_nine == (729, pytest.approx(math.log(1000 / 729)))


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**32 - 1))
def test_triples_are_counted_whatever_their_order_and_the_names_of_the_classes(seed):
    rng = np.random.RandomState(seed)
    digits = rng.randint(rng.randint(1, 11), size=(50, 3))
    shares = np.array(list(Counter(map(tuple, digits.tolist())).values())) / 50
    expected = ModeCount(len(shares), math.log(1000) + float(shares @ np.log(shares)))
    assert stacked_modes(digits) == pytest.approx(expected)
    assert stacked_modes(rng.permutation(10)[rng.permutation(digits)]) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("digits", "code"),
    [
        ([[1, 2, 10]], "E-RANGE"),
        ([[1, 2, -1]], "E-RANGE"),
        ([[1, 2, 0.5]], "E-RANGE"),
        ([[1, 2]], "E-SHAPE"),
        ([1, 2, 3], "E-SHAPE"),
        ([[1, 2, math.nan]], "E-NOT-FINITE"),
    ],
)
def test_what_are_no_digits_is_refused(digits, code):
    with pytest.raises(InputError) as caught:
        stacked_modes([[3, 3, 3][: np.shape(digits)[-1]], *digits] if np.ndim(digits) == 2 else digits)
    assert (caught.value.code, caught.value.where) == (code, "digits")
    if code == "E-RANGE":
        assert caught.value.what.endswith("in row 1")


def test_no_classes_are_refused():
    with pytest.raises(UsageError):
        stacked_modes([[0, 0, 0]], num_classes=0)


@pytest.mark.slow
def test_real_digits_reach_every_mode(data_root):
    """26,000 triples of MNIST's test digits: the bias (K - 1) / 2N = 0.0192 and three times the divergence of classes.

    Both hold for the true labels; the standard deviation is that of chi-square over 2N. The classifier errs on a few
    of a thousand digits, so its labels may change the value by a little more.
    """
    data = MNIST(str(data_root), train=False, download=True)
    extractor = gm.load_extractor("digits")
    with torch.inference_mode():
        images = data.data[:, None].expand(-1, 3, -1, -1)
        logits = [extractor.forward(extractor.prepare(x), ["logits"])["logits"] for x in images.split(500)]
    read, n = torch.cat(logits).argmax(dim=1), 26_000
    chosen = torch.randint(len(read), (n, 3), generator=torch.Generator().manual_seed(0))
    shares = torch.bincount(data.targets).double() / len(read)
    expected = 999 / (2 * n) + 3 * float(math.log(10) + (shares * shares.log()).sum())
    deviation = math.sqrt(2 * 999) / (2 * n)
    true, found = stacked_modes(data.targets[chosen]), stacked_modes(read[chosen])
    assert (true.captured, found.captured) == (1000, 1000)
    assert true.kl == pytest.approx(expected, abs=4 * deviation)
    assert found.kl == pytest.approx(true.kl, abs=0.002)
    assert 0.02 < found.kl < 0.03
