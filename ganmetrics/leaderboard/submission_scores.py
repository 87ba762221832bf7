"""The child process that scores decoded pixels: scores, evidence and a grid of samples, by the board's rules."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganmetrics.errors import ResourceError
from ganmetrics.leaderboard.rules import Rules

if TYPE_CHECKING:
    from ganmetrics import Extractor, Result, Statistics
    from ganmetrics.leaderboard.copied_images import Copies

    Json = dict[str, Any]

# Samples on the picture of an entry, the least side of each, and the seed that chooses them.
GRID, GRID_PIXELS, GRID_SEED = 64, 32, 2020
# Copies that a record lists.
LISTED = 50
# Measured of every submission, for the evidence.
ALWAYS = ("moments", "features")


def answer(job: Json) -> Json:
    """Score ``job["pixels"]``, write the grid to ``job["grid"]`` and return the facts of the record.

    Raises
    ------
    RejectedError
        Too many copies, or scores that these images do not allow.
    ResourceError
        The network differs from the board's.
    """
    import torch

    began = time.monotonic()
    torch.set_num_threads(job["threads"])
    rules, folder = Rules.from_json(job["rules"]), Path(job["reference"])
    copies = copied(rules, folder, job["pixels"])
    facts: Json = {"evidence": {}, "copied": listed(copies, job["names"])}
    facts["evidence"] = {
        "exact_copies": copies.exact_share,
        "near_copies": copies.near_share,
        "duplicates": copies.repeated_share,
    }
    reasons = list(_too_many(copies, rules))
    if reasons:
        return {**facts, "rejected": "; ".join(reasons)}
    _save_grid(job["pixels"], job["grid"])
    scored = _scored(rules, folder, job)
    facts["evidence"] |= scored.pop("evidence")
    return {**facts, **scored, "seconds": round(time.monotonic() - began, 1)}


def copied(rules: Rules, folder: Path, pixels: str) -> Copies:
    """Find copies of images of either reference."""
    from ganmetrics.data import open_source
    from ganmetrics.leaderboard.copied_images import Pictures, copies, pictures

    fake = pictures(open_source(pixels).batches(), is_reference=False)
    of_public = copies(Pictures.load(folder / "public.pictures.npz"), fake)
    if not rules.hidden:
        return of_public
    other = copies(Pictures.load(folder / "hidden.pictures.npz"), fake)
    exact, near = dict(other.exact) | dict(of_public.exact), dict(other.near) | dict(of_public.near)
    return of_public._replace(exact=sorted(exact.items()), near=sorted(near.items()))


def listed(copies: Copies, names: list[str]) -> list[list[Any]]:
    """List copies for the organiser: the image's name or index, and the index of the reference image."""
    return [[names[fake] if names else fake, real] for fake, real in copies.near[:LISTED]]


def _too_many(copies: Copies, rules: Rules) -> Iterator[str]:
    if copies.near_share > rules.copies:
        yield (
            f"{copies.near_share:.1%} of the images equal, or all but equal, images that the board compares with; "
            f"the most is {rules.copies:.1%}"
        )
    if copies.repeated_share > rules.duplicates:
        yield f"{copies.repeated_share:.1%} of the images repeat another; the most is {rules.duplicates:.1%}"


def _scored(rules: Rules, folder: Path, job: Json) -> Json:
    import ganmetrics as gm
    from ganmetrics.scoring.plan import chosen_metrics
    from ganmetrics.scoring.result import environment

    chosen = chosen_metrics(list(rules.metrics), rules.seed).metrics
    reads = {*ALWAYS, *(need.name for metric in chosen for need in metric.reads)}
    extractor = _loaded(rules.extractor, rules.network)
    fake = _measured(job, reads, extractor)
    real = gm.load_statistics(folder / "public.npz")
    result = gm.score(real, fake, list(rules.metrics))
    facts: Json = {"scores": _table(result), "hidden": {}, "environment": environment()}
    if rules.hidden:
        hidden = gm.load_statistics(folder / "hidden.npz")
        facts["hidden"] = _table(gm.score(hidden, fake, list(rules.metrics)))
    evidence, findings = _judged(real, fake, extractor, result, rules)
    if rules.second_extractor:
        other = _measured(job, ALWAYS, _loaded(rules.second_extractor, rules.second_network))
        second = gm.score(gm.load_statistics(folder / "public.second.npz"), other, ["fid"])
        evidence["second_fid"] = _table(second)["fid"]
    return {**facts, "evidence": evidence, "findings": findings}


def _loaded(spec: str, network: str) -> Extractor:
    import ganmetrics as gm

    extractor = gm.load_extractor(spec)
    if extractor.identity != network:
        what = f"the network {spec} is {extractor.identity} here, and the board's is {network}"
        raise ResourceError(what, hint="Score with the weights that the board was made with", code="E-RECIPE")
    return extractor


def _measured(job: Json, reads: Any, extractor: Extractor) -> Statistics:
    import ganmetrics as gm

    reading = gm.Reading(cache=False, workers=0, thumbnails=True)
    return gm.measure(job["pixels"], reads=sorted(reads), extractor=extractor, device=job["device"], reading=reading)


def _table(result: Result) -> Json:
    return {name: score.to_dict() for name, score in result.scores.items()}


def _judged(
    real: Statistics, fake: Statistics, extractor: Extractor, result: Result, rules: Rules
) -> tuple[Json, list[dict[str, str]]]:
    """Return how near the images are to the reference's, and what a diagnosis finds."""
    from ganmetrics.diagnosis.diagnose import diagnosed
    from ganmetrics.diagnosis.memorisation import HALF
    from ganmetrics.diagnosis.pair import LEAST, Pair
    from ganmetrics.extractors import EXTRACTORS

    if real.count < 2 * LEAST or fake.count < LEAST:
        return {}, []
    record = EXTRACTORS.get(fake.recipe.extractor)
    names_classes = record is not None and record.names_classes
    pair = Pair(real, fake, None, extractor if names_classes else None, rules.seed)
    ratios = pair.nearness.ratios
    findings_made = diagnosed(pair, result).findings if rules.has_diagnosis else ()
    findings = [{"name": each.name, "verdict": each.verdict, "sentence": each.sentence} for each in findings_made]
    return {"nearness": float(ratios.median()), "within_half": float((ratios <= HALF).double().mean())}, findings


def _save_grid(pixels: str, path: str) -> None:
    import numpy as np
    import torch

    from ganmetrics.numerics.resampling import seeded
    from ganmetrics.reporting.contact_sheet import contact_sheet, save_png

    images = np.load(pixels, mmap_mode="r", allow_pickle=False)
    chosen = np.sort(seeded(GRID_SEED).permutation(len(images))[:GRID])
    samples = torch.from_numpy(images[chosen].copy()).permute(0, 3, 1, 2)
    side = max(samples.shape[-2:])
    if side > 4 * GRID_PIXELS:
        from ganmetrics.measurement.thumbnails import at_size

        height, width = (max(1, round(n * 4 * GRID_PIXELS / side)) for n in samples.shape[-2:])
        samples = at_size(samples, height, width)
    save_png(contact_sheet(samples, 8, scale=max(1, -(-GRID_PIXELS // side))), path)
