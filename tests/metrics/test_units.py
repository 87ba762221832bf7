"""What the unit of the features does to every metric: nothing, a power of it, or what its definition says."""

from __future__ import annotations

import inspect
import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch

import ganmetrics as gm
from ganmetrics import functional as F
from ganmetrics.errors import InputError
from ganmetrics.metrics import METRICS, Estimate
from ganmetrics.numerics.moments import Moments

UNITS = [1e-100, 1e-22, 0.1, 1e19, 1e100]
COUNT = 60
FEW = {"kid": {"subset_size": 30}, "is": {"splits": 3}, "ndb": {"num_bins": 6}, "ct": {"num_cells": 2}}
FEW |= {"prd": {"num_runs": 2, "num_clusters": 5}, "c2st": {"folds": 2}, "fid_infinity": {"num_points": 3}}

# The power of the unit that each number of the catalogue takes, or None where another test here says what it is.
DEGREES = {
    "alpha_precision": 0, "beta_recall": 0, "authenticity": 0, "birthday": 0, "c2st": 0, "cmmd": 0, "ct": 0,
    "density": 0, "coverage": 0, "fld": 0, "fld_gap": 0, "modes": 0, "modes_kl": 0, "ndb": 0, "ndb_jsd": 0,
    "prd_f8": 0, "prd_f1_8": 0, "prdc_precision": 0, "prdc_recall": 0, "prdc_density": 0, "prdc_coverage": 0,
    "precision": 0, "recall": 0, "realism": 0, "vendi": 0,
    "rarity": 1,
    "class_fid": 2, "fid": 2, "fid_infinity": 2, "lpips_diversity": 2, "mifid": 2, "sfid": 2,
    "is": None,  # a softmax of its logits
    "kid": None,  # the 1 in its kernel is of no unit
    "ms_ssim_diversity": None,  # of images of 8 bits, which have one unit
}  # fmt: skip

# The functions beside the catalogue's: of an array in some unit, and the power of it that the numbers take.
OTHERS = {
    "c2st_test": (lambda x, y: F.c2st_test(x, y, folds=2), 0),
    "class_fids": (lambda x, y: list(F.class_fids(x, np.arange(COUNT) % 2, y, np.arange(COUNT) % 2).values()), 2),
    "content_distance": (lambda x, y: F.content_distance(maps(x), maps(y)), 2),
    "frechet_distance": (lambda x, y: F.frechet_distance(x[0], np.cov(x.T), y[0], np.cov(y.T)), 2),
    "gram_matrix": (lambda x, y: F.gram_matrix(torch_maps(x)).numpy(), 2),
    "mixture_modes": (lambda x, y: F.mixture_modes(x, y[:3], float(np.abs(y[3:4]).max())), 0),
    "nearest_neighbors": (lambda x, y: F.nearest_neighbors(x, y).distances.numpy(), 1),
    "path_length": (lambda x, y: F.path_length(x, y).value, 2),
    "prd_curve": (lambda x, y: F.prd_curve(x, y, num_clusters=5, num_runs=2).recall.numpy(), 0),
    "rarity_scores": (lambda x, y: F.rarity_scores(x, y).numpy(), 1),
    "realism_scores": (lambda x, y: F.realism_scores(x, y).numpy(), 0),
    "style_distance": (lambda x, y: F.style_distance({"layer": maps(x)}, {"layer": maps(y)}), 4),
    "total_variation": (lambda x, y: F.total_variation(torch_maps(x)).numpy(), 1),
}
# Of words, classes, likelihoods and similarities.
UNITLESS = {"distinct_n", "self_bleu", "sequence_nll", "stacked_modes", "vendi_of_kernel"}


def maps(x: np.ndarray) -> np.ndarray:
    return x[:, :6].reshape(COUNT, 1, 2, 3)


