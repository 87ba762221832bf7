"""Signals in a series of losses or gradients: how far it has grown, whether it fell, whether it circles."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import special

if TYPE_CHECKING:
    Values = np.ndarray[Any, np.dtype[np.float64]]

# A verdict is about this share of the entries, the last ones.
RECENT = 0.25
# Entries that show where a training began.
FIRST = 4
# At most so many entries of a beginning do not count, and make a level that lasted.
ROW = 8
# Entries are one level where the largest is at most this many times the smallest.
LASTING = 1.6
# A value counts as at most this many times its larger neighbour.
OUTLIER = 4.0
# A loss has fallen by more than this share of its size, and this many times its noise.
FELL = (0.02, 3.0)
# Turns that a period must have made in a piece.
TURNS = 4
# Entries that a piece of a series has at least, where the series is cut.
PIECE = 32
# Numbers of pieces that a series is cut into: a period that drifts is steady in each of many pieces.
PIECES = (1, 2, 3, 4, 6, 8, 12, 16, 24)
# Below this share of the largest value, variation is rounding.
FLAT = 1e-9


def recent(values: Values) -> Values:
    """Return the last quarter of a series."""
    return values[-max(1, round(RECENT * len(values))) :]


def growth(values: Values, floors: tuple[float, float]) -> float:
    """Return the recent size of a series as a multiple of its size at first.

    It is compared with the median of the first half, and with the smallest of the first four values, so that a series
    that exploded at once is not its own measure. Sizes below the two floors are no measure either: a loss near zero
    that becomes 1 has not exploded.
    """
    sizes = np.abs(values)
    now = float(np.median(recent(sizes)))
    half, first = float(np.median(sizes[: len(sizes) // 2])), float(sizes[:FIRST].min())
    return max(now / max(half, floors[0]), now / max(first, floors[1]))


def share_left(values: Values) -> float:
    """Return the recent size as a share of the largest; an outlier counts as four times its larger neighbour."""
    padded = np.concatenate([[0.0], values, [0.0]])
    largest = float(np.minimum(values, OUTLIER * np.maximum(padded[:-2], padded[2:])).max())
    return float(np.median(recent(values))) / largest if largest > 0 else 1.0


def share_kept(values: Values, may_compare: np.ndarray[Any, np.dtype[np.bool_]]) -> float:
    """Return the recent size as a share of the largest that lasted; 1 where none did.

    A size has lasted where it is the median of some entries in a row that differ by no more than a factor. The first
    entries do not count: an untrained network's samples vary as noise does. Nor do entries that may not be compared.
    """
    first, length = min(len(values) // 4, ROW), max(FIRST, min(len(values) // 6, ROW))
    starts = range(first, len(values) - length + 1)
    rows = [values[start : start + length] for start in starts if may_compare[start : start + length].all()]
    lasting = [float(np.median(row)) for row in rows if row.max() <= LASTING * row.min()]
    now = float(np.median(recent(values)))
    return min(1.0, now / max(lasting)) if lasting and max(lasting) > 0 else 1.0


def has_fallen(values: Values) -> bool:
    """Return whether a loss is lower than in the first quarter by more than its noise."""
    first, last = values[: len(recent(values))], recent(values)
    noise = np.median(np.abs(np.diff(values))) / np.sqrt(len(first))
    step = float(np.median(first) - np.median(last))
    return step > max(FELL[0] * float(np.median(np.abs(first))), FELL[1] * float(noise))


def circling(values: Values) -> tuple[float, float, float]:
    """Return the share of a series' variance that one period holds, which may drift.

    The series is cut into pieces, in several ways; in each piece the strongest frequency and its double are looked at.

    Returns
    -------
    tuple of float
        Of the cut in which they hold the most: their share of the variance about a trend; the chance of so strong
        frequencies in noise; the standard deviation in a piece against the mean of the series.
    """
    cuts = [count for count in PIECES if count == 1 or len(values) // count >= PIECE]
    mean = max(abs(float(values.mean())), 1e-300)
    cuts_tried = []
    for count in cuts:
        pieces = [_period(piece) for piece in np.array_split(values, count)]
        shares, chances, spreads = (np.array(column) for column in zip(*pieces, strict=True))
        # Fisher's method joins the chances; the strongest of several cuts is taken
        chance = float(special.gammaincc(count, -np.log(chances).sum())) * len(cuts)
        cuts_tried.append((float(shares.mean()), min(1.0, chance), float(np.median(spreads)) / mean))
    return max(cuts_tried)


def _period(values: Values) -> tuple[float, float, float]:
    """Return the strongest period's share of the variance about a trend, its chance in noise, and the deviation.

    The chance is that of g = peak / sum over m frequencies of white noise, m (1 - g)^(m - 1) to first order (Fisher
    1929).
    """
    largest = float(np.abs(values).max())
    if largest == 0 or float(np.ptp(values / largest)) <= FLAT:
        return 0.0, 1.0, 0.0
    scaled, places = values / largest, np.arange(len(values))
    detrended = scaled - np.polyval(np.polyfit(places, scaled, 1), places)
    power = np.abs(np.fft.rfft(detrended)) ** 2
    total, m = float(power[1:].sum()), len(power) - 1
    if float(np.ptp(detrended)) <= FLAT or m < TURNS:
        return 0.0, 1.0, 0.0
    peak = TURNS + int(power[TURNS:].argmax())
    near = {index for center in (peak, 2 * peak) for index in (center - 1, center, center + 1) if index <= m}
    chance = m * max(1 - float(power[peak]) / total, 0.0) ** (m - 1)
    return float(power[sorted(near)].sum()) / total, min(1.0, max(chance, 1e-300)), float(detrended.std()) * largest
