"""Saved statistics: what comes back, who else can read them, and every damaged or hostile file."""

from __future__ import annotations

import contextlib
import errno
import io
import json
import os
import pickle
import random
import re
import struct
import time
import warnings
import zipfile
import zlib
from dataclasses import asdict, replace
from importlib import resources
from pathlib import Path

import numpy as np
import pytest
import torch

from ganmetrics._content import content_digest
from ganmetrics._files import shown
from ganmetrics.errors import ResourceError, StatisticsError, UsageError
from ganmetrics.measurement import archive
from ganmetrics.measurement import npz_members as members
from ganmetrics.measurement.archive import is_statistics, load_statistics, save_statistics
from ganmetrics.measurement.recipe import Recipe
from ganmetrics.measurement.statistics import Statistics
from ganmetrics.metrics.needs import NEEDS
from ganmetrics.numerics.moments import Moments

DIM, COUNT = 6, 50
RECIPE = Recipe("pixels", "pixels-16:00000000", "area", ("alpha=white", "exif=transpose"))
FACTS = {
    "schema": 2,
    "name": "set",
    "count": COUNT,
    "digest": "ab" * 32,
    "skipped": 3,
    "recipe": {**asdict(RECIPE), "reading": list(RECIPE.reading)},
}


def features(count=COUNT):
    return torch.from_numpy(np.random.RandomState(0).randn(count, DIM).astype(np.float32))


def statistics(**changes):
    facts = {name: FACTS[name] for name in ("name", "count", "digest", "skipped")}
    return Statistics(**{"recipe": RECIPE, **facts, "moments": Moments.of(features()), **changes})


def npy(value, **options):
    stream = io.BytesIO()
    np.lib.format.write_array(stream, np.asarray(value), **options)
    return stream.getvalue()


def header(shape, descr="<f8"):
    """The first bytes of an array of that shape, whose numbers never follow."""
    stream = io.BytesIO()
    np.lib.format.write_array_header_1_0(stream, {"descr": descr, "fortran_order": False, "shape": shape})
    return stream.getvalue()


def raw_header(text):
    """The first bytes of an array with any text in the place of its description."""
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text.encode()


def written(path, arrays, compression=zipfile.ZIP_DEFLATED):
    """An npz file of those members; a value that is not bytes already is written as an array."""
    with zipfile.ZipFile(path, "w", compression) as target:
        for name, value in arrays.items():
            target.writestr(f"{name}.npy", value if isinstance(value, bytes) else npy(value))
    return path


def signed(found, facts=FACTS):
    """The description of members with their digest, as whoever writes or forges such a file would make it."""
    numbers = {name: value for name, value in found.items() if name in members.limits() and name != "ganmetrics"}
    no_digest_of_nonsense = contextlib.suppress(TypeError, ValueError, AssertionError, EOFError)
    with no_digest_of_nonsense, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        arrays = {k: np.load(io.BytesIO(v)) if isinstance(v, bytes) else np.asarray(v) for k, v in numbers.items()}
        return json.dumps({**facts, "content": content_digest({**arrays, "ganmetrics": facts})})
    return json.dumps({**facts, "content": ""})


@pytest.fixture
def own(tmp_path):
    """Writes a file of our own with some members changed; ``None`` leaves one out."""
    moments = Moments.of(features())
    sound = {"mu": moments.mean.numpy(), "sigma": moments.covariance().numpy(), "ganmetrics": ""}

    def write(**changes):
        found = {k: v for k, v in {**sound, **changes}.items() if v is not None}
        if "ganmetrics" not in changes:
            found["ganmetrics"] = signed(found)
        return written(tmp_path / "own.npz", found)

    return write


def refusal(path, **options):
    with pytest.raises(StatisticsError) as caught:
        load_statistics(path, **options)
    assert caught.value.exit_code == 4
    return caught.value


# --- what was changed ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["mu", "sigma", "features", "logits", "count", "digest", "recipe"])
def test_what_was_changed_after_it_was_written_is_refused(tmp_path, name):
    save_statistics(statistics(features=features(), logits=features()), tmp_path / "s.npz")
    with np.load(tmp_path / "s.npz") as file:
        arrays = dict(file)
    facts = json.loads(str(arrays["ganmetrics"]))
    others = {"count": COUNT + 1, "digest": "cd" * 32, "recipe": {**facts["recipe"], "resize": "bilinear"}}
    if name in arrays:
        arrays[name] = arrays[name] * 2
    else:
        arrays["ganmetrics"] = np.array(json.dumps({**facts, name: others[name]}))
    np.savez(tmp_path / "s.npz", **arrays)
    error = refusal(tmp_path / "s.npz")
    assert (error.code, error.where) == ("E-DAMAGED", str(tmp_path / "s.npz"))
    assert "was changed after it was written" in error.what


@pytest.mark.parametrize(("name", "factor"), [("mu", 1.01), ("sigma", 2.0), ("sigma", 0.999)])
def test_moments_that_are_not_those_of_the_features_are_refused_whoever_signed_them(own, name, factor):
    moments = Moments.of(features())
    told = {"mu": moments.mean.numpy(), "sigma": moments.covariance().numpy()}
    assert load_statistics(own(features=features().numpy())).features is not None
    error = refusal(own(features=features().numpy(), **{name: told[name] * factor}))
    assert error.what == f"{name!r} is not that of the features beside it"


