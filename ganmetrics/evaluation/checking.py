"""Whether saved statistics are sound, and of the images they claim to be of."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganmetrics.errors import StatisticsError
from ganmetrics.evaluation import archive
from ganmetrics.evaluation.run import measure
from ganmetrics.numerics import frechet

if TYPE_CHECKING:
    from ganmetrics.data import Reading
    from ganmetrics.evaluation.statistics import Statistics

DRIFT = 1e-4  # squared distance of two measurements, relative to the trace, that other processors' rounding may cause


def opened(name: str) -> Statistics:
    """Statistics by path or by bundled name."""
    return archive.load(name) if Path(name).exists() or name not in archive.index() else archive.bundled(name)


def facts_of(name: str) -> dict[str, Any]:
    """What statistics are of, as plain data."""
    found = opened(name)
    recipe = found.recipe
    kept = [kind for kind in ("moments", "features", "logits") if getattr(found, kind) is not None]
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


def verify(name: str, source: str | None, device: str, weights: str | None, reading: Reading) -> str:
    """A sentence about statistics that are right; with a source it is measured again and compared.

    Raises
    ------
    StatisticsError
        The file is damaged, or it is of other images or another recipe.
    """
    found = opened(name)
    if source is None:
        return f"{name}: sound; {found.label} under {found.recipe.network}"
    again = measure(source, extractor=found.recipe.extractor, device=device, weights=weights, reading=reading)
    found.recipe.require(again.recipe, (name, source))
    for fact in ("count", "digest"):
        if getattr(found, fact) != getattr(again, fact):
            what = f"the {fact} is {getattr(found, fact)}; the images have {getattr(again, fact)}"
            raise StatisticsError(what, where=name, hint="It is of other images", code="E-VERIFY")
    return f"{name}: verified against {source}; {found.label}, drift {_drift(found, again, name):.1e} of the trace"


def _drift(found: Statistics, again: Statistics, name: str) -> float:
    if found.moments is None or again.moments is None:
        raise StatisticsError("the file keeps no moments to compare", where=name, code="E-KEPT")
    gaussians = [(m.mean.numpy(), m.covariance().numpy()) for m in (found.moments, again.moments)]
    drift = frechet.frechet_distance(*gaussians[0], *gaussians[1]) / max(again.moments.trace(), 1e-300)
    if drift > DRIFT:
        what = f"the numbers differ from the images' by {drift:.1e} of the trace (allowed {DRIFT:.0e})"
        raise StatisticsError(what, where=name, hint="The file was changed", code="E-VERIFY")
    return drift
