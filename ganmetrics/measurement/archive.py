"""Statistics as npz files that pytorch-fid and clean-fid can read too, and the bundled ones."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ganmetrics import _arguments
from ganmetrics._content import content_digest
from ganmetrics._files import atomic_write, shown
from ganmetrics.data import Notes
from ganmetrics.errors import StatisticsError
from ganmetrics.measurement.image_record import Filled
from ganmetrics.measurement.npz_members import FACTS, MAX_ROWS, limits, member_names, read_members, saved_rows
from ganmetrics.measurement.recipe import Recipe, check_name, is_field, is_name
from ganmetrics.measurement.statistics import Statistics
from ganmetrics.numerics.moments import Moments
from ganmetrics.registry import unknown

# From 2 on the description has a digest of the numbers.
SCHEMA = 2
# How near the moments of kept features must be to those beside them, relative to the largest value.
CLOSE = 1e-6
MAX_IMAGES = 1000 * MAX_ROWS
FID_INCEPTION = "inception-2015-12-05:6726825d"
ASSUMED = {
    "torch-fidelity": Recipe("inception", FID_INCEPTION, "tf1-bilinear"),
    "pytorch-fid": Recipe("inception@pytorch-fid-bilinear", FID_INCEPTION, "pytorch-fid-bilinear"),
}


def save_statistics(statistics: Statistics, path: str | os.PathLike[str]) -> None:
    """Write statistics under exactly this name, whole or not at all.

    Raises
    ------
    UsageError
        A name or a recipe that cannot stand in a signature.
    ResourceError
        The disk is full or the folder cannot be written.
    """
    path = _arguments.path(path, "path")
    facts = _description(statistics)
    arrays: dict[str, Any] = {}
    if statistics.moments is not None:
        arrays["mu"] = statistics.moments.mean.numpy()
        arrays["sigma"] = statistics.moments.covariance().numpy()
    for need in saved_rows():
        if (rows := need.of(statistics)) is not None:
            arrays[need.name] = rows.numpy()
    arrays[FACTS] = np.array(json.dumps({**facts, "content": content_digest({**arrays, FACTS: facts})}, sort_keys=True))
    with atomic_write(path) as stream:
        np.savez_compressed(stream, **arrays)


def load_statistics(path: str | os.PathLike[str], *, assume: str | None = None) -> Statistics:
    """Read statistics of this package, or those of another package under a recipe that the caller vouches for.

    Parameters
    ----------
    path : path
        An npz file with ``mu`` and ``sigma``.
    assume : {"torch-fidelity", "pytorch-fid"}, optional
        The recipe of a file that names none.

    Raises
    ------
    StatisticsError
        A file that is damaged, changed since it was written, holds Python objects, has other keys or shapes, or names
        no recipe.
    """
    path = _arguments.path(path, "path")
    arrays = read_members(path)
    facts = _facts(arrays, path, assume)
    _check_rows(arrays, facts["count"], path)
    moments = _moments(arrays, facts["count"], path)
    _check_kept(arrays, path)
    recipe = Recipe(**{**facts["recipe"], "reading": tuple(facts["recipe"].get("reading", ()))})
    rows = {need: torch.from_numpy(arrays[need.name]) for need in saved_rows() if need.name in arrays}
    return Statistics(
        recipe=recipe,
        count=facts["count"],
        digest=facts["digest"],
        name=facts["name"],
        moments=moments,
        order=facts.get("order", ""),
        skipped=facts["skipped"],
        notes=_notes(arrays),
        filled=_filled(facts.get("filled")),
        source=shown(path),
    ).holding(rows)


def is_statistics(path: Path) -> bool:
    """Whether a file of any name is an npz archive of statistics: with our own facts, both moments, or only one."""
    names = member_names(path)
    moments = names & {"mu", "sigma"}
    return FACTS in names or len(moments) == 2 or (bool(moments) and names <= limits().keys())


@cache
def index() -> dict[str, dict[str, dict[str, Any]]]:
    """The bundled statistics: name, then extractor, then file, count and what they are of."""
    text = resources.files("ganmetrics.reference_stats").joinpath("index.json").read_text()
    table: dict[str, dict[str, dict[str, Any]]] = json.loads(text)
    return table


def bundled(name: str, extractor: str | None = None) -> Statistics:
    """The bundled statistics of that name under one extractor; without one, under the first there is.

    Raises
    ------
    UsageError
        An unknown name.
    StatisticsError
        Nothing bundled under that extractor.
    """
    if name not in index():
        raise unknown("bundled statistics", name, list(index()))
    entries = index()[name]
    chosen = extractor or next(iter(entries))
    if chosen not in entries:
        what = f"the bundled statistics {name!r} exist for {', '.join(entries)}, not for {chosen}"
        hint = f'Pass `extractor="{next(iter(entries))}"`, or build your own with: ganmetrics stats build'
        raise StatisticsError(what, hint=hint, code="E-RECIPE")
    entry = entries[chosen]
    with resources.as_file(resources.files("ganmetrics.reference_stats").joinpath(entry["file"])) as path:
        if hashlib.sha256(path.read_bytes()).hexdigest() != entry["sha256"]:
            what = "the bundled statistics are not those that the package was built with"
            raise StatisticsError(what, where=shown(path), hint="Install ganmetrics again", code="E-DAMAGED")
        return load_statistics(path)


def _is_bundled(path: str | os.PathLike[str]) -> bool:
    """Whether a file has the bytes of bundled statistics, wherever it lies."""
    known = {entry["sha256"] for entries in index().values() for entry in entries.values()}
    return hashlib.sha256(Path(path).read_bytes()).hexdigest() in known


def _facts(arrays: dict[str, Any], path: str | os.PathLike[str], assume: str | None) -> dict[str, Any]:
    if FACTS in arrays:
        facts = _own_facts(str(arrays[FACTS]), path)
        _check_content(arrays, facts, path)
        return facts
    missing = [name for name in ("mu", "sigma") if name not in arrays]
    if missing:
        what = f"the file holds {', '.join(map(repr, sorted(arrays))) or 'nothing'}; expected 'mu' and 'sigma'"
        raise StatisticsError(what, where=shown(path), code="E-KEYS")
    if assume is None:
        what = "the statistics name no recipe, so nobody can tell which network and resize made them"
        vouched = " or ".join(f'`gm.load_statistics(path, assume="{name}")`' for name in ASSUMED)
        hint = f"If you know, use {vouched}, or build them again with: ganmetrics stats build"
        raise StatisticsError(what, where=shown(path), hint=hint, code="E-NO-RECIPE")
    if assume not in ASSUMED:
        raise unknown("recipe", assume, list(ASSUMED))
    recipe = asdict(ASSUMED[assume])
    return {"name": "unverified", "count": 0, "digest": "unknown", "skipped": 0, "recipe": recipe}


def _check_content(arrays: dict[str, Any], facts: dict[str, Any], path: str | os.PathLike[str]) -> None:
    """Refuse numbers or a description that may have been changed after the file was written (StatisticsError)."""
    described = {name: value for name, value in facts.items() if name != "content"}
    # The bundled files are older than that digest; the package's index holds one of each file.
    if "content" not in facts and _is_bundled(path):
        return
    if "content" not in facts:
        what = "the file was written by an early version and holds no digest of its numbers"
        raise StatisticsError(what, where=shown(path), hint="Build the file again", code="E-SCHEMA")
    if content_digest({**arrays, FACTS: described}) != facts["content"]:
        what = "the file was changed after it was written: its content does not have the digest that it names"
        raise StatisticsError(what, where=shown(path), hint="Build the file again", code="E-DAMAGED")


def _check_kept(arrays: dict[str, Any], path: str | os.PathLike[str]) -> None:
    """Refuse moments that are not those of the features beside them (StatisticsError)."""
    if not {"features", "mu", "sigma"} <= arrays.keys():
        return
    rows = torch.from_numpy(arrays["features"]).double()
    pairs = {"mu": (rows.mean(dim=0), arrays["mu"]), "sigma": (rows.var(dim=0), np.diagonal(arrays["sigma"]))}
    for name, (found, told) in pairs.items():
        scale = np.abs(told).max() + (float(np.abs(arrays["sigma"]).max()) ** 0.5 if name == "mu" else 0.0)
        close = scale * max(CLOSE, 8 * float(np.finfo(told.dtype).eps))
        if found.shape != told.shape or np.abs(found.numpy() - told).max() > close:
            what = f"{name!r} is not that of the features beside it"
            raise StatisticsError(what, where=shown(path), hint="Build the file again", code="E-DAMAGED")


def _description(statistics: Statistics) -> dict[str, Any]:
    """Everything but the numbers."""
    check_name(statistics.name)
    facts = {name: getattr(statistics, name) for name in ("name", "count", "digest", "skipped")}
    if statistics.order:
        facts["order"] = statistics.order
    if statistics.filled is not None:
        facts["filled"] = list(map(int, statistics.filled))
    recipe = {**asdict(statistics.recipe), "reading": list(statistics.recipe.reading)}
    return {"schema": SCHEMA, **facts, "recipe": recipe}


def _own_facts(text: str, path: str | os.PathLike[str]) -> dict[str, Any]:
    try:
        facts: dict[str, Any] = json.loads(text)
        schema = facts["schema"]
        is_newer = type(schema) is int and schema > SCHEMA
        is_sound = is_newer or _is_sound(facts)
    except (ValueError, KeyError, TypeError, RecursionError):
        is_newer = is_sound = False
    if is_newer:
        what = f"the file has schema {schema}; this version reads up to {SCHEMA}"
        raise StatisticsError(what, where=shown(path), hint="Upgrade ganmetrics", code="E-SCHEMA")
    if not is_sound:
        what = "the description inside the statistics file is damaged"
        raise StatisticsError(what, where=shown(path), hint="Build the file again", code="E-DAMAGED")
    return facts


def _is_sound(facts: dict[str, Any]) -> bool:
    kinds = {"name": str, "count": int, "digest": str, "skipped": int, "recipe": dict, "schema": int}
    if any(type(facts[name]) is not kind for name, kind in kinds.items()) or facts["schema"] < 1:
        return False
    recipe = dict(facts["recipe"])
    if not is_name(facts["name"]):
        return False
    texts = [recipe.pop("reading", None), [facts["digest"], facts.get("order", ""), *recipe.values()]]
    if any(not isinstance(part, list) or not all(map(is_field, part)) for part in texts):
        return False
    if (facts["schema"] > 1) != isinstance(facts.get("content"), str):
        return False
    if "filled" in facts and _filled(facts["filled"]) is None:
        return False
    # A count of 0 says that the number of images is unknown.
    is_counted = facts["count"] == 0 or 2 <= facts["count"] <= MAX_IMAGES
    is_whole = set(facts["recipe"]) == set(Recipe.__dataclass_fields__)
    return is_counted and is_whole and 0 <= facts["skipped"] <= MAX_IMAGES


def _filled(values: Any) -> Filled | None:
    """The part of the range of pixel values that a set fills; ``None`` for what is no such part."""
    if not isinstance(values, list) or len(values) != 4 or any(type(value) is not int for value in values):
        return None
    low, high, in_use, is_coloured = values
    is_part = 0 <= low <= high <= 255 and 1 <= in_use <= 256 and 0 <= is_coloured <= 1
    return Filled(low, high, in_use, bool(is_coloured)) if is_part else None


def _moments(arrays: dict[str, Any], count: int, path: str | os.PathLike[str]) -> Moments | None:
    missing = [name for name in ("mu", "sigma") if name not in arrays]
    if len(missing) == 2:
        return None
    if missing:
        raise StatisticsError(f"the file holds no {missing[0]!r}", where=shown(path), code="E-KEYS")
    mu, sigma = (torch.from_numpy(arrays[name]).double() for name in ("mu", "sigma"))
    if sigma.shape != (len(mu), len(mu)):
        what = f"mu has {len(mu)} dimensions and sigma the shape {list(sigma.shape)}"
        raise StatisticsError(what, where=shown(path), code="E-SHAPE")
    # A count of 2 leaves a foreign sigma as it is.
    n = count or 2
    moments = Moments(n, mu, sigma * (n - 1))
    try:
        # The factor is taken here and kept: every score on this file reads it.
        _ = moments.factor
    except StatisticsError as error:
        raise StatisticsError(error.what, where=shown(path), code=error.code) from error
    return moments


def _check_rows(arrays: dict[str, Any], count: int, path: str | os.PathLike[str]) -> None:
    for name in [need.name for need in saved_rows()]:
        if count and name in arrays and len(arrays[name]) != count:
            what = f"{name!r} has {len(arrays[name])} rows for {count} images"
            raise StatisticsError(what, where=shown(path), code="E-SHAPE")


def _notes(arrays: dict[str, Any]) -> Notes:
    narrow = [name for name in ("mu", "sigma") if name in arrays and arrays[name].dtype != np.float64]
    return Notes(warnings=[f"{' and '.join(narrow)} came in less than float64"] if narrow else [])
