"""A tiny real pipeline as a source: the same images however it is called, and nothing of it or the caller changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import torch

import ganmetrics as gm
from ganmetrics.data.reading.batches import Share

if TYPE_CHECKING:
    from diffusers import DDPMPipeline

    from ganmetrics.compat.diffusers import PipelineSource


@pytest.fixture(scope="module")
def pipeline() -> DDPMPipeline:
    from diffusers import DDPMPipeline, DDPMScheduler, UNet2DModel  # here, because importing it costs five seconds

    torch.manual_seed(0)
    blocks = {"down_block_types": ("DownBlock2D",) * 2, "up_block_types": ("UpBlock2D",) * 2}
    net = UNet2DModel(8, 3, 3, layers_per_block=1, block_out_channels=(8, 8), norm_num_groups=4, **blocks)
    return DDPMPipeline(net, DDPMScheduler(20))


def piped(*arguments: Any, **options: Any) -> PipelineSource:
    """A source, imported late as diffusers is."""
    from ganmetrics.compat.diffusers import PipelineSource

    return PipelineSource(*arguments, **options)


def made(source: PipelineSource) -> torch.Tensor:
    return torch.cat(list(source.batches()))


def test_neither_batches_nor_shares_change_an_image(pipeline: DDPMPipeline) -> None:
    whole = made(piped(pipeline, 10, steps=2, batch_size=4))
    assert (whole.shape, whole.dtype) == ((10, 3, 8, 8), torch.uint8)
    one = made(piped(pipeline, 7, steps=2, batch_size=1))
    assert (one.int() - whole[:7].int()).abs().max() <= 1  # rounding of other batches
    shared = dict(
        pair
        for share in (Share(0, 2, stop=4), Share(1, 2, stop=4), Share(start=4))
        for places, images in piped(pipeline, 10, steps=2, batch_size=4).share(share)
        for pair in zip(places.tolist(), images, strict=True)
    )
    images = torch.stack([shared[place] for place in range(10)])
    assert (images.int() - whole.int()).abs().max() <= 1
    assert not made(piped(pipeline, 10, seed=10, steps=2, batch_size=4)).equal(whole)


def test_it_scores_and_leaves_all_as_it_was(pipeline: DDPMPipeline, capsys: pytest.CaptureFixture[str]) -> None:
    real = torch.randint(256, (40, 3, 8, 8), dtype=torch.uint8)
    pipeline.unet.train()
    torch.manual_seed(3)
    before = torch.get_rng_state()
    result = gm.evaluate(real, piped(pipeline, 12, steps=2), extractor="pixels")
    assert result.fake.count == 12
    assert torch.get_rng_state().equal(before)
    assert pipeline.unet.training
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("options", "words"),
    [({"num_images": 0}, "num_images"), ({"batch_size": 0}, "batch_size"), ({"prompts": "a cat"}, "prompts")],
)
def test_what_cannot_be_meant(pipeline: DDPMPipeline, options: dict[str, object], words: str) -> None:
    with pytest.raises(gm.UsageError, match=words):
        piped(pipeline, **{"num_images": 4, **options})