def test_a_file_without_a_digest_of_itself_is_refused(own):
    """Or a changed file would pass as one of an early version."""
    early = {**FACTS, "schema": 1}
    error = refusal(own(ganmetrics=json.dumps(early)))
    assert (error.code, "holds no digest of its numbers" in error.what) == ("E-SCHEMA", True)
    assert refusal(own(ganmetrics=json.dumps(FACTS))).what == "the description inside the statistics file is damaged"
    assert refusal(own(ganmetrics=json.dumps({**early, "content": "ab" * 32}))).code == "E-DAMAGED"


def test_bundled_statistics_are_those_that_the_package_was_built_with(tmp_path, monkeypatch):
    assert archive.bundled("mnist-train").notes.warnings == []
    bundled = Path(str(resources.files("ganmetrics.reference_stats").joinpath("mnist-train.digits.npz")))
    assert load_statistics(bundled).digest == archive.bundled("mnist-train").digest, "wherever it lies"
    for path in resources.files("ganmetrics.reference_stats").iterdir():
        if path.suffix in (".npz", ".json"):
            (tmp_path / path.name).write_bytes(path.read_bytes())
    with np.load(tmp_path / "mnist-train.digits.npz") as file:
        arrays = dict(file)
    np.savez(tmp_path / "mnist-train.digits.npz", **{**arrays, "mu": arrays["mu"] * 2})
    monkeypatch.setattr(archive.resources, "files", lambda _: tmp_path)
    with pytest.raises(StatisticsError, match="are not those that the package was built with"):
        archive.bundled("mnist-train")


# --- what comes back ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [2, 3, 10, 50, 4999])
def test_saving_and_loading_gives_the_same_bits(tmp_path, count):
    rows = features(count)
    before = statistics(count=count, moments=Moments.of(rows), features=rows, logits=rows[:, :3] * 1e-30)
    save_statistics(before, tmp_path / "s.npz")
    after = load_statistics(tmp_path / "s.npz")
    for name in ("recipe", "count", "digest", "name", "skipped", "label"):
        assert getattr(after, name) == getattr(before, name)
    assert after.moments.count == count
    assert torch.equal(after.moments.mean, before.moments.mean)
    assert torch.equal(after.moments.covariance(), before.moments.covariance())
    assert torch.equal(after.features, before.features)
    assert torch.equal(after.logits, before.logits)
    assert after.features.dtype == after.logits.dtype == torch.float32
    assert after.source == str(tmp_path / "s.npz")


def test_saving_what_was_loaded_gives_the_same_file(tmp_path):
    save_statistics(statistics(features=features()), tmp_path / "a.npz")
    save_statistics(load_statistics(tmp_path / "a.npz"), tmp_path / "b.npz")
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


def test_the_same_content_gives_the_same_bytes_at_any_time(tmp_path, monkeypatch):
    save_statistics(statistics(), tmp_path / "now")
    later, local = time.time() + 1e8, time.localtime
    monkeypatch.setattr(time, "time", lambda: later)
    monkeypatch.setattr(time, "localtime", lambda seconds=later: local(seconds))
    save_statistics(statistics(), tmp_path / "later")
    assert (tmp_path / "now").read_bytes() == (tmp_path / "later").read_bytes()


@pytest.mark.parametrize("kept", ["moments", "features", "logits"])
def test_any_part_may_be_kept_alone(tmp_path, kept):
    parts = {"moments": Moments.of(features()), "features": features(), "logits": features()}
    only = {name: value if name == kept else None for name, value in parts.items()}
    save_statistics(statistics(**only), tmp_path / "s.npz")
    after = load_statistics(tmp_path / "s.npz")
    assert [name for name in parts if getattr(after, name) is not None] == [kept]
    after.require(NEEDS[kept])
    for missing in set(parts) - {kept}:
        with pytest.raises(StatisticsError, match=f"hold no {missing}") as caught:
            after.require(NEEDS[missing])
        assert caught.value.code == "E-KEPT"


@pytest.mark.parametrize("name", ["stats", "stats.npz", "stats.v1.bin", "línea \N{SNOWMAN}"])
def test_the_file_has_exactly_the_name_given(tmp_path, name):
    save_statistics(statistics(), str(tmp_path / name))
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert load_statistics(str(tmp_path / name)).count == COUNT


def test_names_in_any_script_come_back(tmp_path):
    save_statistics(statistics(name="línea \N{SNOWMAN} \\ \" '"), tmp_path / "s.npz")
    assert load_statistics(tmp_path / "s.npz").name == "línea \N{SNOWMAN} \\ \" '"


def test_an_existing_file_is_replaced(tmp_path):
    (tmp_path / "s.npz").write_bytes(b"old")
    save_statistics(statistics(), tmp_path / "s.npz")
    assert load_statistics(tmp_path / "s.npz").count == COUNT


# --- with other packages -----------------------------------------------------------------------------------------


def test_pytorch_fid_reads_our_files(tmp_path):
    peer = pytest.importorskip("pytorch_fid.fid_score")
    save_statistics(statistics(features=features()), tmp_path / "s.npz")
    mu, sigma = peer.compute_statistics_of_path(str(tmp_path / "s.npz"), None, 1, DIM, "cpu")
    np.testing.assert_array_equal(mu, Moments.of(features()).mean)
    np.testing.assert_array_equal(sigma, Moments.of(features()).covariance())
    assert mu.dtype == sigma.dtype == np.float64


