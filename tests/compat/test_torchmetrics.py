"""The three metrics beside torchmetrics' own, on the same weights; and all that torchmetrics does with its metrics.

Tolerances: torchmetrics rounds FID to float32 and computes KID and the Inception Score in it.
"""

from __future__ import annotations

import copy
import importlib
import pickle
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torchmetrics
from matplotlib import pyplot
from torch import nn
from torchmetrics.image.fid import FrechetInceptionDistance as TheirFid
from torchmetrics.image.inception import InceptionScore as TheirScore
from torchmetrics.image.kid import KernelInceptionDistance as TheirKid

import ganmetrics as gm
from ganmetrics.compat.torchmetrics import FrechetInceptionDistance, InceptionScore, KernelInceptionDistance
from ganmetrics.extractors._arithmetic import arithmetic

pytestmark = pytest.mark.filterwarnings(
    "ignore:Metric `(Kernel Inception Distance|InceptionScore)` will save all extracted features:UserWarning",
    "ignore:std.*degrees of freedom:UserWarning",
)


def images(count: int, seed: int, side: int = 40, most: int = 256) -> torch.Tensor:
    """Coarse patterns with noise, so that features differ between images."""
    rng = torch.Generator().manual_seed(seed)
    coarse = torch.rand(count, 3, 5, 5, generator=rng)
    x = nn.functional.interpolate(coarse, side) + 0.2 * torch.rand(count, 3, side, side, generator=rng)
    return (x / 1.2 * (most - 1)).to(torch.uint8)


REAL, FAKE = images(70, 0), images(66, 1, most=200)


class Tiny(nn.Module):
    """A network of the user's: a linear map of pooled pixels, of uint8 in 0..255 or of floats in 0..1."""

    num_features = 6

    def __init__(self, scale: float = 255.0) -> None:
        super().__init__()
        self.scale = scale
        self.map = nn.Linear(12, 6)
        with torch.no_grad():
            self.map.weight.copy_(torch.randn(6, 12, generator=torch.Generator().manual_seed(0)) * 4)
            self.map.bias.zero_()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.map(nn.functional.adaptive_avg_pool2d(x.to(self.map.weight.dtype) / self.scale, 2).flatten(1))


def fed(metric: Any, real: torch.Tensor = REAL, fake: torch.Tensor = FAKE, size: int = 32) -> Any:
    """A metric that has seen both sets, real ones where it takes them."""
    with arithmetic():
        for part in real.split(size) if not isinstance(metric, (InceptionScore, TheirScore)) else ():
            metric.update(part, real=True)
        for part in fake.split(size):
            metric.update(part) if isinstance(metric, (InceptionScore, TheirScore)) else metric.update(part, real=False)
    return metric


