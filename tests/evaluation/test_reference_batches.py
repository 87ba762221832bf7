"""Reference batches of guided diffusion: whole sets in mu and sigma, some images in arr_0, in one file and one call."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commands import Run

import ganmetrics as gm

pytestmark = pytest.mark.filterwarnings("ignore::ganmetrics.errors.GanMetricsWarning")
WHOLE, SOME, FAKE = 14, 12, 12  # images, which each meet a network of 299 pixels
METRICS = ["fid", "sfid", "precision_recall", "is(splits=2)"]


def images(count: int, seed: int) -> Any:
    return np.random.RandomState(seed).randint(0, 256, (count, 24, 24, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, synthetic_weights: Path) -> Path:
    """A reference batch in guided diffusion's layout: statistics of some images and part of them beside."""
    root = tmp_path_factory.mktemp("batches")
    real, fake = images(WHOLE, 0), images(FAKE, 1)
    np.save(root / "real.npy", real)
    np.save(root / "some.npy", real[:SOME])
    np.savez(root / "fake.npz", fake, np.arange(FAKE) % 3)
    found = gm.measure(real, reads=("moments", "spatial_moments"), weights=synthetic_weights)
    arrays = {}
    for moments, names in ((found.moments, ("mu", "sigma")), (found.spatial_moments, ("mu_s", "sigma_s"))):
        assert moments is not None
        arrays |= dict(zip(names, (moments.mean.numpy(), moments.covariance().numpy()), strict=True))
    np.savez(root / "VIRTUAL.npz", arr_0=real[:SOME], arr_1=np.arange(SOME) % 3, **arrays)
    return root


