"""StyleGAN2 against its paper, without training: modulation, noise, mixing, truncation and both regularisers."""

from __future__ import annotations

import copy
import math
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from ganmetrics.errors import UsageError
from ganmetrics.evaluation.evaluate import measure
from ganmetrics.generators import card_scores, datasets, losses, stylegan2, stylegan2_sampling
from ganmetrics.generators import stylegan2_nets as nets
from ganmetrics.generators.card_scores import QUIET
from ganmetrics.generators.stylegan2 import Settings, StyleGAN2Training
from ganmetrics.generators.stylegan2_sampling import StyleSampler, style_scores, truncation_sweep
from ganmetrics.generators.system import Recipe
from ganmetrics.generators.training import resume, save_checkpoint

TINY = Settings(latent_dim=8, depth=2, channels="8-8-8-8", batch_size=4, r1_every=2, path_every=3)
CPU = torch.device("cpu")


@pytest.fixture
def rng() -> torch.Generator:
    return torch.Generator().manual_seed(3)


@pytest.fixture
def training(monkeypatch: pytest.MonkeyPatch) -> StyleGAN2Training:
    return tiny_training(monkeypatch)


def tiny_training(monkeypatch: pytest.MonkeyPatch) -> StyleGAN2Training:
    images = torch.randint(0, 256, (32, 1, 32, 32), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))
    labelled = datasets.Labelled(images, torch.zeros(32, dtype=torch.int64))
    monkeypatch.setattr(datasets, "load_grey", lambda *_, **__: labelled)
    return StyleGAN2Training(Recipe("tiny", "", "mnist", TINY, 20), None, 5, CPU)


def tiny_generator(*, noise_strength: float = 0.0) -> nets.Generator:
    torch.manual_seed(0)
    net = nets.Generator(8, 2, (8, 8, 8, 8)).eval().requires_grad_(False)
    net.mapping.w_avg.normal_()
    for layer in net.synthesis.layers:
        layer.noise_strength.fill_(noise_strength)
    return net


def modulated(**options: bool) -> nets.ModulatedConv2d:
    torch.manual_seed(0)
    layer = nets.ModulatedConv2d(24, 16, 3, 6, **options).requires_grad_(False)
    layer.style.bias.uniform_(0.2, 3.0)  # styles far from 1
    return layer


def own_weights(layer: nets.ModulatedConv2d, w: torch.Tensor) -> torch.Tensor:
    """The modulated and demodulated weights of each sample, equations 1 and 3 of the paper: [N, out, in, 3, 3]."""
    weights = layer.weight * layer.scale * layer.style(w)[:, None, :, None, None]
    return weights / (weights.square().sum(dim=(2, 3, 4), keepdim=True) + 1e-8).sqrt()


def snapshot(training: StyleGAN2Training) -> dict[str, list[torch.Tensor]]:
    modules = {name: part for name, part in training.parts.items() if isinstance(part, nn.Module)}
    return {name: [value.clone() for value in part.state_dict().values()] for name, part in modules.items()}


def changed(before: dict[str, list[torch.Tensor]], after: dict[str, list[torch.Tensor]]) -> set[str]:
    return {name for name in before if any(not a.equal(b) for a, b in zip(before[name], after[name], strict=True))}


# --- modulated convolutions


def test_demodulated_outputs_have_variance_one_for_inputs_of_variance_one(rng: torch.Generator) -> None:
    x, w = torch.randn(16, 24, 24, 24, generator=rng), torch.randn(16, 6, generator=rng)
    inside = modulated()(x, w)[..., 1:-1, 1:-1]  # the border sees zeros
    assert inside.var().item() == pytest.approx(1.0, abs=0.02)
    assert modulated(demodulate=False)(x, w)[..., 1:-1, 1:-1].var().item() > 1.5


def test_demodulated_weights_have_unit_norm_and_give_the_same_output(rng: torch.Generator) -> None:
    layer, x, w = modulated(), torch.randn(3, 24, 6, 6, generator=rng), torch.randn(3, 6, generator=rng)
    weights = own_weights(layer, w)
    torch.testing.assert_close(weights.flatten(2).norm(dim=2), torch.ones(3, 16))
    expected = torch.cat([F.conv2d(x[i : i + 1], weights[i], padding=1) for i in range(3)])
    torch.testing.assert_close(layer(x, w), expected)


