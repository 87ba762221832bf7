"""What was gathered as plain tensors, numbers and texts, for checkpoints, and back."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, Any

import torch

from ganmetrics._files import shown
from ganmetrics.errors import MALFORMED, StatisticsError
from ganmetrics.evaluation.gathering import Collector, Gathering, Seen
from ganmetrics.evaluation.sampling import Rows
from ganmetrics.numerics.moments import Moments, RunningMoments
from ganmetrics.numerics.spread import Spread

if TYPE_CHECKING:
    from ganmetrics.evaluation.sampling import Sample


def state_of(gathering: Gathering) -> dict[str, Any]:
    """A state that ``gathering_of`` reads."""
    seen, collector = gathering.seen, gathering.collector
    return {
        "digests": seen.pixels.tensor(),
        "places": torch.cat(seen.places) if seen.places else torch.empty(0, dtype=torch.int64),
        "kinds": dict(seen.notes.kinds),
        "sizes": [[*size, count] for size, count in seen.notes.sizes.items()],
        "images": None if seen.sample is None else _of_sample(seen.sample),
        "count": collector.count,
        "is_of_one_size": collector.is_of_one_size,
        "samples": {name: _of_sample(sample) for name, sample in collector.kept.items()},
        "moments": {
            name: {"moments": _fields(gathered.moments), "waiting": list(gathered.waiting)}
            for name, gathered in collector.gathered.items()
        },
        "spread": _fields(collector.spread),
    }


def gathering_of(empty: Gathering, state: Mapping[str, Any]) -> Gathering:
    """What a state holds, put into a gathering that has seen nothing and reads the same.

    Raises
    ------
    StatisticsError
        A damaged state, or one of a gathering that reads other things.
    """
    try:
        _restore_seen(empty.seen, state)
        _restore_collector(empty.collector, state)
    except (RuntimeError, *MALFORMED) as error:
        raise damaged_state(error) from error
    return empty


def check_version(state: Any, version: int) -> None:
    """Refuse a state of another version, or what is no state at all (StatisticsError)."""
    found = state.get("version") if isinstance(state, Mapping) else None
    if found != version:
        what = f"the state has version {found!r:.40}; this version reads {version}"
        raise StatisticsError(what, where="load_state_dict", code="E-SCHEMA")


def damaged_state(error: Exception) -> StatisticsError:
    """That a state's parts are not those of a state."""
    what = f"the state is damaged: {type(error).__name__} {shown(str(error)[:80])}"
    return StatisticsError(what, where="load_state_dict", code="E-DAMAGED")


def _restore_seen(seen: Seen, state: Mapping[str, Any]) -> None:
    seen.pixels.restore(state["digests"])
    seen.places = [state["places"]]
    if len(seen.pixels) != len(state["places"]):
        raise ValueError("places")
    seen.notes.kinds = Counter(state["kinds"])
    seen.notes.sizes = Counter({(height, width): count for height, width, count in state["sizes"]})
    if seen.sample is not None:
        _restore_sample(seen.sample, state["images"])


def _restore_collector(collector: Collector, state: Mapping[str, Any]) -> None:
    collector.count, collector.is_of_one_size = int(state["count"]), bool(state["is_of_one_size"])
    for name, sample in collector.kept.items():
        _restore_sample(sample, state["samples"][name])
    for name, gathered in collector.gathered.items():
        found = state["moments"][name]
        gathered.running = RunningMoments(None if found["moments"] is None else Moments(**found["moments"]))
        gathered.waiting = list(found["waiting"])
    collector.spread = None if state["spread"] is None else Spread(**state["spread"])


def _of_sample(sample: Sample) -> dict[str, Any]:
    kept = sample.joined()._asdict() if sample.kept else None
    border = None if sample.border == math.inf else sample.border
    return {"kept": kept, "border": border, "is_of_one_shape": sample.is_of_one_shape}


def _restore_sample(sample: Sample, state: Mapping[str, Any]) -> None:
    sample.kept = [] if state["kept"] is None else [Rows(**state["kept"])]
    sample.count = 0 if state["kept"] is None else len(sample.kept[0].rows)
    sample.border = math.inf if state["border"] is None else float(state["border"])
    sample.is_of_one_shape = bool(state["is_of_one_shape"])


def _fields(value: Moments | Spread | None) -> dict[str, Any] | None:
    return None if value is None else {each.name: getattr(value, each.name) for each in fields(value)}
