"""The simulation of a cluster against what can be said without one."""

from __future__ import annotations

import dataclasses

import pytest

from benchmarks.scaling import BYTES_PER_IMAGE, GPU, TWO_CORES, Cluster, Measured, predicted, simulated
from ganmetrics.distributed.ray import Pool, divided

FREE = Measured(merge=0.0, carry=0.0, state=0, digest=0.0)
COUNT = 64 * 16_384 * 3
CLUSTER = Cluster(workers=64, images_per_second=1000.0, bandwidth=1e9, lost_per_hour=0.0, restart=60.0)


def test_without_losses_and_costs_the_network_alone_takes_time() -> None:
    found = simulated(COUNT, CLUSTER, FREE)
    assert found.seconds == pytest.approx(COUNT / 1000 / 64)
    assert (found.read_again, found.moved) == (0, COUNT * BYTES_PER_IMAGE)


def test_a_tree_merges_all_states_into_one() -> None:
    states = len(divided(COUNT, Pool(64, 1, 8, 4), is_cut=True))
    assert simulated(COUNT, CLUSTER, FREE).merges == states - 1


def test_costs_and_losses_only_add() -> None:
    parts = Measured(merge=0.01, carry=0.05, state=32 << 20, digest=0.0)
    plain, dear = simulated(COUNT, CLUSTER, FREE), simulated(COUNT, CLUSTER, parts)
    lossy = simulated(COUNT, dataclasses.replace(CLUSTER, lost_per_hour=5000.0), parts)
    assert plain.seconds < dear.seconds < lossy.seconds
    assert lossy.read_again > 0
    assert lossy.merges == dear.merges


def test_the_cost_model_at_its_ends() -> None:
    few, many = (predicted(count, GPU, workers=8) for count in (0, 10**9))
    assert few == pytest.approx(GPU.start + GPU.score)
    assert many == pytest.approx(few + 10**9 / 8 * (GPU.network + GPU.digest + GPU.moments))
    slow = GPU._replace(decode=1.0)
    assert predicted(80, slow) == pytest.approx(slow.start + slow.score + 80 / slow.cores)  # decoding is the slower
    assert predicted(100, TWO_CORES) > predicted(100, TWO_CORES._replace(decode=0.0))
