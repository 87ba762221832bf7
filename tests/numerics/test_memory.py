"""Blocks: never larger than allowed, and the same numbers whatever their size."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

import ganmetrics as gm
from ganmetrics.numerics import gaussian_mixture
from ganmetrics.numerics.gaussian_mixture import MixtureOfCenters
from ganmetrics.numerics.memory import OF_NUMBER, OF_PAIR, block_rows, parse_size


@pytest.mark.parametrize(
    ("text", "size"),
    [("16MiB", 2**24), ("2GB", 2 * 10**9), ("1.5 gib", 3 * 2**29), (2**25, 2**25), ("20000k", 2 * 10**7)],
)
def test_sizes_are_read(text: int | str, size: int) -> None:
    assert parse_size(text, where="here") == size


@pytest.mark.parametrize("text", ["", "GB", "-2GB", "2PB", "1e9", "nan"])
def test_other_texts_are_refused(text: int | str) -> None:
    with pytest.raises(gm.UsageError, match=r"no amount of memory \(here\)") as caught:
        parse_size(text, where="here")
    assert caught.value.hint == "Write it as 500MB or 2GiB"


@pytest.mark.parametrize("limit", [0, "1MB"])
def test_too_little_is_refused(limit: int | str) -> None:
    with pytest.raises(gm.UsageError, match="buffers need at least 16,777,216"), gm.memory_limit(limit):
        pass


def test_blocks_keep_to_the_limit() -> None:
    for limit in (2**24, 2**28, 2**31):
        with gm.memory_limit(limit):
            for dim in (1, 64, 2048, 4096):
                rows = block_rows(dim)
                assert OF_PAIR * rows**2 + OF_NUMBER * rows * dim <= limit
    assert (block_rows(1), block_rows(2048), block_rows(10**6), block_rows(10**7)) == (2336, 1760, 32, 32)


def test_no_number_depends_on_the_limit() -> None:
    rng = np.random.RandomState(0)
    real, fake = rng.randn(1500, 8), rng.randn(1400, 8)
    found = []
    for limit in (2**24, 2**30):
        with gm.memory_limit(limit):
            assert block_rows(8) == {2**24: 576, 2**30: 4704}[limit]
            found.append(
                [gm.functional.prdc(real, fake), gm.functional.cmmd(real, fake), gm.functional.mifid(real, fake)]
            )
    assert found[0][0] == found[1][0]
    assert found[0][1:] == pytest.approx(found[1][1:], rel=1e-9)


def with_peak(compute: Callable[[], Any]) -> tuple[Any, int]:
    """What a function gives, and the peak of torch's own allocations in it."""
    from torch.profiler import ProfilerActivity, profile

    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as run:
        found = compute()
    total, peak = 0, 0
    for event in run.profiler.kineto_results.events():
        if event.name() == "[memory]":
            total += event.nbytes()
            peak = max(peak, total)
    return found, peak


@pytest.mark.slow
@pytest.mark.parametrize("way", ["adam", "em"])
def test_the_density_of_fld_takes_no_more_memory_than_allowed(way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Squared distances of all pairs would take 36 MB, and blocks of 1,024 rows three times that."""
    monkeypatch.setattr(gaussian_mixture, "STEPS", 2)
    monkeypatch.setattr(gaussian_mixture, "EPOCHS", 2)
    centers, rows = torch.from_numpy(np.random.RandomState(0).randn(2, 3000, 4))

    def fit() -> float:
        if way == "em":
            return MixtureOfCenters.fitted(centers, rows).mean_log_likelihood(rows)
        return MixtureOfCenters.descended(centers, rows, np.random.RandomState(0)).mean_log_likelihood(rows)

    free = fit()
    with gm.memory_limit("16MiB"):
        found, peak = with_peak(fit)
    assert found == pytest.approx(free, rel=1e-5)
    assert peak < 16 * 2**20


@pytest.mark.slow
def test_distances_take_no_more_memory_than_allowed() -> None:
    """Peak of torch's own allocations, beyond the features."""
    rng = torch.Generator().manual_seed(0)
    real, fake = (torch.randn(6000, 256, generator=rng) for _ in range(2))
    with gm.memory_limit("64MiB"):
        _, peak = with_peak(lambda: gm.functional.prdc(real, fake))
    narrow = 2 * 6000 * 256 * 4  # the centred rows of both sets
    assert peak < 64 * 2**20 + 2 * narrow
