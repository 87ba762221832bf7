"""Running extractors: order, batches, memory, precision, and what a caller finds unchanged afterwards."""

from __future__ import annotations

import random
import warnings
import weakref
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import ganmetrics as gm
from ganmetrics.extractors import load_extractor, respelled
from ganmetrics.extractors._arithmetic import arithmetic, in_pieces
from ganmetrics.extractors.digits import Digits
from ganmetrics.extractors.extraction import Extraction, choose_device
from ganmetrics.extractors.extractor import PRECISIONS, Extractor
from ganmetrics.extractors.pixels import Pixels
from ganmetrics.extractors.random_vgg16 import RandomVGG16
from ganmetrics.measurement.reader import recipe_of

CPU = torch.device("cpu")


def images(count: int, size: int = 28, seed: int = 0) -> torch.Tensor:
    rng = np.random.default_rng(seed)
    return torch.from_numpy(rng.integers(0, 256, (count, 3, size, size), dtype=np.uint8))


def extract(extractor: Extractor, batches: list[torch.Tensor], batch_size: int | None = None) -> torch.Tensor:
    rows = Extraction(extractor, [extractor.feature_layer], CPU, batch_size).run(iter(batches))
    return torch.cat([found[extractor.feature_layer] for found in rows])


class Spy(Pixels):
    """Pixels that remember the sizes of their batches and can run out of memory."""

    def __init__(self, limit: int | None = None) -> None:
        super().__init__()
        self.limit = limit
        self.calls: list[int] = []

    def forward(self, inputs: torch.Tensor, layers: Any) -> dict[str, torch.Tensor]:
        self.calls.append(len(inputs))
        if self.limit is not None and len(inputs) > self.limit:
            raise RuntimeError("CUDA out of memory. Tried to allocate")
        return super().forward(inputs, layers)


@pytest.mark.parametrize("batch_size", [1, 3, 16, 64])
@pytest.mark.parametrize("split", [[37], [1] * 37, [20, 17], [5, 30, 2]])
def test_batches_change_nothing(batch_size: int, split: list[int]) -> None:
    whole = images(37)
    got = extract(Digits(), list(whole.split(split)), batch_size)
    assert torch.allclose(got, extract(Digits(), [whole], 37), atol=1e-5)


def test_batches_are_full_whatever_the_source_yields() -> None:
    spy = Spy()
    extract(spy, list(images(50).split(7)), 16)
    assert spy.calls == [16, 16, 16, 2]


def test_mixed_sizes_keep_their_order() -> None:
    batches = [images(3, 20), images(2, 31), images(1, 20)]
    got = extract(Pixels(), batches, 4)
    assert torch.equal(got, torch.cat([extract(Pixels(), [batch]) for batch in batches]))


@pytest.mark.parametrize("limit", [1, 2, 5])
def test_running_out_of_memory_halves_the_batch_and_keeps_the_features(limit: int) -> None:
    spy = Spy(limit)
    assert torch.equal(extract(spy, [images(21)], 16), extract(Pixels(), [images(21)]))
    assert max(spy.calls[-3:]) <= limit


def test_a_failed_pass_is_freed_before_its_halves_run() -> None:
    """The handled exception's traceback would keep every tensor of the failed pass, and halving would free nothing."""
    alive: list[weakref.ref[torch.Tensor]] = []

    class Greedy(Spy):
        def forward(self, inputs: torch.Tensor, layers: Any) -> dict[str, torch.Tensor]:
            assert not any(reference() is not None for reference in alive)
            activations = inputs * 2
            alive.append(weakref.ref(activations))
            return super().forward(inputs, layers)

    extract(Greedy(2), [images(16)], 16)
    assert len(alive) > 3


def test_preparing_is_within_the_batch_size_and_memory_too() -> None:
    class Small(Pixels):
        def prepare(self, batch: torch.Tensor) -> torch.Tensor:
            if len(batch) > 3:
                raise RuntimeError("CUDA out of memory. Tried to allocate")
            return super().prepare(batch)

    assert torch.equal(extract(Small(), [images(21)], 16), extract(Pixels(), [images(21)]))


