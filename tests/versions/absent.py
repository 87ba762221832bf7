"""Skips what needs a package that the matrix leaves out; only ``noxfile.py`` loads it, so that it fails elsewhere."""

from __future__ import annotations

from collections.abc import Generator

import pytest

PEERS = {"cleanfid", "prdc", "pytorch_fid", "torch_fidelity", "torchmetrics"}


def _skipping(item: pytest.Item) -> Generator[None, object, object]:
    try:
        return (yield)
    except ModuleNotFoundError as error:
        name = str(error.name).partition(".")[0]
        if name in PEERS:
            pytest.skip(f"{name} is not in the matrix")
        raise


pytest_runtest_setup = pytest.hookimpl(wrapper=True)(_skipping)
pytest_runtest_call = pytest.hookimpl(wrapper=True)(_skipping)