@pytest.fixture
def options(folder: Path, synthetic_weights: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    monkeypatch.chdir(folder)
    return {"weights": synthetic_weights, "ci": "off"}


def values(result: gm.Result) -> dict[str, float]:
    return {name: score.value for name, score in result.scores.items()}


def assumed(folder: Path, weights: Path) -> gm.Statistics:
    return gm.load_statistics(folder / "VIRTUAL.npz", assume="adm", weights=weights)


def test_each_metric_reads_its_part_of_the_file(folder: Path, options: dict[str, Any]) -> None:
    real = assumed(folder, options["weights"])
    found = gm.evaluate(real, "fake.npz", metrics=METRICS, protocol="adm", **options)
    whole = gm.evaluate("real.npy", "fake.npz", metrics=["fid", "sfid"], **options)
    some = gm.evaluate("some.npy", "fake.npz", metrics=["precision_recall", "is(splits=2)"], **options)
    assert values(found) == pytest.approx({**values(whole), **values(some)}, rel=1e-9, abs=1e-9)
    sides = {name: score.signature.real for name, score in found.scores.items()}
    assert sides["fid"] == sides["sfid"] == "unverified#0:unknown"
    assert sides["precision"] == sides["recall"] == some["precision"].signature.real
    assert sides["is"] == ""


@pytest.mark.slow
def test_one_file_and_one_command(folder: Path, options: dict[str, Any], run: Run, monkeypatch: Any) -> None:
    """The published weights stand in: the protocol vouches for them."""
    monkeypatch.setattr("ganmetrics.measurement.archive.FID_INCEPTION", "")
    command = (
        "evaluate",
        "VIRTUAL.npz",
        "fake.npz",
        "--metrics",
        "fid,sfid,precision_recall,is",
        "--set",
        "is.splits=2",
    )
    given = (*command, "--weights", options["weights"], "--ci", "off", "-q", "--json", "-")
    bare = run(*given)
    assert bare.returncode == 4
    assert "`--protocol adm`" in bare.stderr
    done = run(*given, "--protocol", "adm", "--assume-recipe", "adm")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    expected = gm.evaluate(assumed(folder, options["weights"]), "fake.npz", metrics=METRICS, protocol="adm", **options)
    assert {name: score["value"] for name, score in found["scores"].items()} == values(expected)
    assert found["real"]["count"] == SOME
    assert found["real"]["whole"]["count"] == 0


def test_the_protocol_vouches_for_the_layout_that_only_its_package_writes(
    folder: Path, options: dict[str, Any], run: Run
) -> None:
    """The recipe is that of the published weights, and others are refused."""
    done = run("fid", "VIRTUAL.npz", "fake.npz", "--protocol", "adm", "--weights", options["weights"], "-q")
    assert done.returncode == 4
    assert (
        "made by different recipes: network: inception-2015-12-05:6726825d / inception-2015-12-05-custom" in done.stderr
    )
    with np.load("VIRTUAL.npz") as file:
        np.savez("plain.npz", mu=file["mu"], sigma=file["sigma"])
    for arguments in (("VIRTUAL.npz", "--protocol", "clean-fid"), ("plain.npz", "--protocol", "adm")):
        done = run("fid", *arguments[:1], "fake.npz", *arguments[1:], "-q")
        assert (done.returncode, "E-NO-RECIPE" in done.stderr) == (4, True)


@pytest.mark.slow
def test_fid_alone_reads_no_image_of_the_file(folder: Path, options: dict[str, Any], monkeypatch: Any) -> None:
    real, fake = assumed(folder, options["weights"]), gm.measure("fake.npz", weights=options["weights"])
    assert real.beside is not None
    monkeypatch.setattr(type(real.beside), "batches", None)
    assert gm.evaluate(real, fake, metrics=["fid"]).real is real


@pytest.mark.slow
def test_other_commands_read_the_images_too(folder: Path, options: dict[str, Any]) -> None:
    real = assumed(folder, options["weights"])
    some = gm.evaluate("some.npy", "fake.npz", metrics=["prdc"], **options)
    compared = gm.compare(real, "fake.npz", "some.npy", metrics=["prdc"], weights=options["weights"])
    assert values(compared.results["fake.npz"]) == pytest.approx(values(some), abs=1e-9)
    found = gm.diagnose(real, gm.source(images(12, 5)), test="fake.npz", weights=options["weights"])
    assert found.pair.real.count == SOME
    by_class = gm.evaluate(real, "fake.npz", metrics=["class_fid"], **options)
    assert by_class["class_fid"].value >= 0
    evaluation = gm.Evaluation(["fid", "prdc"], "real.npy", extractor="pixels")
    evaluation.update(images(12, 6).transpose(0, 3, 1, 2))
    assert evaluation.compute().real.count == WHOLE  # type: ignore[union-attr]


def evaluators(path: Path) -> dict[str, Any]:
    """What guided diffusion's evaluator reads of a file, step by step as it does."""
    found: dict[str, Any] = {}
    with open(path, "rb") as stream, zipfile.ZipFile(stream) as archive, archive.open("arr_0.npy") as member:
        assert np.lib.format.read_magic(member) == (1, 0)
        shape, is_fortran, dtype = np.lib.format.read_array_header_1_0(member)
        assert not is_fortran
        assert not dtype.hasobject
        found["arr_0"] = np.frombuffer(member.read(int(np.prod(shape)) * dtype.itemsize), dtype).reshape(shape)
    loaded = np.load(path)
    assert "mu" in list(loaded.keys())
    return {**found, **{name: loaded[name] for name in ("mu", "sigma", "mu_s", "sigma_s")}}


def frechet(first: dict[str, Any], second: dict[str, Any], end: str) -> float:
    difference = first[f"mu{end}"] - second[f"mu{end}"]
    one, other = first[f"sigma{end}"], second[f"sigma{end}"]
    # The evaluator's root of the product has the same trace, but none is found where the product is singular.
    lengths, axes = np.linalg.eigh(one)
    half = axes * np.sqrt(lengths.clip(min=0))
    root = np.sqrt(np.linalg.eigvalsh(half.T @ other @ half).clip(min=0)).sum()
    return float(difference @ difference + np.trace(one) + np.trace(other) - 2 * root)


@pytest.mark.slow
def test_files_of_own_images_are_such_as_the_evaluator_reads(
    folder: Path, options: dict[str, Any], run: Run, tmp_path: Path
) -> None:
    keep = ("--keep", "moments,spatial_moments,features", "--keep", "images", "--weights", options["weights"], "-q")
    for name in ("real.npy", "fake.npz"):
        done = run("stats", "build", name, "-o", tmp_path / f"{Path(name).stem}.npz", *keep)
        assert done.returncode == 0, done.stderr
    real, fake = (evaluators(tmp_path / f"{name}.npz") for name in ("real", "fake"))
    assert np.array_equal(real["arr_0"], np.load("real.npy"))
    assert (real["mu"].shape, real["mu_s"].shape) == ((2048,), (2023,))
    direct = gm.evaluate("real.npy", "fake.npz", metrics=[*METRICS, "ms_ssim_diversity(scales=2)"], **options)
    again = gm.evaluate(
        tmp_path / "real.npz", tmp_path / "fake.npz", metrics=[*METRICS, "ms_ssim_diversity(scales=2)"], **options
    )
    assert values(again) == pytest.approx(values(direct), rel=1e-9, abs=1e-9)
    assert direct["sfid"].value == pytest.approx(frechet(real, fake, "_s"), rel=1e-3)
    assert {str(s.signature.fake) for s in again.scores.values()} == {
        str(s.signature.fake) for s in direct.scores.values()
    }
    foreign = gm.load_statistics("VIRTUAL.npz", assume="adm", weights=options["weights"])
    assert gm.fid(tmp_path / "real.npz", foreign).value == pytest.approx(0, abs=1e-6)


def test_of_many_images_ten_thousand_are_kept(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr("ganmetrics.measurement.image_members.MOST", 9)
    source = gm.source(images(150, 3))
    found = gm.measure(source, extractor="pixels")
    gm.save_statistics(found, tmp_path / "x.npz", images=source)
    with np.load(tmp_path / "x.npz") as file:
        kept = file["arr_0"]
    assert kept.shape == (9, 24, 24, 3)
    everything = [each.tobytes() for each in images(150, 3)]
    places = [everything.index(each.tobytes()) for each in kept]
    assert places == sorted(places) != list(range(9))
    loaded = gm.load_statistics(tmp_path / "x.npz")
    again = gm.evaluate(loaded, gm.source(images(30, 4)), metrics=["fid", "prdc"], extractor="pixels", ci="off")
    assert again["fid"].signature.real.startswith("#150:")
    assert again["prdc_precision"].signature.real.startswith("#9:")


def test_images_that_cannot_lie_beside_the_statistics_are_refused(tmp_path: Path, run: Run) -> None:
    found = gm.measure(images(9, 0), extractor="pixels")
    with pytest.raises(gm.InputError, match="not the images that the statistics are of"):
        gm.save_statistics(found, tmp_path / "x.npz", images=gm.source(images(9, 1)))
    mixed = [images(1, 0)[0], images(1, 1)[0][:20]] * 3
    with pytest.raises(gm.InputError, match="do not fit into one array"):
        gm.save_statistics(gm.measure(mixed, extractor="pixels"), tmp_path / "x.npz", images=gm.source(mixed))
    assert not (tmp_path / "x.npz").exists()
    np.save(tmp_path / "a.npy", images(9, 0))
    done = run(
        "stats", "build", tmp_path / "a.npy", "-o", tmp_path / "x.npz", "--keep", "moment", "--extractor", "pixels"
    )
    assert (done.returncode, "Did you mean 'moments'?" in done.stderr) == (2, True)
    done = run(
        "stats",
        "build",
        tmp_path / "a.npy",
        "-o",
        tmp_path / "x.npz",
        "--keep",
        "spatial_moments",
        "--extractor",
        "pixels",
    )
    assert (done.returncode, "no spatial layer" in done.stderr) == (2, True)


def test_images_that_were_changed_are_refused(tmp_path: Path) -> None:
    source = gm.source(images(30, 0))
    gm.save_statistics(gm.measure(source, extractor="pixels"), tmp_path / "x.npz", images=source)
    with np.load(tmp_path / "x.npz") as file:
        arrays = dict(file)
    arrays["arr_0"] = arrays["arr_0"] ^ 1
    np.savez(tmp_path / "x.npz", **arrays)
    assert gm.fid(tmp_path / "x.npz", images(20, 1), extractor="pixels").value > 0
    with pytest.raises(gm.StatisticsError, match="images in the file were changed"):
        gm.evaluate(tmp_path / "x.npz", images(20, 1), metrics=["prdc"], extractor="pixels")


def test_what_a_file_does_not_hold_is_said(folder: Path, options: dict[str, Any]) -> None:
    real = assumed(folder, options["weights"])
    with pytest.raises(gm.StatisticsError, match="hold no features"):
        gm.score(real, real, ["prdc"])
    with np.load("VIRTUAL.npz") as file:
        np.savez("odd.npz", arr_0=file["mu"], mu=file["mu"], sigma=file["sigma"], mu_s=file["mu_s"])
        np.savez("features.npz", arr_0=np.zeros((4, 2048)), mu=file["mu"], sigma=file["sigma"])
    with pytest.raises(gm.StatisticsError, match="the file holds no 'sigma_s'"):
        gm.load_statistics("odd.npz", assume="adm")
    found = gm.load_statistics("features.npz", assume="torch-fidelity", weights=options["weights"])
    with pytest.raises(gm.StatisticsError, match="hold no features"):
        gm.evaluate(found, "fake.npz", metrics=["prdc"], **options)


@pytest.mark.slow
def test_covariances_over_n_need_the_number_of_images(folder: Path, options: dict[str, Any]) -> None:
    real = assumed(folder, options["weights"])
    with pytest.raises(gm.StatisticsError, match="do not say of how many images they are"):
        gm.evaluate(real, "fake.npz", protocol="stylegan3", **options)


def test_a_remote_file_stays_until_its_images_were_read(tmp_path: Path, run: Run) -> None:
    import fsspec

    source = gm.source(images(30, 0))
    gm.save_statistics(gm.measure(source, extractor="pixels"), tmp_path / "x.npz", images=source)
    with fsspec.filesystem("memory").open("/batches/x.npz", "wb") as file:
        file.write((tmp_path / "x.npz").read_bytes())
    found = gm.evaluate("memory://batches/x.npz", images(20, 1), metrics=["fid", "prdc"], extractor="pixels", ci="off")
    here = gm.evaluate(tmp_path / "x.npz", images(20, 1), metrics=["fid", "prdc"], extractor="pixels", ci="off")
    assert values(found) == values(here)
    assert found.real is not None
    assert found.real.source == "memory://batches/x.npz"
    with np.load(tmp_path / "x.npz") as arrays:
        plain = {name: arrays[name] for name in ("mu", "sigma")}
    np.savez(tmp_path / "plain.npz", **plain)
    with fsspec.filesystem("memory").open("/batches/plain.npz", "wb") as file:
        file.write((tmp_path / "plain.npz").read_bytes())
    pair = ["memory://batches/plain.npz", tmp_path / "plain.npz"]
    done = run("fid", *pair, "--assume-recipe", "clean-fid", "-q")
    assert done.returncode == 0, done.stderr
    assert "|clean-bicubic|" in done.stdout
