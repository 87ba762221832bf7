"""Published scores, with stand-ins for what is fetched: a local server gives weights and images of the same layouts.

The scores that are expected are torch-fidelity's, of the same files by its own recipe.
"""

from __future__ import annotations

import hashlib
import io
import json
import pickle
import tarfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commands import Run
from PIL import Image
from serving import Server, environment, running, sends, sha256, status
from torch_fidelity import calculate_metrics
from torchvision.datasets import CIFAR10

from ganmetrics.extractors.weights import weight_store as weights
from ganmetrics.selftest import check_list, published

TRAIN, TEST, SUBSET, KID = 30, 24, 20, "kid(subset_size=10,num_subsets=10)"
OFF = ("closed_forms", "images", "networks", "statistics")


@pytest.fixture
def server() -> Iterator[Server]:
    with running() as server:
        yield server


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """No other part of the self-test."""
    monkeypatch.setattr(check_list, "QUICK", ())
    for name in OFF:
        monkeypatch.setattr(check_list, name, lambda *_: [])


def pixels(count: int, seed: int) -> np.ndarray[Any, Any]:
    """Coloured ramps with noise: uint8 [count, 3, 32, 32]."""
    rng = np.random.RandomState(seed)
    ramps = rng.uniform(0, 8, (count, 3, 1, 1)) * np.arange(32) + rng.normal(0, 20 + 10 * seed, (count, 3, 32, 32))
    return ramps.clip(0, 255).astype(np.uint8)


def archive(sets: dict[str, np.ndarray[Any, Any]]) -> tuple[bytes, dict[str, str]]:
    """A tar of batches as CIFAR-10 has them, and the MD5 of each member."""
    stream, digests = io.BytesIO(), {}
    bodies = {name: pickle.dumps({"data": found.reshape(len(found), -1), "labels": [0] * len(found)})
              for name, found in sets.items()}  # fmt: skip
    bodies["batches.meta"] = pickle.dumps({"label_names": ["thing"]})
    with tarfile.open(fileobj=stream, mode="w:gz") as tar:
        for name, body in bodies.items():
            member = tarfile.TarInfo(f"cifar-10-batches-py/{name}")
            member.size = len(body)
            tar.addfile(member, io.BytesIO(body))
            digests[name] = hashlib.md5(body, usedforsecurity=False).hexdigest()
    return stream.getvalue(), digests


