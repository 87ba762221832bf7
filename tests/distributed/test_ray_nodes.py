"""Ray's clusters from outside: an address at which none answers, and a node that is lost in the middle of a run."""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch
from serving import running
from torch.utils.data import Dataset

import ganmetrics as gm
from ganmetrics.distributed import ray_cluster
from ganmetrics.distributed.ray_cluster import require_ray
from ganmetrics.errors import ResourceError

pytestmark = pytest.mark.skipif(find_spec("ray") is None, reason="Ray is not installed")
SMALL = 100 << 20  # bytes of shared memory of a node


@contextmanager
def closed() -> Iterator[int]:
    with socket.socket() as unheard:  # bound but not listening
        unheard.bind(("127.0.0.1", 0))
        yield unheard.getsockname()[1]


@contextmanager
def silent() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@contextmanager
def web() -> Iterator[int]:
    with running() as server:
        yield server.server_address[1]


ANSWERS = {"closed": (closed, "Connection refused"), "silent": (silent, "within 0.5 s"), "web": (web, "is not Ray")}


@pytest.mark.parametrize("scheme", ["", "ray://"])
@pytest.mark.parametrize("name", ANSWERS)
def test_an_address_where_no_cluster_answers_is_one_sentence(
    name: str, scheme: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Within seconds, where Ray itself would try for minutes."""
    monkeypatch.setattr(ray_cluster, "SECONDS", 0.5)
    images = torch.zeros(4, 3, 8, 8, dtype=torch.uint8)
    place, words = ANSWERS[name]
    with place() as port:
        monkeypatch.setenv("RAY_ADDRESS", f"{scheme}127.0.0.1:{port}")
        require_ray()  # whose import takes its time
        start = time.monotonic()
        with pytest.raises(ResourceError, match=f"there is no Ray cluster: .*{words}") as error:
            gm.measure(images, extractor="pixels", reading=gm.Reading(engine="ray", cache=False))
    assert time.monotonic() - start < 60
    assert error.value.where == f"{scheme}127.0.0.1:{port}"
    assert "\n" not in str(error.value)


def test_nobody_is_waited_for_longer_than_is_promised() -> None:
    assert 2 * ray_cluster.SECONDS + ray_cluster.SECONDS < 20, "two addresses of a name, and an answer"


class Deadly(Dataset):
    """Items of which one kills its node, the first time that it is read."""

    def __init__(self, count: int, mark: Path, deadly: int) -> None:
        self.count, self.mark, self.deadly = count, mark, deadly

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> torch.Tensor:
        if index == self.deadly and not self.mark.exists():
            self.mark.write_text("")
            os.kill(os.getppid(), signal.SIGKILL)
            threading.Event().wait(60)  # until Ray ends what the node ran
        rng = np.random.RandomState(index)
        return torch.from_numpy(rng.randint(0, 40 + index % 200, (3, 8, 8)).astype(np.uint8))


@pytest.fixture
def nodes() -> Iterator[None]:
    """A cluster of three nodes: that of this process, which works not, and two that do."""
    import ray
    from ray import cloudpickle
    from ray.cluster_utils import Cluster

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "object_store_memory": SMALL})
        for _ in range(2):
            cluster.add_node(num_cpus=1, object_store_memory=SMALL)
        ray.init(address=cluster.address, log_to_driver=False)
    cloudpickle.register_pickle_by_value(sys.modules[__name__])  # the workers cannot import tests
    yield
    cloudpickle.unregister_pickle_by_value(sys.modules[__name__])
    ray.shutdown()
    cluster.shutdown()


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_what_a_lost_node_had_is_read_by_another(nodes: None, tmp_path: Path) -> None:
    mark = tmp_path / "lost"
    ray = gm.Reading(engine="ray", cache=False)
    found = gm.measure(Deadly(2200, mark, 1100), extractor="pixels", reading=ray)
    assert mark.exists()
    alone = gm.measure(Deadly(2200, mark, 1100), extractor="pixels", reading=gm.Reading(cache=False))
    assert (found.count, found.digest, found.order) == (2200, alone.digest, alone.order)
