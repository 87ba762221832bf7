"""Protocols: what they choose, beside each other and through the command; test_peers.py has the packages."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from commands import Run

import ganmetrics as gm
from ganmetrics.extractors.resize import INPUTS
from ganmetrics.metrics import METRICS
from ganmetrics.protocols import PROTOCOLS

Array = np.ndarray[Any, np.dtype[np.float64]]
Measured = dict[str, list[gm.Statistics]]

Kernel = Callable[[Array], Array]
COUNT = 2  # images of a set, which each meet a network of 299 pixels


def triangle(x: Array) -> Array:
    return np.maximum(1 - abs(x), 0)


def keys_cubic(x: Array) -> Array:
    """Of Keys 1981 with a = -1/2."""
    x = abs(x)
    near, far = 1.5 * x**3 - 2.5 * x**2 + 1, -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2
    return np.where(x < 1, near, np.where(x < 2, far, 0))


def filtered_impulse(kernel: Kernel, scale: int, at: int) -> Array:
    """A pixel of 255 at (at, at), shrunk so many times to 299 pixels by a filter as much wider: [299, 299]."""
    centres, sources = scale * (np.arange(299) + 0.5) - 0.5, np.arange(299 * scale)
    weights = kernel((sources - centres[:, None]) / scale)
    weights /= weights.sum(axis=1, keepdims=True)
    return np.clip(255 * np.outer(weights[:, at], weights[:, at]), 0, 255)


@pytest.mark.parametrize(("rule", "kernel"), [("clean-bicubic", keys_cubic), ("torchmetrics-antialias", triangle)])
def test_an_impulse_comes_out_as_the_filter(rule: str, kernel: Kernel) -> None:
    """Clean-FID's own test: what shrinking makes of one white pixel."""
    found = INPUTS[rule](impulse(), 299)[0, 0].double() * 128 + 128
    assert float((found - torch.from_numpy(filtered_impulse(kernel, 4, 602))).abs().max()) <= 2e-5


def impulse() -> torch.Tensor:
    x = torch.zeros(1, 3, 1196, 1196, dtype=torch.uint8)
    x[..., 602, 602] = 255
    return x


def test_an_impulse_is_lost_or_aliased_without_a_filter() -> None:
    """TensorFlow 1's corners at 600 and 604 miss it; the centre 601.5 of pytorch-fid lies between two pixels."""
    assert float(INPUTS["tf1-bilinear"](impulse(), 299).max()) == -1
    found = (INPUTS["pytorch-fid-bilinear"](impulse(), 299)[0, 0] + 1) / 2
    assert float(found[150, 150]) == pytest.approx(0.25)
    assert float(found.sum()) == pytest.approx(0.25)  # 4 times the 1/16 that a filter keeps


@pytest.fixture(scope="module")
def sets() -> list[torch.Tensor]:
    """``COUNT`` images of 40 x 32 pixels on each side."""
    rng = np.random.default_rng(0)
    return [torch.from_numpy(rng.integers(0, top, (COUNT, 3, 40, 32), dtype=np.uint8)) for top in (200, 256)]


@pytest.fixture(scope="module")
def measured(sets: list[torch.Tensor], synthetic_weights: Path) -> Measured:
    """The statistics of both sets under every resize."""
    networks = {rule: gm.load_extractor(f"inception@{rule}", weights=synthetic_weights) for rule in INPUTS}
    return {rule: [gm.measure(x, extractor=networks[rule], device="cpu") for x in sets] for rule in INPUTS}


@pytest.fixture(scope="module")
def scores(measured: Measured) -> dict[str, gm.Score]:
    """FID by every protocol."""
    sides = {name: measured[PROTOCOLS[name].resize] for name in PROTOCOLS.names()}
    return {name: gm.evaluate(*sides[name], metrics="fid", protocol=name, ci="off")["fid"] for name in sides}


def test_the_tf1_protocols_differ_by_the_denominator_alone(measured: Measured, scores: dict[str, gm.Score]) -> None:
    (mu_r, sigma_r), (mu_f, sigma_f) = [
        (side.moments.mean, side.moments.scatter / side.count) for side in measured["tf1-bilinear"] if side.moments
    ]
    found, plain, adm = (scores[name] for name in ("stylegan3", "torch-fidelity", "adm"))
    assert found.value == pytest.approx(gm.functional.frechet_distance(mu_r, sigma_r, mu_f, sigma_f), rel=1e-6)
    assert found.signature.metric == "fid(denominator=n)"
    assert (plain.signature.metric, plain.value, plain.signature) == ("fid", adm.value, adm.signature)
    means = float((mu_r - mu_f).square().sum())
    assert found.value - means == pytest.approx((plain.value - means) * (COUNT - 1) / COUNT, rel=1e-6)


def test_no_two_resizes_agree(scores: dict[str, gm.Score]) -> None:
    found = {name: score.value for name, score in scores.items()}
    assert found["dgm-eval"] == found["pytorch-fid"]
    others = ("torch-fidelity", "pytorch-fid", "clean-fid", "torchmetrics-1.8")
    for a, b in itertools.combinations(others, 2):
        assert found[a] != pytest.approx(found[b], rel=1e-4), (a, b)


def test_every_resize_is_some_protocols() -> None:
    assert {record.resize for record in PROTOCOLS.records().values()} == set(INPUTS)


