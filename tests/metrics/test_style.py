"""Style and content distance and total variation against closed forms."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ganmetrics import InputError
from ganmetrics.metrics.feature_maps import (
    content_distance,
    content_loss,
    gram_matrix,
    style_distance,
    style_loss,
    total_variation,
)


def maps(count: int = 2, channels: int = 3, side: int = 4, seed: int = 0) -> torch.Tensor:
    return torch.randn(count, channels, side, side, generator=torch.Generator().manual_seed(seed))


def layers(**options: int) -> dict[str, torch.Tensor]:
    return {"conv1_1": maps(**options), "conv2_1": maps(**{**options, "channels": 5, "side": 2})}


@pytest.mark.parametrize("paired", [False, True])
def test_identical_maps_are_at_distance_0(paired: bool) -> None:
    assert style_distance(layers(), layers(), paired=paired) == 0
    assert content_distance(maps(), maps(), paired=paired) == 0


def test_gram_matrices_are_those_of_the_definition() -> None:
    found = gram_matrix(maps().double())
    for image, gram in zip(maps().double().numpy(), found.numpy(), strict=True):
        rows = image.reshape(3, 16)
        expected = [[float(np.dot(one, other)) / 16 for other in rows] for one in rows]
        np.testing.assert_allclose(gram, expected, rtol=1e-12)


def test_style_does_not_see_where_features_are() -> None:
    order = torch.randperm(16, generator=torch.Generator().manual_seed(1))
    moved = maps().flatten(2)[:, :, order].view(2, 3, 4, 4)
    assert torch.allclose(gram_matrix(moved), gram_matrix(maps()), atol=1e-6)
    assert style_distance({"a": maps()}, {"a": moved}) < 1e-12
    assert content_distance(maps(), moved) > 1


def test_style_sees_which_channels_go_together() -> None:
    swapped = maps()[:, [1, 0, 2]]
    assert style_distance({"a": maps()}, {"a": swapped}) > 1e-5


def test_the_paper_s_formula_on_a_pair_of_one_size() -> None:
    real, fake = maps(count=1).double(), maps(count=1, seed=1).double()
    n, m = 3, 16
    sums = [each[0].flatten(1) @ each[0].flatten(1).T for each in (real, fake)]
    expected = float((sums[0] - sums[1]).square().sum()) / (4 * n**2 * m**2)
    assert style_distance({"a": real}, {"a": fake}) == pytest.approx(expected, rel=1e-12)
    assert content_distance(real, fake) == pytest.approx(float((real - fake).square().sum()) / 2, rel=1e-12)


def test_single_images_and_stacks_of_stacks_have_the_same_matrices_and_losses() -> None:
    real, fake = maps().double(), maps(seed=1).double()
    grams = gram_matrix(real), gram_matrix(fake)
    style, content = style_loss({"a": grams[0]}, {"a": grams[1]}), content_loss(real, fake)
    assert (style.shape, content.shape, total_variation(real).shape) == ((2,), (2,), (2,))
    for i in range(2):
        assert torch.allclose(gram_matrix(real[i]), grams[0][i], rtol=1e-12)
        assert style_loss({"a": grams[0][i]}, {"a": grams[1][i]}) == pytest.approx(float(style[i]), rel=1e-12)
        assert content_loss(real[i], fake[i]) == pytest.approx(float(content[i]), rel=1e-12)
        assert total_variation(real[i]) == pytest.approx(float(total_variation(real)[i]), rel=1e-12)
    assert torch.allclose(gram_matrix(torch.stack([real, fake])), torch.stack(grams), rtol=1e-12)


def test_a_nan_is_told_by_its_image() -> None:
    broken = maps(count=4, channels=2)
    broken[2, 1, 0, 0] = float("nan")
    with pytest.raises(InputError, match="first in row 2"):
        content_distance(broken, maps(count=4, channels=2))


def test_layers_have_equal_weights() -> None:
    real, fake = layers(), layers(seed=1)
    alone = [style_distance({name: real[name]}, {name: fake[name]}) for name in real]
    assert style_distance(real, fake) == pytest.approx(sum(alone) / 2, rel=1e-12)


@settings(deadline=None, max_examples=20)
@given(st.floats(0.1, 10.0))
def test_scaling_the_maps_scales_style_by_its_fourth_power_and_content_by_its_square(scale: float) -> None:
    real, fake = maps().double(), maps(seed=1).double()
    style = style_distance({"a": real}, {"a": fake})
    assert style_distance({"a": scale * real}, {"a": scale * fake}) == pytest.approx(scale**4 * style, rel=1e-9)
    content = content_distance(real, fake)
    assert content_distance(scale * real, scale * fake) == pytest.approx(scale**2 * content, rel=1e-9)


def test_tiling_an_image_keeps_its_style() -> None:
    tiled = maps().repeat(1, 1, 2, 3)
    assert style_distance({"a": maps()}, {"a": tiled}) < 1e-12


def test_pairs_are_averaged_and_sets_are_averaged_first() -> None:
    real, fake = maps(count=3), maps(count=3, seed=1)
    style = [style_distance({"a": r[None]}, {"a": f[None]}) for r, f in zip(real, fake, strict=True)]
    content = [content_distance(r[None], f[None]) for r, f in zip(real, fake, strict=True)]
    assert style_distance({"a": real}, {"a": fake}, paired=True) == pytest.approx(np.mean(style), rel=1e-12)
    assert content_distance(real, fake, paired=True) == pytest.approx(np.mean(content), rel=1e-12)
    assert style_distance({"a": real}, {"a": fake}) < np.mean(style)
    assert content_distance(real, fake) < np.mean(content)
    assert style_distance({"a": real}, {"a": real.flip(0)}) < 1e-12
    assert style_distance({"a": real}, {"a": real.flip(0)}, paired=True) > 1e-3


def test_sets_of_different_counts_compare_as_sets_only() -> None:
    real, fake = maps(count=3), maps(count=2)
    assert style_distance({"a": real}, {"a": fake}) > 0
    assert content_distance(real, fake) > 0
    for call in (lambda: style_distance({"a": real}, {"a": fake}, paired=True),
                 lambda: content_distance(real, fake, paired=True)):  # fmt: skip
        with pytest.raises(InputError, match="number of images"):
            call()


@pytest.mark.parametrize("channels", [1, 3])
def test_total_variation_of_simple_images(channels: int) -> None:
    ramp = torch.arange(5.0).expand(channels, 4, 5)  # 4 steps of 1 in each of 4 rows
    checks = ((torch.arange(4)[:, None] + torch.arange(4)) % 2).float().expand(channels, 4, 4)  # 24 neighbours differ
    assert float(total_variation(torch.ones(channels, 6, 7))) == 0
    assert float(total_variation(ramp)) == 16 * channels
    assert float(total_variation(checks)) == 24 * channels
    assert total_variation(torch.stack([checks, 2 * checks])).tolist() == [24 * channels, 48 * channels]


def test_losses_give_the_gradients_that_calculus_does() -> None:
    real, fake = maps(count=1).double(), maps(count=1, seed=1).double().requires_grad_(True)
    (slope,) = torch.autograd.grad(content_loss(real, fake).sum(), fake)
    assert torch.allclose(slope, fake - real)  # equation 2 of the paper
    grams = {"a": gram_matrix(real)}
    (slope,) = torch.autograd.grad(style_loss(grams, {"a": gram_matrix(fake)}).sum(), fake)
    rows = fake.flatten(2)
    expected = (gram_matrix(fake) - grams["a"]) @ rows / (9 * 16)  # equation 6, with Gram matrices that are means
    assert torch.allclose(slope.flatten(2), expected)


WRONG = [
    (maps()[0], "shape"),
    (torch.zeros(0, 3, 2, 2), "shape"),
    ([[1.0]], "list of shape"),
    (maps().masked_fill(maps() > 1, float("nan")), "NaN"),
]


@pytest.mark.parametrize(("wrong", "why"), WRONG, ids=["3 dimensions", "empty", "list", "nan"])
def test_other_values_are_refused(wrong: object, why: str) -> None:
    for call in (lambda: content_distance(wrong, maps()), lambda: style_distance({"a": maps()}, {"a": wrong})):
        with pytest.raises(InputError, match=why):
            call()


def test_other_layers_are_refused() -> None:
    with pytest.raises(InputError, match="conv2_1"):
        style_distance(layers(), {"conv1_1": maps()})
    with pytest.raises(InputError, match="at least one"):
        style_distance({}, {})
    with pytest.raises(InputError, match="channels 3"):
        style_distance({"a": maps()}, {"a": maps(channels=2)})
    with pytest.raises(InputError, match="shape"):
        content_distance(maps(), maps(side=2))


def test_arrays_are_taken_like_tensors() -> None:
    assert content_distance(maps().numpy(), maps(seed=1).numpy()) == content_distance(maps(), maps(seed=1))
