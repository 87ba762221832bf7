"""What was hardly meant comes first of all cautions: a range that is not filled, a network made for other images."""

from __future__ import annotations

import pkgutil
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import DataLoader, IterableDataset, TensorDataset

import ganmetrics as gm
from ganmetrics import compat
from ganmetrics.extractors import EXTRACTORS
from ganmetrics.scoring.cautions import alarms
from ganmetrics.training import Monitor, Outputs

NETWORK = {"extractor": "pixels"}
WORDS = "fake: the pixel values fill 50% of the range 0..255: they lie in 128..255, never below the middle"
COUNT, SIDE = 24, 12


def noise(count: int = COUNT, seed: int = 0, side: int = SIDE, most: int = 256) -> torch.Tensor:
    rng = torch.Generator().manual_seed(seed)
    return torch.randint(most, (count, 3, side, side), generator=rng, dtype=torch.uint8)


REAL = noise()
UNIT = noise(seed=1).float() / 255  # in 0..1, as a sigmoid makes them
BRIGHT = ((UNIT + 1) * 127.5).round().byte()  # the same, read as if in -1..1
HALF = (-1.0, 1.0)


def declared(images: Any = UNIT) -> gm.Source:
    return gm.source(images, value_range=HALF)


class Sigmoid(torch.nn.Module):
    latent_dim = 8

    def __init__(self) -> None:
        super().__init__()
        self.map = torch.nn.Linear(8, 3 * 6 * 6)
        with torch.no_grad():
            self.map.weight.mul_(30)

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        return torch.sigmoid(self.map(z)).reshape(-1, 3, 6, 6)


class Stream(IterableDataset[torch.Tensor]):
    def __iter__(self) -> Iterator[torch.Tensor]:
        return iter(UNIT)


def files(folder: Path, images: torch.Tensor) -> Path:
    folder.mkdir()
    for index, image in enumerate(images):
        Image.fromarray(image.permute(1, 2, 0).numpy()).save(folder / f"{index:03}.png")
    return folder


# Sources: every way in which images are declared to be in another range than their own.


@pytest.mark.parametrize(
    "fake",
    [
        pytest.param(declared(UNIT), id="tensor"),
        pytest.param(declared(UNIT.permute(0, 2, 3, 1).numpy()), id="array"),
        pytest.param(declared(UNIT.half()), id="half precision"),
        pytest.param(declared(TensorDataset(UNIT)), id="data set"),
        pytest.param(declared(Stream()), id="iterable data set"),
        pytest.param(declared(DataLoader(TensorDataset(UNIT), 5)), id="loader"),
        pytest.param(gm.source(lambda n: UNIT[:n], num_images=COUNT, value_range=HALF), id="function"),
        pytest.param(BRIGHT, id="uint8"),
    ],
)
def test_every_source_of_images_is_looked_at(fake: Any) -> None:
    result = gm.evaluate(REAL, fake, **NETWORK)
    assert result.warnings[0].startswith(WORDS)
    assert "Check the declared value_range" in result.warnings[0]
    assert result["fid"].warnings == result.warnings


def test_a_generator_network_is_looked_at() -> None:
    source = gm.source(Sigmoid(), num_images=64, value_range=HALF)
    assert "never below the middle" in gm.evaluate(REAL, source, **NETWORK).warnings[0]


def test_files_are_looked_at_and_told_of_saving(tmp_path: Path) -> None:
    np.save(tmp_path / "fake.npy", BRIGHT.permute(0, 2, 3, 1).numpy())
    assert gm.evaluate(REAL, tmp_path / "fake.npy", **NETWORK).warnings[0].startswith(WORDS)
    first = gm.evaluate(REAL, files(tmp_path / "fake", BRIGHT), **NETWORK).warnings[0]
    assert first.startswith(WORDS)
    assert first.endswith("Scale images to 0..255 before they are saved")


# Entry points: every public name that scores images is here, or stands in SILENT with its reason.


