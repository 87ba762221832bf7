"""The result of an evaluation: scores with their signatures, both sets, and warnings."""

from __future__ import annotations

import math
import platform
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from importlib import metadata
from typing import TYPE_CHECKING, Any

from ganmetrics._content import content_digest
from ganmetrics._report import Report
from ganmetrics.numerics.interval_ends import LEVEL, Interval
from ganmetrics.registry import unknown
from ganmetrics.version import __version__

if TYPE_CHECKING:
    from ganmetrics.measurement.recipe import Signature
    from ganmetrics.measurement.statistics import Statistics

SCHEMA = 2
PACKAGES = ("torch", "torchvision", "numpy", "scipy", "pillow")


@dataclass(frozen=True)
class Score:
    """The value of one metric, with its interval and its signature.

    Attributes
    ----------
    name, title : str
    value : float
    std : float or None
        The standard deviation over what ``spread`` names (splits, subsets); not a confidence interval.
    spread : str
    higher_is_better : bool
    signature : Signature
    warnings : tuple of str
        What makes the scores of the evaluation easily misread.
    interval : Interval, optional
        The ends of the 95 % interval and how it was found.
    """

    name: str
    title: str
    value: float
    std: float | None
    spread: str
    higher_is_better: bool
    signature: Signature
    warnings: tuple[str, ...] = ()
    interval: Interval | None = None

    def __float__(self) -> float:
        return self.value

    def __str__(self) -> str:
        around = " ".join(["", *filter(None, _around(self))])
        caution = f" [{len(self.warnings)} warnings]" if self.warnings else ""
        return f"{self.title} {readable(self.value)}{around}{caution}"

    def to_dict(self) -> dict[str, Any]:
        spread = {} if self.std is None else {"std": self.std, "std_over": self.spread}
        facts = {
            "title": self.title,
            "higher_is_better": self.higher_is_better,
            "signature": str(self.signature),
        }
        around = {} if self.interval is None or math.isnan(self.value) else {"interval": self.interval.to_dict()}
        value = {"value": self.value} if math.isfinite(self.value) else {"value": None, "not_finite": str(self.value)}
        return {**value, **around, **spread, **facts}


@dataclass(frozen=True)
class Result(Report):
    """The scores of one evaluation. It prints as a table and is indexed by metric.

    Attributes
    ----------
    scores : mapping of str to Score
    real, fake : Statistics
        ``real`` is ``None`` where no metric needed it.
    warnings : tuple of str
        What makes a score easily misread.
    left_out : mapping of str to str
        The metrics that the sets do not allow, with the reason, where all metrics were asked for.
    """

    scores: Mapping[str, Score]
    real: Statistics | None
    fake: Statistics
    warnings: tuple[str, ...] = ()
    left_out: Mapping[str, str] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Score:
        """Return the score of a metric by its name."""
        if name not in self.scores:
            raise KeyError(str(unknown("score", name, list(self.scores))))
        return self.scores[name]

    def __contains__(self, name: object) -> bool:
        return name in self.scores

    def __iter__(self) -> Iterator[str]:
        return iter(self.scores)

    def __str__(self) -> str:
        rows = [(each.title, readable(each.value), *_around(each)) for each in self.scores.values()]
        widths = [max(len(row[i]) for row in rows) for i in range(4)]
        lines = []
        for row, score in zip(rows, self.scores.values(), strict=True):
            ends = [cell.ljust(width) for cell, width in zip(row[2:4], widths[2:4], strict=True)]
            direction = "higher is better" if score.higher_is_better else "lower is better"
            cells = [row[0].ljust(widths[0]), row[1].rjust(widths[1]), *ends, direction]
            lines += ["  ".join(cell for cell in cells if cell.strip()), f"  {score.signature}"]
        return "\n".join(lines + [f"left out: {name} ({reason})" for name, reason in self.left_out.items()])

    def without_rows(self) -> Result:
        """Return the result without the features of its sets, which may be large."""
        return replace(self, real=self.real and self.real.without_rows(), fake=self.fake.without_rows())

    def to_dict(self) -> dict[str, Any]:
        """Return the result as plain data; ``docs/json.md`` describes it."""
        scores = {name: score.to_dict() for name, score in self.scores.items()}
        return {
            "schema": SCHEMA,
            "scores": scores,
            "content": content_digest(scores),
            "real": None if self.real is None else describe(self.real),
            "fake": describe(self.fake),
            "warnings": list(self.warnings),
            "left_out": dict(self.left_out),
            "environment": environment(),
        }


def readable(value: float) -> str:
    """Write a value with at least four decimals and at least four significant digits."""
    return f"{value:.4f}" if abs(value) >= 0.1 or value == 0 else f"{value:.4g}"


def describe(statistics: Statistics) -> dict[str, Any]:
    """Describe a set as plain data: how many images of which sizes and formats, from where, under which recipe."""
    notes, recipe = statistics.notes, statistics.recipe
    sizes = {f"{width}x{height}": n for (height, width), n in notes.sizes.most_common(20)}
    whole = {} if statistics.whole is None else {"whole": describe(statistics.whole)}
    return {
        **whole,
        "name": statistics.name,
        "source": statistics.source,
        "count": statistics.count,
        "digest": statistics.digest,
        "skipped": {"count": statistics.skipped, "first": notes.skipped[:10]},
        "recipe": {**vars(recipe), "reading": list(recipe.reading)},
        "sizes": sizes,
        "formats": dict(notes.formats),
        "kinds": dict(notes.kinds),
        "depths": {str(depth): n for depth, n in sorted(notes.depths.items())},
        "ignored": dict(notes.ignored),
    }


def environment() -> dict[str, str]:
    """Return the versions of packages that a number may depend on in its last digits."""
    from PIL import features

    versions = {name: metadata.version(name) for name in PACKAGES}
    jpeg = features.version("libjpeg_turbo") or features.version("jpg") or "none"
    return {"ganmetrics": __version__, "python": platform.python_version(), **versions, "libjpeg": str(jpeg)}


def _around(score: Score) -> tuple[str, str]:
    """Write what stands beside a value: its interval and its spread, each empty where there is none."""
    interval = "" if score.interval is None else f"({score.interval.words(score.value)}, {LEVEL:.0%})"
    return interval, "" if score.std is None else f"(std {score.std:.3g} over {score.spread})"
