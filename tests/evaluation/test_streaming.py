"""The streaming evaluation: the numbers of ``gm.evaluate``, however images come; states that merge and are resumed."""

from __future__ import annotations

import gc
import os
import random
import warnings
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import ganmetrics as gm
from ganmetrics.metrics.needs import FEATURES

METRICS = ["fid", "kid(subset_size=100)", "is", "prdc", "ms_ssim_diversity(scales=1)"]


def images(count: int, seed: int, side: int = 16, most: int = 256) -> torch.Tensor:
    rng = torch.Generator().manual_seed(seed)
    return torch.randint(most, (count, 3, side, side), generator=rng, dtype=torch.uint8)


REAL, FAKE = images(230, 0), images(201, 1, most=200)
CORNERS = REAL[:, :, :8, :8], FAKE[:, :, :8, :8]  # where what is tested does not depend on the size


@pytest.fixture(scope="module")
def at_once() -> gm.Result:
    return gm.evaluate(REAL, FAKE, metrics=METRICS, extractor="digits")


def fed(sizes: int, *, real: Any = REAL, **options: Any) -> gm.Evaluation:
    found = gm.Evaluation(METRICS, real, extractor="digits", **options)
    for part in FAKE.split(sizes):
        found.update(part)
    return found


def assert_same(found: gm.Result, wanted: gm.Result, rel: float = 1e-10) -> None:
    assert list(found) == list(wanted)
    for name in wanted:
        assert found[name].value == pytest.approx(wanted[name].value, rel=rel), name
        assert found[name].interval[:2] == pytest.approx(wanted[name].interval[:2], rel=max(rel, 1e-9))
        assert str(found[name].signature) == str(wanted[name].signature)


@pytest.mark.parametrize("size", [1, *(pytest.param(size, marks=pytest.mark.slow) for size in (7, 201)), 64])
def test_any_batches_give_the_numbers_of_all_at_once(size: int, at_once: gm.Result) -> None:
    """To the last bit: the network gets the batches that it gets there."""
    evaluation = fed(size)
    result = evaluation.compute()
    for name in at_once:
        assert result[name].value == at_once[name].value
        assert str(result[name].signature) == str(at_once[name].signature)
    assert result.warnings == at_once.warnings
    assert evaluation.compute()["fid"].value == result["fid"].value, "computing changes nothing"


def test_reals_may_come_in_batches_too(at_once: gm.Result) -> None:
    evaluation = fed(64, real=None)
    for part in REAL.split(50):
        evaluation.update(part, real=True)
    assert (evaluation.real_count, evaluation.count) == (230, 201)
    assert_same(evaluation.compute(), at_once)


@cache
def whole_of_pixels() -> gm.Result:
    whole = gm.Evaluation(["fid", "kid(subset_size=50)", "prdc"], CORNERS[0], extractor="pixels")
    whole.update(CORNERS[1])
    return whole.compute()


@settings(max_examples=4, deadline=None)
@given(st.lists(st.integers(1, 99), min_size=1, max_size=3, unique=True))
def test_merged_parts_are_the_whole(cuts: list[int]) -> None:
    """On features that batches do not change: moments to 1e-10, subsets the same."""
    bounds = [0, *sorted(cuts), len(FAKE)]
    parts = []
    for first, last in pairwise(bounds):
        parts.append(gm.Evaluation(["fid", "kid(subset_size=50)", "prdc"], CORNERS[0], extractor="pixels"))
        parts[-1].update(CORNERS[1][first:last])
    for other in parts[1:]:
        parts[0].merge(other)
    assert_same(parts[0].compute(), whole_of_pixels())


def test_merging_by_indices_knows_the_order(at_once: gm.Result) -> None:
    places = torch.arange(len(FAKE))
    one, other = (gm.Evaluation(METRICS, REAL, extractor="digits") for _ in range(2))
    one.update(FAKE[1::2], indices=places[1::2])
    other.update(FAKE[::2], indices=places[::2])
    one.merge(other)
    assert_same(one.compute(), at_once, rel=1e-6)  # float32 rounding of other batches
    one.merge(other)
    with pytest.raises(gm.InputError, match="101 of 302 images have a place in the set that others have too"):
        one.compute()


@pytest.mark.slow
def test_a_saved_state_is_resumed(tmp_path: Path, at_once: gm.Result) -> None:
    """Through a file that is read without running code, in the middle of a batch."""
    first = gm.Evaluation(METRICS, REAL, extractor="digits")
    first.update(FAKE[:77])
    torch.save(first.state_dict(), tmp_path / "state.pt")
    second = gm.Evaluation(METRICS, REAL, extractor="digits")
    second.update(FAKE[:9])  # is forgotten
    second.load_state_dict(torch.load(tmp_path / "state.pt", weights_only=True))
    for evaluation in (first, second):
        evaluation.update(FAKE[77:])
    for name in at_once:
        assert second.compute()[name].value == first.compute()[name].value
    assert_same(second.compute(), at_once, rel=1e-6)


