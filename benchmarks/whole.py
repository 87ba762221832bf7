"""Whole processes, from two folders and a weights file to a printed FID."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.plan import Plan
from benchmarks.report import Agreement, Comparison, relative
from benchmarks.timing import Goal, Usage, against_peers, measured, program

TIME, MEMORY = Goal(ratio=0.6), Goal(ratio=0.5)
SAME = 1e-5  # relative: the default network is within its float32 rounding of the peers'


def rows(plan: Plan) -> list[Comparison | Agreement]:
    """Time, CPU time, memory and FID of the three programs, on PNG and on JPEG."""
    return [row for format in ("png", "jpeg") for row in _of_format(plan, format)]


def _of_format(plan: Plan, format: str) -> list[Comparison | Agreement]:
    real, fake = plan.images(format)
    programs = commands(real, fake, plan.weights)
    environment = {"TORCH_HOME": str(plan.folder)}
    usages: dict[str, list[Usage]] = {name: [] for name in programs}
    for command in programs.values():  # so that no program finds its libraries cold
        measured([command[0], "--help"], environment)
    for _ in range(plan.rounds):
        for name, command in programs.items():
            usages[name].append(measured(command, environment))
    title = f"fid of {plan.num_images} + {plan.num_images} {format.upper()}, 256 px"
    return [*costs(title, usages, plan.again("whole")), *agreements(title, usages, plan.again("whole"))]


def commands(real: Path, fake: Path, weights: Path) -> dict[str, list[str]]:
    """The three programs on the same folders, every option but the device at its default."""
    ours = ["fid", str(real), str(fake), "--weights", str(weights), "--device", "cpu", "--json", "-"]
    fidelity = ["--fid", "--input1", str(fake), "--input2", str(real), "--cpu", "--json", "--no-cache"]
    return {
        "ganmetrics": [program("ganmetrics"), *ours],
        "pytorch-fid": [program("pytorch-fid"), str(real), str(fake), "--device", "cpu"],
        "torch-fidelity": [program("fidelity"), *fidelity, "--feature-extractor-weights-path", str(weights)],
    }


def costs(title: str, usages: Mapping[str, Sequence[Usage]], command: str) -> list[Comparison]:
    """Three rows for each peer."""
    found = []
    for what, unit, field, goal in (
        ("", "s", "wall", TIME),
        (", CPU", "s", "cpu", Goal()),
        (", memory", "MiB", "memory", MEMORY),
    ):
        values = {name: [getattr(usage, field) for usage in runs] for name, runs in usages.items()}
        found += against_peers(title + what, unit, values, command, dict.fromkeys(values, goal))
    return found


def agreements(title: str, usages: Mapping[str, Sequence[Usage]], command: str) -> list[Agreement]:
    """The FIDs printed; torch-fidelity's must be ours, pytorch-fid resizes by another rule and is shown only."""
    values = {name: printed_fid(name, runs[-1].output) for name, runs in usages.items()}
    ours = values.pop("ganmetrics")
    bounds = {"torch-fidelity": SAME}
    return [
        Agreement(f"FID, {title}", ours, peer, name, relative(ours, peer), command, bounds.get(name))
        for name, peer in values.items()
    ]


def printed_fid(name: str, output: str) -> float:
    """The FID in what a program printed, with all its digits (ValueError)."""
    if name == "pytorch-fid":
        match = re.search(r"^FID:\s*(\S+)", output, flags=re.MULTILINE)
        if match is None:
            raise ValueError(f"pytorch-fid printed no FID: {output[-200:]!r}")
        return float(match[1])
    document = json.loads(output[output.index("{") :])
    scores = document["scores"]["fid"]["value"] if name == "ganmetrics" else document["frechet_inception_distance"]
    return float(scores)
