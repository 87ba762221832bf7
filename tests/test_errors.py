"""The exceptions: exit codes, sentences, and surviving a worker process."""

from __future__ import annotations

import copy
import pickle

import pytest

from ganmetrics import errors

TABLE = [  # class, exit code, default code, the built-in exception that callers may catch instead
    (errors.GanMetricsError, 1, "E-INTERNAL", Exception),
    (errors.UsageError, 2, "E-USAGE", ValueError),
    (errors.KeywordError, 2, "E-USAGE", TypeError),
    (errors.InputError, 3, "E-INPUT", ValueError),
    (errors.StatisticsError, 4, "E-STATISTICS", ValueError),
    (errors.WeightsError, 5, "E-WEIGHTS", RuntimeError),
    (errors.ResourceError, 6, "E-RESOURCE", RuntimeError),
    (errors.RejectedError, 7, "E-REJECTED", ValueError),
    (errors.NumericalError, 1, "E-NUMERICAL", ArithmeticError),
]
FIELDS = {"what": "a thing is broken", "where": "a/b.png", "hint": "Mend it", "code": "E-MINE"}
EACH_CLASS = pytest.mark.parametrize("kind", [row[0] for row in TABLE])


@pytest.mark.parametrize(("kind", "exit_code", "code", "builtin"), TABLE)
def test_codes(kind, exit_code, code, builtin):
    error = kind("a thing is broken")
    assert (error.exit_code, error.code) == (exit_code, code)
    assert isinstance(error, errors.GanMetricsError)
    assert isinstance(error, builtin)


def test_every_class_is_in_the_table():
    found = [c for c in vars(errors).values() if isinstance(c, type) and issubclass(c, errors.GanMetricsError)]
    assert set(found) == {row[0] for row in TABLE}


@pytest.mark.parametrize(
    ("where", "hint", "text"),
    [
        ("", "", "a thing is broken"),
        ("a/b.png", "", "a thing is broken (a/b.png)"),
        ("", "Mend it", "a thing is broken. Mend it"),
        ("a/b.png", "Mend it", "a thing is broken (a/b.png). Mend it"),
    ],
)
def test_the_sentence(where, hint, text):
    assert str(errors.InputError("a thing is broken", where=where, hint=hint)) == text


def fields(error):
    return {name: getattr(error, name) for name in FIELDS}


@EACH_CLASS
@pytest.mark.parametrize("again", [lambda e: pickle.loads(pickle.dumps(e)), copy.copy, copy.deepcopy])
def test_copies_keep_every_field(kind, again):
    error = again(kind(**FIELDS))
    assert type(error) is kind
    assert fields(error) == FIELDS
    assert str(error) == "a thing is broken (a/b.png). Mend it"


@EACH_CLASS
def test_as_an_object_for_json(kind):
    assert kind(**FIELDS).to_dict() == FIELDS
    assert set(kind("x").to_dict()) == set(FIELDS)


def test_the_warning_is_no_error():
    assert issubclass(errors.GanMetricsWarning, UserWarning)
    assert not issubclass(errors.GanMetricsWarning, errors.GanMetricsError)


@pytest.mark.parametrize(
    ("error", "is_it"),
    [
        (MemoryError(), True),
        (RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried 8 bytes"), True),
        (RuntimeError("CUDA out of memory. Tried to allocate 2 GiB"), True),
        (OSError(12, "Cannot allocate memory"), True),
        (RuntimeError("can't start new thread"), True),
        (RuntimeError("mat1 and mat2 shapes cannot be multiplied"), False),
        (OSError(28, "No space left on device"), False),
    ],
)
def test_memory_that_ran_out_is_known_by_its_words(error, is_it):
    assert errors.is_out_of_memory(error) is is_it
