"""Statistics as npz files that pytorch-fid and clean-fid can read too, and the bundled ones."""

from __future__ import annotations

import hashlib
import json
import os
import zipfile
from dataclasses import asdict, replace
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ganmetrics import _arguments
from ganmetrics._content import content_digest
from ganmetrics._files import atomic_write, shown
from ganmetrics.data import Notes, Source
from ganmetrics.data.array_file import ArrayFileSource
from ganmetrics.errors import InputError, StatisticsError, UsageError
from ganmetrics.extractors.weights.weight_store import WEIGHTS, resolve
from ganmetrics.measurement.archive_facts import SCHEMA as SCHEMA
from ganmetrics.measurement.archive_facts import description, filled_of, own_facts
from ganmetrics.measurement.image_members import IMAGES_MEMBER, write_images
from ganmetrics.measurement.npz_members import FACTS, MOMENTS_MEMBERS, limits, member_names, read_members, saved_rows
from ganmetrics.measurement.recipe import Recipe, check_name
from ganmetrics.measurement.statistics import Statistics
from ganmetrics.metrics.needs import MOMENTS, Need
from ganmetrics.numerics.moments import Moments
from ganmetrics.protocols import PROTOCOLS
from ganmetrics.registry import unknown

# How near the moments of kept features must be to those beside them, relative to the largest value.
CLOSE = 1e-6
INCEPTION = "inception-2015-12-05"
FID_INCEPTION = f"{INCEPTION}:6726825d"
# The packages that most files without a recipe are of.
USUAL = ("torch-fidelity", "pytorch-fid")
# The name of a set whose images nobody can tell.
UNVERIFIED = "unverified"


@cache
def assumable() -> dict[str, Recipe]:
    """Return the recipes of files that name none, by the package that wrote them.

    A covariance over N cannot be told from one over N - 1 in a file that does not say how many images it is of.
    """
    return {
        name: Recipe(f"inception@{each.resize}".removesuffix("@tf1-bilinear"), FID_INCEPTION, each.resize)
        for name, each in PROTOCOLS.records().items()
        if not each.options.get("fid")
    }


def save_statistics(statistics: Statistics, path: str | os.PathLike[str], *, images: Source | None = None) -> None:
    """Write statistics under exactly this name, whole or not at all.

    Parameters
    ----------
    statistics : Statistics
    path : path
    images : Source, optional
        The images that the statistics are of. Up to 10,000 of them, drawn by a fixed seed, are written too, as
        ``arr_0``, uint8 [N, H, W, 3]. With ``moments`` and ``spatial_moments`` the file is then a reference batch that
        guided diffusion's evaluator reads.

    Raises
    ------
    UsageError
        A name or a recipe that cannot stand in a signature.
    InputError
        Images of several sizes, or other ones than the statistics are of.
    ResourceError
        The disk is full or the folder cannot be written.
    """
    path = _arguments.path(path, "path")
    check_name(statistics.name)
    arrays: dict[str, Any] = {}
    for need, members in MOMENTS_MEMBERS.items():
        if (moments := need.of(statistics)) is not None:
            arrays |= dict(zip(members, (moments.mean.numpy(), moments.covariance().numpy()), strict=True))
    for need in saved_rows():
        if (rows := need.of(statistics)) is not None:
            arrays[need.name] = rows.numpy()
    with atomic_write(path) as stream, zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        facts = description(statistics, "" if images is None else write_images(archive, images, statistics))
        told = {**facts, "content": content_digest({**arrays, FACTS: facts})}
        arrays[FACTS] = np.array(json.dumps(told, sort_keys=True))
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(member, array, allow_pickle=False)


