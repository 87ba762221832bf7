"""Whether this installation gives the numbers that it should: closed forms, recorded scores, published ones."""

from __future__ import annotations

from ganmetrics.selftest.check import Check
from ganmetrics.selftest.check_list import Plan, Task
from ganmetrics.selftest.environment import environment

__all__ = ["Check", "Plan", "Task", "environment"]
