"""The health of trainings: every bundled generator's own log, planted faults, noise that is no fault."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch

import ganmetrics as gm
from ganmetrics.diagnosis.finding import Finding
from ganmetrics.diagnosis.training_health import Entry

NAMES = ("numbers diverge", "discriminator wins", "gradient vanishes", "losses circle", "samples grow alike")
BROKEN = {"dcgan-overpowered": {"discriminator wins", "gradient vanishes"}}


def watched(entries: Iterator[dict[str, float]]) -> tuple[gm.TrainingHealth, set[str]]:
    """The health after a training, and every fault it ever named."""
    health, named = gm.TrainingHealth(), set()
    for step, entry in enumerate(entries):
        named |= {finding.name for finding in health.log(step, **entry)}
    return health, named


def curve(name: str) -> list[dict[str, float]]:
    """What a bundled generator's training logged."""
    names = {"d_loss": "d_loss", "g_loss": "g_loss", "g_gradient": "g_grad_norm", "d_accuracy": "d_accuracy"}
    entries = gm.generators.card(name).curve
    return [
        {names[key]: value for key, value in entry.items() if key in names} for entry in entries if "d_loss" in entry
    ]


@pytest.mark.parametrize("name", gm.generators.names())
def test_trainings_of_the_bundle_are_accused_of_their_own_fault_alone(name: str) -> None:
    health, named = watched(iter(curve(name)))
    assert named == BROKEN.get(name, set())
    assert tuple(finding.name for finding in health.findings()) == NAMES


def verdicts(found: tuple[Finding, ...]) -> dict[str, str]:
    return {finding.name: finding.verdict for finding in found}


def noise(seed: int, count: int = 200, memory: float = 0.0) -> np.ndarray:
    """Losses about 1.2 that remember a share of the last one."""
    rng, values = np.random.RandomState(seed), [0.0]
    for _ in range(count - 1):
        values.append(memory * values[-1] + rng.randn())
    return 1.2 + 0.4 * np.array(values) * math.sqrt(1 - memory**2)


@pytest.mark.parametrize("memory", [*(pytest.param(memory, marks=pytest.mark.slow) for memory in (0.0, 0.9)), 0.5])
def test_noise_is_no_fault(memory: float) -> None:
    """In 50 trainings of noise, white and red, at most one false alarm at the end."""
    alarms = 0
    for seed in range(50):
        health = gm.TrainingHealth()
        for step, value in enumerate(np.abs(noise(seed, memory=memory))):
            health.entries.append(Entry(step, value, 1.0, 1.0 + 0.1 * value, 0.7))
        found = health.log(step + 1, d_loss=1.2, g_loss=1.0, g_grad_norm=1.1, d_accuracy=0.7)
        alarms += bool(found)
    assert alarms <= 1


@pytest.mark.parametrize("period", [3.5, 8.0, 15.0])
def test_circling_losses_are_named(period: float) -> None:
    for seed in range(4):
        turns = 1.0 + 0.6 * np.sin(2 * np.pi * np.arange(150) / period + seed)
        _, named = watched({"d_loss": value} for value in turns + 0.1 * np.random.RandomState(seed).randn(150))
        assert named == {"losses circle"}


def test_a_small_ripple_does_no_harm() -> None:
    _, named = watched({"d_loss": 1.0 + 0.05 * math.sin(step)} for step in range(150))
    assert named == set()


@pytest.mark.parametrize("left", [0.6, 0.4, 0.1])
def test_samples_that_grow_alike_are_named(left: float) -> None:
    """Images about one of them, their variance falling to a share of what it was."""
    rng, health, found = torch.Generator().manual_seed(0), gm.TrainingHealth(), ()
    center = torch.rand(1, 1, 16, 16, generator=rng)
    for step in range(20):
        share = 1.0 if step < 10 else left
        images = center + math.sqrt(share) * torch.rand(64, 1, 16, 16, generator=rng)
        found = health.log(step, d_loss=1.2, d_accuracy=0.7, samples=images)
    assert (
        verdicts(found) == {0.6: {}, 0.4: {"samples grow alike": "some"}, 0.1: {"samples grow alike": "severe"}}[left]
    )
    assert all(finding.advice for finding in found)


