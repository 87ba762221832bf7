"""What every metric keeps to; a new file in ``ganmetrics/metrics`` is tested here without a line being added."""

from __future__ import annotations

import inspect
import random
import re
import warnings
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from ganmetrics import functional
from ganmetrics.errors import InputError
from ganmetrics.metrics import METRICS, Estimate, metric
from ganmetrics.metrics.needs import IMAGES, NEEDS, SPREAD
from ganmetrics.numerics.moments import Moments
from ganmetrics.numerics.spread import Spread

RECORDS = METRICS.records()
COUNT, DIM = 60, 6
OF_MEMORY = {"authenticity", "ct", "fld_gap"}  # parts for which copies of the reals are the worst of fakes
SECTIONS = ["Parameters", "Returns", "Raises", "Notes", "References", "Examples"]

pytestmark = pytest.mark.parametrize("record", RECORDS.values(), ids=RECORDS)


def public(record):
    """The function of ``ganmetrics.functional`` that lives in the metric's own file."""
    functions = [getattr(functional, name) for name in functional.__all__]
    return next(f for f in functions if inspect.isfunction(f) and f.__module__ == record.function.__module__)


def positional(record):
    return [p.name for p in inspect.signature(public(record)).parameters.values() if p.kind is not p.KEYWORD_ONLY]


def drawn(seed, dtype=np.float32, shift=0.0):
    return (np.random.RandomState(seed).randn(COUNT, DIM) + shift).astype(np.float32).astype(dtype)


def rows(name, seed, dtype=np.float32, shift=0.0):
    """What an argument of that name takes: three classes in turn, images, or rows of numbers."""
    if name.endswith("images"):
        return np.random.RandomState(seed).randint(0, 256, (COUNT, 3, 24, 24), dtype=np.uint8)
    return np.arange(COUNT) % 3 if name.endswith("labels") else drawn(seed, dtype, shift)


def arguments(record, dtype=np.float32):
    """Each set with a seed of its own."""
    sides = list(dict.fromkeys(name.split("_")[0] for name in positional(record)))
    return [rows(name, sides.index(name.split("_")[0]), dtype) for name in positional(record)]


def matrices(record):
    """The positions of the arguments that are rows of numbers."""
    return [i for i, name in enumerate(positional(record)) if not name.endswith(("labels", "images"))]


def small(record):
    """Options with which ``COUNT`` images are enough."""
    return ({record.minimum: 5} if record.minimum else {}) | ({"scales": 2} if "scales" in record.defaults else {})


def values(record, *sides, **options):
    """Each part's value, by its name."""
    result = public(record)(*sides, **{**small(record), **options})
    found = result._asdict() if len(record.parts) > 1 else {record.parts[0].name: result}
    parts = {part.name: found[part.name] for part in record.parts}
    return {name: x.value if isinstance(x, Estimate) else x for name, x in parts.items()}


def test_the_record_is_complete(record):
    assert re.fullmatch(r"[a-z][a-z0-9_]*", record.name)
    assert len({part.name for part in record.parts}) == len(record.parts) >= 1
    assert len(record.parts) > 1 or record.parts[0].name == record.name
    for part in record.parts:
        assert re.fullmatch(r"[a-z][a-z0-9_]*", part.name)
        assert part.title.strip()
        assert part.best.strip()
        assert part.higher_is_better in {True, False}
    assert re.search(r"\b(19|20)\d\d\b", record.paper)
    assert record.reads
    assert set(record.reads) <= set(NEEDS.values())
    assert record.needs_real in {True, False}
    assert record.minimum in {"", *record.defaults}
    assert record.least_count >= 2


def test_options_are_keywords_with_typed_defaults(record):
    for name, default in record.defaults.items():
        assert type(default) in (int, float, str), name
        annotation = inspect.signature(record.function).parameters[name].annotation
        assert annotation in (type(default), type(default).__name__), name
    for function in (record.function, public(record)):
        kinds = {p.kind for p in inspect.signature(function).parameters.values()}
        assert not kinds & {inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL}


def test_the_public_function_has_the_same_options(record):
    parameters = inspect.signature(public(record)).parameters.values()
    assert {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY} == record.defaults


