"""The Inception forward pass: with torch-fidelity's resize inside, and the network alone against pytorch-fid's."""

from __future__ import annotations

import os
from collections.abc import Callable
from unittest.mock import patch

import torch

from benchmarks.plan import Plan
from benchmarks.report import Agreement, Comparison
from benchmarks.resize import batch
from benchmarks.timing import Goal, against_peers, in_turn
from ganmetrics.features.inception import Inception

SIZE, BATCH = 256, 8
GOAL = Goal(ratio=0.5)
CLOSE = 1e-4  # relative to the norm of the features; eager float32 itself is 1e-5 from float64

Features = Callable[[], torch.Tensor]


@torch.no_grad()
def rows(plan: Plan) -> list[Comparison | Agreement]:
    """Seconds for a batch of 8, and how far the features are apart."""
    images = batch(2 if plan.is_quick else BATCH, SIZE)
    extractor = Inception(str(plan.weights))
    prepared = extractor.prepare(images)
    from_images: dict[str, Features] = {
        "ganmetrics": lambda: extractor.forward(extractor.prepare(images), ["2048"])["2048"],
        "torch-fidelity": _torch_fidelity(images, plan),
    }
    from_prepared: dict[str, Features] = {
        "ganmetrics": lambda: extractor.forward(prepared, ["2048"])["2048"],
        "pytorch-fid": _pytorch_fid(prepared, plan),
    }
    return [
        *_compare(f"Inception on {len(images)} uint8 images of 256 px, with resize", from_images, plan),
        *_compare(f"Inception on {len(images)} prepared inputs", from_prepared, plan),
    ]


def _compare(title: str, actions: dict[str, Features], plan: Plan) -> list[Comparison | Agreement]:
    command = plan.again("forward")
    seconds = in_turn(actions, plan.rounds * (1 if plan.is_quick else 5))
    (_, ours), (name, peer) = ((each, action()) for each, action in actions.items())
    difference = float((ours - peer).norm() / peer.norm())
    same = Agreement(f"{title}, mean feature", float(ours.mean()), float(peer.mean()), name, difference, command, CLOSE)
    return [*against_peers(title, "s", seconds, command, {name: GOAL}), same]


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