@pytest.mark.parametrize("name", PROTOCOLS.names())
def test_every_protocol_scores_and_says_why(name: str, scores: dict[str, gm.Score]) -> None:
    record = PROTOCOLS[name]
    assert record.why
    assert record.proven
    assert record.source.startswith("https://")
    for each, options in record.options.items():
        assert METRICS[each].configured(options).settings != METRICS[each].settings
    for each, text in record.differs.items():
        assert METRICS[each].name == each
        assert text
    found = scores[name]
    assert found.value > 0
    assert found.signature.resize == record.resize


@pytest.mark.slow
def test_saved_statistics_remember_their_resize(
    sets: list[torch.Tensor],
    measured: Measured,
    scores: dict[str, gm.Score],
    synthetic_weights: Path,
    tmp_path: Path,
) -> None:
    gm.save_statistics(measured["clean-bicubic"][0], tmp_path / "real.npz")
    found = gm.evaluate(str(tmp_path / "real.npz"), sets[1], metrics="fid", weights=synthetic_weights, ci="off")["fid"]
    assert found.value == pytest.approx(scores["clean-fid"].value, rel=1e-6)
    with pytest.raises(gm.StatisticsError, match="resize: clean-bicubic / tf1-bilinear"):
        gm.evaluate(str(tmp_path / "real.npz"), sets[1], extractor="inception", weights=synthetic_weights)


FAULTS: list[tuple[dict[str, Any], str]] = [
    ({"protocol": "cleanfid"}, "Did you mean 'clean-fid'"),
    ({"protocol": "clean-fid", "extractor": "digits"}, "goes with the extractor inception"),
    ({"extractor": "inception@bicubic"}, "unknown resize"),
    ({"extractor": "digits@clean-bicubic"}, "and no other"),
]


@pytest.mark.parametrize(("options", "said"), FAULTS)
def test_what_does_not_go_together_is_refused(
    options: dict[str, Any], said: str, sets: list[torch.Tensor], synthetic_weights: Path
) -> None:
    own = {"weights": synthetic_weights} if "digits" not in str(options) else {}
    with pytest.raises(gm.UsageError, match=said):
        gm.evaluate(*sets, metrics="fid", **options, **own)


def test_the_command_takes_a_protocol(
    run: Run, sets: list[torch.Tensor], synthetic_weights: Path, tmp_path: Path
) -> None:
    for name, x in zip(("real", "fake"), sets, strict=True):
        np.savez(tmp_path / f"{name}.npz", images=x.permute(0, 2, 3, 1).numpy())
    options = ("--weights", synthetic_weights, "--protocol", "clean-fid", "--json", "-", "--quiet", "--ci", "off")
    done = run("fid", tmp_path / "real.npz", tmp_path / "fake.npz", *options)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["scores"]["fid"]["signature"].split("|")[2] == "clean-bicubic"
    listed = run("list", "protocols").stdout.splitlines()
    end = listed.index("")
    assert [line.split()[0] for line in listed[1:end]] == PROTOCOLS.names()
    assert any(line.startswith("torchmetrics-1.8: is: ") for line in listed[end:])


def test_what_no_protocol_changes_is_warned_of(sets: list[torch.Tensor], synthetic_weights: Path) -> None:
    options = {"weights": synthetic_weights, "protocol": "torchmetrics-1.8", "ci": "off"}
    found = gm.evaluate(*sets, metrics=["fid", "is(splits=2)"], **options)
    assert [text for text in found.warnings if "torchmetrics" in text] == [
        f"is is not torchmetrics-1.8's: {PROTOCOLS['torchmetrics-1.8'].differs['is']}"
    ]


@pytest.mark.slow
def test_every_protocol_at_once_is_each_alone(
    sets: list[torch.Tensor], scores: dict[str, gm.Score], synthetic_weights: Path
) -> None:
    table = gm.every_protocol(*sets, weights=synthetic_weights)
    assert list(table.scores) == PROTOCOLS.names()
    for name, found in table.scores.items():
        alone = scores[name]
        assert found.value == pytest.approx(alone.value, rel=1e-5)
        assert found.signature == alone.signature
        assert found.interval is not None
    assert "clean-fid" in str(table)
    assert json.loads(table.to_json())["protocols"]["adm"]["why"] == PROTOCOLS["adm"].why
    with pytest.raises(gm.UsageError, match="one resize"):
        gm.every_protocol("mnist-test", sets[1], weights=synthetic_weights)


@pytest.mark.slow
def test_the_command_prints_the_table(
    run: Run, sets: list[torch.Tensor], synthetic_weights: Path, tmp_path: Path
) -> None:
    for name, x in zip(("real", "fake"), sets, strict=True):
        np.savez(tmp_path / f"{name}.npz", images=x.permute(0, 2, 3, 1).numpy())
    files = (tmp_path / "real.npz", tmp_path / "fake.npz")
    done = run("fid", *files, "--weights", synthetic_weights, "--protocol", "all", "--quiet")
    assert done.returncode == 0, done.stderr
    assert [line.split()[0] for line in done.stdout.splitlines()[1:]] == PROTOCOLS.names()
    refused = run("fid", *files, "--protocol", "all", "--extractor", "digits", "--quiet")
    assert (refused.returncode, refused.stdout) == (2, "")