def test_numbers_that_are_none_are_named_at_once() -> None:
    health = gm.TrainingHealth()
    assert health.log(0, d_loss=1.0) == ()
    (found,) = health.log(10, d_loss=math.nan, g_loss=math.inf)
    assert (found.name, found.verdict) == ("numbers diverge", "severe")
    assert "d_loss since step 10, g_loss since step 10" in found.sentence
    assert health.log(20, d_loss=1.0)[0].name == "numbers diverge"  # what was lost stays lost


def test_exploding_losses_are_named() -> None:
    _, named = watched({"d_loss": 1.0 if step < 30 else 1e5, "g_loss": 1.0} for step in range(45))
    assert named == {"numbers diverge"}


def test_a_wasserstein_loss_near_zero_is_no_win() -> None:
    _, named = watched({"d_loss": -0.5 * 0.9**step, "g_loss": 0.1, "d_accuracy": 1.0} for step in range(60))
    assert named == set()


def test_a_discriminator_that_is_right_but_unsure_still_teaches() -> None:
    _, named = watched({"d_loss": 0.3, "d_accuracy": 1.0, "g_grad_norm": 5.0} for _ in range(30))
    assert named == set()


def test_a_short_log_is_not_judged() -> None:
    health, named = watched({"d_loss": 1e-6, "d_accuracy": 1.0, "g_grad_norm": 1e-9} for _ in range(5))
    assert named == set()
    assert all(finding.verdict == "cannot tell" for finding in health.findings())


@pytest.mark.parametrize(
    ("entry", "match"),
    [
        ({"step": 0}, "step 0 comes after step 5"),
        ({"step": 9, "d_accuracy": 97.0}, "expected 0..1"),
        ({"step": 9, "samples": torch.rand(3, 8, 8)}, "expected"),
        ({"step": 9, "samples": torch.rand(1, 3, 8, 8)}, "N at least 2"),
    ],
)
def test_wrong_entries_are_refused(entry: dict[str, object], match: str) -> None:
    health = gm.TrainingHealth()
    health.log(5, d_loss=1.0)
    with pytest.raises(gm.InputError, match=match):
        health.log(**entry)


def test_findings_print_and_are_data() -> None:
    health, _ = watched(iter(curve("dcgan-overpowered")))
    worst = next(finding for finding in health.findings() if finding.name == "discriminator wins")
    text = str(worst)
    assert text.startswith("severe  discriminator wins: the discriminator tells all real images")
    assert "try: lower the discriminator's learning rate" in text
    assert worst.to_dict()["evidence"][0]["name"] == "loss of the discriminator"


def test_samples_of_any_kind_are_taken() -> None:
    values = np.random.RandomState(0).randint(0, 256, (4, 3, 5, 7))
    found = []
    for samples in (values.astype(np.uint8), values.tolist(), torch.from_numpy(values), values.astype(np.float32)):
        health = gm.TrainingHealth()
        health.log(0, samples=samples)
        found.append(health.entries[0].diversity)
    assert len(set(found)) == 1


@pytest.mark.parametrize("value", [0.0, 0.5, 1.0, 1.386294, 1.3862943611198906, 2.0, 27.63, 50.0, 0.1, -0.01, 1e-30])
def test_a_loss_that_stands_still_is_judged_without_an_error(value: float) -> None:
    for begin in (0, 30):
        rng = np.random.RandomState(0)
        _, named = watched({"d_loss": 1.1 + 0.1 * rng.rand() if i < begin else value, "g_loss": 1.0} for i in range(90))
        assert "losses circle" not in named


