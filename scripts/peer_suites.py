"""Run a peer's own test files on ganmetrics' drop-in for it, and count what passes.

    python -m scripts.peer_suites CHECKOUT [--theirs] [--file test_fid.py ...]

CHECKOUT is a checkout of torchmetrics' repository, of which nothing is copied: its tests run where they lie, with its
image metrics exchanged for those of ``ganmetrics.compat.torchmetrics`` before they are imported. Both get the same
synthetic Inception weights, since behaviour can be compared without the published ones. ``--theirs`` runs the tests
on torchmetrics itself, which says how many can pass here. Its tests need ``pip install cachier lightning_utilities``.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import click

from benchmarks.synthetic import write_weights

ROOT = Path(__file__).parent.parent
FILES = ("test_fid.py", "test_kid.py", "test_inception.py", "test_mifid.py")
# A plugin of pytest, which the tests' process imports before their files.
SWAP = """
import functools, os, sys, warnings
sys.path.insert(0, {root!r})
import torchmetrics.image.fid as fid
import torchmetrics.image.inception as inception
import torchmetrics.image.kid as kid
import torchmetrics.image.mifid as mifid

WEIGHTS = {weights!r}
NETWORK = fid.NoTrainInceptionV3

class Offline(NETWORK):
    def __init__(self, name, features_list, feature_extractor_weights_path=None, **more):
        super().__init__(name, features_list, feature_extractor_weights_path or WEIGHTS, **more)

for module in (fid, inception, kid, mifid):
    module.NoTrainInceptionV3 = Offline
if {is_swapped}:
    from ganmetrics.compat import _torchmetrics, torchmetrics as ours

    loaded = _torchmetrics.load_extractor
    _torchmetrics.load_extractor = lambda spec, weights=None: loaded(spec, weights or WEIGHTS)
    _torchmetrics.load_extractor = functools.lru_cache(_torchmetrics.load_extractor)
    for module in (fid, inception, kid, mifid):
        for name in ours.__all__:
            if hasattr(module, name):
                setattr(module, name, getattr(ours, name))
"""


@click.command()
@click.argument("checkout", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--theirs", is_flag=True, help="Run the tests on torchmetrics itself.")
@click.option("--file", "files", multiple=True, default=FILES, show_default=True, help="Test files of the images.")
def main(checkout: Path, theirs: bool, files: tuple[str, ...]) -> None:
    """Run the tests of a checkout of torchmetrics on its image metrics or on those of ganmetrics."""
    if not (checkout / "tests" / "unittests" / "image").is_dir():
        raise click.UsageError(f"{checkout} is no checkout of torchmetrics: it has no folder tests/unittests/image")
    with tempfile.TemporaryDirectory() as scratch:
        weights = write_weights(Path(scratch) / "synthetic.pth", seed=0)
        swap = SWAP.format(root=str(ROOT), weights=str(weights), is_swapped=not theirs)
        (Path(scratch) / "peer_swap.py").write_text(swap)
        paths = os.pathsep.join([scratch, str((checkout / "tests").resolve())])
        environment = {**os.environ, "PYTHONPATH": paths, "PYTHONDONTWRITEBYTECODE": "1"}
        total = [0, 0]
        for name in files:
            command = [sys.executable, "-m", "pytest", "-q", "-p", "peer_swap", "-p", "no:cacheprovider", "-rf"]
            command += ["--rootdir", ".", "-c", os.devnull, f"unittests/image/{name}"]
            where = checkout / "tests"
            done = subprocess.run(command, cwd=where, env=environment, capture_output=True, text=True, check=False)
            found = re.findall(r"(\d+) (passed|failed|skipped|error)", done.stdout)
            counts = {word: int(number) for number, word in found}
            ran = sum(counts.get(word, 0) for word in ("passed", "failed", "error"))
            total[0] += counts.get("passed", 0)
            total[1] += ran
            click.echo(f"{name}: {counts.get('passed', 0)} of {ran} pass, {counts.get('skipped', 0)} are skipped")
            lines = [line for line in done.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))]
            click.echo("\n".join(f"  {line}" for line in lines or ([] if counts else done.stdout.splitlines()[-8:])))
        click.echo(f"{total[0]} of {total[1]} pass")


if __name__ == "__main__":
    main()
