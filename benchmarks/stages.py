"""Where the time of one evaluation goes: ``python -m benchmarks.stages REAL FAKE WEIGHTS`` prints seconds as JSON.

Imports are part of what is measured, so nothing heavy is imported at the top.
"""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from benchmarks.plan import Plan
    from benchmarks.report import Stage

TOTAL, OTHER, WAIT = "total", "other", "waiting for decoded images"


def rows(plan: Plan) -> list[Stage]:
    """The stages of one evaluation of two folders, the first run of which, to warm the disk, is not counted."""
    from benchmarks.timing import measured

    paths = [*map(str, plan.images("png")), str(plan.weights)]
    command = [sys.executable, "-m", "benchmarks.stages", *paths]
    for _ in range(1 if plan.is_quick else 2):
        seconds = json.loads(measured(command).output.splitlines()[-1])
    what = f"gm.evaluate of {plan.num_images} + {plan.num_images} PNG, 256 px, without cache"
    return shares(what, seconds, plan.again("stages"))


def shares(what: str, seconds: dict[str, float], command: str) -> list[Stage]:
    """A row for each stage, the longest first, then what is left of the total, and the total."""
    from benchmarks.report import Stage

    whole = seconds[TOTAL]
    named = sorted(((name, value) for name, value in seconds.items() if name != TOTAL), key=lambda pair: -pair[1])
    rest = max(0.0, whole - sum(value for _, value in named))
    ordered = [*named, (OTHER, rest), (TOTAL, whole)]
    return [Stage(what, name, value, command, value / whole) for name, value in ordered]


def watch(seconds: Counter[str]) -> None:
    """Replace the functions of each stage by ones that add to its seconds."""
    import ganmetrics.data.reading.loading as loading
    import ganmetrics.evaluation.evaluate as run
    from ganmetrics.extractors.inception import Inception
    from ganmetrics.measurement.gathering import Collector
    from ganmetrics.measurement.image_record import ImageRecord

    functions: list[tuple[Any, str, str]] = [
        (Inception, "__init__", "loading weights"),
        (Inception, "prepare", "resize"),
        (Inception, "forward", "forward pass"),
        (ImageRecord, "add", "digests of images"),
        (Collector, "add", "collecting features"),
        (run, "scored", "scores"),
    ]
    for owner, name, stage in functions:
        setattr(owner, name, _timed(getattr(owner, name), stage, seconds))
    read: Any = loading.read_placed

    def waited(parts: Iterator[Any], *rest: Any, **named: Any) -> Any:
        return read(_waited(parts, seconds), *rest, **named)

    setattr(loading, "read_placed", waited)  # noqa: B010


def _timed(function: Callable[..., Any], stage: str, seconds: Counter[str]) -> Callable[..., Any]:
    def wrapper(*positional: Any, **named: Any) -> Any:
        start = time.perf_counter()
        try:
            return function(*positional, **named)
        finally:
            seconds[stage] += time.perf_counter() - start  # type: ignore[assignment]

    return wrapper


def _waited(parts: Iterator[Any], seconds: Counter[str]) -> Iterator[Any]:
    following = _timed(lambda: next(parts, None), WAIT, seconds)
    while (part := following()) is not None:
        yield part


@click.command()
@click.argument("real")
@click.argument("fake")
@click.argument("weights")
def main(real: str, fake: str, weights: str) -> None:
    """Evaluate once and print the seconds of each stage."""
    start = time.perf_counter()
    import ganmetrics as gm

    seconds: Counter[str] = Counter()
    watch(seconds)
    seconds["imports"] = time.perf_counter() - start  # type: ignore[assignment]
    gm.evaluate(real, fake, metrics=["fid"], weights=weights, device="cpu", reading=gm.Reading(cache=False))
    click.echo(json.dumps({**seconds, TOTAL: time.perf_counter() - start}))


if __name__ == "__main__":
    main()
