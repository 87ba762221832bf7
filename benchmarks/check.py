"""A short measurement for continuous integration: has any ratio to a peer become far worse than the recorded one?"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from benchmarks import forward, frechet, resize
from benchmarks.plan import Plan
from benchmarks.report import Comparison, short

RECORDED = Path(__file__).with_name("recorded.json")
WORSE = 2.0  # ratios differ between machines, and by a third between two runs on a busy one
ROUNDS, BATCH, REPEATS = 2, 16, 2


def measured(folder: Path) -> dict[str, float]:
    """Ours / peer in seconds for each row and peer, at sizes that take a minute altogether."""
    plan = Plan(folder, rounds=ROUNDS, is_quick=True)
    rows = [
        *forward.alone(resize.batch(BATCH, forward.SIZE), plan),
        *frechet.of_count(300, 512, plan),
        *resize.rows(plan),
    ]
    return {key(row): row.ratio for row in rows if isinstance(row, Comparison) and row.unit == "s"}


def best(found: Mapping[str, float], again: Mapping[str, float]) -> dict[str, float]:
    """The smaller ratio of two measurements."""
    return {name: min(ratio, again.get(name, ratio)) for name, ratio in found.items()}


def key(row: Comparison) -> str:
    """The name of a ratio."""
    return f"{row.what} | {row.peer_name}"


def complaints(found: Mapping[str, float], recorded: Mapping[str, float]) -> list[str]:
    """A sentence for each ratio that is worse than twice the recorded one; what only one side has is passed over."""
    return [
        f"{name}: ours / peer is {short(found[name])}, recorded {short(recorded[name])}; "
        f"more than {WORSE:g} times as slow as it was beside the same peer"
        for name in found.keys() & recorded.keys()
        if found[name] > WORSE * recorded[name]
    ]


def load(path: Path = RECORDED) -> dict[str, float]:
    """The recorded ratios."""
    return dict(json.loads(path.read_text(encoding="utf-8")))


def save(found: Mapping[str, float], path: Path = RECORDED) -> None:
    """Record these ratios, to three digits."""
    rounded = {name: float(f"{ratio:.3g}") for name, ratio in sorted(found.items())}
    path.write_text(json.dumps(rounded, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
