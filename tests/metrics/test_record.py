"""Naming a metric and its options: what is understood, what is refused and how."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from ganmetrics.errors import UsageError
from ganmetrics.metrics import ALIASES, METRICS, Estimate, Metric, Part, metric
from ganmetrics.metrics.metric import parse_call, parse_option
from ganmetrics.metrics.needs import FEATURES, LOGITS

PLAIN = Metric(
    "plain",
    lambda fake, *, rate=0.5, mode="fast": 1.0,
    (Part("plain", "Plain", higher_is_better=True, best="1"),),
    ("features",),
    "A 2020",
    needs_real=False,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("fid", ("fid", {})),
        ("  fid  ", ("fid", {})),
        ("fid()", ("fid", {})),
        ("kid(subset_size=500)", ("kid", {"subset_size": 500})),
        ("kid( subset_size = 500 , seed=1 )", ("kid", {"subset_size": 500, "seed": 1})),
        ("kid(seed=1,)", ("kid", {"seed": 1})),
        ("x-y(rate=0.5,mode=fast)", ("x-y", {"rate": 0.5, "mode": "fast"})),
        ("kid(seed=-1)", ("kid", {"seed": -1})),
        ("kid(seed)", ("kid", {"seed": ""})),
    ],
)
def test_calls_are_read(text, expected):
    assert parse_call(text) == expected


@pytest.mark.parametrize(
    "text", ["", "   ", "kid(", "kid)", "kid(seed=1", "kid seed=1", "(seed=1)", "kid(seed=1) x", "a b"]
)
def test_what_is_no_call_is_refused(text):
    with pytest.raises(UsageError, match="cannot read the metric"):
        parse_call(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("5", 5),
        ("-5", -5),
        ("0.5", 0.5),
        ("1e3", 1000.0),
        ("True", "True"),
        ("'5'", "'5'"),
        ("fast", "fast"),
        ("None", "None"),
        ("[1]", "[1]"),
        ("", ""),
        ("__import__('os')", "__import__('os')"),
    ],
)
def test_options_are_numbers_where_they_read_as_one(text, expected):
    found = parse_option(text)
    assert (found, type(found)) == (expected, type(expected))


@pytest.mark.parametrize(("alias", "name"), ALIASES.items())
def test_aliases_name_metrics(alias, name):
    assert metric(alias).name == metric(name).name == name
    assert alias not in METRICS.names()


@pytest.mark.parametrize("text", ["KID(seed=1)", "Kid(seed=1)", "kid(seed=1)"])
def test_a_name_may_be_in_capitals(text):
    assert str(metric(text)) == "kid(subset_size=1000,num_subsets=100,seed=1)"


def test_an_alias_takes_options():
    assert str(metric("isc(splits=5)")) == "is(splits=5,seed=2020)"


@pytest.mark.parametrize(("text", "nearest"), [("kyd", "kid"), ("fidd", "fid"), ("zzz", "")])
def test_an_unknown_metric_is_answered_with_the_nearest(text, nearest):
    with pytest.raises(UsageError) as caught:
        metric(text)
    assert caught.value.code == "E-UNKNOWN"
    assert ("Did you mean" in caught.value.hint) == bool(nearest)
    assert caught.value.hint.startswith(f"Did you mean {nearest!r}? " if nearest else "Known: ")
    assert all(name in caught.value.hint for name in METRICS.names())


def test_an_unknown_option_is_answered_with_the_nearest():
    with pytest.raises(UsageError, match="unknown option of kid 'subset_sizes'") as caught:
        metric("kid(subset_sizes=5)")
    assert "Did you mean 'subset_size'?" in caught.value.hint


def test_a_metric_without_options_takes_none():
    with pytest.raises(UsageError, match="unknown option of fid 'seed'"):
        metric("fid(seed=1)")


@pytest.mark.parametrize("given", ["1000.0", "True", "many", "'5'", "", "None", "1e3"])
def test_an_option_of_another_type_is_refused(given):
    with pytest.raises(UsageError, match="must be of type int") as caught:
        metric(f"kid(subset_size={given})")
    assert caught.value.where == "kid.subset_size"


@pytest.mark.parametrize(
    ("options", "expected"),
    [({"rate": "1"}, "float"), ({"rate": True}, "float"), ({"rate": 10**400}, "float"), ({"mode": 2}, "str")],
)
def test_types_are_those_of_the_defaults(options, expected):
    with pytest.raises(UsageError, match=f"must be of type {expected}"):
        PLAIN.configured(options)


def test_a_whole_number_is_taken_where_a_fraction_may_be():
    assert str(PLAIN.configured({"rate": 1})) == str(PLAIN.configured({"rate": 1.0})) == "plain(rate=1.0,mode=fast)"


def test_configuring_keeps_earlier_options_and_leaves_the_metric_alone():
    once = PLAIN.configured({"rate": 0.25})
    twice = once.configured({"mode": "slow"})
    assert (str(PLAIN), str(once)) == ("plain(rate=0.5,mode=fast)", "plain(rate=0.25,mode=fast)")
    assert str(twice) == "plain(rate=0.25,mode=slow)"


@pytest.mark.parametrize(
    ("text", "least"), [("fid", 2), ("kid", 1000), ("kid(subset_size=50)", 50), ("is", 10), ("is(splits=1)", 2)]
)
def test_the_least_number_of_images_follows_from_the_options(text, least):
    assert metric(text).least_count == least


@pytest.mark.parametrize(
    ("name", "text"),
    [("fid", "fid"), ("kid", "kid(subset_size=1000,num_subsets=100,seed=2020)"), ("is", "is(splits=10,seed=2020)")],
)
def test_defaults_are_those_of_the_literature(name, text):
    """Part of every signature ever printed, so they do not change."""
    assert str(metric(name)) == text


@pytest.mark.parametrize("seed", [0, 1, 2**32 - 1])
@pytest.mark.parametrize("name", ["kid", "is"])
def test_seeds_of_numpy_are_taken(name, seed):
    assert metric(f"{name}(seed={seed})").settings["seed"] == seed
    assert metric(name).seeded(seed).settings["seed"] == seed


@pytest.mark.parametrize("seed", [-1, 2**32, 10**30])
@pytest.mark.parametrize("name", ["kid", "is"])
def test_other_seeds_are_refused_before_anything_is_drawn(name, seed):
    for configure in (lambda: metric(f"{name}(seed={seed})"), lambda: metric(name).seeded(seed)):
        with pytest.raises(UsageError, match=r"is not in 0\.\.4294967295") as caught:
            configure()
        assert caught.value.where == f"{name}.seed"


@pytest.mark.parametrize(
    "text", ["kid(seed=1,seed=2)", "kid(seed=1,seed=1)", "kid(seed=1, subset_size=5, seed =1)", "x(a,a)"]
)
def test_an_option_set_twice_is_refused(text):
    with pytest.raises(UsageError, match="an option is set twice") as caught:
        parse_call(text)
    assert text in caught.value.what


def test_numbers_below_one_are_refused_by_name():
    counted = Metric("counted", lambda fake, *, least=3: 1.0, PLAIN.parts, (FEATURES,), "A 2020", needs_real=False)
    assert str(counted.configured({"least": 1})) == "counted(least=1)"
    with pytest.raises(UsageError) as caught:
        counted.configured({"least": 0})
    assert (caught.value.what, caught.value.where) == ("counted.least is 0; it must be at least 1", "counted.least")
    assert str(PLAIN.configured({"rate": 0.0})) == "plain(rate=0.0,mode=fast)"  # a fraction may be


def test_refusals_of_options_and_calls_in_full():
    with pytest.raises(UsageError) as caught:
        PLAIN.configured({"mode": 2})
    assert (caught.value.what, caught.value.where) == ("plain.mode is 2; it must be of type str", "plain.mode")
    with pytest.raises(UsageError) as caught:
        parse_call("kid(")
    assert caught.value.what == "cannot read the metric 'kid('"
    assert caught.value.hint == "Write it as 'kid' or 'kid(subset_size=500)'"
    with pytest.raises(UsageError) as caught:
        parse_call("kid(seed=1,seed=2)")
    assert caught.value.where == "metrics"


def test_a_metric_takes_what_it_needs_of_the_sides_that_it_needs():
    parts = (Part("a", "A", higher_is_better=True, best="1"), Part("b", "B", higher_is_better=True, best="1"))

    class Two(tuple):
        def _asdict(self):
            return {"a": self[0], "b": Estimate(2.0, 0.5)}

    sides = [SimpleNamespace(features=i, logits=10 * i) for i in (1, 2, 3)]
    both = Metric("both", lambda *given, scale=2: Two(given), parts, (FEATURES, LOGITS), "A 2020")
    assert both.sides(*sides[:2]) == sides[:2]
    assert both.estimates(*sides) == {"a": Estimate(1.0), "b": Estimate(2.0, 0.5)}
    one = Metric("a", lambda *given: sum(given), parts[:1], (FEATURES, LOGITS), "A 2020", needs_test=True)
    assert one.sides(*sides) == sides
    assert one.estimates(*sides) == {"a": Estimate(66.0)}
    alone = Metric("a", lambda *given: sum(given), parts[:1], (FEATURES,), "A 2020", needs_real=False)
    assert alone.sides(*sides) == sides[1:2]
    assert alone.estimates(None, sides[1]) == {"a": Estimate(2.0)}
