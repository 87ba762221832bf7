"""clean-fid's functions: ``from ganmetrics.compat import cleanfid as fid``, then ``fid.compute_fid("fake/", "real/")``.

Names, order of arguments and numbers are those of clean-fid 0.1.35, but for what follows. KID draws its subsets from a
seed, where clean-fid's differ from call to call, and so do the latents of a generator. Statistics that
``make_custom_stats`` makes lie in ``ganmetrics/custom_stats`` of the user's cache, not among the installed packages.
Those that clean-fid publishes for Inception are fetched once, into ``ganmetrics/statistics`` there. Weights are looked
for where ``ganmetrics`` has them.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ganmetrics._arguments import described, whole
from ganmetrics._files import check_writable, disk_errors, required_folder, shown
from ganmetrics.compat._cleanfid_parts import (
    build_feature_extractor,
    build_resizer,
    fid_from_feats,
    frechet_distance,
    get_folder_features,
    kernel_distance,
    make_resizer,
)
from ganmetrics.compat._peer_files import clean_fids_rule, peer_folder
from ganmetrics.compat._sides import UNKNOWN, Run, measured, opened, scored
from ganmetrics.data import Source, open_source
from ganmetrics.errors import InputError, StatisticsError, UsageError
from ganmetrics.extractors.extraction import choose_device
from ganmetrics.measurement import archive
from ganmetrics.measurement.npz_members import member_names
from ganmetrics.measurement.published_statistics import PUBLISHED
from ganmetrics.measurement.published_store import published
from ganmetrics.registry import unknown

if TYPE_CHECKING:
    import torch

    from ganmetrics.compat._sides import Side

    AnyDevice = str | torch.device | None
    AnyPath = str | os.PathLike[str]
    Generator = Callable[[torch.Tensor], Any]

__all__ = [
    "build_feature_extractor", "build_resizer", "compute_fid", "compute_kid", "fid_from_feats", "frechet_distance",
    "get_folder_features", "kernel_distance", "make_custom_stats", "make_resizer", "remove_custom_stats",
    "test_stats_exists",
]  # fmt: skip

# clean-fid's modes: the network with the resize that each stands for.
EXTRACTORS = {
    "clean": "inception@clean-bicubic",
    "legacy_pytorch": "inception@pytorch-fid-bilinear",
    "legacy_tensorflow": "inception",
}
MODELS = ("inception_v3", "clip_vit_b_32")
# The ending of published files that hold features.
KID_FILES = "_kid"
# What custom statistics must hold for each metric.
KEPT = {"FID": "moments", "KID": "features"}


class Dataset(NamedTuple):
    """The name, resolution and split by which clean-fid finds statistics."""

    name: str
    res: int | str = "na"
    split: str = "custom"

    def path(self, mode: str, model_name: str) -> Path:
        """Return the path of the statistics' file, which clean-fid's rule names."""
        if not isinstance(self.name, str):
            raise UsageError(f"the name is {described(self.name)}; it must be a text", where="name", code="E-NAME")
        if not self.name or self.name.startswith(".") or any(mark in self.name for mark in "/\\\0"):
            what = f"{shown(self.name)!r} cannot name statistics"
            raise UsageError(what, where="name", hint="Take letters, digits and _", code="E-NAME")
        # The published names of clean-fid's files leave the default model out.
        model = "" if model_name == MODELS[0] else f"_{model_name}"
        res = "na" if self.split == "custom" else self.res
        return stats_folder() / f"{self.name}_{mode}{model}_{self.split}_{res}.npz".lower()


def compute_fid(
    fdir1: AnyPath | None = None, fdir2: AnyPath | None = None, gen: Generator | None = None, mode: str = "clean",
    model_name: str = "inception_v3", num_workers: int | None = None, batch_size: int = 32, device: AnyDevice = None,
    dataset_name: str = "FFHQ", dataset_res: int | str = 1024, dataset_split: str = "train", num_gen: int = 50_000,
    z_dim: int = 512, custom_feat_extractor: None = None, verbose: bool = True, custom_image_tranform: None = None,
    custom_fn_resize: None = None, use_dataparallel: bool = True, *, weights: AnyPath | None = None, seed: int = 2020,
) -> float:  # fmt: skip
    """FID as clean-fid computes it; lower is better.

    Parameters
    ----------
    fdir1 : path, optional
        The generated images: a folder with all its sub-folders, or a zip.
    fdir2 : path, optional
        The real ones; without them ``dataset_name`` says what stands for them.
    gen : callable, optional
        In place of ``fdir1``, what turns latents [n, z_dim] into images [n, 3, H, W] in 0..255. Images of floating
        point are rounded, where clean-fid resizes the fractions too.
    mode : {"clean", "legacy_pytorch", "legacy_tensorflow"}
    model_name : {"inception_v3", "clip_vit_b_32"}
    num_workers : int, optional
        Processes that decode; by the number of cores if left out.
    batch_size : int
    device : str or torch.device, optional
        The best there is if left out.
    dataset_name, dataset_res, dataset_split : str, int, str
        Statistics that ``make_custom_stats`` made (split ``"custom"``), or the path of an npz file with ``mu`` and
        ``sigma``; or those that clean-fid publishes, such as FFHQ, 1024, trainval70k. A file under its published name
        in the folder of the custom ones comes first.
    num_gen, z_dim : int
        How many images of a generator are scored, and the size of its latents.
    custom_feat_extractor, custom_image_tranform, custom_fn_resize : None
        Refused: ``gm.evaluate`` takes any network that resizes for itself.
    verbose : bool
        Whether bars show on stderr how far the run is, and cautions are warned of.
    use_dataparallel : bool
        Moves no number, and nothing here.
    weights, seed : path, int
        A weights file in place of the published one, and where the latents come from; not clean-fid's.

    Returns
    -------
    float
        At least 0.

    Raises
    ------
    UsageError, InputError, StatisticsError, WeightsError, ResourceError
        As ``gm.evaluate``; UsageError for sets that cannot be meant.
    """
    custom = {"custom_feat_extractor": custom_feat_extractor, "custom_image_tranform": custom_image_tranform,
              "custom_fn_resize": custom_fn_resize}  # fmt: skip
    _refuse_custom(custom)
    how = _run(mode, model_name, num_workers, batch_size, device, weights, verbose)
    fake = _fake(fdir1, gen, (num_gen, z_dim, seed), how)
    real = _real(fdir2, Dataset(dataset_name, dataset_res, dataset_split), (mode, model_name), "", how)
    return scored(real, fake, "fid", "moments", how)


def compute_kid(
    fdir1: AnyPath | None = None, fdir2: AnyPath | None = None, gen: Generator | None = None, mode: str = "clean",
    num_workers: int | None = None, batch_size: int = 32, device: AnyDevice = None, dataset_name: str = "FFHQ",
    dataset_res: int | str = 1024, dataset_split: str = "train", num_gen: int = 50_000, z_dim: int = 512,
    verbose: bool = True, use_dataparallel: bool = True, *, weights: AnyPath | None = None, seed: int = 2020,
) -> float:  # fmt: skip
    """KID as clean-fid computes it, of 100 subsets of 1000 images or of all where there are fewer; lower is better.

    Parameters and errors are those of ``compute_fid``; ``seed`` is that of the subsets too.
    """
    how = _run(mode, MODELS[0], num_workers, batch_size, device, weights, verbose)
    fake = _fake(fdir1, gen, (num_gen, z_dim, seed), how)
    real = _real(fdir2, Dataset(dataset_name, dataset_res, dataset_split), (mode, MODELS[0]), KID_FILES, how)
    return scored(real, fake, f"kid(subset_size={{least}},seed={seed})", "features", how)


def make_custom_stats(
    name: str, fdir: AnyPath, num: int | None = None, mode: str = "clean", model_name: str = "inception_v3",
    num_workers: int | None = None, batch_size: int = 64, device: AnyDevice = None, verbose: bool = True,
    *, weights: AnyPath | None = None,
) -> None:  # fmt: skip
    """Keep the statistics of a folder under a name, for ``dataset_name=name, dataset_split="custom"``.

    ``num`` takes the first so many files only; the other parameters and errors are those of ``compute_fid``.
    """
    target = Dataset(name).path(mode, model_name)
    if target.exists():
        hint = "Call remove_custom_stats first, or take another name"
        raise UsageError(f"the statistics {name!r} exist already", where=shown(target), hint=hint, code="E-EXISTS")
    how = _run(mode, model_name, num_workers, batch_size, device, weights, verbose)
    most = None if num is None else whole(num, "num", 2)
    if os.path.isdir(fdir):
        images = peer_folder(fdir, clean_fids_rule(), how.reading, most)
    else:
        images = open_source(fdir, reading=how.reading)
        if most is not None and most < (images.count or 0):
            images = open_source(fdir, reading=replace(how.reading, sample=f"first:{num}"))
    with disk_errors(target):
        target.parent.mkdir(parents=True, exist_ok=True)
    check_writable(target)
    # Both FID and KID can be asked for later.
    [statistics] = measured([_without_arrays(images)], list(KEPT.values()), how)
    archive.save_statistics(statistics, target)


def test_stats_exists(name: str, mode: str, model_name: str = "inception_v3", metric: str = "FID") -> bool:  # noqa: PT028  no test
    """Return whether ``make_custom_stats`` made statistics of that name which can stand in for images in FID or KID."""
    if metric not in KEPT:
        raise unknown("metric", metric, list(KEPT))
    path = Dataset(name).path(mode, model_name)
    return path.is_file() and ("mu" if metric == "FID" else KEPT[metric]) in member_names(path)


def remove_custom_stats(name: str, mode: str = "clean", model_name: str = "inception_v3") -> None:
    """Delete what ``make_custom_stats`` made (StatisticsError where there are none)."""
    path = Dataset(name).path(mode, model_name)
    if not path.is_file():
        what = f"there are no custom statistics {name!r} of mode {mode} and model {model_name}"
        raise StatisticsError(what, where=shown(path), code="E-MISSING")
    with disk_errors(path):
        path.unlink()


def stats_folder() -> Path:
    """Return the folder of custom statistics, in the user's cache (ResourceError without a home)."""
    return required_folder("ganmetrics/custom_stats", "statistics")


