"""What was measured, as values, JSON and Markdown."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any, TypeAlias

COMPARISON_HEAD = ("what", "unit", "ours", "peer", "ours / peer", "goal", "met", "command")
AGREEMENT_HEAD = ("what", "ours", "peer", "difference", "bound", "holds", "command")
STAGE_HEAD = ("what", "stage", "seconds", "share", "command")
METHOD = """\
Ours and the peers take turns (A B C A B C) in one run on one machine, on the same seeded files. `ours` and `peer` are
medians, `ours / peer` is the median of the ratios of each turn; lower is better. The weights are random and seeded, so
a FID here means nothing but whether programs agree.

Whole processes run with every option but the device and the cache at its default; `python -m benchmarks make FOLDER`
writes the same files to run them by hand, with `TORCH_HOME` set to that folder, where pytorch-fid finds its weights:

    ganmetrics fid real fake --weights WEIGHTS --device cpu --no-cache --json -
    pytorch-fid real fake --device cpu
    fidelity --fid --input1 fake --input2 real --cpu --json --no-cache --feature-extractor-weights-path WEIGHTS
    python -m benchmarks.peer_torchmetrics real fake WEIGHTS

Their memory is the peak of the process and its workers together, read from `/proc` every 50 ms (or more rarely, so that
reading takes at most a twentieth of the time): anonymous and shared pages by proportional share, so that what a worker
inherited counts once, and mapped files by the process that has most of them resident. CPU seconds include the workers.
Fréchet distances are shown with their difference because below full rank the peers' routes lose digits;
a whole FID differs from torch-fidelity's by that and by the float32 rounding of the network. pytorch-fid's and
torchmetrics' also differ by their resize, which is another one.

Seconds under "Stages" are of ours alone, of one turn, and have no peer; the ceilings of the machine are in the list."""
QUICK = "**A quick run: tiny sizes, one turn. It proves that the code works; its numbers are not measurements.**"


@dataclass(frozen=True)
class Comparison:
    """A cost of ours against one peer's, turn by turn, lower is better.

    Attributes
    ----------
    what : str
    unit : str
    ours, peer : sequence of float
        One value for each turn.
    peer_name : str
    command : str
        What measures this row again.
    goal : float or None
        The largest ours / peer that is wanted.
    limit : float or None
        The largest value of ours that is wanted.
    """

    what: str
    unit: str
    ours: Sequence[float]
    peer: Sequence[float]
    peer_name: str
    command: str
    goal: float | None = None
    limit: float | None = None

    @property
    def ratio(self) -> float:
        """The median over the turns of ours / peer."""
        return median(ours / peer for ours, peer in zip(self.ours, self.peer, strict=True))

    @property
    def is_met(self) -> bool | None:
        """Whether ratio and value are within what is wanted; ``None`` where nothing is."""
        if self.goal is None and self.limit is None:
            return None
        within_goal = self.goal is None or self.ratio <= self.goal
        return within_goal and (self.limit is None or median(self.ours) <= self.limit)

    def cells(self) -> list[str]:
        """The row of the table, as ``COMPARISON_HEAD`` names it."""
        wanted = [f"≤ {self.goal:g}"] if self.goal is not None else []
        wanted += [f"≤ {self.limit:g} {self.unit}"] if self.limit is not None else []
        peer = f"{short(median(self.peer))} {self.peer_name}"
        numbers = [short(median(self.ours)), peer, short(self.ratio)]
        return [self.what, self.unit, *numbers, ", ".join(wanted), answer(self.is_met), f"`{self.command}`"]


@dataclass(frozen=True)
class Agreement:
    """A result of ours and a peer's, how far apart they are, and how far they may be (``None``: shown only)."""

    what: str
    ours: float
    peer: float
    peer_name: str
    difference: float
    command: str
    bound: float | None = None

    @property
    def is_met(self) -> bool | None:
        """Whether the difference is within the bound; ``None`` without one."""
        return None if self.bound is None else self.difference <= self.bound

    def cells(self) -> list[str]:
        """The row of the table, as ``AGREEMENT_HEAD`` names it."""
        bound = "" if self.bound is None else f"≤ {self.bound:g}"
        values = [f"{self.ours:.9g}", f"{self.peer:.9g} {self.peer_name}", f"{self.difference:.1e}"]
        return [self.what, *values, bound, answer(self.is_met), f"`{self.command}`"]