def healthy(kind: str, i: int, rng: np.random.RandomState) -> dict[str, float]:
    """An entry of a training that goes well."""
    falling = {"g_loss": 0.02 + 0.97 * math.exp(-i / 30), "g_grad_norm": 0.03 + 5 * math.exp(-i / 20)}
    if kind == "least squares":
        return {"d_loss": 0.04 + 0.005 * rng.rand(), "g_loss": 0.3 + 0.05 * rng.randn(), "g_grad_norm": 1 + rng.rand()}
    if kind == "diffusion":
        return {**falling, "g_grad_norm": falling["g_grad_norm"] + 0.01 * rng.rand()}
    if kind == "diffusion as d_loss":
        return {"d_loss": falling["g_loss"], "g_grad_norm": falling["g_grad_norm"]}
    if kind == "autoencoder":
        falling = {name: 400 * value for name, value in falling.items()}
        return {"g_loss": 100 + falling["g_loss"] + rng.randn(), "g_grad_norm": 20 + falling["g_grad_norm"]}
    if kind == "hinge":
        return {"d_loss": abs(1.2 + 0.2 * rng.randn()), "g_loss": 0.3 * rng.randn(), "g_grad_norm": 1 + rng.rand()}
    if kind == "clipped critic":
        size = 1e-5 * math.exp(min(i, 60) / 8)
        return {"d_loss": -size * (1 + 0.1 * rng.randn()), "g_loss": size * rng.randn(), "g_grad_norm": 10 * size}
    if kind == "equilibrium":
        sizes = {"d_loss": 1.386, "g_loss": 0.693, "d_accuracy": 0.5}
        noisy = {name: size + 0.01 * rng.randn() for name, size in sizes.items()}
        return {**noisy, "g_grad_norm": 0.02 + math.exp(-i / 20)}
    return {"d_loss": 1.1 + 0.1 * rng.randn() + 30 * (i % 17 == 9), "g_grad_norm": 50.0 if i % 23 == 7 else 1.0}


@pytest.mark.parametrize(
    "kind",
    [
        "least squares", "diffusion", "diffusion as d_loss", "autoencoder", "hinge", "clipped critic", "equilibrium",
        "outliers",
    ],
)  # fmt: skip
def test_healthy_trainings_of_every_family_are_not_accused(kind: str) -> None:
    rng = np.random.RandomState(1)
    _, named = watched(healthy(kind, i, rng) for i in range(120))
    assert named == set()


@pytest.mark.parametrize("shape", ["sine", "sawtooth", "critic", "generator alone"])
@pytest.mark.parametrize(("first", "last"), [(10, 20), (20, 10), (6, 15)])
def test_losses_that_circle_with_a_drifting_period_are_named(shape: str, first: float, last: float) -> None:
    turns = np.cumsum(1 / np.linspace(first, last, 260))
    wave = turns % 1 - 0.5 if shape == "sawtooth" else 0.6 * np.sin(2 * np.pi * turns)
    values = wave + 0.05 * np.random.RandomState(0).randn(len(wave)) + (-1 if shape == "critic" else 1)
    health, name = gm.TrainingHealth(), "g_loss" if shape == "generator alone" else "d_loss"
    for step, value in enumerate(values[:-1]):
        health.entries.append(Entry(step, **{name: value}))
    assert [finding.name for finding in health.log(len(values), **{name: values[-1]})] == ["losses circle"]


@pytest.mark.parametrize(("named", "losses"), [(True, (1e-3, 9.0)), (False, (1e-3, 0.5)), (False, (1e-3, None))])
def test_a_small_loss_alone_is_a_win_only_where_the_generators_fits_it(
    named: bool, losses: tuple[float, float | None]
) -> None:
    """A logarithmic discriminator at 0.001 leaves the generator at 6 or more; any other loss says nothing."""
    health, found = watched({"d_loss": losses[0], "g_loss": losses[1]} for _ in range(20))
    assert found == ({"discriminator wins"} if named else set())
    assert named or "d_accuracy" in health.findings()[1].sentence


