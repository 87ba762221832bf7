"""A check that is blind clears nobody: by the network, by the domain, by labels that are too alike, by the number."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import ganmetrics as gm
from ganmetrics.diagnosis.missing_modes import mode_shares
from ganmetrics.extractors import EXTRACTORS

BLIND = ("mode collapse", "low diversity", "low quality")


def shapes(seed: int, count: int, kinds: int = 2, side: int = 32) -> tuple[np.ndarray, list[int]]:
    """Discs, squares and so on of any colour, size and place, with their kinds: uint8 [N, side, side, 3]."""
    rng = np.random.RandomState(seed)
    down, right = np.mgrid[:side, :side]
    pictures, chosen = [], rng.randint(kinds, size=count)
    for kind in chosen:
        size, (top, left) = side / 32 * rng.uniform(5, 10), side / 32 * rng.uniform(10, 22, 2)
        y, x = np.abs(down - top), np.abs(right - left)
        cross = (np.minimum(y, x) < size / 4) & (y + x < size)
        inside = (np.hypot(y, x) < size, np.maximum(y, x) < size, y + x < size, cross)
        picture = np.empty((side, side, 3), np.uint8)
        picture[:], picture[inside[kind]] = rng.randint(256, size=(2, 3))
        pictures.append(picture)
    return np.stack(pictures), chosen.tolist()


def verdicts(found: gm.Diagnosis) -> dict[str, str]:
    return {each.name: each.verdict for each in found.findings}


REAL, KINDS = shapes(0, 300, 4)
FAKE, _ = shapes(1, 200, 2)


@pytest.mark.parametrize(
    ("network", "reason"),
    [
        ("pixels", "pixels does not see kinds of images: it compares the mean colours of an 8 x 8 grid"),
        ("digits", "the network digits was made for grey images of handwritten digits"),
        pytest.param(
            "fashion", "the network fashion was made for grey images of clothing", marks=pytest.mark.slow, id="fashion"
        ),
    ],
)
def test_features_that_do_not_see_kinds_clear_nobody(network: str, reason: str) -> None:
    """Two of four shapes are drawn, of any colour at any place."""
    found = gm.diagnose(REAL, FAKE, extractor=network, device="cpu")
    assert "ok" not in {verdict for name, verdict in verdicts(found).items() if name in BLIND}
    blind = [each for each in found.findings if each.verdict == "cannot tell" and each.name in BLIND[:2]]
    assert blind and all(each.sentence.startswith(reason) for each in blind)
    assert all("inception" in each.advice[-1] for each in blind)
    assert found.verdict != "ok"


@pytest.mark.slow
def test_the_bundled_network_for_colour_sees_that_kinds_are_missing() -> None:
    """What ``pixels`` and ``digits`` cannot tell; a healthy set is cleared."""
    real, fake, healthy = (shapes(*each, side=64)[0] for each in ((0, 600, 4), (1, 400, 2), (2, 400, 4)))
    found = verdicts(gm.diagnose(real, fake, extractor="colour", device="cpu"))
    assert {found["mode collapse"], found["low diversity"]} & {"some", "severe"}, found
    found = verdicts(gm.diagnose(real, healthy, extractor="colour", device="cpu"))
    assert [found[name] for name in BLIND] == ["ok"] * 3


def test_every_network_without_training_says_what_it_does_not_see() -> None:
    blind = {name for name, record in EXTRACTORS.records().items() if record.domain.blind_to_kinds}
    assert blind == {"pixels", "random-vgg16"}


def test_labels_that_features_tell_apart_make_them_see() -> None:
    """Dark and light pictures: pixels tell them apart, and would see that one kind is missing."""
    rng = np.random.RandomState(0)
    kinds = np.arange(400) % 2
    real = (rng.randint(0, 100, (400, 8, 8, 3)) + 120 * kinds[:, None, None, None]).astype(np.uint8)
    fake = (rng.randint(0, 100, (200, 8, 8, 3)) + 120 * (np.arange(200) % 2)[:, None, None, None]).astype(np.uint8)
    found = gm.diagnose(real, fake, extractor="pixels", labels=kinds.tolist(), device="cpu")
    assert verdicts(found)["mode collapse"] == "ok"
    assert verdicts(gm.diagnose(real, fake, extractor="pixels", device="cpu"))["mode collapse"] == "cannot tell"


def test_labels_that_features_do_not_tell_apart_clear_nobody() -> None:
    found = gm.diagnose(REAL, REAL[::-1][:200].copy(), extractor="pixels", labels=KINDS, device="cpu")
    assert found["mode collapse"].verdict == "cannot tell"
    assert "too alike in these features" in found["mode collapse"].sentence


@pytest.mark.parametrize(("fakes", "share"), [(10, 0.0), (40, 0.0), (200, 1.0)])
def test_what_would_be_noticed_grows_with_the_number_of_images(fakes: int, share: float) -> None:
    """Ten kinds of equal shares, of which one might be missing."""
    even = mode_shares(torch.full((10,), 30), torch.full((10,), fakes // 10))
    assert even.noticed_share == share


def test_few_images_cannot_clear_a_set() -> None:
    rng = np.random.RandomState(0)
    kinds = np.arange(300) % 10
    grey = np.linspace(0, 250, 10).astype(int)[kinds]
    real = np.clip(grey[:, None, None, None] + rng.randint(-4, 5, (300, 8, 8, 3)), 0, 255).astype(np.uint8)
    found = gm.diagnose(real, real[:12] ^ 1, extractor="pixels", labels=kinds.tolist(), device="cpu")["mode collapse"]
    assert found.verdict == "cannot tell"
    assert "with 300 real and 12 generated images, most classes could be missing by chance" in found.sentence
