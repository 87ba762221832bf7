"""The classes one by one: how often each is drawn, and how well."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from ganmetrics.diagnosis.finding import is_finite
from ganmetrics.metrics.kid import kid_of_all
from ganmetrics.numerics.interval_ends import Interval

if TYPE_CHECKING:
    from torch import Tensor

    from ganmetrics.diagnosis.pair import Pair

# KID needs so many images of a class on each side. Of larger classes about so many, evenly spaced, are taken.
LEAST, MOST = 10, 1_000
# Classes that the text shows.
SHOWN = 12
HEADS = ("real", "fake", "fake / real share", "KID (95%)", "precision", "recall")


class ClassRow(NamedTuple):
    """One class.

    Attributes
    ----------
    name : str
    num_real, num_fake : int
        Images that are counted in the class.
    due : float
        The class's share of the generated images divided by its share of the real images. 1 is right, 0 is missing.
    kid : float
        KID of the class's images, lower is better; NaN with fewer than 10 images on a side.
    interval : Interval or None
        Of KID, 95 %.
    precision : float
        Share of its generated images within the manifold of real ones, in 0..1; NaN without any among those compared.
    recall : float
        Share of its real images within the manifold of generated ones, in 0..1; NaN without any.
    """

    name: str
    num_real: int
    num_fake: int
    due: float
    kid: float
    interval: Interval | None
    precision: float
    recall: float

    def to_dict(self) -> dict[str, Any]:
        """Return the row as plain data; a number that is not finite is ``None``."""
        plain = {name: value if is_finite(value) else None for name, value in self._asdict().items()}
        return {**plain, "interval": self.interval and self.interval.to_dict()}

    def cells(self) -> tuple[str, ...]:
        """Return the row as text under ``HEADS``."""
        kid = "-" if self.interval is None else f"{self.kid:.3g} ({self.interval.words(self.kid)})"
        shares = ("-" if math.isnan(share) else f"{share:.2f}" for share in (self.precision, self.recall))
        return f"{self.num_real:,}", f"{self.num_fake:,}", f"{self.due:.0%}", kid, *shares


def class_rows(pair: Pair) -> tuple[ClassRow, ...]:
    """Return every class that real images have, the worst first; none where no classes are known.

    Classes with less than a quarter of their due come first, the rarest of them foremost, then the others by KID.
    """
    classes = pair.classes
    if classes is None:
        return ()
    present = classes.shares.real_counts.nonzero()[:, 0].tolist()
    return tuple(sorted((_row(pair, place) for place in present), key=_badness))


def text_of(rows: Sequence[ClassRow], noun: str) -> str:
    """Lay rows out under their heads; of many classes the worst."""
    shown = [(row.name, *row.cells()) for row in rows[:SHOWN]]
    table = [(noun, *HEADS), *shown]
    widths = [max(len(line[column]) for line in table) for column in range(len(table[0]))]
    lines = ["  ".join([line[0].ljust(widths[0]), *map(str.rjust, line[1:], widths[1:])]) for line in table]
    more = [f"and {len(rows) - SHOWN} more, all of them in the JSON"] if len(rows) > SHOWN else []
    return "\n".join([f"{noun}, the worst first:", *(f"  {line.rstrip()}" for line in lines), *more])


def _row(pair: Pair, place: int) -> ClassRow:
    classes, trial = pair.classes, pair.trial
    assert classes is not None
    shares = classes.shares
    fakes_in_trial = classes.fake_members[trial.fake_places] == place
    reals_in_trial = classes.real_members[trial.real_places] == place
    crossing = pair.crossings[0]
    kid, interval = _kid(pair, place)
    return ClassRow(
        classes.names[place],
        int(shares.real_counts[place]),
        int(shares.fake_counts[place]),
        float(shares.fake_shares[place] / shares.real_shares[place]),
        kid,
        interval,
        _share(crossing.real_balls[fakes_in_trial] > 0),
        _share(crossing.fake_balls[reals_in_trial] > 0),
    )


def _kid(pair: Pair, place: int) -> tuple[float, Interval | None]:
    classes = pair.classes
    assert classes is not None
    rows = []
    for side, members in ((pair.real, classes.real_members), (pair.fake, classes.fake_members)):
        places = (members == place).nonzero()[:, 0]
        assert side.features is not None
        rows.append(side.features[places[:: math.ceil(len(places) / MOST) or 1]].double())
    if min(map(len, rows)) < LEAST:
        return math.nan, None
    found = kid_of_all(rows[0], rows[1])
    return found.value, found.interval()


def _share(hits: Tensor) -> float:  # bool [n]
    return float(hits.double().mean()) if len(hits) else math.nan


def _badness(row: ClassRow) -> tuple[bool, float, float]:
    is_rare = row.due < 0.25
    return not is_rare, row.due if is_rare else 0.0, 0.0 if math.isnan(row.kid) else -row.kid
