"""The layers that ProGAN, MSG-GAN and StyleGAN2 share, against values by hand."""

from __future__ import annotations

import math

import pytest
import torch
from torch.nn import functional as F

from ganmetrics.generators.layers import (
    EqualizedConv2d,
    EqualizedLinear,
    MinibatchStd,
    downscaled,
    pixel_norm,
    upscaled,
)


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(0)


@pytest.mark.parametrize(("inputs", "outputs", "kernel"), [(4, 64, 1), (16, 32, 3), (64, 16, 3)])
def test_a_convolution_keeps_unit_variance(inputs: int, outputs: int, kernel: int) -> None:
    layer = EqualizedConv2d(inputs, outputs, kernel, gain=1.0)
    x = torch.randn(64, inputs, 16, 16)
    inside = layer(x)[..., 1:-1, 1:-1]  # where the kernel sees no padding
    assert inside.var().item() == pytest.approx(1, rel=0.15)


@pytest.mark.parametrize("width", [8, 512])
def test_a_linear_layer_keeps_unit_variance(width: int) -> None:
    out = EqualizedLinear(width, 2000, gain=1.0)(torch.randn(200, width))
    assert out.var().item() == pytest.approx(1, rel=0.1)


def test_the_gain_of_a_rectifier_keeps_the_mean_square() -> None:
    out = F.relu(EqualizedLinear(512, 2000)(torch.randn(200, 512)))
    assert out.square().mean().item() == pytest.approx(1, rel=0.1)


@pytest.mark.parametrize("inputs", [3, 300])
def test_stored_weights_have_unit_variance_whatever_the_fan_in(inputs: int) -> None:
    assert EqualizedConv2d(inputs, 100, 3).weight.std().item() == pytest.approx(1, rel=0.05)


def test_weights_are_scaled_at_run_time() -> None:
    layer = EqualizedConv2d(5, 7, 3)
    x = torch.randn(2, 5, 6, 6)
    expected = F.conv2d(x, layer.weight * math.sqrt(2 / 45), layer.bias, padding=1)
    assert torch.allclose(layer(x), expected, atol=1e-6)
    before = layer(x)
    with torch.no_grad():
        layer.weight.mul_(2)
    assert torch.allclose(layer(x), 2 * before, atol=1e-5)


def test_under_adam_every_layer_learns_at_the_same_relative_rate() -> None:
    layers = [EqualizedLinear(4, 8), EqualizedLinear(400, 8)]
    moved = []
    for layer in layers:
        effective = (layer.weight * layer.scale).detach().clone()
        optimizer = torch.optim.Adam(layer.parameters(), lr=0.01)
        layer(torch.randn(16, layer.weight.shape[1])).square().sum().backward()
        optimizer.step()
        change = layer.weight.detach() * layer.scale - effective
        moved.append((change.norm() / effective.norm()).item())
    assert moved[0] == pytest.approx(moved[1], rel=0.2)
    assert moved[1] == pytest.approx(0.01, rel=0.1)


def test_a_learning_rate_multiplier_slows_weights_and_biases_and_leaves_the_start_alone() -> None:
    slow = EqualizedLinear(50, 400, gain=1.0, rate=0.01, bias=1.0)
    x = torch.randn(100, 50)
    out = slow(x)
    assert out.mean().item() == pytest.approx(1, abs=0.05)
    assert out.var().item() == pytest.approx(1, rel=0.15)
    optimizer = torch.optim.SGD(slow.parameters(), lr=1.0)
    slow(torch.zeros(1, 50)).sum().backward()
    optimizer.step()
    # a plain layer's bias would fall by 1; here both the slope and the scale hold the rate
    assert torch.allclose(slow(torch.zeros(1, 50)), torch.full((1, 400), 1 - 1e-4), atol=1e-5)


def test_minibatch_std_by_hand() -> None:
    x = torch.zeros(4, 2, 1, 2)
    x[:, 0, 0, 0] = torch.tensor([1.0, 3.0, 5.0, 7.0])  # standard deviation sqrt(5)
    x[:, 1, 0, 1] = torch.tensor([0.0, 0.0, 2.0, 2.0])  # standard deviation 1
    out = MinibatchStd(group=4)(x)
    assert out.shape == (4, 3, 1, 2)
    assert torch.equal(out[:, :2], x)
    expected = (math.sqrt(5) + 1 + 2 * 1e-4) / 4  # over 2 channels x 2 pixels; sqrt(1e-8) where nothing varies
    assert torch.allclose(out[:, 2], torch.full((4, 1, 2), expected), atol=1e-6)


def test_minibatch_std_of_groups() -> None:
    x = torch.zeros(8, 1, 1, 1)
    x[1::2, 0, 0, 0] = torch.tensor([-1.0, 1.0, -1.0, 1.0])  # images 1, 3, 5, 7 are one group, 0, 2, 4, 6 the other
    std = MinibatchStd(group=4)(x)[:, 1, 0, 0]
    assert torch.allclose(std, torch.tensor([1e-4, 1.0] * 4), atol=1e-6)


@pytest.mark.parametrize(("count", "size"), [(1, 1), (2, 2), (5, 1), (6, 3), (12, 4)])
def test_a_group_divides_the_batch(count: int, size: int) -> None:
    x = torch.randn(count, 3, 2, 2)
    expected = (x.view(size, -1, 3, 2, 2).var(dim=0, unbiased=False) + 1e-8).sqrt().mean(dim=(1, 2, 3))
    assert torch.allclose(MinibatchStd(group=4)(x)[:, 3, 0, 0], expected.repeat(size), atol=1e-6)


def test_identical_images_show_no_variety() -> None:
    x = torch.randn(1, 3, 4, 4).repeat(8, 1, 1, 1)
    assert MinibatchStd()(x)[:, 3].max().item() == pytest.approx(1e-4, rel=1e-2)


@pytest.mark.parametrize("shape", [(4, 10), (2, 6, 5, 5)])
def test_pixel_norm_gives_each_pixel_unit_root_mean_square(shape: tuple[int, ...]) -> None:
    x = torch.randn(shape) * 7 + 3
    out = pixel_norm(x)
    assert torch.allclose(out.square().mean(dim=1), torch.ones(()), atol=1e-5)
    assert torch.allclose(out / out[:, :1], x / x[:, :1], rtol=1e-3)  # the direction is kept


def test_pixel_norm_of_nothing_is_nothing() -> None:
    assert torch.equal(pixel_norm(torch.zeros(2, 3, 4, 4)), torch.zeros(2, 3, 4, 4))


def test_upscaling_repeats_and_downscaling_averages() -> None:
    x = torch.tensor([[[[1.0, 2.0], [3.0, 6.0]]]])
    assert torch.equal(upscaled(x)[0, 0, 0], torch.tensor([1.0, 1.0, 2.0, 2.0]))
    assert downscaled(x).item() == 3
    assert torch.equal(downscaled(upscaled(x)), x)