def test_an_upsampling_convolution_is_that_of_each_samples_own_weights(rng: torch.Generator) -> None:
    layer, x, w = modulated(up=True), torch.randn(3, 24, 6, 6, generator=rng), torch.randn(3, 6, generator=rng)
    weights = own_weights(layer, w).transpose(1, 2)
    each = [F.conv_transpose2d(x[i : i + 1], weights[i], stride=2) for i in range(3)]
    expected = nets.blurred(torch.cat(each), 1, gain=4.0)
    assert expected.shape == (3, 16, 12, 12)
    torch.testing.assert_close(layer(x, w), expected)


def test_the_last_convolution_to_grey_is_modulated_but_not_demodulated(rng: torch.Generator) -> None:
    layer = nets.ToGrey(24, 6).requires_grad_(False)
    x, w = torch.randn(3, 24, 5, 5, generator=rng), torch.randn(3, 6, generator=rng)
    expected = ((layer.weight / math.sqrt(24) * layer.style(w))[:, :, None, None] * x).sum(dim=1, keepdim=True)
    torch.testing.assert_close(layer(x, w), expected)
    torch.testing.assert_close(layer(x.contiguous(memory_format=torch.channels_last), w), expected)


def test_a_styled_layer_is_the_papers_order_of_noise_bias_and_rectifier(rng: torch.Generator) -> None:
    layer = nets.StyledLayer(8, 8, 6).requires_grad_(False)
    layer.noise_strength.fill_(0.7)
    layer.bias.normal_(generator=rng)
    x, w = torch.randn(2, 8, 5, 5, generator=rng), torch.randn(2, 6, generator=rng)
    noise = torch.randn(2, 1, 5, 5, generator=rng)
    before = layer.convolution(x, w) + 0.7 * noise + layer.bias[:, None, None]
    torch.testing.assert_close(layer(x, w, noise), math.sqrt(2) * F.leaky_relu(before, 0.2))


# --- resampling


def test_the_filter_keeps_a_constant_image_and_the_mean_of_any(rng: torch.Generator) -> None:
    constant = torch.full((1, 2, 8, 8), 3.0)
    torch.testing.assert_close(nets.doubled(constant)[..., 1:-1, 1:-1], torch.full((1, 2, 14, 14), 3.0))
    torch.testing.assert_close(nets.halved(constant)[..., 1:-1, 1:-1], torch.full((1, 2, 2, 2), 3.0))
    torch.testing.assert_close(nets.blurred(constant, 0), torch.full((1, 2, 5, 5), 3.0))
    bordered = F.pad(torch.rand(1, 2, 8, 8, generator=rng), [2] * 4)
    for resampled in (nets.doubled(bordered), nets.halved(bordered)):
        torch.testing.assert_close(resampled.mean(), bordered.mean())


def test_doubling_is_linear_interpolation_at_quarters(rng: torch.Generator) -> None:
    x = torch.rand(1, 1, 6, 6, generator=rng)
    expected = F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
    torch.testing.assert_close(nets.doubled(x)[..., 1:-1, 1:-1], expected[..., 1:-1, 1:-1])


# --- mapping


def test_the_mapping_ignores_the_length_of_a_latent(rng: torch.Generator) -> None:
    mapping, z = tiny_generator().mapping, torch.randn(5, 8, generator=rng)
    torch.testing.assert_close(mapping(z), mapping(3 * z))


def test_the_mapping_learns_a_hundred_times_slower_from_the_same_start() -> None:
    layer = nets.Mapping(64, 1).layers[0]
    effective = layer.weight * layer.scale
    assert effective.std().item() == pytest.approx(math.sqrt(2 / 64), rel=0.05)
    optimizer = torch.optim.Adam(layer.parameters(), lr=0.002, betas=(0.0, 0.99))
    layer(torch.rand(1, 64)).sum().backward()
    optimizer.step()  # Adam's first step is the learning rate in each stored value
    moved = (layer.weight * layer.scale - effective).abs()
    torch.testing.assert_close(moved, torch.full_like(moved, 0.002 * 0.01 * math.sqrt(2 / 64)), rtol=0.05, atol=0)
    torch.testing.assert_close(layer.bias * layer.rate, torch.full((64,), -0.002 * 0.01))


def test_the_mean_style_moves_toward_a_batch(rng: torch.Generator) -> None:
    mapping, w = nets.Mapping(8, 2), torch.randn(6, 8, generator=rng)
    mapping.w_avg.fill_(2.0)
    mapping.track(w, 0.995)
    torch.testing.assert_close(mapping.w_avg, 0.995 * 2.0 + 0.005 * w.mean(dim=0))