@dataclass(frozen=True)
class Stage:
    """Seconds of ours alone in one stage, or at one size, of something; its share of the whole where it is a part."""

    what: str
    stage: str
    seconds: float
    command: str
    share: float | None = None

    def cells(self) -> list[str]:
        """The row of the table, as ``STAGE_HEAD`` names it."""
        share = "" if self.share is None else f"{self.share:.0%}"
        return [self.what, self.stage, short(self.seconds), share, f"`{self.command}`"]


Row: TypeAlias = Comparison | Agreement | Stage


@dataclass
class Report:
    """Everything one run found."""

    machine: dict[str, Any]
    settings: dict[str, Any]
    comparisons: list[Comparison] = field(default_factory=list)
    agreements: list[Agreement] = field(default_factory=list)
    stages: list[Stage] = field(default_factory=list)
    failures: dict[str, str] = field(default_factory=dict)

    def take(self, rows: Sequence[Row]) -> None:
        """Add the rows of one part."""
        self.comparisons += [row for row in rows if isinstance(row, Comparison)]
        self.agreements += [row for row in rows if isinstance(row, Agreement)]
        self.stages += [row for row in rows if isinstance(row, Stage)]

    def to_dict(self) -> dict[str, Any]:
        """The report as plain data, every turn included."""
        return {
            "machine": self.machine,
            "settings": self.settings,
            "comparisons": [
                dataclasses.asdict(row) | {"ratio": row.ratio, "met": row.is_met} for row in self.comparisons
            ],
            "agreements": [dataclasses.asdict(row) | {"met": row.is_met} for row in self.agreements],
            "stages": [dataclasses.asdict(row) for row in self.stages],
            "failures": self.failures,
        }

    def to_markdown(self) -> str:
        """The report as a page."""
        facts = [f"- {name}: {value}" for name, value in (self.machine | self.settings).items()]
        warning = [QUICK] if self.settings.get("quick") else []
        parts = ["# Measurements", *warning, METHOD, "\n".join(facts)]
        if self.comparisons:
            parts += ["## Cost", table(COMPARISON_HEAD, [row.cells() for row in self.comparisons])]
        if self.agreements:
            parts += ["## Agreement", table(AGREEMENT_HEAD, [row.cells() for row in self.agreements])]
        if self.stages:
            parts += ["## Stages", table(STAGE_HEAD, [row.cells() for row in self.stages])]
        if self.failures:
            parts += ["## Not measured", "\n".join(f"- {part}: {why}" for part, why in self.failures.items())]
        return "\n\n".join(parts) + "\n"

    def save(self, path: Path) -> None:
        """Write the JSON under that name and the page beside it."""
        path.write_text(json.dumps(self.to_dict(), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        path.with_suffix(".md").write_text(self.to_markdown(), encoding="utf-8")


def relative(ours: float, peer: float) -> float:
    """The difference relative to the peer's value."""
    return abs(ours - peer) / abs(peer) if peer else abs(ours - peer)


def short(value: float) -> str:
    """Three significant digits, without an exponent."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}" if abs(value) >= 1e-4 else f"{value:.1e}"


def answer(is_met: bool | None) -> str:
    """``yes``, ``no``, or nothing where there is no goal."""
    return {True: "yes", False: "no", None: ""}[is_met]


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table; a bar inside a cell is escaped."""
    lines = [list(head), ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def attempt(part: str, rows: Callable[[], Sequence[Row]], report: Report) -> None:
    """Add what a part measures, or why it could not: one part that fails leaves the others standing."""
    try:
        report.take(rows())
    except Exception as error:
        report.failures[part] = f"{type(error).__name__}: {error}"
