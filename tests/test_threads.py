"""Four threads give the numbers of one, and leave the process as it was."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image, ImageFile
from process_state import process_state
from torch.utils.data import Dataset

import ganmetrics as gm
from ganmetrics._process import Held, assigned, no_warnings, nothing, stdout_to_stderr
from ganmetrics.data.reading.decode import Unreadable, decode
from ganmetrics.extractors import Extractor
from ganmetrics.extractors._arithmetic import arithmetic
from ganmetrics.metrics import METRICS

THREADS, COUNT, SIDE, CLASSES = 4, 60, 12, 3


class AllLayers(Extractor):
    """A network with every layer that a metric may read, of which none takes long."""

    name, identity, resize = "all-layers", "all-layers:0", "none"
    layers: Mapping[str, int] = MappingProxyType({"features": 6, "logits": CLASSES, "spatial": 5, "perceptual": 12})
    feature_layer, logits_layer = "features", "logits"

    def __init__(self) -> None:
        rng = torch.Generator().manual_seed(0)
        sizes = self.layers.values()
        self.net = torch.nn.ModuleList(torch.nn.Conv2d(3, size, 5, stride=2) for size in sizes)
        for parameter in self.net.parameters():
            parameter.data = torch.randn(parameter.shape, generator=rng) / 5

    def to(self, device: torch.device) -> None:
        self.net.to(device)

    def prepare(self, images: torch.Tensor) -> torch.Tensor:
        return images.float() / 255

    def forward(self, inputs: torch.Tensor, layers: Sequence[str]) -> dict[str, torch.Tensor]:
        nets = dict(zip(self.layers, self.net, strict=True))
        return {name: nets[name](inputs).relu().mean(dim=(2, 3)) for name in layers}


class Noisy(Dataset[torch.Tensor]):
    """Images with classes, each with noise from the three global random streams, as a random transform adds it."""

    def __init__(self, seed: int) -> None:
        self.images = np.random.RandomState(seed).randint(0, 200, (COUNT, SIDE, SIDE, 3), dtype=np.uint8)
        self.targets = [index % CLASSES for index in range(COUNT)]

    def __len__(self) -> int:
        return COUNT

    def __getitem__(self, index: int) -> tuple[Image.Image, int]:
        time.sleep(0.0002)  # lets another thread go on in the middle
        noise = np.random.randint(0, 25, self.images[index].shape) + int(torch.randint(0, 30, ()))
        return Image.fromarray((self.images[index] + noise).astype(np.uint8)), self.targets[index]


class Sampler(torch.nn.Module):
    """A generator in training mode, with dropout and noise of its own."""

    latent_dim = 4

    def __init__(self) -> None:
        super().__init__()
        rng = torch.Generator().manual_seed(1)
        self.weight = torch.nn.Parameter(torch.randn(4, 3 * SIDE * SIDE, generator=rng))
        self.drop = torch.nn.Dropout(0.5)

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        flat = self.drop(z @ self.weight)
        time.sleep(0.005)
        return torch.tanh(flat + 0.1 * torch.randn_like(flat)).view(-1, 3, SIDE, SIDE)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Real images in folders of classes: JPEG, and PNG with a broken EXIF block, of which Pillow warns."""
    root = tmp_path_factory.mktemp("real")
    rng = np.random.RandomState(5)
    for index in range(COUNT):
        place = root / str(index % CLASSES)
        place.mkdir(exist_ok=True)
        image = Image.fromarray(rng.randint(0, 256, (SIDE, SIDE, 3), dtype=np.uint8))
        image.save(place / (f"{index:03}.jpg" if index % 2 else f"{index:03}.png"))
    return root


def asked(name: str) -> str:
    """A metric with options for which a few images are enough."""
    record = METRICS.records()[name]
    options = [f"{record.minimum}=20"] if record.minimum else []
    return f"{name}({','.join([*options, *(['scales=1'] if 'scales' in record.defaults else [])])})"


