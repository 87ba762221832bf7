"""Published statistics by name: fetched from a server on this machine, checked, kept, scored as their package does."""

from __future__ import annotations

import io
import json
import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commands import Run
from serving import HASTE, Handler, Server, environment, offset_of, running, sha256

import ganmetrics as gm
from ganmetrics.errors import GanMetricsWarning
from ganmetrics.measurement import archive, published_store
from ganmetrics.measurement.published_statistics import PUBLISHED, PublishedFile
from ganmetrics.measurement.published_store import fetch
from ganmetrics.numerics.moments import Moments

pytestmark = pytest.mark.filterwarnings("ignore::ganmetrics.errors.GanMetricsWarning")
RNG = np.random.RandomState(0)
ROWS, FAKE = RNG.randn(300, 6).astype(np.float32), RNG.randn(200, 6).astype(np.float32) + 1
MOMENTS = {"mu": ROWS.mean(0, dtype=np.float64), "sigma": np.cov(ROWS.T.astype(np.float64))}


def npz(write: Callable[..., None] = np.savez, **arrays: Any) -> bytes:
    stream = io.BytesIO()
    write(stream, **arrays)
    return stream.getvalue()


# A stand-in in the layout of each package: its arrays, its types and its way of packing.
LAYOUTS = {
    "adm:imagenet64": npz(**MOMENTS, mu_s=MOMENTS["mu"], sigma_s=MOMENTS["sigma"], mu_clip=MOMENTS["mu"],
                          sigma_clip=MOMENTS["sigma"], arr_0=np.zeros((12, 8, 8, 3), np.uint8)),
    "adm:lsun-cat256": npz(**MOMENTS, mu_s=MOMENTS["mu"], sigma_s=MOMENTS["sigma"],
                           arr_0=np.zeros((12, 8, 8, 3), np.uint8)),
    "edm:cifar10": npz(**MOMENTS),
    "edm:imagenet64-baseline": npz(**MOMENTS),
    "clean-fid:cifar10_clean_train_32": npz(np.savez_compressed, **MOMENTS),
    "clean-fid:ffhq_legacy_pytorch_trainval70k_1024": npz(np.savez_compressed, **MOMENTS),
    "clean-fid:lsun_cat_legacy_tensorflow_trainfull_256": npz(np.savez_compressed, **MOMENTS),
    "clean-fid:metfaces_clean_train_1024_kid": npz(np.savez_compressed, feats=ROWS),
}  # fmt: skip


def serves(body: bytes) -> Callable[[Handler], None]:
    def answer(handler: Handler) -> None:
        start = offset_of(handler)
        span = f"bytes {start}-{len(body) - 1}/{len(body)}"
        handler.reply(206 if start else 200, body[start:], **({"Content_Range": span} if start else {}))

    return answer


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Server]:
    environment(monkeypatch, tmp_path)
    monkeypatch.delenv("GANMETRICS_STATISTICS_DIR", raising=False)
    with running() as found:
        yield found


@pytest.fixture
def published(server: Server, monkeypatch: pytest.MonkeyPatch) -> Callable[..., PublishedFile]:
    """Puts the address of a stand-in in the place of the published one."""

    def put(name: str, answer: Any = None, **changes: Any) -> PublishedFile:
        body = LAYOUTS.get(name, LAYOUTS["edm:cifar10"])
        url = server.url(f"/{PUBLISHED[name].place[1]}", answer or serves(body))
        file = replace(PUBLISHED[name], url=url, **{"size": 0, "sha256": "", **changes})
        monkeypatch.setitem(PUBLISHED, name, file)
        return file

    return put


def fake_under(protocol: str) -> gm.Statistics:
    """Generated images as a recipe's network would have measured them."""
    found = gm.features(FAKE, "stand-in")
    return replace(found, recipe=archive.assumable()[protocol], name="")


# --- the table ----------------------------------------------------------------------------------------------------


