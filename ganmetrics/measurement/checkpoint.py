"""What was gathered as plain tensors, numbers and texts, for checkpoints, and back."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import fields
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import torch

from ganmetrics._content import content_digest
from ganmetrics._files import shown
from ganmetrics.errors import MALFORMED, StatisticsError
from ganmetrics.measurement.gathering import Collector, MomentsKeeper, PartialStatistics, Rows, Sample, SpreadKeeper
from ganmetrics.measurement.image_record import VALUES, ImageRecord
from ganmetrics.metrics.needs import SPREAD
from ganmetrics.numerics.moments import Moments, RunningMoments
from ganmetrics.numerics.spread import GROUPS, Spread

if TYPE_CHECKING:
    from torch import Tensor

KeeperType = TypeVar("KeeperType")


def state_of(gathering: PartialStatistics) -> dict[str, Any]:
    """A state that ``gathering_of`` reads."""
    seen, collector = gathering.seen, gathering.collector
    return {
        "digests": seen.pixels.tensor(),
        "values": seen.values,
        "places": torch.cat(seen.places) if seen.places else torch.empty(0, dtype=torch.int64),
        "kinds": dict(seen.notes.kinds),
        "sizes": [[*size, count] for size, count in seen.notes.sizes.items()],
        "images": None if seen.sample is None else _of_sample(seen.sample),
        "count": collector.count,
        "is_of_one_size": all(keeper.is_of_one_size for keeper in _of_type(collector, SpreadKeeper).values()),
        "samples": {name: _of_sample(sample) for name, sample in _of_type(collector, Sample).items()},
        "moments": {
            name: {"moments": _fields(keeper.moments), "waiting": list(keeper.waiting)}
            for name, keeper in _of_type(collector, MomentsKeeper).items()
        },
        SPREAD.name: None,  # a state names it even where nobody reads it
        **{name: _fields(keeper.spread) for name, keeper in _of_type(collector, SpreadKeeper).items()},
    }


def _of_type(collector: Collector, kind: type[KeeperType]) -> dict[str, KeeperType]:
    """The keepers of one type by the names of their needs."""
    return {need.name: keeper for need, keeper in collector.keepers.items() if isinstance(keeper, kind)}


def gathering_of(empty: PartialStatistics, state: Mapping[str, Any]) -> PartialStatistics:
    """What a state holds, put into a gathering that has seen nothing and reads the same.

    Raises
    ------
    StatisticsError
        A damaged state, or one of a gathering that reads other things.
    """
    try:
        _restore_seen(empty.seen, state)
        _restore_collector(empty.collector, state)
        _check_counts(empty)
    except (RuntimeError, *MALFORMED) as error:
        raise damaged_state(error) from error
    return empty


def signed(state: Mapping[str, Any]) -> dict[str, Any]:
    """Return the state with the digest of its content, which ``check_state`` compares."""
    return {**state, "content": content_digest(state)}


def check_state(state: Any, version: int) -> None:
    """Refuse a state of another version, what is no state at all, and one that was changed (StatisticsError)."""
    found = state.get("version") if isinstance(state, Mapping) else None
    if found != version:
        what = f"the state has version {found!r:.40}; this version reads {version}"
        raise StatisticsError(what, where="load_state_dict", code="E-SCHEMA")
    try:
        content = content_digest({name: value for name, value in state.items() if name != "content"})
    except TypeError as error:
        raise damaged_state(error) from error
    if content != state.get("content"):
        raise damaged_state(ValueError("it does not have the digest that it names"))


def damaged_state(error: Exception) -> StatisticsError:
    """That a state's parts are not those of a state."""
    what = f"the state is damaged: {type(error).__name__} {shown(str(error)[:80])}"
    return StatisticsError(what, where="load_state_dict", code="E-DAMAGED")


def _check_counts(found: PartialStatistics) -> None:
    """Refuse parts that are of another number of images than the whole (ValueError)."""
    collector = found.collector
    expected = len(found) if collector.layers else 0
    counts = {"count": collector.count}
    for name, keeper in _of_type(collector, MomentsKeeper).items():
        counts[name] = keeper.running.count + sum(map(len, keeper.waiting))
    for name, spread in _of_type(collector, SpreadKeeper).items():
        if spread.is_of_one_size:
            counts[name] = 0 if spread.spread is None else spread.spread.count
    for name, sample in _of_type(collector, Sample).items():
        if sample.is_possible:
            counts[name] = expected if sample.border < math.inf and sample.count <= expected else sample.count
    for name, count in counts.items():
        if count != expected:
            raise ValueError(f"{name} is of {count} images, and {expected} were seen")