@pytest.fixture
def offline_inception(synthetic_weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Metrics of torchmetrics that take no weights file find this one where they would download theirs."""
    from torchmetrics.image import fid, inception, kid

    def network(name: str, features_list: list[str]) -> Any:
        return fid.NoTrainInceptionV3(name, features_list, str(synthetic_weights))

    for module in (inception, kid):
        monkeypatch.setattr(module, "NoTrainInceptionV3", network)


@pytest.mark.slow
@pytest.mark.parametrize("antialias", [True, False])
def test_fid_is_theirs(antialias: bool, synthetic_weights: Path) -> None:
    options: Any = {
        "feature": 64,
        "feature_extractor_weights_path": str(synthetic_weights),
        "antialias": antialias,
    }
    mine, theirs = fed(FrechetInceptionDistance(**options)), fed(TheirFid(**options))
    assert mine.compute().dtype == theirs.compute().dtype == torch.float32
    assert mine.compute().shape == ()
    assert mine.compute().item() == pytest.approx(theirs.compute().item(), rel=1e-5)


@pytest.mark.slow
def test_floats_are_cut_to_levels_as_theirs(synthetic_weights: Path) -> None:
    """Rounded they would be half a level lighter, which the score shows."""
    options: Any = {"feature": 64, "normalize": True, "feature_extractor_weights_path": str(synthetic_weights)}
    real, fake = torch.rand(30, 3, 9, 9), torch.rand(30, 3, 9, 9) ** 2
    mine, theirs = (fed(each(**options), real, fake) for each in (FrechetInceptionDistance, TheirFid))
    assert mine.compute().item() == pytest.approx(theirs.compute().item(), rel=1e-4)  # singular covariances
    rounded = fed(FrechetInceptionDistance(**options, protocol="torch-fidelity"), real, fake)
    assert rounded.result.fake.digest != mine.result.fake.digest


@pytest.mark.usefixtures("offline_inception")
@pytest.mark.parametrize(("feature", "count"), [(64, 10), pytest.param("logits_unbiased", 8, marks=pytest.mark.slow)])
def test_kid_is_theirs_where_each_subset_is_the_whole(feature: int | str, count: int, synthetic_weights: Path) -> None:
    """Theirs are drawn without a seed; of all images there is one subset."""
    options: Any = {"feature": feature, "subsets": 2, "subset_size": count}
    mine = KernelInceptionDistance(**options, feature_extractor_weights_path=synthetic_weights)
    found, theirs = (
        list(map(float, fed(each, REAL[:count], FAKE[:count]).compute())) for each in (mine, TheirKid(**options))
    )
    assert found[0] == pytest.approx(theirs[0], rel=1e-3)  # a small difference of float32 kernel means
    assert found[1] == pytest.approx(0, abs=1e-9)
    assert theirs[1] == pytest.approx(0, abs=1e-5)


@pytest.mark.slow
@pytest.mark.usefixtures("offline_inception")
def test_inception_score_of_one_split_is_theirs(synthetic_weights: Path) -> None:
    mine = fed(InceptionScore(splits=1, feature_extractor_weights_path=synthetic_weights), fake=FAKE[:5])
    theirs = fed(TheirScore(splits=1), fake=FAKE[:5])
    assert float(mine.compute()[0]) == pytest.approx(float(theirs.compute()[0]), rel=1e-4)
    assert mine.compute()[1].isnan()
    assert theirs.compute()[1].isnan()


def test_inception_score_of_splits_is_theirs_in_one_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the shuffle that the seed of ours gives; the spread has ddof 1."""
    order = torch.from_numpy(np.random.RandomState(2020).permutation(60))
    monkeypatch.setattr(torch, "randperm", lambda count: order)
    mine, theirs = (fed(each(Tiny(), splits=5), fake=FAKE[:60]) for each in (InceptionScore, TheirScore))
    assert [float(x) for x in mine.compute()] == pytest.approx([float(x) for x in theirs.compute()], rel=1e-4)


@pytest.mark.parametrize("normalize", [False, True])
def test_a_network_of_the_users_reads_what_theirs_would(normalize: bool) -> None:
    sets = [x.float() / 255 if normalize else x for x in (REAL, FAKE)]
    for ours, other, options in (
        (FrechetInceptionDistance, TheirFid, {}),
        (KernelInceptionDistance, TheirKid, {"subset_size": 66, "subsets": 1}),
    ):
        sets = [x[:66] for x in sets]
        networks = [Tiny(1.0 if normalize else 255.0) for _ in range(2)]
        mine = fed(ours(networks[0], normalize=normalize, **options), *sets)
        theirs = fed(other(networks[1], normalize=normalize, **options), *sets)
        found, wanted = (each.compute() for each in (mine, theirs))
        pair = (found, wanted) if ours is FrechetInceptionDistance else (found[0], wanted[0])
        assert float(pair[0]) == pytest.approx(float(pair[1]), rel=1e-4)


def test_the_result_says_more() -> None:
    metric = fed(FrechetInceptionDistance(Tiny()))
    result = metric.result
    assert isinstance(result, gm.Result)
    assert float(metric.compute()) == pytest.approx(result["fid"].value, rel=1e-6)
    assert result["fid"].interval is not None
    assert result["fid"].interval.low < result["fid"].value < result["fid"].interval.high
    assert "custom-Tiny:" in str(result["fid"].signature)


@pytest.mark.slow
def test_another_protocol(synthetic_weights: Path) -> None:
    metric = fed(
        FrechetInceptionDistance(64, feature_extractor_weights_path=synthetic_weights, protocol="clean-fid"),
        REAL[:10],
        FAKE[:10],
    )
    wanted = gm.evaluate(
        REAL[:10], FAKE[:10], extractor="inception:64", weights=synthetic_weights, protocol="clean-fid"
    )
    assert metric.result["fid"].value == pytest.approx(wanted["fid"].value, rel=1e-6)
    assert str(metric.result["fid"].signature) == str(wanted["fid"].signature)


@pytest.mark.parametrize("keeps", [True, False])
def test_reset_may_keep_the_reals(keeps: bool) -> None:
    metric = fed(FrechetInceptionDistance(Tiny(), reset_real_features=not keeps))
    first = metric.compute()
    metric.reset()
    metric.update(FAKE, real=False)
    if keeps:
        assert metric.compute() == pytest.approx(first.item(), rel=1e-5)
    else:
        with pytest.raises(gm.InputError, match="0 images found"):
            metric.compute()


def test_forward_scores_the_batch_and_keeps_it() -> None:
    """Kept reals count once, which they do not in torchmetrics."""
    metric, wanted = (FrechetInceptionDistance(Tiny(), reset_real_features=False) for _ in range(2))
    metric.update(REAL, real=True)
    wanted.update(REAL, real=True)
    wanted.update(FAKE[:30], real=False)
    assert metric(FAKE[:30], real=False) == wanted.compute()
    metric(FAKE[30:], real=False)
    wanted.update(FAKE[30:], real=False)
    assert metric.compute() == pytest.approx(wanted.compute().item(), rel=1e-6)
    assert metric.result.real is not None
    assert (metric.result.real.count, metric.result.fake.count) == (70, 66)


def test_forward_of_a_metric_without_reals() -> None:
    metric = InceptionScore(Tiny(), splits=2)
    for part in FAKE.split(22):
        metric(part)
    assert metric.result.fake.count == 66
    assert float(metric.compute()[0]) == pytest.approx(float(fed(InceptionScore(Tiny(), splits=2)).compute()[0]))


def test_states_merge() -> None:
    first, second = (FrechetInceptionDistance(Tiny()) for _ in range(2))
    fed(first, REAL[:30], FAKE[:20])
    fed(second, REAL[30:], FAKE[20:])
    other = copy.deepcopy(first)
    first.merge_state(second)
    other.merge_state(second.metric_state)
    wanted = fed(FrechetInceptionDistance(Tiny())).compute().item()
    assert first.compute() == pytest.approx(wanted, rel=1e-5)
    assert other.compute() == pytest.approx(wanted, rel=1e-5)


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m)), lambda m: m.clone()])
def test_copies_go_on_by_themselves(copied: Any) -> None:
    metric = fed(FrechetInceptionDistance(Tiny()))
    wanted = metric.compute()
    other = copied(metric)
    metric.update(REAL, real=False)
    assert other.compute() == wanted
    other.update(REAL, real=False)
    assert other.compute() == pytest.approx(metric.compute().item(), rel=1e-6)


