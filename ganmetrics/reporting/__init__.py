"""What people look at: pictures and pages made from images and results."""

from __future__ import annotations

from ganmetrics.reporting.page import fragment, page, plot, save

__all__ = ["fragment", "page", "plot", "save"]
