"""The squared Fréchet distance from means and covariances: closed forms, both routes, refusals."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import linalg

from ganmetrics.errors import NumericalError, StatisticsError
from ganmetrics.metrics import fid
from ganmetrics.metrics.fid import frechet_distance, frechet_from_traces
from ganmetrics.numerics import cholesky
from ganmetrics.numerics import root_trace as routes
from ganmetrics.numerics.cholesky import centred_factor, pivoted
from ganmetrics.numerics.root_trace import root_trace, traces_of_factors

ALWAYS_SINGULAR_VALUES, ALWAYS_EIGENVALUES = -1.0, np.inf


def rotation(dim, rng):
    return np.linalg.qr(rng.randn(dim, dim))[0]


def covariance(dim, seed, count=None):
    x = np.random.RandomState(seed).randn(count or 3 * dim + 2, dim)
    return np.cov(x, rowvar=False).reshape(dim, dim)


def between(sigma_r, sigma_f):
    return frechet_distance(np.zeros(len(sigma_r)), sigma_r, np.zeros(len(sigma_f)), sigma_f)


def test_gaussians_of_one_dimension_by_hand():
    """(0 - 1)² + (1 - 2)² for N(0, 1) and N(1, 4)."""
    found = frechet_distance(np.zeros(1), np.array([[1.0]]), np.ones(1), np.array([[4.0]]))
    assert found == pytest.approx(2.0, rel=1e-15)


@pytest.mark.parametrize("dim", [1, 2, 7, 64, 300])
@pytest.mark.parametrize("seed", range(3))
def test_rank_one_closed_form(dim, seed):
    u, v = np.random.RandomState(seed).randn(2, dim)
    v[0] = u[0] - 1.0  # keeps the two apart where dim is 1
    expected = u @ u + v @ v - 2 * abs(u @ v)
    assert between(np.outer(u, u), np.outer(v, v)) == pytest.approx(expected, rel=1e-12)


def test_orthogonal_rank_one_covariances_add():
    u, v = np.eye(5)[0], 3.0 * np.eye(5)[1]
    assert between(np.outer(u, u), np.outer(v, v)) == pytest.approx(10.0, rel=1e-15)


@pytest.mark.parametrize("dim", [2, 16, 128])
def test_commuting_covariances(dim):
    """With one eigenbasis the square roots subtract: the sum of (√a - √b)²."""
    rng = np.random.RandomState(dim)
    q, a, b = rotation(dim, rng), rng.rand(dim) + 0.1, rng.rand(dim) * 5 + 0.1
    found = between((q * a) @ q.T, (q * b) @ q.T)
    assert found == pytest.approx(np.sum((np.sqrt(a) - np.sqrt(b)) ** 2), rel=1e-11)


def test_no_variance_leaves_the_distance_of_the_means():
    a, b = np.array([1.0, -2.0, 3.0]), np.array([0.5, 0.0, 3.0])
    zero = np.zeros((3, 3))
    assert frechet_distance(a, zero, b, zero) == pytest.approx(4.25, rel=1e-15)
    assert frechet_distance(a, zero, b, np.eye(3)) == pytest.approx(7.25, rel=1e-15)


@pytest.mark.parametrize("dim", [1, 2, 8, 32, 64])
@pytest.mark.parametrize("seed", range(2))
def test_agrees_with_the_matrix_square_root_of_scipy(dim, seed):
    sigma_r, sigma_f = covariance(dim, seed), 2.0 * covariance(dim, seed + 10)
    mu_r, mu_f = np.random.RandomState(seed).randn(2, dim)
    root = np.atleast_2d(linalg.sqrtm(sigma_r @ sigma_f))
    expected = (mu_r - mu_f) @ (mu_r - mu_f) + np.trace(sigma_r) + np.trace(sigma_f) - 2 * np.trace(root).real
    assert frechet_distance(mu_r, sigma_r, mu_f, sigma_f) == pytest.approx(expected, rel=1e-8)


def test_agrees_with_torch_fidelity():
    peer = pytest.importorskip("torch_fidelity.metric_fid")
    sides = [{"mu": np.full(24, float(seed)), "sigma": covariance(24, seed)} for seed in (0, 1)]
    expected = peer.fid_statistics_to_metric(*sides, verbose=False)[peer.KEY_METRIC_FID]
    found = frechet_distance(*sides[0].values(), *sides[1].values())
    assert found == pytest.approx(expected, rel=1e-9)


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 40), st.integers(2, 60), st.integers(2, 60), st.floats(0.0, 1.0), st.integers(0, 2**32 - 1))
def test_eigenvalues_and_singular_values_agree(dim, count_r, count_f, decay, seed):
    """With spectra that fall by up to forty decades, where roots of eigenvalues alone would be too coarse."""
    rng = np.random.RandomState(seed)
    scales = 10.0 ** (-decay * np.arange(dim))
    x, y = rng.randn(count_r, dim) * scales, rng.randn(count_f, dim) * rng.permutation(scales)
    factors = centred_factor(x), centred_factor(y)
    traces = sum(float(np.vdot(f, f)) for f in factors)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(routes, "TRUSTED", ALWAYS_SINGULAR_VALUES)
        exact = root_trace(*factors, traces)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(routes, "CHEAP", 0)  # the choice of large matrices, on small ones
        found = root_trace(*factors, traces)
    assert found == pytest.approx(exact, rel=0, abs=1e-9 * traces)


def test_overlap_in_one_direction_is_exact(monkeypatch):
    """The product is of rank one, a bᵀ, and 39 roots of rounded eigenvalues would add up to 1e-7."""
    monkeypatch.setattr(routes, "CHEAP", 0)
    shared, rng = 39, np.random.RandomState(0)
    factor_r, factor_f = np.zeros((2, 40, 80))
    factor_r[:, : shared + 1], factor_f[:, shared:79] = rng.randn(2, 40, 40)
    traces = float(np.vdot(factor_r, factor_r) + np.vdot(factor_f, factor_f))
    expected = np.linalg.norm(factor_r[:, shared]) * np.linalg.norm(factor_f[:, shared])
    assert root_trace(factor_r, factor_f, traces) == pytest.approx(expected, abs=1e-12 * traces)


def test_eigenvalues_alone_agree_where_the_spectrum_is_flat(monkeypatch):
    factors = [pivoted(covariance(20, seed)).rows() for seed in (0, 1)]
    traces = sum(float(np.vdot(f, f)) for f in factors)
    values = []
    monkeypatch.setattr(routes, "CHEAP", 0)
    for trusted in (ALWAYS_EIGENVALUES, ALWAYS_SINGULAR_VALUES):
        monkeypatch.setattr(routes, "TRUSTED", trusted)
        values.append(root_trace(*factors, traces))
    assert values[0] == pytest.approx(values[1], rel=1e-11)


@pytest.mark.parametrize("rank", [0, 1, 3, 10, 20])
def test_a_factor_gives_its_matrix_back(rank):
    basis = np.random.RandomState(rank).randn(rank, 20)
    sigma = basis.T @ basis
    factor = pivoted(sigma).rows()
    assert factor.shape == (rank, 20)
    np.testing.assert_allclose(factor.T @ factor, sigma, rtol=0, atol=1e-12 * max(1.0, np.abs(sigma).max()))


def test_a_factor_of_features_gives_their_covariance():
    x = np.random.RandomState(0).randn(6, 9) + 5.0
    factor = centred_factor(x)
    np.testing.assert_allclose(factor.T @ factor, np.cov(x, rowvar=False), atol=1e-13)


def test_factors_of_no_rows_have_no_covariance():
    none = np.zeros((0, 4))
    assert frechet_from_traces(np.zeros(4), np.ones(4), traces_of_factors(none, none)) == 4.0
    assert frechet_from_traces(np.zeros(4), np.zeros(4), traces_of_factors(none, np.eye(4))) == pytest.approx(4.0)


INDEFINITE = covariance(6, 0) - 2.0 * np.eye(6)
REFUSED = {
    "random": (np.random.RandomState(0).rand(8, 8), "E-NOT-PSD"),
    "negative": (-1000.0 * np.eye(4), "E-NOT-PSD"),
    "indefinite": (INDEFINITE, "E-NOT-PSD"),
    "zero diagonal": (np.array([[0.0, 1.0], [1.0, 0.0]]), "E-NOT-PSD"),
    "one negative eigenvalue": (np.diag([1.0, 1.0, -1e-5]), "E-NOT-PSD"),
    "nearly singular, wrong sign": (np.eye(30) - 1.01 / 30, "E-NOT-PSD"),
    "asymmetric": (np.eye(3) + 1e-5 * np.eye(3, k=1), "E-NOT-PSD"),
    "NaN": (np.full((3, 3), np.nan), "E-NOT-FINITE"),
    "one NaN": (np.where(np.eye(3) > 0, 1.0, np.nan), "E-NOT-FINITE"),
    "infinity": (np.diag([1.0, np.inf]), "E-NOT-FINITE"),
}


@pytest.mark.parametrize("side", ["real", "fake"])
@pytest.mark.parametrize(("sigma", "code"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_covariance_is_refused_with_its_side(sigma, code, side):
    sound = np.eye(len(sigma))
    with pytest.raises(StatisticsError) as caught:
        between(*((sigma, sound) if side == "real" else (sound, sigma)))
    assert (caught.value.code, caught.value.where, caught.value.exit_code) == (code, side, 4)


@pytest.mark.parametrize(
    "sigma", [np.eye(3) + 1e-8 * np.eye(3, k=1), np.diag([1.0, 1.0, -1e-9])], ids=["skew", "negative"]
)
def test_rounding_in_a_covariance_is_forgiven(sigma):
    assert between(sigma, sigma) == pytest.approx(0.0, abs=1e-7)


def test_float32_covariances_of_a_file_are_accepted():
    sigma = covariance(40, 3, count=20).astype(np.float32)
    assert between(sigma, sigma) <= 1e-6 * np.trace(sigma)


def test_a_clearly_negative_result_is_an_error(monkeypatch):
    monkeypatch.setattr(routes, "root_trace", lambda *_: 100.0)
    with pytest.raises(NumericalError, match="-196"):
        between(np.eye(2), np.eye(2))


def test_a_result_below_zero_by_rounding_is_zero(monkeypatch):
    monkeypatch.setattr(routes, "root_trace", lambda *_: 2.0 + 1e-9)
    assert between(np.eye(2), np.eye(2)) == 0.0


@pytest.mark.parametrize("scale", [1e-150, 1e-100, 1e-30, 1e-10, 1e10, 1e30, 1e100, 1e150])
def test_extreme_units_only_scale_the_result(scale):
    sigma_r, sigma_f = covariance(8, 1), covariance(8, 2)
    mu = np.ones(8)
    found = frechet_distance(mu * scale, sigma_r * scale**2, 0 * mu, sigma_f * scale**2) / scale**2
    assert found == pytest.approx(frechet_distance(mu, sigma_r, 0 * mu, sigma_f), rel=1e-10)


@pytest.mark.parametrize("scale", [1e-150, 1e-75, 1e75, 1e150])
def test_extreme_units_do_not_hide_a_wrong_covariance(scale):
    with pytest.raises(StatisticsError) as caught:
        between(INDEFINITE * scale**2, np.eye(6) * scale**2)
    assert caught.value.code == "E-NOT-PSD"


@pytest.mark.parametrize("scale", [1e-150, 1e-100, 1e100, 1e150])
def test_singular_values_are_taken_in_extreme_units_too(scale, monkeypatch):
    factors = [pivoted(covariance(8, seed)).rows() for seed in (1, 2)]
    traces = sum(float(np.vdot(f, f)) for f in factors)
    expected = root_trace(*factors, traces)
    monkeypatch.setattr(routes, "TRUSTED", ALWAYS_SINGULAR_VALUES)
    found = root_trace(*(f * scale for f in factors), traces * scale**2)
    assert found / scale**2 == pytest.approx(expected, rel=1e-10)


def large_pair(decay=4.0, dim=560, count=1200):
    rng = np.random.RandomState(7)
    scales = np.exp(-np.linspace(0.0, decay, dim) / 2)
    return [np.cov(rng.randn(count, dim) * scales * size, rowvar=False) for size in (1.0, 1.2)]


@pytest.mark.parametrize("scale", [1.0, 1e-140, 1e140])
def test_large_definite_covariances_need_one_factor_only(scale, monkeypatch):
    """The short route against singular values of both factors."""
    sigma_r, sigma_f = large_pair()
    mu = np.zeros(len(sigma_r))
    exact = frechet_from_traces(mu, mu, traces_of_factors(pivoted(sigma_r).rows(), pivoted(sigma_f).rows()))
    monkeypatch.setattr(routes, "traces_of_factors", None)  # the long route would fail
    found = frechet_distance(mu, sigma_r * scale, mu, sigma_f * scale)
    assert found / scale == pytest.approx(exact, rel=1e-9)
    assert frechet_distance(mu, sigma_r * scale, mu, sigma_r * scale) <= 1e-9 * np.trace(sigma_r) * scale


def test_a_large_matrix_with_a_negative_part_is_refused():
    sigma_r, sigma_f = large_pair()
    values, vectors = np.linalg.eigh(sigma_f)
    values[0] = -0.01 * values[-1]
    mu = np.zeros(len(sigma_r))
    for pair in ((sigma_r, (vectors * values) @ vectors.T), ((vectors * values) @ vectors.T, sigma_r)):
        symmetric = [(sigma + sigma.T) / 2 for sigma in pair]
        with pytest.raises(StatisticsError, match="positive semidefinite"):
            frechet_distance(mu, symmetric[0], mu, symmetric[1])


def test_a_large_singular_fake_takes_the_long_route():
    sigma_r, _ = large_pair()
    mu, rng = np.zeros(len(sigma_r)), np.random.RandomState(1)
    low = np.cov(rng.randn(50, len(mu)), rowvar=False)
    exact = frechet_from_traces(mu, mu, traces_of_factors(pivoted(sigma_r).rows(), pivoted(low).rows()))
    assert frechet_distance(mu, sigma_r, mu, low) == pytest.approx(exact, rel=1e-12)


EXACT = 2.0**-20  # a limit that sums of powers of two meet to the last bit


@pytest.mark.parametrize(("excess", "is_rounding"), [(EXACT, True), (2 * EXACT, False)])
def test_the_limit_of_a_negative_result_is_still_rounding(excess, is_rounding, monkeypatch):
    """The traces are 4 and the value is -4 excess."""
    monkeypatch.setattr(fid, "NEGATIVE", EXACT)
    monkeypatch.setattr(routes, "root_trace", lambda *_: 2.0 + 2 * excess)
    if is_rounding:
        assert between(np.eye(2), np.eye(2)) == 0.0
    else:
        with pytest.raises(NumericalError, match=r"came out as -7.62939e-06, with traces of 4$"):
            between(np.eye(2), np.eye(2))


@pytest.mark.parametrize("side", ["real", "fake"])
def test_the_limit_of_asymmetry_is_still_symmetric(side, monkeypatch):
    monkeypatch.setattr(cholesky, "ASYMMETRY", EXACT)
    skew = 2.0 * np.eye(3)
    for entry, is_symmetric in ((2 * EXACT, True), (4 * EXACT, False)):
        skew[0, 1] = entry
        pair = (skew, np.eye(3)) if side == "real" else (np.eye(3), skew)
        if is_symmetric:
            assert between(*pair) == pytest.approx(3 * (2**0.5 - 1) ** 2, rel=1e-5)
        else:
            with pytest.raises(StatisticsError, match=r"^the covariance is not symmetric"):
                between(*pair)


def test_numbers_whose_sums_overflow_are_refused(monkeypatch):
    with pytest.raises(StatisticsError, match=r"^the covariance holds numbers beyond 1e\+302, whose sums overflow"):
        between(1e303 * np.eye(2), np.eye(2))
    with pytest.raises(StatisticsError, match=r"^the covariance holds NaN or infinity \(fake\)"):
        between(np.eye(2), np.diag([1.0, np.inf]))
    monkeypatch.setattr(cholesky, "LARGEST", 4.0)
    assert between(3.0 * np.eye(2), np.eye(2)) == pytest.approx(2 * (3**0.5 - 1) ** 2)
    with pytest.raises(StatisticsError, match="beyond 4"):
        between(4.0 * np.eye(2), np.eye(2))


def test_what_a_stopped_factorisation_leaves_is_seen_through_signs():
    none = np.zeros((0, 2))
    assert cholesky._leaves(np.diag([3.0, 1.0]), none) == 3.0
    assert (
        cholesky._leaves(np.array([[1.0, -1.0], [-1.0, 1.0]]), none) == 2.0
    )  # vectors of equal signs would see nothing
    assert cholesky._leaves(np.array([[1.0, 1.0], [1.0, 1.0]]), none) == 2.0
    sigma = covariance(30, 0)
    assert cholesky._leaves(sigma, np.zeros((0, 30))) == cholesky._leaves(sigma, np.zeros((0, 30)))  # the same signs
    factor = np.random.RandomState(0).randn(3, 5)
    assert cholesky._leaves(factor.T @ factor, factor) < 1e-13


def test_the_error_of_roots_adds_large_ones_as_a_walk_and_small_ones_whole():
    noise = routes.EPSILON * 4.0
    edge = routes.CLEAR * noise
    squares = np.array([0.0, edge, 2 * edge, 1.0, 4.0])
    walk = np.sqrt(sum((noise / (2 * np.sqrt(square))) ** 2 for square in (2 * edge, 1.0, 4.0)))
    assert routes._root_error(squares) == pytest.approx(walk + 2 * np.sqrt(noise), rel=1e-12)


def test_singular_values_are_taken_up_to_a_size(monkeypatch):
    monkeypatch.setattr(routes, "CHEAP", 8)
    monkeypatch.setattr(routes, "TRUSTED", ALWAYS_EIGENVALUES)
    factors = {dim: [pivoted(covariance(dim, seed)).rows() for seed in (0, 1)] for dim in (8, 9)}
    monkeypatch.setattr(routes.linalg, "svdvals", None)
    assert root_trace(*factors[9], 1.0) > 0
    with pytest.raises(TypeError):
        root_trace(*factors[8], 1.0)


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e3])
@pytest.mark.parametrize("ranks", [(9, 20), (20, 9)])
def test_eigenvalues_of_the_smaller_matrix_are_enough_in_any_unit(ranks, scale, monkeypatch):
    factors = [scale * np.random.RandomState(rank).randn(rank, 200) for rank in ranks]
    traces = sum(float(np.vdot(f, f)) for f in factors)
    expected = float(linalg.svdvals(factors[0] @ factors[1].T).sum())
    monkeypatch.setattr(routes, "CHEAP", 8)
    monkeypatch.setattr(routes.linalg, "svdvals", None)
    assert root_trace(*factors, traces) == pytest.approx(expected, rel=1e-9)
    in_units = traces / np.abs(factors[0] @ factors[1].T).max()
    for error, trusted in ((0.0, 0.0), (1.0, 1.1 / in_units)):
        monkeypatch.setattr(routes, "TRUSTED", trusted)
        monkeypatch.setattr(routes, "_root_error", lambda squares, error=error: error)
        assert root_trace(*factors, traces) == pytest.approx(expected, rel=1e-9)


def test_one_factor_is_enough_above_a_size(monkeypatch):
    monkeypatch.setattr(routes, "CHEAP", 8)
    pairs = {dim: [covariance(dim, seed, 500) for seed in (0, 1)] for dim in (8, 9)}
    expected = between(*pairs[9])
    monkeypatch.setattr(routes, "traces_of_factors", None)
    assert between(*pairs[9]) == pytest.approx(expected, rel=1e-12)
    with pytest.raises(TypeError):
        between(*pairs[8])


@pytest.mark.parametrize(
    ("smallest", "clear", "is_clear"), [(0.15, 0.1, True), (0.05, 0.1, False), (0.0, 0.0, False), (1e-9, 0.0, True)]
)
def test_one_factor_is_enough_where_the_smallest_eigenvalue_is_clearly_positive(smallest, clear, is_clear, monkeypatch):
    """Beside the identity the eigenvalues are those of the fake, of which the largest is 1."""
    monkeypatch.setattr(routes, "CHEAP", 8)
    monkeypatch.setattr(routes, "CLEAR", clear / routes.EPSILON)
    monkeypatch.setattr(routes, "TRUSTED", 0.0)
    monkeypatch.setattr(routes, "_root_error", lambda squares: 0.0)
    monkeypatch.setattr(routes, "traces_of_factors", None)
    values = np.array([smallest, *[0.3] * 6, 0.4, 1.0])
    if is_clear:
        expected = np.sum((1 - np.sqrt(values)) ** 2)
        assert between(np.eye(9), np.diag(values)) == pytest.approx(expected, rel=1e-12)
    else:
        with pytest.raises(TypeError):
            between(np.eye(9), np.diag(values))


def test_a_factor_of_nothing():
    for dim in (0, 3):
        factor = pivoted(np.zeros((dim, dim)))
        assert (factor.pivots.tolist(), factor.rank, factor.trace) == (list(range(dim)), 0, 0.0)
        assert factor.rows().shape == (0, dim)


def test_what_is_left_up_to_the_limit_is_rounding(monkeypatch):
    sigma = np.diag([2.0, 0.0])
    monkeypatch.setattr(cholesky, "_leaves", lambda *_: 2.0 * cholesky.ASYMMETRY)
    assert pivoted(sigma).rank == 1
    monkeypatch.setattr(cholesky, "_leaves", lambda *_: 2.01 * cholesky.ASYMMETRY)
    with pytest.raises(StatisticsError, match=r"^the covariance is not positive semidefinite$"):
        pivoted(sigma)


def test_a_factor_of_no_side_is_refused_without_one():
    with pytest.raises(StatisticsError) as caught:
        pivoted(np.diag([1.0, -1.0]))
    assert caught.value.where == ""


@pytest.mark.parametrize("count", [0, 3])
def test_above_that_size_a_singular_side_takes_the_long_route(count, monkeypatch):
    """Both exact: of no variance at all, and of rank 2 in 12 dimensions."""
    monkeypatch.setattr(routes, "CHEAP", 4)
    low = covariance(12, 3, count) if count else np.zeros((12, 12))
    full = covariance(12, 0)
    traces = traces_of_factors(pivoted(low).rows(), pivoted(full).rows())
    expected = frechet_from_traces(np.zeros(12), np.zeros(12), traces)
    assert between(low, full) == pytest.approx(expected, rel=1e-12)
    assert between(full, low) == pytest.approx(expected, rel=1e-9)


def test_a_scaled_factor_is_that_of_the_scaled_matrix():
    sigma = covariance(5, 0)
    factor = pivoted(sigma)
    assert factor.scaled(1.0) is factor
    scaled = factor.scaled(0.3)
    np.testing.assert_allclose(scaled.rows().T @ scaled.rows(), 0.3 * sigma, rtol=1e-12, atol=1e-14)
    assert scaled.trace == pytest.approx(0.3 * np.trace(sigma), rel=1e-14)
    assert (factor.rank, pivoted(np.zeros((5, 5))).rank) == (5, 0)
