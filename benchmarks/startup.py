"""CPU seconds until a command answers."""

from __future__ import annotations

import sys

from benchmarks.plan import Plan
from benchmarks.report import Comparison
from benchmarks.timing import Goal, against_peers, measured, program

HELP, IMPORT = "--help", "import ganmetrics"
TURNS = 5


def rows(plan: Plan) -> list[Comparison]:
    """``ganmetrics --help`` and ``import ganmetrics`` against the peers' ``--help``."""
    commands = {
        HELP: [program("ganmetrics"), "--help"],
        IMPORT: [sys.executable, "-c", "import ganmetrics"],
        "pytorch-fid --help": [program("pytorch-fid"), "--help"],
        "fidelity --help": [program("fidelity"), "--help"],
    }
    seconds: dict[str, list[float]] = {name: [] for name in commands}
    for turn in range((1 if plan.is_quick else TURNS) + 1):  # the first finds the libraries cold and is not counted
        for name, command in commands.items():
            usage = measured(command)
            seconds[name] += [usage.cpu] if turn else []
    return [*_against("ganmetrics --help", HELP, 0.5, seconds, plan), *_against(IMPORT, IMPORT, 0.1, seconds, plan)]


def _against(title: str, key: str, limit: float, seconds: dict[str, list[float]], plan: Plan) -> list[Comparison]:
    peers = {name: values for name, values in seconds.items() if name not in (HELP, IMPORT)}
    values = {"ganmetrics": seconds[key], **peers}
    return against_peers(
        f"start-up, CPU, {title}", "s", values, plan.again("startup"), dict.fromkeys(values, Goal(value=limit))
    )
