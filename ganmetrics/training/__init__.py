"""What a training loop calls: a monitor that scores the generator now and then and tells what goes wrong."""

from __future__ import annotations

from ganmetrics.training.monitor import Monitor
from ganmetrics.training.outputs import Outputs
from ganmetrics.training.records import Mark, Record

__all__ = ["Mark", "Monitor", "Outputs", "Record"]
