"""``inception-exact``: the same network in the peers' order of operations, for parity to the last digits."""

from __future__ import annotations

from functools import partial

from ganmetrics.features.base import PHOTOGRAPHS, ExtractorRecord
from ganmetrics.features.inception import Inception
from ganmetrics.features.resize import INPUTS

EXTRACTOR = ExtractorRecord(
    name="inception-exact",
    load=partial(Inception, exact=True),
    download=True,
    summary="the same, in the peers' order of operations: half as fast, equal to torch-fidelity to the last digits",
    domain=PHOTOGRAPHS,
    resizes=INPUTS,
)
