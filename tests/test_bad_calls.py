"""Bad inputs of the catalogue that only the library, or only the command, can be given; see ``test_bad_inputs``."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from bad_archives import Evil, cut, file, statistics
from bad_files import PNG, Maker, beside, encoded, good, good_beside_empty, pipes
from commands import Done, Run
from memory import IMPORT
from PIL import Image

import ganmetrics as gm


@pytest.fixture
def real(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A good folder, beside two empty ones, in the working folder."""
    monkeypatch.chdir(tmp_path)
    return good_beside_empty(tmp_path)


BYTES = torch.zeros(4, 3, 6, 7, dtype=torch.uint8)
TENSORS = {  # number and case: (images, words)
    "68 floats without a range": (torch.rand(4, 3, 6, 7), "float images need their value_range"),
    "68 channels last": (BYTES.permute(0, 2, 3, 1), "[N, H, W, 3]; a tensor must be [N, 3, H, W]"),
    "68 one channel": (BYTES[:, :1], "images.repeat_interleave(3, dim=-3)"),
    "68 four channels": (torch.cat([BYTES, BYTES[:, :1]], dim=1), "images[..., :3, :, :]"),
    "68 int64": (BYTES.long(), "If the values run from 0 to 255, use images.to(torch.uint8)"),
    "68 complex": (BYTES.cfloat(), "Take the real part or the magnitude"),
    "69 NaN": (BYTES.float().index_fill_(0, torch.tensor(2), float("nan")), "image 2 at channel 0, row 0, column 0 is"),
    "70 the meta device": (BYTES.to("meta"), "is on the meta device"),
    "71 no images": (BYTES[:0], "the images are empty"),
    "42 one image": (BYTES[:1], "1 image found where at least 2 are needed"),
}


@pytest.mark.parametrize("case", TENSORS)
def test_tensors_that_cannot_be_scored(case: str, real: Path) -> None:
    images, words = TENSORS[case]
    for measured in (
        lambda: gm.evaluate(real, images, extractor="pixels"),
        lambda: gm.measure(images, extractor="pixels"),
    ):
        with pytest.raises(gm.InputError) as caught:
            measured()
        assert caught.value.exit_code == 3
        assert words in str(caught.value)


class Meddler(torch.utils.data.Dataset[torch.Tensor]):
    """A data set that does something to a file while it is read."""

    def __init__(self, meddle: Callable[[], object]) -> None:
        self.meddle = meddle

    def __len__(self) -> int:
        return 3

    def __getitem__(self, index: int) -> torch.Tensor:
        self.meddle()
        return BYTES[0] + index


@pytest.mark.parametrize(
    ("meddle", "words"),
    [
        (lambda path: path.unlink(missing_ok=True), "2.png disappeared after the folder was listed"),
        (lambda path: os.utime(path, ns=(1, 1)), "2.png changed after the folder was listed"),
        (lambda path: path.write_bytes(PNG * 2), "2.png changed after the folder was listed"),
    ],
    ids=["gone", "touched", "longer"],
)
def test_19_20_files_that_change_during_a_run(meddle: Callable[[Path], object], words: str, real: Path) -> None:
    with pytest.raises(gm.InputError, match=words):
        gm.evaluate(Meddler(lambda: meddle(real / "2.png")), real, extractor="pixels")


@pytest.mark.parametrize("make", [cut(statistics(), 100), file("x.npz", pickle.dumps(Evil())), file("x.npz", b"")])
def test_50_what_does_not_open_where_only_statistics_are_accepted(make: Maker, run: Run, real: Path) -> None:
    path = make(Path("made"))
    with pytest.raises(gm.StatisticsError) as caught:
        gm.load_statistics(path)
    for command in ("show", "verify"):
        done = run("stats", command, path)
        assert (done.returncode, done.stdout) == (4, "")
        assert done.stderr == f"error[E-DAMAGED]: {caught.value}\n"


def test_72_scores_without_fakes(real: Path) -> None:
    evaluation = gm.Evaluation(["fid"], real, extractor="pixels")
    with pytest.raises(gm.InputError, match=r"0 fake images|0 images|no fake images"):
        evaluation.compute()


