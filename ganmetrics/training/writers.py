"""Loggers of a training, by what they offer: TensorBoard, Weights & Biases, MLflow, Aim, trackio and others.

Every logger gets the same keys: ``gm/fid``, ``gm/fid/low``, ``gm/fid/high``, ``gm/seconds`` and ``gm/diversity``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ganmetrics.errors import UsageError

if TYPE_CHECKING:
    from PIL import Image

    from ganmetrics.training.records import Record

PREFIX = "gm"
Send = Callable[[Any, Mapping[str, float], int], None]


def _scalars(writer: Any, values: Mapping[str, float], step: int) -> None:
    for name, value in values.items():
        writer.add_scalar(name, value, step)


def _tracked(writer: Any, values: Mapping[str, float], step: int) -> None:
    for name, value in values.items():
        writer.track(value, name=name, step=step)


# What a logger may offer, the most specific first: TensorBoard and its like, Aim, MLflow and Lightning's loggers, and
# Weights & Biases, trackio and any other with ``log(values, step=step)``.
WAYS: Mapping[str, Send] = {
    "add_scalar": _scalars,
    "track": _tracked,
    "log_metrics": lambda writer, values, step: writer.log_metrics(dict(values), step=step),
    "log": lambda writer, values, step: writer.log(dict(values), step=step),
}


def check_writer(writer: Any) -> None:
    """Refuse, before any training, what offers no way to log numbers (UsageError)."""
    if not any(callable(getattr(writer, name, None)) for name in WAYS):
        what = f"a {type(writer).__name__} offers none of {', '.join(WAYS)}"
        hint = "Pass TensorBoard's SummaryWriter, a run of wandb or aim, the module mlflow, or any object with log"
        raise UsageError(what, where="writer", hint=hint)


def write_numbers(writer: Any, values: Mapping[str, float], step: int) -> None:
    """Log numbers of one step under their keys."""
    way = next(way for name, way in WAYS.items() if callable(getattr(writer, name, None)))
    way(writer, {f"{PREFIX}/{name}": value for name, value in values.items()}, step)


def write_record(writer: Any, record: Record, picture: Image.Image | None) -> None:
    """Log the scores of an evaluation with the ends of their intervals, and the samples where a logger takes images."""
    values: dict[str, float] = {}
    for name, mark in record.scores.items():
        values[name] = mark.value
        values |= {f"{name}/{end}": value for end, value in (mark.interval.ends() if mark.interval else {}).items()}
    write_numbers(writer, {**values, "seconds": record.seconds}, record.step)
    if picture is not None and hasattr(writer, "add_image"):
        writer.add_image(f"{PREFIX}/samples", np.array(picture).transpose(2, 0, 1), record.step)


def lay_out(writer: Any, record: Record) -> None:
    """Show scores with their intervals as bands, where a logger has such charts, as TensorBoard has."""
    if not hasattr(writer, "add_custom_scalars"):
        return
    keys = {mark.title: f"{PREFIX}/{name}" for name, mark in record.scores.items() if mark.interval}
    charts = {title: ["Margin", [key, f"{key}/low", f"{key}/high"]] for title, key in keys.items()}
    writer.add_custom_scalars({"ganmetrics, 95 % intervals": charts})
