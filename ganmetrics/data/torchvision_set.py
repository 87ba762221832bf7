"""A data set of torchvision by name, as in ``torchvision:MNIST:test``."""

from __future__ import annotations

import difflib
import inspect
import os
from typing import Any

from ganmetrics._files import required_folder, shown
from ganmetrics._offline import is_offline
from ganmetrics._process import stdout_to_stderr
from ganmetrics.data.dataset import DatasetSource
from ganmetrics.data.places.paths import place_of
from ganmetrics.data.source import DEFAULT_OPENING, Kind, Opening, Source
from ganmetrics.errors import InputError, UsageError

NOT_BY_NAME = frozenset(("VisionDataset", "DatasetFolder", "ImageFolder", "FakeData"))


def torchvision_source(value: str, opening: Opening = DEFAULT_OPENING) -> Source:
    """The source of ``torchvision:NAME:SPLIT``; the data are downloaded unless ``GANMETRICS_OFFLINE`` is 1.

    They lie in the folder of ``GANMETRICS_DATA_DIR``, else in the user's cache.

    Raises
    ------
    UsageError
        An unknown data set or split.
    InputError
        The data are neither there nor to be had.
    """
    parts = value.split(":")
    if len(parts) != 3 or not all(parts):
        what = "a data set of torchvision is named torchvision:NAME:SPLIT"
        raise UsageError(what, where=shown(value), hint="For instance torchvision:MNIST:test", code="E-SOURCE")
    _, name, split = parts
    dataset = load_dataset(name, split, where=value)
    source = DatasetSource(dataset, opening)
    source.name = source.identity = shown(value)
    source.is_lasting = True
    source.label = "-".join(parts)
    return source


def load_dataset(name: str, split: str, *, folder: str | None = None, where: str = "") -> Any:
    """torchvision's data set of that name and split, from ``folder`` or the folder of ``data_folder``.

    Raises
    ------
    UsageError, InputError
        As ``torchvision_source``; ``where`` is what they name, by default the data set.
    """
    where = where or f"torchvision:{name}:{split}"
    return _loaded(_class_of(name, where), split, where, folder or data_folder())


def data_folder() -> str:
    """The folder that holds the data sets: GANMETRICS_DATA_DIR, else ganmetrics/data in the user's cache.

    Raises
    ------
    ResourceError
        A user without a home.
    """
    return str(required_folder("ganmetrics/data", "data sets", "GANMETRICS_DATA_DIR"))


def _class_of(name: str, where: str) -> Any:
    try:
        from torchvision import datasets
    except ImportError:
        what = "torchvision is not installed"
        raise UsageError(
            what, where=shown(where), hint="Install it: pip install torchvision", code="E-SOURCE"
        ) from None
    names = {entry.lower(): entry for entry in datasets.__all__ if entry not in NOT_BY_NAME}
    if name in names.values():
        return getattr(datasets, name)
    near = difflib.get_close_matches(name.lower(), names, n=1)
    hint = f"Did you mean {names[near[0]]}?" if near else "The names are those of torchvision.datasets"
    raise UsageError(f"torchvision has no data set '{shown(name)}'", where=shown(where), hint=hint, code="E-SOURCE")


def _loaded(kind: Any, split: str, where: str, folder: str) -> Any:
    offline = is_offline()
    settings = _split_settings(kind, split, where)
    if "download" in inspect.signature(kind).parameters:
        settings["download"] = not offline
    try:
        with stdout_to_stderr():
            return kind(folder, **settings)
    except ValueError as error:  # torchvision's sentence about an unknown split
        raise UsageError(shown(str(error)), where=shown(where), code="E-SOURCE") from None
    except ImportError as error:
        what = f"the data set needs the package {error.name}, which is not installed"
        raise UsageError(
            what, where=shown(where), hint=f"Install it: pip install {error.name}", code="E-SOURCE"
        ) from None
    except (RuntimeError, OSError) as error:
        what = "the data set is not there and GANMETRICS_OFFLINE forbids to download it"
        if not offline:
            what = f"the data set cannot be had: {shown(str(error).strip().splitlines()[0] or type(error).__name__)}"
        hint = f"Put its files into '{shown(os.path.join(folder, kind.__name__))}' as torchvision lays them out"
        raise InputError(what, where=shown(where), hint=hint, code="E-MISSING") from error


def _split_settings(kind: Any, split: str, where: str) -> dict[str, Any]:
    parameters = inspect.signature(kind).parameters
    if "split" in parameters:
        return {"split": split}
    if "train" not in parameters:
        what = f"{kind.__name__} does not name its splits in a common way"
        hint = "In Python, make the data set yourself and pass it to gm.evaluate"
        raise UsageError(what, where=shown(where), hint=hint, code="E-SOURCE")
    if split not in ("train", "test"):
        what = f"{kind.__name__} has the splits train and test, not '{shown(split)}'"
        raise UsageError(what, where=shown(where), code="E-SOURCE")
    return {"train": split == "train"}


KIND = Kind(
    accepts="the name torchvision:NAME:SPLIT",
    matches=lambda value: place_of(value) == "torchvision",
    open=torchvision_source,
)
