"""Every finding on planted faults in features, its sense, and what it says of sets of one distribution."""

from __future__ import annotations

import dataclasses
import json
import math

import numpy as np
import pytest
import torch
from feature_sets import statistics

import ganmetrics as gm
from ganmetrics.diagnosis.class_assignment import listed
from ganmetrics.diagnosis.diagnose import FAULTS, faults
from ganmetrics.diagnosis.finding import Evidence, Finding, mildest, worst
from ganmetrics.diagnosis.limits import Number, Z, evidence, mean_of, share_of, share_of_groups
from ganmetrics.diagnosis.pair import Pair
from ganmetrics.measurement.image_record import PixelDigests
from ganmetrics.numerics.interval_ends import Interval

DIM, KINDS = 12, 8
CENTERS = 6.0 * np.random.RandomState(99).randn(KINDS, DIM)


def rows(seed: int, count: int, kept: tuple[int, ...] = tuple(range(KINDS)), width: float = 1.0) -> np.ndarray:
    """Features about some of eight centres."""
    rng = np.random.RandomState(seed)
    return (CENTERS[rng.choice(kept, count)] + width * rng.standard_t(8, (count, DIM))).astype(np.float32)


def paired(real: np.ndarray, fake: np.ndarray, test: np.ndarray | None = None) -> Pair:
    sides = [statistics(side) for side in (real, fake)]
    fake_side = dataclasses.replace(sides[1], digest="other", place="", pixels=PixelDigests())  # whose images are alike
    return Pair(sides[0], fake_side, None if test is None else statistics(test))


def findings(real: np.ndarray, fake: np.ndarray) -> dict[str, Finding]:
    pair = paired(real, fake)
    return {each.name: each for each in (fault.find(pair) for fault in faults())}


def finding(name: str, real: np.ndarray, fake: np.ndarray, test: np.ndarray | None = None) -> Finding:
    """One finding alone, without what the others cost."""
    return FAULTS[name].find(paired(real, fake, test))


def numbers(finding: Finding) -> dict[str, float]:
    return {each.key: each.value for each in finding.evidence}


def accused(found: dict[str, Finding]) -> set[str]:
    return {name for name, each in found.items() if each.is_fault} - {"input trouble"}


def test_sets_of_one_distribution_are_not_accused() -> None:
    for seed in range(8):
        found = findings(rows(2 * seed, 1200), rows(2 * seed + 1, 600))
        assert accused(found) == set(), found
        assert not any(each.advice for name, each in found.items() if name != "input trouble")


def test_left_out_kinds_are_mode_collapse() -> None:
    found = findings(rows(0, 1600), rows(1, 800, kept=(0, 1, 2)))
    assert found["mode collapse"].verdict == "severe"
    assert numbers(found["mode collapse"])["missing_modes"] == pytest.approx(5 / 8, abs=0.06)
    assert "clusters of real images are left out" in found["mode collapse"].sentence
    assert found["low diversity"].is_fault and found["low diversity"].advice
    assert "memorisation" not in accused(found)
    c2st = numbers(found["low quality"])["c2st"]
    assert c2st < 0.6, "kinds that are left out are no matter of quality"


@pytest.mark.parametrize("left", [30, 200], ids=["a seventh", "all"])
def test_a_class_of_which_hardly_anything_is_drawn_is_rare(left: int) -> None:
    """By the labels of the nearest reals; 200 of 1,600 are its due."""
    kinds = np.repeat(np.arange(KINDS), 200)
    rng = np.random.RandomState(0)
    real, fake = ((CENTERS[kinds] + rng.standard_t(8, (1600, DIM))).astype(np.float32) for _ in "rf")
    labelled = dataclasses.replace(
        statistics(real), labels=torch.from_numpy(kinds), classes=tuple(f"kind {kind}" for kind in range(KINDS))
    )
    pair = Pair(labelled, dataclasses.replace(statistics(fake[: 1400 + left]), digest="other", pixels=PixelDigests()))
    found = next(fault.find(pair) for fault in faults() if fault.name == "mode collapse")
    assert found.verdict == ("some" if left == 30 else "ok")
    rarely = "all 8 classes are drawn, but less than a quarter of their share: kind 7"
    assert found.sentence == (rarely if left == 30 else "all 8 classes are drawn")
    assert numbers(found)["rare_classes"] == pytest.approx(1 / 8 if left == 30 else 0, abs=0.01)


def test_exchanged_sides_are_not_the_same_fault() -> None:
    """Reals of three kinds, fakes of eight: nothing is left out, but most fakes are off."""
    found = findings(rows(0, 1600, kept=(0, 1, 2)), rows(1, 800))
    assert found["mode collapse"].verdict == "ok" or "off the manifold of real ones" in found["mode collapse"].sentence
    assert found["low quality"].is_fault
    assert numbers(found["low quality"])["precision"] < 0.5
    assert "memorisation" not in accused(found)


