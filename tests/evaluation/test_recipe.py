"""Recipes that may and may not be compared, and signatures that read back."""

from __future__ import annotations

import re
from dataclasses import fields, replace
from functools import partial

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ganmetrics.errors import StatisticsError, UsageError
from ganmetrics.extractors.callers_network import Custom
from ganmetrics.measurement.reader import recipe_of
from ganmetrics.measurement.recipe import Recipe, Signature

PLAIN = Recipe("inception", "inception-2015-12-05:6726825d", "tf1-bilinear")
KINDS = {  # one field that decides the features changed: field, new value, what is shown of both
    "network": (
        "inception-2015-12-05:deadbeef",
        "network: inception-2015-12-05:6726825d / inception-2015-12-05:deadbeef",
    ),
    "resize": ("area", "resize: tf1-bilinear / area"),
    "precision": ("bfloat16/float64", "precision: float32/float64 / bfloat16/float64"),
    "reading": (("exif=transpose",), "reading: default / exif=transpose"),
}


@pytest.mark.parametrize(("field", "change"), KINDS.items(), ids=KINDS)
def test_one_field_apart_is_refused_with_both_shown(field, change):
    other, row = replace(PLAIN, **{field: change[0]}), change[1]
    assert PLAIN.differences(other) == [row]
    with pytest.raises(StatisticsError) as caught:
        PLAIN.require(other, ("ours.npz", "theirs.npz"))
    assert (caught.value.code, caught.value.exit_code) == ("E-RECIPE", 4)
    assert caught.value.what == f"ours.npz and theirs.npz were made by different recipes: {row}"


def test_every_field_but_the_name_of_the_extractor_is_compared():
    assert {field.name for field in fields(Recipe)} == {"extractor", *KINDS}


def test_all_differences_are_shown_at_once():
    other = replace(PLAIN, **{field: change[0] for field, change in KINDS.items()})
    assert sorted(PLAIN.differences(other)) == sorted(row for _, row in KINDS.values())


def test_a_recipe_agrees_with_itself():
    PLAIN.require(replace(PLAIN), ("a", "b"))
    assert PLAIN.differences(PLAIN) == []


def test_two_names_of_one_network_agree():
    assert PLAIN.differences(replace(PLAIN, extractor="inception:2048")) == []


@pytest.mark.parametrize("reading", [("alpha=white",), ("frames=first",), ("alpha=black", "frames=first")])
def test_choices_whose_default_refuses_the_image_agree(reading):
    other = replace(PLAIN, reading=reading)
    assert PLAIN.differences(other) == other.differences(PLAIN) == []
    upright = (*reading, "exif=transpose")
    assert replace(PLAIN, reading=upright).differences(replace(PLAIN, reading=("exif=transpose",))) == []
    assert PLAIN.differences(replace(PLAIN, reading=upright)) == [f"reading: default / {','.join(upright)}"]


PARTS = st.text("abcdefghijklmnopqrstuvwxyzABCXYZ0123456789-_.,:;#=+/()é☃ ", min_size=1).map(str.strip).filter(bool)
SIGNATURES = st.builds(
    Signature,
    metric=PARTS,
    network=PARTS,
    resize=PARTS,
    real=st.one_of(st.just(""), PARTS),
    fake=PARTS,
    precision=PARTS,
    version=PARTS,
)


@settings(deadline=None, max_examples=200)
@given(SIGNATURES)
def test_a_signature_reads_back(signature):
    line = str(signature)
    assert "\n" not in line
    assert Signature.parse(line) == signature
    assert Signature.parse(f"  {line}\n") == signature


NAMES = {
    "mean_colour": "mean_colour",
    "resnet-50.v2": "resnet-50.v2",
    "<lambda>": "lambda",
    "a|b": "a-b",
    "pkg:net/layer": "pkg-net-layer",
    "two\nlines\x1b": "two-lines",
    "réseau": "r-seau",
    "\N{SNOWMAN}": "unnamed",
    "": "unnamed",
    7: "7",
}


@pytest.mark.parametrize(("name", "plain"), NAMES.items(), ids=map(repr, NAMES))
def test_a_network_of_any_name_has_a_signature_that_reads_back(name, plain):
    network = torch.nn.Flatten()
    network.__name__ = name
    extractor = Custom(network)
    assert extractor.name == plain
    assert re.fullmatch(rf"custom-{re.escape(plain)}:[0-9a-f]{{8}}", extractor.identity)
    signature = Signature("fid", extractor.identity, "own", "#2:ab", "#2:cd", "float32/float64", "1.0")
    assert Signature.parse(str(signature)) == signature
    assert recipe_of(extractor).extractor == plain


def test_the_kind_of_a_network_is_its_name_where_it_has_none():
    assert Custom(torch.nn.Flatten()).name == "Flatten"
    assert Custom(partial(torch.flatten, start_dim=1)).identity == "custom-partial:unhashed"
    assert Custom(lambda images: images).identity == "custom-lambda:unhashed"


WITH_REAL = "kid(seed=1)|net:6726825d|area|real:mnist#10:abc|fake:#9:def:skipped=1|float32/float64|gm:1.0"
WITHOUT_REAL = "is(splits=10)|net:6726825d|area|fake:#9:def|float32/float64|gm:1.0"


def test_signatures_as_they_are_printed():
    with_real = Signature(
        "kid(seed=1)", "net:6726825d", "area", "mnist#10:abc", "#9:def:skipped=1", "float32/float64", "1.0"
    )
    without_real = Signature("is(splits=10)", "net:6726825d", "area", "", "#9:def", "float32/float64", "1.0")
    assert (str(with_real), str(without_real)) == (WITH_REAL, WITHOUT_REAL)


@pytest.mark.parametrize(
    "line",
    [
        "",
        "fid",
        "|||||",
        "||||||",
        WITH_REAL.replace("real:", "reel:"),
        WITH_REAL.replace("fake:", ""),
        WITH_REAL.replace("gm:", "v"),
        WITH_REAL.replace("|float32/float64", ""),
        WITH_REAL + "|more",
        WITHOUT_REAL + "|more",
        "|".join(WITH_REAL.split("|")[:-1]),
        "|".join(reversed(WITH_REAL.split("|"))),
        WITHOUT_REAL.replace("fake:", "real:"),
    ],
)
def test_other_lines_are_refused(line):
    with pytest.raises(UsageError, match="not a signature"):
        Signature.parse(line)