def torch_maps(x: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(maps(x))


def smooth(seed: int) -> np.ndarray:
    return np.random.RandomState(seed).randn(COUNT, 6) + 0.3 * seed


def tied(seed: int) -> np.ndarray:
    """Of few values, whose distances are often equal; in units such as 0.1 they are so but for rounding."""
    return np.random.RandomState(seed).randint(-3, 4, (COUNT, 6)).astype(float)


def parts(name: str, draw, unit: float, **options) -> dict[str, float]:
    """Each number of a metric of the catalogue for features in some unit."""
    record = METRICS[name]
    function = next(
        f
        for f in (getattr(F, name) for name in F.__all__)
        if inspect.isfunction(f) and f.__module__ == record.function.__module__
    )
    names = [p.name for p in inspect.signature(function).parameters.values() if p.kind is not p.KEYWORD_ONLY]
    sides = list(dict.fromkeys(each.split("_")[0] for each in names))
    given = [
        np.arange(COUNT) % 3 if each.endswith("labels") else draw(sides.index(each.split("_")[0])) * unit
        for each in names
    ]
    found = function(*given, **{**FEW.get(name, {}), **options})
    found = found._asdict() if len(record.parts) > 1 else {record.parts[0].name: found}
    values = {part.name: found[part.name] for part in record.parts}
    return {key: float(x.value if isinstance(x, Estimate) else x) for key, x in values.items()}


def test_no_metric_and_no_function_is_forgotten() -> None:
    assert set(DEGREES) == {part.name for record in METRICS.records().values() for part in record.parts}
    modules = {record.function.__module__ for record in METRICS.records().values()}
    functions = {name for name in F.__all__ if inspect.isfunction(getattr(F, name))}
    firsts = {}
    for name in F.__all__:
        if name in functions and getattr(F, name).__module__ in modules:
            firsts.setdefault(getattr(F, name).__module__, name)
    assert len(firsts) == len(modules)
    assert set(OTHERS) | UNITLESS == functions - set(firsts.values())


SCALED = [name for name, record in METRICS.records().items() if DEGREES[record.parts[0].name] is not None]


@pytest.mark.parametrize("draw", [smooth, tied])
@pytest.mark.parametrize("name", SCALED)
def test_a_metric_takes_a_power_of_the_unit(name: str, draw) -> None:
    expected = parts(name, draw, 1.0)
    for unit in UNITS:
        found = parts(name, draw, unit)
        for part, value in found.items():
            rel = 1e-4 if name == "fld" else 1e-7
            assert value / unit ** DEGREES[part] == pytest.approx(expected[part], rel=rel, abs=1e-12), (part, unit)


@pytest.mark.parametrize("name", ["fid", "sfid"])
def test_a_metric_of_moments_takes_a_power_of_the_unit(name: str) -> None:
    def value(unit: float) -> float:
        sides = [Moments.of(torch.from_numpy(smooth(seed) * unit)) for seed in range(2)]
        sides = [SimpleNamespace(moments=x, spatial_moments=x) for x in sides]
        return METRICS[name].estimates(*sides)[name].value

    for unit in UNITS:
        assert value(unit) / unit**2 == pytest.approx(value(1.0), rel=1e-9)


@pytest.mark.parametrize("name", OTHERS)
def test_a_function_takes_a_power_of_the_unit(name: str) -> None:
    function, degree = OTHERS[name]
    for draw in (smooth, tied):
        expected = np.asarray(function(draw(0), draw(1)))
        for unit in UNITS:
            if degree == 4 and not 1e-70 < unit < 1e70:
                with pytest.raises(InputError, match="whose fourth powers float64 does not hold"):
                    function(draw(0) * unit, draw(1) * unit)
                continue
            found = np.asarray(function(draw(0) * unit, draw(1) * unit)) / unit**degree
            np.testing.assert_allclose(found, expected, rtol=1e-7, atol=1e-12, err_msg=f"{name} in {unit}")


@pytest.mark.parametrize("unit", UNITS)
def test_kid_keeps_its_digits_in_small_units_and_refuses_those_that_overflow(unit: float) -> None:
    if unit > 1e25:
        with pytest.raises(InputError, match="overflow in the third power"):
            parts("kid", smooth, unit)
        return
    found = parts("kid", smooth, unit)["kid"]
    assert math.isfinite(found)
    if unit < 1e-8:  # the kernel is 3 x·y / D + 1 there
        linear = parts("kid", smooth, 1e-20)["kid"] / 1e-40
        assert found / unit**2 == pytest.approx(linear, rel=1e-6)
    if unit > 1e8:  # and (x·y / D)³ there
        cubic = parts("kid", smooth, 1e20)["kid"] / 1e120
        assert found / unit**6 == pytest.approx(cubic, rel=1e-6)


def test_the_inception_score_of_any_logits_is_in_its_range() -> None:
    for unit in UNITS:
        assert 1 <= parts("is", smooth, unit)["is"] <= 6
    assert parts("is", smooth, 1e-100)["is"] == 1.0
    assert parts("is", smooth, 1e100)["is"] == pytest.approx(parts("is", smooth, 1e19)["is"], rel=1e-12)


@pytest.mark.parametrize("unit", [1e-160, 1e154])
@pytest.mark.parametrize("name", sorted({"fid", "prdc", "lpips_diversity", "kid", "c2st", "fld"}))
def test_what_float64_holds_no_squares_of_is_refused(name: str, unit: float) -> None:
    with pytest.raises(InputError, match=r"whose squares float64 does not hold") as caught:
        parts(name, smooth, unit)
    assert caught.value.code == "E-RANGE"


@pytest.mark.parametrize("name", ["precision_recall", "realism", "birthday", "fid"])
def test_features_that_are_all_zero_are_scored(name: str) -> None:
    assert all(not math.isnan(value) for value in parts(name, lambda seed: np.zeros((COUNT, 6)), 1.0).values())


@pytest.mark.parametrize("unit", [1e-100, 1e-36, 1e39])
def test_features_of_a_users_network_that_float32_does_not_hold_are_refused(unit: float) -> None:
    images = np.random.RandomState(0).randint(0, 256, (8, 3, 8, 8), dtype=np.uint8)
    with pytest.raises(InputError, match="which float32 does not hold"):
        gm.evaluate(images, images, metrics=["prdc"], extractor=lambda x: x.flatten(1).double() * unit, ci="off")


# Of directions from the origin, or of logits: these depend on where the origin lies, by their definitions.
FROM_THE_ORIGIN = {"cmmd", "is", "kid", "mifid", "modes", "ms_ssim_diversity", "vendi"}


@pytest.mark.parametrize("name", sorted(set(METRICS.records()) - FROM_THE_ORIGIN))
def test_a_metric_of_distances_does_not_depend_on_the_origin(name: str) -> None:
    def from_there(origin: float):
        return lambda seed: np.hstack([smooth(seed), np.full((COUNT, 1), origin)])

    expected = parts(name, from_there(0.0), 1.0)
    for origin in (1e5, 1e9):
        assert parts(name, from_there(origin), 1.0) == pytest.approx(expected, rel=1e-6, abs=1e-9), origin


OF_NEIGHBOURS = ["birthday", "ct", "density_coverage", "fld", "precision_recall", "prdc", "rarity", "realism"]


@pytest.mark.parametrize("name", OF_NEIGHBOURS)
def test_a_row_that_is_too_far_away_is_named(name: str) -> None:
    """Its distances to all others are equal but for rounding, so that every point would lie in its ball."""

    def with_row(far: float):
        return lambda seed: np.vstack([smooth(seed)[:-1], np.full((1, 6), far if seed == 1 else 0.0)])

    assert all(math.isfinite(value) for value in parts(name, with_row(1e6), 1.0).values())
    with pytest.raises(InputError, match=r"row 59 of fake_features lies .* times as far away"):
        parts(name, with_row(1e20), 1.0)
