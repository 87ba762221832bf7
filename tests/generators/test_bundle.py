"""The bundled generators: whole, made by their recipes, and the broken ones broken in the way that they say."""

from __future__ import annotations

import dataclasses
import math

import pytest

from ganmetrics.generators import cards, reproduction, runs
from ganmetrics.generators.cards import BUNDLED, Card, read_card

NAMES = sorted(folder.name for folder in BUNDLED.iterdir() if folder.is_dir())


def card_of(name: str) -> Card:
    return read_card(BUNDLED / name)


def last(card: Card, quantity: str, count: int) -> float:
    """The mean of the last logged values of a quantity."""
    values = [entry[quantity] for entry in card.curve if quantity in entry]
    return sum(values[-count:]) / len(values[-count:])


def test_every_bundled_generator_has_a_recipe() -> None:
    assert set(NAMES) == set(runs.recipes())


@pytest.mark.parametrize("name", NAMES)
def test_a_card_holds_what_its_recipe_says(name: str) -> None:
    card, (system, recipe) = card_of(name), runs.recipes()[name]
    assert (card.name, card.system, card.title, card.paper) == (name, system.name, system.title, system.paper)
    assert (card.summary, card.data, card.fault) == (recipe.summary, recipe.data, recipe.fault)
    assert card.settings == dataclasses.asdict(recipe.settings)
    assert card.training["iterations"] == recipe.iterations
    assert card.training["command"] == f"ganmetrics generators train {name} --seed 0"
    assert card.parameters or not recipe.iterations
    assert card.targets == tuple(reproduction.verdicts(card))


@pytest.mark.parametrize("name", NAMES)
def test_scores_are_finite_with_intervals_and_origins(name: str) -> None:
    scores = card_of(name).scores
    assert scores
    for score in scores:
        assert math.isfinite(score.value)
        assert score.std >= 0 and score.tolerance > 0
        assert bool(score.signature) != bool(score.protocol)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_scores_come_out_again(name: str) -> None:
    wrong = [each for each in reproduction.reproduce(BUNDLED / name) if not each.passed]
    assert not wrong


@pytest.mark.parametrize("name", ["progan-mnist", "stylegan2-mnist", "msg-gan-mnist"])
def test_multi_scale_systems_beat_the_first_gan(name: str) -> None:
    assert card_of(name).score("fid").value < card_of("gan-mnist").score("fid").value / 2


def test_the_collapsed_one_draws_one_mode() -> None:
    card = card_of("dcgan-collapsed")
    assert card.score("largest_class").value > 0.95
    assert card.score("classes").value == 1
    assert card.score("is").value < 1.2


def test_the_one_of_three_digits_draws_three() -> None:
    card = card_of("dcgan-three-digits")
    assert card.score("classes").value == 3
    assert card.score("is").value < 3.2


def test_the_one_that_memorised_is_near_what_it_learnt() -> None:
    healthy, card = card_of("dcgan-mnist"), card_of("dcgan-memorised")
    assert 0.95 < healthy.score("nearness").value < 1.05
    assert card.score("nearness").value < 0.75


def test_the_overpowering_discriminator_is_always_right_and_gives_no_slope() -> None:
    healthy, card = card_of("dcgan-mnist"), card_of("dcgan-overpowered")
    assert last(card, "d_accuracy", 10) > 0.999
    assert last(card, "g_gradient", 10) < last(healthy, "g_gradient", 10) / 1000


def test_the_critics_estimate_falls_with_fid() -> None:
    for name in ("wgan-mnist", "wgan-gp-mnist"):
        card = card_of(name)
        halves = len(card.curve) // 2
        early, late = (
            [entry["wasserstein"] for entry in part if "wasserstein" in entry]
            for part in (card.curve[:halves], card.curve[halves:])
        )
        assert sum(late) / len(late) < sum(early) / len(early)


def test_names_are_those_of_the_registry() -> None:
    assert all(name in cards.folders() for name in NAMES)
