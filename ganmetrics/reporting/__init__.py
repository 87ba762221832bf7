"""Reports: tables, figures and pictures made from results."""

from __future__ import annotations

from ganmetrics.reporting.citations import bibtex
from ganmetrics.reporting.model_card import write_card
from ganmetrics.reporting.page import fragment, page, plot, save

__all__ = ["bibtex", "fragment", "page", "plot", "save", "write_card"]