# --- noise, mixing, truncation


def test_noise_acts_only_by_its_learnt_strength(rng: torch.Generator) -> None:
    z = torch.randn(2, 8, generator=rng)
    for strength, is_same in ((0.0, True), (0.3, False)):
        net = tiny_generator(noise_strength=strength)
        first, second = (net(z, net.synthesis.draw_noise(2, rng)) for _ in range(2))
        assert first.equal(second) is is_same


def test_the_noise_strength_starts_at_zero() -> None:
    strengths = [layer.noise_strength.item() for layer in nets.Generator(8, 2, (8, 8)).synthesis.layers]
    assert strengths == [0.0] * 3


def test_styles_are_mixed_at_the_crossover(rng: torch.Generator) -> None:
    first, second = torch.randn(2, 3, 5, 4, generator=rng)
    found = nets.mixed(first, second, torch.tensor([1, 3, 5]))
    for sample, crossover in enumerate((1, 3, 5)):
        assert found[sample, :crossover].equal(first[sample, :crossover])
        assert found[sample, crossover:].equal(second[sample, crossover:])


def test_the_last_style_reaches_the_finest_image_alone(rng: torch.Generator) -> None:
    net = tiny_generator()
    styles, noise = torch.randn(1, 8, 8, generator=rng), net.synthesis.draw_noise(1, rng)
    other = styles.clone()
    other[:, -1] += 1
    seen: list[torch.Tensor] = []
    net.synthesis.layers[-1].register_forward_hook(lambda _, __, output: seen.append(output))
    images = [net.synthesis(each, noise) for each in (styles, other)]
    assert seen[0].equal(seen[1])
    assert not images[0].equal(images[1])


def test_crossovers_are_drawn_for_a_share_of_the_samples(rng: torch.Generator) -> None:
    assert (stylegan2.draw_crossovers(50, 8, 0.0, rng) == 8).all()
    assert stylegan2.draw_crossovers(500, 8, 1.0, rng).unique().tolist() == [1, 2, 3, 4, 5, 6, 7]
    assert (stylegan2.draw_crossovers(2000, 8, 0.5, rng) < 8).float().mean().item() == pytest.approx(0.5, abs=0.05)


def test_truncation_zero_is_the_mean_style_and_one_leaves_the_style(rng: torch.Generator) -> None:
    net, z = tiny_generator(noise_strength=0.2), torch.randn(3, 8, generator=rng)
    noise = net.synthesis.draw_noise(3, rng)
    mean_style = net.synthesis(net.broadcast(net.mapping.w_avg.expand(3, -1)), noise)
    assert net(z, noise, truncation=0.0).equal(mean_style)
    assert net(z, noise).equal(net.synthesis(net.broadcast(net.mapping(z)), noise))
    half = net.mapping.w_avg + 0.5 * (net.mapping(z) - net.mapping.w_avg)
    torch.testing.assert_close(net(z, noise, truncation=0.5), net.synthesis(net.broadcast(half), noise))


# --- losses


def test_r1_of_a_linear_discriminator_is_its_squared_norm(rng: torch.Generator) -> None:
    slope, real = torch.randn(1, 4, 4, generator=rng), torch.randn(6, 1, 4, 4, generator=rng, requires_grad=True)
    penalty = losses.r1_penalty((real * slope).sum(dim=(1, 2, 3)), real)
    assert penalty.item() == pytest.approx(slope.square().sum().item(), rel=1e-5)


def linear_images(styles: torch.Tensor, jacobian: torch.Tensor) -> torch.Tensor:
    """A generator whose Jacobian is known: [N, L, D] and [L D, 16] to [N, 1, 4, 4]."""
    return (styles.flatten(1) @ jacobian).view(-1, 1, 4, 4)


def test_the_path_penalty_is_zero_where_the_length_is_its_mean(rng: torch.Generator) -> None:
    jacobian = torch.randn(3 * 5, 16, generator=rng)
    styles = torch.randn(4, 3, 5, generator=rng, requires_grad=True)
    direction = torch.randn(1, 1, 4, 4, generator=rng).expand(4, -1, -1, -1)
    length = (jacobian @ direction[0].flatten()).square().sum().div(3).sqrt()  # the mean over three layers
    regulariser = nets.PathLength(0.01)
    regulariser.mean.copy_(length)
    assert regulariser(linear_images(styles, jacobian), styles, direction).item() == pytest.approx(0.0, abs=1e-9)
    torch.testing.assert_close(regulariser.mean, length)


