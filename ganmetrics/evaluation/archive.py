"""Statistics as npz files that pytorch-fid and clean-fid can read too, and the bundled ones."""

from __future__ import annotations

import json
import os
import zipfile
from dataclasses import asdict
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ganmetrics._files import atomic_write, shown
from ganmetrics.errors import StatisticsError
from ganmetrics.evaluation.recipe import Recipe
from ganmetrics.evaluation.statistics import Statistics
from ganmetrics.numerics import frechet
from ganmetrics.numerics.moments import Moments
from ganmetrics.registry import unknown

SCHEMA = 1
MAX_DIM = 16_384
MAX_ROWS = 10_000_000
KEY = "ganmetrics"  # the member that holds everything but the numbers, as JSON
LIMITS: dict[str, tuple[int, ...]] = {  # the largest plausible shape of each member that is read; others never are
    "mu": (MAX_DIM,),
    "sigma": (MAX_DIM, MAX_DIM),
    "features": (MAX_ROWS, MAX_DIM),
    "logits": (MAX_ROWS, MAX_DIM),
    KEY: (),
}
FID_INCEPTION = "inception-2015-12-05:6726825d"
ASSUMED = {
    "torch-fidelity": Recipe("inception", FID_INCEPTION, "tf1-bilinear"),
    "pytorch-fid": Recipe("inception", FID_INCEPTION, "pytorch-fid-bilinear"),
}
UNREADABLE = (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile, RuntimeError, NotImplementedError)


def save(statistics: Statistics, path: str | os.PathLike[str]) -> None:
    """Write statistics under exactly this name, whole or not at all (ResourceError)."""
    arrays: dict[str, Any] = {}
    if statistics.moments is not None:
        arrays["mu"] = statistics.moments.mean.numpy()
        arrays["sigma"] = statistics.moments.covariance().numpy()
    for name in ("features", "logits"):
        if getattr(statistics, name) is not None:
            arrays[name] = getattr(statistics, name).numpy()
    fields = ("name", "count", "digest", "skipped")
    facts = {"schema": SCHEMA, **{name: getattr(statistics, name) for name in fields}}
    arrays[KEY] = np.array(json.dumps({**facts, "recipe": asdict(statistics.recipe)}, sort_keys=True))
    with atomic_write(path) as stream:
        np.savez_compressed(stream, **arrays)


def load(path: str | os.PathLike[str], *, assume: str | None = None) -> Statistics:
    """Read statistics that ``save`` wrote, or those of another package under a recipe the caller vouches for.

    Parameters
    ----------
    path : path
        An npz file with ``mu`` and ``sigma``.
    assume : {"torch-fidelity", "pytorch-fid"}, optional
        The recipe of a file that names none.

    Raises
    ------
    StatisticsError
        A file that is damaged, holds Python objects, has other keys or shapes, or names no recipe.
    """
    arrays = _arrays(path)
    facts = _facts(arrays, path, assume)
    recipe = Recipe(**{**facts["recipe"], "reading": tuple(facts["recipe"].get("reading", ()))})
    features, logits = (torch.from_numpy(arrays[name]) if name in arrays else None for name in ("features", "logits"))
    return Statistics(
        recipe=recipe,
        count=facts["count"],
        digest=facts["digest"],
        name=facts["name"],
        moments=_moments(arrays, facts["count"], path),
        features=features,
        logits=logits,
        skipped=facts["skipped"],
        source=shown(path),
    )


def is_statistics(path: Path) -> bool:
    """Whether a file is an npz archive with ``mu`` and ``sigma`` or with our own facts."""
    if path.suffix.lower() != ".npz" or not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        names = set(archive.namelist())
    return {"mu.npy", "sigma.npy"} <= names or f"{KEY}.npy" in names


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
        hint = f"Pass --extractor {next(iter(entries))}, or build your own with: ganmetrics stats build"
        raise StatisticsError(what, hint=hint, code="E-RECIPE")
    with resources.as_file(resources.files("ganmetrics.reference_stats").joinpath(entries[chosen]["file"])) as path:
        return load(path)


