"""The card of a trained generator: its settings, its training and its scores, in a folder of its own.

A folder holds ``card.json``, ``weights.safetensors`` (float16, run as float32) and ``samples.png``. The cards of the
package are in ``bundled``; a user's own are found in the folders that ``GANMETRICS_GENERATORS`` names.
"""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganmetrics import _arguments
from ganmetrics._files import atomic_write, shown
from ganmetrics.errors import MALFORMED, GanMetricsError, InputError, WeightsError
from ganmetrics.extractors.weights import weight_store as weight_files
from ganmetrics.generators.system import Recipe, System
from ganmetrics.registry import Registry, unknown

if TYPE_CHECKING:
    from ganmetrics.generators.system import Sampler

SCHEMA = 1
CARD, WEIGHTS, SAMPLES = "card.json", "weights.safetensors", "samples.png"
BUNDLED = Path(__file__).with_name("bundled")

SYSTEMS: Registry[System] = Registry("ganmetrics.generators", "SYSTEM", "system")


@dataclass(frozen=True)
class CardScore:
    """One recorded score.

    Attributes
    ----------
    value : float
        The score of the samples of seed 0.
    std : float
        Standard deviation over the sampling seeds 0 to 4.
    tolerance : float
        How far the same score may be on another machine, where rounding differs.
    signature, protocol : str
        As in ``Measured``.
    """

    name: str
    title: str
    value: float
    std: float
    tolerance: float
    higher_is_better: bool
    signature: str = ""
    protocol: str = ""


@dataclass(frozen=True)
class Card:
    """The card of one trained generator: its settings, its training and its scores.

    Attributes
    ----------
    settings : mapping
        The values of the system's settings.
    parameters : mapping
        The number of parameters of each network.
    training : mapping
        Command, seed, iterations, seconds, threads and versions.
    scores, data_scores : tuple of CardScore
        The scores that anyone can recompute, and those that need the real data.
    targets : tuple of str
        What the generator was meant to reach, and whether it did.
    curve : tuple of mapping
        Scores that the training logged of itself, by iteration.
    weights : str
        SHA-256 of the file of weights; empty for a system without any.
    """

    name: str
    system: str
    title: str
    summary: str
    paper: str
    data: str
    settings: Mapping[str, Any]
    parameters: Mapping[str, int]
    training: Mapping[str, Any]
    scores: tuple[CardScore, ...] = ()
    data_scores: tuple[CardScore, ...] = ()
    targets: tuple[str, ...] = ()
    curve: tuple[Mapping[str, float], ...] = ()
    fault: str = ""
    licence: str = "Apache-2.0"
    weights: str = ""

    @property
    def recipe(self) -> Recipe:
        """The recipe by which the generator was trained."""
        system = SYSTEMS[self.system]
        settings, iterations = system.settings_of(self.settings), self.training["iterations"]
        targets = next((recipe.targets for recipe in system.recipes if recipe.name == self.name), ())
        return Recipe(self.name, self.summary, self.data, settings, iterations, self.fault, targets)

    def score(self, name: str) -> CardScore:
        """Return a recorded score by its name (KeyError)."""
        return {each.name: each for each in self.scores}[name]

    def to_json(self) -> str:
        """Return the card as JSON text."""
        return json.dumps({"schema": SCHEMA, **dataclasses.asdict(self)}, indent=1, ensure_ascii=False)


def folders() -> dict[str, Path]:
    """Return the folder of every card: the bundled ones, then those of the folders that GANMETRICS_GENERATORS names."""
    # Separated as in PATH; empty parts are no folders.
    own = [Path(place) for place in os.environ.get("GANMETRICS_GENERATORS", "").split(os.pathsep) if place]
    places = [path.parent for place in [BUNDLED, *own] for path in sorted(place.glob(f"*/{CARD}"))]
    # A later folder replaces an earlier one of the same name.
    return {path.name: path for path in places}