def test_narrow_kinds_are_low_diversity() -> None:
    found = finding("low diversity", rows(0, 1600), rows(1, 800, width=0.2))
    assert found.verdict == "severe"
    assert numbers(found)["recall"] < 0.2


def test_repeats_are_low_diversity() -> None:
    fake = rows(1, 800)
    fake[:240] = fake[400:640] + 1e-4
    found = findings(rows(0, 1600), fake)
    assert found["low diversity"].verdict == "severe"
    assert numbers(found["low diversity"])["repeated"] == pytest.approx(0.3, abs=0.01)
    assert "240 of 800 nearly repeat another" in found["low diversity"].sentence
    assert accused(found) == {"low diversity"}


def test_far_fakes_are_low_quality() -> None:
    found = finding("low quality", rows(0, 1600), rows(1, 800) + 3.0)
    assert found.verdict == "severe"
    assert numbers(found)["c2st"] > 0.95
    assert "of the generated images lie outside the manifold of real ones" in found.sentence


@pytest.mark.parametrize("share", [0.1, 0.3])
def test_foreign_fakes_are_low_quality_however_good_the_others_are(share: float) -> None:
    """Pictures of something else among fakes that are as good as reals."""
    fake = rows(1, 800)
    num = int(share * 800)
    fake[:num] = 4 * np.random.RandomState(3).randn(num, DIM)
    found = finding("low quality", rows(0, 1600), fake)
    assert numbers(found)["foreign"] == pytest.approx(share, abs=0.02)
    assert found.verdict == "some"
    assert f"; {share:.0%} are foreign: far from every real image" in found.sentence


@pytest.mark.parametrize("share", [0.05, 0.5])
def test_near_copies_are_memorisation(share: float) -> None:
    real, fake = rows(0, 1600), rows(1, 800)
    num = int(share * 800)
    fake[:num] = real[:num] + 1e-3
    found = findings(real, fake)
    assert found["memorisation"].verdict == ("some" if share < 0.2 else "severe")
    assert numbers(found["memorisation"])["half_way"] == pytest.approx(share, abs=0.02)
    assert "are nearer to a real image than any other real image is" in found["memorisation"].sentence
    assert accused(found) == {"memorisation"}


def test_with_unseen_reals_the_test_of_data_copying_joins() -> None:
    real = rows(0, 800)
    copied = real[:400] + 1e-2 * np.random.RandomState(0).randn(400, DIM).astype(np.float32)
    found = finding("memorisation", real, copied, rows(5, 800))
    assert found.verdict == "severe"
    assert numbers(found)["ct"] < -3
    assert "ct" not in numbers(finding("memorisation", real, copied))


def test_every_graded_number_has_an_interval_or_is_a_count() -> None:
    for each in findings(rows(0, 800), rows(1, 400)).values():
        for one in each.evidence:
            if one.some is not None and one.key not in ("exact", "ct", "uneven_classes"):
                assert one.interval is not None and one.interval.low <= one.value <= one.interval.high, one


def test_intervals_cover_what_other_samples_give() -> None:
    """The recall beside that of held-out reals, over draws: its interval is about as wide as it is spread."""
    values, widths = [], []
    for seed in range(12):
        found = finding("low diversity", rows(3 * seed, 800), rows(3 * seed + 1, 400, width=0.6))
        one = next(each for each in found.evidence if each.key == "recall")
        values.append(one.value)
        widths.append((one.interval.high - one.interval.low) / 2)
    assert 0.5 < np.std(values, ddof=1) / (np.mean(widths) / 1.96) < 2.0


def test_too_few_images_are_refused_and_few_are_remarked() -> None:
    with pytest.raises(gm.InputError, match="12 real images tell nothing about faults; at least 20"):
        findings(rows(0, 12), rows(1, 40))
    found = finding("input trouble", rows(0, 60), rows(1, 30))
    assert found.verdict == "severe"
    assert "60 real images tell little" in found.sentence


def test_one_and_the_same_set_is_told() -> None:
    side = statistics(rows(0, 300))
    pair = Pair(side, side)
    found = {fault.name: fault.find(pair) for fault in faults()}
    assert found["memorisation"].verdict == "severe"
    assert found["memorisation"].sentence == "100.0% of the generated images are exact copies of real ones"
    assert found["input trouble"].verdict == "severe"
    assert "real and fake hold exactly the same images" in found["input trouble"].sentence


def test_unseen_reals_that_are_the_reals_are_told() -> None:
    side = statistics(rows(0, 600))
    sentence = faults()[-1].find(Pair(side, statistics(rows(1, 600)), side)).sentence
    assert "the held-out real images are the real images themselves" in sentence


