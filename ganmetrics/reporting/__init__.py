"""Reports: tables, figures and pictures made from results."""

from __future__ import annotations

from ganmetrics.reporting.page import fragment, page, plot, save

__all__ = ["fragment", "page", "plot", "save"]
