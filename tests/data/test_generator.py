"""Generators as sources: the images of a seed, whatever else happens, and a network left as it was found."""

from __future__ import annotations

import random

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import TensorDataset

import ganmetrics as gm
import ganmetrics.data as data
from ganmetrics.data import open_source
from ganmetrics.data.generator import GeneratorSource
from ganmetrics.data.reading.batches import Share
from ganmetrics.data.source import Opening
from ganmetrics.errors import InputError, UsageError


class Noisy(nn.Module):
    """A generator with everything that a careless reading would disturb: statistics of batches, dropout, noise."""

    def __init__(self, channels=3, latent_dim=8):
        super().__init__()
        self.latent_dim, self.channels, self.calls = latent_dim, channels, []
        self.body = nn.Sequential(nn.Linear(latent_dim, 16), nn.BatchNorm1d(16), nn.Dropout(0.5))
        self.head = nn.Linear(16, channels * 36)
        self.body[2].eval()  # a flag of its own, not that of the whole

    def forward(self, latents):
        assert not self.training
        assert not torch.is_grad_enabled()
        self.calls.append(len(latents))
        shift = random.random() + np.random.rand() + torch.rand(len(latents), 1)
        return torch.tanh(self.head(self.body(latents)) + 0.1 * shift).view(-1, self.channels, 6, 6)


@pytest.fixture
def net():
    torch.manual_seed(0)
    return Noisy().train()


def images_of(value, num_images, seed=0, **options):
    source = open_source(value, num_images=num_images, value_range=(-1, 1), seed=seed, **options)
    return torch.cat(list(source.batches()))


def test_the_first_images_of_a_seed_are_the_same_however_many(net):
    source = open_source(net, num_images=150, value_range=(-1, 1))
    assert isinstance(source, GeneratorSource)
    assert (source.count, source.name) == (150, "generator Noisy")
    batches = list(source.batches())
    assert [len(batch) for batch in batches] == [64, 64, 22]
    assert source.notes.sizes == {(6, 6): 150}
    torch.manual_seed(5)
    assert torch.equal(torch.cat(batches)[:70], images_of(net, 70))
    assert torch.equal(torch.cat(batches), torch.cat(list(source.batches())))
    assert not torch.equal(images_of(net, 70), images_of(net, 70, seed=1))


def test_latents_follow_the_stated_rule():
    """The rule of the docstring, in its own words."""
    net = nn.Sequential(nn.Linear(4, 12), nn.Tanh(), nn.Unflatten(1, (3, 2, 2)))
    found = images_of(net, 128, seed=3, latents=4)
    latents = torch.cat([torch.randn(64, 4, generator=torch.Generator().manual_seed(3_000_009 + c)) for c in (0, 1)])
    with torch.no_grad():
        expected = ((net(latents) + 1) * 127.5).round().to(torch.uint8)
    assert torch.equal(found, expected)


def test_noise_inside_forward_is_not_the_latents_again():
    class Twice(nn.Module):
        def forward(self, latents):
            self.same = torch.equal(latents, torch.randn_like(latents))
            return latents.tanh().view(-1, 3, 2, 2)

    net = Twice()
    images_of(net, 64, latents=12)
    assert not net.same


@pytest.mark.parametrize("world", [2, 3])
@pytest.mark.parametrize("start", [0, 100])
def test_shares_make_their_own_images_only(net, world, start):
    whole = images_of(net, 1500)
    found = torch.zeros_like(whole)
    net.calls.clear()
    for rank in range(world):
        source = open_source(net, num_images=1500, value_range=(-1, 1))
        for places, images in source.share(Share(rank, world, start)):
            assert not found[places].any()
            found[places] = images
    assert torch.equal(found[start:], whole[start:])
    made = sum(calls for calls in net.calls if calls != 2)
    assert made <= 1500 + 64 * (1 + 2 * 3 * bool(start))  # a chunk on a border is made on both sides of it


@pytest.mark.usefixtures("unchanged")
def test_the_network_is_left_as_it_was(net):
    flags = [module.training for module in net.modules()]
    state = {name: value.clone() for name, value in net.state_dict().items()}
    images_of(net, 100)
    assert [module.training for module in net.modules()] == flags
    assert all(torch.equal(value, state[name]) for name, value in net.state_dict().items())
    assert all(parameter.requires_grad and parameter.grad is None for parameter in net.parameters())
    assert torch.is_grad_enabled()


@pytest.mark.usefixtures("unchanged")
def test_an_error_leaves_it_as_it_was_too(net):
    flags = [module.training for module in net.modules()]
    with pytest.raises(InputError, match="refused latents of shape") as caught:
        images_of(net, 10, latents=9)
    assert "generator=rng" in caught.value.hint
    assert [module.training for module in net.modules()] == flags


def test_an_interrupted_reading_leaves_no_trace(net):
    before = torch.get_rng_state()
    batches = open_source(net, num_images=200, value_range=(-1, 1)).batches()
    next(batches)
    assert net.training
    assert torch.equal(torch.get_rng_state(), before)


def test_autocast_around_it_changes_nothing(net):
    expected = images_of(net, 64)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(images_of(net, 64), expected)


def test_latents_have_the_dtype_of_the_weights(net):
    assert images_of(net.double(), 3).shape == (3, 3, 6, 6)


def test_grey_images_get_three_channels():
    images = images_of(Noisy(channels=1), 5)
    assert images.shape == (5, 3, 6, 6)
    assert images.is_contiguous()
    assert torch.equal(images[:, 0], images[:, 2])


