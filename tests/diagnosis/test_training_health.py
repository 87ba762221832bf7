"""The health of trainings: every bundled generator's own log, planted faults, noise that is no fault."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import pytest
import torch

import ganmetrics as gm
from ganmetrics.diagnosis import Finding

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
        for step, value in enumerate(noise(seed, memory=memory)):
            found = health.log(step, d_loss=abs(value), g_loss=1.0, g_grad_norm=1.0 + 0.1 * abs(value), d_accuracy=0.7)
        alarms += bool(found)
    assert alarms <= 1


@pytest.mark.parametrize("period", [3.5, 8.0, 15.0])
def test_circling_losses_are_named(period: float) -> None:
    for seed in range(20):
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
    assert all(finding.sentence.startswith("not judged") for finding in health.findings()[1:])


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
    assert text.startswith("severe  discriminator wins: it tells all reals")
    assert "try: lower the discriminator's learning rate" in text
    assert worst.to_dict()["evidence"][0]["name"] == "its loss"


def test_samples_of_any_kind_are_taken() -> None:
    values = np.random.RandomState(0).randint(0, 256, (4, 3, 5, 7))
    found = []
    for samples in (values.astype(np.uint8), values.tolist(), torch.from_numpy(values), values.astype(np.float32)):
        health = gm.TrainingHealth()
        health.log(0, samples=samples)
        found.append(health.entries[0].diversity)
    assert len(set(found)) == 1
