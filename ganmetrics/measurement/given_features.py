"""Features that were computed elsewhere as a measured set: checked, named, and signed as ``features NAME``."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from ganmetrics._arguments import described
from ganmetrics._files import shown
from ganmetrics.data import Notes
from ganmetrics.data.labels import labels_of_rows
from ganmetrics.errors import InputError, StatisticsError, UsageError
from ganmetrics.extractors import GIVEN
from ganmetrics.extractors.callers_network import narrowed
from ganmetrics.measurement.archive import load_statistics
from ganmetrics.measurement.feature_files import is_ours, read_features
from ganmetrics.measurement.gathering import BLOCK, MomentsKeeper
from ganmetrics.measurement.image_record import PixelDigests
from ganmetrics.measurement.npz_members import MAX_DIM
from ganmetrics.measurement.recipe import Recipe, is_field
from ganmetrics.measurement.statistics import Statistics
from ganmetrics.metrics._validation import matrix
from ganmetrics.metrics.needs import LOGITS

if TYPE_CHECKING:
    from torch import Tensor

    from ganmetrics.numerics.moments import Moments
    from ganmetrics.types import ArrayLike

POOL = "Pool its output, as by maps.mean((2, 3)), so that each sample has one row of features"


def features(
    values: ArrayLike | str | os.PathLike[str],
    name: str = "",
    *,
    logits: ArrayLike | str | os.PathLike[str] | None = None,
    labels: Any = None,
) -> Statistics:
    """Take features that another program or network computed as a set that can be scored.

    Use it for videos, sounds, volumes, molecules and any other data whose network ganmetrics does not have. Every
    function that takes a set of images takes the result. The signature names it as ``features NAME``.

    Parameters
    ----------
    values : array_like, [N, D], or path
        One row for each sample; or an .npy, .npz or .safetensors file. Several arrays of a file are told apart by the
        names ``features`` and ``logits``. A file that ganmetrics wrote with features is taken as it is.
    name : str
        The network and its layer, such as ``"r3d18"``. Sets compare only where their names are equal. Only a file that
        ganmetrics wrote names the network itself.
    logits : array_like, [N, K], or path, optional
        Unnormalised log-probabilities of the same samples, which the Inception Score reads.
    labels : path or sequence of int or str, optional
        The class of each sample in order, which metrics and tables of classes read: a list, or a .txt or .npy file.

    Returns
    -------
    Statistics
        With features in float32 and their moments in float64.

    Raises
    ------
    UsageError
        No name, or one that cannot stand in a signature.
    InputError
        An array that holds no rows of features: another number of axes, one number a row, equal rows, NaN or infinity.
        A file that cannot be read.

    Examples
    --------
    >>> import numpy as np
    >>> import ganmetrics as gm
    >>> rng = np.random.RandomState(0)
    >>> real, fake = rng.randn(500, 8), rng.randn(500, 8) + 1
    >>> score = gm.fid(gm.features(real, "r3d18"), gm.features(fake, "r3d18"))
    >>> 7 < score.value < 9, score.signature.network
    (True, 'features r3d18')
    """
    found = _unlabelled(values, name, logits)
    if labels is None:
        return found
    return found.with_classes(labels_of_rows(labels, "", found.count, found.source or "the features"))


def _unlabelled(values: Any, name: str, logits: Any) -> Statistics:
    path = os.fspath(values) if isinstance(values, (str, os.PathLike)) else None
    if path is not None and is_ours(path):
        return _ours(path, name, logits)
    network = _network(name, path)
    where = "features" if path is None else shown(path)
    arrays = {"features": values} if path is None else read_features(path)
    rows = _rows(arrays["features"], where)
    found = arrays.get("logits") if logits is None else _array(logits)
    notes = Notes()
    if str(getattr(arrays["features"], "dtype", "")).endswith("float16"):
        notes.warnings.append("the features came in 16 bits, which hold three digits")
    # Rows have digests as images do: each is its shape and its bytes.
    digests = PixelDigests()
    digests.add(rows)
    return Statistics(
        recipe=Recipe(network, network, "none"),
        count=len(rows),
        digest=digests.combined(),
        order=digests.ordered(),
        moments=moments_of(rows),
        features=rows,
        logits=None if found is None else _logits(found, len(rows), where),
        notes=notes,
        source="" if path is None else shown(path),
    )


def moments_of(rows: Tensor) -> Moments | None:
    """The moments of rows that are all at hand, [N, D], taken in as those of batches are."""
    keeper = MomentsKeeper()
    for block in rows.split(BLOCK):
        keeper.add(block)
    return keeper.value()


def _ours(path: str, name: str, logits: Any) -> Statistics:
    """Return statistics of ours that hold features; their file names the network."""
    found = load_statistics(path)
    if found.features is None:
        what = "the saved statistics hold no features"
        hint = "Make a file with features by: ganmetrics features SET -o FILE"
        raise StatisticsError(what, where=shown(path), hint=hint, code="E-KEPT")
    if name and found.recipe.network != f"{GIVEN}{name}":
        what = f"the file names the network of its features, {found.recipe.network}, and the name given is {name!r}"
        raise UsageError(what, where=shown(path), hint="Leave the name out", code="E-NAME")
    if logits is None:
        return found
    assert found.features is not None
    return found.holding({LOGITS: _logits(_array(logits), len(found.features), shown(path))})


def _network(name: object, path: str | None) -> str:
    """Return the network as recipes write it (UsageError for a name that is missing or cannot stand there)."""
    where = "name" if path is None else shown(path)
    if not isinstance(name, str) or not name.strip():
        what = "features do not say which network made them"
        raise UsageError(what, where=where, hint='Name it, as in gm.features(rows, name="r3d18")', code="E-NAME")
    if not is_field(name) or name != name.strip():
        what = f"the network's name {described(name)} holds '|', a space at an end or a character that does not print"
        raise UsageError(what, where=where, hint="Take letters, digits and signs such as - _ . :", code="E-NAME")
    return f"{GIVEN}{name}"


def _array(values: Any) -> Any:
    """Return an array, or what the file of that path holds as logits or as its only array."""
    if not isinstance(values, (str, os.PathLike)):
        return values
    arrays = read_features(os.fspath(values), "logits")
    return arrays["logits"]


def _rows(values: Any, where: str) -> Tensor:  # float32 [N, D]
    shape = tuple(getattr(values, "shape", ()))
    if shape:
        _check_shape(shape, where)
    rows = narrowed(_matrix(values, where), where)
    _check_shape(tuple(rows.shape), where)
    if bool((rows == rows[0]).all()):
        what = f"all {len(rows)} rows of features are equal, as if the network did not see its input"
        raise InputError(what, where=where, hint="Look at what the network was given", code="E-RANGE")
    return rows


def _matrix(values: Any, where: str) -> Tensor:
    try:
        return matrix(values, "the array", is_narrow=True)
    except InputError as error:
        raise InputError(error.what, where=where, hint=error.hint, code=error.code) from None


def _check_shape(shape: tuple[int, ...], where: str) -> None:
    """Refuse an array that cannot hold a row of features for each sample (InputError)."""
    what = hint = ""
    if len(shape) < 2:
        what, hint = "they were flattened to one axis", "Bring each sample's features to a row of its own"
    elif len(shape) > 2:
        what, hint = "they are maps that were not pooled", POOL
    elif shape[1] == 1:
        what = "one number for each sample is the answer of a network, not its features"
        hint = "Take a layer before the last one"
    elif shape[1] > MAX_DIM:
        size = 8 * shape[1] ** 2 / 2**30
        what = f"flattened maps look so, and their covariance alone would take {size:,.0f} GiB"
        hint = POOL
    elif shape[0] < 2:
        what, hint = "a score needs at least 2 rows", "Give more, and one row for each sample"
    if what:
        code = "E-TOO-FEW" if len(shape) == 2 and shape[0] < 2 and 1 < shape[1] <= MAX_DIM else "E-SHAPE"
        told = f"the features have the shape {list(shape)}; expected [N, D]: {what}"
        raise InputError(told, where=where, hint=hint, code=code)


def _logits(values: Any, count: int, where: str) -> Tensor:  # float32 [N, K]
    found = narrowed(_matrix(values, "logits"), "logits")
    if len(found) != count or found.shape[1] < 2:
        what = f"the logits have the shape {list(found.shape)} and the features {count} rows; expected [{count}, K]"
        raise InputError(what, where=where, hint="Give the logits of the same samples, K classes each", code="E-SHAPE")
    return found
