"""LPIPS as vectors, its diversity, and perceptual path length, beside the authors' package and torch-fidelity."""

from __future__ import annotations

import math
import warnings
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torchvision import models

import ganmetrics as gm
from ganmetrics.evaluation.path_length import _ends, _slerp
from ganmetrics.extractors import load_extractor
from ganmetrics.extractors._arithmetic import arithmetic
from ganmetrics.extractors.random_vgg16 import draw_weights
from ganmetrics.numerics.spread import Spread

CHANNELS = (64, 128, 256, 512, 512)


def images(count: int, size: int = 24, seed: int = 0) -> torch.Tensor:
    rng = np.random.default_rng(seed)
    return torch.from_numpy(rng.integers(0, 256, (count, 3, size, size), dtype=np.uint8))


@pytest.fixture(scope="module")
def state() -> dict[str, torch.Tensor]:
    """Seeded weights of VGG16's convolutions, and of channels."""
    net = models.vgg16(weights=None, init_weights=False).features
    rng = torch.Generator().manual_seed(0)
    with torch.no_grad():
        draw_weights(net, rng)
    found = {f"features.{name}": value for name, value in net.state_dict().items()}
    return found | {f"lin{i}.model.1.weight": torch.rand(1, num, 1, 1, generator=rng) for i, num in enumerate(CHANNELS)}