def load_statistics(
    path: str | os.PathLike[str], *, assume: str | None = None, weights: str | os.PathLike[str] | None = None
) -> Statistics:
    """Read statistics of this package, or those of another package under a recipe that the caller vouches for.

    Images in the same file, ``arr_0`` as in guided diffusion's reference batches, are measured where a metric reads
    what the statistics do not hold.

    Parameters
    ----------
    path : path
        An npz file with ``mu`` and ``sigma``, and possibly ``mu_s``, ``sigma_s`` and ``arr_0``.
    assume : str, optional
        The package that wrote a file which names no recipe, such as ``"pytorch-fid"``, ``"clean-fid"`` or ``"adm"``.
    weights : path, optional
        The file of Inception's weights that made such a file; by default the published ones.

    Raises
    ------
    StatisticsError
        A file that is damaged, changed since it was written, holds Python objects, has other keys or shapes, or names
        no recipe.
    UsageError
        An unknown package, or one that is named for a file which names its recipe itself.
    """
    path = _arguments.path(path, "path")
    arrays = read_members(path)
    facts = _facts(arrays, path, None if assume is None else assumed(assume, weights))
    _check_rows(arrays, facts["count"], path)
    moments = {need: _moments(arrays, need, facts["count"], path) for need in MOMENTS_MEMBERS}
    _check_kept(arrays, path)
    recipe = Recipe(**{**facts["recipe"], "reading": tuple(facts["recipe"].get("reading", ()))})
    rows = {need: torch.from_numpy(arrays[need.name]) for need in saved_rows() if need.name in arrays}
    return Statistics(
        recipe=recipe,
        count=facts["count"],
        digest=facts["digest"],
        name=facts["name"],
        order=facts.get("order", ""),
        skipped=facts["skipped"],
        notes=_notes(arrays),
        filled=filled_of(facts.get("filled")),
        source=shown(path),
        beside=_beside(path),
        beside_order=facts.get("images", {"order": ""})["order"],
    ).holding({**moments, **rows})


def assumed(name: str, weights: str | os.PathLike[str] | None = None) -> Recipe:
    """Return the recipe of a package's statistics, made with the published weights or with a file of them."""
    if name not in assumable():
        raise unknown("recipe", name, list(assumable()))
    recipe = assumable()[name]
    return recipe if weights is None else replace(recipe, network=resolve(WEIGHTS[INCEPTION], weights)[1])


def _beside(path: str) -> Source | None:
    """The images in a file of statistics; ``None`` where it has none."""
    if IMAGES_MEMBER not in member_names(path):
        return None
    try:
        return ArrayFileSource(path, is_beside_statistics=True)
    except InputError:
        # Another program may call any array so.
        return None


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


def _facts(arrays: dict[str, Any], path: str | os.PathLike[str], recipe: Recipe | None) -> dict[str, Any]:
    if FACTS in arrays:
        if recipe is not None:
            what = "the statistics name their recipe themselves, so that no other is assumed"
            raise UsageError(what, where=shown(path), hint="Leave `assume` out")
        facts = own_facts(str(arrays[FACTS]), path)
        _check_content(arrays, facts, path)
        return facts
    missing = [name for name in ("mu", "sigma") if name not in arrays]
    if missing:
        what = f"the file holds {', '.join(map(repr, sorted(arrays))) or 'nothing'}; expected 'mu' and 'sigma'"
        raise StatisticsError(what, where=shown(path), code="E-KEYS")
    if recipe is None:
        what = "the statistics name no recipe, so nobody can tell which network and resize made them"
        first = " or ".join(f'`gm.load_statistics(path, assume="{name}")`' for name in USUAL)
        others = ", ".join(name for name in assumable() if name not in USUAL)
        hint = f"If you know, use {first}, or in its place {others}"
        if "mu_s" in arrays:
            hint = f'Guided diffusion writes such files: use `protocol="adm"`. {hint}'
        hint += ", or build them again with: ganmetrics stats build"
        raise StatisticsError(what, where=shown(path), hint=hint, code="E-NO-RECIPE")
    return {"name": UNVERIFIED, "count": 0, "digest": "unknown", "skipped": 0, "recipe": asdict(recipe)}


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


def _moments(arrays: dict[str, Any], need: Need, count: int, path: str | os.PathLike[str]) -> Moments | None:
    members = MOMENTS_MEMBERS[need]
    missing = [name for name in members if name not in arrays]
    if len(missing) == 2:
        return None
    if missing:
        raise StatisticsError(f"the file holds no {missing[0]!r}", where=shown(path), code="E-KEYS")
    mu, sigma = (torch.from_numpy(arrays[name]).double() for name in members)
    if sigma.shape != (len(mu), len(mu)):
        what = f"{members[0]} has {len(mu)} dimensions and {members[1]} the shape {list(sigma.shape)}"
        raise StatisticsError(what, where=shown(path), code="E-SHAPE")
    # A count of 2 leaves a foreign sigma as it is.
    n = count or 2
    moments = Moments(n, mu, sigma * (n - 1))
    try:
        # The factor is taken here and kept: every score on this file reads it. Few scores read that of other layers.
        _ = moments.factor if need == MOMENTS else None
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
