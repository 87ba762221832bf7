"""The machine that numbers belong to: what it is, which versions ran on it, and the ceilings that were measured."""

from __future__ import annotations

import os
import platform
import re
import time
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import torch

from ganmetrics.selftest.environment import system, versions

PACKAGES = (
    *("ganmetrics", "torch", "torchvision", "numpy", "scipy", "pillow"),
    *("pytorch-fid", "torch-fidelity", "torchmetrics", "prdc", "onnxruntime", "openvino", "simplejpeg"),
)
SIDE, COPIED, TURNS = 2048, 256 * 10**6, 3


def facts() -> dict[str, Any]:
    """The machine and the versions."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {
        "date": datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        "cpu": cpu_model(_text(Path("/proc/cpuinfo"))) or platform.processor() or platform.machine(),
        "cores": cores,
        "threads": torch.get_num_threads(),
        "load at the start": round(os.getloadavg()[0], 2),
        **system(),
        **versions(*PACKAGES),
    }


def ceilings(side: int = SIDE, copied: int = COPIED) -> dict[str, str]:
    """What no program exceeds here: products of square matrices, on all threads and on one, and a copy of memory."""
    found = {}
    for dtype in (torch.float32, torch.float64):
        title = f"product of {side} × {side} matrices, {str(dtype).partition('.')[2]}"
        rates = (_product_rate(side, dtype, threads) for threads in (torch.get_num_threads(), 1))
        found[title] = " GFLOP/s, one thread ".join(f"{rate:.0f}" for rate in rates) + " GFLOP/s"
    source, target = torch.ones(copied, dtype=torch.uint8), torch.ones(copied, dtype=torch.uint8)
    rate = 2 * copied / _fastest(lambda: target.copy_(source)) / 1e9
    return found | {f"copy of {copied / 1e6:.0f} MB": f"{rate:.1f} GB/s, read and written"}


def _product_rate(side: int, dtype: torch.dtype, threads: int) -> float:  # GFLOP/s
    matrix, saved = torch.rand(side, side, dtype=dtype), torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        return 2 * side**3 / _fastest(lambda: matrix @ matrix) / 1e9
    finally:
        torch.set_num_threads(saved)


def _fastest(action: Callable[[], object]) -> float:
    """Seconds of the best turn: a ceiling is what the machine can, not what it did."""
    seconds = []
    for _ in range(TURNS):
        start = time.perf_counter()
        action()
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def cpu_model(cpuinfo: str) -> str:
    """The model in the text of ``/proc/cpuinfo``, with family and model number, which some virtual machines need."""
    found = dict(re.findall(r"^(model name|cpu family|model)\s*: (.*)$", cpuinfo, flags=re.MULTILINE))
    if not found:
        return ""
    return f"{found.get('model name', '?')} (family {found.get('cpu family', '?')}, model {found.get('model', '?')})"


def _text(path: Path) -> str:
    return path.read_text() if path.is_file() else ""