def test_not_even_one_image_fits() -> None:
    with pytest.raises(gm.ResourceError, match="one image does not fit"):
        extract(Spy(0), [images(2)], 2)


def test_other_errors_are_not_taken_for_memory() -> None:
    class Broken(Pixels):
        def forward(self, inputs: torch.Tensor, layers: Any) -> dict[str, torch.Tensor]:
            raise RuntimeError("something else")

    with pytest.raises(RuntimeError, match="something else"):
        extract(Broken(), [images(2)], 2)


def test_nan_features_name_their_image() -> None:
    class Holed(Pixels):
        def forward(self, inputs: torch.Tensor, layers: Any) -> dict[str, torch.Tensor]:
            found = super().forward(inputs, layers)["features"].clone()
            found[inputs.amax(dim=(1, 2, 3)) == 0] = torch.nan
            return {"features": found}

    batch = images(20)
    batch[13] = 0
    with pytest.raises(gm.InputError, match="image 13"):
        extract(Holed(), [batch], 8)


@pytest.mark.parametrize(
    ("device", "words"),
    [("cuda:99", "not there"), ("tpu", "unknown device"), ("cpu:1", "not there"), ("meta", "unsupp")],
)
def test_devices_that_are_not_there(device: str, words: str) -> None:
    with pytest.raises(gm.UsageError, match=words):
        choose_device(device)


def test_true_float32_puts_everything_back() -> None:
    def switches() -> tuple[Any, ...]:
        backends: Any = torch.backends
        return (
            torch.get_float32_matmul_precision(), backends.cudnn.allow_tf32, backends.cuda.matmul.allow_tf32,
            backends.cudnn.benchmark, backends.cudnn.deterministic, torch.is_grad_enabled(),
            torch.is_autocast_enabled("cpu"), torch.is_inference_mode_enabled(),
        )  # fmt: skip

    before = switches()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        with arithmetic():
            assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == torch.float32
            assert not torch.is_grad_enabled()
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == torch.bfloat16
    assert switches() == before


