"""ganmetrics: evaluation metrics for GANs and other image generators.

>>> import ganmetrics as gm                                     # doctest: +SKIP
>>> result = gm.evaluate("real/", "fake/", metrics=["fid", "is", "kid"])  # doctest: +SKIP
>>> result["fid"].value, result["fid"].signature                # doctest: +SKIP

Importing the package costs milliseconds: PyTorch is imported by the first name that needs it.
"""

from __future__ import annotations

import lazy_loader

from ganmetrics import _report


def _reporting() -> _report.Renderer:
    from ganmetrics import reporting

    return reporting


# Results draw themselves by ``reporting``, which stands above them and loads matplotlib and Jinja only then.
_report.Report.renderer = staticmethod(_reporting)
# The names and their homes stand in ``__init__.pyi``.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
