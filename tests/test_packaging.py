"""What pyproject.toml says is what the tree holds, and what a wheel would hold."""

from __future__ import annotations

from importlib import metadata, resources
from pathlib import Path

import pytest

import ganmetrics

ROOT = Path(__file__).parent.parent
tomllib = pytest.importorskip("tomllib", reason="tomllib came with Python 3.11")
SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text())
TOPS = {"ganmetrics": "ganmetrics", "cli": "ganmetrics.cli", "reference_stats": "ganmetrics.reference_stats"}


def packages_of_the_tree() -> set[str]:
    found = set()
    for top, package in TOPS.items():
        for file in (ROOT / top).rglob("__init__.py"):
            found.add(".".join([package, *file.parent.relative_to(ROOT / top).parts]))
    return found


def test_the_list_of_packages_is_the_tree() -> None:
    assert set(SETTINGS["tool"]["setuptools"]["packages"]) == packages_of_the_tree()


def test_nothing_of_a_generic_name_is_installed() -> None:
    assert all(name == "ganmetrics" or name.startswith("ganmetrics.") for name in packages_of_the_tree())


def test_the_version_is_the_installed_one() -> None:
    assert metadata.version("ganmetrics") == ganmetrics.__version__


def test_every_data_file_is_package_data() -> None:
    patterns = SETTINGS["tool"]["setuptools"]["package-data"]
    for top, package in TOPS.items():
        folders = {file.parent for file in (ROOT / top).rglob("__init__.py")}
        data = {file for file in (ROOT / top).rglob("*") if file.is_file() and file.suffix not in (".py", ".pyc")}
        for folder in folders:
            name = ".".join([package, *folder.relative_to(ROOT / top).parts])
            for pattern in [*patterns["*"], *patterns.get(name, [])]:
                data -= set(folder.glob(pattern))
        assert not data


def test_the_bundled_weights_are_small() -> None:
    for file in ("digits", "fashion"):
        path = resources.files("ganmetrics.extractors").joinpath(f"{file}.safetensors")
        assert 0 < len(path.read_bytes()) <= 2_000_000
    bundle = ROOT / "ganmetrics" / "generators" / "bundled"
    sizes = [file.stat().st_size for file in bundle.rglob("*") if file.is_file()]
    assert sizes
    assert sum(sizes) <= 25_000_000


def test_every_bundled_generator_is_a_whole_folder() -> None:
    for card in (ROOT / "ganmetrics" / "generators" / "bundled").glob("*"):
        names = {file.name for file in card.iterdir()}
        assert "card.json" in names, card
        assert names & {"samples.png", "samples.txt"}, card