def _run(
    mode: str, model_name: str, num_workers: int | None, batch_size: int, device: AnyDevice,
    weights: AnyPath | None, verbose: bool,
) -> Run:  # fmt: skip
    if mode not in EXTRACTORS:
        raise unknown("mode", mode, list(EXTRACTORS))
    if model_name not in MODELS:
        raise unknown("model_name", model_name, list(MODELS))
    return Run(
        extractor=EXTRACTORS[mode] if model_name == MODELS[0] else "clip-vitb32",
        device=device,
        batch_size=batch_size,
        weights=weights,
        workers=num_workers,
        progress=verbose,
        warns=verbose,
    )


def _refuse_custom(given: Mapping[str, Any]) -> None:
    for name, value in given.items():
        if value is not None:
            hint = "Use gm.evaluate(real, fake, extractor=network), whose network resizes for itself"
            raise UsageError(f"{name} is not supported", where=name, hint=hint)


def _fake(fdir1: AnyPath | None, gen: Generator | None, drawing: tuple[int, int, int], how: Run) -> Side:
    # Exactly one of both says where generated images come from.
    if (fdir1 is None) == (gen is None):
        given = "neither" if gen is None else "both"
        raise UsageError(f"the generated images are fdir1 or gen; found {given}", where="fdir1, gen")
    if gen is None:
        return _without_arrays(opened(fdir1, how.reading, clean_fids_rule()))
    return open_source(_drawn(gen, *drawing, how), value_range=(0, 255), name="generator")