def test_numpy_reads_our_files_without_pickle(tmp_path):
    save_statistics(statistics(), tmp_path / "s.npz")
    with np.load(tmp_path / "s.npz", allow_pickle=False) as file:
        assert sorted(file) == ["ganmetrics", "mu", "sigma"]
        found = json.loads(str(file["ganmetrics"]))
        assert len(found.pop("content")) == 64
        assert found == FACTS


@pytest.fixture
def foreign(tmp_path):
    """A file as pytorch-fid writes it."""
    moments = Moments.of(features())
    np.savez_compressed(tmp_path / "foreign.npz", mu=moments.mean.numpy(), sigma=moments.covariance().numpy())
    return tmp_path / "foreign.npz"


def test_a_file_without_a_recipe_needs_somebody_to_vouch_for_it(foreign):
    error = refusal(foreign)
    assert error.code == "E-NO-RECIPE"
    assert all(name in error.hint for name in ('`gm.load_statistics(path, assume="', *archive.assumable()))


@pytest.mark.parametrize(("assume", "recipe"), archive.assumable().items(), ids=archive.assumable())
def test_a_file_without_a_recipe_under_an_assumed_one(foreign, assume, recipe):
    found = load_statistics(foreign, assume=assume)
    assert found.recipe == recipe
    assert (found.name, found.count, found.digest) == ("unverified", 0, "unknown")
    assert torch.equal(found.moments.mean, Moments.of(features()).mean)
    assert torch.equal(found.moments.covariance(), Moments.of(features()).covariance())


def test_the_assumed_recipes_differ():
    fidelity, pytorch_fid = (archive.assumable()[name] for name in ("torch-fidelity", "pytorch-fid"))
    assert fidelity.differences(pytorch_fid) == ["resize: tf1-bilinear / pytorch-fid-bilinear"]


def test_an_unknown_assumed_recipe_is_answered_with_the_nearest(foreign):
    with pytest.raises(UsageError) as caught:
        load_statistics(foreign, assume="torch-fidelty")
    assert "Did you mean 'torch-fidelity'?" in caught.value.hint


def test_nothing_is_assumed_of_a_file_that_names_its_recipe(own):
    assert load_statistics(own()).recipe == RECIPE
    with pytest.raises(UsageError, match="name their recipe themselves"):
        load_statistics(own(), assume="pytorch-fid")


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_narrow_numbers_are_widened(own, dtype):
    mu, sigma = np.arange(DIM).astype(dtype), np.eye(DIM, dtype=dtype)
    found = load_statistics(own(mu=mu, sigma=sigma))
    assert found.moments.mean.dtype == found.moments.covariance().dtype == torch.float64
    np.testing.assert_array_equal(found.moments.mean, mu)
    np.testing.assert_array_equal(found.moments.covariance(), sigma)
    assert found.notes.warnings == ["mu and sigma came in less than float64"]


def test_one_narrow_member_is_named_and_float64_needs_no_word(own):
    assert load_statistics(own(mu=np.zeros(DIM, dtype=np.float32))).notes.warnings == ["mu came in less than float64"]
    assert load_statistics(own(features=features().numpy())).notes.warnings == []


def test_features_of_another_package_need_no_count(tmp_path):
    moments = Moments.of(features())
    told = {"mu": moments.mean.numpy(), "sigma": moments.covariance().numpy()}
    arrays = {**told, "features": features().numpy()}
    found = load_statistics(written(tmp_path / "x.npz", arrays), assume="pytorch-fid")
    assert torch.equal(found.features, features())


def test_an_assumed_recipe_can_be_saved(foreign, tmp_path):
    before = load_statistics(foreign, assume="pytorch-fid")
    save_statistics(before, tmp_path / "own.npz")
    after = load_statistics(tmp_path / "own.npz")
    assert (after.recipe, after.count, after.label) == (before.recipe, 0, before.label)
    assert torch.equal(after.moments.covariance(), before.moments.covariance())


def test_members_in_fortran_order_are_read(own):
    sigma = np.asfortranarray(Moments.of(features()).covariance().numpy())
    assert np.isfortran(sigma)
    np.testing.assert_array_equal(load_statistics(own(sigma=sigma)).moments.covariance(), sigma)


def test_statistics_of_another_recipe_are_refused(own):
    found = load_statistics(own())
    found.recipe.require(RECIPE, ("file", "run"))
    with pytest.raises(StatisticsError, match="network: pixels-16:00000000 / inception"):
        found.recipe.require(replace(RECIPE, network="inception"), ("file", "run"))


# --- damaged and hostile -----------------------------------------------------------------------------------------