@pytest.mark.parametrize(
    ("g_loss", "sentence"),
    [(lambda i: 2.0 + 0.01 * i, "no direction"), (lambda i: 2.0 * 0.98**i, "has fallen with it"), (None, "would tell")],
)
def test_a_gradient_vanishes_only_where_the_loss_has_not_fallen(g_loss: Any, sentence: str) -> None:
    health, named = watched(
        {"g_loss": g_loss(i) if g_loss else None, "g_grad_norm": 1e-3 + math.exp(-i / 10)} for i in range(80)
    )
    assert sentence in health.findings()[2].sentence
    assert (named == {"gradient vanishes"}) is (sentence == "no direction")


@pytest.mark.parametrize(
    "explosion",
    [lambda i: 1.0 if i < 1 else 1e6, lambda i: min(10.0**i, 1e9), lambda i: math.exp(i / 10), lambda i: 1e13],
)
def test_an_explosion_from_the_first_steps_is_still_named_at_the_end(explosion: Any) -> None:
    for sign in (1, -1):
        health, _ = watched({"d_loss": sign * explosion(i), "g_loss": 1.0} for i in range(120))
        assert health.findings()[0].is_fault


@pytest.mark.parametrize(("left", "is_named"), [(10, False), (3, True), (1, True)])
@pytest.mark.parametrize("noise", [0.02, 0.1])
def test_modes_that_are_lost_are_named(left: int, is_named: bool, noise: float) -> None:
    """Ten pictures with noise, of which three or one are left in the second half, at about the same spread."""
    rng = torch.Generator().manual_seed(0)
    pictures, health, found = torch.rand(10, 1, 16, 16, generator=rng), gm.TrainingHealth(), ()
    for step in range(24):
        chosen = torch.randint(10 if step < 12 else left, (64,), generator=rng)
        found = health.log(step, samples=pictures[chosen] + noise * torch.randn(64, 1, 16, 16, generator=rng))
    assert bool(found) is is_named
    assert all(finding.name == "samples grow alike" for finding in found)


def test_samples_that_are_copies_from_the_first_on_are_named() -> None:
    _, named = watched({"samples": np.ones((8, 1, 4, 4))} for _ in range(16))
    assert named == {"samples grow alike"}


def test_the_noise_of_an_untrained_critic_is_no_variety() -> None:
    """A spread that a training's first entries alone had, as clipped critics cause it, is not what was lost."""
    rng = torch.Generator().manual_seed(0)
    spreads = [0.3, 1.2, 0.9, *[0.5] * 30]
    _, named = watched({"samples": size * torch.rand(64, 1, 16, 16, generator=rng)} for size in spreads)
    assert named == set()


def test_numbers_that_rounding_or_a_divergence_made_odd_end_no_training() -> None:
    health = gm.TrainingHealth()
    health.log(0, d_accuracy=1.0000001, samples=torch.full((4, 1, 4, 4), math.nan))
    (found,) = health.log(1, d_accuracy=math.nan, d_loss=1e308)
    assert found.sentence == "not finite: samples since step 0, d_accuracy since step 1"


@pytest.mark.parametrize("name", ["d_loss", "g_loss", "g_grad_norm"])
def test_a_number_that_is_finite_again_is_not_broken_since(name: str) -> None:
    """A scaler of mixed precision starts with gradients that overflow; a loss is named while the step is recent."""
    sound = {"d_loss": 1.2, "g_loss": 1.0, "g_grad_norm": 0.5, "d_accuracy": 0.65}
    health, said = gm.TrainingHealth(), []
    for step in range(200):
        odd = {name: math.inf} if step in (100, 101) else {}
        said.append([one.sentence for one in health.log(step, **{**sound, **odd}) if one.name == "numbers diverge"])
    assert said[99] == said[199] == []
    if name == "g_grad_norm":
        assert not any(said)
    else:
        assert said[101] == [f"not finite: {name} since step 100"]
        assert said[110] == [f"not finite: {name} at 2 steps, the last of them 101, and finite since"]


def test_gradients_that_stay_infinite_are_named() -> None:
    health = gm.TrainingHealth()
    for step in range(40):
        found = health.log(step, d_loss=1.2, g_loss=1.0, g_grad_norm=math.nan)
    assert [one.sentence for one in found] == ["not finite: g_grad_norm since step 0"]
