"""The command line as a user meets it: a real process, its stdout, its stderr, its exit code."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from commands import Done, Run
from noise_folders import real_and_fake

import ganmetrics as gm
from ganmetrics.cli import main
from ganmetrics.measurement.archive import assumable

COMMAND = [str(Path(sys.executable).with_name("ganmetrics"))]  # the installed program itself


def process(*arguments: object, **environment: str) -> Done:
    """The command in a process of its own."""
    command = [*COMMAND, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **environment}, timeout=200)
    return Done(done.returncode, done.stdout, done.stderr)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return real_and_fake(tmp_path_factory.mktemp("folders"), 40, (20, 20), 30)


GENERATORS = ("list", "show", "sample", "train", "export", "reproduce", "rescore")


@pytest.mark.parametrize(
    "command",
    ["", "fid", "kid", "is", "evaluate", "demo", "stats", "stats build", "stats list", "stats show", "stats verify",
     "weights", "weights list", "weights path", "weights fetch", "weights verify", "weights import",
     "style", "generators", *(f"generators {name}" for name in GENERATORS)],
)  # fmt: skip
def test_every_command_has_help(run: Run, command: str) -> None:
    done = run(*command.split(), "--help")
    assert done.returncode == 0
    assert done.stdout.startswith("Usage: ganmetrics")
    assert done.stderr == ""


def test_fid_prints_the_score_and_its_signature_only(run: Run, folders: tuple[Path, Path]) -> None:
    done = run("fid", *folders, "--extractor", "pixels")
    assert done.returncode == 0
    first, second = done.stdout.splitlines()
    assert first.startswith("FID(pixels) ")
    assert gm.Signature.parse(second).metric == "fid"
    assert "warning: " in done.stderr


def test_json_on_stdout_is_json_only(run: Run, folders: tuple[Path, Path]) -> None:
    done = run("evaluate", *folders, "--extractor", "digits", "--set", "kid.subset_size=20", "--json", "-")
    data = json.loads(done.stdout)
    assert list(data["scores"]) == ["fid", "is", "kid"]
    assert data["warnings"]
    expected = gm.evaluate(*folders, metrics=["fid", "is", "kid(subset_size=20)"], extractor="digits")
    for name in ("fid", "is", "kid"):
        assert data["scores"][name]["value"] == pytest.approx(expected[name].value, rel=1e-6)
        assert data["scores"][name]["signature"] == str(expected[name].signature)


def test_json_goes_to_a_file_that_must_not_exist(run: Run, folders: tuple[Path, Path], tmp_path: Path) -> None:
    target = tmp_path / "result.json"
    assert run("fid", *folders, "--extractor", "pixels", "--json", target).returncode == 0
    assert json.loads(target.read_text())["scores"]["fid"]["value"] > 0
    again = run("fid", *folders, "--extractor", "pixels", "--json", target)
    assert (again.returncode, again.stdout) == (2, "")
    assert "exists already" in again.stderr
    assert run("fid", *folders, "--extractor", "pixels", "--json", target, "--force").returncode == 0


def test_the_inception_score_needs_fakes_only(run: Run, folders: tuple[Path, Path]) -> None:
    done = run("is", folders[1], "--extractor", "digits")
    assert done.returncode == 0
    assert "real:" not in done.stdout


def test_kid_with_too_few_images_says_what_to_type(run: Run, folders: tuple[Path, Path]) -> None:
    done = run("kid", *folders, "--extractor", "pixels")
    assert (done.returncode, done.stdout) == (3, "")
    assert "--set kid.subset_size=40" in done.stderr
    assert run("kid", *folders, "--extractor", "pixels", "--set", "kid.subset_size=40").returncode == 0


def test_metrics_take_their_options_in_parentheses(run: Run, folders: tuple[Path, Path]) -> None:
    done = run("evaluate", *folders, "--extractor", "pixels", "--metrics", "fid,kid(subset_size=20,num_subsets=5)")
    assert done.returncode == 0
    assert "kid(subset_size=20,num_subsets=5,seed=2020)|" in done.stdout


def test_force_writes_through_links_and_spares_devices(run: Run, folders: tuple[Path, Path], tmp_path: Path) -> None:
    target, link, pipe = tmp_path / "result.json", tmp_path / "link.json", tmp_path / "pipe"
    target.write_text("old")
    target.chmod(0o600)
    link.symlink_to(target)
    os.mkfifo(pipe)
    options = ("fid", *folders, "--extractor", "pixels", "-q", "--force", "--json")
    assert run(*options, link).returncode == 0
    assert link.is_symlink()
    assert json.loads(target.read_text())["schema"] == 2
    assert target.stat().st_mode & 0o777 == 0o600
    assert run(*options, pipe).returncode == 2
    assert pipe.is_fifo()


FAULTS = [
    (["fid", "nowhere", "{fake}"], 3, "nowhere"),
    (["fid", "{empty}", "{fake}"], 3, "E-EMPTY"),
    (["fid", "{picture}", "{fake}"], 3, "error[E-"),
    (["fid", "{real}"], 2, "Missing argument"),
    (["fit", "{real}", "{fake}"], 2, "No such command"),
    (["fid", "{real}", "{fake}", "--batch-size", "0"], 2, "batch-size"),
    (["fid", "{real}", "{fake}", "--workers", "-1"], 2, "workers"),
    (["fid", "{real}", "{fake}", "--device", "cuda:9"], 2, "E-DEVICE"),
    (["fid", "{real}", "{fake}", "--device", "gpu"], 2, "unknown device"),
    (["fid", "{real}", "{fake}", "--extractor", "pixels", "--device", "cpu", "--fast"], 2, "tf32 is an arithmetic of"),
    (["fid", "{real}", "{fake}", "--extractor", "pixels", "--exact"], 2, "only Inception has an exact order"),
    (["fid", "{real}", "{fake}", "--extractor", "incepton"], 2, "Did you mean 'inception'"),
    (["fid", "{real}", "{fake}", "--extractor", "inception:2047"], 5, "E-OFFLINE"),
    (["fid", "{real}", "{fake}"], 5, "E-OFFLINE"),
    (["fid", "{real}", "{fake}", "--weights", "none.pth"], 5, "none.pth"),
    (["fid", "{real}", "{fake}", "--json", "no/such/folder/x.json"], 6, "folder does not exist"),
    (["evaluate", "{real}", "{fake}", "--metrics", "fid,kidd"], 2, "Did you mean 'kid'"),
    (["evaluate", "{real}", "{fake}", "--metrics", ""], 2, "no metric"),
    (["fid", "{real}", "{fake}", "--extractor", "pixels", "--set", "kid.subset_size=3"], 2, "--set"),
    (["kid", "{real}", "{fake}", "--extractor", "pixels", "--set", "kid.subset_size=x"], 2, "type int"),
    (["fid", "{real}", "{fake}", "--extractor", "pixels", "--strict"], 3, "E-STRICT"),
    (["fid", "mnist-tset", "{fake}"], 3, "Did you mean 'mnist-test'"),
    (["stats", "show", "none.npz"], 4, "none.npz"),
    (["stats", "build", "mnist-test", "-o", "x.npz", "--extractor", "digits"], 2, "statistics already"),
    (["stats", "build", "{real}", "-o", "x.npz", "--name", "a#3:b"], 2, "E-NAME"),
    (["evaluate", "{real}", "{fake}", "--metrics", "fid,fid", "--extractor", "pixels"], 2, "asked for twice"),
    (["stats", "build", "{real}", "-o", "no/such/x.npz"], 6, "folder does not exist"),
]


@pytest.mark.parametrize(("arguments", "code", "words"), FAULTS, ids=[" ".join(a) for a, *_ in FAULTS])
def test_faults_are_one_sentence_and_a_code(
    run: Run,
    arguments: list[str],
    code: int,
    words: str,
    folders: tuple[Path, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "empty").mkdir()
    picture = folders[0] / "000.png"
    places = {"real": folders[0], "fake": folders[1], "empty": tmp_path / "empty", "picture": picture}
    monkeypatch.chdir(tmp_path)
    for variable in ("TORCH_HOME", "XDG_CACHE_HOME"):
        monkeypatch.setenv(variable, str(tmp_path))
    done = run(*(a.format(**places) for a in arguments))
    assert (done.returncode, done.stdout) == (code, "")
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_an_error_with_json_is_an_object_on_stderr(run: Run, folders: tuple[Path, Path]) -> None:
    done = run("fid", "nowhere", folders[1], "--json", "-")
    assert (done.returncode, done.stdout) == (3, "")
    assert json.loads(done.stderr)["error"]["code"] == "E-MISSING"


def test_debug_raises_the_error(run: Run, folders: tuple[Path, Path]) -> None:
    with pytest.raises(gm.InputError, match="nowhere"):
        main(["fid", "nowhere", str(folders[1]), "--debug"])


def test_statistics_from_build_to_score(run: Run, folders: tuple[Path, Path], tmp_path: Path) -> None:
    real, fake = folders
    target = tmp_path / "real.npz"
    assert (
        run("stats", "build", real, "-o", target, "--extractor", "pixels", "--keep", "features", "-q").returncode == 0
    )
    with np.load(target) as file:
        assert {"mu", "sigma", "features"} <= set(file.files)
    shown = json.loads(run("stats", "show", target, "--json").stdout)
    assert (shown["count"], shown["network"], shown["keeps"]) == (40, "pixels-8x8", "moments, features")
    assert "well-formed" in run("stats", "verify", target).stdout
    assert "verified against" in run("stats", "verify", target, real, "-q").stdout
    other = run("stats", "verify", target, fake, "-q")
    assert (other.returncode, other.stdout) == (4, "")
    direct = run("fid", real, fake, "--extractor", "pixels", "-q").stdout
    assert run("fid", target, fake, "-q").stdout == direct


def test_bundled_statistics_are_listed_and_used(run: Run, folders: tuple[Path, Path]) -> None:
    assert "mnist-test" in run("stats", "list").stdout
    done = run("fid", "mnist-test", folders[1], "-q")
    assert done.returncode == 0
    assert "digits:" in done.stdout


def test_statistics_of_another_package_need_a_word(run: Run, folders: tuple[Path, Path], tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for name in ("a", "b"):
        rows = rng.standard_normal((100, 8))
        np.savez(tmp_path / f"{name}.npz", mu=rows.mean(axis=0), sigma=np.cov(rows, rowvar=False))
    pair = (tmp_path / "a.npz", tmp_path / "b.npz")
    refused = run("fid", *pair)
    assert (refused.returncode, refused.stdout) == (4, "")
    assert "--assume-recipe" in refused.stderr
    done = run("fid", *pair, "--assume-recipe", "pytorch-fid")
    assert done.returncode == 0
    assert "pytorch-fid-bilinear" in done.stdout
    assert "do not say of how many images" in done.stderr


def test_a_recipe_to_assume_is_one_that_is_known(run: Run, folders: tuple[Path, Path]) -> None:
    """And folders have no use for one."""
    refused = run("fid", *folders, "--assume-recipe", "clean-fit")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert all(name in refused.stderr for name in ("Did you mean 'clean-fid'?", *assumable()))
    refused = run("fid", *folders, "--assume-recipe", "clean-fid")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "no set is a file of statistics without a recipe" in refused.stderr


@pytest.mark.slow
def test_a_recipe_is_assumed_with_the_weights_that_are_given(
    run: Run, folders: tuple[Path, Path], tmp_path: Path, synthetic_weights: Path
) -> None:
    found = gm.measure(folders[0], weights=synthetic_weights)
    assert found.moments is not None
    np.savez(tmp_path / "real.npz", mu=found.moments.mean.numpy(), sigma=found.moments.covariance().numpy())
    command = ("fid", tmp_path / "real.npz", folders[1], "--weights", synthetic_weights, "--ci", "off", "-q")
    done = run(*command, "--assume-recipe", "torch-fidelity", "--json", "-")
    assert done.returncode == 0, done.stderr
    direct = gm.fid(found, gm.measure(folders[1], weights=synthetic_weights))
    assert json.loads(done.stdout)["scores"]["fid"]["value"] == pytest.approx(direct.value, rel=1e-9)
    other = run(*command, "--assume-recipe", "clean-fid")
    assert other.returncode == 0, other.stderr
    assert "|clean-bicubic|" in other.stdout


@pytest.mark.slow
def test_an_ascii_terminal_is_enough(folders: tuple[Path, Path]) -> None:
    """A process of its own, which also shows that nothing but the score reaches stdout."""
    done = process("is", folders[1], "--extractor", "digits", "-q", LC_ALL="C", PYTHONIOENCODING="ascii")
    assert done.returncode == 0
    assert len(done.stdout.splitlines()) == 2


def test_a_closed_pipe_ends_quietly(folders: tuple[Path, Path]) -> None:
    command = [*COMMAND, "fid", *map(str, folders), "--extractor", "pixels", "-q", "--json", "-"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.close()
    _, errors = process.communicate()
    assert b"BrokenPipe" not in errors
    assert b"Exception ignored" not in errors
    assert process.returncode == 0


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_signals_end_with_their_code_and_leave_nothing(
    number: int, code: int, folders: tuple[Path, Path], tmp_path: Path
) -> None:
    big = tmp_path / "big"
    big.mkdir()
    sources = sorted(folders[0].iterdir())
    for index in range(60_000):
        os.link(sources[index % len(sources)], big / f"{index}.png")
    target = tmp_path / "out.npz"
    command = [*COMMAND, "stats", "build", str(big), "-o", str(target), "--extractor", "pixels", "--workers", "2"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)
    assert process.stderr is not None
    process.stderr.read(1)  # the bar: it has begun to read images, of which there are enough for ten seconds
    time.sleep(1)
    assert process.poll() is None, "it ended before the signal"
    process.send_signal(number)
    out, errors = process.communicate(timeout=60)
    assert process.returncode == code
    assert out == b""
    assert b"Traceback" not in errors
    assert [path.name for path in tmp_path.iterdir()] == ["big"]
    with pytest.raises(ProcessLookupError):
        os.killpg(process.pid, 0)


def test_the_columns_of_bundled_statistics_are_apart(run: Run) -> None:
    lines = run("stats", "list").stdout.splitlines()
    starts = [lines[0].index(head) for head in ("NAME", "EXTRACTOR", "IMAGES", "DATA")]
    assert len(lines) > 5
    for line in lines:
        assert all(line[start - 2 : start] == "  " and line[start] != " " for start in starts[1:]), line


def test_a_working_folder_that_was_removed_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "gone").mkdir()
    command = f"cd {tmp_path}/gone && rmdir ../gone && exec {sys.executable} -m ganmetrics stats list"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout) == (6, "")
    assert "the working folder cannot be used: No such file or directory" in done.stderr
    assert "Change to a folder that exists" in done.stderr
