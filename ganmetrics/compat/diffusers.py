"""Images of a diffusers pipeline as a source."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from ganmetrics.compat._needed import not_installed
from ganmetrics.data import Source
from ganmetrics.data.reading.batches import WHOLE, Share
from ganmetrics.data.reading.random_streams import OwnStreams
from ganmetrics.data.reading.uint8 import to_uint8
from ganmetrics.errors import InputError, UsageError

try:
    from diffusers import DiffusionPipeline
except ImportError as error:
    raise not_installed("diffusers", "diffusers") from error

if TYPE_CHECKING:
    from ganmetrics.types import Images, Placed


class PipelineSource(Source):
    """The images that a pipeline makes for one seed.

    Image ``i`` starts from a generator of its own, seeded by ``seed + i``, so that neither the batch size nor the
    number of ranks changes it beyond rounding. The pipeline is left as it was, and so are the global random streams.

    Parameters
    ----------
    pipeline : DiffusionPipeline
        Called as ``pipeline(batch_size=n, generator=[…])``, or with prompts as ``pipeline(prompt=[…], generator=[…])``.
    num_images : int
    seed : int
    prompts : sequence of str, optional
        Taken in turn, from the first again where they are too few.
    steps : int, optional
        ``num_inference_steps``; the pipeline's own number by default.
    batch_size : int
        Images of one call.

    Raises
    ------
    UsageError
        Something else than a pipeline, no images, no prompts.

    Examples
    --------
    >>> gm.evaluate("real/", PipelineSource(pipeline, 10_000))     # doctest: +SKIP
    """

    def __init__(
        self,
        pipeline: DiffusionPipeline,
        num_images: int,
        *,
        seed: int = 0,
        prompts: Sequence[str] | None = None,
        steps: int | None = None,
        batch_size: int = 16,
    ) -> None:
        super().__init__()
        self.name = f"pipeline {type(pipeline).__name__}"
        if not isinstance(pipeline, DiffusionPipeline):
            raise UsageError(f"{type(pipeline).__name__} is no diffusers pipeline", where="pipeline")
        for name, value in (("num_images", num_images), ("batch_size", batch_size)):
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise UsageError(f"{name} is {value!r}; it must be a whole number of at least 1", where=self.name)
        if prompts is not None and (isinstance(prompts, str) or not len(prompts)):
            raise UsageError("prompts are a sequence of at least one text", where=self.name)
        self.count: int = num_images
        self._pipeline: Any = pipeline
        self._seed, self._prompts = seed, prompts
        self._steps, self._batch_size = steps, batch_size

    def batches(self) -> Iterator[Images]:
        """Yield the images in batches, in the order of their seeds."""
        for _, images in self.share(WHOLE):
            yield images

    def share(self, share: Share) -> Iterator[Placed]:
        """Yield a share of the images, and make no others."""
        self.notes.sizes.clear()
        mine = share.places(self.count)
        # The last call may be smaller; each image has its own generator.
        for places in mine.split(self._batch_size) if len(mine) else ():
            images = self._made(places.tolist())
            self.notes.sizes[(images.shape[2], images.shape[3])] += len(images)
            yield places, images

    def _made(self, places: list[int]) -> Images:
        # One generator for each image, so that its noise does not depend on the batch.
        given: dict[str, Any] = {"generator": [torch.Generator().manual_seed(self._seed + place) for place in places]}
        if self._prompts is None:
            given["batch_size"] = len(places)
        else:
            given["prompt"] = [self._prompts[place % len(self._prompts)] for place in places]
        if self._steps is not None:
            given["num_inference_steps"] = self._steps
        # Schedulers and safety checkers may draw from the global streams, which are put back.
        with OwnStreams(), torch.no_grad(), _quiet(self._pipeline):
            made = np.asarray(self._pipeline(output_type="np", **given).images)
        if made.ndim != 4 or len(made) != len(places):
            what = f"the pipeline made an array of shape {list(made.shape)} for {len(places)} images"
            raise InputError(what, where=self.name, hint="It must make one image for each generator", code="E-SHAPE")
        # Grey images become three equal channels.
        colours = made.repeat(3, axis=3) if made.shape[3] == 1 else made
        return to_uint8(colours, (0, 1), self.name, first=places[0])


@contextmanager
def _quiet(pipeline: Any) -> Iterator[None]:
    """Without the pipeline's own progress bar."""
    before = dict(getattr(pipeline, "_progress_bar_config", {}))
    pipeline.set_progress_bar_config(**{**before, "disable": True})
    try:
        yield
    finally:
        pipeline.set_progress_bar_config(**before)
