"""Protocols against the installed packages: what reaches the network, and the scores, on images of many sizes."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from commands import Run
from PIL import Image
from torch.nn import functional as F

import ganmetrics as gm
from ganmetrics.features.inception_net import LAYERS
from ganmetrics.features.precision import true_float32
from ganmetrics.features.resize import INPUTS
from ganmetrics.protocols import PROTOCOLS

SIDES = [(28, 28), (64, 48), (299, 299), (375, 500), (700, 650)]


def images(height: int, width: int, count: int = 2) -> torch.Tensor:
    """A gradient with noise, and stripes of one pixel, which alias."""
    rng = np.random.default_rng(height)
    ramp = np.linspace(0, 255, width)[None, :, None] * np.ones((height, 1, 3))
    noisy = np.clip(ramp + rng.normal(0, 30, (height, width, 3)), 0, 255).astype(np.uint8)
    stripes = np.where(np.arange(width)[None, :, None] % 2, 255, 0) * np.ones((height, 1, 3))
    found = [noisy, stripes.astype(np.uint8), *rng.integers(0, 256, (count - 2, height, width, 3), dtype=np.uint8)]
    return torch.from_numpy(np.stack(found)).permute(0, 3, 1, 2).contiguous()


@pytest.mark.parametrize(("height", "width"), SIDES)
def test_pytorch_fid_feeds_its_network_the_same(height: int, width: int) -> None:
    x = images(height, width)
    theirs = 2 * F.interpolate(x.float() / 255, size=(299, 299), mode="bilinear", align_corners=False) - 1
    assert torch.equal(INPUTS["pytorch-fid-bilinear"](x, 299), theirs)


@pytest.mark.parametrize(("height", "width"), SIDES)
def test_clean_fid_resizes_the_same(height: int, width: int) -> None:
    from cleanfid.resize import build_resizer

    x = images(height, width)
    resizer = build_resizer("clean")
    theirs = np.stack([resizer(image.permute(1, 2, 0).numpy()) for image in x]).transpose(0, 3, 1, 2)
    assert torch.equal(INPUTS["clean-bicubic"](x, 299), (torch.from_numpy(theirs) - 128) / 128)


@pytest.mark.parametrize(("height", "width"), SIDES)
def test_torchmetrics_feeds_its_network_the_same(height: int, width: int) -> None:
    x = images(height, width)
    theirs = F.interpolate(x.float(), size=(299, 299), mode="bilinear", align_corners=False, antialias=True)
    assert torch.equal(INPUTS["torchmetrics-antialias"](x, 299), (theirs - 128) / 128)


@pytest.mark.parametrize(("height", "width"), SIDES)
def test_dgm_evals_resize_is_torchvisions(height: int, width: int) -> None:
    from torchvision import transforms

    resize = transforms.Compose([transforms.Resize((299, 299)), transforms.ToTensor()])
    x = images(height, width)
    theirs = torch.stack([resize(Image.fromarray(image.permute(1, 2, 0).numpy())) for image in x])
    assert torch.allclose(INPUTS["pillow-bilinear"](x, 299), 2 * theirs - 1, atol=1e-6)


def test_an_impulse_shows_who_antialiases() -> None:
    """Clean-FID's own test: one white pixel that shrinking may lose or smear, but a filter keeps its mean."""
    x = torch.zeros(1, 3, 1196, 1196, dtype=torch.uint8)
    x[..., 602, 602] = 255  # between the pixels that bare interpolation to 299 reads
    means = {name: float(rule(x, 299).mean() * 128 + 128) for name, rule in INPUTS.items() if "pytorch" not in name}
    expected = 255 / 1196**2
    for name in ("clean-bicubic", "torchmetrics-antialias"):
        assert means[name] == pytest.approx(expected, rel=0.35), name  # bicubic lobes below 0 are cut off
    assert means["tf1-bilinear"] == 0


