"""Whole processes, from two folders and a weights file to a printed FID."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from benchmarks.plan import Plan
from benchmarks.report import Agreement, Comparison, relative
from benchmarks.timing import Goal, Usage, against_peers, measured, program

PEERS = ("pytorch-fid", "torch-fidelity", "torchmetrics")
TIMES = {"pytorch-fid": Goal(ratio=0.33), "torch-fidelity": Goal(ratio=0.33), "torchmetrics": Goal(ratio=0.55)}
MEMORY = dict.fromkeys(PEERS, Goal(ratio=0.5))
SAME = 1e-5  # relative: the default network is within its float32 rounding of the peers'


class Program(NamedTuple):
    """A command and its arguments."""

    start: list[str]
    arguments: list[str]


def rows(plan: Plan) -> list[Comparison | Agreement]:
    """Time, CPU time, memory and FID of the programs, on each format and number of images."""
    counts = (plan.num_images, *plan.more_images)
    return [row for count in counts for format in plan.formats for row in _of_images(plan, format, count)]


def _of_images(plan: Plan, format: str, count: int) -> list[Comparison | Agreement]:
    programs = commands(*plan.images(format, count), plan.weights, plan.peers or PEERS)
    environment = {"TORCH_HOME": str(plan.folder)}
    usages: dict[str, list[Usage]] = {name: [] for name in programs}
    for each in programs.values():  # so that no program finds its libraries cold
        measured([*each.start, "--help"], environment)
    for _ in range(plan.rounds):
        for name, each in programs.items():
            usages[name].append(measured([*each.start, *each.arguments], environment))
    title = f"fid of {count} + {count} {format.upper()}, 256 px"
    return [*costs(title, usages, plan.again("whole")), *agreements(title, usages, plan.again("whole"))]


def commands(real: Path, fake: Path, weights: Path, peers: Sequence[str] = PEERS) -> dict[str, Program]:
    """Ours and the chosen peers on the same folders, every option but the device and the cache at its default."""
    starts = {
        "pytorch-fid": lambda: [program("pytorch-fid")],
        "torch-fidelity": lambda: [program("fidelity")],
        "torchmetrics": lambda: [sys.executable, "-m", "benchmarks.peer_torchmetrics"],
    }
    fidelity = ["--fid", "--input1", str(fake), "--input2", str(real), "--cpu", "--json", "--no-cache"]
    arguments = {
        "pytorch-fid": [str(real), str(fake), "--device", "cpu"],
        "torch-fidelity": [*fidelity, "--feature-extractor-weights-path", str(weights)],
        "torchmetrics": [str(real), str(fake), str(weights)],
    }
    chosen = {name: Program(starts[name](), arguments[name]) for name in PEERS if name in peers}
    return {"ganmetrics": ours(real, fake, weights, "--no-cache"), **chosen}


def ours(real: Path, fake: Path, weights: Path, cache: str) -> Program:
    """``ganmetrics fid`` with ``--cache`` or ``--no-cache``."""
    options = ["--weights", str(weights), "--device", "cpu", cache, "--json", "-"]
    return Program([program("ganmetrics")], ["fid", str(real), str(fake), *options])


def costs(title: str, usages: Mapping[str, Sequence[Usage]], command: str) -> list[Comparison]:
    """Three rows for each peer."""
    found = []
    for what, unit, field, goals in (
        ("", "s", "wall", TIMES),
        (", CPU", "s", "cpu", {}),
        (", memory", "MiB", "memory", MEMORY),
    ):
        values = {name: [getattr(usage, field) for usage in runs] for name, runs in usages.items()}
        found += against_peers(title + what, unit, values, command, goals)
    return found


def agreements(title: str, usages: Mapping[str, Sequence[Usage]], command: str) -> list[Agreement]:
    """The FIDs printed; torch-fidelity's must be ours, the others resize by other rules and are shown only."""
    values = {name: printed_fid(name, runs[-1].output) for name, runs in usages.items()}
    own = values.pop("ganmetrics")
    bounds = {"torch-fidelity": SAME}
    return [
        Agreement(f"FID, {title}", own, peer, name, relative(own, peer), command, bounds.get(name))
        for name, peer in values.items()
    ]


def printed_fid(name: str, output: str) -> float:
    """The FID in what a program printed, with all its digits (ValueError)."""
    if name in ("pytorch-fid", "torchmetrics"):
        match = re.search(r"^FID:\s*(\S+)", output, flags=re.MULTILINE)
        if match is None:
            raise ValueError(f"{name} printed no FID: {output[-200:]!r}")
        return float(match[1])
    document = json.loads(output[output.index("{") :])
    scores = document["scores"]["fid"]["value"] if name == "ganmetrics" else document["frechet_inception_distance"]
    return float(scores)