def test_the_first_path_length_is_the_first_mean(rng: torch.Generator) -> None:
    styles = torch.randn(1, 3, 5, generator=rng, requires_grad=True)
    direction = torch.randn(1, 1, 4, 4, generator=rng)
    regulariser = nets.PathLength(0.01)
    assert regulariser(linear_images(styles, torch.randn(15, 16, generator=rng)), styles, direction).item() == 0.0
    assert regulariser.mean > 0


def test_the_path_penalty_moves_its_mean_and_pulls_lengths_toward_it(rng: torch.Generator) -> None:
    jacobian = torch.randn(15, 16, generator=rng, requires_grad=True)
    styles = torch.randn(4, 3, 5, generator=rng, requires_grad=True)
    direction = torch.randn(4, 1, 4, 4, generator=rng)
    lengths = (direction.flatten(1) @ jacobian.detach().T).norm(dim=1) / math.sqrt(3)
    regulariser = nets.PathLength(0.1)
    regulariser.mean.fill_(0.5)
    penalty = regulariser(linear_images(styles, jacobian), styles, direction)
    mean = 0.9 * 0.5 + 0.1 * lengths.mean()
    torch.testing.assert_close(regulariser.mean, mean)
    torch.testing.assert_close(penalty, (lengths - mean).square().mean())
    penalty.backward()
    assert jacobian.grad is not None
    shorter = (direction.flatten(1) @ (jacobian - 0.01 * jacobian.grad).T).norm(dim=1) / math.sqrt(3)
    assert shorter.mean() < lengths.mean()  # the lengths were above their mean


# --- training


def test_the_generator_answers_the_discriminator_that_has_just_learnt(training: StyleGAN2Training) -> None:
    real = datasets.to_range(training.images[:4])
    twin = copy.deepcopy(training)
    fake, _ = twin.fakes(4)
    d_loss = losses.discriminator_loss(twin.discriminator(real), twin.discriminator(fake.detach()))
    expected_d = torch.autograd.grad(d_loss, list(twin.discriminator.parameters()))
    found = training.play(real)
    g_loss = losses.non_saturating_loss(training.discriminator(fake))
    expected_g = torch.autograd.grad(g_loss, list(twin.generator.parameters()))
    assert (found["d_loss"], found["g_loss"]) == pytest.approx((d_loss.item(), g_loss.item()))
    for net, expected in ((training.generator, expected_g), (training.discriminator, expected_d)):
        for parameter, gradient in zip(net.parameters(), expected, strict=True):
            torch.testing.assert_close(parameter.grad, gradient)


def test_a_step_moves_each_part(training: StyleGAN2Training) -> None:
    before = snapshot(training)
    training.iteration = 5  # the sixth step regularises both
    found = training.step()
    assert changed(before, snapshot(training)) == {"generator", "discriminator", "average", "path_length"}
    assert {"r1", "path_penalty", "path_length"} <= found.keys()
    assert training.g_optimizer.param_groups[0]["lr"] == pytest.approx(2.5e-3 * 3 / 4)
    assert training.d_optimizer.param_groups[0]["lr"] == pytest.approx(2.5e-3 * 2 / 3)


def test_regularisation_is_lazy(training: StyleGAN2Training) -> None:
    seen = []
    for training.iteration in range(6):
        found = training.step()
        seen.append(("r1" in found, "path_penalty" in found))
    assert [r1 for r1, _ in seen] == [False, True, False, True, False, True]
    assert [path for _, path in seen] == [False, False, True, False, False, True]


def test_each_regulariser_moves_its_own_network(training: StyleGAN2Training) -> None:
    before = snapshot(training)
    for group in (*training.g_optimizer.param_groups, *training.d_optimizer.param_groups):
        group["lr"] = 1e-3
    training.regularise_discriminator(datasets.to_range(training.images[:4]))
    assert changed(before, snapshot(training)) == {"discriminator"}
    before = snapshot(training)
    training.regularise_generator()
    assert changed(before, snapshot(training)) == {"generator", "path_length"}


