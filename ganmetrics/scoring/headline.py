"""The result of a comparison in one sentence, which somebody else would repeat."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ganmetrics.scoring.score_table import Verdicts, columns_of, marked

if TYPE_CHECKING:
    from ganmetrics.scoring.score_table import Scores


def headline(results: Scores, verdicts: Verdicts) -> str:
    """Say which set is the best on which scores, and which sets cannot be told apart.

    Parameters
    ----------
    results : mapping of str to mapping of str to Score
        The scores of each set by its name.
    verdicts : Verdicts
        The differences of every pair, or of every set and a baseline.

    Returns
    -------
    str
        Such as "b is best on FID and KID; a and b cannot be told apart on IS".
    """
    if verdicts.baseline:
        return _against(verdicts)
    groups: dict[tuple[str, ...], list[str]] = {}
    for name, first in columns_of(results).items():
        best = tuple(model for model in results if model in marked(name, results, verdicts))
        groups.setdefault(best, []).append(first.title)
    return "; ".join(_phrase(best, titles, len(results)) for best, titles in groups.items())


def _phrase(best: Sequence[str], titles: Sequence[str], count: int) -> str:
    on = _listed(titles)
    if not best:
        return f"{on} {'tells' if len(titles) == 1 else 'tell'} nothing apart without an interval"
    if len(best) == 1:
        return f"{best[0]} is best on {on}"
    if len(best) == count:
        return f"{_listed(best)} cannot be told apart on {on}"
    return f"{_listed(best)} are best on {on} and cannot be told apart"


def _against(verdicts: Verdicts) -> str:
    """Say which sets are better and worse than the baseline."""
    groups: dict[tuple[str, str], list[str]] = {}
    for one in verdicts.differences:
        groups.setdefault((one.first, one.verdict), []).append(one.title)
    phrases = {"better": "is better than", "worse": "is worse than", "cannot tell": "cannot be told apart from"}
    return "; ".join(
        f"{model} {phrases[verdict]} {verdicts.baseline} on {_listed(titles)}"
        for (model, verdict), titles in groups.items()
    )


def _listed(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
