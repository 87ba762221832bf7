"""Ray: workers of a cluster read stretches of a set, and the states merge as a tree.

Ray hands out the stretches. Those of a worker or a node that is lost are read again by another, and count once, because
a stretch leaves its state when it is read to the end or not at all.
"""

from __future__ import annotations

import dataclasses
import pickle
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import reduce
from typing import TYPE_CHECKING, Any, NamedTuple

from ganmetrics._progress import progress_bar
from ganmetrics.data.dataset import DatasetSource
from ganmetrics.data.generator import GeneratorSource
from ganmetrics.data.reading.batches import BLOCK, Share
from ganmetrics.data.reading.item_source import ItemSource
from ganmetrics.data.reading.random_streams import OwnStreams
from ganmetrics.distributed.ray_cluster import RETRIES, connected, first_line, require_ray
from ganmetrics.errors import GanMetricsError, ResourceError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    from ganmetrics.data import Source
    from ganmetrics.distributed import Mergeable

    Part = TypeVar("Part", bound=Mergeable)

# Stretches for each worker: a slow one is waited for shortly, and little is read again for a lost one.
STRETCHES = 8
# Images of a stretch: it takes minutes at most, and some hundred times what its state costs.
MOST_IMAGES = {"cpu": 2_048, "gpu": 16_384}
# States that one task merges.
FAN_IN = 8
# Stretches that are handed out for each worker, so that a slow one keeps the others from nothing.
AHEAD = 4
FOREVER = (
    -1
)  # Ray counts as tries what it sends to a node before it knows that the node is lost; Ledger counts readings
# Cores of a worker without a GPU.
MAX_CORES = 4


class RayData:
    """The engine: one worker with the network for each GPU, or for some cores where there is none."""

    def gathered(self, reader: Callable[[Share], Part], count: int | None) -> Part:
        """What the reader leaves of all of a set of ``count`` images.

        Parameters
        ----------
        reader : a dataclass with ``source``, ``reading`` and ``device``, called with a share
            It is sent to the workers, each of which sets the latter two to what it has.

        Raises
        ------
        UsageError
            A source that does not know its number of images, or exists in this process only; Ray is not installed.
        ResourceError
            The cluster is not there, or a stretch lost its worker again and again.
        GanMetricsError
            What the reading itself raises.
        """
        source, reading = reader.source, reader.reading  # type: ignore[attr-defined]
        if count is None:
            hint = "Use the engine local, or a source that knows it, such as a folder or a data set with a length"
            raise UsageError("Ray divides sets whose number of images is known", where=source.name, hint=hint)
        require_ray()
        content = _pickled(reader, source.name)
        with OwnStreams(), connected(), _told():
            pool = _pool(reading.workers)
            stretches = divided(count, pool, is_cut=_is_cut(source))
            with progress_bar(source.name[-40:], count, reading.progress) as bar:
                tree = _Tree()
                for stretch, state in zip(stretches, _states(content, stretches, pool), strict=True):
                    tree.add(state)
                    bar.update(len(stretch.places(count)))
                whole: Part = tree.whole()
                return whole


ENGINE = RayData()


class Pool(NamedTuple):
    """The workers of a run."""

    num: int
    num_gpus: int  # of each, 0 or 1
    cores: int  # of each
    # Processes that decode beside each worker.
    workers: int


