"""``ganmetrics diagnose`` on saved features, a whole process, beside ``ganmetrics fid`` on the same files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

import ganmetrics as gm
from benchmarks.plan import Plan
from benchmarks.timing import Goal, against_peers, measured, program

if TYPE_CHECKING:
    from benchmarks.report import Agreement, Comparison

COUNT, DIM, KINDS, NARROW = 10_000, 2048, 40, 64
LIMITS = {"s": Goal(value=90), "MiB": Goal(value=3 * 1024)}


def rows(plan: Plan) -> list[Comparison | Agreement]:
    """Seconds and peak memory."""
    count, dim = (200, 32) if plan.is_quick else (COUNT, DIM)
    sets = [str(_saved(plan.folder / f"{name}.npz", count, dim, seed)) for seed, name in enumerate(("real", "fake"))]
    commands = {
        "ganmetrics": [program("ganmetrics"), "diagnose", *sets, "--json", "-"],
        "ganmetrics fid": [program("ganmetrics"), "fid", *sets, "--json", "-"],
    }
    usages = {name: [measured(command) for _ in range(plan.rounds)] for name, command in commands.items()}
    found: list[Comparison | Agreement] = []
    for unit, field in (("s", "wall"), ("MiB", "memory")):
        values = {name: [getattr(usage, field) for usage in each] for name, each in usages.items()}
        title = f"diagnose, {count:,} × {dim} saved features a side{', memory' * (unit == 'MiB')}"
        found += against_peers(title, unit, values, plan.again("diagnosis"), {"ganmetrics fid": LIMITS[unit]})
    return found


def _saved(path: Path, count: int, dim: int, seed: int) -> Path:
    """Statistics with features: rectified mixtures of forty kinds in 64 directions, as a network's might be."""
    rng, common = np.random.RandomState(seed), np.random.RandomState(99)
    mixing, centers = common.randn(NARROW, dim) / 8, 2 * common.randn(KINDS, NARROW)
    latents = centers[rng.randint(KINDS, size=count)] + rng.standard_t(8, (count, NARROW))
    features = np.maximum(latents @ mixing + 0.2 * rng.randn(count, dim) + 0.1 * seed, 0).astype(np.float32)
    pixels = np.zeros((count, 4, 4, 3), dtype=np.uint8)
    pixels[:, 0, 0, 0], pixels[:, 0, 0, 1], pixels[:, 0, 0, 2] = np.arange(count) % 256, np.arange(count) // 256, seed
    found = gm.measure(pixels, reads=("moments", "features"), extractor=_Lookup(torch.from_numpy(features)))
    gm.save_statistics(found, path)
    return path


class _Lookup(torch.nn.Module):
    """Gives each image the features of its number, which its first pixel holds."""

    def __init__(self, rows: torch.Tensor) -> None:
        super().__init__()
        self.rows = rows

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        first = images[:, :, 0, 0].long()
        return self.rows[first[:, 0] + 256 * first[:, 1]]