def test_its_state_is_saved_where_that_is_asked_for(tmp_path: Path) -> None:
    """In the state dict of the module that holds it, as torchmetrics saves states."""
    holder = nn.ModuleDict({"fid": fed(FrechetInceptionDistance(Tiny()))})
    assert set(holder.state_dict()) == {"fid.inception.map.weight", "fid.inception.map.bias"}
    holder["fid"].persistent(True)
    torch.save(holder.state_dict(), tmp_path / "state.pt")
    other = nn.ModuleDict({"fid": FrechetInceptionDistance(Tiny())})
    other.load_state_dict(torch.load(tmp_path / "state.pt", weights_only=True))
    other["fid"].update(FAKE[:0].new_zeros(2, 3, 40, 40), real=False)
    holder["fid"].update(FAKE[:0].new_zeros(2, 3, 40, 40), real=False)
    assert other["fid"].compute() == pytest.approx(holder["fid"].compute().item(), rel=1e-6)


def test_another_dtype_is_the_values_alone() -> None:
    metric = fed(FrechetInceptionDistance(Tiny()).set_dtype(torch.float64))
    assert metric.compute().dtype == torch.float64
    assert metric.compute().item() == metric.result["fid"].value
    metric.half()  # torchmetrics ignores it
    assert metric.compute().dtype == torch.float64


