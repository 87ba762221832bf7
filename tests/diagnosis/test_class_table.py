"""The classes one by one: counts, what is drawn of each, and how well, the worst first."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

import ganmetrics as gm
from ganmetrics import functional as F

NAMES = ["black", "grey", "white"]


def tones(seed: int, counts: dict[str, int], shaded: str = "") -> tuple[np.ndarray, list[str]]:
    """Noisy grey pictures of three tones, one kind with a ramp, uint8 [N, 8, 8, 3], and their names."""
    rng = np.random.RandomState(seed)
    names = [name for name, count in counts.items() for _ in range(count)]
    middle = np.array([40 + 85 * NAMES.index(name) for name in names])[:, None, None, None]
    ramp = np.array([name == shaded for name in names])[:, None, None, None] * np.linspace(-30, 30, 8)[:, None]
    pictures = middle + ramp + rng.uniform(-8, 8, (len(names), 8, 8, 3))
    order = rng.permutation(len(names))
    return pictures.clip(0, 255).astype(np.uint8)[order], [names[place] for place in order]


REAL, LABELS = tones(0, {"black": 120, "grey": 90, "white": 90})
FAKE, DRAWN = tones(1, {"black": 150, "grey": 4, "white": 120}, "white")


@pytest.fixture(scope="module")
def found() -> gm.Diagnosis:
    return gm.diagnose(REAL, FAKE, labels=LABELS, extractor="pixels", device="cpu")


def test_every_class_is_counted_and_the_worst_comes_first(found: gm.Diagnosis) -> None:
    rows = {row.name: row for row in found.pair.class_rows}
    assert list(rows) == ["grey", "white", "black"], "the rare one, then the shaded one"
    assert [(rows[name].num_real, rows[name].num_fake) for name in NAMES] == [(120, 150), (90, 4), (90, 120)]
    assert rows["grey"].due == pytest.approx(4 / 274 / (90 / 300))
    assert rows["white"].precision < 0.2 and rows["black"].precision > 0.8
    assert rows["white"].recall < 0.8 < rows["black"].recall


def test_kid_of_a_class_is_that_of_its_images(found: gm.Diagnosis) -> None:
    rows = {row.name: row for row in found.pair.class_rows}
    assert rows["grey"].interval is None and math.isnan(rows["grey"].kid), "four images"
    sides = [
        side.features[[each == "white" for each in names]]
        for side, names in ((found.pair.real, LABELS), (found.pair.fake, DRAWN))
    ]
    subset = min(map(len, sides))
    drawn = F.kid(*sides, subset_size=subset, num_subsets=400)
    assert rows["white"].kid == pytest.approx(drawn.value, rel=0.02)
    low, high, _ = rows["white"].interval
    assert 0 < low < rows["white"].kid < high
    around = rows["black"].interval
    assert around.low <= 0 <= around.high, "drawn as the real ones are"


def test_the_table_is_in_text_json_and_html(found: gm.Diagnosis) -> None:
    text = str(found)
    lines = text[text.index("classes, the worst first:") :].splitlines()[:5]
    assert " ".join(lines[1].split()) == "classes real fake fake / real share KID (95%) precision recall"
    assert [line.split()[0] for line in lines[2:5]] == ["grey", "white", "black"]
    rows = json.loads(found.to_json())["details"]["classes"]["rows"]
    assert [row["name"] for row in rows] == ["grey", "white", "black"]
    assert rows[0]["kid"] is None and rows[1]["interval"].keys() == {"level", "low", "high", "method"}
    assert "The classes, the worst first" in found._repr_html_()


def test_without_classes_there_is_no_table() -> None:
    found = gm.diagnose(REAL, FAKE, extractor="pixels", device="cpu")
    assert found.pair.class_rows == () and "worst first" not in str(found)