@pytest.fixture
def sets(
    server: Server, synthetic_weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> dict[str, np.ndarray[Any, Any]]:
    """What the server gives in place of the published files."""
    environment(monkeypatch, tmp_path)
    monkeypatch.setenv("GANMETRICS_DATA_DIR", str(tmp_path / "data"))
    body = synthetic_weights.read_bytes()
    file = replace(weights.WEIGHTS[published.WEIGHTS], urls=(server.url("/w", sends(body)),), size=len(body),
                   sha256=sha256(body))  # fmt: skip
    monkeypatch.setitem(weights.WEIGHTS, published.WEIGHTS, file)
    found = {"data_batch_1": pixels(TRAIN, 0), "test_batch": pixels(TEST, 1)}
    tar, digests = archive(found)
    monkeypatch.setattr(CIFAR10, "url", server.url("/cifar-10-python.tar.gz", sends(tar)))
    monkeypatch.setattr(CIFAR10, "tgz_md5", hashlib.md5(tar, usedforsecurity=False).hexdigest())
    monkeypatch.setattr(CIFAR10, "train_list", [["data_batch_1", digests["data_batch_1"]]])
    monkeypatch.setattr(CIFAR10, "test_list", [["test_batch", digests["test_batch"]]])
    monkeypatch.setattr(
        CIFAR10, "meta", {"filename": "batches.meta", "key": "label_names", "md5": digests["batches.meta"]}
    )
    monkeypatch.setattr(published, "SUBSET", SUBSET)
    return found


def dumped(found: np.ndarray[Any, Any], folder: Path, limit: int | None) -> str:
    """PNG files named by their place, a seeded choice up to a limit, as torch-fidelity's script makes them."""
    folder.mkdir()
    places = range(len(found)) if limit is None else np.random.RandomState(2020).choice(len(found), limit, False)
    for place in places:
        Image.fromarray(found[place].transpose(1, 2, 0)).save(folder / f"{place:05d}.png")
    return str(folder)


def theirs(first: str, second: str | None, file: Path, **options: Any) -> dict[str, float]:
    both = second is not None
    return calculate_metrics(
        input1=first,
        input2=second,
        isc=True,
        fid=both,
        kid=both,
        cuda=False,
        verbose=False,
        cache=False,
        feature_extractor_weights_path=str(file),
        **options,
    )


@pytest.fixture
def numbers(
    sets: dict[str, np.ndarray[Any, Any]], synthetic_weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """torch-fidelity's scores in place of those published."""
    train, test = sets["data_batch_1"], sets["test_batch"]
    fake, real = dumped(train, tmp_path / "train", SUBSET), dumped(test, tmp_path / "test", SUBSET)
    found = theirs(fake, real, synthetic_weights, kid_subset_size=10, kid_subsets=10)
    names = {
        ("is", "value"): "inception_score_mean",
        ("is", "std"): "inception_score_std",
        ("fid", "value"): "frechet_inception_distance",
        (KID, "value"): "kernel_inception_distance_mean",
        (KID, "std"): "kernel_inception_distance_std",
    }
    subsets = [published.Number(*key, found[name], 1e-4) for key, name in names.items()]
    monkeypatch.setattr(published, "SUBSETS", tuple(subsets))
    whole = theirs(dumped(train, tmp_path / "whole", None), None, synthetic_weights)
    wholes = [published.Number(*key, whole[name], 1e-4) for key, name in names.items() if key[0] == "is"]
    monkeypatch.setattr(published, "WHOLE", tuple(wholes))


@pytest.mark.slow
@pytest.mark.usefixtures("alone", "numbers")
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")
def test_what_is_fetched_gives_torch_fidelitys_scores(
    run: Run, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = run("selftest", "--network", "--json", "-q")
    report = json.loads(done.stdout)
    checks = report["checks"]["published scores"]
    assert [check["name"].replace("(inception)", "") for check in checks] == [  # these weights are not the published
        "IS of 20 images of CIFAR-10", "IS of 20 images of CIFAR-10, std", "FID of 20 images of CIFAR-10",
        "KID of 20 images of CIFAR-10", "KID of 20 images of CIFAR-10, std",
        "IS of 30 images of CIFAR-10", "IS of 30 images of CIFAR-10, std",
    ]  # fmt: skip
    assert done.returncode == 0, [check for check in checks if not check["passed"]]
    assert sorted({path for path, _ in server.requests}) == ["/cifar-10-python.tar.gz", "/w"]
    asked = len(server.requests)
    first, *rest = published.SUBSETS
    monkeypatch.setattr(published, "SUBSETS", (first._replace(value=first.value + 0.01), *rest))
    again = run("selftest", "--network", "-q")
    assert again.returncode == 1
    assert "FAIL  IS(inception) of 20 images" in again.stdout
    assert len(server.requests) == asked  # nothing was fetched twice


@pytest.mark.usefixtures("alone", "sets")
def test_without_a_network_nothing_is_checked(run: Run, monkeypatch: pytest.MonkeyPatch, server: Server) -> None:
    monkeypatch.setenv("GANMETRICS_OFFLINE", "1")
    done = run("selftest", "--network")
    assert (done.returncode, done.stdout) == (5, "")
    assert "GANMETRICS_OFFLINE forbids their download" in done.stderr
    assert server.requests == []


@pytest.mark.usefixtures("alone", "sets")
def test_images_that_cannot_be_had_are_said_first(run: Run, monkeypatch: pytest.MonkeyPatch, server: Server) -> None:
    monkeypatch.setattr(CIFAR10, "url", server.url("/cifar-10-python.tar.gz", status(404)))
    done = run("selftest", "--network", "-q")
    assert (done.returncode, done.stdout) == (3, "")
    assert "the data set cannot be had" in done.stderr


def test_the_subset_is_in_the_order_of_its_files() -> None:
    chosen = published._chosen(50_000)
    assert chosen.tolist() == sorted(np.random.RandomState(2020).choice(50_000, 5000, replace=False).tolist())