@pytest.fixture(scope="module")
def sets() -> list[torch.Tensor]:
    """12 images of 40 x 32 pixels on each side."""
    rng = np.random.default_rng(0)
    return [torch.from_numpy(rng.integers(0, top, (12, 3, 40, 32), dtype=np.uint8)) for top in (200, 256)]


def score(protocol: str, sets: list[torch.Tensor], weights: Path) -> gm.Score:
    return gm.evaluate(*sets, metrics="fid", protocol=protocol, weights=weights, ci="off")["fid"]


def test_pytorch_fids_number(
    sets: list[torch.Tensor], synthetic_weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its own network in its own layout of the same weights, its own activations; its distance in exact arithmetic,
    as SciPy's square root of singular products is wrong in the seventh digit."""
    from pytorch_fid import inception

    monkeypatch.setattr(inception, "load_state_dict_from_url", lambda *_, **__: torch.load(synthetic_weights))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        network = inception.InceptionV3([inception.InceptionV3.BLOCK_INDEX_BY_DIM[2048]]).eval()
    with true_float32():
        features = [network(x.float() / 255)[0][:, :, 0, 0] for x in sets]
    found = score("pytorch-fid", sets, synthetic_weights)
    assert found.value == pytest.approx(gm.functional.fid(*features), rel=1e-4)
    assert found.signature.resize == "pytorch-fid-bilinear"
    assert found.value != pytest.approx(score("torch-fidelity", sets, synthetic_weights).value, rel=1e-4)


def test_torchmetrics_number(sets: list[torch.Tensor], synthetic_weights: Path) -> None:
    from torchmetrics.image.fid import NoTrainInceptionV3

    with warnings.catch_warnings(), torch.no_grad(), true_float32():
        warnings.simplefilter("ignore")
        network = NoTrainInceptionV3("inception", ["2048"], feature_extractor_weights_path=str(synthetic_weights))
        features = [network(x) for x in sets]
    found = score("torchmetrics-1.8", sets, synthetic_weights)
    assert found.value == pytest.approx(gm.functional.fid(*features), rel=1e-4)


def test_torch_fidelitys_number(sets: list[torch.Tensor], synthetic_weights: Path) -> None:
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    network = FeatureExtractorInceptionV3("x", list(LAYERS), feature_extractor_weights_path=str(synthetic_weights))
    with torch.no_grad(), true_float32():
        features = [network(x)[list(LAYERS).index("2048")] for x in sets]
    for name in ("torch-fidelity", "adm"):
        assert score(name, sets, synthetic_weights).value == pytest.approx(gm.functional.fid(*features), rel=1e-4)


def test_stylegan3_divides_by_n(sets: list[torch.Tensor], synthetic_weights: Path) -> None:
    real, fake = (gm.measure(x, extractor="inception", weights=synthetic_weights) for x in sets)
    moments = [(side.moments.mean, side.moments.scatter / side.count) for side in (real, fake) if side.moments]
    (mu_r, sigma_r), (mu_f, sigma_f) = moments
    found = score("stylegan3", sets, synthetic_weights)
    assert found.value == pytest.approx(gm.functional.frechet_distance(mu_r, sigma_r, mu_f, sigma_f), rel=1e-6)
    assert found.signature.metric == "fid(denominator=n)"
    plain = score("torch-fidelity", sets, synthetic_weights)
    assert plain.signature.metric == "fid"
    assert found.value < plain.value


@pytest.mark.parametrize("name", PROTOCOLS.names())
def test_every_protocol_scores_and_says_why(name: str, sets: list[torch.Tensor], synthetic_weights: Path) -> None:
    record = PROTOCOLS[name]
    assert record.resize in INPUTS
    assert record.why
    assert record.proven
    assert record.source.startswith("https://")
    found = score(name, sets, synthetic_weights)
    assert found.value > 0
    assert found.signature.resize == record.resize


def test_saved_statistics_remember_their_resize(
    sets: list[torch.Tensor], synthetic_weights: Path, tmp_path: Path
) -> None:
    real = gm.measure(sets[0], extractor="inception@clean-bicubic", weights=synthetic_weights)
    gm.save_statistics(real, tmp_path / "real.npz")
    found = gm.evaluate(str(tmp_path / "real.npz"), sets[1], metrics="fid", weights=synthetic_weights, ci="off")["fid"]
    assert found.value == pytest.approx(score("clean-fid", sets, synthetic_weights).value, rel=1e-6)
    with pytest.raises(gm.StatisticsError, match="resize: clean-bicubic / tf1-bilinear"):
        gm.evaluate(str(tmp_path / "real.npz"), sets[1], extractor="inception", weights=synthetic_weights)


FAULTS: list[tuple[dict[str, Any], str]] = [
    ({"protocol": "cleanfid"}, "Did you mean 'clean-fid'"),
    ({"protocol": "clean-fid", "extractor": "digits"}, "goes with the extractor inception"),
    ({"extractor": "inception@bicubic"}, "unknown resize"),
    ({"extractor": "digits@clean-bicubic"}, "and no other"),
]


@pytest.mark.parametrize(("options", "said"), FAULTS)
def test_what_does_not_go_together_is_refused(
    options: dict[str, Any], said: str, sets: list[torch.Tensor], synthetic_weights: Path
) -> None:
    own = {"weights": synthetic_weights} if "digits" not in str(options) else {}
    with pytest.raises(gm.UsageError, match=said):
        gm.evaluate(*sets, metrics="fid", **options, **own)


def test_the_command_takes_a_protocol(
    run: Run, sets: list[torch.Tensor], synthetic_weights: Path, tmp_path: Path
) -> None:
    for name, x in zip(("real", "fake"), sets, strict=True):
        np.savez(tmp_path / f"{name}.npz", images=x.permute(0, 2, 3, 1).numpy())
    options = ("--weights", synthetic_weights, "--protocol", "clean-fid", "--json", "-", "--quiet", "--ci", "off")
    done = run("fid", tmp_path / "real.npz", tmp_path / "fake.npz", *options)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["scores"]["fid"]["signature"].split("|")[2] == "clean-bicubic"
    listed = run("list", "protocols").stdout.splitlines()
    assert [line.split()[0] for line in listed[1:]] == PROTOCOLS.names()


def test_every_protocol_at_once_is_each_alone(sets: list[torch.Tensor], synthetic_weights: Path) -> None:
    table = gm.every_protocol(*sets, weights=synthetic_weights)
    assert list(table.scores) == PROTOCOLS.names()
    for name, found in table.scores.items():
        alone = gm.evaluate(*sets, metrics="fid", protocol=name, weights=synthetic_weights)["fid"]
        assert found.value == pytest.approx(alone.value, rel=1e-5)
        assert found.signature == alone.signature
        assert found.interval is not None
    assert "clean-fid" in str(table)
    assert json.loads(table.to_json())["protocols"]["adm"]["why"] == PROTOCOLS["adm"].why
    with pytest.raises(gm.UsageError, match="one resize"):
        gm.every_protocol("mnist-test", sets[1], weights=synthetic_weights)


def test_the_command_prints_the_table(
    run: Run, sets: list[torch.Tensor], synthetic_weights: Path, tmp_path: Path
) -> None:
    for name, x in zip(("real", "fake"), sets, strict=True):
        np.savez(tmp_path / f"{name}.npz", images=x.permute(0, 2, 3, 1).numpy())
    files = (tmp_path / "real.npz", tmp_path / "fake.npz")
    done = run("fid", *files, "--weights", synthetic_weights, "--protocol", "all", "--quiet")
    assert done.returncode == 0, done.stderr
    assert [line.split()[0] for line in done.stdout.splitlines()[1:]] == PROTOCOLS.names()
    refused = run("fid", *files, "--protocol", "all", "--extractor", "digits", "--quiet")
    assert (refused.returncode, refused.stdout) == (2, "")