def streamed(**options: Any) -> gm.Evaluation:
    found = gm.Evaluation(["fid"], REAL, value_range=HALF, **NETWORK, **options)
    for batch in UNIT.split(7):
        found.update(batch)
    return found


def resumed() -> gm.Evaluation:
    found, other = gm.Evaluation(["fid"], REAL, value_range=HALF, **NETWORK), streamed()
    state = other.state_dict()
    other.update(UNIT * 2 - 1)  # which a state that was saved before does not see
    found.load_state_dict(state)
    return found


def merged() -> gm.Evaluation:
    found, other = (gm.Evaluation(["fid"], REAL, value_range=HALF, **NETWORK) for _ in range(2))
    found.update(UNIT[:9])
    other.update(UNIT[9:])
    found.merge(other)
    return found


def saved(folder: Path) -> gm.Statistics:
    gm.save_statistics(gm.measure(declared(), **NETWORK), folder / "fake.npz")
    return gm.load_statistics(folder / "fake.npz")


ENTRIES: dict[str, Callable[[Path], Sequence[str]]] = {
    "evaluate": lambda _: gm.evaluate(REAL, declared(), **NETWORK).warnings,
    "fid": lambda _: gm.fid(REAL, declared(), **NETWORK).warnings,
    "kid": lambda _: gm.evaluate(REAL, declared(), metrics=["kid(subset_size=9)"], **NETWORK).warnings,
    "inception_score": lambda _: gm.inception_score(declared(), extractor="digits").warnings,
    "compare": lambda _: gm.compare(REAL, declared(), REAL[:20], **NETWORK).results["A"].warnings,
    "compare's own": lambda _: [
        each.replace("A:", "fake:") for each in gm.compare(REAL, declared(), REAL[:20], **NETWORK).warnings
    ],
    "compare_trainings": lambda _: gm.compare_trainings(REAL, [declared()], [REAL[:20]], **NETWORK).warnings,
    "required_images": lambda _: gm.required_images(REAL, [declared()], [REAL[:20]], **NETWORK).warnings,
    "per_image": lambda _: gm.per_image(REAL, declared(), **NETWORK).warnings,
    "attribute": lambda _: gm.attribute(REAL, declared(), **NETWORK).warnings,
    "diagnose": lambda _: gm.diagnose(REAL, declared(), **NETWORK).warnings,
    "score": lambda _: gm.score(gm.measure(REAL, **NETWORK), gm.measure(declared(), **NETWORK), ["fid"]).warnings,
    "load_statistics": lambda folder: gm.score(gm.measure(REAL, **NETWORK), saved(folder), ["fid"]).warnings,
    "Evaluation": lambda _: streamed().compute().warnings,
    "Evaluation merged": lambda _: merged().compute().warnings,
    "Evaluation resumed": lambda _: resumed().compute().warnings,
    "Evaluation of few rows": lambda _: streamed(max_rows=10).compute().warnings,
}
SILENT = {
    "measure": "score says it of its statistics",
    "save_statistics": "the file says it when it is loaded",
    "source": "opens images and scores none",
    "every_protocol": "tested below with weights",
    "explain": "tested below with weights",
    "compare_saved": "takes numbers alone",
    "load_results": "takes numbers alone",
    "ppl": "refuses images that are not in -1..1",
    "load_extractor": "takes no images",
    "memory_limit": "takes no images",
    "training": "Monitor is tested below",
    "features": "takes features alone",
    "functional": "takes features alone",
    "generators": "scores its own images by evaluate",
}


def test_no_entry_point_is_forgotten() -> None:
    functions = {name for name in gm.__all__ if name[0].islower() or name == "Evaluation"} - {"__version__"}
    assert functions == {re.split("[ ']", name)[0] for name in ENTRIES} | SILENT.keys()
    adapters = {info.name for info in pkgutil.iter_modules(compat.__path__) if not info.name.startswith("_")}
    assert adapters == {*ADAPTERS, "lightning", "diffusers"}, "lightning calls a Monitor, diffusers makes a Source"


