"""The classes that torch data sets know of: their targets, also through ``Subset`` and ``ConcatDataset``."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from ganmetrics.data.reading.columns import column_classes, column_values
from ganmetrics.data.reading.label_columns import CHOOSE, picked
from ganmetrics.data.reading.unreadable import LabelError
from ganmetrics.data.source import Classes, is_instance

# Some of torchvision's data sets keep their labels in a private attribute.
ATTRIBUTES = ("targets", "labels", "_labels")
ONE_EACH = "Pass a data set whose targets or labels are one whole number or name for each image"
UNKNOWN = Classes(None, "the data set has no targets or labels of as many entries as images", ONE_EACH)


def classes_of_dataset(dataset: Any, count: int | None, column: str = "") -> Classes:
    """The class of each item of a data set, without reading an item; ``column`` chooses one of several labels.

    ``targets`` or ``labels`` of the data set itself count first, as torchvision's have them, then its column of
    classes, then those of the data sets that it is made of.
    """
    for name in ATTRIBUTES:
        values: Any = getattr(dataset, name, None)
        if count is not None and hasattr(values, "__len__") and len(values) == count:
            return classes_of_values(values, f"the data set's {name}", column, _column_names(dataset))
    if is_instance(dataset, "torch.utils.data", "Subset"):
        return _of_subset(dataset, column)
    if is_instance(dataset, "torch.utils.data", "ConcatDataset"):
        return _of_parts(dataset.datasets, column)
    if is_instance(dataset, "torch.utils.data", "TensorDataset") and len(dataset.tensors) == 2:
        return classes_of_values(dataset.tensors[1], "the second tensor's values", column)
    if column and (values := column_values(dataset, column)) is not None:
        return classes_of_values(values, f"the values of the column {column}")
    names = None if column else column_classes(dataset)
    return UNKNOWN if names is None else Classes(names)


def classes_of_values(values: Any, title: str, column: str = "", names: Sequence[str] = ()) -> Classes:
    """Labels as names of classes, of which each is one whole number or text.

    Parameters
    ----------
    values : array or sequence
    title : str
        What messages call them.
    column : str
        Which of several labels of an image counts, by its name or number; empty where each has one.
    names : sequence of str
        Of the columns, where they have any.
    """
    shape = getattr(values, "shape", None)
    if column:
        are_rows = len(shape) > 1 if shape is not None else all(_is_row(value) for value in values)
        if not are_rows:
            what = f"{title} are one for each image, and the column {column} of several was asked for"
            return Classes(None, what, "Leave `label_column` out")
        try:
            values, shape = picked(values, column, names, title), None
        except LabelError as error:
            return Classes(None, str(error), CHOOSE)
    if shape is not None and len(shape) > 1 and math.prod(shape) == len(values):  # [N, 1]
        values = values.reshape(-1) if hasattr(values, "reshape") else values.to_numpy().reshape(-1)
    elif shape is not None and len(shape) > 1:
        return Classes(None, f"{title} are several for each image, of shape {list(shape)}", f"{ONE_EACH}. {CHOOSE}")
    named = [value for value in map(_plain, values) if isinstance(value, (int, str))]
    if len(named) < len(values):
        odd = next(value for value in map(_plain, values) if not isinstance(value, (int, str)))
        if hasattr(odd, "__len__"):
            return Classes(None, f"{title} are several for an image, such as {len(odd)}", CHOOSE)
        return Classes(None, f"{title} are of type {type(odd).__name__}, not whole numbers or names", ONE_EACH)
    hidden = [value for value in named if isinstance(value, int) and value < 0]
    if hidden and set(named) != {-1, 1}:
        what = f"{title} are negative for {len(hidden)} of {len(named)} images, which stands for no class"
        return Classes(None, what, "Leave those images out, as by torch.utils.data.Subset")
    return Classes([str(value) for value in named])


def _plain(value: Any) -> Any:
    """A number of a tensor or an array as Python has it; other values as they are."""
    return value.item() if getattr(value, "shape", None) == () else value


def _is_row(value: Any) -> bool:
    return hasattr(value, "__len__") and not isinstance(value, str)


def _column_names(dataset: Any) -> Sequence[str]:
    """The names of a data set's columns of labels, as torchvision's CelebA has them."""
    names = getattr(dataset, "attr_names", None)
    are_names = isinstance(names, (list, tuple)) and all(isinstance(name, str) for name in names)
    return list(names) if are_names and names is not None else ()


def _of_subset(subset: Any, column: str) -> Classes:
    found = classes_of_dataset(subset.dataset, number_of(subset.dataset), column)
    if found.names is None:
        return found
    return found._replace(names=[found.names[int(index)] for index in subset.indices])


def _of_parts(parts: Sequence[Any], column: str) -> Classes:
    """The classes of data sets one behind the other, whose numbers must mean the same."""
    found = [classes_of_dataset(part, number_of(part), column) for part in parts]
    unknown = next((each for each in found if each.names is None), None)
    if unknown is not None:
        return unknown
    meanings = {tuple(meaning) for meaning in map(_meaning, parts) if meaning is not None}
    if len(meanings) > 1:
        what = "the parts of the ConcatDataset number different classes (their attributes classes differ)"
        return Classes(None, what, "Give all parts the same classes in the same order")
    return Classes([name for each in found for name in each.names or ()])


def _meaning(dataset: Any) -> Sequence[Any] | None:
    """What the numbers of a data set's targets stand for, where it tells."""
    inner = dataset
    while is_instance(inner, "torch.utils.data", "Subset"):
        inner = inner.dataset
    meaning = getattr(inner, "classes", None)
    return meaning if isinstance(meaning, (list, tuple)) else None


def number_of(dataset: Any) -> int | None:
    """The length of a data set, or None if it does not tell."""
    try:
        return len(dataset)
    except (TypeError, NotImplementedError):
        return None
