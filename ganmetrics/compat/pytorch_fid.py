"""pytorch-fid's command and functions: ``python -m ganmetrics.compat.pytorch_fid real/ fake/``.

Arguments, files of a folder, output and numbers are those of pytorch-fid 0.3.0, with three differences: no matrix
square root is taken, so nothing turns complex or needs ``eps``; bad input is one sentence; cautions are lines on
stderr, one of them where ``ganmetrics`` itself would read other files. Weights are looked for where ``ganmetrics`` has
them.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from ganmetrics import _arguments
from ganmetrics.compat._command import Parser, run
from ganmetrics.compat._peer_errors import MissingPathError
from ganmetrics.errors import UsageError

if TYPE_CHECKING:
    import torch

    from ganmetrics.compat._pytorch_fid_parts import IMAGE_EXTENSIONS as IMAGE_EXTENSIONS
    from ganmetrics.compat._pytorch_fid_parts import ImagePathDataset as ImagePathDataset
    from ganmetrics.compat._pytorch_fid_parts import InceptionV3 as InceptionV3
    from ganmetrics.compat._pytorch_fid_parts import calculate_activation_statistics as calculate_activation_statistics
    from ganmetrics.compat._pytorch_fid_parts import compute_statistics_of_path as compute_statistics_of_path
    from ganmetrics.compat._pytorch_fid_parts import get_activations as get_activations
    from ganmetrics.compat._sides import Run

    AnyDevice = str | torch.device | None
    AnyPath = str | os.PathLike[str]

DIMS = (64, 192, 768, 2048)
PROGRAM = "python -m ganmetrics.compat.pytorch_fid"
# Names that public code imports of pytorch-fid; they need torch, which the command's help does not.
PARTS = (
    "IMAGE_EXTENSIONS",
    "ImagePathDataset",
    "InceptionV3",
    "calculate_activation_statistics",
    "compute_statistics_of_path",
    "get_activations",
)


def __getattr__(name: str) -> Any:
    if name not in PARTS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from ganmetrics.compat import _pytorch_fid_parts

    return getattr(_pytorch_fid_parts, name)


def calculate_fid_given_paths(
    paths: Sequence[AnyPath],
    batch_size: int,
    device: AnyDevice,
    dims: int,
    num_workers: int = 1,
    *,
    weights: AnyPath | None = None,
) -> float:
    """FID of two sets as pytorch-fid computes it; lower is better.

    Parameters
    ----------
    paths : two paths
        Folders of images, or npz files with ``mu`` and ``sigma``, which pass as made by this network.
    batch_size : int
    device : str, torch.device or None
        ``None`` takes CUDA or MPS where there is one, else the CPU.
    dims : {64, 192, 768, 2048}
        The layer of Inception.
    num_workers : int
        Processes that decode; 0 decodes in this one.
    weights : path, optional
        A weights file in place of the published one; not an argument of pytorch-fid's.

    Returns
    -------
    float
        At least 0.

    Raises
    ------
    UsageError, InputError, StatisticsError, WeightsError, ResourceError
        As ``gm.evaluate``.
    """
    return _fid(paths, _run(batch_size, device, dims, num_workers, weights))


def calculate_frechet_distance(mu1: Any, sigma1: Any, mu2: Any, sigma2: Any, eps: float = 1e-6) -> float:
    """Squared Fréchet distance of two Gaussians, the mathematics of ``gm.functional.frechet_distance``.

    Parameters
    ----------
    mu1, mu2 : array_like, [D]
    sigma1, sigma2 : array_like, [D, D]
    eps : float
        What pytorch-fid adds to a diagonal where its square root fails; nothing fails here, and it is not used.

    Returns
    -------
    float
        At least 0.

    Raises
    ------
    StatisticsError
        Other shapes, NaN or infinity, or a matrix that is no covariance.

    Examples
    --------
    >>> calculate_frechet_distance([0.0, 0.0], [[1.0, 0.0], [0.0, 1.0]], [3.0, 0.0], [[4.0, 0.0], [0.0, 1.0]])
    10.0
    """
    import numpy as np

    from ganmetrics.metrics.fid import frechet_distance

    # pytorch-fid takes scalars for one dimension too.
    one, other = ((np.atleast_1d(mu), np.atleast_2d(sigma)) for mu, sigma in ((mu1, sigma1), (mu2, sigma2)))
    return frechet_distance(*one, *other)


def save_fid_stats(
    paths: Sequence[AnyPath],
    batch_size: int,
    device: AnyDevice,
    dims: int,
    num_workers: int = 1,
    *,
    weights: AnyPath | None = None,
) -> None:
    """Write ``mu`` and ``sigma`` of the images in ``paths[0]`` to the npz file ``paths[1]``, which must not exist.

    pytorch-fid reads the file, and so does ``ganmetrics``, whose recipe stands beside the numbers. The other parameters
    and errors are those of ``calculate_fid_given_paths``.
    """
    _save(paths, _run(batch_size, device, dims, num_workers, weights))


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command and leave with its exit code."""
    run(_parser(), _answer, arguments)