def test_equal_rows_do_not_break_it() -> None:
    ones = np.ones((200, 4), dtype=np.float32)
    found = findings(rows(0, 400)[:, :4], ones)
    assert found["mode collapse"].verdict == "severe"
    assert finding("low quality", ones, ones) is not None
    assert json.dumps(found["low diversity"].to_dict())


def with_labels(side: gm.Statistics, labels: np.ndarray, classes: tuple[str, ...]) -> gm.Statistics:
    return dataclasses.replace(side, labels=torch.from_numpy(labels), classes=classes)


def test_labels_of_reals_name_what_is_missing() -> None:
    rng = np.random.RandomState(0)
    which = rng.randint(KINDS, size=1600)
    real = (CENTERS[which] + rng.randn(1600, DIM)).astype(np.float32)
    side = with_labels(statistics(real), which, tuple("abcdefgh"))
    pair = Pair(side, statistics(rows(1, 800, kept=(0, 1, 2, 5))))
    found = faults()[0].find(pair)
    assert found.sentence == "4 of 8 classes; missing d, e, g, h"
    assert pair.classes is not None and pair.classes.divergence > 0.5
    assert "right for 100% of the reals" in pair.classes.method


def test_labels_that_features_do_not_tell_are_left_alone() -> None:
    real = statistics(rows(0, 800))
    labels = np.random.RandomState(77).randint(8, size=800)
    pair = Pair(with_labels(real, labels, tuple("abcdefgh")), statistics(rows(1, 400)))
    assert pair.classes is None
    assert "too alike in these features to be told apart" in faults()[0].find(pair).sentence


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (["0", "1", "2", "3", "4", "5", "6", "8", "9"], "0–6, 8, 9"),
        (["4", "5"], "4, 5"),
        (["10", "9", "2"], "2, 9, 10"),
        (["00", "01", "02"], "00, 01, 02"),
        (["cat", "dog"], "cat, dog"),
        ([f"n{i}" for i in range(20)], "n0, n1, n2, n3, n4, n5, n6, n7, n8, n9, n10, n11 and 8 more"),
    ],
)
def test_names_in_words(names: list[str], words: str) -> None:
    assert listed(names) == words


def test_numbers_carry_their_errors() -> None:
    ratio = Number(2.0, 0.2).over(Number(4.0, 0.4))
    assert (ratio.value, ratio.error) == (0.5, pytest.approx(0.5 * np.hypot(0.1, 0.1)))
    assert np.isnan(Number(1.0, 0.1).over(Number(0.0, 0.1)).value)
    assert Number(2.0, 3.0).less(Number(1.0, 4.0)) == Number(1.0, 5.0)
    assert share_of(torch.zeros(100, dtype=torch.bool)).error > 0
    hits, groups = torch.tensor([1, 1, 1, 0, 0, 0], dtype=torch.bool), torch.tensor([4, 4, 4, 9, 9, 9])
    assert share_of_groups(hits, groups).error == pytest.approx(np.sqrt(2 * 1.5**2) / 6)
    assert share_of_groups(hits, torch.arange(6)).error == pytest.approx(np.sqrt(0.25 / 6))
    assert mean_of(torch.tensor([1.0, 3.0]))[:2] == (2.0, pytest.approx(1.0))


def test_verdicts_are_ordered() -> None:
    assert worst(["ok", "severe", "some"]) == "severe" and worst([]) == "cannot tell"
    assert worst(["ok", "cannot tell"]) == "cannot tell" and worst(["some", "cannot tell"]) == "some"
    assert mildest(["some", "severe"]) == "some" and mildest([]) == "cannot tell"
    falling = [Evidence("x", value, some=0.5, severe=0.2).verdict for value in (0.6, 0.5, 0.2, float("nan"))]
    assert falling == ["ok", "some", "severe", "cannot tell"]
    assert Evidence("only informs", 1e9).verdict == "cannot tell"


@pytest.mark.parametrize("dim", [1, 2, 3, 5])
def test_few_dimensions_accuse_nobody_of_memory(dim: int) -> None:
    """In few dimensions any point is near another: the numbers stand beside those of held-out points."""
    rng = np.random.RandomState(dim)
    found = findings(*(rng.randn(1000, dim).astype(np.float32) for _ in range(2)))
    assert accused(found) == set(), found


@pytest.mark.slow
def test_small_healthy_sets_are_rarely_accused() -> None:
    alarms: dict[str, int] = {}
    for seed in range(40):
        rng = np.random.RandomState(seed)
        sizes = [(200, 100), (60, 40), (24, 12)][seed % 3]
        for name in accused(findings(*(rng.randn(n, 20).astype(np.float32) for n in sizes))):
            alarms[name] = alarms.get(name, 0) + 1
    assert all(count <= 2 for count in alarms.values()), alarms


