"""ganmetrics: evaluation metrics for GANs and other image generators.

>>> import ganmetrics as gm                                     # doctest: +SKIP
>>> result = gm.evaluate("real/", "fake/", metrics=["fid", "is", "kid"])  # doctest: +SKIP
>>> result["fid"].value, result["fid"].signature                # doctest: +SKIP

Importing the package costs milliseconds: PyTorch is imported by the first name that needs it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ganmetrics.version import __version__

if TYPE_CHECKING:
    from ganmetrics import functional, generators, training
    from ganmetrics.data import Reading, Source
    from ganmetrics.data import open_source as source
    from ganmetrics.diagnosis import Diagnosis, Finding, TrainingHealth, diagnose
    from ganmetrics.errors import (
        GanMetricsError,
        InputError,
        NumericalError,
        RejectedError,
        ResourceError,
        StatisticsError,
        UsageError,
        WeightsError,
    )
    from ganmetrics.evaluation import (
        Attribution,
        Comparison,
        Evaluation,
        LatentPath,
        PathLength,
        Result,
        Rosetta,
        Score,
        Signature,
        Statistics,
        attribute,
        compare,
        evaluate,
        every_protocol,
        fid,
        inception_score,
        kid,
        measure,
        ppl,
        score,
    )
    from ganmetrics.evaluation.archive import load as load_statistics
    from ganmetrics.evaluation.archive import save as save_statistics
    from ganmetrics.evaluation.saved import compare_saved
    from ganmetrics.features import Extractor, load_extractor
    from ganmetrics.numerics.interval import Interval
    from ganmetrics.numerics.memory import memory_limit

_HOMES = {
    "functional": "",
    "generators": "",
    "training": "",
    "Reading": "data",
    "Source": "data",
    "source": "data:open_source",
    "Diagnosis": "diagnosis",
    "Finding": "diagnosis",
    "TrainingHealth": "diagnosis",
    "diagnose": "diagnosis",
    "GanMetricsError": "errors",
    "InputError": "errors",
    "NumericalError": "errors",
    "RejectedError": "errors",
    "ResourceError": "errors",
    "StatisticsError": "errors",
    "UsageError": "errors",
    "WeightsError": "errors",
    "Attribution": "evaluation",
    "Comparison": "evaluation",
    "Evaluation": "evaluation",
    "LatentPath": "evaluation",
    "PathLength": "evaluation",
    "Result": "evaluation",
    "Rosetta": "evaluation",
    "Score": "evaluation",
    "Signature": "evaluation",
    "Statistics": "evaluation",
    "attribute": "evaluation",
    "compare": "evaluation",
    "evaluate": "evaluation",
    "every_protocol": "evaluation",
    "fid": "evaluation",
    "inception_score": "evaluation",
    "kid": "evaluation",
    "measure": "evaluation",
    "ppl": "evaluation",
    "score": "evaluation",
    "compare_saved": "evaluation.saved",
    "Extractor": "features",
    "load_extractor": "features",
    "Interval": "numerics.interval",
    "memory_limit": "numerics.memory",
    "load_statistics": "evaluation.archive:load",
    "save_statistics": "evaluation.archive:save",
}

__all__ = [
    "Attribution",
    "Comparison",
    "Diagnosis",
    "Evaluation",
    "Extractor",
    "Finding",
    "GanMetricsError",
    "InputError",
    "Interval",
    "LatentPath",
    "NumericalError",
    "PathLength",
    "Reading",
    "RejectedError",
    "ResourceError",
    "Result",
    "Rosetta",
    "Score",
    "Signature",
    "Source",
    "Statistics",
    "StatisticsError",
    "TrainingHealth",
    "UsageError",
    "WeightsError",
    "__version__",
    "attribute",
    "compare",
    "compare_saved",
    "diagnose",
    "evaluate",
    "every_protocol",
    "fid",
    "functional",
    "generators",
    "inception_score",
    "kid",
    "load_extractor",
    "load_statistics",
    "measure",
    "memory_limit",
    "ppl",
    "save_statistics",
    "score",
    "source",
    "training",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'ganmetrics' has no attribute {name!r}")
    home, _, attribute = _HOMES[name].partition(":")
    module = import_module(f"ganmetrics.{home or name}")
    value = getattr(module, attribute or name) if home else module
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