@pytest.mark.parametrize("name", ENTRIES)
def test_every_entry_point_says_it_first(name: str, tmp_path: Path) -> None:
    assert ENTRIES[name](tmp_path)[0].startswith(WORDS)


def test_a_diagnosis_counts_it_as_input_trouble() -> None:
    found = gm.diagnose(REAL, declared(), **NETWORK)["input trouble"]
    assert found.verdict != "none"
    assert WORDS in found.sentence


def test_style_says_it_too() -> None:
    from ganmetrics.evaluation.style_and_content import content_distance, style_and_content, style_distance

    images = noise(4, side=28), gm.source(noise(4, 1, side=28).float() / 255, value_range=HALF)
    for each in (style_distance, content_distance, style_and_content):
        assert "never below the middle" in each(*images, network="digits").warnings[0]


def test_a_monitor_says_it_once() -> None:
    lines: list[str] = []
    outputs = Outputs(log=lines.append)
    monitor = Monitor(noise(side=6), every=10, num_images=64, extractor="pixels", outputs=outputs)
    for step in (10, 20):
        result = monitor(step, Sigmoid(), d_loss=1.2, g_loss=0.8)
        assert result is not None
        assert "never below the middle" in result.warnings[0]
    assert sum("caution  fake: the pixel values fill" in line for line in lines) == 1


def test_the_command_says_it(tmp_path: Path, run: Any) -> None:
    real, fake = files(tmp_path / "real", REAL), files(tmp_path / "fake", BRIGHT)
    done = run("fid", real, fake, "--extractor", "pixels", "-q")
    assert done.returncode == 0
    assert done.stderr.startswith(f"warning: {WORDS}")


def test_building_statistics_says_it(tmp_path: Path, run: Any) -> None:
    fake = files(tmp_path / "fake", BRIGHT)
    done = run("stats", "build", fake, "-o", tmp_path / "fake.npz", "--extractor", "pixels", "-q")
    assert done.returncode == 0
    assert done.stderr.startswith(f"warning: {fake}: the pixel values fill 50% of the range")


def torchmetrics_fid(_: Path, __: Path) -> None:
    from ganmetrics.compat.torchmetrics import FrechetInceptionDistance

    class Means(torch.nn.Module):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return images.float().mean(dim=(2, 3))

    metric = FrechetInceptionDistance(Means())
    metric.update(REAL, real=True)
    metric.update(BRIGHT, real=False)
    metric.compute()


def ignite(_: Path, __: Path) -> None:
    from ganmetrics.compat.ignite import GanMetric

    metric = GanMetric(gm.Evaluation(["fid"], REAL, value_range=HALF, **NETWORK))
    metric.update(UNIT)
    metric.compute()


def pytorch_fid(folder: Path, weights: Path) -> None:
    from ganmetrics.compat.pytorch_fid import calculate_fid_given_paths

    calculate_fid_given_paths([folder / "real", folder / "fake"], 8, "cpu", 64, 0, weights=weights)


def cleanfid(folder: Path, weights: Path) -> None:
    from ganmetrics.compat.cleanfid import compute_fid

    compute_fid(folder / "fake", folder / "real", weights=weights, device="cpu", num_workers=0)


def fidelity(folder: Path, weights: Path) -> None:
    from ganmetrics.compat.fidelity import calculate_metrics

    given = {"input1": str(folder / "fake"), "input2": str(folder / "real"), "fid": True, "cuda": False}
    calculate_metrics(**given, feature_layer_fid="64", feature_extractor_weights_path=weights)


