"""Under Accelerate: the ranks meet by themselves, and a prepared loader, which repeats samples, is found out."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

SCRIPT = """
    import torch
    from accelerate import Accelerator
    from torch.utils.data import DataLoader, TensorDataset

    import ganmetrics as gm

    accelerator = Accelerator(cpu=True)
    rng = torch.Generator().manual_seed(0)
    fake = torch.randint(256, (203, 3, 8, 8), generator=rng, dtype=torch.uint8)
    real = torch.randint(200, (150, 3, 8, 8), generator=rng, dtype=torch.uint8)
    alone = gm.evaluate(real, fake, metrics=["fid", "kid(subset_size=50)"], extractor="pixels")
    evaluation = gm.Evaluation(["fid", "kid(subset_size=50)"], real, extractor="pixels")

    loader = accelerator.prepare(DataLoader(TensorDataset(fake, torch.arange(203)), 16))
    for images, _ in loader:
        evaluation.update(images)
    try:
        evaluation.compute(num_images=203)
    except gm.InputError as error:
        print(error.what, flush=True)

    evaluation.reset()
    places = torch.arange(203)[accelerator.process_index :: accelerator.num_processes]
    for part in places.split(16):
        evaluation.update(fake[part], indices=part)
    found = evaluation.compute(num_images=203)
    same = [abs(found[name].value - alone[name].value) <= 1e-10 * abs(alone[name].value) for name in alone]
    print(f"same {all(same)} {accelerator.num_processes}", flush=True)  # one piece: the ranks share the pipe
    accelerator.end_training()
"""


@pytest.mark.slow
def test_the_ranks_of_accelerate_are_one_set(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(textwrap.dedent(SCRIPT))
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "GANMETRICS_TIMEOUT": "60"}
    done = subprocess.run([*launcher, str(script)], capture_output=True, text=True, timeout=200, env=environment)
    assert done.stdout.count("the set has 203") == 2, done.stderr
    assert done.stdout.count("same True 2") == 2, done.stderr
