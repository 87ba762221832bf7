"""An evaluation that is fed batch by batch, as a training loop or a data pipeline makes them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import torch

from ganmetrics._arguments import whole
from ganmetrics._files import shown
from ganmetrics.data.reading.random_streams import OwnStreams
from ganmetrics.data.reading.uint8 import to_form
from ganmetrics.data.source import Opening
from ganmetrics.distributed import ranks
from ganmetrics.errors import InputError, StatisticsError, UsageError
from ganmetrics.extractors.extraction import Extraction
from ganmetrics.measurement.checkpoint import check_state, signed
from ganmetrics.measurement.gathering import PartialStatistics
from ganmetrics.measurement.reader import Measuring, gathered_statistics, recipe_of, require_rgb, too_few
from ganmetrics.measurement.sides import Side, open_side
from ganmetrics.measurement.statistics import Statistics
from ganmetrics.measurement.stream import Stream, checked_indices, merge_streams
from ganmetrics.metrics.needs import IMAGES, SOURCE
from ganmetrics.scoring.keywords import BatchwiseKeywords, Settings, shows
from ganmetrics.scoring.plan import check_sizes, chosen_metrics, extractor_of, kept_of, unheld
from ganmetrics.scoring.result import Result
from ganmetrics.scoring.score import Sides
from ganmetrics.scoring.scored import scored

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from ganmetrics.metrics import Metric
    from ganmetrics.types import ArrayLike

MAX_ROWS = 50_000
# The version of ``state_dict``.
STATE = 3


class Evaluation:
    """Scores of images that arrive in batches, under the same recipe and with the same numbers as ``gm.evaluate``.

    Nothing of the caller's is touched: random streams, gradient mode, precision flags, ``module.training``. Metrics
    of moments, such as FID, take constant memory; of the features and logits that others read at most ``max_rows`` rows
    are kept, a seeded sample of the images, which the signature then says (``rows=50000``).

    Parameters
    ----------
    metrics : sequence of str
        Such as ``["fid", "kid(subset_size=500)"]``.
    reference : as ``real`` of ``gm.evaluate``, optional
        Real images or their statistics, measured here once; without it they are passed to ``update``. Each rank of a
        distributed training measures it for itself: saved statistics (``ganmetrics stats build``) spare that.
    extractor, device, batch_size, seed, ci : as in ``gm.evaluate``
    value_range : (float, float), optional
        What float images call black and white, checked for every batch; uint8 images need none.
    max_rows : int
        The most rows of features, and of logits, that are kept of each side.

    Raises
    ------
    UsageError
        An unknown metric; one that needs classes or test images, which a stream has not.
    InputError, StatisticsError, WeightsError
        As ``gm.evaluate``, of the reference and the network.

    Examples
    --------
    >>> import torch
    >>> rng = torch.Generator().manual_seed(0)
    >>> evaluation = Evaluation(["fid"], extractor="pixels")
    >>> for _ in range(4):
    ...     evaluation.update(torch.randint(256, (32, 3, 16, 16), generator=rng, dtype=torch.uint8), real=True)
    ...     evaluation.update(torch.randint(256, (32, 3, 16, 16), generator=rng, dtype=torch.uint8))
    >>> result = evaluation.compute()
    >>> result.fake.count, result["fid"].value < 200
    (128, True)
    """

    @shows(BatchwiseKeywords)
    def __init__(
        self,
        metrics: str | Sequence[str | Metric] = ("fid",),
        reference: Any = None,
        *,
        seed: int = 2020,
        ci: str = "fast",
        value_range: tuple[float, float] | None = None,
        max_rows: int = MAX_ROWS,
        **settings: Unpack[BatchwiseKeywords],
    ) -> None:
        chosen = Settings.of(Evaluation.__init__, {**settings, "seed": seed, "ci": ci})
        extractor, on, batch_size = chosen.extractor, chosen.device, chosen.batch_size
        self.metrics = _streamed(metrics, seed)
        whole(max_rows, "max_rows", 2)
        self.ci, self.max_rows = ci, max_rows
        reading = chosen.reading
        # Checked there.
        self.value_range = Opening(value_range=value_range, reading=reading).value_range
        sides: dict[str, Side] = {} if reference is None else {"real": open_side(reference, reading, extractor)}
        check_sizes(sides)
        with OwnStreams():
            measuring = Measuring(extractor_of(sides, extractor, self.metrics), None, reading, on, batch_size)
            self.extractor = measuring.loaded
            if any(IMAGES in each.reads for each in self.metrics):
                require_rgb(self.extractor.takes, self.extractor.name)
            self.reference = self._measured(sides.get("real"), measuring)
        self.recipe = recipe_of(self.extractor)
        self._streams = {role: self._stream(role, on, batch_size) for role in ("real", "fake")}

    @property
    def count(self) -> int:
        """Fake images so far, of this process."""
        return len(self._streams["fake"].gathering)

    @property
    def real_count(self) -> int:
        """Real images so far, of this process or of the reference."""
        return len(self._streams["real"].gathering) if self.reference is None else self.reference.count

    def update(self, images: ArrayLike, real: bool = False, *, indices: Any = None) -> None:
        """Take in a batch.

        Parameters
        ----------
        images : Tensor or array, [N, 3, H, W]
            uint8, or float within ``value_range``; on any device.
        real : bool
            Whether they are real.
        indices : int64 [N], optional
            Their places in the whole set, of which ranks have parts. With them IS, KID and others draw the subsets that
            one process would draw, and an image that comes twice is found. Give them for every batch or for none.

        Raises
        ------
        InputError
            A wrong shape, dtype or range.
        UsageError
            Real images beside a reference; indices for some batches only.
        """
        if real and self.reference is not None:
            what = "the real images are the reference's, which was given already"
            raise UsageError(what, where="update", hint="Leave reference out to pass real images")
        role = "real" if real else "fake"
        stream = self._streams[role]
        found = to_form(images, self.value_range, f"{role} images", self.extractor.takes, first=len(stream.gathering))
        stream.add(found, checked_indices(indices, len(found)))

    def compute(self, *, num_images: int | None = None, sync: bool = True) -> Result:
        """The scores of all images so far; more may follow.

        Parameters
        ----------
        num_images : int, optional
            How many fake images there must be, over all ranks.
        sync : bool
            Where ``torch.distributed`` is initialised, whether the images of all ranks are scored together: then every
            rank must call this, and gets the same result.

        Raises
        ------
        InputError
            Too few images, another number than ``num_images``, or images that were seen twice.
        ResourceError
            A rank died or did not come in time.
        """
        is_synced = sync and ranks.is_joined()
        gathered = {role: self._gathered(role, is_synced) for role in self._roles()}
        if not is_synced:
            return self._result(gathered, num_images)
        return ranks.from_first(lambda: self._result(gathered, num_images), Result.without_rows)

    def reset(self, real: bool = False) -> None:
        """Forget the fake images, and with ``real`` the real ones too; a reference stays."""
        for role in ("fake", "real") if real else ("fake",):
            self._streams[role].reset()

    def merge(self, other: Evaluation) -> None:
        """Take in the images that another evaluation of the same recipe has seen; without indices they follow these.

        Ranks of ``torch.distributed`` need no merge: ``compute`` joins them.

        Raises
        ------
        StatisticsError, UsageError
            Another network, reference, limit of rows or ``ci``, other metrics, or indices on one side alone.
        """
        self._check_same(other._identity(), "the other evaluation")
        merge_streams(self._streams, other._streams)

    def state_dict(self) -> dict[str, Any]:
        """All that was seen, as tensors, numbers and texts, which ``torch.load(…, weights_only=True)`` reads back."""
        streams = {role: stream.state() for role, stream in self._streams.items()}
        return signed({"version": STATE, "identity": self._identity(), **streams})

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from ``state_dict``, forgetting what this evaluation has seen.

        Raises
        ------
        StatisticsError
            A state of another version or recipe, or one that is damaged or was changed.
        """
        check_state(state, STATE)
        self._check_same(str(state.get("identity")), "the state")
        for role, stream in self._streams.items():
            stream.restore(state.get(role, {}))

    def _roles(self) -> list[str]:
        has_real = self.reference is None and any(each.needs_real for each in self.metrics)
        return ["real", "fake"] if has_real else ["fake"]

    def _stream(self, role: str, device: torch.device, batch_size: int | None) -> Stream:
        reads = kept_of(role, self.metrics, self.ci)
        return Stream(self.extractor, reads, Extraction(self.extractor, [], device, batch_size), self.max_rows)

    def _measured(self, side: Side | None, measuring: Measuring) -> Statistics | None:
        """The statistics of the reference, of the recipe of the network."""
        if side is None or not any(each.needs_real for each in self.metrics):
            return None
        reads = kept_of("real", self.metrics, "off")
        measuring.check({"real": side}, {"real": reads})
        if isinstance(side, Statistics):
            side.recipe.require(recipe_of(measuring.loaded), (side.source or side.name or "reference", "fake"))
        return measuring(side, unheld(side, "real", self.metrics, set(), self.ci))

    def _gathered(self, role: str, is_synced: bool) -> PartialStatistics | None:
        """The images of one side, of all ranks where they are synced: then only the first rank has them."""
        stream = self._streams[role]
        stream.flush()
        if not is_synced:
            return stream.gathering.moved()
        told = ranks.told((len(stream.gathering), stream.has_indices))
        if len({has for count, has in told if count}) > 1:
            what = "some ranks gave the places of their images (indices) and others did not"
            raise UsageError(what, where="update", hint="Give them on all ranks or on none")
        before = sum(count for count, _ in told[: ranks.rank()])
        return ranks.merged(stream.gathering.moved(0 if stream.has_indices else before))

    def _result(self, gathered: Mapping[str, PartialStatistics | None], num_images: int | None) -> Result:
        sides = {role: self._statistics(role, found) for role, found in gathered.items() if found is not None}
        count = sides["fake"].count
        if num_images is not None and count != num_images:
            what = f"saw {count} fake images, the set has {num_images}"
            hint = (
                "Samplers that give all ranks equally many repeat some: give each rank a share of its own, or indices"
            )
            raise InputError(what, where="compute", hint=hint if count > num_images else "", code="E-COUNT")
        result = scored(Sides(sides.get("real", self.reference), sides["fake"]), self.metrics, self.ci)
        thinned = [
            f"{role}: metrics of single features, such as KID, read a sample of {side.max_rows} of {side.count} images"
            for role, side in sides.items()
            if side.is_thinned and any(each.reads_rows for each in self.metrics)
        ]
        return replace(result, warnings=(*result.warnings, *thinned)) if thinned else result

    def _statistics(self, role: str, gathering: PartialStatistics) -> Statistics:
        if len(gathering) < 2:
            raise too_few(f"{role} images", len(gathering), 2)
        return replace(gathered_statistics(gathering, self.recipe), source=f"{role} images of a stream")

    def _identity(self) -> str:
        facts = {**asdict(self.recipe), "metrics": [str(each) for each in self.metrics], "ci": self.ci}
        reference = self.reference and f"#{self.reference.count}:{self.reference.digest}"
        return json.dumps({**facts, "max_rows": self.max_rows, "reference": reference}, sort_keys=True)

    def _check_same(self, identity: str, what: str) -> None:
        if identity != self._identity():
            found, hint = shown(identity[:1000]), "Make both with the same metrics, network, reference and max_rows"
            raise StatisticsError(f"{what} has another recipe: {found} / {self._identity()}", hint=hint)


def _streamed(metrics: str | Sequence[str | Metric], seed: int) -> list[Metric]:
    """The metrics, of which a stream must have all that they read (UsageError)."""
    choice = chosen_metrics(metrics, seed)
    if choice.is_lenient:
        what = "a stream cannot be asked for all or default metrics, which the sets decide"
        raise UsageError(what, where="metrics", hint="Name those that you want")
    for each in choice.metrics:
        if each.needs_test or any(need.layer == SOURCE for need in each.reads):
            lacking = "test images" if each.needs_test else "the class of each image"
            what = f"{each.name} needs {lacking}, which a stream of images has not"
            raise UsageError(what, where="metrics", hint="Score folders or data sets with gm.evaluate")
    return choice.metrics
