"""The result of an evaluation: scores with their signatures, both sets, and warnings."""

from __future__ import annotations

import math
import platform
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from importlib import metadata
from typing import TYPE_CHECKING, Any, NamedTuple

from ganmetrics._content import content_digest
from ganmetrics._report import Report
from ganmetrics.numerics.interval_ends import LEVEL, Interval, readable
from ganmetrics.registry import unknown
from ganmetrics.scoring.score_table import score_table
from ganmetrics.version import __version__

if TYPE_CHECKING:
    import os
    from pathlib import Path

    from ganmetrics._table import Table
    from ganmetrics.measurement.recipe import Signature
    from ganmetrics.measurement.statistics import Statistics

SCHEMA = 2
PACKAGES = ("torch", "torchvision", "numpy", "scipy", "pillow")


class Floor(NamedTuple):
    """The score of held-out real images beside that of generated ones.

    Attributes
    ----------
    value : float
        The score of the held-out images against the same real images.
    ratio : float
        The score of the generated images over it, both at one number of images; NaN where the floor may be 0.
    num_images : int
        The number of images of both.
    interval : Interval or None
        The 95 % interval of ``value``.
    is_below : bool
        Whether the generated images score better than held-out real ones, beyond what chance explains.
    """

    value: float
    ratio: float
    num_images: int
    interval: Interval | None = None
    is_below: bool = False

    @staticmethod
    def from_dict(data: Mapping[str, Any]) -> Floor:
        """Return the floor of plain data (an error of ``MALFORMED`` for other data)."""
        value, ratio, around = float(data["value"]), data["ratio"], data["interval"]
        interval = None if around is None else Interval.from_dict(around, value)
        ratio = math.nan if ratio is None else float(ratio)
        return Floor(value, ratio, int(data["num_images"]), interval, bool(data["is_below"]))

    def __str__(self) -> str:
        times = "" if math.isnan(self.ratio) else f", {self.ratio:.3g} times"
        return f"(held-out reals {self.cell}{times})"

    @property
    def cell(self) -> str:
        """The value with its interval, as a cell of a table."""
        return readable(self.value) if self.interval is None else self.interval.cell(self.value)

    def to_dict(self) -> dict[str, Any]:
        """Return the floor as plain data."""
        around = None if self.interval is None else self.interval.to_dict()
        ratio = None if math.isnan(self.ratio) else self.ratio
        return {**self._asdict(), "ratio": ratio, "interval": around}


@dataclass(frozen=True, repr=False)
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
    floor : Floor, optional
        The score of held-out real images, where such were given.
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
    floor: Floor | None = None

    def __float__(self) -> float:
        return self.value

    def __str__(self) -> str:
        around = " ".join(["", *filter(None, _around(self))])
        caution = f" [{len(self.warnings)} warnings]" if self.warnings else ""
        return f"{self.title} {self.rounded}{around}{caution}"

    def __repr__(self) -> str:
        return str(self)

    @property
    def rounded(self) -> str:
        """The value as text, with the digits that its interval deserves."""
        return readable(self.value) if self.interval is None else self.interval.rounded(self.value)

    def to_dict(self) -> dict[str, Any]:
        spread = {} if self.std is None else {"std": self.std, "std_over": self.spread}
        facts = {
            "title": self.title,
            "higher_is_better": self.higher_is_better,
            "signature": str(self.signature),
        }
        around = {} if self.interval is None or math.isnan(self.value) else {"interval": self.interval.to_dict()}
        value = {"value": self.value} if math.isfinite(self.value) else {"value": None, "not_finite": str(self.value)}
        floor = {} if self.floor is None else {"floor": self.floor.to_dict()}
        return {**value, **around, **spread, **floor, **facts}


@dataclass(frozen=True, repr=False)
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
        rows = [(each.title, each.rounded, *_around(each)) for each in self.scores.values()]
        widths = [max(len(row[i]) for row in rows) for i in range(5)]
        lines = []
        for row, score in zip(rows, self.scores.values(), strict=True):
            ends = [cell.ljust(width) for cell, width in zip(row[2:], widths[2:], strict=True)]
            direction = "higher is better" if score.higher_is_better else "lower is better"
            cells = [row[0].ljust(widths[0]), row[1].rjust(widths[1]), *ends, direction]
            lines += ["  ".join(cell for cell in cells if cell.strip()), f"  {score.signature}"]
        return "\n".join(lines + [f"left out: {name} ({reason})" for name, reason in self.left_out.items()])

    def by_set(self) -> Mapping[str, Mapping[str, Score]]:
        """Return the scores under the name of the generated set."""
        return {self.fake.source or self.fake.name or "fake": self.scores}

    def table(self) -> Table:
        """Return the scores as a table of one row."""
        return score_table(self.by_set(), left_out=self.left_out)

    def to_hub(
        self, folder: str | os.PathLike[str], *, model: str = "model", dataset: str = "", source: str = "",
        force: bool = False,
    ) -> list[Path]:  # fmt: skip
        """Write files for the model's page on the Hugging Face Hub; nothing is uploaded.

        Parameters
        ----------
        folder : path
            Gets ``model-index.yaml`` for the head of ``README.md``, ``evaluation.md``, ``badge.svg``, ``citations.bib``
            and, with ``dataset``, ``.eval_results/ganmetrics.yaml``.
        model : str
            The name of the model.
        dataset : str
            The data set of the real images on the Hub, as ``ORG/NAME``.
        source : str
            The address where the scores come from.
        force : bool
            Overwrite files that exist.

        Returns
        -------
        list of Path
            The files.

        Raises
        ------
        UsageError
            A file exists and ``force`` is false, or ``dataset`` is no name of a data set.
        ResourceError
            The folder cannot be written.
        """
        facts = {"model": model, "dataset": dataset, "source": source}
        return Report.renderer().write_card(self.scores, folder, facts, force=force)

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


def _around(score: Score) -> tuple[str, str, str]:
    """Write what stands beside a value: its interval, its spread and its floor, each empty where there is none."""
    interval = "" if score.interval is None else f"({score.interval.words(score.value)}, {LEVEL:.0%})"
    spread = "" if score.std is None else f"(std {score.std:.3g} over {score.spread})"
    return interval, spread, "" if score.floor is None else str(score.floor)