def test_the_table_names_what_the_projects_publish() -> None:
    by_package = {package: [each for each in PUBLISHED if each.startswith(package)] for package in ("adm", "edm")}
    assert [len(names) for names in by_package.values()] == [7, 5]
    assert sum(name.startswith("clean-fid:") and not name.endswith("_kid") for name in PUBLISHED) == 53
    for name, file in PUBLISHED.items():
        assert file.name == name
        assert file.url.startswith("https://")
        assert file.protocol in archive.assumable()
        assert file.keys
    assert (
        len({file.url for file in PUBLISHED.values()}) == len({f.place for f in PUBLISHED.values()}) == len(PUBLISHED)
    )
    modes = {name: PUBLISHED[name].protocol for name in PUBLISHED if "cat2dog" in name}
    assert list(modes.values()) == ["clean-fid", "torch-fidelity", "pytorch-fid"]


def test_the_command_lists_them(run: Run) -> None:
    lines = run("stats", "list", "--published").stdout.splitlines()
    assert [line.split()[0] for line in lines[1:]] == list(PUBLISHED)
    assert "mnist-test" in run("stats", "list").stdout


# --- fetching -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", LAYOUTS)
def test_each_layout_scores_under_its_packages_protocol(
    name: str, published: Callable[..., PublishedFile], server: Server
) -> None:
    file = published(name)
    metric = "kid(subset_size=50)" if "feats" in file.keys else "fid"
    found = gm.evaluate(name, fake_under(file.protocol), metrics=[metric], ci="off")
    score = next(iter(found.scores.values()))
    expected = (
        gm.functional.kid(ROWS, FAKE, subset_size=50).value if "feats" in file.keys else gm.functional.fid(ROWS, FAKE)
    )
    assert score.value == pytest.approx(expected, rel=1e-6)
    digest = sha256(LAYOUTS[name])
    assert score.signature.real.startswith(f"{name.replace(':', '-')}#{file.count}:{digest[:8]}")
    assert score.signature.resize == archive.assumable()[file.protocol].resize
    again = gm.evaluate(name, fake_under(file.protocol), metrics=[metric], protocol=file.protocol, ci="off")
    assert next(iter(again.scores.values())).value == score.value
    assert len(server.requests) == 1
    other = "clean-fid" if file.protocol != "clean-fid" else "adm"
    with pytest.raises(
        gm.UsageError, match=f"scores under the protocol {file.protocol} only, and {other} was asked for"
    ):
        gm.evaluate(name, fake_under(file.protocol), protocol=other)
    with pytest.raises(gm.StatisticsError, match="different recipes"):
        gm.fid(name, fake_under(other))


