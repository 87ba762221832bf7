"""The Inception forward pass: with torch-fidelity's resize inside, and the network alone against every other engine."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch

from benchmarks.plan import Plan
from benchmarks.report import Agreement, Comparison
from benchmarks.resize import batch
from benchmarks.timing import Goal, against_peers, in_turn
from ganmetrics.extractors.inception import Inception

SIZE, BATCH, STREAM = 256, 32, 4
EAGER, ONNX, OPENVINO = "eager (--exact)", "ONNX Runtime", "OpenVINO"
GOALS = {
    "torch-fidelity": Goal(ratio=0.5),
    "pytorch-fid": Goal(ratio=0.5),
    EAGER: Goal(ratio=0.5),
    ONNX: Goal(ratio=1.0),
    OPENVINO: Goal(ratio=1.0),
}
CLOSE = 4e-4  # the largest deviation of any feature; eager float32 itself is 6e-5 from float64

Features = Callable[[], torch.Tensor]


def rows(plan: Plan) -> list[Comparison | Agreement]:
    """Seconds for a batch, and how far the features are apart."""
    images = batch(2 if plan.is_quick else BATCH, SIZE)
    return [*with_resize(images, plan), *alone(images, plan)]


@torch.inference_mode()
def with_resize(images: torch.Tensor, plan: Plan) -> list[Comparison | Agreement]:
    """The rows from uint8 images [N, 3, H, W] to features."""
    extractor = Inception(str(plan.weights))
    actions: dict[str, Features] = {
        "ganmetrics": lambda: extractor.forward(extractor.prepare(images), ["2048"])["2048"],
        "torch-fidelity": _torch_fidelity(images, plan),
    }
    return _compare(f"Inception on {len(images)} uint8 images of 256 px, with resize", actions, plan)


@torch.inference_mode()
def alone(images: torch.Tensor, plan: Plan) -> list[Comparison | Agreement]:
    """The rows of the network alone, on inputs that were prepared before."""
    extractor = Inception(str(plan.weights))
    prepared = extractor.prepare(images)
    ours: dict[str, Features] = {"ganmetrics": lambda: extractor.forward(prepared, ["2048"])["2048"]}
    return _compare(f"Inception on {len(images)} prepared inputs", ours | engines(prepared, plan), plan)


def engines(prepared: torch.Tensor, plan: Plan) -> dict[str, Features]:
    """Every other way to run the network that is installed here, on prepared inputs."""
    exact = Inception(str(plan.weights), exact=True)
    found = {
        EAGER: lambda: exact.forward(prepared, ["2048"])["2048"],
        "pytorch-fid": _pytorch_fid(prepared, plan),
    }
    for name, package, engine in ((ONNX, "onnxruntime", _onnx_runtime), (OPENVINO, "openvino", _openvino)):
        if find_spec(package) and find_spec("onnx"):
            found[name] = engine(prepared, plan)
    return found


def _compare(title: str, actions: dict[str, Features], plan: Plan) -> list[Comparison | Agreement]:
    command = plan.again("forward")
    found: dict[str, torch.Tensor] = {}

    def kept(name: str, action: Features) -> Callable[[], None]:
        return lambda: found.__setitem__(name, action())

    keeping = {name: kept(name, action) for name, action in actions.items()}
    seconds = in_turn(keeping, plan.rounds * (1 if plan.is_quick else 3))
    ours, *peers = found.items()
    same = [
        Agreement(
            f"{title}, largest difference of a feature",
            float(ours[1].mean()),
            float(features.mean()),
            name,
            float((ours[1] - features).abs().max()),
            command,
            CLOSE,
        )
        for name, features in peers
    ]
    return [*against_peers(title, "s", seconds, command, GOALS), *same]


def _torch_fidelity(images: torch.Tensor, plan: Plan) -> Features:
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    path = str(plan.weights)
    net = FeatureExtractorInceptionV3("inception-v3-compat", ["2048"], feature_extractor_weights_path=path).eval()
    return lambda: net(images)[0]


def _pytorch_fid(prepared: torch.Tensor, plan: Plan) -> Features:
    from pytorch_fid.inception import InceptionV3

    assert plan.weights.is_file()
    with patch.dict(os.environ, {"TORCH_HOME": str(plan.folder)}):
        net = InceptionV3([3], resize_input=False, normalize_input=False).eval()
    return lambda: net(prepared)[0][:, :, 0, 0]


class _Network(torch.nn.Module):
    """The exact network with the one output that is exported."""

    def __init__(self, plan: Plan) -> None:
        super().__init__()
        self.net = Inception(str(plan.weights), exact=True).net

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.net(x, ["2048"])["2048"]


def _exported(plan: Plan) -> Path:
    """The network as an ONNX file, written once."""
    path = plan.folder / "inception.onnx"
    if not path.is_file():
        with warnings.catch_warnings(), torch.inference_mode(False), torch.no_grad():
            warnings.simplefilter("ignore")  # of the exporter, about itself
            inputs = (torch.zeros(2, 3, 299, 299),)
            axes = {"x": {0: "n"}}
            torch.onnx.export(_Network(plan), inputs, path, input_names=["x"], dynamic_axes=axes, dynamo=False)
    return path


def _onnx_runtime(prepared: torch.Tensor, plan: Plan) -> Features:
    import onnxruntime

    session: Any = onnxruntime.InferenceSession(_exported(plan), providers=["CPUExecutionProvider"])
    return lambda: torch.from_numpy(session.run(None, {"x": prepared.numpy()})[0])


def _openvino(prepared: torch.Tensor, plan: Plan) -> Features:
    """A stream for each core, which its throughput mode is meant for."""
    import openvino

    streams = str(torch.get_num_threads())
    options = {"PERFORMANCE_HINT": "THROUGHPUT", "INFERENCE_PRECISION_HINT": "f32", "NUM_STREAMS": streams}
    compiled = openvino.Core().compile_model(str(_exported(plan)), "CPU", options)
    queue = openvino.AsyncInferQueue(compiled, int(streams))
    found: dict[int, torch.Tensor] = {}
    queue.set_callback(lambda request, place: found.__setitem__(place, torch.tensor(request.get_output_tensor().data)))

    def run() -> torch.Tensor:
        for place, piece in enumerate(prepared.split(STREAM)):
            queue.start_async({0: piece.numpy()}, place)
        queue.wait_all()
        return torch.cat([found[place] for place in sorted(found)])

    return run
