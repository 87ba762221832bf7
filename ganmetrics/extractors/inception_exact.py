"""``inception-exact``: the same network in the peers' order of operations, for parity to the last digits."""

from __future__ import annotations

from functools import partial

from ganmetrics.extractors.extractor import PHOTOGRAPHS, ExtractorRecord
from ganmetrics.extractors.inception import Inception
from ganmetrics.extractors.resize import INPUTS

EXTRACTOR = ExtractorRecord(
    name="inception-exact",
    load=partial(Inception, exact=True),
    download=True,
    summary="the same, in the peers' order of operations: half as fast, equal to torch-fidelity to the last digits",
    domain=PHOTOGRAPHS,
    resizes=INPUTS,
)
