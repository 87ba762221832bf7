"""torch-fidelity's scores of two inputs, those that ganmetrics has no metric for among them."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from ganmetrics.errors import UsageError

if TYPE_CHECKING:
    from ganmetrics.compat._fidelity_inputs import Opening
    from ganmetrics.compat._kernels import Gaussian, Polynomial
    from ganmetrics.compat._sides import Side
    from ganmetrics.data import Reading
    from ganmetrics.extractors import Extractor

    Found = dict[str, tuple[float, float | None]]

HINTS = {
    "E-UNREADABLE": "Repair or remove them",
    "E-TOO-FEW": "Add images, or lower `kid_subset_size`, `isc_splits` or `prc_neighborhood`",
}
# torch-fidelity has no option for the processes that decode.
NAMES = {"workers": "ganmetrics evaluate --workers"}


@dataclass(frozen=True)
class Inputs:
    """The real and the generated set as they were given, each with the number of samples of a model.

    ``statistics`` names a file that stands for the real images in FID.
    """

    opening: Opening
    real: tuple[Any, int | None]
    fake: tuple[Any, int | None]
    statistics: str | os.PathLike[str] | None

    def sides(self) -> tuple[Side | None, Side]:
        """Return both sets, opened anew, because a generator starts again."""
        value, count = self.real
        return None if value is None else self.opening.images(value, count), self.opening.images(*self.fake)


@dataclass
class Scorer:
    """Scores inputs by groups of metrics that read one network."""

    weights: str | os.PathLike[str] | None
    device: str
    batch_size: int
    warnings: list[str] = field(default_factory=list)

    def scores(
        self,
        given: Inputs,
        groups: Mapping[str, Sequence[str]],
        kernel: Polynomial | Gaussian | None,
        *,
        is_shuffled: bool,
    ) -> Found:
        """Return each score with its deviation over parts; all networks are loaded before the first image is read."""
        from ganmetrics.compat._sides import own_hints
        from ganmetrics.extractors import load_extractor

        # Inputs that cannot be opened are told before a network is fetched.
        opened = [given.sides() for _ in groups]
        networks = [load_extractor(extractor, self.weights) for extractor in groups]
        found: Found = {}
        for sides, network, metrics in zip(opened, networks, groups.values(), strict=True):
            with own_hints(HINTS, NAMES):
                left, others = self._apart(given, sides[0], network, list(metrics), kernel, is_shuffled)
                found |= others | (self._usual(sides, network, left, given.opening.reading) if left else {})
        return found

    def _apart(
        self, given: Inputs, real: Any, network: Extractor, metrics: list[str], kernel: Any, is_shuffled: bool
    ) -> tuple[list[str], Found]:
        """Return the metrics that are left, and the scores of those that ganmetrics has no metric for."""
        from ganmetrics.measurement.statistics import Statistics

        found: Found = {}
        file = real if isinstance(real, Statistics) else given.statistics
        for text in list(metrics):
            if text == "fid" and file is not None:
                found |= self._fid(file, given, network)
            elif isinstance(real, Statistics) and not text.startswith("is("):
                what = "the real images are statistics, which FID alone reads"
                raise UsageError(what, where="input2", hint="Pass the images for the other scores")
            elif kernel is not None and text.startswith("kid"):
                found |= self._kid(text, given, network, kernel)
            elif not is_shuffled and text.startswith("is("):
                found |= self._isc(text, given, network)
            else:
                continue
            metrics.remove(text)
        return metrics, found

    def _usual(self, sides: tuple[Any, Any], network: Extractor, metrics: Sequence[str], reading: Reading) -> Found:
        from ganmetrics.evaluation.evaluate import evaluate
        from ganmetrics.measurement.statistics import Statistics

        real, fake = sides
        result = evaluate(
            None if isinstance(real, Statistics) else real, fake, metrics=metrics, extractor=network,
            device=self.device, batch_size=self.batch_size, ci="off", reading=reading,
        )  # fmt: skip
        self.warnings += result.warnings
        return {name: (score.value, score.std) for name, score in result.scores.items()}

    def _fid(self, file: Any, given: Inputs, network: Extractor) -> Found:
        """FID against statistics, which pass as made by this network."""
        from ganmetrics.compat._peer_files import torch_fidelitys_rule
        from ganmetrics.compat._sides import Run, measured, opened
        from ganmetrics.evaluation.evaluate import score
        from ganmetrics.measurement.statistics import Statistics

        rule = torch_fidelitys_rule(given.opening.suffixes, is_deep=given.opening.is_deep)
        real = file if isinstance(file, Statistics) else opened(file, given.opening.reading, rule)
        how = Run(extractor=network.name, device=self.device, batch_size=self.batch_size)
        of_real, of_fake = measured([real, given.sides()[1]], ["moments"], how, network)
        result = score(of_real, of_fake, "fid", ci="off")
        self.warnings += result.warnings
        return {"fid": (result["fid"].value, None)}

    def _kid(self, text: str, given: Inputs, network: Extractor, kernel: Polynomial | Gaussian) -> Found:
        """KID with another kernel."""
        from ganmetrics.compat._kernels import kernel_distance
        from ganmetrics.metrics import metric

        chosen = metric(text).settings
        size, count, seed = (int(chosen[name]) for name in ("subset_size", "num_subsets", "seed"))
        real, fake = (self._rows(side, network, "features", given.opening.reading) for side in given.sides())
        if min(len(real), len(fake)) < size:
            what = f"kid needs at least {size} images in each set; found {len(real)} real and {len(fake)} fake"
            raise UsageError(what, where="kid_subset_size", hint="Add images, or lower `kid_subset_size`")
        return {"kid": kernel_distance(real, fake, count, size, kernel, seed)}

    def _isc(self, text: str, given: Inputs, network: Extractor) -> Found:
        """The Inception Score of splits in the order of the images."""
        import numpy as np

        from ganmetrics.metrics import metric
        from ganmetrics.metrics.inception_score import inception_score

        splits = int(metric(text).settings["splits"])
        rows = self._rows(given.sides()[1], network, "logits", given.opening.reading)
        places = [len(rows) * k // splits for k in range(splits + 1)]
        parts = [rows[low:high] for low, high in pairwise(places)]
        values = [inception_score(part, splits=1).value for part in parts]
        return {"is": (float(np.mean(values)), float(np.std(values)))}

    def _rows(self, side: Any, network: Extractor, reads: str, reading: Reading) -> Any:
        from ganmetrics.evaluation.evaluate import measure

        found = measure(
            side, reads=reads, extractor=network, device=self.device, batch_size=self.batch_size, reading=reading
        )
        return getattr(found, reads)