def test_reals_that_are_held_twice_do_not_hide_memory() -> None:
    real = rows(0, 400)
    fake = real[:300] + 1e-3
    once, twice = (finding("memorisation", side, fake) for side in (real, np.concatenate([real, real])))
    assert once.verdict == twice.verdict == "severe"


def test_classes_without_a_fake_are_not_said_to_be_drawn() -> None:
    rng = np.random.RandomState(3)
    centers = 9.0 * rng.randn(60, DIM)
    which = np.repeat(np.arange(60), 12)
    side = with_labels(
        statistics((centers[which] + rng.randn(720, DIM)).astype(np.float32)), which, tuple(f"k{i}" for i in range(60))
    )
    some = rng.choice(np.arange(4, 60), 300)
    found = faults()[0].find(Pair(side, statistics((centers[some] + rng.randn(300, DIM)).astype(np.float32))))
    assert "all 60" not in found.sentence


def test_numbers_that_are_not_finite_are_null_in_json() -> None:
    found = Finding("x", "ok", "y", (Evidence("z", float("nan"), 0.5, 0.2, Interval(-math.inf, 1.0, "m")),))
    assert json.loads(json.dumps(found.to_dict(), allow_nan=False))["evidence"][0]["value"] is None


def test_the_interval_of_a_share_stays_within_what_shares_can_be() -> None:
    """A ratio of shares cannot be negative either; their difference can."""
    all_hits, few = share_of(torch.ones(50, dtype=torch.bool)), share_of(torch.arange(50) < 1)
    assert evidence("x", "x", all_hits).interval.high == 1.0 and evidence("x", "x", few).interval.low == 0.0
    ratio, difference = few.over(few), few.less(all_hits)
    assert evidence("x", "x", ratio).interval.low == 0.0 and evidence("x", "x", difference).interval.low < -0.98
    assert "(0.000 to" in str(evidence("x", "x", few))


def test_hits_about_one_real_are_one_draw_and_accuse_nobody() -> None:
    """All fakes are one unseen image: whether it is near its neighbour is the toss of one coin."""
    one = share_of_groups(torch.ones(1000, dtype=torch.bool), torch.zeros(1000, dtype=torch.int64))
    assert one.value == 1 and one.value - Z * one.error == pytest.approx(0.025, abs=1e-3)
    many = share_of_groups(torch.ones(1000, dtype=torch.bool), torch.arange(1000))
    assert many.value - Z * many.error > 0.99


def test_classes_that_lie_on_a_line_and_those_of_several_clusters_are_told() -> None:
    """A linear discriminant tells the one, nearest neighbours the other."""
    rng = np.random.RandomState(0)
    line, kinds = rng.randint(6, size=1200), tuple("abcdef")
    on_line = np.outer(8.0 * line, np.ones(4)) + rng.randn(1200, 4)
    which = rng.randint(KINDS, size=1200)
    of_clusters = CENTERS[which] + rng.randn(1200, DIM)
    for rows_of, labels, classes in ((on_line, line, kinds), (of_clusters, which % 2, ("odd", "even"))):
        real = with_labels(statistics(rows_of[:800].astype(np.float32)), labels[:800], classes)
        left = np.isin(labels[800:], range(1, len(classes)))
        pair = Pair(real, statistics(rows_of[800:][left].astype(np.float32)))
        assert pair.classes is not None and pair.classes.missing_names == [classes[0]]


def test_classes_that_are_taken_for_each_other_are_counted_by_what_is_drawn() -> None:
    """Two of eight overlapping classes are drawn; a third of their images looks like other classes."""
    rng = np.random.RandomState(0)
    centers = 2.6 * np.eye(8, 12)
    labels, drawn = rng.randint(8, size=2000), rng.randint(2, size=1500)
    side = with_labels(
        statistics((centers[labels] + rng.randn(2000, 12)).astype(np.float32)), labels, tuple("abcdefgh")
    )
    pair = Pair(side, statistics((centers[drawn] + rng.randn(1500, 12)).astype(np.float32)))
    found = faults()[0].find(pair)
    assert pair.classes is not None
    assert float((pair.classes.fake_members > 1).double().mean()) > 0.05
    assert found.sentence == "2 of 8 classes; missing c, d, e, f, g, h"
    assert found.verdict == "severe"


def test_shares_that_differ_where_classes_are_hardly_told_name_none() -> None:
    rng = np.random.RandomState(0)
    labels, drawn = rng.randint(8, size=1200), rng.randint(4, size=600)
    centers = 1.4 * np.eye(8, 12)
    side = with_labels(
        statistics((centers[labels] + rng.randn(1200, 12)).astype(np.float32)), labels, tuple("abcdefgh")
    )
    found = faults()[0].find(Pair(side, statistics((centers[drawn] + rng.randn(600, 12)).astype(np.float32))))
    assert found.is_fault
    assert numbers(found)["uneven_classes"] > 0.2
