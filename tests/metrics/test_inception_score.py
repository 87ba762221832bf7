"""The Inception Score: closed forms, bounds, splits, and torch-fidelity's numbers."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ganmetrics.errors import InputError, UsageError
from ganmetrics.functional import inception_score

CERTAIN = 1000.0  # a logit that leaves the other classes exp(-1000), which is 0 in float64


def one_hot(classes, count):
    """Certain logits, sorted by class."""
    return CERTAIN * np.eye(classes)[np.arange(count) * classes // count]


def drawn(count, classes, seed=0, scale=1.0):
    return scale * np.random.RandomState(seed).randn(count, classes)


@pytest.mark.parametrize("splits", [1, 3, 10])
@pytest.mark.parametrize("classes", [1, 2, 1008])
def test_images_that_all_look_alike_score_one(classes, splits):
    score = inception_score(np.tile(drawn(1, classes), (40, 1)), splits=splits)
    assert score.value == pytest.approx(1.0, abs=1e-12)
    assert score.std == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize("classes", [2, 10, 100])
def test_certain_and_even_classes_score_their_number(classes):
    assert inception_score(one_hot(classes, 10 * classes), splits=1).value == pytest.approx(classes, rel=1e-12)


def test_classes_that_never_occur_do_not_count():
    logits = np.pad(one_hot(4, 40), ((0, 0), (0, 96)), constant_values=-CERTAIN)
    assert inception_score(logits, splits=1).value == pytest.approx(4.0, rel=1e-12)


@settings(deadline=None, max_examples=60)
@given(
    st.integers(1, 100),
    st.integers(1, 30),
    st.sampled_from([1e-3, 1.0, 30.0, 1e3]),
    st.integers(1, 10),
    st.integers(0, 999),
)
def test_between_one_and_the_number_of_classes_and_of_images(count, classes, scale, splits, seed):
    splits = min(splits, count)
    score = inception_score(drawn(count, classes, seed, scale), splits=splits)
    largest_split = -(-count // splits)
    assert 1 - 1e-12 <= score.value <= min(classes, largest_split) * (1 + 1e-12)
    assert score.std >= 0.0


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize(("splits", "seed"), [(1, 2020), (10, 2020), (7, 0), (10, 1)])
@pytest.mark.parametrize("scale", [1e-2, 1.0, 20.0])
def test_equals_torch_fidelity(splits, seed, scale, dtype):
    peer = pytest.importorskip("torch_fidelity.metric_isc")
    logits = torch.from_numpy(drawn(333, 50, seed=4, scale=scale)).to(dtype)
    expected = peer.isc_features_to_metric(logits, splits=splits, shuffle=True, rng_seed=seed)
    found = inception_score(logits, splits=splits, seed=seed)
    assert found.value == pytest.approx(expected[peer.KEY_METRIC_ISC_MEAN], rel=1e-12)
    assert found.std == pytest.approx(expected[peer.KEY_METRIC_ISC_STD], rel=1e-9, abs=1e-12)


def test_images_sorted_by_class_are_shuffled_before_splitting():
    """Unshuffled, each of the ten splits would hold one class and score 1."""
    score = inception_score(one_hot(10, 1000), splits=10)
    assert 8.5 < score.value < 10.0


def test_the_spread_is_over_the_splits_with_the_n_denominator():
    logits = drawn(30, 5, seed=3, scale=4.0)
    shuffled = logits[np.random.RandomState(11).permutation(30)]
    parts = [inception_score(part, splits=1).value for part in np.split(shuffled, 3)]
    found = inception_score(logits, splits=3, seed=11)
    assert found.value == pytest.approx(np.mean(parts), rel=1e-12)
    assert found.std == pytest.approx(np.std(parts, ddof=0), rel=1e-9)


def test_one_split_does_not_depend_on_the_order():
    logits = drawn(50, 8, scale=3.0)
    assert inception_score(logits[::-1].copy(), splits=1).value == pytest.approx(
        inception_score(logits, splits=1).value, rel=1e-12
    )


def test_only_differences_of_logits_count():
    logits = drawn(50, 8, scale=3.0)
    shifts = 100.0 * np.random.RandomState(0).randn(50, 1)
    assert inception_score(logits + shifts).value == pytest.approx(inception_score(logits).value, rel=1e-11)


def test_huge_logits_do_not_overflow():
    logits = np.array([[1e308, -1e308], [-1e308, 1e308]])
    assert inception_score(logits, splits=1).value == pytest.approx(2.0, rel=1e-12)


@pytest.mark.parametrize("value", [-np.inf, np.inf, np.nan])
def test_logits_that_are_not_finite_are_refused_with_their_row(value):
    logits = drawn(20, 3)
    logits[7, 1] = value
    with pytest.raises(InputError, match="first in row 7") as caught:
        inception_score(logits)
    assert caught.value.code == "E-NOT-FINITE"


def test_fewer_images_than_splits_are_refused():
    with pytest.raises(InputError, match="9 images cannot be cut into 10 splits") as caught:
        inception_score(drawn(9, 3))
    assert caught.value.code == "E-TOO-FEW"
    assert inception_score(drawn(10, 3)).value == pytest.approx(1.0)


@pytest.mark.parametrize("splits", [0, -1])
def test_no_splits_are_refused(splits):
    with pytest.raises(UsageError, match="at least 1"):
        inception_score(drawn(20, 3), splits=splits)


def test_golden_number():
    """As torch-fidelity 0.4.0 gives: isc_features_to_metric with 10 splits and its seed of 2020."""
    found = inception_score(3.0 * np.random.RandomState(2020).randn(500, 10))
    assert found.value == pytest.approx(3.707122617156883, rel=1e-12)
    assert found.std == pytest.approx(0.2332282430096872, rel=1e-10)