def _restore_seen(seen: ImageRecord, state: Mapping[str, Any]) -> None:
    seen.pixels.restore(state["digests"])
    seen.values = _values(state["values"], len(seen.pixels))
    seen.places = [_tensor(state["places"], (len(seen.pixels),), torch.int64)]
    seen.notes.kinds = Counter({str(name): int(count) for name, count in state["kinds"].items()})
    seen.notes.sizes = Counter({(int(height), int(width)): int(count) for height, width, count in state["sizes"]})
    if seen.sample is not None:
        _restore_sample(seen.sample, state["images"])


def _values(counts: Tensor, num_images: int) -> Tensor:
    """The counts of pixel values of so many images, int64 [4, 256]."""
    found = _tensor(counts, (4, VALUES), torch.int64).clone()
    if int(found.min()) < 0 or any(int(found[row].sum()) != num_images for row in (0, 1, 3)):
        raise ValueError("counts of pixel values that are of other images")
    return found


def _restore_collector(collector: Collector, state: Mapping[str, Any]) -> None:
    collector.count, is_of_one_size = int(state["count"]), bool(state["is_of_one_size"])
    for name, sample in _of_type(collector, Sample).items():
        _restore_sample(sample, state["samples"][name])
    for name, keeper in _of_type(collector, MomentsKeeper).items():
        found = state["moments"][name]
        keeper.running = RunningMoments(None if found["moments"] is None else _moments_of(**found["moments"]))
        dim = len(keeper.running.mean) or None
        keeper.waiting = [_tensor(rows, (None, dim)) for rows in found["waiting"]]
    for name, spread in _of_type(collector, SpreadKeeper).items():
        spread.is_of_one_size = is_of_one_size
        spread.spread = None if state[name] is None else _spread_of(**state[name])


def _moments_of(count: int, mean: Tensor, scatter: Tensor) -> Moments:
    dim = len(mean)
    return Moments(int(count), _tensor(mean, (dim,), torch.float64), _tensor(scatter, (dim, dim), torch.float64))


def _spread_of(counts: Tensor, means: Tensor, scatters: Tensor) -> Spread:
    of_group = partial(_tensor, shape=(GROUPS,), dtype=torch.float64)
    return Spread(of_group(counts), _tensor(means, (GROUPS, None)), of_group(scatters))


def _tensor(value: Any, shape: tuple[int | None, ...], dtype: torch.dtype = torch.float32) -> Tensor:
    """A tensor of that type and shape, any size where it has ``None`` (TypeError for other values)."""
    is_right = isinstance(value, torch.Tensor) and value.dtype == dtype and value.dim() == len(shape)
    if not is_right or any(size not in (None, found) for size, found in zip(shape, value.shape, strict=True)):
        raise TypeError(f"no {dtype} tensor of shape {list(shape)}")
    return value


def _of_sample(sample: Sample) -> dict[str, Any]:
    kept = sample.joined()._asdict() if sample.kept else None
    border = None if sample.border == math.inf else sample.border
    return {"kept": kept, "border": border, "is_of_one_shape": sample.is_possible}


def _restore_sample(sample: Sample, state: Mapping[str, Any]) -> None:
    sample.kept = [] if state["kept"] is None else [_rows_of(**state["kept"])]
    sample.count = sum(len(rows.rows) for rows in sample.kept)
    sample.border = math.inf if state["border"] is None else float(state["border"])
    sample.is_possible = bool(state["is_of_one_shape"])


def _rows_of(keys: Tensor, places: Tensor, rows: Tensor) -> Rows:
    # Rows are images, or features.
    count, dtype = len(rows), rows.dtype if rows.dtype == torch.uint8 else torch.float32
    _tensor(rows, (count, *[None] * (rows.dim() - 1)), dtype)
    return Rows(_tensor(keys, (count,), torch.float64), _tensor(places, (count,), torch.int64), rows)


def _fields(value: Moments | Spread | None) -> dict[str, Any] | None:
    return None if value is None else {each.name: getattr(value, each.name) for each in fields(value)}
