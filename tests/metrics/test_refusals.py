"""Every refusal of a metric in one table: class, code, place, sentence and advice; and the last value that passes."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch

from ganmetrics import functional as F
from ganmetrics.errors import InputError, StatisticsError, UsageError
from ganmetrics.metrics._integers import integer_matrix
from ganmetrics.metrics.feature_maps import content_distance, style_distance
from ganmetrics.metrics.mixture_modes import mixture_modes, stacked_modes
from ganmetrics.metrics.ppl import path_length
from ganmetrics.metrics.sequences import distinct_n, self_bleu, sequence_nll

X, Y = np.random.RandomState(0).randn(2, 30, 3)
LOGITS = np.eye(3)[np.arange(30) % 3]
IMAGES = np.random.RandomState(0).randint(0, 256, (4, 3, 24, 24), dtype=np.uint8)
TOKENS = np.arange(12).reshape(4, 3)
LABELS = np.arange(30) % 3
FIRST, SECOND = np.zeros(30, dtype=int), np.arange(30) // 29
MAPS = torch.zeros(1, 3, 2, 2)
NAN = np.where(np.arange(30)[:, None] == 7, np.nan, X)

MORE = "Score more images"
ONE_EXTRACTOR = "Both must come from one extractor"
OF_BOTH = "Score classes that both sets have"
OF_MAPS = "Give a tensor or an array of feature maps"
ONE_LAYER = "Both must come from one layer of one network"
OUT_OF_ORDER = [0.0, -1.0, math.nan]


def other(call: str) -> str:
    return f"{MORE}, or ask for `{call}` (a different protocol)"


USAGE = [  # where, words, calls
    ("birthday.share", "share is ", [lambda s=s: F.birthday(X, Y, share=s) for s in (0.0, 1.0, -0.5, math.nan)]),
    ("alpha_precision_beta_recall_authenticity.recall", "recall is 'data'; it must be 'code' or 'paper'",
     [lambda: F.alpha_precision_beta_recall_authenticity(X, Y, recall="data")]),
    ("c2st", "folds is 1 and penalty 1.0; they must be at least 2", [lambda: F.c2st(X, Y, folds=1)]),
    ("c2st", "folds is 5 and penalty ", [lambda p=p: F.c2st(X, Y, penalty=p) for p in OUT_OF_ORDER]),
    ("cmmd.sigma", "sigma is ", [lambda s=s: F.cmmd(X, Y, sigma=s) for s in OUT_OF_ORDER]),
    ("ct.num_cells", "num_cells is 0; it must be at least 1", [lambda: F.ct(X, Y, X, num_cells=0)]),
    ("fid.denominator", "denominator is 'N'; it must be 'n-1' or 'n'", [lambda: F.fid(X, Y, denominator="N")]),
    ("fid_infinity.num_points", "num_points is 1; it must be ", [lambda: F.fid_infinity(X, Y, num_points=1)]),
    ("fld.num_rows", "num_rows is 3; it must be at least 4", [lambda: F.fld(X, Y, X, num_rows=3)]),
    ("fld.fit", "fit is 'paper'; it must be 'adam' or 'em'", [lambda: F.fld(X, Y, X, fit="paper")]),
    ("is.splits", "splits is 0; it must be at least 1", [lambda: F.inception_score(X, splits=0)]),
    ("kid", "subset_size is 1 and num_subsets 100; they must be ", [lambda: F.kid(X, Y, subset_size=1)]),
    ("kid", "subset_size is 5 and num_subsets 0; ", [lambda: F.kid(X, Y, subset_size=5, num_subsets=0)]),
    ("mifid.threshold", "threshold is ", [lambda t=t: F.mifid(X, Y, threshold=t) for t in (-0.1, 1.1, math.nan)]),
    ("mixture_modes", "std is 0.0 and threshold 3.0; they must ", [lambda: mixture_modes(X, Y, 0.0)]),
    ("mixture_modes", "std is 1.0 and threshold 0.0; they must ", [lambda: mixture_modes(X, Y, 1.0, threshold=0.0)]),
    ("stacked_modes", "num_classes is 0; it must be at least 1", [lambda: stacked_modes(TOKENS, num_classes=0)]),
    ("modes.least", "least is 0; it must be at least 1", [lambda: F.modes(LOGITS, LOGITS, least=0)]),
    ("ms_ssim_diversity.num_pairs", "num_pairs is 1; ", [lambda: F.ms_ssim_diversity(IMAGES, num_pairs=1, scales=2)]),
    ("ms_ssim_diversity.scales", "scales is ", [lambda s=s: F.ms_ssim_diversity(IMAGES, scales=s) for s in (0, 6)]),
    ("ndb", "num_bins is 1 and alpha 0.05; they must be ", [lambda: F.ndb(X, Y, num_bins=1)]),
    ("ndb", "num_bins is 2 and alpha ", [lambda a=a: F.ndb(X, Y, num_bins=2, alpha=a) for a in (0.0, 1.0, math.nan)]),
    ("ppl.epsilon", "epsilon is ", [lambda e=e: path_length(X, Y, epsilon=e) for e in OUT_OF_ORDER]),
    ("ppl.trim", "trim is ", [lambda t=t: path_length(X, Y, trim=t) for t in (-0.1, 50.0, math.nan)]),
    ("prd", "num_clusters is 1 and num_runs 10; they must be ", [lambda: F.prd(X, Y, num_clusters=1)]),
    ("prd", "num_clusters is 20 and num_runs 0; they must be ", [lambda: F.prd(X, Y, num_runs=0)]),
    ("self_bleu.num_samples", "num_samples is 1; it must be ", [lambda: self_bleu(TOKENS, num_samples=1)]),
    ("n", "n is 4; sequences of 3 tokens ", [lambda: distinct_n(TOKENS, n=4), lambda: self_bleu(TOKENS, n=4)]),
    ("vendi.order", "order is ", [lambda q=q: F.vendi(X, order=q) for q in (-0.5, math.nan)]),
    ("vendi.order", "order is -1.0; it must be ", [lambda: F.vendi_of_kernel(np.eye(3), order=-1.0)]),
]  # fmt: skip


@pytest.mark.parametrize(("where", "words", "calls"), USAGE, ids=[f"{each[0]} {i}" for i, each in enumerate(USAGE)])
def test_options_that_cannot_be_meant(where: str, words: str, calls: list[Callable[[], object]]) -> None:
    for call in calls:
        with pytest.raises(UsageError) as caught:
            call()
        assert (caught.value.where, caught.value.code) == (where, "E-USAGE")
        assert caught.value.what.startswith(words)


BALLS = ["precision_recall", "density_coverage", "prdc", "rarity", "realism"]


@pytest.mark.parametrize("name", BALLS)
def test_balls_need_neighbours_on_either_side(name: str) -> None:
    metric = getattr(F, name)
    with pytest.raises(UsageError) as caught:
        metric(X, Y, neighbors=0)
    assert (caught.value.where, caught.value.what) == (f"{name}.neighbors", "neighbors is 0; it must be at least 1")
    for role, sides in (("real", (X[:4], Y)), ("fake", (X, Y[:4]))):
        metric(*sides, neighbors=3)
        with pytest.raises(InputError) as caught:
            metric(*sides, neighbors=4)
        assert (caught.value.where, caught.value.code) == (f"{name}.neighbors", "E-TOO-FEW")
        assert caught.value.what == f"4 {role} images have no 4 neighbours each"
        assert caught.value.hint == other(f"{name}(neighbors=3)")


@pytest.mark.parametrize("name", BALLS[:4])
def test_a_ball_is_open_or_closed(name: str) -> None:
    with pytest.raises(UsageError, match=r"inside is '>'; a ball holds the points at '<' or '<='") as caught:
        getattr(F, name)(X, Y, inside=">")
    assert caught.value.where == f"{name}.inside"


INPUT = {  # where, code, hint, words, call
    "c2st": ("c2st.folds", "E-TOO-FEW", MORE, "5 folds need as many images on each side; found 4 real and 30 fake",
             lambda: F.c2st(X[:4], Y)),
    "class_fid": ("fake_labels", "E-TOO-FEW", OF_BOTH, "the classes 1 have fewer than two fake",
                  lambda: F.class_fid(X, np.arange(30) % 2, Y, SECOND)),
    "class_fid, a class of fakes": ("real_labels", "E-TOO-FEW", OF_BOTH,
                                    "the classes 1, 2 have fewer than two real images",
                                    lambda: F.class_fid(X, FIRST, Y, LABELS)),
    "class_fid, many classes": ("real_labels", "E-TOO-FEW", OF_BOTH,
                                "the classes 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 have fewer",
                                lambda: F.class_fid(X, np.arange(30), Y, np.arange(30))),
    "labels of two dimensions": ("real_labels", "E-SHAPE", "", "real_labels are torch.int64 of shape [30, 1]",
                                 lambda: F.class_fid(X, FIRST[:, None], Y, FIRST)),
    "labels of fewer rows": ("fake_labels", "E-SHAPE", "", "fake_labels are torch.int64 of shape [29]; expected",
                             lambda: F.class_fid(X, FIRST, Y, FIRST[1:])),
    "fractions as labels": ("fake_labels", "E-SHAPE", "", "fake_labels are torch.float64",
                            lambda: F.class_fid(X, FIRST, Y, FIRST * 1.0)),
    "complex labels": ("fake_labels", "E-SHAPE", "", "fake_labels are torch.complex128",
                       lambda: F.class_fid(X, FIRST, Y, FIRST * 1j)),
    "ct": ("ct.num_cells", "E-TOO-FEW", "Add images, or ask for `ct(num_cells=2)`",
           "3 cells need as many training images; found 2",
           lambda: F.ct(X[:2], Y, X)),
    "ct of few fakes": ("ct.num_cells", "E-TOO-FEW", "Score more images",
                        "no cell holds more than 20 fakes and an unseen real image",
                        lambda: F.ct(X, Y[:20], X, num_cells=1)),
    "ct of few fakes in two cells": ("ct.num_cells", "E-TOO-FEW",
                                     "Score more images, or ask for fewer cells than 2, as in `ct(num_cells=1)`",
                                     "no cell holds more than 20 fakes and an unseen real image",
                                     lambda: F.ct(X, Y[:20], X, num_cells=2)),
    "fid_infinity": ("fid_infinity", "E-TOO-FEW", MORE, "subsets of a tenth of the fakes need 20 of them; found 19",
                     lambda: F.fid_infinity(X, Y[:19])),
    "fld": ("real_features", "E-TOO-FEW", "", "real_features hold 3 rows; at least 4 are needed",
            lambda: F.fld(X[:3], Y, X)),
    "is": ("is.splits", "E-TOO-FEW", f"{MORE}, or ask for `is(splits=9)` or fewer (a different protocol)",
           "9 images cannot be cut into 10 splits",
           lambda: F.inception_score(X[:9])),
    "kid": ("kid.subset_size", "E-TOO-FEW", other("kid(subset_size=9)"),
            "subsets of 10 images need as many on each side; found 30 real and 9 fake",
            lambda: F.kid(X, Y[:9], subset_size=10)),
    "mixture_modes": ("points", "E-SHAPE", "", "points have 3 dimensions and centers 2; they must be of one space",
                      lambda: mixture_modes(X, Y[:, :2], 1.0)),
    "stacked_modes": ("digits", "E-SHAPE", "", "digits have 2 columns; expected [N, 3], one for each channel",
                      lambda: stacked_modes([[1, 2]])),
    "modes": ("", "E-SHAPE", "Both must come from one classifier", "real_logits have 3 dimensions and fake_logits 2",
              lambda: F.modes(LOGITS, LOGITS[:, :2])),
    "modes of reals": ("real_logits", "E-NOT-FINITE", "Look at that image and at the extractor",
                       "real_logits holds NaN or infinity, first in row 7", lambda: F.modes(NAN, X)),
    "images of three dimensions": ("fake_images", "E-SHAPE", "", "fake_images are uint8 of shape [3, 24, 24]; ",
                                   lambda: F.ms_ssim_diversity(IMAGES[0], scales=2)),
    "grey images": ("fake_images", "E-SHAPE", "", "fake_images are uint8 of shape [4, 1, 24, 24]; expected uint8",
                    lambda: F.ms_ssim_diversity(IMAGES[:, :1], scales=2)),
    "three images": ("fake_images", "E-SHAPE", "", "fake_images are uint8 of shape [3, 3, 24, 24]; expected uint8",
                     lambda: F.ms_ssim_diversity(IMAGES[:3], scales=2)),
    "images in float": ("fake_images", "E-SHAPE", "", "fake_images are torch.float32 of shape",
                        lambda: F.ms_ssim_diversity(torch.from_numpy(IMAGES).float(), scales=2)),
    "images too small": ("ms_ssim_diversity.scales", "E-SHAPE", "Ask for `ms_ssim_diversity(scales=2)`",
                         "3 scales do not fit into 24 pixels",
                         lambda: F.ms_ssim_diversity(np.repeat(IMAGES, 2, axis=3), scales=3)),
    "images far too small": ("ms_ssim_diversity.scales", "E-SHAPE", "Enlarge the images",
                             "1 scales do not fit into 10 pixels",
                             lambda: F.ms_ssim_diversity(IMAGES[..., :10], scales=1)),
    "ndb": ("ndb.num_bins", "E-TOO-FEW", f"{MORE}, or ask for `ndb(num_bins=9)` or fewer (a different protocol)",
            "10 bins need as many images on each side; found 30 real and 9 fake",
            lambda: F.ndb(X, Y[:9], num_bins=10)),
    "prd": ("prd.num_clusters", "E-TOO-FEW", MORE, "61 clusters need as many images; found 30 real and 30 fake",
            lambda: F.prd(X, Y, num_clusters=61)),
    "self_bleu": ("self_bleu.num_samples", "E-TOO-FEW",
                  "Score more sequences, or pass `num_samples=4` (a different protocol)",
                  "5 sequences are to be drawn and only 4 are there", lambda: self_bleu(TOKENS, num_samples=5)),
    "sequence_nll": ("log_probabilities", "E-RANGE", "Apply log_softmax to logits",
                     "log_probabilities reach 0.25; the logarithm of a probability is at most 0",
                     lambda: sequence_nll([[-1.0, 0.25]])),
    "integers": ("tokens", "E-RANGE", "", "tokens must be whole numbers in 0..7; found 8 in row 1",
                 lambda: integer_matrix([[0, 7], [8, 9]], "tokens", 8)),
    "style_distance": ("", "E-LAYERS", "Give the same layers of one network, at least one",
                       "real_maps are of the layers ['a'] and fake_maps of ['b']",
                       lambda: style_distance({"a": MAPS}, {"b": MAPS})),
    "style_distance of no layers": ("", "E-LAYERS", "Give the same layers of one network, at least one",
                                    "real_maps are of the layers [] and fake_maps of []",
                                    lambda: style_distance({}, {})),
    "style_distance of one row": ("real_maps['a']", "E-SHAPE", OF_MAPS, "real_maps['a'] is Tensor of shape [3, 2, 2]",
                                  lambda: style_distance({"a": MAPS[0]}, {"a": MAPS})),
    "style_distance of lists": ("fake_maps['a']", "E-SHAPE", OF_MAPS, "fake_maps['a'] is list of shape []; expected",
                                lambda: style_distance({"a": MAPS}, {"a": [[1.0]]})),
    "style_distance of other channels": ("a", "E-SHAPE", ONE_LAYER, "the real maps have channels 3 and the fake ones 2",
                                         lambda: style_distance({"a": MAPS}, {"a": MAPS[:, :2]})),
    "content_distance of reals": ("real_maps", "E-SHAPE", OF_MAPS, "real_maps is Tensor of shape [0, 3, 2, 2]",
                                  lambda: content_distance(MAPS[:0], MAPS)),
    "content_distance of fakes": ("fake_maps", "E-NOT-FINITE", "Look at that image and at the extractor",
                                  "fake_maps holds NaN or infinity, first in row 0",
                                  lambda: content_distance(MAPS, MAPS + math.nan)),
    "content_distance of other sizes": ("content", "E-SHAPE", ONE_LAYER,
                                        "the real maps have shape [C, H, W] [3, 2, 2] and the fake ones [3, 2, 1]",
                                        lambda: content_distance(MAPS, MAPS[..., :1])),
    "pairs of maps": ("paired", "E-SHAPE", ONE_LAYER, "the real maps have this number of images: 1 and the fake ones 2",
                      lambda: content_distance(MAPS, MAPS.repeat(2, 1, 1, 1), paired=True)),
    "dimensions": ("", "E-SHAPE", ONE_EXTRACTOR, "real_features have 3 dimensions and fake_features 2",
                   lambda: F.fid(X, Y[:, :2])),
    "dimensions of unseen reals": ("", "E-SHAPE", "All must come from one extractor",
                                   "real_features have 3 dimensions and test_features 2", lambda: F.ct(X, Y, X[:, :2])),
    "NaN": ("test_features", "E-NOT-FINITE", "Look at that image and at the extractor",
            "test_features holds NaN or infinity, first in row 7", lambda: F.fld(X, Y, NAN)),
    "one row": ("fake_features", "E-TOO-FEW", "", "fake_features hold 1 row; at least 2 are needed",
                lambda: F.fid(X, Y[:1])),
    "text": ("real_features", "E-SHAPE", "", "real_features is str that holds no numbers of shape [N, D]",
             lambda: F.fid("a", Y)),
    "one dimension": ("fake_features", "E-SHAPE", "", "fake_features is torch.float64 of shape [30]; ",
                      lambda: F.fid(X, Y[:, 0])),
    "vendi": ("fake_features", "E-SHAPE", "", "fake_features is torch.float64 of shape [3]", lambda: F.vendi(X[0])),
    "vendi_of_kernel": ("kernel", "E-SHAPE", "", "kernel is of shape [2, 3]; expected a symmetric [N, N] with ones on",
                        lambda: F.vendi_of_kernel(np.ones((2, 3)))),
    "vendi_of_kernel of a vector": ("kernel", "E-SHAPE", "", "kernel is torch.float64 of shape [3]",
                                    lambda: F.vendi_of_kernel(np.ones(3))),
    "lpips_diversity": ("fake_embeddings", "E-SHAPE", "", "fake_embeddings is torch.float64 of shape [3]",
                        lambda: F.lpips_diversity(X[0])),
}  # fmt: skip


@pytest.mark.parametrize("name", INPUT)
def test_sets_that_cannot_be_scored(name: str) -> None:
    where, code, hint, words, call = INPUT[name]
    with pytest.raises(InputError) as caught:
        call()
    found = caught.value
    assert (found.where, found.code, found.hint) == (where, code, hint)
    assert found.what.startswith(words)


def test_gaussians_of_two_extractors() -> None:
    with pytest.raises(StatisticsError) as caught:
        F.frechet_distance([0.0], [[1.0]], [0.0, 0.0], np.eye(2))
    assert (caught.value.where, caught.value.hint) == ("real, fake", ONE_EXTRACTOR)


LAST = {
    "c2st": lambda: F.c2st(X[:2], Y[:2], folds=2),
    "cmmd of a narrow kernel": lambda: F.cmmd(X, Y, sigma=0.5),
    "class_fid of two images each": lambda: F.class_fid(X[:4], [0, 0, 1, 1], Y[:4], [1, 1, 0, 0]),
    "ct of as many reals as cells": lambda: F.ct(X[:2], np.repeat(Y[:1], 21, axis=0), X, num_cells=2),
    "ct of twenty-one fakes": lambda: F.ct(X, Y[:21], X, num_cells=1),
    "fid_infinity": lambda: F.fid_infinity(X[:2], Y[:20], num_points=2),
    "fld": lambda: F.fld(X[:4], Y[:4], X[:4], num_rows=4, fit="em").fld,
    "fld of two unseen": lambda: F.fld(X[:4], Y[:4], X[:2], num_rows=4).fld,
    "is": lambda: F.inception_score(X[:10]).value,
    "is of one split": lambda: F.inception_score(X[:1], splits=1).value,
    "kid": lambda: F.kid(X[:2], Y[:2], subset_size=2, num_subsets=1).value,
    "mifid at 0": lambda: F.mifid(X, Y, threshold=0.0),
    "mifid at 1": lambda: F.mifid(X, Y, threshold=1.0),
    "modes": lambda: F.modes(LOGITS, LOGITS, least=1).modes,
    "ms_ssim_diversity": lambda: F.ms_ssim_diversity(IMAGES, num_pairs=2, scales=2).value,
    "ms_ssim_diversity of one scale": lambda: F.ms_ssim_diversity(IMAGES[..., :11], scales=1).value,
    "ndb": lambda: F.ndb(X[:2], Y[:2], num_bins=2).ndb,
    "ppl": lambda: path_length(X[:2], Y[:2], epsilon=1e-9, trim=0.0).value,
    "ppl at 49 percent": lambda: path_length(X, Y, trim=49.9).value,
    "prd": lambda: F.prd(X, Y, num_clusters=60, num_runs=1).prd_f8,
    "prd of two clusters": lambda: F.prd(X[:2], Y[:2], num_clusters=2, num_runs=1).prd_f8,
    "self_bleu": lambda: self_bleu(TOKENS, n=3, num_samples=2),
    "self_bleu of all": lambda: self_bleu(TOKENS, n=1, num_samples=4),
    "distinct_n": lambda: distinct_n(TOKENS, n=3),
    "sequence_nll": lambda: sequence_nll([[1e-5]]),
    "stacked_modes of one class": lambda: stacked_modes([[0, 0, 0]], num_classes=1).kl,
    "mixture_modes of one mode": lambda: mixture_modes([[0.0]], [[0.0]], 1e-9).high_quality,
    "vendi of order 0": lambda: F.vendi(X, order=0.0),
    "vendi of one image": lambda: F.vendi(X[:1]),
    "birthday": lambda: F.birthday(X[:2], Y[:2], share=0.999),
}


@pytest.mark.parametrize("name", LAST)
def test_the_last_value_that_passes(name: str) -> None:
    assert math.isfinite(LAST[name]())