NAN_ROW = np.where(np.eye(DIM) > 0, 1.0, np.nan)
DAMAGED_NUMBERS = {  # members changed, code, words of the message
    "mu is too short": ({"mu": np.zeros(DIM - 1)}, "E-SHAPE", "mu has 5 dimensions and sigma the shape [6, 6]"),
    "sigma is not square": ({"sigma": np.zeros((DIM, DIM + 1))}, "E-SHAPE", "[6, 7]"),
    "mu is a matrix": ({"mu": np.zeros((1, DIM))}, "E-SHAPE", "'mu' has the shape [1, 6]"),
    "mu is a number": ({"mu": np.float64(0.0)}, "E-SHAPE", "'mu' has the shape []"),
    "sigma is a diagonal": ({"sigma": np.ones(DIM)}, "E-SHAPE", "'sigma' has the shape [6]"),
    "features are a vector": ({"features": np.zeros(DIM)}, "E-SHAPE", "'features' has the shape [6]"),
    "mu holds NaN": ({"mu": np.full(DIM, np.nan)}, "E-NOT-FINITE", "'mu' holds NaN or infinity"),
    "mu holds infinity": ({"mu": np.full(DIM, np.inf)}, "E-NOT-FINITE", "'mu' holds NaN or infinity"),
    "sigma holds NaN": ({"sigma": NAN_ROW}, "E-NOT-FINITE", "'sigma' holds NaN or infinity"),
    "sigma holds infinity": ({"sigma": np.full((DIM, DIM), np.inf)}, "E-NOT-FINITE", "'sigma' holds NaN or infinity"),
    "features hold NaN": ({"features": np.full((COUNT, 2), np.nan)}, "E-NOT-FINITE", "'features' holds NaN"),
    "logits hold infinity": ({"logits": np.full((COUNT, 2), np.inf)}, "E-NOT-FINITE", "'logits' holds NaN"),
    "fewer features than images": ({"features": np.zeros((4, 2))}, "E-SHAPE", "'features' has 4 rows for 50 images"),
    "more logits than images": ({"logits": np.zeros((51, 2))}, "E-SHAPE", "'logits' has 51 rows for 50 images"),
    "mu alone": ({"sigma": None}, "E-KEYS", "the file holds no 'sigma'"),
    "sigma alone": ({"mu": None}, "E-KEYS", "the file holds no 'mu'"),
    "mu is empty": ({"mu": np.zeros(0)}, "E-SHAPE", "'mu' has the shape [0]; expected [1..16384]"),
    "sigma has no rows": ({"sigma": np.zeros((0, DIM))}, "E-SHAPE", "expected [1..16384, 1..16384]"),
    "sigma is random": ({"sigma": np.random.RandomState(0).rand(DIM, DIM)}, "E-NOT-PSD", "not symmetric"),
    "sigma is skew": ({"sigma": np.eye(DIM) + 1e-5 * np.eye(DIM, k=1)}, "E-NOT-PSD", "not symmetric"),
    "sigma is negative": ({"sigma": -1000.0 * np.eye(DIM)}, "E-NOT-PSD", "not positive semidefinite"),
    "sigma is indefinite": ({"sigma": np.eye(DIM) - 0.5}, "E-NOT-PSD", "not positive semidefinite"),
    "mu holds integers": ({"mu": np.zeros(DIM, dtype=np.int64)}, "E-DTYPE", "'mu' is of type int64"),
    "mu holds complex numbers": ({"mu": np.zeros(DIM, dtype=complex)}, "E-DTYPE", "'mu' is of type complex128"),
    "mu is big-endian": ({"mu": np.zeros(DIM, dtype=">f8")}, "E-DTYPE", "'mu' is of type >f8"),
    "features are big-endian": ({"features": np.zeros((COUNT, 2), dtype=">f4")}, "E-DTYPE", "of type >f4"),
    "mu is structured": ({"mu": np.zeros(DIM, dtype=[("a", "<f8")])}, "E-DTYPE", "'mu' is of type [('a', '<f8')]"),
    "the description is a number": ({"ganmetrics": np.array(7.5)}, "E-DTYPE", "of type float64; expected a short text"),
    "mu holds text": ({"mu": np.array(["a"] * DIM)}, "E-DTYPE", "'mu' is of type <U1"),
    "the description is a list": ({"ganmetrics": np.array(["a", "b"])}, "E-SHAPE", "'ganmetrics' has the shape [2]"),
}


@pytest.mark.parametrize(("changes", "code", "words"), DAMAGED_NUMBERS.values(), ids=DAMAGED_NUMBERS)
def test_damaged_numbers(own, changes, code, words):
    error = refusal(own(**changes))
    assert (error.code, error.where) == (code, str(own()))
    assert words in error.what


@pytest.mark.skipif(np.dtype(np.longdouble).itemsize == 8, reason="long doubles are doubles here")
def test_long_doubles_are_refused(own):
    error = refusal(own(sigma=np.eye(DIM, dtype=np.longdouble)))
    assert (error.code, error.where) == ("E-DTYPE", str(own()))
    assert "expected float16, float32 or float64" in error.what


@pytest.mark.parametrize(
    ("kept", "listed"), [("mu", "'mu'"), ("sigma", "'sigma'"), ("features", "'features'"), (None, "nothing")]
)
def test_missing_keys_are_told_with_those_there_are(tmp_path, kept, listed):
    values = {"mu": np.zeros(DIM), "sigma": np.eye(DIM), "features": np.zeros((4, DIM))}
    path = written(tmp_path / "x.npz", {kept: values[kept]} if kept else {"other": np.zeros(3)})
    error = refusal(path, assume="pytorch-fid")
    assert error.code == "E-KEYS"
    assert error.what == f"the file holds {listed}; expected 'mu' and 'sigma'"


