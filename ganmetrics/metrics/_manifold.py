"""What metrics of manifolds share: checked features, the balls about them, and which balls hold which features."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ganmetrics.errors import InputError, UsageError
from ganmetrics.metrics._validation import check_reach, matrix_pair
from ganmetrics.numerics.neighbors import Crossing, crossing, neighbor_squares

if TYPE_CHECKING:
    from torch import Tensor

INSIDE = {"<": False, "<=": True}


def feature_pair(real: Any, fake: Any, neighbors: int, where: str) -> tuple[Tensor, Tensor]:
    """Check that both sets have more rows than neighbours; float32 features stay float32 (InputError, UsageError)."""
    x, y = matrix_pair(real, fake, is_narrow=True)
    if neighbors < 1:
        raise UsageError(f"neighbors is {neighbors}; it must be at least 1", where=f"{where}.neighbors")
    for role, rows in (("real", len(x)), ("fake", len(y))):
        if rows <= neighbors:
            what = f"{rows} {role} images have no {neighbors} neighbours each"
            hint = f"Score more images, or ask for `{where}(neighbors={rows - 1})` (a different protocol)"
            raise InputError(what, where=f"{where}.neighbors", hint=hint, code="E-TOO-FEW")
    check_reach(x, "real_features")
    check_reach(y, "fake_features")
    return x, y


def check_inside(inside: str, where: str) -> None:
    """Refuse an ``inside`` that is neither ``<`` nor ``<=`` (UsageError)."""
    if inside not in INSIDE:
        what = f"inside is {inside!r}; a ball holds the points at '<' or '<=' its radius"
        raise UsageError(what, where=f"{where}.inside")


def crossed(real: Tensor, fake: Tensor, neighbors: int, inside: str, where: str, *, of_fakes: bool = True) -> Crossing:
    """Tell which balls hold which points; a ball reaches to its centre's k-th nearest neighbour (UsageError)."""
    check_inside(inside, where)
    # Balls about the fakes cost a pass over all their pairs, which density and coverage spare.
    radii_f = neighbor_squares(fake, neighbors) if of_fakes else None
    return crossing(real, fake, neighbor_squares(real, neighbors), radii_f, is_closed=INSIDE[inside])