def test_a_checkpoint_resumes_bit_exactly(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    straight, stopped, resumed = (tiny_training(monkeypatch) for _ in range(3))
    for training, steps in ((straight, 8), (stopped, 4)):
        for training.iteration in range(steps):
            training.step()
        training.iteration = steps
    save_checkpoint(stopped, tmp_path)
    torch.manual_seed(99)
    resume(resumed, tmp_path)
    for resumed.iteration in range(4, 8):
        resumed.step()
    for first, second in zip(straight.parts.values(), resumed.parts.values(), strict=True):
        if isinstance(first, nn.Module):
            torch.testing.assert_close(first.state_dict(), second.state_dict(), rtol=0, atol=0)


# --- samples


def test_samples_of_a_seed_are_the_same_however_many() -> None:
    sampler = StyleSampler(tiny_generator(noise_strength=0.5))
    many = sampler(260, seed=7)
    assert many.shape == (260, 3, 28, 28) and many.dtype == torch.uint8
    assert sampler(5, seed=7).equal(many[:5])
    assert not sampler(5, seed=8).equal(many[:5])
    assert sampler(5, seed=7, truncation=1.0).equal(many[:5])
    assert not many[0].equal(many[250])  # the second chunk draws on


def test_samples_of_truncation_zero_differ_by_noise_alone() -> None:
    assert len(StyleSampler(tiny_generator())(6, truncation=0.0).unique(dim=0)) == 1
    assert len(StyleSampler(tiny_generator(noise_strength=0.5))(6, truncation=0.0).unique(dim=0)) == 6


def test_the_noise_is_not_the_latents() -> None:
    seed = 4
    latents = torch.randn(16, generator=torch.Generator().manual_seed(seed))
    noise = torch.randn(16, generator=torch.Generator().manual_seed(seed ^ stylegan2_sampling.NOISE_STREAM))
    assert not latents.equal(noise)


def test_a_sampler_refuses_what_is_no_truncation() -> None:
    with pytest.raises(UsageError, match="finite"):
        StyleSampler(tiny_generator())(1, truncation=math.nan)


def test_a_sampler_of_stored_weights_draws_the_averaged_generator(training: StyleGAN2Training) -> None:
    for training.iteration in range(3):
        training.step()
    stored = {name: value.half() for name, value in training.weights().items()}
    assert all(value.isfinite().all() for value in stored.values())
    found = stylegan2.sampler(TINY, stored)(3, seed=1)
    exact = StyleSampler(training.average)(3, seed=1)
    assert (found.int() - exact.int()).abs().max() <= 2
    assert training.average.mapping.w_avg.abs().sum() > 0


def test_a_sweep_gives_fid_and_the_spread_over_all_pairs() -> None:
    sampler = StyleSampler(tiny_generator())
    at_zero, at_one = truncation_sweep(sampler, (0.0, 1.0), num_images=40, seed=2)
    assert (at_zero.psi, at_one.psi) == (0.0, 1.0)
    assert at_zero.spread == pytest.approx(0.0, abs=1e-4)
    features = measure(sampler(40, seed=2), reads=("features",), extractor="digits", reading=QUIET).features
    assert features is not None
    distances = torch.pdist(features.double())
    assert at_one.spread == pytest.approx(distances.square().mean().sqrt().item(), rel=1e-4)
    assert at_zero.fid > 0 and at_one.fid > 0


@pytest.mark.slow
def test_the_scores_of_a_card_hold_the_sweep(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (stylegan2_sampling, card_scores):
        monkeypatch.setattr(module, "NUM_IMAGES", 1000)
    recipe, sampler = stylegan2.RECIPES[0], StyleSampler(tiny_generator())
    found = {each.name: each for each in style_scores(recipe, sampler, 2)}
    swept = [f"{name}_psi_{psi:g}" for psi in stylegan2_sampling.PSIS for name in ("fid", "spread")]
    assert list(found)[-len(swept) :] == swept
    assert found["fid_psi_1"].value == found["fid"].value
    assert found["fid_psi_0.5"].value != found["fid"].value
    assert found["spread_psi_0.5"].value < found["spread_psi_1"].value
    assert found["spread_psi_1"].higher_is_better and not found["fid_psi_1"].higher_is_better


def test_the_recipe_names_four_resolutions() -> None:
    (recipe,) = stylegan2.SYSTEM.recipes
    assert recipe.name == "stylegan2-mnist"
    synthesis = nets.Synthesis(recipe.settings.widths, recipe.settings.latent_dim)
    assert synthesis.sizes == [4, 8, 8, 16, 16, 32, 32]
    assert synthesis.num_styles == 8