def outcome(record, *sides, **options):
    """The result, or the refusal, whose sentence has the option."""
    try:
        return str(public(record)(*sides, **options))
    except InputError as error:
        return str(error)


def test_what_is_left_out_has_the_declared_default(record):
    """Not only in the signature: a function that hands its options on may hand on another number."""
    sides, few = arguments(record), small(record) | ({"num_runs": 1} if "num_runs" in record.defaults else {})
    for name, default in record.defaults.items():
        others = {key: value for key, value in few.items() if key != name}
        assert outcome(record, *sides, **others) == outcome(record, *sides, **others, **{name: default})


def test_real_comes_before_fake(record):
    for function in (record.function, public(record)):
        parameters = inspect.signature(function).parameters.values()
        names = [p.name for p in parameters if p.kind is not p.KEYWORD_ONLY]
        sides = ["real"] * record.needs_real + ["fake"] + ["test"] * record.needs_test
        if sides == ["fake"]:
            assert not any("real" in name for name in names)
        else:
            assert [name.split("_")[0] for name in names] == [side for side in sides for _ in record.reads]


def test_the_docstring_is_complete(record):
    doc = inspect.getdoc(public(record))
    headings = re.findall(r"^(\w+)\n-{3,}$", doc, flags=re.MULTILINE)
    assert headings == SECTIONS
    assert ("igher is better" in doc) == any(part.higher_is_better for part in record.parts)
    assert ("ower is better" in doc) == any(not part.higher_is_better for part in record.parts)
    described = doc.split("Parameters\n")[1].split("Returns\n")[0]
    for name in inspect.signature(public(record)).parameters:
        assert re.search(rf"^([\w, ]*, )?{name}\b", described, flags=re.MULTILINE), name


def test_the_text_names_every_option_and_reads_back(record):
    assert all((f"{name}=" in str(record)) != (name in record.silent) for name in record.defaults)
    again = metric(str(record))
    assert again.settings == record.settings
    assert str(again) == str(record)
    changed = record.configured({name: default + type(default)(1) for name, default in record.defaults.items()})
    assert metric(str(changed)).settings == changed.settings
    assert metric(changed) is changed


def test_scoring_statistics_equals_the_public_function(record):
    tensors = {side: torch.from_numpy(drawn(i, shift=0.5 * i)) for i, side in enumerate(("real", "fake", "test"))}
    others = {"labels": torch.from_numpy(rows("labels", 0)), "images": torch.from_numpy(rows("images", 0))}
    sides = {
        side: SimpleNamespace(
            moments=Moments.of(x), spatial_moments=Moments.of(x), features=x, logits=x, spread=Spread.of(x), **others
        )
        for side, x in tensors.items()
    }
    used = ["real"] * record.needs_real + ["fake"] + ["test"] * record.needs_test
    read = [others.get(need.name, tensors[side]) for side in used for need in record.reads]
    found = record.configured(small(record)).estimates(*sides.values())
    assert list(found) == [part.name for part in record.parts]
    assert {name: one.value for name, one in found.items()} == pytest.approx(
        values(record, *read), rel=1e-8 if SPREAD in record.reads else 1e-9
    )
    assert bool(record.spread) == any(one.std is not None for one in found.values())


def test_the_direction_is_as_declared(record):
    """Fakes of the distribution of the reals, each its own class, against fakes that are all but one and the same."""
    good, poor = arguments(record), arguments(record)
    for index in matrices(record):
        good[index] = 5.0 * good[index]
        is_fake = "real" not in positional(record)[index] and "test" not in positional(record)[index]
        poor[index] = 1e-3 * poor[index] + 50.0 * np.arange(1, DIM + 1) if is_fake else good[index]
    if record.reads == (IMAGES,):
        poor = [np.repeat(images[:1], COUNT, axis=0) for images in good]
    better, worse = values(record, *good), values(record, *poor)
    copies = [good[0] if name == "fake_features" else side for name, side in zip(positional(record), good, strict=True)]
    copied = values(record, *copies) if record.needs_real else worse
    for part in record.parts:
        bad = copied if part.name in OF_MEMORY else worse
        difference = better[part.name] - bad[part.name]
        assert difference > 0 if part.higher_is_better else difference < 0, part.name