def _answer(given: argparse.Namespace) -> str:
    how = _run(given.batch_size, given.device, given.dims, given.num_workers, given.weights, progress=True)
    if not given.save_stats:
        return f"FID:  {_fid(given.path, how)}"
    _save(given.path, how)
    return f"Saving statistics for {given.path[0]}"


def _fid(paths: Sequence[AnyPath], how: Run) -> float:
    from ganmetrics.compat._peer_files import pytorch_fids_rule
    from ganmetrics.compat._sides import opened, scored

    rule = pytorch_fids_rule()
    real, fake = (opened(path, how.reading, rule) for path in _existing(paths))
    return scored(real, fake, "fid", "moments", how)


def _save(paths: Sequence[AnyPath], how: Run) -> None:
    from ganmetrics._files import check_writable
    from ganmetrics.compat._peer_files import peer_folder, pytorch_fids_rule
    from ganmetrics.compat._sides import HINTS, measured, own_hints
    from ganmetrics.data import open_source
    from ganmetrics.measurement import archive

    # pytorch-fid takes the pair [images, target].
    images, name = _two(paths)
    # NumPy adds the suffix where it is missing.
    target = name if os.fspath(name).endswith(".npz") else f"{os.fspath(name)}.npz"
    with own_hints(HINTS):
        check_writable(target)
    _existing([images, images])
    if os.path.isdir(images):
        source = peer_folder(images, pytorch_fids_rule(), how.reading)
    else:
        source = open_source(images, reading=how.reading)
    # FID reads moments alone, so that no features are kept.
    [statistics] = measured([source], ["moments"], how)
    archive.save_statistics(statistics, target)


def _existing(paths: Sequence[AnyPath]) -> Sequence[AnyPath]:
    """Check that both paths exist and return them (InputError)."""
    for path in _two(paths):
        if not os.path.exists(path):
            raise MissingPathError("there is no such path", where=os.fspath(path), hint="Check it", code="E-MISSING")
    return paths


def _two(paths: Sequence[AnyPath]) -> Sequence[AnyPath]:
    if not isinstance(paths, (list, tuple)) or len(paths) != 2:
        raise UsageError("paths must be two, as in ['real/', 'fake/']", where="paths")
    return [_arguments.path(each, "paths") for each in paths]


def _run(
    batch_size: int,
    device: AnyDevice,
    dims: int,
    num_workers: int | None,
    weights: AnyPath | None,
    progress: bool = False,
) -> Run:
    from ganmetrics.compat._sides import Run

    if dims not in DIMS:
        raise UsageError(f"dims is {dims}; it must be one of {', '.join(map(str, DIMS))}", where="dims")
    return Run(
        extractor=f"inception:{dims}@pytorch-fid-bilinear",
        device=device,
        batch_size=batch_size,
        weights=weights,
        workers=num_workers,
        progress=progress,
    )


def _parser() -> Parser:
    about = "FID of two folders of images or .npz files of statistics, with pytorch-fid's arguments and its number."
    parser = Parser(prog=PROGRAM, description=about)
    parser.add_argument("--batch-size", type=int, default=50, help="images in one forward pass [default: 50]")
    parser.add_argument("--num-workers", type=int, help="processes that decode; by the number of cores if left out")
    parser.add_argument("--device", help="cuda, cuda:0, mps or cpu; the best there is if left out")
    parser.add_argument("--dims", type=int, default=2048, choices=DIMS, help="the layer of Inception [default: 2048]")
    parser.add_argument(
        "--save-stats", action="store_true", help="write the statistics of the first path to the second"
    )
    parser.add_argument("--weights", metavar="FILE", help="a weights file in place of the published one")
    parser.add_argument("path", nargs=2, help="folders of images, or .npz files")
    return parser


if __name__ == "__main__":
    main()
