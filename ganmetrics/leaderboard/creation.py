"""Making a board: the references are measured once, and the frozen rules begin the chain of records."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganmetrics._files import disk_errors, shown
from ganmetrics.data.reading_choices import chosen_reading
from ganmetrics.errors import MALFORMED, InputError, UsageError
from ganmetrics.leaderboard.board import PARTS, Board
from ganmetrics.leaderboard.board_file import SETTINGS, save_settings, store_url, used_url
from ganmetrics.leaderboard.rules import MOST_IMAGES, Rules, check_share, parsed_quota, parsed_resolution
from ganmetrics.leaderboard.store import Store
from ganmetrics.version import __version__

if TYPE_CHECKING:
    from ganmetrics import Extractor, Reading, Source
    from ganmetrics.metrics import Metric

LEAST_IMAGES = 20


@dataclass(frozen=True, kw_only=True)
class BoardOptions:
    """The options of a new board.

    Attributes
    ----------
    reference, hidden : source of images
        As ``real`` of ``gm.evaluate``, images and not statistics, because copies are looked for in them; ``hidden`` may
        be ``None``.
    metrics : sequence of str
    num_images : int
    resolution : int or str
        ``32`` or ``"64x32"``.
    title, rank_by : str
        By default the folder's name and the first score.
    extractor, second_extractor : str
    quota : str
        Such as ``"5/day,50/total"``.
    copies, duplicates : float
        Shares of copied and of repeated images above which a submission is rejected.
    seed : int
    has_diagnosis : bool
    store : str
        URL of the store; empty for an SQLite file in the board's folder.
    """

    reference: Any
    metrics: Sequence[str] = ("fid",)
    num_images: int = 10_000
    resolution: int | str = 32
    hidden: Any = None
    title: str = ""
    rank_by: str = ""
    extractor: str = "inception"
    second_extractor: str = ""
    quota: str = ""
    copies: float = 0.01
    duplicates: float = 0.1
    seed: int = 2020
    has_diagnosis: bool = True
    store: str = ""


def create(
    folder: str | os.PathLike[str], options: BoardOptions, *, device: str = "auto", reading: Reading | None = None
) -> Board:
    """Make a board in a folder that does not exist or is empty.

    Raises
    ------
    UsageError
        Options that cannot be meant, or a folder that holds something.
    InputError, WeightsError, ResourceError
        As ``gm.measure`` of the references.
    """

    path = Path(folder)
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise UsageError("the folder exists and is not empty", where=shown(path), hint="Name another", code="E-EXISTS")
    chosen, facts = _checked(path, options)
    is_new = not path.exists()
    with disk_errors(path):
        for part in PARTS:
            (path / part).mkdir(parents=True)
        # The references and what strangers submit are the organiser's alone.
        path.chmod(0o700)
    try:
        making = _Making(path, options, chosen, device, chosen_reading(reading))
        rules = Rules(**facts, **making.references())
        store = Store(store_url(options.store, path))
        _begin(store, rules)
        save_settings(path, rules, options.store)
    except BaseException:
        # Nothing is left of a board that could not be made.
        for part in PARTS:
            shutil.rmtree(path / part, ignore_errors=True)
        for name in (SETTINGS, "store.db", "store.db-wal", "store.db-shm"):
            (path / name).unlink(missing_ok=True)
        # A folder that existed before stays.
        if is_new:
            path.rmdir()
        raise
    return Board(path, rules, store)


def upgrade(folder: str | os.PathLike[str]) -> str:
    """Bring a board's tables to the newest version; return that version."""
    path = Path(folder)
    try:
        url = str(json.loads((path / SETTINGS).read_text(encoding="utf-8"))["store"])
    except (OSError, *MALFORMED):
        raise InputError("there is no board in the folder", where=shown(path), code="E-BOARD") from None
    store = Store(used_url(url, path))
    try:
        store.migrate()
    finally:
        store.close()
    return store.newest


