"""Samples of a seed: the same whatever their number, in the one currency of images."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

import ganmetrics as gm
from ganmetrics.generators import from_module, load, names, register
from ganmetrics.generators.sampler import CHUNK, LatentSampler, drawn, normal_latents, to_uint8_rgb, uniform_latents


def net(channels: int = 1) -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(5, channels * 36), nn.Tanh(), nn.Unflatten(1, (channels, 6, 6)))


@pytest.mark.parametrize("channels", [1, 3])
def test_images_are_uint8_rgb(channels: int) -> None:
    images = from_module(net(channels), 5)(7)
    assert (images.dtype, tuple(images.shape)) == (torch.uint8, (7, 3, 6, 6))
    assert images.is_contiguous()
    assert torch.equal(images[:, 0], images[:, 2]) == (channels == 1)


@pytest.mark.parametrize("count", [1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK + 3])
def test_the_first_samples_of_a_seed_do_not_depend_on_their_number(count: int) -> None:
    sampler = from_module(net(), 5, latents="uniform")
    assert torch.equal(sampler(count, seed=3), sampler(3 * CHUNK, seed=3)[:count])
    assert not torch.equal(sampler(count, seed=3), sampler(count, seed=4))


def test_sampling_leaves_the_global_stream_alone() -> None:
    sampler = from_module(net(), 5)
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    sampler(10, seed=9)
    assert torch.equal(torch.rand(3), expected)


def test_a_border_is_cut() -> None:
    whole, cut = LatentSampler(net(), normal_latents(5))(4), LatentSampler(net(), normal_latents(5), border=2)(4)
    assert torch.equal(whole[..., 2:4, 2:4], cut)


def test_rounding_is_to_the_nearest_level() -> None:
    values = torch.tensor([-1.0, -1.1, 0.0, 1.0, 1.2, 1 / 127.5 - 1]).reshape(1, 1, 1, 6)
    assert to_uint8_rgb(values)[0, 1, 0].tolist() == [0, 0, 128, 255, 255, 1]


def test_latents_are_of_their_distribution() -> None:
    rng = torch.Generator().manual_seed(0)
    uniform, normal = uniform_latents(4)(20_000, rng), normal_latents(4)(20_000, rng)
    assert uniform.min() >= -1
    assert uniform.max() < 1
    assert uniform.std().item() == pytest.approx(3**-0.5, rel=0.01)
    assert normal.std().item() == pytest.approx(1, rel=0.01)


@pytest.mark.parametrize(
    ("count", "seed"), [(0, 0), (-3, 0), (2.5, 0), ("3", 0), (5, -1), (5, 2**63), (5, 1.5), (5, None)]
)
def test_what_cannot_be_drawn_is_refused(count: Any, seed: Any) -> None:
    with pytest.raises(gm.UsageError):
        drawn(normal_latents(2), count, seed)


def test_a_generator_of_ones_own_is_loaded_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    from ganmetrics import generators

    monkeypatch.setattr(generators, "_registered", {})
    register("mine", lambda: from_module(net(), 5))
    assert "mine" in names()
    assert load("mine")(3).shape == (3, 3, 6, 6)
    with pytest.raises(gm.UsageError, match="taken"):
        register("mine", lambda: from_module(net(), 5))
    with pytest.raises(gm.UsageError, match="without a card"):
        generators.card("mine")
    with pytest.raises(gm.UsageError, match="'normal' or 'uniform'"):
        from_module(net(), 5, latents="cauchy")


def test_the_bundled_dcgan_draws_the_same_pixels_in_one_thread_and_in_several() -> None:
    """It samples in float64, so that no processor's last digit of float32 decides a pixel value."""
    sampler = gm.generators.load("dcgan-mnist")
    threads, found = torch.get_num_threads(), []
    for number in (1, 3):
        torch.set_num_threads(number)
        found.append(sampler(500, seed=0))
    torch.set_num_threads(threads)
    assert torch.equal(*found)
    assert sampler.net(torch.zeros(1, 100, dtype=torch.float64)).dtype == torch.float64