DAMAGED_FACTS = {
    "not JSON": "{",
    "nothing": "",
    "a list": "[1, 2]",
    "a number": "1",
    "null": "null",
    "empty": "{}",
    **{f"no {name}": json.dumps({k: v for k, v in FACTS.items() if k != name}) for name in FACTS},
    "count is text": json.dumps({**FACTS, "count": "50"}),
    "count is a fraction": json.dumps({**FACTS, "count": 50.5}),
    "count is NaN": json.dumps({**FACTS, "count": float("nan")}),
    "count is 1": json.dumps({**FACTS, "count": 1}),
    "count is negative": json.dumps({**FACTS, "count": -50}),
    "schema is text": json.dumps({**FACTS, "schema": "1"}),
    "recipe is text": json.dumps({**FACTS, "recipe": "pixels"}),
    "recipe lacks a field": json.dumps({**FACTS, "recipe": {"extractor": "pixels"}}),
    "schema is 0": json.dumps({**FACTS, "schema": 0}),
    "count is true": json.dumps({**FACTS, "count": True}),
    "count has 400 digits": json.dumps({**FACTS, "count": 10**400}),
    "count has 5000 digits": json.dumps(FACTS).replace('"count": 50', '"count": 5' + "0" * 4999),
    "skipped is negative": json.dumps({**FACTS, "skipped": -1}),
    "skipped has 400 digits": json.dumps({**FACTS, "skipped": 10**400}),
    "deeply nested": "[" * 100_000,
    "a deeply nested recipe": json.dumps(FACTS).replace('"recipe": {', '"recipe": {"a": ' + '{"a":' * 50_000),
    **{
        f"recipe's {name} is {kind}": json.dumps({**FACTS, "recipe": {**FACTS["recipe"], name: value}})
        for name in FACTS["recipe"]
        for kind, value in {"a number": 7, "null": None, "an object": {}, "a list of numbers": [7]}.items()
    },
    "recipe's reading is text": json.dumps({**FACTS, "recipe": {**FACTS["recipe"], "reading": "exif=transpose"}}),
    "recipe's reading is parted": json.dumps({**FACTS, "recipe": {**FACTS["recipe"], "reading": ["a|b"]}}),
    "recipe has another field": json.dumps({**FACTS, "recipe": {**FACTS["recipe"], "self": 1}}),
}


@pytest.mark.parametrize("text", DAMAGED_FACTS.values(), ids=DAMAGED_FACTS)
def test_a_damaged_description(own, text):
    error = refusal(own(ganmetrics=text))
    assert (error.code, error.where) == ("E-DAMAGED", str(own()))
    assert "description" in error.what


NEWER = {
    "the same fields": {},
    "another field of the recipe": {"recipe": {**FACTS["recipe"], "dither": "none"}},
    "a field of another type": {"count": {"real": 50}},
    "more facts": {"more": [1, 2]},
}


@pytest.mark.parametrize("changes", NEWER.values(), ids=NEWER)
def test_a_newer_file_asks_for_an_upgrade(own, changes):
    error = refusal(own(ganmetrics=json.dumps({**FACTS, **changes, "schema": archive.SCHEMA + 1})))
    assert (error.code, error.hint, error.where) == ("E-SCHEMA", "Upgrade ganmetrics", str(own()))


UNSIGNABLE = ["a|b", "two\nlines", "\x1b[2J", "\u202egnp.exe", "\ud800", "nul\0"]


@pytest.mark.parametrize("text", UNSIGNABLE)
@pytest.mark.parametrize("field", ["name", "digest", "extractor", "network", "resize", "precision"])
def test_what_would_break_a_signature_is_refused(own, field, text):
    facts = {"recipe": {**FACTS["recipe"], field: text}} if field in FACTS["recipe"] else {field: text}
    error = refusal(own(ganmetrics=json.dumps({**FACTS, **facts})))
    assert (error.code, error.where) == ("E-DAMAGED", str(own()))
    assert str(error).isprintable()


@pytest.mark.parametrize("text", UNSIGNABLE)
def test_what_would_break_a_signature_is_not_saved_either(tmp_path, text):
    with pytest.raises(UsageError, match="the name") as caught:
        save_statistics(statistics(name=text), tmp_path / "s.npz")
    assert str(caught.value).isprintable()
    with pytest.raises(UsageError, match="cannot stand in a signature"):
        replace(RECIPE, network=text)
    assert not list(tmp_path.iterdir())


