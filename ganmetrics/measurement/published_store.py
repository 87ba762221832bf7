"""Published files of statistics on this machine: fetched once, checked, and known again by their digest."""

from __future__ import annotations

import json
import warnings
import zipfile
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import torch

from ganmetrics._files import atomic_write, required_folder, shown, user_folder
from ganmetrics._offline import is_offline
from ganmetrics.errors import MALFORMED, GanMetricsWarning, StatisticsError, WeightsError
from ganmetrics.extractors.weights.download import PATIENCE, Patience, Wanted, digest, disk_errors, download
from ganmetrics.measurement import archive
from ganmetrics.measurement.feature_files import read_features
from ganmetrics.measurement.given_features import moments_of
from ganmetrics.measurement.npz_members import UNREADABLE, member_names
from ganmetrics.measurement.published_statistics import PublishedFile, known
from ganmetrics.measurement.statistics import Statistics

OWN_FOLDER = ("ganmetrics/statistics", "GANMETRICS_STATISTICS_DIR")
VARIABLE = OWN_FOLDER[1]


def published(name: str, *, progress: bool = True) -> Statistics:
    """The statistics in a published file, fetched if it is not here (errors as of ``fetch``)."""
    file = known(name)
    path, sha256 = fetch(file, progress=progress)
    missing = [key for key in file.keys if key not in member_names(path)]
    if missing:
        what = f"the published file holds no {missing[0]!r}"
        raise StatisticsError(what, where=shown(path), hint="Remove it and fetch it again", code="E-KEYS")
    found = _of_features(path, file) if "feats" in file.keys else archive.load_statistics(path, assume=file.protocol)
    title, count = name.replace(":", "-"), file.count or found.count
    return replace(found, source=name, name=title, count=count, digest=sha256, protocol=file.protocol)


def _of_features(path: Path, file: PublishedFile) -> Statistics:
    """The statistics of a file that holds features alone."""
    rows = torch.from_numpy(read_features(str(path))["features"]).float()
    recipe = archive.assumed(file.protocol)
    return Statistics(recipe=recipe, count=len(rows), digest="", moments=moments_of(rows), features=rows)


def fetch(file: PublishedFile, *, progress: bool = True, patience: Patience = PATIENCE) -> tuple[Path, str]:
    """Where a published file is, after its download if need be, and its SHA-256.

    Where nobody publishes a digest, the one that is seen first is kept beside the file and compared from then on.

    Raises
    ------
    StatisticsError
        The file is not here and a download is forbidden (``E-OFFLINE``) or failed (``E-DOWNLOAD``), or its bytes are
        others than those that are published or were seen first (``E-CORRUPT``).
    ResourceError
        The disk is full or the folder cannot be written.
    """
    target = _target(file)
    if not target.is_file():
        if is_offline():
            what = f"the statistics {file.name} are not here, and GANMETRICS_OFFLINE forbids their download"
            raise StatisticsError(what, hint=_placing(file), code="E-OFFLINE")
        _download(file, target, progress, patience)
    return target, _verified(file, target)


def _download(file: PublishedFile, target: Path, progress: bool, patience: Patience) -> None:
    from filelock import FileLock

    with disk_errors(target, VARIABLE):
        target.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(target.with_name(f".{target.name}.lock")):
            # Another process may have fetched it while this one waited.
            if target.is_file():
                return
            wanted = Wanted(target, file.size or None, file.sha256, "statistics", VARIABLE, _archive_fault)
            try:
                download([file.url], wanted, progress=progress, patience=patience)
            except WeightsError as error:
                hint = f"\n{_placing(file, 'there')}"
                raise StatisticsError(error.what, hint=hint, code=error.code) from error


def _archive_fault(path: Path) -> str:
    """What is wrong with a file that should be an npz, whose parts have checksums; empty where nothing is."""
    try:
        with zipfile.ZipFile(path) as found:
            damaged = found.testzip()
    except UNREADABLE:
        return "the server sent no npz file, or a damaged one"
    return f"the server sent a damaged file ({shown(damaged)})" if damaged else ""


def _verified(file: PublishedFile, target: Path) -> str:
    """The SHA-256 of a file, compared with the published one or with that which was seen first (StatisticsError)."""
    record, status = _record(target), target.stat()
    facts = {"size": status.st_size, "modified": status.st_mtime_ns}
    expected = file.sha256 or record.get("sha256", "")
    # Reading gigabytes again would take longer than a score: a file that was not touched has its digest still.
    if expected and {**facts, "sha256": expected}.items() <= record.items():
        return str(expected)
    found = digest(target)
    if expected and found != expected:
        known_as = "published for" if file.sha256 else f"seen first, on {record.get('seen')}, of"
        what = f"the file has SHA-256 {found}; the one {known_as} {file.name} is {expected}"
        hint = "Remove the file to fetch it again"
        if not file.sha256:
            hint += f", and {shown(_record_path(target))} too if its project changed it"
        raise StatisticsError(what, where=shown(target), hint=hint, code="E-CORRUPT")
    if not expected:
        what = f"nobody publishes a digest of {file.name}: its SHA-256 {found} is kept, as seen first in this file"
        warnings.warn(f"{what}, and compared from now on", GanMetricsWarning, stacklevel=4)
    seen = record.get("seen", date.today().isoformat())
    with atomic_write(_record_path(target)) as stream:
        told = {"name": file.name, "url": file.url, "sha256": found, "seen": seen, **facts}
        stream.write(json.dumps(told, indent=1).encode())
    return found


def _record_path(target: Path) -> Path:
    return target.with_name(f"{target.name}.json")


def _record(target: Path) -> dict[str, Any]:
    """What was noted of a file when it was seen first; empty where nothing is known."""
    try:
        found = json.loads(_record_path(target).read_text())
    except (OSError, *MALFORMED):
        return {}
    return found if isinstance(found, dict) else {}


def _target(file: PublishedFile) -> Path:
    name, variable = OWN_FOLDER
    return required_folder(name, "statistics", variable).joinpath(*file.place)


def _placing(file: PublishedFile, place: str = "") -> str:
    folder = user_folder(*OWN_FOLDER) or Path(f"${VARIABLE}")
    size = f"{file.size:,} bytes, " if file.size else ""
    sha256 = f"SHA-256 {file.sha256}" if file.sha256 else "no digest is published"
    told = place or file.url
    return f"Fetch the file elsewhere ({size}{sha256}) from {told} and put it at {shown(folder.joinpath(*file.place))}"