def test_a_foreign_or_damaged_state_is_refused() -> None:
    evaluation = gm.Evaluation(["fid"], REAL, extractor="pixels")
    evaluation.update(FAKE)
    state = evaluation.state_dict()
    with pytest.raises(gm.StatisticsError, match="another recipe"):
        gm.Evaluation(["fid"], REAL, extractor="digits").load_state_dict(state)
    with pytest.raises(gm.StatisticsError, match="another recipe"):
        evaluation.merge(gm.Evaluation(["kid"], REAL, extractor="pixels"))
    with pytest.raises(gm.StatisticsError, match="another recipe"):
        evaluation.merge(gm.Evaluation(["fid"], REAL[:50], extractor="pixels"))
    with pytest.raises(gm.StatisticsError, match="has version 99"):
        evaluation.load_state_dict({**state, "version": 99})
    for damage in ({"fake": {}}, {"fake": {**state["fake"], "places": torch.arange(3)}}, {"real": {"digests": "x"}}):
        with pytest.raises(gm.StatisticsError, match="damaged"):
            gm.Evaluation(["fid"], REAL, extractor="pixels").load_state_dict({**state, **damage})


def test_a_merge_that_is_refused_changes_nothing() -> None:
    """The real images of both would merge, the fake ones would not: one has indices."""
    one, other = gm.Evaluation(["fid"], extractor="pixels"), gm.Evaluation(["fid"], extractor="pixels")
    for each, indices in ((one, None), (other, torch.arange(len(FAKE)))):
        each.update(REAL, real=True)
        each.update(FAKE, indices=indices)
    before = one.real_count, one.count
    with pytest.raises(gm.UsageError, match="places of its images"):
        one.merge(other)
    assert (one.real_count, one.count) == before


def test_a_reset_forgets_the_fakes_and_only_they() -> None:
    evaluation = gm.Evaluation(["fid"], extractor="pixels")
    evaluation.update(REAL, real=True)
    evaluation.update(images(50, 9))
    evaluation.reset()
    evaluation.update(FAKE)
    alone = gm.evaluate(REAL, FAKE, extractor="pixels")["fid"]
    assert evaluation.compute()["fid"].value == alone.value
    evaluation.reset(real=True)
    assert (evaluation.real_count, evaluation.count) == (0, 0)
    with pytest.raises(gm.InputError, match="0 images found where at least 2 are needed"):
        evaluation.compute()


def test_rows_are_bounded_and_the_signature_says_so() -> None:
    """FID reads moments of all; KID a sample, whose value is that of a sample."""
    fake = images(3000, 4, most=200)
    evaluation = gm.Evaluation(["fid", "kid(subset_size=100)"], REAL, extractor="pixels", max_rows=200)
    for part in fake.split(100):
        evaluation.update(part)
    assert evaluation._streams["fake"].gathering.collector.keepers[FEATURES].count < 400
    result = evaluation.compute()
    whole = gm.evaluate(REAL, fake, metrics=["fid", "kid(subset_size=100)"], extractor="pixels")
    assert result["fid"].value == pytest.approx(whole["fid"].value, rel=1e-10)
    assert "rows=" not in str(result["fid"].signature)
    assert "fake:#3000:" in str(result["kid"].signature)
    assert ":rows=200" in str(result["kid"].signature)
    assert len(result.fake.features) == 200
    assert any("read a sample of 200 of 3000 images" in warning for warning in result.warnings)
    assert result["kid"].value == pytest.approx(whole["kid"].value, abs=6 * whole["kid"].std)


