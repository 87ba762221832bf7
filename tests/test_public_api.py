"""The front door: the names it opens, and what importing it costs."""

from __future__ import annotations

import subprocess
import sys

import pytest

import ganmetrics as gm

NAMES = {
    "Attribution", "Comparison", "Diagnosis", "Evaluation", "Extractor", "Finding", "GanMetricsError", "InputError",
    "Interval", "LatentPath", "NumericalError", "PathLength", "Reading", "RejectedError", "ResourceError", "Result",
    "ProtocolTable", "Score", "Signature", "Source", "Statistics", "StatisticsError", "TrainingHealth", "UsageError",
    "WeightsError", "__version__", "attribute", "compare", "compare_saved", "diagnose", "evaluate", "every_protocol",
    "Explanation", "explain", "features", "fid", "functional", "generators", "inception_score", "kid", "load_extractor",
    "load_statistics", "measure", "memory_limit", "ppl", "save_statistics", "score", "source", "training",
    "PerImage", "RequiredImages", "SavedResults", "TrainingComparison", "compare_trainings", "load_results",
    "per_image", "required_images",
}  # fmt: skip


def test_the_public_names_are_these() -> None:
    assert set(gm.__all__) == NAMES
    assert set(dir(gm)) == NAMES


@pytest.mark.parametrize("name", sorted(NAMES))
def test_every_name_opens_and_is_documented(name: str) -> None:
    value = getattr(gm, name)
    assert name.startswith("__") or value.__doc__


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="nothing_here"):
        _ = gm.nothing_here


@pytest.mark.parametrize("statement", ["import ganmetrics", "import ganmetrics.cli", "import ganmetrics.errors"])
def test_importing_does_not_import_torch(statement: str) -> None:
    heavy = "('torch', 'torchvision', 'scipy', 'numpy', 'PIL')"
    code = f"import sys; {statement}; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_help_imports_no_torch() -> None:
    code = (
        "import sys\nfrom ganmetrics.cli import main\n"
        "try:\n    main(['--help'])\nexcept SystemExit:\n    pass\n"
        "print([m for m in ('torch', 'torchvision', 'scipy', 'numpy', 'PIL') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip().endswith("[]")
