"""Taking a card's scores, and taking them again to see whether they come out the same."""

from __future__ import annotations

import dataclasses
import math
import statistics
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ganmetrics._files import shown
from ganmetrics.errors import InputError, UsageError
from ganmetrics.generators.cards import SYSTEMS, Card, CardScore, load_sampler, read_card, write_card
from ganmetrics.scoring.result import readable

if TYPE_CHECKING:
    from pathlib import Path

    from ganmetrics.generators.system import Measured

# The first seed is the one that ``reproduce`` samples.
SEEDS = range(5)
# A score may differ by this share of itself and of its spread over seeds: rounding moves it by a tenth of that.
SHARE_OF_SCORE, SHARE_OF_STD = 2e-3, 0.1
# Cards round scores to this precision.
LEAST_TOLERANCE = 1e-6


@dataclass(frozen=True)
class Comparison:
    """A recorded score beside its recomputed value."""

    recorded: CardScore
    found: float

    @property
    def difference(self) -> float:
        return self.found - self.recorded.value

    @property
    def passed(self) -> bool:
        return abs(self.difference) <= self.recorded.tolerance


def rescore(folder: Path, *, watch: Callable[[], object] = lambda: None) -> Card:
    """Compute every score of a card for sampling seeds 0 to 4 and record them; ``watch`` is called after each."""
    card = read_card(folder)
    system, sampler, taken = SYSTEMS[card.system], load_sampler(folder), []
    for seed in SEEDS:
        taken.append(system.score(card.recipe, sampler, seed))
        watch()
    # ``taken`` holds one list of scores for each seed; ``same`` one score of all seeds.
    scores = tuple(recorded(list(same)) for same in zip(*taken, strict=True))
    return _rewritten(dataclasses.replace(card, scores=scores), folder)


def rescore_on_data(folder: Path, root: str | None) -> Card:
    """Compute the scores that need real data and record them in a card.

    Raises
    ------
    UsageError
        The system has none.
    InputError
        The data are not there.
    """
    card = read_card(folder)
    score_on_data = SYSTEMS[card.system].score_on_data
    if score_on_data is None:
        raise UsageError(f"no score of a {card.title} needs real data", where=card.name, hint="Leave `data` out")
    scores = score_on_data(card.recipe, load_sampler(folder), root)
    return _rewritten(dataclasses.replace(card, data_scores=tuple(recorded([each]) for each in scores)), folder)


def _rewritten(card: Card, folder: Path) -> Card:
    card = dataclasses.replace(card, targets=tuple(verdicts(card)))
    write_card(card, folder)
    return card


def verdicts(card: Card) -> Iterator[str]:
    """Yield a sentence for each target of a card: what was meant to be reached, and whether it was."""
    # Scores that anyone can take win over those that need real data.
    scores = {each.name: each for each in [*card.data_scores, *card.scores]}
    for name, limit, reason in card.recipe.targets:
        if name in scores:
            score = scores[name]
            better, sign = ("at least", 1) if score.higher_is_better else ("at most", -1)
            verdict = "reached" if sign * score.value >= sign * limit else "missed"
            yield f"{score.title} {better} {limit:g} ({reason}): {verdict} with {readable(score.value)}"


def recorded(same: list[Measured]) -> CardScore:
    """Return the score of the first seed, with the standard deviation over seeds and a tolerance."""
    # A network that learnt little may have scores that are not finite.
    finite = [each.value for each in same if math.isfinite(each.value)]
    first, std = same[0], statistics.stdev(finite) if len(finite) > 1 else 0.0
    tolerance = max(SHARE_OF_SCORE * abs(first.value), SHARE_OF_STD * std, LEAST_TOLERANCE)
    facts = first._asdict() | {"value": round(first.value, 6), "std": round(std, 6), "tolerance": tolerance}
    return CardScore(**facts)


def reproduce(folder: Path) -> list[Comparison]:
    """Sample with the recorded seed, score, and compare with the card.

    Raises
    ------
    InputError
        The card has no scores.
    """
    card = read_card(folder)
    if not card.scores:
        hint = f"Run 'ganmetrics generators rescore {shown(folder)}' first"
        raise InputError("the card has no scores to compare with", where=shown(folder), hint=hint, code="E-CARD")
    recomputed = {m.name: m.value for m in SYSTEMS[card.system].score(card.recipe, load_sampler(folder), SEEDS[0])}
    missing = [each.name for each in card.scores if each.name not in recomputed]
    if missing:
        what = f"the score {missing[0]!r} on the card is not one that this version computes for a {card.title}"
        raise InputError(what, where=shown(folder), code="E-CARD")
    return [Comparison(each, recomputed[each.name]) for each in card.scores]