class Touch:
    """Creates a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


@pytest.mark.parametrize("member", ["mu", "sigma", "features", "logits", "ganmetrics"])
def test_python_objects_are_refused_and_never_run(own, tmp_path, member):
    marker = tmp_path / "marker"
    objects = npy(np.array([Touch(marker)], dtype=object), allow_pickle=True)
    error = refusal(own(**{member: objects}))
    assert (error.code, error.what) == ("E-PICKLE", f"{member!r} contains Python objects; refused")
    assert not marker.exists()


def test_objects_that_slip_past_the_header_check_are_not_run_either(own, tmp_path, monkeypatch):
    monkeypatch.setattr(members, "_check", lambda *_: None)
    marker = tmp_path / "marker"
    assert refusal(own(mu=npy(np.array([Touch(marker)], dtype=object), allow_pickle=True))).code == "E-DAMAGED"
    assert not marker.exists()


def test_a_pickle_by_the_name_of_an_archive_is_refused_and_never_run(tmp_path):
    marker = tmp_path / "marker"
    path = tmp_path / "x.npz"
    path.write_bytes(pickle.dumps(Touch(marker)))
    assert refusal(path).code == "E-DAMAGED"
    assert not marker.exists()
    pickle.loads(path.read_bytes())
    assert marker.exists()  # so the refusal above meant something


@pytest.fixture
def unread(monkeypatch):
    """Fails as soon as NumPy is asked to read a member."""

    def read(*_, **__):
        raise AssertionError("the file was read before its headers were checked")

    monkeypatch.setattr(np.lib.format, "read_array", read)


HOSTILE_HEADERS = {
    "8 TB": ({"sigma": header((10**6, 10**6))}, "E-SHAPE"),
    "more than 64 bits": ({"sigma": header((2**40, 2**40))}, "E-SHAPE"),
    "within the limits, but short": ({"sigma": header((16_384, 16_384))}, "E-DAMAGED"),
    "features within the limits, but short": ({"features": header((10_000_000, 16_384))}, "E-DAMAGED"),
    "negative": ({"mu": header((-1,))}, "E-SHAPE"),
    "longer than declared": ({"mu": npy(np.zeros(DIM)) + b"more"}, "E-DAMAGED"),
    "a wide mu": ({"mu": np.zeros(1_000_000)}, "E-SHAPE"),
    "no header": ({"mu": b""}, "E-DAMAGED"),
    "another file": ({"mu": b"GIF89a" * 10}, "E-DAMAGED"),
    "a version from the future": ({"mu": b"\x93NUMPY\x09\x09" + bytes(100)}, "E-DAMAGED"),
    "a huge text": ({"ganmetrics": header((), "<U100000000")}, "E-DTYPE"),
    "a text over the limit": ({"ganmetrics": np.array("x" * (members.MAX_FACTS // 4 + 1))}, "E-DTYPE"),
    "a million dimensions": (
        {"mu": raw_header("{'descr': '<f8', 'fortran_order': False, 'shape': (" + "1," * 900 + ")}")},
        "E-SHAPE",
    ),
    **{
        f"header {text[:30]!r}": ({"mu": raw_header(text)}, "E-DAMAGED")
        for text in (
            "{'descr': (",  # tokenize.TokenError
            "(" * 5000,
            "if x:\n    y\n  z\n",  # IndentationError
            "{'descr': (), 'fortran_order': False, 'shape': (3,)}",  # IndexError
            "{'descr': '<f8<f8', 'fortran_order': False, 'shape': (3,)}",  # TypeError
            "{'descr': '<f8', 'fortran_order': False, 'shape': (0x" + "f" * 9000 + ",)}",
            "{{}: 1}",
            "\0" * 20,
            "",
        )
    },
}


@pytest.mark.parametrize(("changes", "code"), HOSTILE_HEADERS.values(), ids=HOSTILE_HEADERS)
def test_headers_are_checked_before_anything_is_read(own, unread, changes, code):
    error = refusal(own(**changes))
    assert (error.code, error.where) == (code, str(own()))
    assert str(error).isprintable()
    assert len(error.what) < 400


def test_a_type_too_large_for_a_number_is_refused(own):
    """NumPy before 2 wraps its size, so that it is another wrong type there."""
    text = "{'descr': '|V99999999999', 'fortran_order': False, 'shape': (3,)}"
    assert refusal(own(mu=raw_header(text))).code in ("E-DAMAGED", "E-DTYPE")


def with_sizes(path, member, unfolded, packed=None):
    """The archive with other sizes of a member in its directory."""
    data = bytearray(path.read_bytes())
    start = data.rindex(f"{member}.npy".encode()) - 46
    assert data[start : start + 4] == b"PK\x01\x02"
    data[start + 24 : start + 28] = struct.pack("<I", unfolded)
    if packed:
        data[start + 20 : start + 24] = struct.pack("<I", packed)
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("packed", [None, 3 << 30], ids=["packed size true", "packed size forged too"])
def test_a_forged_huge_member_is_refused_by_its_ratio(own, unread, packed):
    head = header((16_000, 16_000))
    path = with_sizes(own(sigma=head), "sigma", len(head) + 16_000**2 * 8, packed)
    error = refusal(path)
    assert (error.code, error.where) == ("E-BOMB", str(path))
    assert f"to {len(head) + 16_000**2 * 8} bytes" in error.what


def test_a_ratio_of_zeros_is_a_bomb_above_a_size_only(own, monkeypatch):
    rows = np.zeros((COUNT, 4000), dtype=np.float32)  # packs a thousand to one
    assert load_statistics(own(logits=rows)).logits.shape == rows.shape
    monkeypatch.setattr(members, "MAX_SUSPECT", 100_000)
    assert refusal(own(logits=rows)).code == "E-BOMB"


def test_no_memory_is_one_sentence(own, monkeypatch):
    def read(*_, **__):
        raise MemoryError

    monkeypatch.setattr(np.lib.format, "read_array", read)
    error = refusal(own())
    assert (error.code, error.what) == ("E-DAMAGED", "cannot read the statistics: MemoryError")


@pytest.mark.parametrize("compression", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_compressions_that_npz_files_never_use_are_refused(tmp_path, unread, compression):
    path = written(tmp_path / "x.npz", {"mu": np.zeros(DIM), "sigma": np.eye(DIM)}, compression)
    error = refusal(path, assume="pytorch-fid")
    assert error.code == "E-DAMAGED"
    assert "compressed" in error.what


def test_a_member_without_the_suffix_cannot_stand_in_for_a_checked_one(own):
    path = own()
    with zipfile.ZipFile(path, "a") as target:
        target.writestr("mu", npy(np.ones(DIM, dtype=">f8")))
    assert torch.equal(load_statistics(path).moments.mean, Moments.of(features()).mean)


def test_headers_of_python_2_are_read_without_a_word(own):
    text = f"{{'descr': '<f8', 'fortran_order': False, 'shape': ({DIM}L,), }}"
    found = load_statistics(own(mu=raw_header(text) + np.arange(float(DIM)).tobytes()))
    assert found.moments.mean.tolist() == list(range(DIM))


def test_a_bomb_is_refused_by_its_header(own, unread):
    """A few kilobytes that would unfold to eight megabytes of zeros."""
    path = own(mu=np.zeros(1_000_000))
    assert path.stat().st_size < 20_000
    assert refusal(path).code == "E-SHAPE"


def test_other_members_are_passed_over_unread(own, tmp_path):
    marker = tmp_path / "marker"
    junk = {
        "objects": npy(np.array([Touch(marker)], dtype=object), allow_pickle=True),
        "huge": header((10**9, 10**9)),
        "garbage": b"\0",
        "mu_clip": np.zeros(3),
    }
    found = load_statistics(own(**junk))
    assert torch.equal(found.moments.mean, Moments.of(features()).mean)
    assert not marker.exists()


def test_truncated_files(own, tmp_path):
    whole = own(features=features().numpy()).read_bytes()
    for length in range(0, len(whole), 97):
        cut = tmp_path / "cut.npz"
        cut.write_bytes(whole[:length])
        assert refusal(cut).code == "E-DAMAGED"


@pytest.mark.parametrize(
    "content", [b"", b"PK", b"text", b"\x89PNG\r\n\x1a\n", npy(np.zeros(3)), b"PK\x05\x06" + b"\xff" * 18]
)
def test_what_is_no_archive(tmp_path, content):
    path = tmp_path / "x.npz"
    path.write_bytes(content)
    error = refusal(path)
    assert error.code == "E-DAMAGED"
    assert "cannot read the statistics" in error.what


def test_a_flipped_bit_is_found(tmp_path):
    """In a file that is not compressed, as np.savez writes it, only the checksum can tell."""
    path = written(tmp_path / "x.npz", {"mu": np.zeros(DIM), "sigma": np.eye(DIM)}, zipfile.ZIP_STORED)
    data = bytearray(path.read_bytes())
    one = data.index(struct.pack("<d", 1.0))
    data[one + 6] ^= 1
    path.write_bytes(data)
    error = refusal(path, assume="pytorch-fid")
    assert error.code == "E-DAMAGED"
    assert "CRC" in error.what


def test_a_damaged_byte_is_our_error_or_no_matter(tmp_path):
    """Whatever is damaged, nothing but a StatisticsError comes out, and never other numbers."""
    values = {"mu": np.arange(float(DIM)), "sigma": np.eye(DIM)}
    whole = written(tmp_path / "x.npz", values, zipfile.ZIP_STORED).read_bytes()
    headers = [found.start() for found in re.finditer(b"NUMPY", whole)]
    elsewhere = [i for i in range(len(whole)) if not any(start <= i < start + 122 for start in headers)]
    rng, loaded = random.Random(0), 0
    for _ in range(400):
        data = bytearray(whole)
        data[rng.choice(elsewhere)] ^= rng.randrange(1, 256)
        (tmp_path / "y.npz").write_bytes(data)
        try:
            found = load_statistics(tmp_path / "y.npz", assume="pytorch-fid")
        except StatisticsError:
            continue
        loaded += 1
        np.testing.assert_array_equal(found.moments.mean, values["mu"])
        np.testing.assert_array_equal(found.moments.covariance(), values["sigma"])
    assert loaded < 400


def test_damaged_compressed_bytes_are_our_error(tmp_path):
    """zlib's own error among them, which is no ValueError."""
    save_statistics(statistics(features=features()), tmp_path / "x.npz")
    whole = (tmp_path / "x.npz").read_bytes()
    rng, errors = random.Random(1), []
    for _ in range(400):
        data = bytearray(whole)
        for _ in range(rng.randrange(1, 4)):
            data[rng.randrange(len(data))] ^= rng.randrange(1, 256)
        (tmp_path / "y.npz").write_bytes(data)
        try:
            load_statistics(tmp_path / "y.npz")
        except StatisticsError as error:
            errors.append(error)
        is_statistics(tmp_path / "y.npz")  # raises nothing
    assert zlib.error in {type(error.__cause__) for error in errors}
    assert all(str(error).isprintable() for error in errors)