def _drawn(gen: Generator, num_gen: int, z_dim: int, seed: int, how: Run) -> Iterator[Any]:
    """The images of a generator, whose latents continue one random stream, ``batch_size`` of them for each call.

    A generator that returns a batch of its own size, whatever it is given, is called until there are enough.
    """
    import torch

    device = choose_device("auto" if how.device is None else how.device)
    # On the CPU, so that a seed means the same latents on every device.
    stream, left = torch.Generator().manual_seed(seed), whole(num_gen, "num_gen", 2)
    while left > 0:
        with torch.no_grad():
            images = gen(torch.randn(how.batch_size or 32, z_dim, generator=stream).to(device))[:left]
        left -= len(images)
        yield images


def _real(fdir2: AnyPath | None, dataset: Dataset, network: tuple[str, str], ending: str, how: Run) -> Side:
    """The real images, or what stands for them: a file given, one in the cache, one that clean-fid publishes."""
    if fdir2 is not None:
        return _without_arrays(opened(fdir2, how.reading, clean_fids_rule()))
    # A path in place of a name, which clean-fid does not take.
    if os.path.isfile(dataset.name):
        return opened(dataset.name, how.reading, clean_fids_rule())
    path = dataset.path(*network)
    if path.is_file():
        return opened(path, how.reading, clean_fids_rule())
    name = f"clean-fid:{path.stem}{ending}"
    if name in PUBLISHED:
        # As any file without a recipe, it passes as made by that of the run.
        return replace(published(name, progress=how.progress), digest=UNKNOWN)
    lacking = "with the features that KID reads " * bool(ending)
    what = f"there are no statistics {path.stem} {lacking}in the cache, and clean-fid publishes none"
    hint = "Pass fdir2, or make_custom_stats(name, folder) once and dataset_split='custom', or the path of an npz file"
    raise StatisticsError(what, where=shown(path), hint=hint, code="E-MISSING")


def _without_arrays(side: Side) -> Side:
    """Refuse a folder with npy files beside its images, which clean-fid would read as more images (InputError)."""
    if isinstance(side, Source) and side.notes.ignored[".npy"]:
        what = f"the folder holds {side.notes.ignored['.npy']} npy files, which are not read one by one"
        hint = "Stack them into one npy file [N, H, W, 3] of uint8 and name that, or save them as png"
        raise InputError(what, where=side.name, hint=hint, code="E-SOURCE")
    return side
