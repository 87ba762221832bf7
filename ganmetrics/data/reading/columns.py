"""The columns of a Hugging Face data set that hold its images and its classes."""

from __future__ import annotations

from typing import Any

from ganmetrics.data.reading.items import KEYS
from ganmetrics.data.source import is_instance

LABELS = ("label", "labels")


def image_column(dataset: Any) -> str | None:
    """The column of images: by its type, else by its name; ``None`` where that does not decide."""
    found = _columns(dataset, "Image")
    known = [name for name in KEYS if name in found] or found
    if len(found) == 1 or (known and known[0] in KEYS):
        return known[0]
    return None if found else next((name for name in KEYS if name in (_features(dataset) or ())), None)


def with_known_image(dataset: Any) -> Any:
    """The data set, its only column of images called ``image`` where none has a name that is looked for.

    A transform of the user's own keeps the names that it expects.
    """
    names, column = list(_features(dataset) or ()), image_column(dataset)
    has_transform = (getattr(dataset, "format", None) or {}).get("type") == "custom"
    if column is None or has_transform or any(name in KEYS for name in names):
        return dataset
    return dataset.rename_column(column, KEYS[0])


def column_classes(dataset: Any) -> list[str] | None:
    """The names of the images' classes from ``label``, or from the only column of classes; ``None`` without them."""
    found = _columns(dataset, "ClassLabel")
    column = next((name for name in LABELS if name in found), found[0] if len(found) == 1 else None)
    return None if column is None else _named(dataset, column)


def column_values(dataset: Any, column: str) -> list[Any] | None:
    """The values of a column that the caller chose, or their names where it is of classes; ``None`` without it."""
    if column not in (_features(dataset) or ()) or not is_instance(dataset, "datasets", "Dataset"):
        return None
    if column in _columns(dataset, "ClassLabel"):
        return _named(dataset, column)
    return list(dataset.with_format(None)[column][:])


def _named(dataset: Any, column: str) -> list[str] | None:
    """The names of the classes in a column of numbers; ``None`` where some are hidden."""
    if not is_instance(dataset, "datasets", "Dataset"):
        return None
    names = dataset.features[column].names
    numbers = dataset.with_format(None)[column][:]
    # The labels of a test set may be hidden: -1.
    if any(number is None or not 0 <= number < len(names) for number in numbers):
        return None
    return [names[number] for number in numbers]


def _features(dataset: Any) -> Any:
    is_known = is_instance(dataset, "datasets", "Dataset") or is_instance(dataset, "datasets", "IterableDataset")
    return dataset.features if is_known else None


def _columns(dataset: Any, kind: str) -> list[str]:
    features = _features(dataset) or {}
    return [name for name, feature in features.items() if is_instance(feature, "datasets", kind)]
