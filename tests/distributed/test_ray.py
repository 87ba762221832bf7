"""Ray: the same numbers as one process, also where workers are lost; and what a cluster's errors lead to."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import warnings
from collections import Counter
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from threading import Lock

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import DataLoader, Dataset, IterableDataset, TensorDataset

import ganmetrics as gm
from ganmetrics.distributed import ray as engine
from ganmetrics.distributed.ray import Pool, divided
from ganmetrics.errors import InputError, ResourceError, UsageError

SMALL = 200 << 20  # bytes of shared memory
TWO = Pool(num=2, num_gpus=0, cores=1, workers=0)
GPUS = Pool(num=64, num_gpus=1, cores=8, workers=4)
pytestmark = pytest.mark.skipif(find_spec("ray") is None, reason="Ray is not installed")


def write_folder(folder: Path, count: int, seed: int) -> Path:
    folder.mkdir()
    rng = np.random.RandomState(seed)
    for i in range(count):
        pixels = (rng.rand(16, 16, 3) * (60 + 40 * seed + i % 90)).astype(np.uint8)
        Image.fromarray(pixels).save(folder / f"{i:05}.png")
    return folder


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Stretches of 512, and a rest."""
    root = tmp_path_factory.mktemp("ray")
    return write_folder(root / "real", 1337, 0), write_folder(root / "fake", 1201, 1)


@pytest.fixture(scope="module")
def cluster() -> Iterator[str]:
    """Two workers on this machine; the address."""
    import ray
    from ray import cloudpickle

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        context = ray.init(num_cpus=2, object_store_memory=SMALL, include_dashboard=False, log_to_driver=False)
    cloudpickle.register_pickle_by_value(sys.modules[__name__])  # the workers cannot import tests
    yield context.address_info["address"]
    cloudpickle.unregister_pickle_by_value(sys.modules[__name__])
    ray.shutdown()


