"""Of one folder each compat reads the files that its package reads, as the package's own listing has them."""

from __future__ import annotations

import os
import pathlib
import warnings
from collections.abc import Callable
from glob import glob
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import ganmetrics as gm
from ganmetrics.compat._peer_files import (
    PeerRule,
    clean_fids_rule,
    peer_folder,
    pytorch_fids_rule,
    torch_fidelitys_rule,
)
from ganmetrics.errors import GanMetricsWarning

NAMES = ("a.png", "b.PNG", "c.JPG", "d.jpeg", "e.gif", "f.webp", ".thumb.png", "g.tif", "h.ppm", "i.JPEG", "sub/j.png",
         "sub/.k.png", ".hidden/l.png", "m.thumb.png", "n.Png")  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    for name in NAMES:
        path = tmp_path / "set" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (9, 7, 3), dtype=np.uint8)).save(path.with_suffix(".bmp"))
        path.with_suffix(".bmp").rename(path)
    (tmp_path / "set" / "notes.txt").write_text("none")
    return tmp_path / "set"


def of_pytorch_fid(folder: Path) -> set[str]:
    from pytorch_fid.fid_score import IMAGE_EXTENSIONS

    return {file.name for end in IMAGE_EXTENSIONS for file in pathlib.Path(folder).glob(f"*.{end}")}


def of_clean_fid(folder: Path) -> set[str]:
    from cleanfid.utils import EXTENSIONS

    found = [file for end in EXTENSIONS for file in glob(os.path.join(folder, f"**/*.{end}"), recursive=True)]
    return {os.path.relpath(file, folder) for file in found}


def of_torch_fidelity(*, deep: bool) -> Callable[[Path], set[str]]:
    from torch_fidelity.utils import glob_samples_paths

    def names(folder: Path) -> set[str]:
        found = glob_samples_paths(str(folder), deep, "png,jpg,jpeg", verbose=False)
        return {os.path.relpath(file, os.path.realpath(folder)) for file in found}

    return names


CASES: dict[str, tuple[PeerRule, Callable[[Path], set[str]]]] = {
    "pytorch-fid": (pytorch_fids_rule(), of_pytorch_fid),
    "clean-fid": (clean_fids_rule(), of_clean_fid),
    "torch-fidelity": (torch_fidelitys_rule("png,jpg,jpeg", is_deep=False), of_torch_fidelity(deep=False)),
    "torch-fidelity, deep": (torch_fidelitys_rule("png,jpg,jpeg", is_deep=True), of_torch_fidelity(deep=True)),
}


@pytest.mark.filterwarnings("ignore::ganmetrics.errors.GanMetricsWarning")
@pytest.mark.parametrize("case", CASES)
def test_the_files_are_the_packages(case: str, folder: Path) -> None:
    rule, theirs = CASES[case]
    assert set(peer_folder(folder, rule, gm.Reading()).item_names() or ()) == theirs(folder)


@pytest.mark.parametrize(("case", "words"), [
    ("pytorch-fid", "6 that pytorch-fid leaves out, such as b.PNG and 1 that ganmetrics would leave out, such as .th"),
    ("clean-fid", "2 that clean-fid leaves out, such as e.gif"),
    ("torch-fidelity, deep", "4 that torch-fidelity leaves out, such as e.gif and 3 that ganmetrics would leave out"),
])  # fmt: skip
def test_what_ganmetrics_would_read_otherwise_is_told(case: str, words: str, folder: Path) -> None:
    with pytest.warns(GanMetricsWarning, match=words):
        peer_folder(folder, CASES[case][0], gm.Reading())


def test_a_plain_folder_is_read_without_a_word(tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        Image.new("RGB", (4, 4)).save(tmp_path / name)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for rule, _ in CASES.values():
            assert peer_folder(tmp_path, rule, gm.Reading()).count == 2


def test_a_folder_without_a_file_of_theirs_names_ours(tmp_path: Path) -> None:
    Image.new("RGB", (4, 4)).save(tmp_path / "a.gif")
    with pytest.raises(gm.InputError, match=r"no file that pytorch-fid reads .* would read 1, such as a\.gif"):
        peer_folder(tmp_path, pytorch_fids_rule(), gm.Reading())