@pytest.mark.slow
def test_one_command_fetches_and_scores_a_reference_batch(
    published: Callable[..., PublishedFile], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, run: Run,
    synthetic_weights: Path,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GANMETRICS_OFFLINE", raising=False)
    images = [np.random.RandomState(i).randint(0, 256, (12, 16, 16, 3), dtype=np.uint8) for i in range(2)]
    real = gm.measure(images[0], reads=("moments", "spatial_moments"), weights=synthetic_weights)
    assert real.moments is not None
    assert real.spatial_moments is not None
    parts = (("", real.moments), ("_s", real.spatial_moments))
    arrays = {f"{key}{end}": value for end, m in parts for key, value in
              (("mu", m.mean.numpy()), ("sigma", m.covariance().numpy()))}  # fmt: skip
    monkeypatch.setitem(archive.assumable(), "adm", real.recipe)
    published("adm:imagenet256", serves(npz(**arrays, arr_0=images[0])))
    np.savez("fake.npz", images[1])
    given = (
        "--metrics",
        "fid,sfid,precision_recall",
        "--weights",
        synthetic_weights,
        "--ci",
        "off",
        "-q",
        "--json",
        "-",
    )
    done = run("evaluate", "adm:imagenet256", "fake.npz", *given)
    assert done.returncode == 0, done.stderr
    direct = gm.evaluate(
        images[0], images[1], metrics=["fid", "sfid", "precision_recall"], weights=synthetic_weights, ci="off"
    )
    found = json.loads(done.stdout)["scores"]
    assert {n: s["value"] for n, s in found.items()} == pytest.approx(
        {n: s.value for n, s in direct.scores.items()}, rel=1e-6
    )
    assert found["fid"]["signature"].split("|")[3].startswith("real:adm-imagenet256#0:")
    assert found["precision"]["signature"].split("|")[3].startswith("real:adm-imagenet256#12:")


def test_the_digest_that_is_seen_first_is_kept_and_compared(
    published: Callable[..., PublishedFile], run: Run, tmp_path: Path
) -> None:
    warnings.simplefilter("always", GanMetricsWarning)
    file = published("edm:cifar10")
    done = run("stats", "fetch", "edm:cifar10")
    assert done.returncode == 0, done.stderr
    digest = sha256(LAYOUTS["edm:cifar10"])
    path = tmp_path / "cache" / "ganmetrics" / "statistics" / "edm" / "cifar10-32x32.npz"
    assert done.stdout.split() == [str(path), "sha256", digest]
    assert f"nobody publishes a digest of edm:cifar10: its SHA-256 {digest} is kept" in done.stderr
    assert json.loads(path.with_name(f"{path.name}.json").read_text())["sha256"] == digest
    again = run("stats", "fetch", "edm:cifar10")
    assert (again.returncode, again.stderr) == (0, "")
    assert run("stats", "show", "edm:cifar10").returncode == 0
    path.write_bytes(npz(mu=MOMENTS["mu"] + 1, sigma=MOMENTS["sigma"]))
    with pytest.raises(gm.StatisticsError, match="the one seen first, on ") as caught:
        fetch(file)
    assert caught.value.code == "E-CORRUPT"
    assert run("fid", "edm:cifar10", "edm:cifar10").returncode == 4


def test_a_published_digest_is_compared(published: Callable[..., PublishedFile]) -> None:
    body = LAYOUTS["edm:cifar10"]
    file = published("edm:cifar10", sha256=sha256(body), size=len(body))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        path, digest = fetch(file)
    assert digest == sha256(body)
    path.unlink()
    wrong = replace(file, sha256="0" * 64)
    with pytest.raises(gm.StatisticsError, match="the server sent other bytes") as caught:
        fetch(wrong, patience=HASTE)
    assert caught.value.code == "E-DOWNLOAD"
    assert not path.exists()


def test_an_interrupted_download_goes_on(published: Callable[..., PublishedFile], server: Server) -> None:
    body = LAYOUTS["edm:cifar10"]

    def cut_once(handler: Handler) -> None:
        if offset_of(handler):
            return serves(body)(handler)
        return handler.reply(200, body[: len(body) // 2], Content_Length=str(len(body)))

    file = published("edm:cifar10", cut_once)
    path, digest = fetch(file, patience=HASTE)
    assert digest == sha256(body)
    assert [asked for _, asked in server.requests] == [None, f"bytes={len(body) // 2}-"]
    assert path.read_bytes() == body


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda handler: handler.reply(404, b"no"), "HTTP 404"),
        (lambda handler: handler.reply(200, b"<html>", Content_Type="text/html"), "a web page, not statistics"),
        (lambda handler: handler.reply(200, b"no npz"), "no npz file, or a damaged one"),
        (lambda handler: handler.reply(200, LAYOUTS["edm:cifar10"][:-9]), "no npz file, or a damaged one"),
        (lambda handler: handler.reply(200, LAYOUTS["edm:cifar10"], Content_Length=""), "does not say how long"),
    ],
)
def test_a_server_that_gives_no_such_file_is_told(
    answer: Any, words: str, published: Callable[..., PublishedFile], tmp_path: Path
) -> None:
    file = published("edm:cifar10", answer)
    with pytest.raises(gm.StatisticsError, match=words) as caught:
        fetch(file, patience=HASTE)
    assert (caught.value.code, caught.value.exit_code) == ("E-DOWNLOAD", 4)
    assert "put it at" in caught.value.hint
    assert not list(tmp_path.rglob("*.npz"))


