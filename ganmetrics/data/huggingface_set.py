"""A data set of the Hugging Face hub or of a folder by name, as in ``huggingface:mnist:test``."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

from ganmetrics._files import shown
from ganmetrics._offline import is_offline
from ganmetrics._process import Held, assigned, stdout_to_stderr
from ganmetrics.data.dataset import DatasetSource
from ganmetrics.data.places.paths import is_saved_dataset, place_of
from ganmetrics.data.reading.columns import image_column
from ganmetrics.data.reading.items import KEYS
from ganmetrics.data.reading.targets import classes_of_dataset
from ganmetrics.data.source import DEFAULT_OPENING, Classes, Kind, Opening
from ganmetrics.errors import GanMetricsError, InputError, UsageError

SPLIT = re.compile(r"huggingface:(?P<place>.+):(?P<split>[^:\[\]]+(?:\[[^\[\]]*\])?)", re.DOTALL)  # train, train[:100]
LOADERS = frozenset(("imagefolder", "parquet", "arrow", "csv", "json", "webdataset"))  # which want to be told of files
_SWITCHES = Held()
FORM = "huggingface:NAME:SPLIT or huggingface:NAME:CONFIG:SPLIT"


class HuggingFaceSource(DatasetSource):
    """The images of ``huggingface:NAME[:CONFIG]:SPLIT``, or of a folder that ``save_to_disk`` wrote of one split.

    Data of the hub are downloaded unless ``GANMETRICS_OFFLINE`` is 1, and lie in the library's own cache, which
    ``HF_HOME`` moves.

    Parameters
    ----------
    value : str
        NAME is one of the hub, a folder of images or tables, or one that ``save_to_disk`` wrote; SPLIT as
        ``datasets.load_dataset`` takes it, and of a saved folder its plain name.
    opening : Opening
        How images are read.

    Raises
    ------
    UsageError
        A name of another form, an unknown split or configuration, or ``datasets`` is not installed.
    InputError
        The data are neither there nor to be had, or have no column of images.
    """

    is_lasting = True

    def __init__(self, value: str | os.PathLike[str], opening: Opening = DEFAULT_OPENING) -> None:
        value = os.fspath(value)
        name, config, split = (value, None, "") if place_of(value) == "path" else _parts(value)
        self._whole = _loaded(name, config, split, value)
        super().__init__(_images_alone(self._whole, value), opening)
        self.name = self.identity = shown(value)
        self.label = "" if os.path.exists(name) else re.sub("[#:~|]", "-", self.name)

    def known_classes(self) -> Classes:
        """The names of the classes, where the data set has one column of them, or one called label."""
        return classes_of_dataset(self._whole, self.count, self._opening.reading.column)


def _parts(value: str) -> tuple[str, str | None, str]:
    match = SPLIT.fullmatch(value)
    place, split = (match["place"], match["split"]) if match else ("", "")
    # A path may hold colons.
    if os.path.exists(place):
        return place, None, split
    name, separator, config = place.rpartition(":")
    if not separator:
        name, config = config, ""
    is_sound = bool(name) and bool(config) == bool(separator) and (":" not in name or os.path.exists(name))
    if not is_sound:
        what = f"a data set of Hugging Face is named {FORM}"
        raise UsageError(what, where=shown(value), hint="For instance huggingface:mnist:test", code="E-SOURCE")
    return name, config or None, split


def _loaded(name: str, config: str | None, split: str, where: str) -> Any:
    if name in LOADERS:
        what = f"{name} is a way of loading files, not a data set"
        raise UsageError(what, where=shown(where), hint=f"Name the folder: {FORM}", code="E-SOURCE")
    if os.path.isabs(name) and not os.path.isdir(name):
        raise InputError("there is no such folder", where=shown(name), code="E-MISSING")
    datasets = _library(where)
    offline = is_offline()
    try:
        with _network(not offline), stdout_to_stderr():
            if is_saved_dataset(name):
                return _split_of(datasets.load_from_disk(name), split, where)
            return datasets.load_dataset(name, config, split=split)
    except GanMetricsError:
        raise
    except ValueError as error:  # the library's sentences about unknown splits and configurations
        raise UsageError(_first_line(error), where=shown(where), code="E-SOURCE") from None
    except Exception as error:  # of requests, httpx, pyarrow, fsspec and the library's own
        raise _missing(error, offline, where) from error


def _split_of(saved: Any, split: str, where: str) -> Any:
    """Return one split of what ``save_to_disk`` wrote: a dictionary of splits, or one, which may have no name.

    An empty ``split`` stands for the only one.
    """
    splits = saved if isinstance(saved, dict) else {str(saved.split or split) if split else "": saved}
    if not split and isinstance(saved, dict):
        what = f"the folder holds the splits {', '.join(map(shown, splits))}; one set of images is wanted"
        hint = f"Name one of them, as in huggingface:{shown(where)}:{shown(next(iter(splits), 'test'))}"
        raise UsageError(what, where=shown(where), hint=hint, code="E-SOURCE")
    if split not in splits:
        what = f"the saved data set has no split {shown(split)}; it has {', '.join(map(shown, splits))}"
        raise UsageError(what, where=shown(where), hint=f"Name one of them: {FORM}", code="E-SOURCE")
    return splits[split]


def _library(where: str) -> ModuleType:
    try:
        import datasets
    except ImportError:
        what, hint = "the package datasets is not installed", "Install it: pip install datasets"
        raise UsageError(what, where=shown(where), hint=hint, code="E-SOURCE") from None
    return datasets


def _missing(error: Exception, offline: bool, where: str) -> InputError:
    what, hint = f"the data set cannot be had: {_first_line(error)}", "Check its name on huggingface.co/datasets"
    if offline:
        what = "the data set is not on this machine and GANMETRICS_OFFLINE forbids to download it"
        hint = "Unset it, or name a folder with the data set's files"
    return InputError(what, where=shown(where), hint=hint, code="E-MISSING")


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return shown(lines[0][:200].rstrip("."))


@contextmanager
def _network(is_allowed: bool) -> Iterator[None]:
    """Around the library: no network where it is forbidden.

    Its modules read the environment once, when they are loaded, so that only their own switches still count.
    """
    import datasets
    import huggingface_hub

    switches = [(datasets.config, "HF_HUB_OFFLINE"), (datasets.config, "HF_DATASETS_OFFLINE")]
    switches.append((huggingface_hub.constants, "HF_HUB_OFFLINE"))
    rows = [(module, name, True) for module, name in switches if hasattr(module, name) and not is_allowed]
    with _SWITCHES.at(is_allowed, lambda: assigned(rows)):
        yield


def _images_alone(dataset: Any, where: str) -> Any:
    column = image_column(dataset)
    if column is None:
        found = ", ".join(dataset.column_names[:10])
        what = f"the data set has no column of images, or several; its columns are {shown(found)}"
        hint = f"Load it, leave one called {KEYS[0]}, and pass it"
        raise InputError(what, where=shown(where), hint=hint, code="E-SHAPE")
    alone = dataset.select_columns([column])
    return alone if column in KEYS else alone.rename_column(column, KEYS[0])


KIND = Kind(
    accepts="the name huggingface:NAME:SPLIT, or a folder of save_to_disk",
    matches=lambda value: place_of(value) == "huggingface" or is_saved_dataset(value),
    open=HuggingFaceSource,
)