def reading(name: str = "ray", **more: object) -> gm.Reading:
    return gm.Reading(engine=name, cache=False, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("pool", [TWO, GPUS])
@pytest.mark.parametrize("is_cut", [True, False])
@pytest.mark.parametrize("count", [2, 512, 513, 4_000, 50_000, 300_001])
def test_every_image_is_in_one_stretch(count: int, is_cut: bool, pool: Pool) -> None:
    places = [stretch.places(count) for stretch in divided(count, pool, is_cut=is_cut)]
    assert torch.cat(places).sort().values.equal(torch.arange(count))
    assert all(len(each) for each in places)


def test_stretches_are_long_enough_for_their_states_and_short_enough_to_balance() -> None:
    lengths = [len(stretch.places(1_000_000)) for stretch in divided(1_000_000, GPUS, is_cut=True)]
    assert len(lengths) > 8 * GPUS.num
    assert max(lengths) == 1_536
    assert len(divided(50_000, Pool(1, 1, 8, 4), is_cut=True)) == 9
    assert len(divided(1_000_000, Pool(1, 1, 8, 4), is_cut=True)) == 62


@pytest.mark.slow
def test_two_workers_leave_what_one_process_does(
    cluster: str, folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """To the last bit, through a tree of several levels, and with the caller's streams where they were."""
    torch.set_num_threads(1)  # as many as a worker has, on which kernels' rounding depends
    monkeypatch.setattr(engine, "FAN_IN", 2)
    reads = ("moments", "features", "logits")
    before = torch.get_rng_state(), np.random.get_state()[1].tolist(), dict(os.environ)
    found = gm.measure(folders[0], reads=reads, extractor="digits", reading=reading())
    assert torch.get_rng_state().equal(before[0])
    assert np.random.get_state()[1].tolist() == before[1]
    assert dict(os.environ) == before[2]
    alone = gm.measure(folders[0], reads=reads, extractor="digits", reading=reading("local"))
    assert (found.count, found.digest, found.order) == (1337, alone.digest, alone.order)
    assert found.notes == alone.notes
    for name in ("features", "logits"):
        assert getattr(found, name).equal(getattr(alone, name))
    assert found.moments.mean.numpy() == pytest.approx(alone.moments.mean.numpy(), rel=1e-12)
    assert found.moments.scatter.numpy() == pytest.approx(alone.moments.scatter.numpy(), rel=1e-10, abs=1e-10)


@pytest.mark.slow
def test_an_evaluation_is_that_of_one_process(cluster: str, folders: tuple[Path, Path]) -> None:
    """Values, intervals, signatures, warnings and pictures."""
    torch.set_num_threads(1)
    metrics = ["fid", "kid", "is", "prdc", "ms_ssim_diversity(scales=1)"]
    found, alone = (
        gm.evaluate(*folders, metrics=metrics, extractor="digits", reading=reading(name, thumbnails=True))
        for name in ("ray", "local")
    )
    for name in alone:
        assert str(found[name].signature) == str(alone[name].signature)
        assert found[name].value == pytest.approx(alone[name].value, rel=1e-10)
        assert found[name].interval[:2] == pytest.approx(alone[name].interval[:2], rel=1e-8, abs=1e-8)
    assert found.warnings == alone.warnings
    for index in (0, 511, 512, 1200):
        assert found.fake.thumbnails[index].equal(alone.fake.thumbnails[index])


class Items(Dataset):
    """Items that write down when they are read; the one named kills its process, once or each time."""

    def __init__(self, count: int, log: Path, deadly: int, *, times: int) -> None:
        self.count, self.log, self.deadly, self.times = count, log, deadly, times

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> torch.Tensor:
        with open(self.log, "a") as log:
            log.write(f"{index}\n")
        if index == self.deadly and read_times(self.log)[index] <= self.times:
            os.kill(os.getpid(), signal.SIGKILL)
        rng = np.random.RandomState(index)
        return torch.from_numpy(rng.randint(0, 40 + index % 200, (3, 8, 8)).astype(np.uint8))


def read_times(log: Path) -> Counter[int]:
    return Counter(map(int, log.read_text().split()))


@pytest.mark.slow
def test_what_a_killed_worker_had_is_read_again_and_counts_once(cluster: str, tmp_path: Path) -> None:
    log = tmp_path / "read"
    found = gm.measure(Items(2000, log, 700, times=1), extractor="pixels", reading=reading())
    times = read_times(log)
    assert [times[index] for index in (511, 513, 700, 701, 1023, 1025)] == [1, 2, 2, 1, 1, 1]
    alone = gm.measure(Items(2000, tmp_path / "alone", 700, times=0), extractor="pixels", reading=reading("local"))
    assert (found.count, found.digest, found.order) == (2000, alone.digest, alone.order)
    real = gm.measure(Items(600, tmp_path / "real", 0, times=0), extractor="pixels", reading=reading("local"))
    values = [gm.score(real, fake, ["fid"], ci="fast")["fid"] for fake in (found, alone)]
    assert values[0].value == pytest.approx(values[1].value, rel=1e-10)


@pytest.mark.slow
def test_what_kills_every_worker_ends_the_run(cluster: str, tmp_path: Path) -> None:
    log = tmp_path / "read"
    with pytest.raises(ResourceError, match="Ray lost a worker for good") as error:
        gm.measure(Items(1100, log, 700, times=99), extractor="pixels", reading=reading())
    assert read_times(log)[700] == 4
    assert error.value.code == "E-RAY"
    assert "\n" not in str(error.value)


@pytest.mark.slow
def test_an_image_that_a_worker_cannot_read_is_one_sentence(
    cluster: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    broken = write_folder(tmp_path / "broken", 600, 2)
    (broken / "00550.png").write_bytes(b"\x89PNG nothing")
    with pytest.raises(InputError) as error:
        gm.measure(broken, extractor="pixels", reading=reading())
    assert type(error.value) is InputError
    assert (error.value.code, error.value.exit_code, error.value.where) == ("E-UNREADABLE", 3, str(broken))
    assert error.value.what.startswith("1 of 88 images cannot be read: 00550.png")
    assert error.value.__suppress_context__
    out, errors = capfd.readouterr()
    assert out == ""
    assert "Traceback" not in errors


@pytest.mark.slow
def test_images_that_are_left_out_are_named(cluster: str, tmp_path: Path) -> None:
    """Also where nothing is left of a stretch."""
    broken = write_folder(tmp_path / "broken", 600, 2)
    for index in range(512, 600):
        (broken / f"{index:05}.png").write_bytes(b"\x89PNG nothing")
    found, alone = (
        gm.measure(broken, extractor="pixels", reading=reading(name, on_error="skip")) for name in ("ray", "local")
    )
    assert (found.count, found.skipped, found.digest) == (512, 88, alone.digest)
    assert found.notes.skipped == alone.notes.skipped


@pytest.mark.slow
def test_what_cannot_be_cut_is_dealt_out(cluster: str) -> None:
    images = torch.randint(256, (1100, 3, 8, 8), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    alone = gm.measure(images, extractor="pixels", reading=reading("local"))
    for source in (images, DataLoader(TensorDataset(images), batch_size=100)):
        found = gm.measure(source, extractor="pixels", reading=reading())
        assert (found.count, found.digest, found.order) == (1100, alone.digest, alone.order)
    with pytest.raises(InputError, match="RandomSampler"):
        gm.measure(DataLoader(TensorDataset(images), 100, shuffle=True), extractor="pixels", reading=reading())


class Endless(IterableDataset):
    def __iter__(self) -> Iterator[torch.Tensor]:
        yield torch.zeros(3, 8, 8, dtype=torch.uint8)


def test_a_source_that_does_not_know_its_number_is_refused() -> None:
    with pytest.raises(UsageError, match="whose number of images is known"):
        gm.measure(Endless(), extractor="pixels", reading=reading())


def test_a_source_that_exists_in_this_process_only_is_refused() -> None:
    lock = Lock()

    def made(count: int) -> torch.Tensor:
        with lock:
            return torch.zeros(count, 3, 8, 8, dtype=torch.uint8)

    with pytest.raises(UsageError, match=r"cannot be sent to other processes: .*lock") as error:
        gm.measure(gm.source(made, num_images=600), extractor="pixels", reading=reading())
    assert error.value.where == "function made"


def test_without_ray_there_is_one_sentence(folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(UsageError, match="which is not installed") as error:
        gm.measure(folders[0], extractor="pixels", reading=reading())
    assert error.value.hint == "pip install 'ganmetrics[ray]'"


STATE = """
    import os, signal, sys, warnings
    import ganmetrics as gm

    def state():
        return dict(os.environ), sys.excepthook, signal.getsignal(signal.SIGTERM), warnings.filters[:]

    if __name__ == "__main__":
        signal.signal(signal.SIGTERM, lambda *_: None)
        gm.measure(sys.argv[1], extractor="pixels", reading=gm.Reading(cache=False))  # for what it imports
        before = state()
        reading = gm.Reading(engine="ray", cache=False, progress=True)
        found = gm.measure(sys.argv[1], extractor="pixels", reading=reading)
        import ray
        assert not ray.is_initialized()
        assert state() == before, [pair for pair in zip(state(), before) if pair[0] != pair[1]]
        print(found.digest)
"""


def run(tmp_path: Path, folder: Path, **more: str) -> subprocess.CompletedProcess[str]:
    script = tmp_path / "script.py"
    script.write_text(textwrap.dedent(STATE))
    environment = {**os.environ, "OMP_NUM_THREADS": "1", **more}
    command = [sys.executable, str(script), str(folder)]
    return subprocess.run(command, capture_output=True, text=True, timeout=240, env=environment)


@pytest.mark.slow
@pytest.mark.parametrize("is_there", [False, True], ids=["started", "RAY_ADDRESS"])
def test_a_process_is_left_as_it_was(cluster: str, is_there: bool, folders: tuple[Path, Path], tmp_path: Path) -> None:
    """Whether Ray is started for it or joined; nothing but the bar is printed."""
    done = run(tmp_path, folders[0], RAY_ADDRESS=cluster if is_there else "local")
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == gm.measure(folders[0], extractor="pixels", reading=reading("local")).digest
    lines = [line for line in done.stderr.replace("\r", "\n").splitlines() if line.strip()]
    assert all("img/s" in line for line in lines), done.stderr
    assert "1337/1337" in lines[-1]
