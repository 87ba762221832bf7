"""What is done again and again: scoring the same folders, and scoring a generator in its training loop."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np
import torch

import ganmetrics as gm
from benchmarks import whole
from benchmarks.plan import Plan
from benchmarks.report import Agreement, Comparison, relative
from benchmarks.synthetic import image
from benchmarks.timing import Goal, Usage, against_peers, in_turn, measured
from ganmetrics.extractors.digits import Digits

FIRST, SECOND_TIME = "ours the first time", Goal(ratio=0.3)
IMAGES, QUICK_IMAGES, SIZE, BATCH, DIM = 2_000, 200, 28, 100, 128
SAME = 1e-6  # relative; torchmetrics hands over float32


def rows(plan: Plan) -> list[Comparison | Agreement]:
    """Both, each as seconds and scores."""
    return [*_again(plan), *_in_training(plan)]


def _again(plan: Plan) -> list[Comparison | Agreement]:
    """A second ``ganmetrics fid`` of the same folders, with the cache of features, against the first."""
    each = whole.ours(*plan.images("png"), plan.weights, "--cache")
    usages: dict[str, list[Usage]] = {"ganmetrics": [], FIRST: []}
    for turn in range(plan.rounds):
        environment = {"GANMETRICS_CACHE_DIR": str(plan.folder / f"cache-{turn}")}
        for name in (FIRST, "ganmetrics"):
            usages[name].append(measured([*each.start, *each.arguments], environment))
    title = f"second fid of the same folders, {plan.num_images} + {plan.num_images} PNG, 256 px"
    command, walls = plan.again("repeated"), {name: [run.wall for run in runs] for name, runs in usages.items()}
    second, first = (whole.printed_fid("ganmetrics", runs[-1].output) for runs in usages.values())
    same = Agreement(f"FID, {title}", second, first, FIRST, relative(second, first), command, 0.0)
    return [*against_peers(title, "s", walls, command, {FIRST: SECOND_TIME}), same]


def _in_training(plan: Plan) -> list[Comparison | Agreement]:
    """One evaluation of a training loop: new fakes against the same reals, measured before."""
    count = QUICK_IMAGES if plan.is_quick else IMAGES
    real, fake = (_images(count, seed, shift) for seed, shift in ((1, 0.0), (2, 1.0)))
    actions = {"ganmetrics": _ours(real, fake), "torchmetrics": _torchmetrics(real, fake)}
    seconds = in_turn(actions, plan.rounds * (1 if plan.is_quick else 5))
    ours, peer = (action() for action in actions.values())
    title, command = f"evaluation in a training loop, {count:,} fakes of 28 px, digits", plan.again("repeated")
    same = Agreement(f"FID, {title}", ours, peer, "torchmetrics", relative(ours, peer), command, SAME)
    return [*against_peers(title, "s", seconds, command, {}), same]


def _images(count: int, seed: int, shift: float) -> torch.Tensor:  # uint8 [N, 3, 28, 28]
    stack = np.stack([np.asarray(image(index, SIZE, seed, shift)) for index in range(count)])
    return torch.from_numpy(stack).permute(0, 3, 1, 2).contiguous()


def _ours(real: torch.Tensor, fake: torch.Tensor) -> Callable[[], float]:
    evaluation = gm.Evaluation(["fid"], reference=real, extractor="digits", device="cpu")

    def action() -> float:
        evaluation.reset()
        for batch in fake.split(BATCH):
            evaluation.update(batch)
        return float(evaluation.compute()["fid"].value)

    return action


def _torchmetrics(real: torch.Tensor, fake: torch.Tensor) -> Callable[[], float]:
    from torchmetrics.image.fid import FrechetInceptionDistance

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        metric = FrechetInceptionDistance(_DigitsFeatures(), reset_real_features=False)
    for batch in real.split(BATCH):
        metric.update(batch, real=True)

    def action() -> float:
        metric.reset()
        for batch in fake.split(BATCH):
            metric.update(batch, real=False)
        return float(metric.compute())

    return action


class _DigitsFeatures(torch.nn.Module):
    """Our network as torchmetrics takes one."""

    def __init__(self) -> None:
        super().__init__()
        self.num_features = DIM
        self.extractor = Digits()

    @torch.no_grad()
    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.extractor.forward(self.extractor.prepare(images), ["features"])["features"]