def in_threads(work: Callable[[], Any]) -> list[Any]:
    """What four threads that begin together return."""
    start = threading.Barrier(THREADS)

    def begin(_: int) -> Any:
        start.wait()
        return work()

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-4)
    try:
        with ThreadPoolExecutor(THREADS) as pool:
            return list(pool.map(begin, range(THREADS)))
    finally:
        sys.setswitchinterval(interval)


@pytest.fixture
def odd_state(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A process none of whose flags are as this package needs them."""
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("high")
    with warnings.catch_warnings(), torch.backends.cudnn.flags(benchmark=True, deterministic=False, allow_tf32=True):
        warnings.simplefilter("error")
        yield
    torch.set_float32_matmul_precision(before)


def changed(before: dict[str, Any]) -> dict[str, Any]:
    """What is not as it was."""
    return {name: (before[name], value) for name, value in process_state().items() if value != before[name]}


def scores(result: gm.Result) -> dict[str, Any]:
    return {name: (score.value, score.interval) for name, score in result.scores.items()}


QUICK = [name for name in METRICS.names() if name not in ("c2st", "ct", "prd")]  # which take half of the time


@pytest.mark.parametrize(
    "names", [QUICK[::4], pytest.param(METRICS.names(), marks=pytest.mark.slow)], ids=["few", "all"]
)
def test_four_threads_give_the_numbers_of_one(names: list[str], folder: Path, odd_state: None) -> None:
    """Every metric of the catalogue, of sets and a network that all threads share."""
    network, fakes, test, metrics = AllLayers(), Noisy(1), Noisy(2), [asked(name) for name in names]

    def work() -> dict[str, Any]:
        return scores(gm.evaluate(folder, fakes, test=test, metrics=metrics, extractor=network, ci="off"))

    alone = work()
    before = process_state()  # now that all libraries are imported, of which some set a filter or a variable
    assert set(alone) == {part.name for name in names for part in METRICS[name].parts}
    assert all(np.isfinite(value) for value, _ in alone.values())
    assert in_threads(work) == [alone] * THREADS
    assert changed(before) == {}


def test_threads_share_a_generator_in_training_mode(folder: Path, odd_state: None) -> None:
    """Its noise comes from the global streams; its mode and the streams are those of the caller afterwards."""
    generator, network = Sampler(), torch.nn.Sequential(torch.nn.Flatten(), ToFloat(), torch.nn.Dropout(0.5))
    fakes = [gm.source(generator, num_images=70, value_range=(-1, 1)) for _ in range(THREADS + 1)]
    given, before = iter(fakes), process_state()

    def work() -> dict[str, Any]:
        result = gm.evaluate(folder, next(given), metrics=["fid", "precision_recall"], extractor=network)
        return {**scores(result), "signature": str(result.scores["fid"].signature)}

    alone = work()
    assert in_threads(work) == [alone] * THREADS
    assert changed(before) == {}
    assert all(module.training for net in (generator, network) for module in net.modules())


class ToFloat(torch.nn.Module):
    """The first pixels as features."""

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        time.sleep(0.002)
        return pixels[:, :8].float()


FRESH = """
import sys
import numpy as np, scipy.optimize, scipy.sparse, torch
import ganmetrics as gm
from concurrent.futures import ThreadPoolExecutor
from process_state import process_state
before = process_state()
images = np.random.RandomState(0).randint(0, 256, (2, 40, 3, 8, 8), dtype=np.uint8)
with ThreadPoolExecutor(4) as pool:
    work = lambda _: gm.evaluate(*images, metrics=["fid", "prdc", "birthday"], extractor="pixels")["fid"].value
    values = list(pool.map(work, range(4)))
print(len(set(values)), [name for name, value in process_state().items() if value != before[name]])
"""


@pytest.mark.slow
def test_a_fresh_process_is_left_as_it_was() -> None:
    """What is set once, such as the way in which processes are started, shows in the first evaluation alone."""
    done = subprocess.run(
        [sys.executable, "-c", FRESH],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": os.path.dirname(__file__)},
    )
    assert done.stdout == "1 []\n", done.stdout + done.stderr


def jpeg(side: int) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(np.random.RandomState(0).randint(0, 255, (side, side, 3), dtype=np.uint8)).save(stream, "JPEG")
    return stream.getvalue()


@pytest.mark.parametrize("limits", [(1000, 1000), (1000, 10**6)])
def test_a_cut_file_is_refused_beside_a_whole_one(
    limits: tuple[int, int], monkeypatch: pytest.MonkeyPatch, odd_state: None
) -> None:
    """The whole one is done while the cut one is being read, which must not see the caller's flags."""
    inside, done, original = threading.Event(), threading.Event(), ImageFile.ImageFile.load
    found, before = {}, process_state()

    def load(image: ImageFile.ImageFile) -> Any:
        if threading.current_thread().name == "cut":
            inside.set()
            done.wait(0.5)
        return original(image)

    def read(data: bytes, max_pixels: int) -> None:
        try:
            decode(data, gm.Reading(max_pixels=max_pixels))
            found[threading.current_thread().name] = "read"
        except Unreadable as error:
            found[threading.current_thread().name] = str(error)

    monkeypatch.setattr(ImageFile.ImageFile, "load", load)
    whole = threading.Thread(target=read, args=(jpeg(16), limits[0]), name="whole")
    cut = threading.Thread(target=read, args=(jpeg(16)[:-40], limits[1]), name="cut")
    whole.start()
    cut.start()
    inside.wait(5)
    whole.join()
    done.set()
    cut.join()
    assert found["whole"] == "read"
    assert "truncated" in found["cut"]
    assert changed(before) == {}


def test_the_limit_of_pixels_is_the_readings_own(odd_state: None) -> None:
    assert decode(jpeg(16), gm.Reading(max_pixels=256)).pixels.shape == (16, 16, 3)
    with pytest.raises(Unreadable, match="has more than 255 pixels"):
        decode(jpeg(16), gm.Reading(max_pixels=255))
    Image.MAX_IMAGE_PIXELS = None  # what another library sets to read anything
    with pytest.raises(Unreadable, match="has more than 255 pixels"):
        decode(jpeg(16), gm.Reading(max_pixels=255))
    assert Image.MAX_IMAGE_PIXELS is None


def test_only_the_thread_that_reads_is_silent() -> None:
    inside, done = threading.Event(), threading.Event()

    def read() -> None:
        with no_warnings():
            inside.set()
            done.wait(5)
            warnings.warn("of the file", UserWarning, stacklevel=1)

    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        reader = threading.Thread(target=read)
        reader.start()
        inside.wait(5)
        warnings.warn("of the caller", UserWarning, stacklevel=1)
        done.set()
        reader.join()
    assert [str(each.message) for each in seen] == ["of the caller"]


def test_filters_are_put_back_beside_catch_warnings_of_others() -> None:
    before = list(warnings.filters)
    for first_out in ("mine", "theirs"):
        mine, theirs = no_warnings(), warnings.catch_warnings()
        mine.__enter__()
        theirs.__enter__()
        for leaving in (mine, theirs) if first_out == "mine" else (theirs, mine):
            leaving.__exit__(None, None, None)
        assert list(warnings.filters) == before


@pytest.mark.parametrize("precision", ["float32", "tf32"])
@pytest.mark.parametrize("callers", ["highest", "high", "medium"])
def test_the_switches_of_precision_can_be_read_inside(precision: str, callers: str) -> None:
    """Since torch 2.9 older and newer switches may contradict each other, and then reading one is an error."""
    saved = torch.get_float32_matmul_precision()
    try:
        torch.set_float32_matmul_precision(callers)
        before = process_state()
        with arithmetic(precision):
            assert torch.backends.cudnn.allow_tf32 is (precision == "tf32")
            assert torch.backends.cuda.matmul.allow_tf32 is (precision == "tf32")
        assert changed(before) == {}
    finally:
        torch.set_float32_matmul_precision(saved)


def test_a_switch_that_the_caller_made_unreadable_stays_so() -> None:
    conv = getattr(torch.backends.cudnn, "conv", None)
    if not hasattr(conv, "fp32_precision"):
        pytest.skip("torch before 2.9 has one switch only")
    before = conv.fp32_precision
    try:
        conv.fp32_precision = "ieee"
        with arithmetic("tf32"):
            assert conv.fp32_precision == "tf32"
        assert conv.fp32_precision == "ieee"
        with pytest.raises(RuntimeError):
            _ = torch.backends.cudnn.allow_tf32
    finally:
        conv.fp32_precision = before


class Value:
    now = "callers"


def change_to(value: str) -> Callable[[], Any]:
    return lambda: assigned([(Value, "now", value)])


def test_threads_with_one_value_are_inside_together_and_others_wait() -> None:
    held, seen = Held(), []
    both, leave = threading.Barrier(3), threading.Event()

    def one() -> None:
        with held.at("one", change_to("one")):
            both.wait(5)
            leave.wait(5)
            seen.append(Value.now)

    def two() -> None:
        with held.at("two", change_to("two")):
            seen.append(Value.now)

    threads = [threading.Thread(target=one) for _ in range(2)]
    for thread in threads:
        thread.start()
    both.wait(5)  # both are inside
    other = threading.Thread(target=two)
    other.start()
    other.join(0.05)
    assert seen == []
    leave.set()
    for thread in (*threads, other):
        thread.join(5)
    assert seen == ["one", "one", "two"]
    assert Value.now == "callers"


def test_a_value_within_another_is_put_back_by_itself() -> None:
    held = Held()
    with held.at("one", change_to("one")), held.at("one", change_to("one")):
        with held.at("two", change_to("two")), held.alone():
            assert Value.now == "two"
        assert Value.now == "one"
    assert Value.now == "callers"


def test_an_error_inside_or_in_the_change_holds_nobody_up() -> None:
    held = Held()
    for fault in (lambda: lambda: nothing, lambda: 1 / 0):
        with suppress(ZeroDivisionError), held.at("one", fault):
            raise ZeroDivisionError
    with held.at("two", change_to("two")):
        assert Value.now == "two"


def test_what_the_caller_sets_meanwhile_is_kept() -> None:
    held = Held()
    with held.at("one", change_to("one")):
        Value.now = "callers' new one"
    assert Value.now == "callers' new one"
    Value.now = "callers"


def test_a_forked_child_does_not_wait_for_threads_that_it_lacks() -> None:
    held, inside, leave = Held(), threading.Event(), threading.Event()

    def hold() -> None:
        with held.at("one", change_to("one")):
            inside.set()
            leave.wait(5)

    holder = threading.Thread(target=hold)
    holder.start()
    inside.wait(5)
    child = os.fork()
    if not child:
        was = Value.now
        with held.at("two", change_to("two")):
            os._exit(0 if (was, Value.now) == ("callers", "two") else 1)
    assert os.waitpid(child, 0)[1] == 0
    leave.set()
    holder.join(5)
    assert Value.now == "callers"


def test_stdout_is_back_whichever_thread_leaves_first() -> None:
    before = sys.stdout
    inside, leave = threading.Barrier(2), threading.Event()

    def print_apart() -> None:
        with stdout_to_stderr():
            inside.wait(5)
            leave.wait(5)

    other = threading.Thread(target=print_apart)
    other.start()
    with stdout_to_stderr():
        inside.wait(5)
        assert sys.stdout is sys.stderr
    leave.set()
    other.join(5)
    assert sys.stdout is before
