"""Cards, the trainings that write them, and the scores that are taken again."""

from __future__ import annotations

import dataclasses
import json
import math
from pathlib import Path

import pytest
import torch

import ganmetrics as gm
from ganmetrics.extractors.weights import weight_store as weights
from ganmetrics.generators import card_scores, cards, reproduction, runs
from ganmetrics.generators.cards import CARD, SAMPLES, WEIGHTS, read_card, write_card
from ganmetrics.generators.system import Measured

TINY = ("width=4", "batch_size=8", "latent_dim=6")


@pytest.fixture(scope="module")
def card_folder(data_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny DCGAN after three iterations, exported and scored on 1,000 images for two seeds."""
    place = tmp_path_factory.mktemp("cards")
    run = runs.begin("dcgan-mnist", place / "run", data=str(data_root), iterations=3, changes=TINY)
    runs.train(run, device="cpu", watch_every=0, progress=False)
    runs.export(runs.reopen(place / "run"), place / "own" / "tiny")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(card_scores, "NUM_IMAGES", 1000)
        patch.setattr(reproduction, "SEEDS", range(2))
        reproduction.rescore(place / "own" / "tiny")
    return place / "own" / "tiny"


def test_a_card_says_what_was_trained(card_folder: Path) -> None:
    card = read_card(card_folder)
    assert (card.name, card.system, card.data) == ("dcgan-mnist", "dcgan", "mnist")
    assert card.settings["width"] == 4
    assert card.training["iterations"] == 3
    assert card.training["command"] == (
        "ganmetrics generators train dcgan-mnist --seed 0 --iterations 3 "
        "--set latent_dim=6 --set width=4 --set batch_size=8"
    )
    assert card.parameters["generator"] == sum(
        value.numel() for name, value in stored(card_folder).items() if "running" not in name
    )
    names = ["fid", "is", "kid", "classes", "largest_class", "nearness"]
    assert [score.name for score in card.scores] == names
    assert all(score.std >= 0 and score.tolerance > 0 for score in card.scores)
    assert card.score("fid").signature.startswith("fid|digits:")
    assert (card_folder / SAMPLES).stat().st_size > 1000


def stored(folder: Path) -> dict[str, torch.Tensor]:
    from safetensors.torch import load_file

    return load_file(folder / WEIGHTS)


def exchange(values: dict[str, torch.Tensor], folder: Path) -> None:
    """Give a card other weights, and their digest."""
    from safetensors.torch import save_file

    save_file(values, folder / WEIGHTS)
    write_card(dataclasses.replace(read_card(folder), weights=weights.digest(folder / WEIGHTS)), folder)


def test_stored_weights_are_half_precision_and_a_dcgan_runs_in_double(card_folder: Path) -> None:
    assert {value.dtype for value in stored(card_folder).values()} == {torch.float16}
    sampler = gm.generators.load(card_folder)
    assert next(sampler.net.parameters()).dtype == torch.float64  # type: ignore[attr-defined]


def test_a_card_is_read_as_it_was_written(card_folder: Path, tmp_path: Path) -> None:
    card = read_card(card_folder)
    write_card(card, tmp_path)
    assert read_card(tmp_path) == card
    assert json.loads((tmp_path / CARD).read_text())["schema"] == cards.SCHEMA


@pytest.mark.slow
def test_the_same_scores_come_out_again(card_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(card_scores, "NUM_IMAGES", 1000)
    compared = reproduction.reproduce(card_folder)
    assert all(each.passed for each in compared)
    assert max(abs(each.difference) for each in compared) <= 1e-6  # the card rounds to six decimals


def test_another_generator_fails(card_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(card_scores, "NUM_IMAGES", 1000)
    write_card(read_card(card_folder), tmp_path)
    exchange({name: value * 1.05 for name, value in stored(card_folder).items()}, tmp_path)
    assert not all(each.passed for each in reproduction.reproduce(tmp_path))


def test_a_users_cards_are_found_by_name(card_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "tiny" not in gm.generators.names()
    monkeypatch.setenv("GANMETRICS_GENERATORS", str(card_folder.parent))
    assert "tiny" in gm.generators.names()
    assert gm.generators.load("tiny")(4).shape == (4, 3, 28, 28)
    assert gm.generators.card("tiny") == read_card(card_folder)


def test_typing_errors_are_answered() -> None:
    with pytest.raises(gm.UsageError, match="Did you mean 'dcgan-mnist'"):
        gm.generators.load("dcgan-mnits")
    with pytest.raises(gm.UsageError, match="Did you mean 'dcgan-mnist'"):
        runs.begin("dcgan-mnits", Path("nowhere"))
    with pytest.raises(gm.UsageError, match="unknown setting 'widht'"):
        runs.begin("dcgan-mnist", Path("nowhere"), changes=["widht=4"])
    with pytest.raises(gm.UsageError, match="the setting width is 'wide'; it must be a whole number"):
        runs.begin("dcgan-mnist", Path("nowhere"), changes=["width=wide"])
    assert not Path("nowhere").exists()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"schema": 1}', '{"schema": 1, "scores": 3}'])
def test_a_damaged_card_is_refused_in_a_sentence(tmp_path: Path, text: str) -> None:
    (tmp_path / CARD).write_text(text)
    with pytest.raises(gm.InputError, match="the card cannot be read"):
        gm.generators.load(tmp_path)


def test_a_card_of_another_schema_is_refused(tmp_path: Path) -> None:
    (tmp_path / CARD).write_text('{"schema": 99}')
    with pytest.raises(gm.InputError, match=r"another schema than this version reads.*Upgrade") as caught:
        gm.generators.load(tmp_path)
    assert caught.value.code == "E-SCHEMA"


def test_missing_and_foreign_weights_are_refused(card_folder: Path, tmp_path: Path) -> None:
    write_card(read_card(card_folder), tmp_path)
    with pytest.raises(gm.WeightsError, match="missing"):
        gm.generators.load(tmp_path)
    exchange({"other": torch.zeros(2)}, tmp_path)
    with pytest.raises(gm.WeightsError, match="another network's weights"):
        gm.generators.load(tmp_path)
    values = stored(card_folder)
    first = next(iter(values))
    exchange({**values, first: torch.zeros(1)}, tmp_path)
    with pytest.raises(gm.WeightsError, match="expected"):
        gm.generators.load(tmp_path)


@pytest.mark.parametrize("name", sorted(cards.folders()))
def test_bundled_weights_are_those_of_their_card(name: str) -> None:
    path = cards.folder_of(name) / WEIGHTS
    assert read_card(path.parent).weights == (weights.digest(path) if path.is_file() else "")


def test_weights_with_one_bit_changed_are_refused(card_folder: Path, tmp_path: Path) -> None:
    write_card(read_card(card_folder), tmp_path)
    data = bytearray((card_folder / WEIGHTS).read_bytes())
    data[-5] ^= 1
    (tmp_path / WEIGHTS).write_bytes(data)
    with pytest.raises(gm.WeightsError, match="one of them was changed"):
        gm.generators.load(tmp_path)
    write_card(dataclasses.replace(read_card(card_folder), weights=""), tmp_path)
    with pytest.raises(gm.WeightsError, match="names no digest of its weights"):
        gm.generators.load(tmp_path)


def test_a_card_without_scores_cannot_be_reproduced(card_folder: Path, tmp_path: Path) -> None:
    write_card(dataclasses.replace(read_card(card_folder), scores=()), tmp_path)
    with pytest.raises(gm.InputError, match="no scores"):
        reproduction.reproduce(tmp_path)


def test_a_training_is_begun_once_and_gone_on_with(data_root: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    run = runs.begin("dcgan-mnist", folder, data=str(data_root), iterations=2, changes=TINY, seed=3)
    with pytest.raises(gm.InputError, match="no checkpoint"):
        runs.export(run, tmp_path / "card")
    assert not folder.exists()
    runs.train(run, device="cpu", watch_every=2, progress=False)
    with pytest.raises(gm.UsageError, match="`resume=True`"):
        runs.begin("dcgan-mnist", folder)
    again = runs.reopen(folder)
    assert (again.recipe, again.seed, again.data) == (run.recipe, 3, str(data_root))
    assert runs.reopen(folder, "dcgan-mnist", data="moved").data == "moved"
    with pytest.raises(gm.UsageError, match="holds a training of dcgan-mnist, not gan-mnist"):
        runs.reopen(folder, "gan-mnist")
    assert [entry["iteration"] for entry in runs.read_log(folder) if "fid" in entry] == [2]
    with pytest.raises(gm.InputError, match="no training"):
        runs.reopen(tmp_path)


def test_every_recipe_has_a_name_of_its_own_and_settings_of_its_system() -> None:
    listed = [recipe.name for system in cards.SYSTEMS.records().values() for recipe in system.recipes]
    assert len(listed) == len(set(listed)) == len(runs.recipes())
    for system, recipe in runs.recipes().values():
        assert recipe.name.split("-")[0] in system.name or system.name in recipe.name
        assert isinstance(recipe.settings, system.settings)
        assert system.settings(**dataclasses.asdict(recipe.settings)) == recipe.settings
        assert {type(value) for value in dataclasses.asdict(recipe.settings).values()} <= {int, float, str}


def test_a_card_says_whether_its_targets_are_reached(card_folder: Path) -> None:
    card = read_card(card_folder)
    assert card.targets == tuple(reproduction.verdicts(card))
    assert [target.rpartition(" with ")[0].rpartition(": ")[2] for target in card.targets] == ["missed", "missed"]
    limits = {target.score: target.limit for target in card.recipe.targets}
    met = [dataclasses.replace(each, value=limits.get(each.name, each.value)) for each in card.scores]
    said = list(reproduction.verdicts(dataclasses.replace(card, scores=tuple(met))))
    assert said[0] == "FID(digits) at most 8.36 (15 times that of the test set): reached with 8.3600"
    assert "at least 10 (none is dropped): reached" in said[1]
    above = [dataclasses.replace(each, value=each.value + 0.01) for each in met]
    assert "missed" in next(reproduction.verdicts(dataclasses.replace(card, scores=tuple(above))))


def test_a_recipe_of_ones_own_has_no_targets(card_folder: Path) -> None:
    assert dataclasses.replace(read_card(card_folder), name="mine").recipe.targets == ()


@pytest.mark.parametrize(
    ("values", "tolerance"),
    [([10.0, 10.0], 0.02), ([10.0, 14.0], 0.28284271), ([0.004, 0.004], 8e-6), ([0.0, 0.0], 1e-6)],
)
def test_the_tolerance_follows_the_score_and_its_spread(values: list[float], tolerance: float) -> None:
    found = reproduction.recorded([Measured("fid", "FID", value, False) for value in values])
    assert found.tolerance == pytest.approx(tolerance, rel=1e-6)


def test_the_spread_is_that_of_the_seeds_that_have_a_score() -> None:
    """Points that meet no mode have no divergence from the modes."""
    values = [2.0, math.nan, 4.0]
    found = reproduction.recorded([Measured("reverse_kl", "Reverse KL", value, False) for value in values])
    assert found.std == pytest.approx(2**0.5, abs=1e-6)
