"""What a metric takes for a matrix of features: every container of numbers, and one sentence for the rest."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import torch

from ganmetrics.errors import InputError
from ganmetrics.functional import fid, inception_score, kid
from ganmetrics.metrics import _validation as validation
from ganmetrics.metrics._validation import matrix, matrix_pair, matrix_triple

X = np.random.RandomState(0).randn(12, 3).astype(np.float32).astype(np.float64)


def frozen(x):
    x = x.copy()
    x.flags.writeable = False
    return x


TAKEN = {
    "lists": X.tolist(),
    "objects": X.astype(object),
    "float32": X.astype(np.float32),
    "big-endian": X.astype(">f8"),
    "big-endian float32": X.astype(">f4"),
    "long doubles": X.astype(np.longdouble),
    "column order": np.asfortranarray(X),
    "negative strides": X[::-1, ::-1].copy()[::-1, ::-1],
    "every second row": np.repeat(X, 2, axis=0)[::2],
    "read-only": frozen(X),
    "read-only float32": frozen(X.astype(np.float32)),
    "a tensor": torch.from_numpy(X),
    "a tensor with gradients": torch.from_numpy(X).requires_grad_(),
    "a tensor computed from gradients": torch.from_numpy(X).requires_grad_() * 1.0,
    "a transposed tensor": torch.from_numpy(X.T.copy()).T,
    "rows of tensors": [torch.from_numpy(row) for row in X],
}


@pytest.mark.parametrize("values", TAKEN.values(), ids=TAKEN)
def test_numbers_in_any_container(values):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = matrix(values, "features")
    assert (found.dtype, found.requires_grad) == (torch.float64, False)
    assert torch.equal(found, torch.from_numpy(X))


def test_gradients_asked_for_change_no_score():
    x, y = torch.from_numpy(X), torch.from_numpy(X + 1.0)
    with_gradients = x.clone().requires_grad_(), y.clone().requires_grad_()
    assert fid(*with_gradients) == fid(x, y)
    assert kid(*with_gradients, subset_size=5, num_subsets=3) == kid(x, y, subset_size=5, num_subsets=3)
    assert inception_score(with_gradients[0], splits=2) == inception_score(x, splits=2)


@pytest.mark.parametrize("values", [np.ones((4, 2), dtype=dtype) for dtype in ("i1", "u1", ">i2", "i8", "?", "f2")])
def test_whole_numbers_and_halves_are_widened(values):
    assert matrix(values, "features").tolist() == [[1.0, 1.0]] * 4


REFUSED = {
    "None": (None, "E-SHAPE"),
    "text": ("features.npy", "E-SHAPE"),
    "bytes": (b"features", "E-SHAPE"),
    "rows of text": ([["a", "b"], ["c", "d"]], "E-SHAPE"),
    "ragged": ([[1.0, 2.0], [3.0]], "E-SHAPE"),
    "objects": (np.array([[object(), object()]]), "E-SHAPE"),
    "a dictionary": ({"features": X}, "E-SHAPE"),
    "a set": ({1.0, 2.0}, "E-SHAPE"),
    "structured": (np.zeros((2, 2), dtype=[("a", "f8"), ("b", "f8")]), "E-SHAPE"),
    "complex": (X + 1j, "E-SHAPE"),
    "a complex tensor": (torch.zeros(2, 2, dtype=torch.complex64), "E-SHAPE"),
    "None inside": ([[1.0, None]], "E-NOT-FINITE"),
}


@pytest.mark.parametrize(("values", "code"), REFUSED.values(), ids=REFUSED)
def test_everything_else_is_one_sentence_with_the_name_of_the_argument(values, code):
    with pytest.raises(InputError) as caught:
        matrix(values, "features")
    assert (caught.value.code, caught.value.where) == (code, "features")
    assert caught.value.what.startswith("features ")
    for sides, name in (((values, X), "real_features"), ((X, values), "fake_features")):
        with pytest.raises(InputError) as caught:
            matrix_pair(*sides)
        assert caught.value.where == name


@pytest.mark.parametrize("row", [0, 3, 4, 11])
def test_the_first_row_that_is_not_finite_is_told(row, monkeypatch):
    monkeypatch.setattr(validation, "FEW", 4)
    broken = X.copy()
    broken[row:, 1] = np.inf
    with pytest.raises(InputError, match=f"^features holds NaN or infinity, first in row {row} "):
        matrix(broken, "features")
    assert torch.equal(matrix(X, "features"), torch.from_numpy(X))


def test_float32_stays_where_it_is_asked_for():
    narrow = X.astype(np.float32)
    for values in (narrow, torch.from_numpy(narrow)):
        assert matrix(values, "features").dtype == torch.float64
        assert matrix(values, "features", is_narrow=True).dtype == torch.float32
        assert [x.dtype for x in matrix_pair(values, values, is_narrow=True)] == [torch.float32] * 2
        assert [x.dtype for x in matrix_pair(values, X, is_narrow=True)] == [torch.float32, torch.float64]
        assert [x.dtype for x in matrix_pair(values, values)] == [torch.float64] * 2
        assert [x.dtype for x in matrix_triple(values, values, values)] == [torch.float64] * 3
    assert matrix(X.astype(np.float16), "features", is_narrow=True).dtype == torch.float64


def test_two_rows_are_enough_and_one_unseen_real():
    x, y, z = matrix_triple(X[:2], X[2:4], X[4:5])
    assert [len(each) for each in (x, y, z)] == [2, 2, 1]
    assert torch.equal(torch.cat([x, y, z]), torch.from_numpy(X[:5]))
