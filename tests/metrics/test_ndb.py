"""NDB: by hand, by loops, its level, and the authors' MNIST table."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import jensenshannon
from scipy.stats import norm
from torchvision.datasets import MNIST

from ganmetrics.errors import InputError, UsageError
from ganmetrics.metrics.ndb import bin_counts, compared, ndb
from ganmetrics.numerics.clusters import kmeans


def drawn(count, seed=0, shift=0.0, dim=6):
    return np.random.RandomState(seed).randn(count, dim) + shift


TEN_POINTS = np.repeat(np.arange(10.0)[:, None], 50, axis=0)
ONE_POINT = np.zeros((500, 1))


def test_fakes_in_one_of_ten_bins_by_hand():
    """p is a tenth everywhere, q is 1 in one bin: JSD = H(m) - H(p) / 2 with m = (p + q) / 2."""
    found = ndb(TEN_POINTS, ONE_POINT, num_bins=10)
    mixed = 0.55 * math.log(1 / 0.55) + 9 * 0.05 * math.log(1 / 0.05)
    assert found.ndb == 10
    assert found.ndb_jsd == pytest.approx(mixed - math.log(10) / 2)
    assert sorted(found.real_counts.tolist()) == [50] * 10
    assert sorted(found.fake_counts.tolist()) == [0] * 9 + [500]
    pooled = 550 / 1000
    largest = (0.1 - 1.0) / math.sqrt(pooled * (1 - pooled) * 2 / 500)
    assert sorted(found.z.tolist())[0] == pytest.approx(largest)
    assert sum(found.z > 0) == 9


def test_real_and_fake_cannot_be_exchanged():
    """The bins are those of the reals: of one point there is one bin, and whatever the fakes are, they fall in it."""
    assert ndb(TEN_POINTS, ONE_POINT, num_bins=10).ndb == 10
    assert ndb(ONE_POINT, TEN_POINTS, num_bins=10).ndb == 0


def by_loops(real, fake, num_bins, alpha, seed):
    """The paper's procedure in NumPy and SciPy, given the bins."""
    centers = kmeans(torch.from_numpy(real), num_bins, np.random.RandomState(seed)).numpy()
    r, f = (
        np.bincount([np.linalg.norm(centers - x, axis=1).argmin() for x in side], minlength=num_bins)
        for side in (real, fake)
    )
    count = 0
    for a, b in zip(r, f, strict=True):
        pooled = (a + b) / (len(real) + len(fake))
        error = math.sqrt(pooled * (1 - pooled) * (1 / len(real) + 1 / len(fake)))
        count += 2 * norm.sf(abs(a / len(real) - b / len(fake)) / error) < alpha
    return count, jensenshannon(r / len(real), f / len(fake)) ** 2


@pytest.mark.parametrize("shift", [0.0, 0.3, 3.0])
@pytest.mark.parametrize(("num_bins", "alpha", "seed"), [(5, 0.05, 1), (20, 0.05, 2), (20, 0.3, 2020)])
def test_equals_the_loop(shift, num_bins, alpha, seed):
    real, fake = drawn(150, seed=1), drawn(100, seed=2, shift=shift)
    found = ndb(real, fake, num_bins=num_bins, alpha=alpha, seed=seed)
    count, divergence = by_loops(real, fake, num_bins, alpha, seed)
    assert found.ndb == count
    assert found.ndb_jsd == pytest.approx(divergence, rel=1e-9)


def test_equal_sets_do_not_differ():
    x = drawn(300)
    assert ndb(x, x, num_bins=30).ndb == 0
    assert ndb(x, x, num_bins=30).ndb_jsd == pytest.approx(0.0, abs=1e-15)


