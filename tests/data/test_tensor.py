"""Tensors and arrays: exact conversion, and the exact fix for whatever is refused."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ganmetrics.data import open_source
from ganmetrics.data.reading.uint8 import to_uint8
from ganmetrics.errors import InputError, UsageError

CODES = torch.arange(256).view(1, 1, 16, 16).expand(2, 3, 16, 16)


def refusal(images, **fields):
    with pytest.raises(InputError) as caught:
        open_source(images, **fields)
    assert caught.value.exit_code == 3
    return caught.value


def test_uint8_passes_as_it_is(kit):
    images = torch.from_numpy(kit["noise"](150, 3, 4, 5))
    source = open_source(images)
    assert source.count == 150
    assert [len(batch) for batch in source.batches()] == [64, 64, 22]
    assert torch.equal(torch.cat(list(source.batches())), images)
    assert source.notes.sizes == {(4, 5): 150}


@pytest.mark.parametrize(
    "change",
    [lambda x: x, lambda x: x.transpose(0, 3, 1, 2), lambda x: x[::-1], lambda x: x[:, ::2, ::-1]],
    ids=["NHWC", "NCHW", "backwards", "strided"],
)
@pytest.mark.parametrize("is_writable", [True, False])
def test_arrays_of_either_layout_and_any_memory(kit, change, is_writable):
    original = kit["noise"](6, 8, 9, 3)
    images = change(original)
    images.flags.writeable = is_writable
    expected = images if images.shape[3] == 3 else images.transpose(0, 2, 3, 1)
    assert kit["same"](kit["all_images"](open_source(images)), expected)
    assert np.array_equal(original, kit["noise"](6, 8, 9, 3))


@pytest.mark.parametrize("value_range", [(0, 1), (-1, 1), (0, 255), (-3.5, 10)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_all_codes_survive_a_float_range(value_range, dtype):
    low, high = value_range
    images = (CODES.to(torch.float64) / 255 * (high - low) + low).to(dtype)
    assert torch.equal(to_uint8(images, value_range, "test"), CODES.to(torch.uint8))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_rounds_to_the_nearest_code(dtype):
    images = (CODES / 255).to(dtype)
    expected = (images.double() * 255).round().to(torch.uint8)
    assert torch.equal(to_uint8(images, (0, 1), "test"), expected)


@pytest.mark.parametrize(("level", "code"), [(0.5, 0), (1.5, 2), (2.5, 2), (126.5, 126), (253.5, 254)])
def test_half_way_levels_round_to_even(level, code):
    images = torch.full((1, 3, 1, 1), level)
    assert to_uint8(images, (0, 255), "test").unique().tolist() == [code]


def test_values_within_a_thousandth_of_the_span_are_clipped():
    images = torch.tensor([-1.0019, 1.0019]).view(2, 1, 1, 1).expand(2, 3, 1, 1)
    assert to_uint8(images, (-1, 1), "test")[:, 0, 0, 0].tolist() == [0, 255]
    assert "outside" in refusal(images * 1.0003, value_range=(-1, 1)).what


def test_big_endian_and_gradients_are_taken():
    array = np.full((2, 3, 4, 4), 0.2, dtype=">f4")
    assert to_uint8(array, (0, 1), "test").unique().tolist() == [51]
    assert not to_uint8(torch.zeros(1, 3, 2, 2, requires_grad=True), (0, 1), "test").requires_grad


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_69_the_index_of_nan_and_infinity(value):
    images = torch.zeros(200, 3, 4, 5)
    images[130, 2, 1, 3] = value
    images[131] = value
    error = refusal(images, value_range=(0, 1))
    assert error.code == "E-RANGE"
    assert "image 130 at channel 2, row 1, column 3 is NaN or infinite; 61 values are" in error.what


def test_69_the_index_of_a_value_outside():
    images = torch.zeros(100, 3, 4, 5)
    images[70, 1, 2, 3] = -1
    error = refusal(images, value_range=(0, 1))
    assert "image 70 at channel 1, row 2, column 3 lies outside value_range=(0, 1)" in error.what
    assert "run from -1 to 0" in error.what


def test_float_needs_a_range():
    error = refusal(torch.linspace(-1, 1, 48).view(1, 3, 4, 4))
    assert error.code == "E-RANGE"
    assert "need their value_range; the values run from -1 to 1" in error.what


BAD = {  # case: (images, code, words of the sentence, the fix)
    "HWC": (torch.zeros(2, 8, 9, 3).byte(), "E-SHAPE", "[N, H, W, 3]; a tensor must be [N, 3, H, W]", "(0, 3, 1, 2)"),
    "1 channel": (torch.zeros(2, 1, 8, 8).byte(), "E-SHAPE", "has 1 channel;", "images.repeat_interleave(3, dim=-3)"),
    "4 channels": (torch.zeros(2, 4, 8, 8).byte(), "E-SHAPE", "has 4 channels;", "images[..., :3, :, :]"),
    "HWC 1": (torch.zeros(2, 8, 8, 1).byte(), "E-SHAPE", "1 channel;", "(3, dim=-1).permute(0, 3, 1, 2)"),
    "array 1": (np.zeros((2, 8, 8, 1), np.uint8), "E-SHAPE", "1 channel;", "np.repeat(images, 3, axis=-1)"),
    "array 4": (np.zeros((2, 8, 8, 4), np.uint8), "E-SHAPE", "4 channels;", "images[..., :3]"),
    "5 channels": (torch.zeros(2, 5, 8, 8).byte(), "E-SHAPE", "[2, 5, 8, 8]", ""),
    "one image": (torch.zeros(3, 8, 8).byte(), "E-SHAPE", "[3, 8, 8]", "images[None]"),
    "a vector": (torch.zeros(8).byte(), "E-SHAPE", "[8]", ""),
    "int64": (torch.zeros(2, 3, 8, 8).long(), "E-DTYPE", "int64", "images.to(torch.uint8)"),
    "array int32": (np.zeros((2, 8, 8, 3), np.int32), "E-DTYPE", "int32", "images.astype(np.uint8)"),
    "bool": (torch.zeros(2, 3, 8, 8).bool(), "E-DTYPE", "bool", "images.to(torch.uint8) * 255"),
    "complex": (torch.zeros(2, 3, 8, 8).cfloat(), "E-DTYPE", "complex64", "real part"),
    "uint16": (np.zeros((2, 8, 8, 3), np.uint16), "E-DTYPE", "uint16", "or (0, 4095) for images of 12 bits"),
    "objects": (np.zeros((2, 8, 8, 3), object), "E-DTYPE", "object", ""),
    "strings": (np.zeros((2, 8, 8, 3), "U3"), "E-DTYPE", "U3", ""),
    "sparse": (torch.zeros(2, 3, 8, 8).byte().to_sparse(), "E-DTYPE", "torch.sparse_coo", "images.to_dense()"),
    "meta": (torch.zeros(2, 3, 8, 8, device="meta").byte(), "E-DTYPE", "the meta device", "such as cpu"),
    "71 no images": (torch.zeros(0, 3, 8, 8).byte(), "E-EMPTY", "empty", ""),
    "71 no pixels": (torch.zeros(2, 3, 0, 8).byte(), "E-EMPTY", "empty", ""),
}


@pytest.mark.parametrize("case", BAD)
def test_68_refused_with_the_fix(case):
    images, code, words, fix = BAD[case]
    error = refusal(images)
    assert error.code == code
    assert words in error.what.replace("<U3", "U3").replace("str96", "U3")
    assert fix in error.hint


@pytest.mark.parametrize("case", ["HWC", "1 channel", "4 channels", "HWC 1", "array 1", "array 4", "int64", "bool"])
def test_68_the_fix_works(case):
    images, _, _, _ = BAD[case]
    hint = refusal(images).hint
    fix = hint.split("use ")[-1].split("Use ")[-1]
    fixed = eval(fix if "images" in fix else f"images{fix}", {"images": images, "torch": torch, "np": np})
    assert open_source(fixed).count == 2


def test_the_fix_for_uint16_keeps_what_is_white():
    images = np.full((2, 8, 8, 3), 4095, np.uint16)
    hint = refusal(images).hint
    assert "gm.source(images.astype(np.float32), value_range=(0, 65535))" in hint
    pixels = open_source(images.astype(np.float32), value_range=(0, 4095)).batches()
    assert all(bool((batch == 255).all()) for batch in pixels)


@pytest.mark.parametrize("value_range", [(1, 0), (0, 0), (0, float("nan")), (0,), "01", 1, (0, 1, 2)])
def test_value_range_itself_is_checked(value_range):
    with pytest.raises(UsageError, match="value_range is"):
        open_source(torch.zeros(2, 3, 4, 4), value_range=value_range)


def test_4_the_same_tensor_twice_has_the_same_identity():
    images = torch.zeros(2, 3, 4, 4).byte()
    assert open_source(images).identity == open_source(images).identity
    assert open_source(images).identity != open_source(images.clone()).identity