def _arrays(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Every known member, read only after its header was found plausible."""
    try:
        with zipfile.ZipFile(path) as archive:
            found = [name.removesuffix(".npy") for name in archive.namelist()]
            names = [name for name in found if name in LIMITS]
            for name in names:
                _check_header(archive, name)
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in names}
    except StatisticsError as error:
        raise StatisticsError(error.what, where=shown(path), hint=error.hint, code=error.code) from error
    except UNREADABLE as error:
        trouble = str(error).splitlines()[0] if str(error) else type(error).__name__
        what = f"cannot read the statistics: {trouble}"
        raise StatisticsError(
            what, where=shown(path), hint="Build or fetch the file again", code="E-DAMAGED"
        ) from error


def _check_header(archive: zipfile.ZipFile, name: str) -> None:
    most = LIMITS[name]
    with archive.open(f"{name}.npy") as member:
        version = np.lib.format.read_magic(member)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, _, dtype = read(member)
        declared = archive.getinfo(f"{name}.npy").file_size - member.tell()
    if dtype.hasobject:
        raise StatisticsError(f"{name!r} contains Python objects; refused", code="E-PICKLE")
    if len(shape) != len(most) or any(n > m for n, m in zip(shape, most, strict=True)):
        raise StatisticsError(
            f"{name!r} has the shape {list(shape)}", hint=f"Expected at most {list(most)}", code="E-SHAPE"
        )
    if name != KEY and dtype.kind != "f":
        raise StatisticsError(f"{name!r} is of type {dtype}; expected floats", code="E-DTYPE")
    if declared != int(np.prod(shape, dtype=np.int64)) * dtype.itemsize:
        raise StatisticsError(f"{name!r} claims the shape {list(shape)} but holds {declared} bytes", code="E-DAMAGED")


def _facts(arrays: dict[str, Any], path: str | os.PathLike[str], assume: str | None) -> dict[str, Any]:
    if KEY in arrays:
        return _own_facts(str(arrays[KEY]), path)
    missing = [name for name in ("mu", "sigma") if name not in arrays]
    if missing:
        what = f"the file holds {', '.join(map(repr, sorted(arrays))) or 'nothing'}; expected 'mu' and 'sigma'"
        raise StatisticsError(what, where=shown(path), code="E-KEYS")
    if assume is None:
        what = "the statistics name no recipe, so nobody can tell which network and resize made them"
        hint = f"If you know, pass --assume-recipe {'|'.join(ASSUMED)}, or build them with: ganmetrics stats build"
        raise StatisticsError(what, where=shown(path), hint=hint, code="E-NO-RECIPE")
    if assume not in ASSUMED:
        raise unknown("recipe", assume, list(ASSUMED))
    recipe = asdict(ASSUMED[assume])
    return {"name": "unverified", "count": 0, "digest": "unknown", "skipped": 0, "recipe": recipe}


def _own_facts(text: str, path: str | os.PathLike[str]) -> dict[str, Any]:
    try:
        facts = json.loads(text)
        kinds = {"name": str, "count": int, "digest": str, "skipped": int, "recipe": dict, "schema": int}
        wrong = [name for name, kind in kinds.items() if not isinstance(facts[name], kind)]
        if wrong or facts["count"] < 2 or set(facts["recipe"]) != set(Recipe.__dataclass_fields__):
            raise ValueError(wrong)
    except (ValueError, KeyError, TypeError) as error:
        what = "the description inside the statistics file is damaged"
        raise StatisticsError(what, where=shown(path), hint="Build the file again", code="E-DAMAGED") from error
    if facts["schema"] > SCHEMA:
        what = f"the file has schema {facts['schema']}; this version reads up to {SCHEMA}"
        raise StatisticsError(what, where=shown(path), hint="Upgrade ganmetrics", code="E-SCHEMA")
    return facts


def _moments(arrays: dict[str, Any], count: int, path: str | os.PathLike[str]) -> Moments | None:
    if "mu" not in arrays:
        return None
    mu, sigma = (torch.from_numpy(arrays[name]).double() for name in ("mu", "sigma"))
    if sigma.shape != (len(mu), len(mu)):
        what = f"mu has {len(mu)} dimensions and sigma the shape {list(sigma.shape)}"
        raise StatisticsError(what, where=shown(path), code="E-SHAPE")
    if not bool(torch.isfinite(mu).all()):
        raise StatisticsError("mu holds NaN or infinity", where=shown(path), code="E-NOT-FINITE")
    frechet.psd_factor(sigma.numpy(), shown(path))
    n = count or 2  # a count of 2 leaves a foreign sigma as it is
    return Moments(n, mu, sigma * (n - 1))
