"""The public Fréchet distance of two Gaussians: every container, and every refusal with its side."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ganmetrics.errors import StatisticsError
from ganmetrics.functional import fid, frechet_distance

DIM = 5


def gaussian(seed):
    x = np.random.RandomState(seed).randn(40, DIM) + seed
    return x.mean(axis=0), np.cov(x, rowvar=False)


REAL, FAKE = gaussian(0), gaussian(1)
EXACT = frechet_distance(*REAL, *FAKE)


def strided(x):
    """The same values behind negative strides."""
    return x[tuple(slice(None, None, -1) for _ in x.shape)].copy()[tuple(slice(None, None, -1) for _ in x.shape)]


def frozen(x):
    x = x.copy()
    x.flags.writeable = False
    return x


SAME = {
    "lists": lambda x: x.tolist(),
    "tuples": lambda x: tuple(map(tuple, x)) if x.ndim == 2 else tuple(x),
    "objects": lambda x: x.astype(object),
    "big-endian": lambda x: x.astype(">f8"),
    "column order": np.asfortranarray,
    "negative strides": strided,
    "read-only": frozen,
    "tensors": torch.from_numpy,
    "tensors with gradients": lambda x: torch.from_numpy(x).requires_grad_(),
    "rows of tensors": lambda x: [torch.from_numpy(row) for row in x] if x.ndim == 2 else torch.from_numpy(x),
}


@pytest.mark.parametrize("convert", SAME.values(), ids=SAME)
def test_every_container_gives_the_same(convert):
    assert frechet_distance(*map(convert, REAL), *map(convert, FAKE)) == EXACT
    assert frechet_distance(*map(convert, REAL), *FAKE) == EXACT


NARROW = {
    "float32": lambda x: x.astype(np.float32),
    "float32 tensors": lambda x: torch.from_numpy(x).float(),
    "long doubles": lambda x: x.astype(np.longdouble),
}


@pytest.mark.parametrize("convert", NARROW.values(), ids=NARROW)
def test_narrower_and_wider_numbers_are_computed_in_float64(convert):
    found = frechet_distance(*map(convert, REAL), *map(convert, FAKE))
    assert type(found) is float
    assert found == pytest.approx(EXACT, rel=1e-5)


def test_half_precision_of_round_numbers():
    eye = torch.eye(3)
    for dtype in (torch.bfloat16, torch.float16, torch.int64):
        assert frechet_distance(torch.zeros(3, dtype=dtype), eye.to(dtype), [3, 0, 0], 4 * eye.to(dtype)) == 12.0


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_tensors_on_another_device():
    on_device = [torch.from_numpy(x).to("cuda") for x in (*REAL, *FAKE)]
    assert frechet_distance(*on_device) == EXACT


def test_arguments_are_left_alone():
    copies = [x.copy() for x in (*REAL, *FAKE)]
    frechet_distance(*REAL, *FAKE)
    assert all(np.array_equal(x, copy) for x, copy in zip((*REAL, *FAKE), copies, strict=True))


def test_it_is_the_fid_of_features_with_these_moments():
    x, y = (np.random.RandomState(seed).randn(40, DIM) + seed for seed in (0, 1))
    assert fid(x, y) == pytest.approx(EXACT, rel=1e-12)


MU, SIGMA = REAL
REFUSED = {  # mu, sigma, code, words
    "mu is a row": (MU[None], SIGMA, "E-SHAPE", "mu is of shape [1, 5] and sigma [5, 5]; expected [D] and [D, D]"),
    "mu is a number": (0.0, SIGMA, "E-SHAPE", "mu is of shape []"),
    "mu is empty": ([], np.zeros((0, 0)), "E-SHAPE", "mu is of shape [0]"),
    "mu is too short": (MU[1:], SIGMA, "E-SHAPE", "mu is of shape [4] and sigma [5, 5]"),
    "sigma is a diagonal": (MU, np.diag(SIGMA), "E-SHAPE", "sigma [5]"),
    "sigma is a number": (MU[:1], 1.0, "E-SHAPE", "sigma []"),
    "sigma is not square": (MU, SIGMA[:, 1:], "E-SHAPE", "sigma [5, 4]"),
    "sigma is a stack": (MU, SIGMA[None], "E-SHAPE", "sigma [1, 5, 5]"),
    "NaN in mu": (np.where(np.arange(DIM) == 2, np.nan, MU), SIGMA, "E-NOT-FINITE", "mu holds NaN or infinity"),
    "infinity in mu": (torch.tensor([0.0, torch.inf]), torch.eye(2), "E-NOT-FINITE", "mu holds NaN or infinity"),
    "NaN in sigma": (MU, np.where(np.eye(DIM) > 0, np.nan, SIGMA), "E-NOT-FINITE", "covariance holds NaN or infinity"),
    "sigma is skew": (MU, np.triu(SIGMA), "E-NOT-PSD", "not symmetric"),
    "sigma is negative": (MU, -SIGMA, "E-NOT-PSD", "not positive semidefinite"),
    "mu is complex": (MU * 1j, SIGMA, "E-DTYPE", "mu is complex128; expected real numbers"),
    "sigma is a complex tensor": (MU, torch.eye(DIM) * 1j, "E-DTYPE", "sigma is complex64; expected real numbers"),
    "mu is text": ("mu", SIGMA, "E-DTYPE", "mu is <U2; expected real numbers"),
    "mu is numbers as text": (MU.astype(str), SIGMA, "E-DTYPE", "expected real numbers"),
    "sigma is dates": (MU, np.zeros((DIM, DIM), dtype="M8[s]"), "E-DTYPE", "sigma is datetime64[s]"),
    "sigma is missing": (MU, None, "E-SHAPE", "sigma []"),
    "sigma is ragged": (MU[:2], [[1.0, 0.0], [0.0]], "E-DTYPE", "sigma is list; expected real numbers"),
    "sigma is beyond float64": (MU[:1], [[10**400]], "E-DTYPE", "sigma is list; expected real numbers"),
    "sigma is objects": (MU[:1], [[object()]], "E-DTYPE", "sigma is list; expected real numbers"),
}


@pytest.mark.parametrize("side", ["real", "fake"])
@pytest.mark.parametrize(("mu", "sigma", "code", "words"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_gaussian_is_refused_with_its_side(mu, sigma, code, words, side):
    sides = [(mu, sigma), FAKE] if side == "real" else [REAL, (mu, sigma)]
    with pytest.raises(StatisticsError) as caught:
        frechet_distance(*sides[0], *sides[1])
    assert (caught.value.code, caught.value.where) == (code, side)
    assert words in caught.value.what


def test_a_mean_that_is_not_finite_is_all_that_is_said():
    with pytest.raises(StatisticsError, match=r"^mu holds NaN or infinity \(fake\)$"):
        frechet_distance(*REAL, MU * np.nan, SIGMA)


def test_unequal_dimensions_are_refused_with_both():
    with pytest.raises(StatisticsError, match="the real Gaussian has 5 dimensions and the fake one 4") as caught:
        frechet_distance(*REAL, MU[1:], SIGMA[1:, 1:])
    assert (caught.value.code, caught.value.where) == ("E-SHAPE", "real, fake")