def test_a_walk_over_modules_does_not_write_the_state(monkeypatch: pytest.MonkeyPatch) -> None:
    """torchmetrics' hash reads it, and an optimiser asks for that at every step."""
    metric = fed(FrechetInceptionDistance(Tiny()))

    def refuse(_: object) -> None:
        raise AssertionError("the state was written")

    monkeypatch.setattr(gm.Evaluation, "state_dict", refuse)
    holder = nn.ModuleList([metric, metric])
    assert len(list(holder.modules())) == 4
    holder.train()


def test_a_collection_of_all() -> None:
    collection = torchmetrics.MetricCollection(
        {
            "fid": FrechetInceptionDistance(Tiny()),
            "again": FrechetInceptionDistance(Tiny()),
            "kid": KernelInceptionDistance(Tiny(), subset_size=20, subsets=3),
        }
    )
    for part in REAL.split(35):
        collection.update(part, real=True)
    for part in FAKE.split(33):
        collection.update(part, real=False)
    found = collection.compute()
    wanted = fed(FrechetInceptionDistance(Tiny())).compute()
    assert found["fid"] == found["again"] == pytest.approx(wanted.item(), rel=1e-6)
    single = fed(KernelInceptionDistance(Tiny(), subset_size=20, subsets=3)).compute()
    assert float(found["kid"][0]) == pytest.approx(float(single[0]), rel=1e-6)
    collection.reset()
    collection.update(REAL, real=True)
    with pytest.raises(gm.InputError):
        collection["fid"].compute()


def test_it_is_drawn() -> None:
    figure, axes = fed(KernelInceptionDistance(Tiny(), subset_size=20, subsets=3)).plot()
    assert axes.lines or axes.collections
    pyplot.close(figure)


WORKER = """
    import sys, torch
    from datetime import timedelta
    import torch.distributed as dist
    sys.path.insert(0, {folder!r})
    from test_torchmetrics import FAKE, REAL, Tiny
    from ganmetrics.compat.torchmetrics import FrechetInceptionDistance, InceptionScore, KernelInceptionDistance
    dist.init_process_group("gloo", timeout=timedelta(seconds=60))
    rank = dist.get_rank()
    shares = [slice(0, 41), slice(41, None)]  # of 66 and 70: unequal, the second in other batches
    fid = FrechetInceptionDistance(Tiny(), reset_real_features=False)
    kid = KernelInceptionDistance(Tiny(), subset_size=66, subsets=1)
    score, idle = InceptionScore(Tiny(), splits=1), InceptionScore(Tiny(), splits=1)
    for metric in (fid, kid):
        for part in REAL[shares[rank]].split(7 + rank):
            metric.update(part, real=True)
        for part in FAKE[shares[rank]].split(9 + rank):
            metric.update(part, real=False)
    score.update(FAKE[shares[rank]])
    if rank == 1:
        idle.update(FAKE)
    values = [float(fid.compute()), float(kid.compute()[0]), float(score.compute()[0]), float(idle.compute()[0])]
    assert fid.result.fake.count == 66 and fid.result.real.count == 70
    mine = FrechetInceptionDistance(Tiny(), sync_on_compute=False)
    mine.update(REAL, real=True)
    mine.update(FAKE[shares[rank]], real=False)
    assert mine.result.fake.count == [41, 25][rank]
    fid.reset()  # and go on: the ranks have their own states again
    fid.update(FAKE[shares[rank]], real=False)
    values.append(float(fid.compute()))
    assert fid.result.real.count == 70
    line = " ".join(["found", *map(str, values)])
    print("\\n" + line + "\\n", end="", flush=True)  # one piece: the ranks share the pipe
    dist.destroy_process_group()
"""