def test_the_level_and_the_bias_of_equal_distributions():
    """Of 100 even bins alpha * 100 differ by chance, and the divergence is (K - 1)(1 / N + 1 / M) / 8."""
    rng, repeats, n, m = np.random.RandomState(0), 150, 45_000, 10_000
    real, fake = (torch.from_numpy(rng.multinomial(size, [0.01] * 100, repeats)) for size in (n, m))
    found = [compared(r, f, 0.05) for r, f in zip(real, fake, strict=True)]
    counts, divergences = [each.ndb for each in found], [each.ndb_jsd for each in found]
    assert np.mean(counts) == pytest.approx(5.0, abs=4 * np.std(counts) / math.sqrt(repeats))
    assert np.mean(divergences) == pytest.approx(99 * (1 / n + 1 / m) / 8, rel=0.02)


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 300), st.integers(0, 300)), min_size=2, max_size=20),
    st.randoms(use_true_random=False),
)
def test_the_order_of_bins_does_not_matter(pairs, random):
    real, fake = torch.tensor([(1, 1), *pairs]).T
    order = random.sample(range(len(real)), len(real))
    first, second = compared(real, fake, 0.05), compared(real[order], fake[order], 0.05)
    assert first.ndb == second.ndb
    assert first.ndb_jsd == pytest.approx(second.ndb_jsd, abs=1e-12)
    assert 0 <= first.ndb <= len(real)
    assert -1e-12 <= first.ndb_jsd <= math.log(2) + 1e-12


def test_a_bin_at_the_level_itself_does_not_differ():
    real, fake = torch.tensor([30, 70]), torch.tensor([50, 50])
    level = float(torch.special.erfc(compared(real, fake, 0.5).z.abs() / 2**0.5)[0])
    assert compared(real, fake, level).ndb == 0
    assert compared(real, fake, 1.0001 * level).ndb == 2


def test_a_stricter_level_finds_fewer_bins():
    real, fake = drawn(2000, seed=1), drawn(2000, seed=2, shift=0.15)
    values = [ndb(real, fake, num_bins=50, alpha=alpha).ndb for alpha in (0.5, 0.05, 0.0027, 1e-9)]
    assert values == sorted(values, reverse=True)
    assert values[0] > values[-1]


@pytest.mark.parametrize(("counts", "smaller"), [((9, 20), 9), ((20, 9), 9), ((8, 9), 8)])
def test_sets_smaller_than_the_number_of_bins_are_refused(counts, smaller):
    with pytest.raises(InputError) as caught:
        ndb(*(drawn(n) for n in counts), num_bins=10)
    assert caught.value.code == "E-TOO-FEW"
    assert f"{counts[0]} real and {counts[1]} fake" in caught.value.what
    assert f"`ndb(num_bins={smaller})` " in caught.value.hint


@pytest.mark.parametrize(
    "options", [{"num_bins": 1}, {"num_bins": 0}, {"alpha": 0.0}, {"alpha": 1.0}, {"alpha": math.nan}]
)
def test_impossible_options_are_refused(options):
    with pytest.raises(UsageError) as caught:
        ndb(drawn(20), drawn(20), **{"num_bins": 5, **options})
    assert caught.value.where == "ndb"


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_the_authors_mnist_table(data_root):
    """Pixels / 255 and 100 bins of 45,000 training images, at |z| > 3: the README of eitanrich/gans-n-gmms.

    It prints NDB 0 and JS 0.0014 for held-out training images, 4 and 0.0041 for the test set, 11 and 0.016 for the
    held-out images without the nines. The split is random there too: the order of MNIST's training set is not. Over
    three splits and seeds, this code gave 0 and 0.0012 to 0.0016, 3 to 8 and 0.0039 to 0.0044, 10 to 13 and 0.0127 to
    0.0157.
    """
    train, test = (MNIST(str(data_root), train=part, download=True) for part in (True, False))
    order = torch.from_numpy(np.random.RandomState(0).permutation(60_000))
    pixels, is_nine = train.data.flatten(1)[order].double() / 255, train.targets[order][50_000:] == 9
    real, held_out = pixels[:45_000], pixels[50_000:]
    centers = kmeans(real, 100, np.random.RandomState(2020))
    in_real, in_held_out = bin_counts(real, centers), bin_counts(held_out, centers)
    in_test = bin_counts(test.data.flatten(1).double() / 255, centers)
    nines = bin_counts(held_out[is_nine], centers)
    same, other_writers, without_nines = (
        compared(in_real, fakes, 0.0027) for fakes in (in_held_out, in_test, in_held_out - nines)
    )
    assert same.ndb <= 1
    assert 2 <= other_writers.ndb <= 10
    assert 8 <= without_nines.ndb <= 15
    assert same.ndb_jsd == pytest.approx(0.0014, abs=0.0003)
    assert other_writers.ndb_jsd == pytest.approx(0.0041, abs=0.0006)
    assert without_nines.ndb_jsd == pytest.approx(0.016, abs=0.004)
    of_nines = nines > in_held_out / 2
    assert int(of_nines.sum()) >= 4
    assert bool((without_nines.z[of_nines] > 3).all())