def folder_of(name: str | os.PathLike[str]) -> Path:
    """Return the folder of a card by its name, or a folder that holds one (UsageError for neither)."""
    path = Path(_arguments.path(name, "name"))
    if (path / CARD).is_file():
        return path
    known = folders()
    if str(name) not in known:
        raise unknown("generator", shown(name), sorted(known))
    return known[str(name)]


def read_card(folder: Path) -> Card:
    """Return the card of a folder.

    Raises
    ------
    InputError
        It is damaged, or of a newer version of the package.
    """
    path = folder / CARD
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
        if facts.pop("schema") != SCHEMA:
            what = "the card has another schema than this version reads"
            raise InputError(what, where=shown(path), hint="Upgrade ganmetrics", code="E-SCHEMA")
        for name in ("scores", "data_scores"):
            facts[name] = tuple(CardScore(**each) for each in facts[name])
        for name in ("targets", "curve"):
            facts[name] = tuple(facts[name])
        return _checked(Card(**facts))
    except (OSError, *MALFORMED) as error:
        # An error with its own sentence says more than the one below.
        if isinstance(error, InputError):
            raise
        what = f"the card cannot be read: {shown(str(error)[:200])}"
        raise InputError(what, where=shown(path), hint="Export the generator again", code="E-CARD") from error


def _checked(card: Card) -> Card:
    """Check that each fact of a card is of its type (TypeError or KeyError)."""
    training, scores = card.training, [*card.scores, *card.data_scores]
    texts = [card.name, card.system, card.title, card.summary, card.paper, card.data, card.fault, card.licence]
    texts += [card.weights]
    texts += [*card.parameters, training["command"], *card.targets]
    texts += [text for score in scores for text in (score.name, score.title, score.signature, score.protocol)]
    numbers = [*card.parameters.values(), training["iterations"], training["cpu_seconds"]]
    numbers += [number for score in scores for number in (score.value, score.std, score.tolerance)]
    numbers += [number for entry in card.curve for number in entry.values()]
    if strange := [text for text in texts if not isinstance(text, str) or not text.isprintable()]:
        raise TypeError(f"{strange[0]!r:.40} is no text")
    if strange := [number for number in numbers if type(number) not in (int, float)]:
        raise TypeError(f"{strange[0]!r:.40} is no number")
    SYSTEMS[card.system].settings_of(card.settings)
    return card


def write_card(card: Card, folder: Path) -> None:
    """Write ``card.json``, whole or not at all."""
    with atomic_write(folder / CARD) as stream:
        stream.write((card.to_json() + "\n").encode())


def load_sampler(folder: Path) -> Sampler:
    """Return the sampler of a card's folder.

    Raises
    ------
    InputError, WeightsError
        The card or the weights are damaged.
    """
    # The weights are checked against the card's digest before anything reads them.
    card = read_card(folder)
    system = SYSTEMS[card.system]
    path = folder / WEIGHTS
    _check_weights(card, path)
    weights = weight_files.load_state_dict(path) if card.weights else {}
    try:
        return system.sampler(card.recipe.settings, weights)
    except (RuntimeError, *MALFORMED) as error:
        if isinstance(error, GanMetricsError):
            raise
        what = f"no network has the card's settings: {shown(str(error)[:200])}"
        raise InputError(what, where=shown(folder / CARD), hint="Export the generator again", code="E-CARD") from error


def _check_weights(card: Card, path: Path) -> None:
    """Refuse weights that are not those of the card (WeightsError)."""
    hint = "Export the generator again"
    if card.weights and not path.is_file():
        raise WeightsError("the weights file is missing", where=shown(path), hint=hint, code="E-MISSING")
    if path.is_file() and not card.weights:
        what = "the card, written by an early version, names no digest of its weights"
        raise WeightsError(what, where=shown(path), hint=hint, code="E-DAMAGED")
    if card.weights and (digest := weight_files.digest(path)) != card.weights:
        what = (
            f"the weights have the SHA-256 {digest[:8]}, and the card names {card.weights[:8]}: one of them was changed"
        )
        raise WeightsError(what, where=shown(path), hint=hint, code="E-DAMAGED")
