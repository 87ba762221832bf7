"""The examples in the docstrings of the installed package."""

from __future__ import annotations

import doctest
import pkgutil
from importlib import import_module

import pytest

import ganmetrics

PACKAGES = ("ganmetrics.data", "ganmetrics.metrics", "ganmetrics.evaluation", "ganmetrics.extractors")
MODULES = [
    f"{package}.{found.name}" for package in PACKAGES for found in pkgutil.iter_modules(import_module(package).__path__)
]


@pytest.mark.parametrize("name", ["ganmetrics", *PACKAGES, *MODULES])
def test_examples(name: str) -> None:
    assert doctest.testmod(import_module(name)).failed == 0


def test_there_are_examples() -> None:
    assert sum(doctest.testmod(import_module(name)).attempted for name in MODULES) >= 3
    assert ganmetrics.__doc__