OPTIONS = {  # number and case: (options of the command, arguments of the library, words of the command, of the library)
    "74 no batch": ("--batch-size 0", {"batch_size": 0}, "'--batch-size': 0 is not in the range", "at least 1"),
    "74 a negative batch": ("--batch-size -1", {"batch_size": -1}, "'--batch-size': -1 is not in", "at least 1"),
    "74 no such device": ("--device cuda:9", {"device": "cuda:9"}, "the device cuda:9 is not there", 'device="auto"'),
    "74 no device": ("--device tpu", {"device": "tpu"}, "unknown device 'tpu'", "Use auto, cpu, cuda"),
    "74 an extractor": ("--extractor pixel", {"extractor": "pixel"}, "Did you mean 'pixels'", "Did you mean 'pixels'"),
    "74 a protocol": ("--protocol adn", {"protocol": "adn"}, "Did you mean 'adm'", "Did you mean 'adm'"),
    "74 an option": ("--set fid.x=1", {"metrics": ["fid(x=1)"]}, "unknown option of fid 'x'", "Known: denominator"),
    "74 intervals": ("--ci often", {"ci": "often"}, "'often' is not one of 'fast', 'bootstrap', 'off'", "often"),
}


@pytest.mark.parametrize("case", OPTIONS)
def test_74_options_that_cannot_be_meant(case: str, run: Run, real: Path) -> None:
    options, arguments, told, raised = OPTIONS[case]
    done = run("fid", real, real, "--extractor", "pixels", *options.split(), "--json", "out/result.json")
    assert (done.returncode, done.stdout) == (2, "")
    assert told in done.stderr
    assert not list(Path("out").iterdir())
    with pytest.raises(gm.UsageError, match=raised) as caught:
        gm.evaluate(real, real, **{"metrics": ["fid"], "extractor": "pixels", **arguments})
    assert caught.value.exit_code == 2


def test_74_negative_workers(run: Run, real: Path) -> None:
    assert run("fid", real, real, "--extractor", "pixels", "--workers", "-1").returncode == 2
    with pytest.raises(gm.UsageError, match="workers is -1; it must be a whole number of at least 0"):
        gm.Reading(workers=-1)


def test_74_more_neighbours_than_images(run: Run, real: Path) -> None:
    """How many there are is known from the images only: bad data, not a bad option."""
    metric = "precision_recall(neighbors=3)"
    done = run("evaluate", real, real, "--metrics", metric, "--extractor", "pixels", "-q")
    assert (done.returncode, done.stdout) == (3, "")
    with pytest.raises(gm.InputError, match=r"ask for `precision_recall\(neighbors=2\)`") as caught:
        gm.evaluate(real, real, metrics=[metric], extractor="pixels")
    told = str(caught.value).replace("`precision_recall(neighbors=2)`", "`--set precision_recall.neighbors=2`")
    assert done.stderr.endswith(f"{told}\n")


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_75_a_gpu_where_there_is_none(run: Run, real: Path) -> None:
    done = run("fid", real, real, "--extractor", "pixels", "--device", "cuda")
    assert (done.returncode, done.stdout) == (2, "")
    with pytest.raises(gm.UsageError, match="the device cuda is not there; found 0 of type cuda") as caught:
        gm.evaluate(real, real, extractor="pixels", device="cuda")
    assert caught.value.hint == 'Use `device="auto"` or `device="cpu"`'
    assert done.stderr.endswith("0 of type cuda (--device). Use `--device auto` or `--device cpu`\n")


OUTPUTS = {  # number and case: (the output, exit code, words)
    "76 it exists": ("good/0.png", 2, "the output exists already"),
    "76 it is a folder": ("good", 2, "the output is not a regular file"),
    "77 its folder is missing": ("none/result", 6, "the output's folder does not exist"),
    "77 its folder is a file": ("good/0.png/result", 6, "folder"),
}


@pytest.mark.parametrize("case", OUTPUTS)
@pytest.mark.parametrize(
    "command", ["fid {} nowhere --json {}", "evaluate {} nowhere --html {}", "stats build nowhere{} -o {}"]
)
def test_76_77_outputs_are_refused_before_any_work(case: str, command: str, run: Run, real: Path) -> None:
    """The images are missing too, which would be said first if they were looked at first."""
    output, code, words = OUTPUTS[case]
    before = sorted(real.iterdir()), (real / "0.png").read_bytes()
    done = run(*command.format("good", output).split(), "--extractor", "pixels", "-q")
    assert (done.returncode, done.stdout) == (code, "")
    assert words in done.stderr
    assert (sorted(real.iterdir()), (real / "0.png").read_bytes()) == before


