"""Features that were computed elsewhere: in Python and by the command, in every kind of file, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from commands import Run
from safetensors.torch import save_file

import ganmetrics as gm
from ganmetrics.metrics import METRICS
from ganmetrics.metrics.needs import FEATURES, LOGITS, MOMENTS

pytestmark = pytest.mark.filterwarnings("ignore::ganmetrics.errors.GanMetricsWarning")
RNG = np.random.RandomState(0)
REAL, FAKE = RNG.randn(120, 6).astype(np.float32), (RNG.randn(110, 6) + 1).astype(np.float32)
TEST, ANSWERS = RNG.randn(100, 6).astype(np.float32), RNG.randn(110, 4).astype(np.float32)
NAME = ("--features-name", "r3d18")


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    np.save("real.npy", REAL)
    np.savez("named.npz", features=FAKE, logits=ANSWERS)
    np.savez("alone.npz", FAKE)
    np.savez("feats.npz", feats=FAKE, labels=np.arange(110.0))
    save_file({"features": torch.from_numpy(FAKE), "logits": torch.from_numpy(ANSWERS)}, "fake.safetensors")
    np.save("fake.npy", FAKE)
    np.save("logits.npy", ANSWERS)
    return tmp_path


def given(rows: Any, name: str = "r3d18", **options: Any) -> gm.Statistics:
    return gm.features(rows, name, **options)


@pytest.mark.parametrize("metric", METRICS.names())
def test_every_metric_that_reads_features_takes_them(metric: str) -> None:
    record = METRICS[metric]
    options = {"kid": "(subset_size=50)", "fid_infinity": "(num_points=3)", "is": "(splits=2)"}.get(metric, "")
    sets = (given(REAL, logits=RNG.randn(120, 4)), given(FAKE, logits=ANSWERS), given(TEST))
    if set(record.reads) <= {MOMENTS, FEATURES, LOGITS}:
        result = gm.evaluate(*sets, metrics=[f"{metric}{options}"], ci="off")
        assert {score.signature.network for score in result.scores.values()} == {"features r3d18"}
    else:
        with pytest.raises(gm.StatisticsError, match=r"^features r3d18 were given, and the metric reads ") as caught:
            gm.evaluate(*sets, metrics=[metric])
        assert caught.value.code == "E-KEPT"


def test_the_score_is_that_of_the_functions_on_arrays() -> None:
    assert gm.fid(given(REAL), given(FAKE)).value == pytest.approx(gm.functional.fid(REAL, FAKE), rel=1e-9)
    found = gm.evaluate(given(REAL), given(FAKE), metrics=["precision_recall"])
    assert found["precision"].value == gm.functional.precision_recall(REAL, FAKE).precision


def test_what_is_known_stands_in_the_signature_and_the_order_where_it_counts() -> None:
    first, turned = given(FAKE), given(FAKE[::-1].copy())
    assert first.digest == turned.digest
    assert first.order != turned.order
    assert str(gm.fid(given(REAL), first).signature).startswith("fid|features r3d18|none|real:#120:")


@pytest.mark.parametrize("rows", [FAKE, torch.from_numpy(FAKE), FAKE.astype(np.float64), FAKE.tolist()])
def test_arrays_of_any_kind_are_one_set(rows: Any) -> None:
    assert given(rows).digest == given(FAKE).digest


def test_half_precision_is_said() -> None:
    assert "16 bits" in gm.evaluate(given(REAL), given(FAKE.astype(np.float16))).warnings[0]


@pytest.mark.parametrize("name", ["named.npz", "alone.npz", "feats.npz", "fake.safetensors", "fake.npy"])
def test_files_of_each_kind_give_one_score_by_command_and_library(files: Path, run: Run, name: str) -> None:
    done = run("fid", "real.npy", name, *NAME, "--json", "-")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)["scores"]["fid"]
    assert found == gm.evaluate(given("real.npy"), given(files / name)).to_dict()["scores"]["fid"]
    assert found["value"] == gm.fid(given(REAL), given(FAKE)).value
    assert "|features r3d18|" in found["signature"]


@pytest.mark.parametrize(
    "arguments",
    [
        ("evaluate", "real.npy", "named.npz", "--metrics", "fid,is,vendi"),
        ("evaluate", "real.npy", "fake.npy", "--logits", "logits.npy", "--metrics", "is"),
        ("evaluate", "real.npy", "fake.npy", "--test", "fake.npy", "--metrics", "ct"),
        ("is", "fake.npy", "--logits", "logits.npy"),
        ("is", "fake.safetensors"),
        ("kid", "real.npy", "fake.npy", "--set", "kid.subset_size=50"),
        ("compare", "real.npy", "fake.npy", "real.npy"),
        ("diagnose", "real.npy", "fake.npy"),
        ("fid", "real.npy", "fake.npy", "--attribute", "2"),
    ],
    ids=lambda arguments: " ".join(arguments),
)
def test_commands_take_them(files: Path, run: Run, arguments: tuple[str, ...]) -> None:
    done = run(*arguments, *NAME)
    assert done.returncode == 0, done.stderr
    assert "features r3d18" in done.stdout
    assert "fake" in done.stdout


def test_logits_go_to_the_sets_in_their_order(files: Path, run: Run) -> None:
    np.save("real-logits.npy", RNG.randn(120, 4))
    command = ("evaluate", "real.npy", "fake.npy", "--metrics", "modes", *NAME)
    assert run(*command, "--logits", "real-logits.npy", "--logits", "logits.npy").returncode == 0
    one = run(*command, "--logits", "logits.npy")
    assert one.returncode == 4
    assert "Give them too, as `--logits FILE`" in one.stderr
    three = run(*command, *["--logits", "logits.npy"] * 3)
    assert three.returncode == 2
    assert "3 files of logits for 2 sets" in three.stderr


BAD: dict[str, tuple[Any, str, str]] = {
    "one number": (REAL[:, :1], "E-SHAPE", "one number for each sample"),
    "flattened": (REAL.ravel(), "E-SHAPE", "flattened to one axis"),
    "maps": (np.zeros((4, 8, 7, 7), np.float32), "E-SHAPE", "maps that were not pooled"),
    "wide": (np.zeros((3, 50176), np.float32), "E-SHAPE", "covariance alone would take 19 GiB"),
    "equal rows": (np.ones((9, 8), np.float32), "E-RANGE", "all 9 rows of features are equal"),
    "a single row": (REAL[:1], "E-TOO-FEW", "at least 2 rows"),
    "NaN": (np.where(REAL > 2, np.nan, REAL), "E-NOT-FINITE", "NaN or infinity"),
    "large": (REAL.astype(np.float64) * 1e40, "E-RANGE", "float32 does not hold"),
}


@pytest.mark.parametrize("case", BAD)
def test_arrays_that_are_no_features_are_refused_alike(files: Path, run: Run, case: str) -> None:
    rows, code, words = BAD[case]
    with pytest.raises(gm.InputError, match=words) as caught:
        given(rows)
    assert (caught.value.code, caught.value.exit_code) == (code, 3)
    np.save("bad.npy", rows)
    done = run("fid", "real.npy", "bad.npy", *NAME)
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr.startswith(f"error[{code}]: ")
    assert words in done.stderr
    assert "bad.npy" in done.stderr


def test_files_that_hold_no_features_are_refused(files: Path, run: Run) -> None:
    np.save("objects.npy", np.array([{}, {}], dtype=object), allow_pickle=True)
    np.save("whole.npy", np.arange(12).reshape(6, 2))
    np.savez("two.npz", a=REAL, b=FAKE)
    for name in ("broken.npz", "broken.npy", "broken.safetensors", "rows.pt", "rows.csv"):
        (files / name).write_text("nothing")
    codes = {
        "objects.npy": "E-PICKLE",
        "whole.npy": "E-DTYPE",
        "two.npz": "E-KEYS",
        "broken.npz": "E-DAMAGED",
        "broken.npy": "E-DAMAGED",
        "broken.safetensors": "E-DAMAGED",
        "rows.pt": "E-PICKLE",
        "rows.csv": "E-INPUT",
        "absent.npy": "E-MISSING",
        ".": "E-NOT-FOLDER",
    }
    for name, code in codes.items():
        done = run("fid", "real.npy", name, *NAME)
        assert (done.returncode, done.stderr.partition(":")[0]) == (3, f"error[{code}]"), done.stderr
        assert len(done.stderr.splitlines()) == 1


def test_sets_of_other_networks_or_lengths_do_not_compare() -> None:
    with pytest.raises(gm.StatisticsError, match="network: features r3d18 / features i3d"):
        gm.fid(given(REAL), given(FAKE, "i3d"))
    with pytest.raises(gm.StatisticsError, match="have 6 numbers and those of fake 4"):
        gm.fid(given(REAL), given(FAKE[:, :4]))
    with pytest.raises(gm.StatisticsError, match="have 6 numbers"):
        gm.score(given(REAL), given(FAKE[:, :4]), ["fid"])
    images = torch.randint(0, 256, (20, 3, 8, 8), dtype=torch.uint8)
    with pytest.raises(gm.UsageError, match="images cannot be scored against features r3d18"):
        gm.fid(given(REAL), images)
    with pytest.raises(gm.StatisticsError, match="different recipes"):
        gm.fid(given(REAL), gm.measure(images, extractor="pixels"))


@pytest.mark.parametrize("name", ["", " ", "a|b", "a\n", " a", None, 3])
def test_a_name_is_needed_and_can_stand_in_a_signature(name: Any) -> None:
    with pytest.raises(gm.UsageError) as caught:
        gm.features(REAL, name)
    assert caught.value.code == "E-NAME"


def test_what_has_no_effect_is_refused(files: Path, run: Run) -> None:
    sets = ("real.npy", "fake.npy")
    for more, code in ((("--extractor", "digits"), 2), (("--weights", "w.pth"), 2), (("--protocol", "clean-fid"), 4)):
        assert run("fid", *sets, *NAME, *more).returncode == code, more
    assert run("fid", *sets, "--logits", "logits.npy").returncode == 2
    assert "--features-name" in run("fid", *sets).stderr


@pytest.mark.parametrize(
    "choice", [("include", "x"), ("exclude", "x"), ("sample", "20"), ("prepare", "pad"), ("every", "2"),
               ("levels", "0:4095"), ("value-range", "0:1")],
)  # fmt: skip
def test_choices_about_images_are_refused_beside_features(files: Path, run: Run, choice: tuple[str, str]) -> None:
    name, value = choice
    done = run("fid", "real.npy", "fake.npy", *NAME, f"--{name}", value)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"(--{name})" in done.stderr
    assert ("no set holds any" if name == "every" else "saved statistics or features") in done.stderr
    if name == "sample":
        with pytest.raises(gm.UsageError, match="sample is for images, and every set is saved statistics or features"):
            gm.fid(given(REAL), given(FAKE), reading=gm.Reading(sample=20))


def test_logits_of_other_samples_are_refused() -> None:
    for logits in (ANSWERS[:5], ANSWERS[:, :1]):
        with pytest.raises(gm.InputError, match="expected \\[110, K\\]"):
            given(FAKE, logits=logits)


def test_they_are_saved_and_read_back(tmp_path: Path, run: Run) -> None:
    gm.save_statistics(given(REAL), tmp_path / "real.npz")
    gm.save_statistics(given(FAKE, logits=ANSWERS), tmp_path / "fake.npz")
    expected = str(gm.fid(given(REAL), given(FAKE)).signature)
    assert str(gm.fid(tmp_path / "real.npz", tmp_path / "fake.npz").signature) == expected
    assert gm.features(tmp_path / "fake.npz").digest == given(FAKE).digest
    assert gm.features(tmp_path / "fake.npz", "r3d18", logits=ANSWERS).logits is not None
    with pytest.raises(gm.UsageError, match="Leave the name out"):
        gm.features(tmp_path / "fake.npz", "i3d")


def test_the_command_writes_features_of_images(tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for seed, name in enumerate(("real", "fake")):
        images = np.random.RandomState(seed).randint(0, 256, (30, 28, 28, 3), dtype=np.uint8)
        np.save(f"{name}.npy", images)
        done = run("features", f"{name}.npy", "-o", f"{name}.npz", "--extractor", "digits", "--logits", "-q")
        assert done.returncode == 0, done.stderr
        with np.load(f"{name}.npz") as file:
            assert file["features"].shape[0] == file["logits"].shape[0] == 30
    direct = gm.evaluate("real.npy", "fake.npy", metrics=["fid", "vendi", "is"], extractor="digits")
    again = gm.evaluate("real.npz", "fake.npz", metrics=["fid", "vendi", "is"])
    assert {name: (s.value, str(s.signature)) for name, s in again.scores.items()} == {
        name: (s.value, str(s.signature)) for name, s in direct.scores.items()
    }
    assert gm.fid("real.npz", "fake.npy").value == direct["fid"].value
    assert run("features", "real.npy", "-o", "real.npz", "--extractor", "digits").returncode == 2
    gm.save_statistics(gm.measure("real.npy", extractor="digits"), "bare.npz")
    with pytest.raises(gm.StatisticsError, match="hold no features"):
        gm.features("bare.npz")