def test_true_float32_puts_everything_back_after_an_error() -> None:
    before = torch.backends.cudnn.deterministic, torch.is_grad_enabled()
    with pytest.raises(ValueError, match="inside"), arithmetic():
        raise ValueError("inside")
    assert (torch.backends.cudnn.deterministic, torch.is_grad_enabled()) == before


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv, self.drop, self.norm = nn.Conv2d(3, 4, 3), nn.Dropout(0.5), nn.BatchNorm2d(4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.drop(self.norm(self.conv(x.float()))).mean(dim=(2, 3))


def test_a_users_module_runs_in_evaluation_mode_and_stays_in_training() -> None:
    net = Net().train()
    net.norm.eval()
    before = {name: value.clone() for name, value in net.state_dict().items()}
    one = gm.fid(images(20), images(20, seed=1), extractor=net, device="cpu")
    two = gm.fid(images(20), images(20, seed=1), extractor=net, device="cpu")
    assert one.value == two.value
    assert (net.training, net.drop.training, net.norm.training) == (True, True, False)
    assert all(torch.equal(before[name], value) for name, value in net.state_dict().items())
    assert one.signature.network.startswith("custom-Net:")


def test_a_modules_values_stand_in_the_signature() -> None:
    torch.manual_seed(0)
    nets = [Net(), Net()]
    names = {gm.load_extractor(net).identity for net in nets}
    assert len(names) == 2


def test_a_function_is_an_extractor() -> None:
    def mean_colour(x: torch.Tensor) -> torch.Tensor:
        return x.float().mean(dim=(2, 3))

    score = gm.fid(images(20), images(20, seed=1), extractor=mean_colour, device="cpu")
    assert score.signature.network == "custom-mean_colour:unhashed"
    assert score.value > 0


@pytest.mark.parametrize(
    "wrong",
    [
        lambda x: x.float(),
        lambda x: x.float().mean(dim=(2, 3))[:, :0],
        lambda x: x.float().mean(dim=(1, 2, 3)),
        lambda x: 3,
    ],
)
def test_features_of_another_shape_are_refused(wrong) -> None:
    with pytest.raises(gm.InputError, match=r"expected a tensor of shape \[20, D\]"):
        gm.fid(images(20), images(20, seed=1), extractor=wrong, device="cpu")


def test_the_callers_world_is_as_it_was() -> None:
    """No random stream, filter, flag or default moves, whatever is asked of the package."""
    torch.manual_seed(3)
    np.random.seed(3)
    random.seed(3)

    def world() -> list[Any]:
        state: Any = np.random.get_state()
        return [
            torch.get_rng_state().tolist(), state[1].tolist(), state[2], random.getstate(), list(warnings.filters),
            torch.get_default_dtype(), torch.is_grad_enabled(), torch.get_num_threads(), torch.backends.cudnn.benchmark,
        ]  # fmt: skip

    before = world()
    gm.evaluate(images(40), images(40, seed=1), metrics=["fid", "is", "kid(subset_size=20)"], extractor="digits")
    assert world() == before


def test_a_default_of_float64_changes_nothing() -> None:
    expected = gm.fid(images(20), images(20, seed=1), extractor="digits").value
    torch.set_default_dtype(torch.float64)
    try:
        assert gm.fid(images(20), images(20, seed=1), extractor="digits").value == expected
    finally:
        torch.set_default_dtype(torch.float32)


def test_autocast_outside_changes_nothing() -> None:
    expected = gm.fid(images(20), images(20, seed=1), extractor="digits", device="cpu").value
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert gm.fid(images(20), images(20, seed=1), extractor="digits", device="cpu").value == expected


def test_layers_are_chosen_by_name() -> None:
    extractor = gm.load_extractor("digits:logits")
    assert extractor.identity.endswith("/logits")
    assert extract(extractor, [images(3)]).shape == (3, 10)
    with pytest.raises(gm.UsageError, match="Did you mean 'logits'"):
        gm.load_extractor("digits:logit")
    with pytest.raises(gm.UsageError, match="Did you mean 'digits'"):
        gm.load_extractor("digit")


def test_pixels_are_mean_colours() -> None:
    batch = torch.zeros(1, 3, 16, 16, dtype=torch.uint8)
    batch[:, 0, :2, :2] = 255
    got = extract(Pixels(), [batch])
    assert got.shape == (1, 192)
    assert got[0, 0] == 1
    assert got.sum() == 1


def test_the_inception_score_needs_a_classifier() -> None:
    with pytest.raises(gm.UsageError, match="no class probabilities"):
        gm.inception_score(images(20), extractor="pixels")


@pytest.mark.slow
def test_random_vgg16_is_the_same_everywhere() -> None:
    """The weights come from the seed alone; the golden values were written by this class on an x86-64 CPU."""
    net = RandomVGG16()
    assert float(net.net.features[0].weight.sum()) == pytest.approx(GOLDEN_FIRST, rel=1e-6)
    got = extract(net, [images(2, 64)])
    assert got.shape == (2, 64)
    assert float(got.std()) > 0.01
    assert float((got[0] - got[1]).abs().max()) > 1e-3
    assert torch.allclose(got, extract(RandomVGG16(), [images(2, 64)]), atol=1e-6)


GOLDEN_FIRST = 13.041274070739746


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_gpu_gives_the_cpus_features() -> None:
    on_cpu = extract(Digits(), [images(37)], 8)
    gpu = Extraction(Digits(), ["features"], torch.device("cuda"), 16)
    on_gpu = torch.cat([found["features"] for found in gpu.run(iter([images(37)]))])
    assert torch.allclose(on_cpu, on_gpu, atol=1e-4)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_tf32_on_a_gpu_is_near_float32_and_not_equal(synthetic_weights: Path) -> None:
    found = []
    for name in ("inception", "inception+tf32"):
        extraction = Extraction(load_extractor(name, synthetic_weights), ["2048"], torch.device("cuda"), 16)
        found.append(torch.cat([each["2048"] for each in extraction.run(iter([images(20, 64)]))]))
    exact, fast = found
    assert 1e-5 < float((exact - fast).norm() / exact.norm()) < 0.05


def test_tf32_is_refused_where_there_is_none_and_named_where_it_is() -> None:
    fast = load_extractor("pixels+tf32")
    with pytest.raises(gm.UsageError, match="tf32 is an arithmetic of NVIDIA GPUs; the device is cpu"):
        Extraction(fast, ["pixels"], CPU)
    recipe = recipe_of(fast)
    assert (recipe.extractor, recipe.precision) == ("pixels+tf32", "tf32/float64")
    assert recipe.differences(recipe_of(Pixels())) == ["precision: tf32/float64 / float32/float64"]
    with pytest.raises(gm.UsageError, match=r"unknown precision 'tf16'\. Did you mean 'tf32'"):
        load_extractor("pixels+tf16")


@pytest.mark.skipif(not hasattr(torch.backends.cudnn.conv, "fp32_precision"), reason="older torch has other switches")
def test_the_switches_of_tf32_are_put_back() -> None:
    def seen() -> tuple[str, str]:
        return torch.backends.cudnn.conv.fp32_precision, torch.backends.cuda.matmul.fp32_precision

    before = seen()
    with arithmetic("tf32"):
        assert seen() == ("tf32", "tf32")
        with arithmetic("float32"):
            assert seen() == ("ieee", "ieee")
        assert seen() == ("tf32", "tf32")
    assert seen() == before
    for precision in PRECISIONS:
        with arithmetic(precision):
            assert seen()[0] == {"float32": "ieee", "tf32": "tf32"}[precision]


@pytest.mark.parametrize(
    ("extractor", "way", "expected"),
    [
        (None, "exact", "inception-exact"),
        ("inception:768@clean-bicubic", "exact", "inception-exact:768@clean-bicubic"),
        ("inception-exact", "exact", "inception-exact"),
        (None, "fast", "inception+tf32"),
        ("inception:768+tf32", "fast", "inception:768+tf32"),
        ("dinov2-vitl14", "fast", "dinov2-vitl14+tf32"),
    ],
)
def test_ways_of_computing_respell_an_extractor(extractor: str | None, way: str, expected: str) -> None:
    assert respelled(extractor, way) == expected


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("count", [1, 2, 16, 17, 40])
def test_pieces_keep_their_order_and_the_callers_modes(count: int, threads: int) -> None:
    seen: list[tuple[int, int, bool]] = []

    def run(piece: torch.Tensor) -> dict[str, torch.Tensor]:
        seen.append((len(piece), torch.get_num_threads(), torch.is_inference_mode_enabled()))
        return {"double": piece * 2}

    saved = torch.get_num_threads()
    try:
        torch.set_num_threads(threads)
        with torch.inference_mode():
            found = in_pieces(run, torch.arange(count)[:, None])
        assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(saved)
    assert torch.equal(found["double"][:, 0], 2 * torch.arange(count))
    assert sum(size for size, *_ in seen) == count
    assert all(size <= 16 and is_inference for size, _, is_inference in seen)
    assert count == 1 or all(used == 1 for _, used, _ in seen)


def test_a_failure_in_a_piece_reaches_the_caller_with_the_threads_put_back() -> None:
    def run(piece: torch.Tensor) -> dict[str, torch.Tensor]:
        raise RuntimeError("out of memory")

    saved = torch.get_num_threads()
    with pytest.raises(RuntimeError, match="out of memory"):
        in_pieces(run, torch.zeros(40, 1))
    assert torch.get_num_threads() == saved
