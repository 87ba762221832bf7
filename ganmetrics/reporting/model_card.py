"""Scores for a model's page: metadata of the Hugging Face Hub, a block for its card, a badge and citations.

Everything is written to a folder. Nothing is uploaded: that is the user's own command.
"""

from __future__ import annotations

import html
import json
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganmetrics._files import atomic_write, check_writable, disk_errors
from ganmetrics.errors import UsageError
from ganmetrics.reporting.citations import bibtex
from ganmetrics.scoring.score_table import score_table, value_cell

if TYPE_CHECKING:
    from ganmetrics.scoring.result import Score

TASK = "unconditional-image-generation"
# Width of a character of a badge's font, and the room at both sides of a text.
CHARACTER, ROOM = 6.6, 10


@dataclass(frozen=True, kw_only=True)
class Card:
    """What a model's page says beside the scores.

    Attributes
    ----------
    model : str
        The name of the model.
    dataset : str
        The data set of the real images on the Hub, as ``ORG/NAME``. ``.eval_results`` needs one.
    dataset_name : str
        How people call it; empty for the name on the Hub.
    task : str
        The task as the Hub names it, such as ``text-to-image``.
    source : str
        The address where the scores come from, such as a log of the run.
    date : str
        The day of the evaluation, as ``2026-01-31``; empty for the day of the upload.
    """

    model: str = "model"
    dataset: str = ""
    dataset_name: str = ""
    task: str = TASK
    source: str = ""
    date: str = ""

    def __post_init__(self) -> None:
        if self.dataset and self.dataset.count("/") != 1:
            what = f"{self.dataset!r} is no data set of the Hub"
            raise UsageError(what, where="dataset", hint="Name it as ORG/NAME, such as ylecun/mnist")


def files_of(scores: Mapping[str, Score], card: Card) -> dict[str, str]:
    """Return the files of a model's page by their names in its repository."""
    finite = {name: score for name, score in scores.items() if math.isfinite(score.value)}
    if not finite:
        raise UsageError("no score is a finite number", where="scores")
    files = {
        "model-index.yaml": _yaml([{"name": card.model, "results": [_result(finite, card)]}], "model-index"),
        "evaluation.md": _markdown(finite, card),
        "badge.svg": badge(next(iter(finite.values()))),
        "citations.bib": bibtex(finite),
    }
    if card.dataset:
        files[".eval_results/ganmetrics.yaml"] = _yaml([_entry(name, score, card) for name, score in finite.items()])
    return files


def write_card(
    scores: Mapping[str, Score], folder: str | os.PathLike[str], facts: Mapping[str, str], *, force: bool = False
) -> list[Path]:
    """Write the files of a model's page into a folder, and return their paths (UsageError, ResourceError).

    ``facts`` holds what a ``Card`` says.
    """
    files, root = files_of(scores, Card(**facts)), Path(folder)
    paths = [root / name for name in files]
    with disk_errors(root):
        for path in paths:
            path.parent.mkdir(parents=True, exist_ok=True)
    # All are checked before the first is written.
    for path in paths:
        check_writable(path, force=force)
    for path, text in zip(paths, files.values(), strict=True):
        with atomic_write(path) as stream:
            stream.write(text.encode())
    return paths


def badge(score: Score) -> str:
    """Return a badge such as "FID | 9.7 [8.5, 11.1]" as SVG."""
    label, value = score.title, value_cell(score)
    left, right = (round(CHARACTER * len(text)) + ROOM for text in (label, value))
    name, label, value = (html.escape(text) for text in (f"{label}: {value}", label, value))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + right}" height="20" role="img" aria-label="{name}">'
        f'<title>{name}</title><rect width="{left}" height="20" fill="#444c56"/>'
        f'<rect x="{left}" width="{right}" height="20" fill="#0a5fb4"/>'
        '<g fill="#fff" font-family="Verdana,Geneva,DejaVu Sans,sans-serif" font-size="11" text-anchor="middle">'
        f'<text x="{left / 2:g}" y="14">{label}</text><text x="{left + right / 2:g}" y="14">{value}</text></g></svg>\n'
    )


def _result(scores: Mapping[str, Score], card: Card) -> dict[str, Any]:
    """Return the scores as one result of a model index."""
    first = next(iter(scores.values()))
    real = card.dataset_name or card.dataset or first.signature.real.partition("#")[0] or "real images"
    metrics = [
        {"type": name, "value": score.value, "name": score.title, "args": {"signature": str(score.signature)}}
        for name, score in scores.items()
    ]
    dataset = {"name": real, "type": card.dataset or real}
    source = {"source": {"name": "ganmetrics", "url": card.source}} if card.source else {}
    return {"task": {"type": card.task}, "dataset": dataset, "metrics": metrics, **source}


def _entry(name: str, score: Score, card: Card) -> dict[str, Any]:
    """Return one score as an entry of ``.eval_results``."""
    around = "" if score.interval is None else f", 95 % interval {score.interval.words(score.value)}"
    source = {"source": {"url": card.source, "name": "ganmetrics"}} if card.source else {}
    date = {"date": card.date} if card.date else {}
    notes = f"{score.title}{around}, {score.signature}"
    return {"dataset": {"id": card.dataset, "task_id": name}, "value": score.value, **date, **source, "notes": notes}


def _markdown(scores: Mapping[str, Score], card: Card) -> str:
    lines = ["## Evaluation", "", score_table({card.model: scores}, head="Model").markdown(), ""]
    return "\n".join([*lines, "Scored with ganmetrics; `citations.bib` names the papers of the metrics.", ""])


def _yaml(value: Any, key: str = "") -> str:
    """Write plain data as YAML: blocks for lists and mappings, and JSON, which YAML reads too, for the rest."""
    lines = [f"{key}:"] if key else []
    return "\n".join([*lines, *_block(value, 0)]) + "\n"


def _block(value: Any, depth: int) -> list[str]:
    pad = "  " * depth
    if isinstance(value, list):
        found = []
        for each in value:
            first, *rest = _block(each, depth + 1)
            found += [f"{pad}- {first.lstrip()}", *rest]
        return found
    lines = []
    for key, each in value.items():
        if isinstance(each, (dict, list)):
            lines += [f"{pad}{key}:", *_block(each, depth + 1)]
        else:
            lines.append(f"{pad}{key}: {json.dumps(each, ensure_ascii=False)}")
    return lines