def _checked(path: Path, options: BoardOptions) -> tuple[list[Metric], dict[str, Any]]:
    """Return the metrics, and the rules that need no image (UsageError)."""
    from ganmetrics.leaderboard.public_names import clean_name
    from ganmetrics.scoring.plan import chosen_metrics

    if not LEAST_IMAGES <= options.num_images <= MOST_IMAGES:
        what = f"num_images is {options.num_images}; it must be between {LEAST_IMAGES} and {MOST_IMAGES:,}"
        raise UsageError(what, where="num_images")
    chosen = list(chosen_metrics(list(options.metrics), options.seed).metrics)
    for metric in chosen:
        others = [need.name for need in metric.reads if not need.is_saved]
        if others or metric.needs_test:
            what = f"{metric.name} reads {', '.join(others) or 'a third set'}, which a board does not keep"
            raise UsageError(
                what, where="metrics", hint="Choose metrics of features, such as fid, kid, precision_recall"
            )
    scores = [part.name for metric in chosen for part in metric.parts]
    rank_by = options.rank_by or scores[0]
    if rank_by not in scores:
        raise UsageError(f"the board has no score {rank_by!r}; it has {', '.join(scores)}", where="rank_by")
    width, height = parsed_resolution(options.resolution)
    return chosen, {
        "title": clean_name(options.title or path.resolve().name, "title"),
        "metrics": tuple(str(metric) for metric in chosen),
        "rank_by": rank_by,
        "extractor": options.extractor,
        "second_extractor": options.second_extractor,
        "num_images": options.num_images,
        "width": width,
        "height": height,
        "seed": options.seed,
        "quota": parsed_quota(options.quota),
        "copies": check_share(options.copies, "copies"),
        "duplicates": check_share(options.duplicates, "duplicates"),
        "has_diagnosis": options.has_diagnosis,
        "version": __version__,
    }


@dataclass(frozen=True)
class _Making:
    path: Path
    options: BoardOptions
    chosen: list[Metric]
    device: str
    reading: Reading

    def references(self) -> dict[str, Any]:
        """Measure and save the references; return their labels and the networks."""
        import ganmetrics as gm

        options = self.options
        given = {"public": options.reference, "hidden": options.hidden}
        sources = {name: self._opened(source) for name, source in given.items() if source is not None}
        extractor = gm.load_extractor(options.extractor)
        other = gm.load_extractor(options.second_extractor) if options.second_extractor else None
        labels = {name: self._keep(source, name, extractor) for name, source in sources.items()}
        if other is not None:
            measured = self._measured(sources["public"], {"moments"}, other)
            gm.save_statistics(measured, self.path / "reference" / "public.second.npz")
        networks = {"network": extractor.identity, "second_network": "" if other is None else other.identity}
        return {"reference": labels["public"], "hidden": labels.get("hidden", ""), **networks}

    def _opened(self, given: Any) -> Source:
        import ganmetrics as gm
        from ganmetrics.measurement.sides import open_side

        source = open_side(given, self.reading, self.options.extractor)
        if isinstance(source, gm.Statistics):
            hint = "Name a folder, an archive, or torchvision:NAME:SPLIT"
            what = "a board looks for copies of its reference's images, and this reference is statistics without them"
            raise UsageError(what, where=source.source or source.name, hint=hint)
        if source.count is not None and source.count < LEAST_IMAGES:
            what = f"the reference has {source.count} images; it needs at least {LEAST_IMAGES}"
            raise InputError(what, where=source.name, code="E-TOO-FEW")
        return source

    def _keep(self, source: Source, name: str, extractor: Extractor) -> str:
        import ganmetrics as gm
        from ganmetrics.leaderboard.copied_images import pictures

        reads = {"moments", "features", *(need.name for metric in self.chosen for need in metric.reads)}
        measured = self._measured(source, reads, extractor)
        gm.save_statistics(measured, self.path / "reference" / f"{name}.npz")
        small = pictures(source.batches(), is_reference=True)
        small.save(self.path / "reference" / f"{name}.pictures.npz")
        return measured.label

    def _measured(self, source: Any, reads: set[str], extractor: Extractor) -> Any:
        import ganmetrics as gm

        return gm.measure(source, reads=sorted(reads), extractor=extractor, device=self.device, reading=self.reading)


def _begin(store: Store, rules: Rules) -> None:
    try:
        store.migrate()
        if store.head()[0]:
            what = "the store holds another board already"
            raise UsageError(what, where="store", hint="Name another database, or leave the board where it is")
        # The rules are the first record, so that they cannot be changed unseen.
        store.append(None, "rules", json.loads(rules.to_json()))
    except BaseException:
        store.close()
        raise