def divided(count: int, pool: Pool, *, is_cut: bool) -> list[Share]:
    """Stretches of a set; where it cannot be entered in the middle, what is dealt out to readers of the whole."""
    blocks = -(-count // BLOCK)
    if not is_cut:
        world = min(pool.num, blocks)
        return [Share(rank, world) for rank in range(world)]
    most = MOST_IMAGES["gpu" if pool.num_gpus else "cpu"] // BLOCK
    size = BLOCK * min(most, max(1, blocks // (STRETCHES * pool.num)))
    starts = range(0, count, size)
    return [Share(start=start, stop=start + size if start + size < count else None) for start in starts]


def _is_cut(source: Source) -> bool:
    """Whether any stretch of the source can be read without what comes before it."""
    return isinstance(_inner(source), (ItemSource, DatasetSource, GeneratorSource))


def _inner(source: Source) -> Source:
    """The source itself where labels were given beside it."""
    inner: Source = getattr(source, "source", source)
    return inner


def _pickled(reader: Any, name: str) -> bytes:
    from ray import cloudpickle

    try:
        content: bytes = cloudpickle.dumps(reader)
    except Exception as error:  # whatever the parts of a user's source or network raise
        what = f"the images or the network cannot be sent to other processes: {first_line(error)}"
        raise UsageError(what, where=name, hint="Use files, or the engine local") from error
    return content


def _pool(workers: int | None) -> Pool:
    import ray

    gpus, cores = (int(ray.cluster_resources().get(name, 0)) for name in ("GPU", "CPU"))
    if gpus:
        spare = min(MAX_CORES, max(0, cores // gpus - 1))
        return Pool(gpus, 1, max(1, cores // gpus), spare if workers is None else workers)
    nodes = [int(node["Resources"].get("CPU", 0)) for node in ray.nodes() if node["Alive"]]
    cores = min(MAX_CORES, max(1, max(nodes, default=0) // 8))
    return Pool(max(1, sum(node // cores for node in nodes)), 0, cores, workers or 0)


def _states(content: bytes, stretches: Sequence[Share], pool: Pool) -> Iterator[Any]:
    """References to the states that the workers leave, in the order of the stretches."""
    import ray

    shared, ledger = ray.put(content), _ledger()
    task: Any = ray.remote(
        num_cpus=0 if pool.num_gpus else pool.cores,
        num_gpus=pool.num_gpus,
        num_returns=2,
        max_retries=FOREVER,
        max_calls=0,  # a process that holds the network reads more than one stretch
    )(_read)
    waiting: deque[tuple[Any, Any]] = deque()
    for stretch in stretches:
        waiting.append(task.remote([shared], stretch, pool, ledger))
        if len(waiting) == AHEAD * pool.num:
            yield _finished(*waiting.popleft())
    while waiting:
        yield _finished(*waiting.popleft())


def _finished(state: Any, end: Any) -> Any:
    """The reference to a state that is there, which does not pass through this process."""
    import ray

    ray.get(end)
    return state


def _read(shared: list[Any], stretch: Share, pool: Pool, ledger: Any) -> tuple[bytes, None]:
    """The state of a stretch, and a sign that it is there."""
    import ray

    number = ray.get(ledger.begun.remote(stretch))
    if number > RETRIES + 1:
        what = f"the images from {stretch.start} on were read {number - 1} times, and each time the worker was lost"
        hint = "Look at `ray status` and at the worker's log in the session's folder of Ray"
        raise ResourceError(f"Ray lost a worker for good: {what}", hint=hint, code="E-RAY")
    found = _reader(shared[0], pool)(stretch)
    ledger.ended.remote(stretch)
    return pickle.dumps(found, protocol=5), None


def _reader(shared: Any, pool: Pool) -> Any:
    """The reader where the reading is done, loaded once in each process."""
    import ray
    import torch

    key = shared.hex()
    if key not in _readers:
        torch.set_num_threads(pool.cores)
        _readers.clear()
        # The bytes come from the process that started the run.
        _readers[key] = _settled(pickle.loads(ray.get(shared)), pool)
    return _readers[key]


# A worker holds the reader of the set that is being read.
_readers: dict[str, Any] = {}


class _Ledger:
    """Counts how often each stretch was begun and not ended: what kills every worker is not read for ever."""

    def __init__(self) -> None:
        self.begins: Counter[Share] = Counter()

    def begun(self, stretch: Share) -> int:
        self.begins[stretch] += 1
        return self.begins[stretch]

    def ended(self, stretch: Share) -> None:
        del self.begins[stretch]

    def is_ready(self) -> bool:
        return True


def _ledger() -> Any:
    """A ledger on the node of the process that started the run, without which there is no run."""
    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    here: Any = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
    actor: Any = ray.remote(_Ledger)
    actor = actor.options(num_cpus=0, max_restarts=-1, max_task_retries=-1, scheduling_strategy=here)
    ledger = actor.remote()
    # A task that waits for it would give its cores to another.
    ray.get(ledger.is_ready.remote())
    return ledger


def _settled(reader: Any, pool: Pool) -> Any:
    """The reader with what this process has: a device, and processes that decode."""
    import torch

    device = torch.device("cuda" if pool.num_gpus and torch.cuda.is_available() else "cpu")
    reading = dataclasses.replace(reader.reading, engine="local", progress=False, workers=pool.workers)
    inner = _inner(reader.source)
    if isinstance(inner, ItemSource):
        inner.reading = reading
    return dataclasses.replace(reader, reading=reading, device=device)


class _Tree:
    """States that merge by eights, eights of eights and so on, in their order and in the cluster."""

    def __init__(self) -> None:
        self.levels: list[list[Any]] = []

    def add(self, state: Any, level: int = 0) -> None:
        """Take in a reference to a state."""
        import ray

        if level == len(self.levels):
            self.levels.append([])
        self.levels[level].append(state)
        if len(self.levels[level]) == FAN_IN:
            # Merging runs also while workers hold all cores.
            task = ray.remote(num_cpus=0, max_retries=FOREVER)(_merged)
            self.levels[level], states = [], self.levels[level]
            self.add(task.remote(*states), level + 1)

    def whole(self) -> Any:
        """All of them merged, at most seven of a level in this process."""
        import ray

        rest = (state for level in reversed(self.levels) for state in level)
        # The bytes come from workers of this run.
        return _joined(pickle.loads(ray.get(state)) for state in rest)


def _merged(*states: Any) -> bytes:
    return pickle.dumps(_joined(map(pickle.loads, states)), protocol=5)


def _joined(parts: Iterable[Any]) -> Any:
    return reduce(lambda merged, part: merged.merge(part), parts)


@contextmanager
def _told() -> Iterator[None]:
    """Turn what Ray wraps around an error of a worker back into that error, and a lost cluster into one sentence."""
    from ray.exceptions import RayError, RayTaskError

    try:
        yield
    except (RayError, GanMetricsError) as error:
        found = error.cause if isinstance(error, RayTaskError) else error
        if not isinstance(found, RayError):
            raise found from None
        hint = "Look at `ray status` and at the worker's log in the session's folder of Ray"
        raise ResourceError(f"Ray lost a worker for good: {first_line(error)}", hint=hint, code="E-RAY") from error
