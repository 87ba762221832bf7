"""What a statistics file says beside its numbers: of which images they are, and by which recipe."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from ganmetrics._files import shown
from ganmetrics.errors import StatisticsError
from ganmetrics.measurement.image_record import Filled
from ganmetrics.measurement.npz_members import MAX_ROWS
from ganmetrics.measurement.recipe import Recipe, is_field, is_name

if TYPE_CHECKING:
    from ganmetrics.measurement.statistics import Statistics

# From 2 on the description has a digest of the numbers.
SCHEMA = 2
MAX_IMAGES = 1000 * MAX_ROWS


def description(statistics: Statistics, images_order: str = "") -> dict[str, Any]:
    """Everything but the numbers; ``images_order`` is the digest of images that are written beside them."""
    facts = {name: getattr(statistics, name) for name in ("name", "count", "digest", "skipped")}
    if statistics.order:
        facts["order"] = statistics.order
    if statistics.filled is not None:
        facts["filled"] = list(map(int, statistics.filled))
    if images_order:
        facts["images"] = {"order": images_order}
    recipe = {**asdict(statistics.recipe), "reading": list(statistics.recipe.reading)}
    return {"schema": SCHEMA, **facts, "recipe": recipe}


def own_facts(text: str, path: str | os.PathLike[str]) -> dict[str, Any]:
    try:
        facts: dict[str, Any] = json.loads(text)
        schema = facts["schema"]
        is_newer = type(schema) is int and schema > SCHEMA
        is_sound = is_newer or _is_sound(facts)
    except (ValueError, KeyError, TypeError, RecursionError):
        is_newer = is_sound = False
    if is_newer:
        what = f"the file has schema {schema}; this version reads up to {SCHEMA}"
        raise StatisticsError(what, where=shown(path), hint="Upgrade ganmetrics", code="E-SCHEMA")
    if not is_sound:
        what = "the description inside the statistics file is damaged"
        raise StatisticsError(what, where=shown(path), hint="Build the file again", code="E-DAMAGED")
    return facts


def _is_sound(facts: dict[str, Any]) -> bool:
    kinds = {"name": str, "count": int, "digest": str, "skipped": int, "recipe": dict, "schema": int}
    if any(type(facts[name]) is not kind for name, kind in kinds.items()) or facts["schema"] < 1:
        return False
    recipe = dict(facts["recipe"])
    if not is_name(facts["name"]):
        return False
    texts = [recipe.pop("reading", None), [facts["digest"], facts.get("order", ""), *recipe.values()]]
    if any(not isinstance(part, list) or not all(map(is_field, part)) for part in texts):
        return False
    if (facts["schema"] > 1) != isinstance(facts.get("content"), str):
        return False
    if "filled" in facts and filled_of(facts["filled"]) is None:
        return False
    images = facts.get("images", {"order": ""})
    if not isinstance(images, dict) or set(images) != {"order"} or not is_field(images["order"]):
        return False
    # A count of 0 says that the number of images is unknown.
    is_counted = facts["count"] == 0 or 2 <= facts["count"] <= MAX_IMAGES
    is_whole = set(facts["recipe"]) == set(Recipe.__dataclass_fields__)
    return is_counted and is_whole and 0 <= facts["skipped"] <= MAX_IMAGES


def filled_of(values: Any) -> Filled | None:
    """The part of the range of pixel values that a set fills; ``None`` for what is no such part."""
    if not isinstance(values, list) or len(values) != 4 or any(type(value) is not int for value in values):
        return None
    low, high, in_use, is_coloured = values
    is_part = 0 <= low <= high <= 255 and 1 <= in_use <= 256 and 0 <= is_coloured <= 1
    return Filled(low, high, in_use, bool(is_coloured)) if is_part else None
