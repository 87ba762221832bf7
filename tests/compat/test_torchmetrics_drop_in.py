"""What public code does with torchmetrics' image metrics: the same lines, with the import changed, give the same."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import torchmetrics
from torch import Tensor, nn
from torchmetrics.image.fid import FrechetInceptionDistance as TheirFid
from torchmetrics.image.inception import InceptionScore as TheirScore
from torchmetrics.image.kid import KernelInceptionDistance as TheirKid
from torchmetrics.image.mifid import MemorizationInformedFrechetInceptionDistance as TheirMifid
from torchmetrics.wrappers import FeatureShare, MetricTracker

import ganmetrics as gm
from ganmetrics.compat.torchmetrics import (
    FrechetInceptionDistance,
    InceptionScore,
    KernelInceptionDistance,
    MemorizationInformedFrechetInceptionDistance,
)

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning", "ignore::ganmetrics.errors.GanMetricsWarning")
REAL = torch.randint(0, 256, (40, 3, 8, 8), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
FAKE = torch.randint(0, 200, (40, 3, 8, 8), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))
PAIRS = {
    "fid": (FrechetInceptionDistance, TheirFid, {}),
    "kid": (KernelInceptionDistance, TheirKid, {"subsets": 2, "subset_size": 40}),
    "mifid": (MemorizationInformedFrechetInceptionDistance, TheirMifid, {"cosine_distance_eps": 0.9}),
    "is": (InceptionScore, TheirScore, {"splits": 1}),
}


class Means(nn.Module):
    """Six means of each image, of any shape and type."""

    def __init__(self) -> None:
        super().__init__()
        self.map = nn.Linear(6, 6)
        nn.init.orthogonal_(self.map.weight, generator=torch.Generator().manual_seed(0))
        nn.init.zeros_(self.map.bias)

    def forward(self, images: Tensor) -> Tensor:
        rows = images.flatten(1).to(self.map.weight.dtype) / 64
        return self.map(torch.stack([part.mean(1) for part in rows.tensor_split(6, dim=1)], dim=1))


def fed(metric: Any, real: Tensor, fake: Tensor) -> Any:
    if isinstance(metric, (InceptionScore, TheirScore)):
        metric.update(fake)
        return metric
    metric.update(real, real=True)
    metric.update(fake, real=False)
    return metric


def number(value: Any) -> float:
    return float(value[0] if isinstance(value, tuple) else value)


def both(name: str, change: Callable[[Any], Any] = lambda metric: metric, **options: Any) -> tuple[float, float]:
    """The values of ours and of theirs, which ``change`` was done to between updates and ``compute``."""
    ours, theirs, own = PAIRS[name]
    found = []
    for kind in (ours, theirs):
        more = {"definition": "torchmetrics"} if kind is MemorizationInformedFrechetInceptionDistance else {}
        metric = fed(kind(Means(), **{**own, **more, **options}), REAL, FAKE)
        change(metric)
        found.append(number(metric.compute()))
    return found[0], found[1]


@pytest.mark.parametrize("name", PAIRS)
def test_the_number_is_theirs(name: str) -> None:
    mine, theirs = both(name)
    assert mine == pytest.approx(theirs, rel=1e-3)


@pytest.mark.parametrize(("name", "attribute", "value"), [
    ("kid", "degree", 2), ("kid", "gamma", 0.3), ("kid", "coef", 2.0), ("kid", "subsets", 1),
    ("mifid", "cosine_distance_eps", 1e-9),
    ("fid", "real_features_sum", torch.zeros(6, dtype=torch.float64)),
    ("fid", "fake_features_num_samples", torch.tensor(50)),
])  # fmt: skip
def test_an_attribute_that_is_set_counts(name: str, attribute: str, value: Any) -> None:
    plain, _ = both(name)
    mine, theirs = both(name, lambda metric: setattr(metric, attribute, value))
    assert mine == pytest.approx(theirs, rel=2e-3)
    assert attribute == "subsets" or mine != plain


def test_splits_and_the_size_of_subsets_count() -> None:
    for metric, attribute, value, again in (
        (InceptionScore(Means(), splits=4), "splits", 2, InceptionScore(Means(), splits=2)),
        (KernelInceptionDistance(Means(), 3, 10), "subset_size", 20, KernelInceptionDistance(Means(), 3, 20)),
    ):
        fed(metric, REAL, FAKE)
        setattr(metric, attribute, value)
        assert number(metric.compute()) == number(fed(again, REAL, FAKE).compute())


@pytest.mark.parametrize("name", PAIRS)
def test_every_public_attribute_of_theirs_is_there(name: str) -> None:
    ours, theirs, options = PAIRS[name]
    mine, other = (fed(kind(Means(), **options), REAL, FAKE) for kind in (ours, theirs))
    public = [key for key in (*vars(other), *other._defaults) if not key.startswith("_")]
    lacking = [key for key in public if not hasattr(mine, key)]
    assert not lacking
    assert mine.feature_network == other.feature_network
    assert set(other._defaults) <= set(mine._defaults)


def test_cached_sums_stand_for_the_reals() -> None:
    first = fed(FrechetInceptionDistance(Means()), REAL, FAKE)
    cached = {name: getattr(first, name).clone() for name in first._defaults if "real" in name}
    other = FrechetInceptionDistance(Means(), reset_real_features=False)
    for name, value in cached.items():
        setattr(other, name, value)
    other.update(FAKE, real=False)
    assert other.compute() == first.compute()
    assert other.result["fid"].value == first.result["fid"].value
    # Of images that were not seen there are neither digests nor rows for an interval.
    assert other.result["fid"].interval is None and "real:#40:unknown" in str(other.result["fid"].signature)
    other.reset()
    other.update(FAKE, real=False)
    assert other.compute() == first.compute()


def test_a_reset_keeps_rows_of_the_reals() -> None:
    metric = fed(KernelInceptionDistance(Means(), 1, 40, reset_real_features=False), REAL, FAKE)
    first = metric.compute()
    metric.reset()
    assert [len(rows) for rows in metric.real_features] == [40] and metric.fake_features == []
    metric.update(FAKE, real=False)
    assert metric.compute() == first


def test_metrics_that_keep_rows_say_so_as_theirs() -> None:
    for build in (KernelInceptionDistance, InceptionScore):
        with pytest.warns(UserWarning, match="will save all extracted features in buffer"):
            build(Means())


@pytest.mark.parametrize("channels", [1, 4])
def test_a_network_takes_images_of_any_channels_as_floats_are(channels: int) -> None:
    real, fake = torch.randn(30, channels, 9, 9), torch.randn(30, channels, 9, 9) * 2
    for kind, other, options in (PAIRS["fid"], (*PAIRS["kid"][:2], {"subsets": 1, "subset_size": 30})):
        mine, theirs = (number(fed(each(Means(), **options), real, fake).compute()) for each in (kind, other))
        assert mine == pytest.approx(theirs, rel=1e-3, abs=1e-5)


def test_videos_and_features_that_were_computed_before() -> None:
    clips = torch.rand(30, 3, 4, 8, 8), torch.rand(30, 3, 4, 8, 8) ** 2
    rows = torch.randn(30, 5), torch.randn(30, 5) + 1
    identity = nn.Identity()
    identity.num_features = 5  # type: ignore[assignment]
    for network, sets in ((Means(), clips), (identity, rows)):
        mine, theirs = (
            number(fed(kind(network, input_img_size=(3, 4, 8, 8)), *sets).compute())
            for kind in (FrechetInceptionDistance, TheirFid)
        )
        assert mine == pytest.approx(theirs, rel=1e-3)


def test_float64_of_the_metric_and_of_the_images() -> None:
    sets = torch.rand(40, 3, 8, 8, dtype=torch.float64), torch.rand(40, 3, 8, 8, dtype=torch.float64) ** 2
    found = []
    for kind in (FrechetInceptionDistance, TheirFid):
        metric = kind(Means(), normalize=True).set_dtype(torch.float64).to("cpu").double()
        found.append(fed(metric, *sets).compute())
    assert found[0].dtype == found[1].dtype == torch.float64
    assert float(found[0]) == pytest.approx(float(found[1]), rel=1e-9)


def test_a_shared_network_runs_once() -> None:
    calls = []

    class Counted(Means):
        def forward(self, images: Tensor) -> Tensor:
            calls.append(len(images))
            return super().forward(images)

    network = Counted()
    metrics = [FrechetInceptionDistance(network, input_img_size=(3, 8, 8)), KernelInceptionDistance(network, 2, 40)]
    calls.clear()
    share = FeatureShare(metrics)
    share.update(REAL, real=True)
    share.update(FAKE, real=False)
    found = share.compute()
    assert calls == [40, 40]
    assert number(found["FrechetInceptionDistance"]) == pytest.approx(both("fid")[0], rel=1e-6)
    assert "custom-Counted:" in str(share["FrechetInceptionDistance"].result["fid"].signature)


def test_states_of_other_networks_or_classes_do_not_merge() -> None:
    first, second = (fed(FrechetInceptionDistance(Means()), REAL, FAKE) for _ in range(2))
    with torch.no_grad():
        second.inception.map.weight.mul_(2)
    other = FrechetInceptionDistance(second.inception)
    with pytest.raises(gm.StatisticsError, match="were made by different recipes"):
        first.merge_state(other)
    with pytest.raises(ValueError, match="to be an instance of FrechetInceptionDistance; found KernelInception"):
        first.merge_state(KernelInceptionDistance(Means()))


def test_a_tracker_keeps_the_best_of_several_epochs() -> None:
    tracker = MetricTracker(FrechetInceptionDistance(Means()), maximize=False)
    for fake in (FAKE, REAL):
        tracker.increment()
        tracker.update(REAL, real=True)
        tracker.update(fake, real=False)
    best, epoch = tracker.best_metric(return_step=True)
    assert epoch == 1 and best == pytest.approx(0, abs=1e-3)


def test_a_collection_with_groups() -> None:
    collection = torchmetrics.MetricCollection(
        {"a": FrechetInceptionDistance(Means()), "b": FrechetInceptionDistance(Means())}, compute_groups=True
    )
    for _ in range(2):
        collection.update(REAL, real=True)
        collection.update(FAKE, real=False)
    found = collection.compute()
    assert found["a"] == found["b"] > 0


def test_a_checkpoint_of_theirs_loads_strictly(synthetic_weights: Path) -> None:
    options: Any = {"feature": 64, "feature_extractor_weights_path": str(synthetic_weights)}
    model = nn.ModuleDict({"fid": TheirFid(**options), "net": nn.Linear(2, 2)})
    other = nn.ModuleDict({"fid": FrechetInceptionDistance(**options), "net": nn.Linear(2, 2)})
    state = model.state_dict()
    assert any(key.startswith("fid.inception.") for key in state)
    assert other.load_state_dict(state, strict=True).missing_keys == []
    assert not any(key.startswith("fid.") for key in other.state_dict())


def test_a_named_network_stays_in_evaluation_mode(synthetic_weights: Path) -> None:
    metric = FrechetInceptionDistance(64, feature_extractor_weights_path=synthetic_weights)
    nn.ModuleList([metric]).train()
    assert metric.training and not metric.inception.training
    assert not metric.used_custom_model and FrechetInceptionDistance(Means()).used_custom_model


@pytest.mark.slow
def test_the_inception_score_of_another_layer(synthetic_weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from torchmetrics.image import fid, inception

    monkeypatch.setattr(
        inception, "NoTrainInceptionV3", lambda name, features_list: fid.NoTrainInceptionV3(
            name, features_list, str(synthetic_weights)
        )
    )  # fmt: skip
    mine = InceptionScore(2048, splits=1, feature_extractor_weights_path=synthetic_weights)
    found, theirs = (number(fed(each, REAL, FAKE[:6]).compute()) for each in (mine, TheirScore(2048, splits=1)))
    assert found == pytest.approx(theirs, rel=1e-4)


def small() -> Any:
    return fed(KernelInceptionDistance(Means()), REAL, FAKE)


@pytest.mark.parametrize(("call", "types", "words"), [
    (lambda: FrechetInceptionDistance(feature=2), (ValueError, gm.UsageError), "must be one of"),
    (lambda: KernelInceptionDistance(feature=2), (ValueError, gm.UsageError), "must be one of"),
    (lambda: FrechetInceptionDistance(feature=[1]), (TypeError, gm.UsageError), "Got unknown input to argument"),  # type: ignore[arg-type]
    (lambda: KernelInceptionDistance(Means(), subsets=-1), (ValueError, gm.UsageError), "expected to be integer"),
    (lambda: FrechetInceptionDistance(Means(), normalize=1), (ValueError, gm.UsageError), "expected to be a bool"),  # type: ignore[arg-type]
    (lambda: small().compute(), (ValueError, gm.InputError), "should be smaller than the number of samples"),
    (lambda: FrechetInceptionDistance(Means()).compute(), (RuntimeError, gm.InputError), "More than one sample"),
    (lambda: MemorizationInformedFrechetInceptionDistance(Means(), cosine_distance_eps=2.0),
     (ValueError, gm.UsageError), "cosine_distance_eps"),
    (lambda: MemorizationInformedFrechetInceptionDistance(Means(), definition="mine"),
     (ValueError, gm.UsageError), "must be paper or torchmetrics"),
])  # fmt: skip
def test_errors_are_of_their_types_and_of_ours(call: Any, types: tuple[type, ...], words: str) -> None:
    with pytest.raises(types, match=words) as error:
        call()
    assert all(isinstance(error.value, each) for each in types)


def test_a_result_of_another_kernel_is_refused() -> None:
    metric = fed(KernelInceptionDistance(Means(), 2, 40, degree=2), REAL, FAKE)
    assert number(metric.compute()) > 0
    with pytest.raises(gm.UsageError, match="the kernel has degree=2"):
        _ = metric.result