ADAPTERS = {
    "torchmetrics": torchmetrics_fid,
    "ignite": ignite,
    "pytorch_fid": pytorch_fid,
    "cleanfid": cleanfid,
    "fidelity": fidelity,
}
SLOW = {"pytorch_fid", "cleanfid", "fidelity"}  # through Inception


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("name", [pytest.param(n, marks=[pytest.mark.slow] * (n in SLOW)) for n in ADAPTERS])
def test_every_adapter_warns_of_it(name: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    weights = tmp_path
    if name in SLOW:
        weights = request.getfixturevalue("synthetic_weights")
        files(tmp_path / "real", REAL[:6])
        files(tmp_path / "fake", BRIGHT[:6])
    with pytest.warns(gm.errors.GanMetricsWarning, match=WORDS) as caught:
        ADAPTERS[name](tmp_path, weights)
    ours = [str(each.message) for each in caught if issubclass(each.category, gm.errors.GanMetricsWarning)]
    assert ours[0].startswith(WORDS)


@pytest.mark.slow
def test_the_table_of_protocols_says_it(synthetic_weights: Path) -> None:
    table = gm.every_protocol(REAL[:5], declared(UNIT[:5]), weights=synthetic_weights, ci="off")
    assert table.warnings[0].startswith(WORDS)


@pytest.mark.slow
def test_an_explanation_says_it(synthetic_weights: Path) -> None:
    how = {"weights": synthetic_weights, "search": ["denominator"], "extractor": "inception:64"}
    assert gm.explain("1", REAL[:5], declared(UNIT[:5]), **how).warnings[0].startswith(WORDS)


# What is said of which part of the range.


@pytest.mark.parametrize(
    ("images", "value_range", "words"),
    [
        (
            UNIT,
            (-1, 1),
            "fill 50% of the range 0..255: they lie in 128..255, never below the middle, 128 values",
        ),
        (UNIT, (0, 255), "24 of 24 images have no level above 1 of 255"),
        (UNIT, (0, 15), "fill 7% of the range 0..255: they lie in 0..17, never above the middle, 18 values in use"),
        (UNIT - 0.5, (-1, 1), "fill 50% of the range 0..255: they lie in 64..191, 128 values in use"),
        (UNIT, (-8, 8), "fill 6% of the range 0..255: they lie in 128..143, 16 values in use"),
        (UNIT * 0.4 + 0.5, (0, 1), "never below the middle"),
        ((UNIT * 15).round() / 15, (0, 1), "only 16 values of the range 0..255 are in use"),
    ],
)
def test_what_part_of_the_range_is_filled(images: Any, value_range: tuple[float, float], words: str) -> None:
    assert words in gm.evaluate(REAL, gm.source(images, value_range=value_range), **NETWORK).warnings[0]


def test_both_sides_and_the_unseen_reals_are_looked_at() -> None:
    result = gm.evaluate(BRIGHT, noise(60), noise(60, 3, most=100), metrics=["ct(num_cells=1)"], **NETWORK)
    assert [each.split(":")[0] for each in result.warnings[:2]] == ["real", "test"]


def test_a_few_strays_hide_nothing() -> None:
    """Resizing overshoots a little in every image, and one image in a hundred may be another."""
    images = noise(200, 1).float() / 255
    images = images - 0.08 * (torch.rand(images.shape, generator=torch.Generator().manual_seed(0)) < 0.01).float()
    images = ((images + 1) * 127.5).round().byte()
    images[7] = noise(1, 5)[0]
    assert "never below the middle" in gm.evaluate(REAL, images, **NETWORK).warnings[0]


# Legitimate images: no alarm, however few there are.


def said(images: Any) -> list[str]:
    return [each.sentence for each in alarms({"fake": gm.measure(images, extractor="pixels")})]


def test_white_black_and_dark_backgrounds_are_no_alarm() -> None:
    strokes = torch.zeros(20, 3, 28, 28, dtype=torch.uint8)
    strokes[:, :, 10:14, 8:20] = noise(20, 6)[:, :, :4]
    assert not said(strokes)
    assert not said(255 - strokes)
    night = noise(20, side=28, most=60)
    night[:, :, 3, 3] = torch.tensor(230, dtype=torch.uint8)  # a lamp in each
    assert not said(night)


def test_images_of_one_colour_are_said_once() -> None:
    images = torch.full((12, 3, 8, 8), 5, dtype=torch.uint8)
    found = gm.evaluate(REAL, images, **NETWORK).warnings
    assert sum("one colour" in each for each in found) == 1
    assert not any("the range" in each for each in found)


@pytest.mark.parametrize("size", [2, 5, 64])
def test_real_sets_are_no_alarm(size: int, data_root: Path) -> None:
    from torchvision import datasets

    for kind in (datasets.MNIST, datasets.FashionMNIST):
        grey = kind(str(data_root)).data[: 20 * size, None].expand(-1, 3, -1, -1)
        for batch in grey.split(size):
            assert not said(batch), kind.__name__


@pytest.mark.parametrize("size", [2, 5, 64])
def test_photographs_are_no_alarm(size: int) -> None:
    path = Path(__file__).resolve().parents[3] / "shared" / "data" / "cifar10_train4000_test1000.npz"
    if not path.is_file():
        pytest.skip("the data sets of ../shared/data are not here")
    with np.load(path) as arrays:
        images = torch.from_numpy(arrays["test_images"]).permute(0, 3, 1, 2)
    for batch in images[: 20 * size].split(size):
        assert not said(batch)


@pytest.mark.parametrize("name", ["gan-mnist", "dcgan-fashion", "dcgan-overpowered"])
def test_bundled_generators_are_no_alarm(name: str) -> None:
    from ganmetrics.generators import load

    images = load(name)(32, seed=0)
    for batch in (images[:2], images):
        assert not alarms({"fake": gm.measure(batch, extractor="fashion" if "fashion" in name else "digits")})


# A network far from its domain.


def test_every_extractor_says_what_it_was_made_for() -> None:
    for record in EXTRACTORS.records().values():
        assert len(record.domain.images) > 10, record.name


@pytest.mark.parametrize("name", ["digits", "fashion"])
def test_a_network_of_small_grey_images_is_told_apart_from_what_it_was_given(name: str) -> None:
    made_for = f"the network {name} was made for {EXTRACTORS[name].domain.images} and was given"
    pictures = noise(seed=2, side=96)
    first = gm.evaluate("mnist-test" if name == "digits" else "fashion-test", pictures, extractor=name).warnings[0]
    assert first.startswith(f"fake: {made_for} 96x96 images in colour. Its features say little about these")
    grey = pictures[:, :1].expand(-1, 3, -1, -1)
    found = gm.evaluate(grey, grey[:, :, :28, :28], extractor=name).warnings
    assert found[0].startswith(f"real: {made_for} 96x96 images. ")
    assert sum("was made for" in each for each in found) == 1
    small = gm.evaluate(REAL[:, :1].expand(-1, 3, -1, -1), REAL, extractor=name).warnings
    assert small[0].startswith(f"fake: {made_for} 12x12 images in colour. ")


def test_the_range_comes_before_the_network() -> None:
    found = gm.evaluate("mnist-test", declared(), extractor="digits").warnings
    assert found[0].startswith(WORDS)
    assert "was made for" in found[1]


@pytest.mark.parametrize("extractor", ["pixels", lambda images: images.flatten(1)[:, :5].float()])
def test_networks_of_any_images_say_nothing(extractor: Any) -> None:
    assert not any("made for" in each for each in gm.evaluate(REAL, noise(seed=2), extractor=extractor).warnings)


def test_saved_statistics_remember_their_colours(tmp_path: Path) -> None:
    gm.save_statistics(gm.measure(REAL, extractor="digits"), tmp_path / "real.npz")
    grey = noise(seed=4)[:, :1].expand(-1, 3, -1, -1)
    first = gm.evaluate(tmp_path / "real.npz", grey, extractor="digits").warnings[0]
    assert first.startswith("real: the network digits was made for")
    assert "given images in colour" in first