def test_float32_and_float64_of_the_same_values_agree(record):
    assert values(record, *arguments(record)) == values(record, *arguments(record, np.float64))


def test_arrays_tensors_and_lists_agree(record):
    arrays = arguments(record, np.float64)
    if record.reads == (IMAGES,):
        arrays = [images[:8] for images in arrays]
    expected = values(record, *arrays)
    assert values(record, *map(torch.from_numpy, arrays)) == expected
    if record.reads != (IMAGES,):  # whose dtype is the range
        assert values(record, *(x.tolist() for x in arrays)) == expected


BROKEN = {
    "NaN": (lambda x: np.where(np.arange(COUNT)[:, None] == 3, np.nan, x), "E-NOT-FINITE"),
    "infinity": (lambda x: np.where(np.arange(COUNT)[:, None] == 3, np.inf, x), "E-NOT-FINITE"),
    "one vector": (lambda x: x[0], "E-SHAPE"),
    "feature maps": (lambda x: x.reshape(COUNT, DIM, 1, 1), "E-SHAPE"),
    "a number": (lambda x: 1.0, "E-SHAPE"),
    "no rows": (lambda x: x[:0], "E-SHAPE"),
    "no columns": (lambda x: x[:, :0], "E-SHAPE"),
    "complex": (lambda x: x * 1j, "E-SHAPE"),
}


@pytest.mark.parametrize(("broken", "code"), BROKEN.values(), ids=BROKEN)
def test_what_cannot_be_scored_is_refused_by_the_name_of_the_argument(record, broken, code):
    for index in matrices(record):
        name, sides = positional(record)[index], arguments(record)
        sides[index] = broken(sides[index])
        with pytest.raises(InputError) as caught:
            values(record, *sides)
        assert (caught.value.code, caught.value.where) == (code, name)
        if code == "E-NOT-FINITE":
            assert "row 3" in caught.value.what


def test_sides_of_different_dimensions_are_refused(record):
    if not record.needs_real:
        pytest.skip("it reads one set only")
    sides, last = arguments(record), matrices(record)[-1]
    sides[last] = sides[last][:, 1:]
    with pytest.raises(InputError, match=f"{DIM} dimensions .* {DIM - 1}") as caught:
        values(record, *sides)
    assert caught.value.code == "E-SHAPE"


def test_only_the_seed_is_random(record):
    sides, results = arguments(record), []
    for state in (0, 1):
        random.seed(state)
        np.random.seed(state)
        torch.manual_seed(state)
        results.append(values(record, *sides))
    assert results[0] == results[1]
    if "seed" in record.defaults:
        assert values(record, *sides, seed=record.defaults["seed"]) == results[0]
        found = [values(record, *sides, seed=seed) for seed in range(8)]
        assert any(each != found[0] for each in found)  # a count may be the same for some
        assert record.seeded(7).settings["seed"] == 7
        assert record.configured({"seed": 5}).seeded(7).settings["seed"] == 5
    else:
        assert record.seeded(7) is record


def global_state():
    return {
        "random": random.getstate(),
        "numpy": np.random.get_state(legacy=False)["state"]["key"].tolist(),
        "numpy position": np.random.get_state(legacy=False)["state"]["pos"],
        "torch": torch.get_rng_state().tolist(),
        "filters": list(warnings.filters),
        "floating point errors": np.geterr(),
        "default dtype": torch.get_default_dtype(),
        "gradients": torch.is_grad_enabled(),
        "deterministic": torch.are_deterministic_algorithms_enabled(),
        "threads": torch.get_num_threads(),
    }


def test_nothing_global_is_touched(record):
    sides = arguments(record)
    copies, before = [x.copy() for x in sides], global_state()
    values(record, *sides)
    assert global_state() == before
    assert all(np.array_equal(x, copy) for x, copy in zip(sides, copies, strict=True))


def test_nothing_is_printed(record, capfd):
    values(record, *arguments(record))
    assert capfd.readouterr() == ("", "")
