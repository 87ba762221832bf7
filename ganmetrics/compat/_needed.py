"""Libraries that ganmetrics adapts to and does not depend on."""

from __future__ import annotations

from ganmetrics.errors import UsageError


def not_installed(module: str, package: str) -> UsageError:
    """Return the error that an adapter raises where its library is missing."""
    what = f"ganmetrics.compat.{module} needs {package}, which is not installed"
    return UsageError(what, where=f"import ganmetrics.compat.{module}", hint=f"pip install {package}", code="E-MISSING")
