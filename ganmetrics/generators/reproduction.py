"""Taking a card's scores, and taking them again to see whether they come out the same."""

from __future__ import annotations

import dataclasses
import statistics
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ganmetrics.errors import InputError
from ganmetrics.generators.cards import SYSTEMS, Card, CardScore, load_sampler, read_card, write_card

if TYPE_CHECKING:
    from pathlib import Path

SEEDS = range(5)
TOLERANCE = 2e-3  # of a score, or of 1 where it is smaller; rounding moves scores by less than a tenth of it


@dataclass(frozen=True)
class Comparison:
    """One score taken again, beside the recorded one."""

    recorded: CardScore
    found: float

    @property
    def difference(self) -> float:
        return self.found - self.recorded.value

    @property
    def passed(self) -> bool:
        return abs(self.difference) <= self.recorded.tolerance


def rescore(folder: Path, *, watch: Callable[[], object] = lambda: None) -> Card:
    """Take every score of a card for sampling seeds 0 to 4 and write them into it; ``watch`` is called after each."""
    card = read_card(folder)
    system, sampler, taken = SYSTEMS[card.system], load_sampler(folder), []
    for seed in SEEDS:
        taken.append(system.score(card.recipe, sampler, seed))
        watch()
    scores = []
    for same in zip(*taken, strict=True):
        first, std = same[0], statistics.stdev([each.value for each in same])
        tolerance = TOLERANCE * max(1.0, abs(first.value))
        facts = first._asdict() | {"value": round(first.value, 6), "std": round(std, 6), "tolerance": tolerance}
        scores.append(CardScore(**facts))
    card = dataclasses.replace(card, scores=tuple(scores))
    write_card(card, folder)
    return card


def reproduce(folder: Path) -> list[Comparison]:
    """Sample with the recorded seed, score, and compare with the card.

    Raises
    ------
    InputError
        The card has no scores.
    """
    card = read_card(folder)
    if not card.scores:
        hint = f"Run 'ganmetrics generators rescore {folder}' first"
        raise InputError("the card has no scores to compare with", where=str(folder), hint=hint, code="E-CARD")
    found = {m.name: m.value for m in SYSTEMS[card.system].score(card.recipe, load_sampler(folder), SEEDS[0])}
    missing = [each.name for each in card.scores if each.name not in found]
    if missing:
        what = f"the score {missing[0]!r} on the card is none that this version takes of a {card.system}"
        raise InputError(what, where=str(folder), code="E-CARD")
    return [Comparison(each, found[each.name]) for each in card.scores]