@pytest.mark.parametrize("name", ["latent_dim", "z_dim", "nz", "dim_z"])
def test_the_size_of_the_latents_is_the_networks_own(name):
    net = nn.Sequential(nn.Linear(7, 12), nn.Tanh(), nn.Unflatten(1, (3, 2, 2)))
    setattr(net, name, 7)
    assert torch.equal(images_of(net, 5), images_of(net, 5, latents=7))


def test_latents_may_be_a_function():
    net = nn.Sequential(nn.ConvTranspose2d(4, 3, 4), nn.Tanh())
    found = images_of(net, 70, latents=lambda count, rng: torch.rand(count, 4, 1, 1, generator=rng))
    assert found.shape == (70, 3, 4, 4)
    assert torch.equal(found, images_of(net, 70, latents=lambda count, _: torch.rand(count, 4, 1, 1, generator=_)))


def test_a_replica_is_read_without_its_wrapper(net):
    wrapped = nn.DataParallel(net)
    assert torch.equal(images_of(wrapped, 10), images_of(net, 10))


def test_a_sampler_is_asked_once_for_all():
    sampler = gm.generators.load("dcgan-mnist")
    source = open_source(sampler, num_images=130, seed=7)
    assert isinstance(source, GeneratorSource)
    assert torch.equal(torch.cat(list(source.batches())), sampler(130, seed=7))


@pytest.mark.usefixtures("unchanged")
def test_a_function_can_be_read_by_chunks_with_streams_of_their_own():
    """Not by ``open_source``, which leaves a function its own streams; the monitor of trainings reads it so."""
    calls = []

    def function(num):
        calls.append(num)
        return torch.rand(num, 3, 4, 4)

    opening = Opening(num_images=100, value_range=(0, 1))
    first = torch.cat(list(GeneratorSource(function, opening).batches()))
    assert (first.shape[0], calls) == (100, [64, 64])
    assert torch.equal(first, torch.cat(list(GeneratorSource(function, opening).batches())))
    assert not torch.equal(first[:36], first[64:])


def seeded(num, seed=0):
    return torch.full((num, 3, 2, 2), seed, dtype=torch.uint8)


class Sampling:
    def __call__(self, num_samples, *, seed=0):
        return seeded(num_samples, seed)


@pytest.mark.parametrize("value", [nn.Identity(), Sampling(), seeded, gm.generators.load("dcgan-mnist")])
def test_generators_are_of_exactly_one_kind(value):
    (kind,) = [kind for kind in data.kinds() if kind.matches(value)]
    assert kind.takes_latents


@pytest.mark.parametrize("value", [nn.Identity, lambda num: seeded(num), TensorDataset(seeded(2)), zip, print])
def test_others_are_none(value):
    assert not any(kind.takes_latents for kind in data.kinds() if kind.matches(value))


LINEAR = nn.Sequential(nn.Linear(4, 12), nn.Unflatten(1, (3, 2, 2)))
REFUSED = {  # case: (generator, options, error, words)
    "no number": (LINEAR, {"num_images": None, "latents": 4}, UsageError, "num_images must say how many"),
    "no latents": (LINEAR, {}, UsageError, "does not tell the size.* latents=128, value_range"),
    "latents 0": (LINEAR, {"latents": 0}, UsageError, "latents is 0"),
    "latents True": (LINEAR, {"latents": True}, UsageError, "latents is True"),
    "few latents": (LINEAR, {"latents": lambda count, rng: torch.ones(3, 4)}, InputError, r"64 latents .* \[3, 4\]"),
    "latents None": (LINEAR, {"latents": lambda count, rng: None}, InputError, "64 latents .* NoneType"),
    "seed -1": (LINEAR, {"latents": 4, "seed": -1}, UsageError, "seed is -1"),
    "no range": (LINEAR, {"latents": 4, "value_range": None}, InputError, r"tanh makes \(-1, 1\)"),
    "too bright": (LINEAR, {"latents": 4, "value_range": (0, 1e-6)}, InputError, "outside value_range"),
    "no images": (nn.Linear(4, 3), {"latents": 4}, InputError, "the shape is"),
    "no tensor": (nn.LSTM(4, 3), {"latents": 4}, InputError, "images were asked for and a tuple"),
    "latents of a sampler": (Sampling(), {"latents": 4}, UsageError, "latents are for a network"),
    "latents of a function": (lambda num: seeded(num), {"latents": 4}, UsageError, "are for a generator"),
    "seed of a function": (lambda num: seeded(num), {"seed": 4}, UsageError, "are for a generator"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_meant_is_refused_before_reading(case):
    generator, options, error, words = REFUSED[case]
    with pytest.raises(error, match=words):
        open_source(generator, **{"num_images": 5, "value_range": (-1, 1), **options})


def test_a_sampler_that_makes_too_few_is_refused():
    source = open_source(lambda num, seed: seeded(3), num_images=5)
    with pytest.raises(InputError, match=r"5 images were asked for and a tensor of shape \[3, 3, 2, 2\]"):
        list(source.batches())


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_network_on_a_gpu_leaves_its_stream_alone():
    net = nn.Sequential(nn.Linear(4, 12), nn.Dropout(0.5), nn.Tanh(), nn.Unflatten(1, (3, 2, 2))).cuda()
    before = torch.cuda.get_rng_state()
    assert images_of(net, 70, latents=4).is_cuda
    assert torch.equal(torch.cuda.get_rng_state(), before)