def test_floats_state_their_range_and_are_checked_for_every_batch(at_once: gm.Result) -> None:
    evaluation = gm.Evaluation(METRICS, REAL, extractor="digits", value_range=(-1, 1))
    for part in FAKE.split(40):
        evaluation.update(part / 127.5 - 1)
    assert_same(evaluation.compute(), at_once)
    count = evaluation.count
    with pytest.raises(gm.InputError, match=r"image 203 at channel 0.*outside value_range"):
        evaluation.update(torch.zeros(5, 3, 16, 16).index_fill_(0, torch.tensor(2), 1.5))
    assert evaluation.count == count, "a refused batch leaves nothing behind"
    with pytest.raises(gm.InputError, match="NaN"):
        evaluation.update(torch.full((2, 3, 8, 8), float("nan")))
    with pytest.raises(gm.InputError, match="float images need their value_range"):
        gm.Evaluation(["fid"], REAL, extractor="pixels").update(torch.zeros(2, 3, 8, 8))


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"metrics": "class_fid"}, gm.UsageError, "needs the class of each image"),
        ({"metrics": "ct"}, gm.UsageError, "needs test images"),
        ({"metrics": "all"}, gm.UsageError, "cannot be asked for all or default metrics"),
        ({"metrics": "default"}, gm.UsageError, "cannot be asked for all or default metrics"),
        ({"metrics": "fidd"}, gm.UsageError, "Did you mean"),
        ({"max_rows": 1}, gm.UsageError, "at least 2"),
        ({"ci": "often"}, gm.UsageError, "often"),
        ({"value_range": (1, 0)}, gm.UsageError, "low < high"),
        ({"reference": "nowhere/"}, gm.InputError, "no such"),
        ({"reference": "mnist-test", "extractor": "pixels"}, gm.StatisticsError, "not for pixels"),
        ({"device": "tpu"}, gm.UsageError, "device"),
    ],
)
def test_what_cannot_be_meant_is_refused_at_once(options: dict[str, Any], error: type, words: str) -> None:
    with pytest.raises(error, match=words):
        gm.Evaluation(**{"metrics": "fid", "extractor": "pixels", **options})


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"images": FAKE[:3], "indices": [0, 1]}, r"indices have the shape \[2\]"),
        ({"images": FAKE[:2], "indices": [0.5, 1.5]}, "dtype"),
        ({"images": FAKE[:2], "indices": [0, -1]}, "at least 0"),
        ({"images": FAKE[:2, :1]}, "1 channel"),
        ({"images": FAKE[:0]}, "empty"),
        ({"images": FAKE.to(torch.int64)}, "dtype int64"),
    ],
)
def test_a_batch_that_cannot_be_meant_is_refused(arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(gm.InputError, match=words):
        gm.Evaluation(["fid"], REAL, extractor="pixels").update(**arguments)


def test_indices_and_reals_are_all_or_none() -> None:
    evaluation = gm.Evaluation(["fid"], REAL, extractor="pixels")
    evaluation.update(FAKE[:5])
    with pytest.raises(gm.UsageError, match="indices were given for some batches"):
        evaluation.update(FAKE[5:9], indices=range(5, 9))
    with pytest.raises(gm.UsageError, match="the reference's"):
        evaluation.update(FAKE[5:9], real=True)


def test_too_many_or_too_few_images_are_told() -> None:
    evaluation = gm.Evaluation(["fid"], REAL, extractor="pixels")
    evaluation.update(FAKE)
    with pytest.raises(gm.InputError, match=r"saw 201 fake images, the set has 200 .*repeat some"):
        evaluation.compute(num_images=200)
    with pytest.raises(gm.InputError, match="saw 201 fake images, the set has 300"):
        evaluation.compute(num_images=300)


def test_the_callers_tensor_may_be_overwritten() -> None:
    evaluation = gm.Evaluation(["fid"], REAL, extractor="pixels")
    buffer = torch.empty_like(FAKE[:67])
    for part in FAKE.split(67):
        buffer.copy_(part)
        evaluation.update(buffer)
        buffer.zero_()
    assert evaluation.compute()["fid"].value == gm.evaluate(REAL, FAKE, extractor="pixels")["fid"].value


def surroundings() -> dict[str, Any]:
    """All of the caller's that an evaluation could disturb."""
    backends: Any = torch.backends
    return {
        "torch": torch.get_rng_state().tolist(),
        "numpy": repr(np.random.get_state()),
        "python": random.getstate(),
        "filters": list(warnings.filters),
        "flags": (backends.cudnn.benchmark, backends.cudnn.deterministic, backends.cudnn.enabled),
        "precision": torch.get_float32_matmul_precision(),
        "deterministic": torch.are_deterministic_algorithms_enabled(),
        "dtype": torch.get_default_dtype(),
        "device": torch.get_default_device(),
        "grad": torch.is_grad_enabled(),
        "inference": torch.is_inference_mode_enabled(),
        "autocast": torch.is_autocast_enabled("cpu"),
        "threads": torch.get_num_threads(),
        "environment": dict(os.environ),
        "folder": os.getcwd(),
    }


class Generator(torch.nn.Module):
    """With batch normalisation and dropout, in training mode."""

    def __init__(self) -> None:
        super().__init__()
        self.net = torch.nn.Sequential(torch.nn.Linear(8, 3 * 256), torch.nn.BatchNorm1d(3 * 256), torch.nn.Dropout())

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        return torch.tanh(self.net(z)).view(-1, 3, 16, 16)


@pytest.mark.parametrize("metric", ["fid", "kid(subset_size=20)", "is", "prdc", "vendi", "ms_ssim_diversity(scales=1)"])
def test_nothing_of_the_callers_is_touched(metric: str, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    reads = ("moments", "features", "logits")
    gm.save_statistics(gm.measure(REAL, reads=reads, extractor="digits"), tmp_path / "r.npz")
    net = Generator()
    made = net(torch.randn(64, 8))
    torch.manual_seed(5)
    before = surroundings()
    evaluation = gm.Evaluation([metric], tmp_path / "r.npz", extractor="digits", value_range=(-1, 1))
    evaluation.update(made)
    evaluation.update(made.detach())
    evaluation.compute()
    evaluation.load_state_dict(evaluation.state_dict())
    evaluation.reset()
    assert surroundings() == before
    assert net.training
    assert net.net[1].num_batches_tracked == 1
    made.sum().backward()  # the graph is still there
    assert net.net[0].weight.grad is not None
    assert capsys.readouterr() == ("", "")


def test_training_is_the_same_with_an_evaluation_inside() -> None:
    """Five steps with noise: the same weights to the last bit."""

    def trained(is_watched: bool) -> torch.Tensor:
        torch.manual_seed(0)
        net = Generator()
        optimizer = torch.optim.Adam(net.parameters(), 0.01)
        for _ in range(5):
            made = net(torch.randn(32, 8))
            if is_watched:
                evaluation = gm.Evaluation(["fid", "is"], REAL, extractor="digits", value_range=(-1, 1))
                evaluation.update(made)
                evaluation.compute()
            optimizer.zero_grad()
            (made - torch.randn_like(made)).square().mean().backward()
            optimizer.step()
        return net.net[0].weight.detach()

    assert torch.equal(trained(False), trained(True))


def test_one_network_whatever_the_number_of_metrics(monkeypatch: pytest.MonkeyPatch) -> None:
    """And each image meets it once."""
    from ganmetrics.extractors.digits import Digits

    built, passed = [], []
    init, forward = Digits.__init__, Digits.forward
    monkeypatch.setattr(Digits, "__init__", lambda self, *given: (built.append(1), init(self, *given))[1])
    monkeypatch.setattr(
        Digits, "forward", lambda self, inputs, layers: (passed.append(len(inputs)), forward(self, inputs, layers))[1]
    )
    evaluation = gm.Evaluation(["fid", "kid(subset_size=50)", "is", "prdc", "vendi"], REAL, extractor="digits")
    evaluation.update(FAKE)
    evaluation.compute()
    evaluation.compute()
    assert (len(built), sum(passed)) == (1, len(REAL) + len(FAKE))


def _resident() -> int:
    with open("/proc/self/statm") as stream:
        return int(stream.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="reads Linux's /proc")
@pytest.mark.slow
def test_a_thousand_cycles_leave_memory_and_files_as_they_were() -> None:
    """Update, compute, reset: neither resident memory nor open files grow over the last three quarters."""
    metrics = ["fid", "kid(subset_size=20,num_subsets=5)", "prdc"]
    evaluation = gm.Evaluation(metrics, CORNERS[0][:60], extractor="pixels", ci="off")
    sizes, files = [], []
    for cycle in range(1_000):
        evaluation.update(CORNERS[1][cycle % 100 : cycle % 100 + 40])
        evaluation.compute()
        evaluation.reset()
        if cycle % 50 == 49:
            gc.collect()
            sizes.append(_resident())
            files.append(len(os.listdir("/proc/self/fd")))
    assert len(set(files)) == 1
    slope = np.polyfit(np.arange(15), sizes[5:], 1)[0]  # bytes in fifty cycles
    assert slope < 50 * 1024, f"{slope / 50:.0f} bytes a cycle"


def test_a_generator_is_scored_as_the_fake_side() -> None:
    """Real first, as everywhere; the other way round is refused with how to call it."""
    sampler = gm.generators.load("dcgan-mnist")
    found = gm.evaluate("mnist-test", sampler, num_images=100, extractor="digits")
    alone = gm.evaluate("mnist-test", sampler(100, seed=0), extractor="digits")
    assert found["fid"].value == pytest.approx(alone["fid"].value, rel=1e-6)
    with pytest.raises(gm.UsageError, match=r"stands where the real images belong.*real, then fake"):
        gm.evaluate(sampler, "mnist-test", num_images=100, extractor="digits")