@pytest.fixture(scope="module")
def file(state: dict[str, torch.Tensor], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("lpips") / "lpips.pth"
    torch.save(state, path)
    return path


@pytest.fixture(scope="module")
def theirs(state: dict[str, torch.Tensor]) -> torch.nn.Module:
    """The authors' package with the same weights."""
    lpips = pytest.importorskip("lpips")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of torchvision's old arguments, which it uses
        net = lpips.LPIPS(net="vgg", pretrained=False, pnet_rand=True, verbose=False).eval()
    own = {}
    for name, value in state.items():
        if name.startswith("lin"):
            own[name] = value
            own[f"lins.{name[3]}.{name.partition('.')[2]}"] = value
            continue
        _, index, kind = name.split(".")
        stage = 1 + sum(int(index) >= stop for stop in (4, 9, 16, 23))
        own[f"net.slice{stage}.{index}.{kind}"] = value
    missing, extra = net.load_state_dict(own, strict=False)
    assert not extra and all(name.startswith("scaling_layer") for name in missing)
    return net


def pairwise(theirs: torch.nn.Module, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    with torch.no_grad(), arithmetic():
        return theirs(x.float() / 127.5 - 1, y.float() / 127.5 - 1).flatten().double()


def embedded(file: Path, x: torch.Tensor) -> torch.Tensor:
    network = load_extractor("lpips", file)
    with torch.no_grad(), arithmetic():
        return network.forward(network.prepare(x), ["perceptual"])["perceptual"]


@pytest.mark.parametrize("size", [16, 24, 37])
def test_squared_distances_are_lpips(file: Path, theirs: torch.nn.Module, size: int) -> None:
    x, y = images(3, size), images(3, size, seed=1)
    found = (embedded(file, x) - embedded(file, y)).double().square().sum(dim=1)
    assert torch.allclose(found, pairwise(theirs, x, y), rtol=1e-4)


@pytest.mark.slow
def test_diversity_is_the_mean_over_all_pairs(file: Path, theirs: torch.nn.Module) -> None:
    x = images(21)
    left, right = torch.combinations(torch.arange(21)).T
    expected = float(pairwise(theirs, x[left], x[right]).mean())
    found = gm.evaluate(None, x, metrics="lpips_diversity", extractor="lpips", weights=file, batch_size=4)[
        "lpips_diversity"
    ]
    assert found.value == pytest.approx(expected, rel=1e-5)
    assert gm.functional.lpips_diversity(embedded(file, x)) == pytest.approx(expected, rel=1e-5)
    assert found.interval is not None and 0 < found.interval.low < found.value < found.interval.high
    assert found.title == "LPIPS diversity(lpips)"
    assert str(found.signature).startswith("lpips_diversity|lpips-vgg16-custom:")


def test_the_spread_of_any_batches_is_one() -> None:
    rows = torch.randn(57, 6, generator=torch.Generator().manual_seed(0)) + 3
    whole = Spread.of(rows)
    places = torch.arange(len(rows))
    parts = Spread.of(rows[:10]).merge(Spread.of(rows[10:13], places[10:13])).merge(Spread.of(rows[13:], places[13:]))
    assert torch.equal(whole.counts, parts.counts)
    assert whole.variance() == pytest.approx(parts.variance(), rel=1e-6)
    assert whole.variance() == pytest.approx(float(rows.double().var(dim=0).sum()), rel=1e-6)
    kept = torch.cat([rows[i::10] for i in range(10) if i != 4])
    assert whole.variance(leave_out=4) == pytest.approx(float(kept.double().var(dim=0).sum()), rel=1e-6)


def test_the_interval_of_the_spread_covers() -> None:
    """Of normal rows the truth is twice their dimension; 95 % of intervals hold it, within four binomial deviations."""
    from ganmetrics.metrics.lpips_diversity import of_spread, uncertainty
    from ganmetrics.metrics.metric import Given

    rng, hits, draws, dim = torch.Generator().manual_seed(0), 0, 300, 5
    for _ in range(draws):
        spread = Spread.of(torch.randn(200, dim, generator=rng))
        found = uncertainty(of_spread(spread), Given(None, SimpleNamespace(spread=spread), None, {}))
        assert found is not None
        low, high, _ = found["lpips_diversity"].interval()
        hits += low <= 2 * dim <= high
    assert abs(hits / draws - 0.95) < 4 * math.sqrt(0.95 * 0.05 / draws)


def test_images_of_several_sizes_have_no_diversity(file: Path, tmp_path: Path) -> None:
    from PIL import Image

    for i, image in enumerate([*images(4), *images(2, 20)]):
        Image.fromarray(image.permute(1, 2, 0).numpy()).save(tmp_path / f"{i}.png")
    with pytest.raises(gm.InputError, match="several sizes"):
        gm.evaluate(None, tmp_path, metrics="lpips_diversity", extractor="lpips", weights=file)


def test_what_lpips_cannot_do_is_said(file: Path) -> None:
    def evaluated(x: torch.Tensor, metric: str = "lpips_diversity", extractor: str = "lpips") -> object:
        weights = file if extractor == "lpips" else None
        return gm.evaluate(None, x, metrics=metric, extractor=extractor, weights=weights)

    with pytest.raises(gm.InputError, match="at least 16 on each side"):
        evaluated(images(4, 12))
    with pytest.raises(gm.UsageError, match="no features of fixed length"):
        evaluated(images(4), "vendi")
    with pytest.raises(gm.UsageError, match="measures no perceptual distance"):
        evaluated(images(4), extractor="pixels")
    few = gm.evaluate(None, images(2), metrics="lpips_diversity", extractor="lpips", weights=file)["lpips_diversity"]
    assert few.value > 0 and few.interval is None
    found = gm.evaluate(images(5), images(4), metrics="all", extractor="lpips", weights=file)
    assert "fid" in found.left_out and "lpips_diversity" in found


def test_weights_of_channels_must_be_there_and_positive(state: dict[str, torch.Tensor], tmp_path: Path) -> None:
    for broken, match in (
        ({**state, "lin2.model.1.weight": -state["lin2.model.1.weight"]}, "negative values in lin2"),
        ({name: value for name, value in state.items() if not name.startswith("lin4")}, "lacks lin4"),
    ):
        torch.save(broken, tmp_path / "broken.pth")
        with pytest.raises(gm.WeightsError, match=match):
            load_extractor("lpips", tmp_path / "broken.pth")


def test_missing_weights_of_channels_are_the_published_ones(
    state: dict[str, torch.Tensor], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GANMETRICS_OFFLINE", "1")
    monkeypatch.setenv("GANMETRICS_WEIGHTS_DIR", str(tmp_path))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    torch.save({name: value for name, value in state.items() if not name.startswith("lin")}, tmp_path / "vgg.pth")
    with pytest.raises(gm.WeightsError, match="lpips-vgg16 are not here"):
        load_extractor("lpips", tmp_path / "vgg.pth")


# --- perceptual path length -------------------------------------------------------------------------------------------


class Linear(torch.nn.Module):
    """Images that move by the same amount for every step of the first latent."""

    def __init__(self) -> None:
        super().__init__()
        self.image = torch.nn.Parameter(torch.rand(1, 1, 24, 24, generator=torch.Generator().manual_seed(1)) - 0.5)

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        return torch.tanh(self.image * z[:, :1, None, None])


def test_ppl_is_the_mean_of_lpips_over_epsilon_squared(file: Path, theirs: torch.nn.Module) -> None:
    network, generator = load_extractor("lpips", file), Linear().train()
    path = gm.LatentPath(num_samples=20, epsilon=0.1, interpolation="lerp", sampling="end", trim=0.0)
    found = gm.ppl(generator, 3, path=path, extractor=network)
    assert generator.training
    rng = torch.Generator().manual_seed(path.seed)
    starts, goals = (torch.randn(20, 3, generator=rng) for _ in range(2))
    with torch.no_grad(), arithmetic():
        first, second = (generator(z).expand(-1, 3, -1, -1) for z in (starts, starts + 0.1 * (goals - starts)))
        lengths = theirs(first, second).flatten().double() / 0.1**2
    assert found.value == pytest.approx(float(lengths.mean()), rel=1e-3)
    reach = 2.093 * float(lengths.std()) / 20**0.5 / found.value  # Student's quantile with 19 degrees of freedom
    ends = found.value * math.exp(-reach), found.value * math.exp(reach)
    assert found.interval[:2] == pytest.approx(ends, rel=1e-2)
    assert "epsilon=0.1,interpolation=lerp,sampling=end,trim=0" in str(found)


def test_slerp_is_torch_fidelitys() -> None:
    from torch_fidelity.noise import batch_slerp_any

    rng = torch.Generator().manual_seed(0)
    a, b = (torch.randn(50, 7, generator=rng) for _ in range(2))
    for share in (1e-4, 0.3):
        found = _slerp(a.double(), b.double(), torch.full((50, 1), share).double())
        assert torch.allclose(found, batch_slerp_any(a.double(), b.double(), share), atol=1e-6)


@pytest.mark.parametrize("interpolation", ["lerp", "slerp"])
def test_paths_begin_anywhere_on_the_way_or_at_its_end(interpolation: str) -> None:
    """By default anywhere: the share of the way, read off in one dimension from 1 to 3, is even in 0..1."""

    def latents(count: int, rng: torch.Generator) -> torch.Tensor:
        return next(ends).expand(count, 1)

    for sampling, (low, mean, high) in {"full": (0.001, 0.5, 0.999), "end": (0.0, 0.0, 0.0)}.items():
        path = gm.LatentPath(num_samples=4000, epsilon=0.25, interpolation=interpolation, sampling=sampling)
        ends = iter((torch.tensor([[1.0]]), torch.tensor([[3.0]])))
        starts, stops = (x[:, 0].double() for x in _ends(latents, path))
        share = (starts - 1) / 2
        assert torch.allclose(stops - starts, torch.tensor(0.5).double(), atol=1e-6)
        assert float(share.mean()) == pytest.approx(mean, abs=0.02)
        assert float(share.min()) <= low and float(share.max()) >= high
    assert gm.LatentPath().sampling == "full"


def test_trimmed_path_lengths_are_torch_fidelitys_rule() -> None:
    lengths = np.random.RandomState(0).exponential(size=250)
    low = np.percentile(lengths, 1, method="lower")
    high = np.percentile(lengths, 99, method="higher")
    kept = lengths[(lengths >= low) & (lengths <= high)]
    found = gm.functional.path_length(np.zeros((250, 1)), np.sqrt(lengths)[:, None], epsilon=1.0)
    assert found.value == pytest.approx(kept.mean(), rel=1e-12)
    assert found.std == pytest.approx(kept.std(), rel=1e-12)


@pytest.mark.parametrize(
    ("generator", "match"),
    [
        (lambda z: (torch.zeros(len(z), 3, 24, 24)).to(torch.uint8), "lost in rounding"),
        (lambda z: torch.rand(len(z), 3, 24, 24), "expected -1..1"),
        (lambda z: torch.randn(len(z), 3, 24, 24) * 127, "expected -1..1"),
        (lambda z: torch.randn(len(z), 3, 24, 24) * torch.nan, "expected -1..1"),
        (lambda z: torch.zeros(1, 3, 24, 24), "for 8 latents"),
        (lambda z: None, "NoneType for 8 latents"),
    ],
)
def test_images_that_would_mislead_ppl_are_refused(file: Path, generator: object, match: str) -> None:
    with pytest.raises(gm.InputError, match=match):
        gm.ppl(generator, 2, path=gm.LatentPath(num_samples=4), extractor=load_extractor("lpips", file))


def test_options_of_paths_are_checked() -> None:
    for options, match in (
        ({"num_samples": 1}, "at least 2"),
        ({"epsilon": 0.0}, "above 0"),
        ({"trim": 50.0}, "below 50"),
        ({"interpolation": "slurp"}, "Did you mean 'slerp'"),
        ({"sampling": "ful"}, "Did you mean 'full'"),
    ):
        with pytest.raises(gm.UsageError, match=match):
            gm.LatentPath(**options)
    with pytest.raises(gm.UsageError, match="does not measure"):
        gm.ppl(torch.tanh, 2, extractor="pixels")
