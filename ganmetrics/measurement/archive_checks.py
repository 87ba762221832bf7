"""Whether saved statistics are sound, and of the images they claim to be of."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from ganmetrics.errors import StatisticsError
from ganmetrics.measurement import archive
from ganmetrics.measurement.published_statistics import is_published
from ganmetrics.measurement.published_store import published
from ganmetrics.metrics.fid import fid_of_moments
from ganmetrics.metrics.needs import NEEDS

if TYPE_CHECKING:
    from ganmetrics.measurement.statistics import Statistics

# The squared distance of two measurements, relative to the trace, that other processors' rounding may cause.
DRIFT = 1e-4


def opened(name: str) -> Statistics:
    """Statistics by path, by bundled name, or by the name of a published file."""
    is_there = os.path.exists(name)
    if not is_there and is_published(name):
        return published(name)
    return archive.bundled(name) if not is_there and name in archive.index() else archive.load_statistics(name)


def facts_of(name: str) -> dict[str, Any]:
    """What statistics are of, as plain data."""
    found = opened(name)
    recipe = found.recipe
    kept = [need.name for need in NEEDS.values() if need.is_saved and need.of(found) is not None]
    return {
        "name": found.name,
        "count": found.count,
        "digest": found.digest,
        "skipped": found.skipped,
        "extractor": recipe.extractor,
        "network": recipe.network,
        "resize": recipe.resize,
        "reading": ", ".join(recipe.reading) or "default",
        "precision": recipe.precision,
        "dimensions": 0 if found.moments is None else len(found.moments.mean),
        "keeps": ", ".join(kept),
    }


def verify(found: Statistics, again: Statistics, names: tuple[str, str]) -> float:
    """The drift between saved statistics and those of the images, measured again: a share of the trace.

    Raises
    ------
    StatisticsError
        The statistics are of other images or of another recipe, or their numbers were changed.
    """
    found.recipe.require(again.recipe, names)
    for fact in ("count", "digest"):
        if getattr(found, fact) != getattr(again, fact):
            what = f"the {fact} is {getattr(found, fact)}; the images have {getattr(again, fact)}"
            raise StatisticsError(what, where=names[0], hint="It is of other images", code="E-VERIFY")
    return _drift(found, again, names[0])


def _drift(found: Statistics, again: Statistics, name: str) -> float:
    if found.moments is None or again.moments is None:
        raise StatisticsError("the file keeps no moments to compare", where=name, code="E-KEPT")
    drift = fid_of_moments(found.moments, again.moments) / max(again.moments.trace(), 1e-300)
    if drift > DRIFT:
        what = f"the numbers differ from the images' by {drift:.1e} of the trace (allowed {DRIFT:.0e})"
        hint = "The file was changed, or another processor or version of PyTorch measured it"
        raise StatisticsError(what, where=name, hint=hint, code="E-VERIFY")
    return drift