def test_damaged_headers_are_our_error(tmp_path):
    """Mutated before they are packed, so that no checksum tells."""
    rng, whole, errors = random.Random(2), npy(np.arange(float(DIM))), []
    for _ in range(600):
        data = bytearray(whole)
        for _ in range(rng.randrange(1, 4)):
            data[rng.randrange(128)] = rng.choice(b"{}()[]'\",:<>|LVfiObU0123456789 \n\0\xff")
        path = written(tmp_path / "y.npz", {"mu": bytes(data), "sigma": np.eye(DIM)})
        try:
            load_statistics(path, assume="pytorch-fid")
        except StatisticsError as error:
            errors.append(error)
    assert len(errors) > 300
    assert all(str(error).isprintable() for error in errors)


def test_an_encrypted_member_is_refused(tmp_path):
    path = written(tmp_path / "x.npz", {"mu": np.zeros(DIM), "sigma": np.eye(DIM)}, zipfile.ZIP_STORED)
    data = bytearray(path.read_bytes())
    for signature, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(signature) + flags] |= 1
    path.write_bytes(data)
    assert refusal(path, assume="pytorch-fid").code == "E-DAMAGED"


PLACES = {
    "missing.npz": ("E-MISSING", "there is no such file"),
    "missing/x.npz": ("E-MISSING", "there is no such file"),
    "file/x.npz": ("E-MISSING", "there is no such file"),
    "folder": ("E-DAMAGED", "cannot read the statistics: Is a directory"),
    "n" * 300: ("E-DAMAGED", "cannot read the statistics: File name too long"),
}


