"""The matrix of versions: ``nox -s versions`` runs it whole, ``nox -s 'versions(oldest)'`` one environment of it.

Tests after ``--`` stand in for those of the core. The environments lie on a diagonal, so that each release which the
matrix names is met once. ``docs/versions.md`` has what came out.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import nox

ROOT = Path(__file__).parent
BOUNDS = nox.project.load_toml("pyproject.toml")["project"]["dependencies"]
OLDEST = [*(bound.replace(">=", "==") for bound in BOUNDS), "pyparsing<3.3"]  # 3.3 deprecates what matplotlib 3.7 calls
MATRIX = [
    nox.param("3.10", OLDEST, id="oldest"),
    nox.param("3.11", ["scipy==1.15.*", "numpy==1.26.*", "pillow==12.3.*"], id="scipy-1.15"),
    nox.param(
        "3.12",
        ["scipy==1.17.*", "numpy==2.2.*", "pillow==11.*", "torch==2.10.*", "torchvision==0.25.*"],
        id="scipy-1.17",
    ),
    nox.param("3.13", [], id="newest"),
]
CORE = [
    *("numerics", "metrics", "data", "evaluation", "protocols", "reporting", "cli", "versions"),
    *("extractors/test_resize.py", "extractors/test_grey_classifier.py", "extractors/test_weights.py"),
    *("test_doctests.py", "test_errors.py", "test_files.py", "test_public_api.py", "test_registry.py"),
]
GOLDEN = str(ROOT / "tests/versions/golden.py")
COMMAND = ["--extractor", "digits", "--metrics", "fid,is(splits=4),prdc", "--workers", "2", "--no-cache"]
FLAGS = ["-O", "-W", "error"]  # with LC_ALL=C and a worker that is spawned: what holds in all at once holds in each

nox.options.sessions = []


@nox.session
@nox.parametrize(("python", "pins"), MATRIX)
def versions(session: nox.Session, pins: list[str]) -> None:
    """The wheel beside pinned dependencies: the tests of the core, then the golden numbers in each mode."""
    wheel = _wheel(session)
    session.install(f"ganmetrics[test-core] @ {wheel.as_uri()}", *pins)
    session.install("--force-reinstall", "--no-deps", str(wheel))  # a reused environment has another of that version
    session.run("python", "-m", "pip", "freeze")
    browser = f"--ignore={ROOT / 'tests/reporting/test_browser.py'}"
    tests = session.posargs or [str(ROOT / "tests" / name) for name in CORE]
    options = ["-q", "-n", "2", "--dist", "loadfile", "-p", "no:cacheprovider", "-p", "versions.absent", browser]
    session.run("pytest", *options, *tests, env={"PYTHONPATH": str(ROOT / "tests")})
    folder = Path(session.create_tmp()).absolute() / "golden"
    shutil.rmtree(folder, ignore_errors=True)
    session.chdir(folder.parent)  # from where only the installed package can be imported
    session.run("python", *FLAGS, GOLDEN, str(folder), "--start-method", "spawn", env={"LC_ALL": "C"})
    sets = [str(folder / "real"), str(folder / "fake")]
    session.run("python", *FLAGS, "-m", "ganmetrics", "evaluate", *sets, *COMMAND, env={"LC_ALL": "C"})


def _wheel(session: nox.Session) -> Path:
    """Built from the source distribution, so that nothing left in ``build/`` gets in."""
    folder = Path(session.create_tmp()).absolute() / "wheels"
    session.install("build")
    session.run_install("python", "-m", "build", "--outdir", str(folder), str(ROOT), silent=True)
    return max(folder.glob("*.whl"), key=os.path.getmtime)