@pytest.mark.slow
def test_ranks_are_one_set(tmp_path: Path) -> None:
    """Through torchmetrics' own sync: sizes that do not divide, and a rank without images."""
    script = tmp_path / "worker.py"
    script.write_text(textwrap.dedent(WORKER.format(folder=str(Path(__file__).parent))))
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", str(script)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    rows = [list(map(float, line.split()[1:])) for line in done.stdout.splitlines() if line.startswith("found")]
    assert len(rows) == 2
    assert rows[0] == rows[1]
    fid = float(fed(FrechetInceptionDistance(Tiny())).compute())
    kid = float(fed(KernelInceptionDistance(Tiny(), subset_size=66, subsets=1)).compute()[0])
    score = float(fed(InceptionScore(Tiny(), splits=1)).compute()[0])
    assert rows[0][:1] + rows[0][2:] == pytest.approx([fid, score, score, fid], rel=1e-5)
    assert rows[0][1] == pytest.approx(kid, rel=0.5)  # 66 of the 70 reals, in another order


@pytest.mark.parametrize(
    ("build", "sentence"),
    [
        (lambda: FrechetInceptionDistance(65), "unknown feature '65'"),
        (lambda: InceptionScore(65), "unknown feature '65'"),
        (lambda: FrechetInceptionDistance(Tiny(), normalize=1), "`normalize` expected to be a bool; found 1"),  # type: ignore[arg-type]
        (lambda: FrechetInceptionDistance(Tiny(), protocol="clean-fid"), "go with Inception"),
        (lambda: FrechetInceptionDistance(antialias=False, protocol="clean-fid"), "antialias=False is the protocol"),
        (lambda: KernelInceptionDistance(Tiny(), gamma=-0.5), "`gamma` expected to be `None` or float .* found -0.5"),
        (lambda: KernelInceptionDistance(Tiny(), degree=0), "`degree` expected to be integer larger than 0; found 0"),
        (lambda: KernelInceptionDistance(Tiny(), coef=-1.0), "`coef` expected to be float larger than 0; found -1.0"),
        (lambda: FrechetInceptionDistance(protocol="clean"), "unknown protocol 'clean'"),
    ],
)
def test_what_cannot_be_meant_is_refused(build: Any, sentence: str) -> None:
    with pytest.raises(gm.UsageError, match=sentence):
        build()


def test_arguments_of_the_base_class_pass() -> None:
    assert FrechetInceptionDistance(Tiny(), sync_on_compute=False).sync_on_compute is False
    with pytest.raises(ValueError, match="Unexpected keyword arguments: `subsett`"):
        FrechetInceptionDistance(Tiny(), subsett=3)


def test_images_that_would_be_misread_are_refused(synthetic_weights: Path) -> None:
    named = FrechetInceptionDistance(64, feature_extractor_weights_path=synthetic_weights)
    with pytest.raises(gm.InputError, match="Pass normalize=True") as error:
        named.update(torch.rand(2, 3, 8, 8), real=True)
    assert isinstance(error.value, ValueError)
    with pytest.raises(gm.InputError, match="lies outside"):
        InceptionScore(Tiny(), normalize=True).update(torch.rand(2, 3, 8, 8) * 2 - 1)


def test_without_torchmetrics_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("ganmetrics.compat.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "torchmetrics", None)
    with pytest.raises(gm.UsageError, match="pip install torchmetrics"):
        importlib.import_module("ganmetrics.compat.torchmetrics")


def test_a_network_of_the_callers_in_float64_gets_float64() -> None:
    def score(kind: Any) -> float:
        torch.manual_seed(0)
        net = nn.Sequential(nn.Flatten(), nn.Linear(3 * 8 * 8, 6))
        net.num_features = 6  # type: ignore[assignment]
        metric = kind(feature=net, normalize=True)
        metric.set_dtype(torch.float64)
        for real in (True, False):
            metric.update(torch.rand(50, 3, 8, 8, dtype=torch.float64), real=real)
        return float(metric.compute())

    assert score(FrechetInceptionDistance) == pytest.approx(score(TheirFid), rel=0.05)  # 8 bits apart
