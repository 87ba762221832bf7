"""The saved state of a monitor: what it has seen of a training, as numbers and texts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import torch

from ganmetrics.diagnosis.finding import VERDICTS
from ganmetrics.diagnosis.finding import rank as severity
from ganmetrics.diagnosis.training_health import Entry, TrainingHealth
from ganmetrics.errors import MALFORMED
from ganmetrics.measurement.checkpoint import check_state, damaged_state, signed
from ganmetrics.training.records import Record

# Version of the saved state.
STATE = 3


class MonitorState(NamedTuple):
    """What a monitor has seen.

    Attributes
    ----------
    step : int
        The last step that was noted.
    seconds : float
        That the training has spent in the monitor.
    told : dict of str to str
        The worst verdict of each fault that was logged.
    history : list of Record
    health : TrainingHealth
    """

    step: int
    seconds: float
    told: dict[str, str]
    history: list[Record]
    health: TrainingHealth

    def to_dict(self) -> dict[str, Any]:
        """Return the state as plain data with a digest of its content."""
        infinite = {name: list(steps) for name, steps in self.health._infinite.items()}
        health = {"entries": [list(entry) for entry in self.health.entries], "infinite": infinite}
        history = [record.to_dict() for record in self.history]
        seen = {"step": self.step, "seconds": self.seconds, "told": dict(self.told)}
        return signed({"version": STATE, **seen, "history": history, "health": health})

    @staticmethod
    def from_dict(state: Mapping[str, Any]) -> MonitorState:
        """Return the state that ``to_dict`` wrote.

        Raises
        ------
        StatisticsError
            A state of another version, or a damaged one.
        """
        check_state(state, STATE)
        try:
            entries = [Entry(int(step), *map(float, numbers)) for step, *numbers in state["health"]["entries"]]
            infinite = {str(name): list(map(int, steps)) for name, steps in state["health"]["infinite"].items()}
            told = {str(name): VERDICTS[severity(verdict)] for name, verdict in state["told"].items()}
            history = [Record.from_dict(record) for record in state["history"]]
            return MonitorState(
                int(state["step"]), float(state["seconds"]), told, history, health_of(entries, infinite)
            )
        except MALFORMED as error:
            raise damaged_state(error) from error


def health_of(entries: Iterable[Entry], infinite: Mapping[str, list[int]]) -> TrainingHealth:
    """Return the health of a training from its entries."""
    health = TrainingHealth()
    health.entries, health._infinite = list(entries), dict(infinite)
    return health


def as_float(value: Any) -> float | None:
    """Return a number as float, also where it is a tensor in a graph; ``None`` stays."""
    return float(value.detach()) if isinstance(value, torch.Tensor) else value