def test_76_77_results_are_not_saved_over_others(real: Path) -> None:
    result = gm.evaluate(real, real, extractor="pixels")
    for output, code, words in OUTPUTS.values():
        with pytest.raises(gm.GanMetricsError, match=words) as caught:
            result.save(output)
        assert caught.value.exit_code == code


def test_78_statistics_keep_their_name(run: Run, real: Path) -> None:
    done = run("stats", "build", real, "-o", "out/reals.v1", "--extractor", "pixels", "-q")
    assert done.returncode == 0
    assert [path.name for path in Path("out").iterdir()] == ["reals.v1"]
    assert run("fid", "out/reals.v1", real, "-q").returncode == 0


def _process(*arguments: object, encoding: str = "utf-8", **environment: str) -> Done:
    """The command in a process of its own, which ends soon or fails the test."""
    command = [sys.executable, "-m", "ganmetrics", *map(str, arguments), "--extractor", "pixels", "-q"]
    done = subprocess.run(command, capture_output=True, env={**os.environ, **environment}, timeout=180)
    return Done(done.returncode, done.stdout.decode(encoding), done.stderr.decode(encoding))


def test_15_a_relative_name_with_a_leading_dash(run: Run, real: Path) -> None:
    good(Path("-rf"))
    for sides in (("./-rf", "good"), ("--", "good", "-rf")):
        assert run("fid", "--extractor", "pixels", "-q", *sides).returncode == 0
    assert gm.evaluate("-rf", "good", extractor="pixels").real.count == 3


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_16_98_a_terminal_of_ascii_is_told_names_of_any_bytes(real: Path) -> None:
    name = os.fsdecode(b"\xff\xe9\n")
    beside(f"{name}.png", b"")(Path("made"))
    done = _process("fid", real, "made", LC_ALL="C", PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert (done.returncode, done.stdout) == (3, "")
    assert "\\udcff\\udce9\\n.png is empty (0 bytes)" in done.stderr
    scored = _process("fid", real, "good", LC_ALL="C", PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert scored.returncode == 0
    assert len(scored.stdout.splitlines()) == 2


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_98_a_console_that_lacks_a_character_shows_it_escaped(real: Path) -> None:
    """Python would end with an error, after all the work."""
    name = "\xb1\N{SNOWMAN}\U0001f600"
    gm.save_statistics(replace(gm.measure(real, extractor="pixels"), name=name), "named.npz")
    done = _process("fid", "named.npz", real, PYTHONIOENCODING="cp1252", encoding="cp1252")
    assert done.returncode == 0
    assert "real:\xb1\\u2603\\ud83d\\ude00#3:" in done.stdout
    written = _process("fid", "named.npz", real, "--json", "-", PYTHONIOENCODING="cp1252", encoding="cp1252")
    assert json.loads(written.stdout)["real"]["name"] == name


@pytest.mark.timeout(120)
def test_21_pipes_do_not_hang_a_process(run: Run, real: Path) -> None:
    pipes(Path("made"))
    done = run("fid", real, "made", "--workers", "2", "--extractor", "pixels", "-q")
    assert done.returncode == 0
    assert "fake:#3:" in done.stdout


@pytest.mark.slow
@pytest.mark.timeout(200)
@pytest.mark.parametrize("mode", ["RGBA", "I;16"])
def test_31_a_small_file_of_a_large_image_fits_a_gibibyte(mode: str, tmp_path: Path) -> None:
    colour = (1, 2, 3, 128) if mode == "RGBA" else 300
    (tmp_path / "x.png").write_bytes(encoded(Image.new(mode, (7900, 7900), colour)))
    assert (tmp_path / "x.png").stat().st_size < 1 << 19
    code = (
        f"{IMPORT}; from pathlib import Path; from ganmetrics.data import Reading;"
        "from ganmetrics.data.reading.decode import decode;"
        "print(decode(Path('x.png').read_bytes(), Reading(alpha='white')).pixels[-1, -1].tolist());"
        "print(peak() >> 20)"
    )
    command = [sys.executable, "-I", "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path)
    pixel, mebibytes = done.stdout.splitlines()
    assert pixel == ("[128, 128, 129]" if mode == "RGBA" else "[1, 1, 1]")
    assert int(mebibytes) < 1024