@pytest.mark.parametrize(("name", "facts"), PLACES.items(), ids=[name[:20] for name in PLACES])
def test_a_file_that_is_not_there(tmp_path, name, facts):
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_bytes(b"")
    error = refusal(tmp_path / name)
    assert (error.code, error.where) == (facts[0], shown(tmp_path / name))
    assert error.what.startswith(facts[1])
    assert not is_statistics(tmp_path / name)


def test_a_path_that_none_can_have_is_refused(tmp_path):
    with pytest.raises(UsageError, match="path holds a null byte"):
        load_statistics(tmp_path / "nul\0.npz")
    assert not is_statistics(tmp_path / "nul\0.npz")


def test_the_message_is_one_printable_line(tmp_path):
    error = refusal(tmp_path / "two\nlines\x1b.npz")
    assert str(error).isprintable()
    assert "two\\nlines\\x1b.npz" in error.where


def test_loading_warns_of_nothing(own):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        load_statistics(own(features=features().numpy()))
    assert caught == []


# --- faults while writing ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("old", [None, b"old"], ids=["new file", "old file"])
def test_a_full_disk_leaves_what_was_there(tmp_path, monkeypatch, old):
    path = tmp_path / "s.npz"
    if old:
        path.write_bytes(old)

    def half(stream, *_, **__):
        stream.write(b"half")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(np.lib.format, "write_array", half)
    with pytest.raises(ResourceError, match="No space left") as caught:
        save_statistics(statistics(), path)
    assert (caught.value.exit_code, caught.value.where) == (6, str(path))
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == ({"s.npz": old} if old else {})


def test_a_missing_folder_is_told(tmp_path):
    with pytest.raises(ResourceError) as caught:
        save_statistics(statistics(), tmp_path / "missing" / "s.npz")
    assert caught.value.code == "E-WRITE"


# --- which files are statistics, and the bundled ones ------------------------------------------------------------


def test_statistics_are_known_by_their_members(tmp_path, own):
    save_statistics(statistics(moments=None, features=features()), tmp_path / "features.NPZ")
    np.savez(tmp_path / "images.npz", arr_0=np.zeros((2, 4, 4, 3), dtype=np.uint8))
    np.savez(tmp_path / "only-mu.npz", mu=np.zeros(3))  # broken ones, which load says
    np.savez(tmp_path / "noise.npz", mu=np.zeros(3), images=np.zeros((2, 4, 4, 3), dtype=np.uint8))
    np.savez(tmp_path / "foreign.npz", mu=np.zeros(3), sigma=np.eye(3), more=1)
    (tmp_path / "text.npz").write_text("mu sigma")
    own().with_name("broken.npz").write_bytes(own().read_bytes().replace(b"PK\x01\x02", b"PK\x01\x03"))
    own().rename(tmp_path / "own.zip")
    found = {path.name for path in tmp_path.iterdir() if is_statistics(path)}
    assert found == {"features.NPZ", "foreign.npz", "only-mu.npz", "own.zip"}  # whatever their names
    assert not is_statistics(tmp_path / "missing.npz")


TABLE = {"mnist-test": {"digits": {"file": "a.npz"}, "inception": {"file": "b.npz"}}}


def test_an_unknown_bundled_name_is_answered_with_the_nearest(monkeypatch):
    monkeypatch.setattr(archive, "index", lambda: TABLE)
    with pytest.raises(UsageError) as caught:
        archive.bundled("mnist-tset")
    assert "Did you mean 'mnist-test'?" in caught.value.hint


def test_a_bundled_name_under_another_extractor(monkeypatch):
    monkeypatch.setattr(archive, "index", lambda: TABLE)
    with pytest.raises(StatisticsError, match="exist for digits, inception, not for pixels") as caught:
        archive.bundled("mnist-test", "pixels")
    assert caught.value.code == "E-RECIPE"
    assert '`extractor="digits"`' in caught.value.hint
