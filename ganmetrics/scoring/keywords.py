"""The keywords that the verbs share: what callers may write, their defaults, and the one value they become.

A verb declares ``**settings: Unpack[ScoringKeywords]`` under the decorator ``shows(ScoringKeywords)``. So type checkers
and editors know each keyword, ``help()`` shows each with its default, and the verb's first line makes ``Settings`` of
them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeAlias, TypedDict, TypeVar

from ganmetrics._arguments import check_keywords, one_of, with_keywords
from ganmetrics.data.reading_choices import Reading, chosen_reading
from ganmetrics.extractors import Extractor
from ganmetrics.extractors.extraction import choose_device
from ganmetrics.scoring.intervals import MODES

if TYPE_CHECKING:
    import os

    import torch

    AnyExtractor: TypeAlias = str | Extractor | Callable[..., Any] | None

Verb = TypeVar("Verb", bound=Callable[..., Any])


class DeviceKeywords(TypedDict, total=False):
    """Where the network runs, and how many images at once."""

    device: str | torch.device
    batch_size: int | None


class FileKeywords(TypedDict, total=False):
    """Which files are read, and how."""

    weights: str | os.PathLike[str] | None
    reading: Reading | None


class DeviceAndFileKeywords(DeviceKeywords, FileKeywords, total=False):
    """Keywords of verbs that choose the network themselves."""


class BatchwiseKeywords(DeviceKeywords, total=False):
    """Keywords of verbs that are given batches."""

    extractor: str | Extractor | Callable[..., Any] | None


class MeasuringKeywords(BatchwiseKeywords, FileKeywords, total=False):
    """Keywords of verbs that measure sets of images."""


class ScoringKeywords(MeasuringKeywords, total=False):
    """Keywords of verbs that score sets of images."""

    seed: int
    ci: str


DEFAULTS: Mapping[str, Any] = MappingProxyType(
    {
        "extractor": None,
        "device": "auto",
        "batch_size": None,
        "seed": 2020,
        "weights": None,
        "ci": "fast",
        "reading": None,
    }
)


@dataclass(frozen=True)
class Settings:
    """The shared keywords of one call, checked, with defaults in place of those that were not given."""

    extractor: AnyExtractor
    device: torch.device
    batch_size: int | None
    seed: int
    weights: str | os.PathLike[str] | None
    ci: str
    reading: Reading

    @classmethod
    def of(cls, verb: Callable[..., Any], given: Mapping[str, Any]) -> Settings:
        """Return the settings of one call of ``verb`` (UsageError for keywords and values that cannot be meant)."""
        check_keywords(verb, given)
        values = {**DEFAULTS, **given}
        one_of(values["ci"], "kind of interval", MODES)
        reading = chosen_reading(values["reading"])
        if isinstance(values["extractor"], Extractor):
            reading = reading.for_network(values["extractor"].takes)
        return cls(**{**values, "device": choose_device(values["device"]), "reading": reading})


def shows(keywords: type) -> Callable[[Verb], Verb]:
    """Show the keywords of a ``TypedDict`` of this file, with their defaults, in the signature of a verb."""
    return with_keywords(keywords, DEFAULTS)