def test_offline_says_where_the_file_belongs(
    published: Callable[..., PublishedFile], run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, server: Server
) -> None:
    monkeypatch.setenv("GANMETRICS_OFFLINE", "1")
    monkeypatch.setenv("GANMETRICS_STATISTICS_DIR", str(tmp_path / "kept"))
    file = published("edm:cifar10")
    done = run("fid", "edm:cifar10", "fake/")
    assert (done.returncode, done.stdout) == (4, "")
    assert "error[E-OFFLINE]" in done.stderr
    place = tmp_path / "kept" / "edm" / "cifar10-32x32.npz"
    assert f"from {file.url} and put it at {place}" in done.stderr
    place.parent.mkdir(parents=True)
    place.write_bytes(LAYOUTS["edm:cifar10"])
    assert gm.fid("edm:cifar10", fake_under("edm")).value == pytest.approx(gm.functional.fid(ROWS, FAKE), rel=1e-6)
    assert server.requests == []


def test_names_that_are_wrong_are_answered(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for command in (
        ("fid", "adm:imagenet25", "fake/"),
        ("stats", "fetch", "adm:imagenet25"),
        ("stats", "fetch", "adm"),
    ):
        done = run(*command)
        assert done.returncode == 2
        assert "published statistics" in done.stderr
    assert "Did you mean 'adm:imagenet256'?" in run("fid", "adm:imagenet25", "fake/").stderr
    monkeypatch.chdir(tmp_path)
    done = run("fid", "adm:imagenet64", "fake/", "--protocol", "all")
    assert (done.returncode, "under the protocol adm only" in done.stderr) == (2, True)


def test_a_file_of_another_layout_is_refused(published: Callable[..., PublishedFile]) -> None:
    published("adm:imagenet64", serves(npz(**MOMENTS)))
    with pytest.raises(gm.StatisticsError, match="the published file holds no 'arr_0'") as caught:
        gm.fid("adm:imagenet64", fake_under("adm"))
    assert caught.value.code == "E-KEYS"
    published("edm:cifar10", serves(npz(mu=np.array([{}], dtype=object), sigma=MOMENTS["sigma"])))
    with pytest.raises(gm.StatisticsError, match="contains Python objects") as caught:
        gm.fid("edm:cifar10", fake_under("edm"))
    assert "numpy.savez(path, mu=mu, sigma=sigma)" in caught.value.hint


@pytest.mark.parametrize(("name", "near"), [
    ("adm:imagenet257", "Did you mean 'adm:imagenet256'? "),
    ("clean-fid:cifar10_clean_train_3", "Did you mean 'clean-fid:cifar10_clean_train_32'? "),
    ("zzz", ""),
])  # fmt: skip
def test_an_unknown_name_is_told_where_names_are_listed(name: str, near: str, run: Run) -> None:
    done = run("stats", "fetch", name)
    assert (done.returncode, done.stdout) == (2, "")
    end = f"unknown published statistics '{name}'. {near}`ganmetrics stats list --published` lists them\n"
    assert done.stderr.endswith(end)


def test_pickles_are_refused_with_the_line_that_converts_them(tmp_path: Path, run: Run) -> None:
    import pickle
    import subprocess
    import sys

    moments = Moments.of(gm.features(ROWS, "x").features)  # type: ignore[arg-type]
    table = {"mu": moments.mean.numpy(), "sigma": moments.covariance().numpy()}
    (tmp_path / "ref.pkl").write_bytes(pickle.dumps({"fid": table, "fd_dinov2": {}}))
    done = run("fid", tmp_path / "ref.pkl", tmp_path)
    assert (done.returncode, done.stdout) == (3, "")
    code = done.stderr.partition('python -c "')[2].rpartition('"')[0]
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True)
    found = gm.load_statistics(tmp_path / "ref.npz", assume="torch-fidelity")
    assert found.moments is not None
    assert np.array_equal(found.moments.mean, table["mu"])


def test_the_file_is_not_hashed_again_unless_it_was_touched(
    published: Callable[..., PublishedFile], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = published("edm:cifar10")
    path, digest = fetch(file)
    monkeypatch.setattr(published_store, "digest", None)
    assert fetch(file) == (path, digest)
