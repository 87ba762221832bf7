"""What is wrong and what to try: verdicts that combine scores, with their evidence."""

from __future__ import annotations

from ganmetrics.diagnosis.finding import Evidence, Finding
from ganmetrics.diagnosis.training_health import TrainingHealth
from ganmetrics.diagnosis.verdicts import Diagnosis, diagnose

__all__ = ["Diagnosis", "Evidence", "Finding", "TrainingHealth", "diagnose"]
