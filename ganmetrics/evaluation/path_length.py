"""Perceptual path length: how far images move while a generator's latents move a little."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from ganmetrics._process import evaluating
from ganmetrics._progress import progress_bar
from ganmetrics._report import Report
from ganmetrics._table import Cell, Note, Table
from ganmetrics.data.reading.random_streams import OwnStreams
from ganmetrics.errors import InputError, UsageError
from ganmetrics.extractors import load_extractor
from ganmetrics.extractors._arithmetic import arithmetic
from ganmetrics.extractors.extraction import choose_device
from ganmetrics.extractors.lpips import Lpips
from ganmetrics.metrics.ppl import of_squares
from ganmetrics.numerics import interval_ends
from ganmetrics.registry import unknown
from ganmetrics.scoring.result import LEVEL, Interval
from ganmetrics.version import __version__

if TYPE_CHECKING:
    from torch import Tensor

    Draw = Callable[[int, torch.Generator], Tensor]

SCHEMA = 2
# Paths in one forward pass; each has two images.
BATCH = 16
# A value in -1..1 with some overshoot is never that far from 0.
OUTSIDE = 2.0


@dataclass(frozen=True)
class LatentPath:
    """The paths through the latents that are measured.

    Attributes
    ----------
    num_samples : int
        The number of paths.
    epsilon : float
        The share of the way from one latent to another that a path takes.
    interpolation : {"slerp", "lerp"}
        Along the sphere, as befits normal latents, or along the line, as befits StyleGAN's W.
    sampling : {"full", "end"}
        Where on the way from one latent to another a path begins: anywhere, evenly, as in the paper, or at the first
        latent, as in StyleGAN2 and torch-fidelity.
    trim : float
        Percent of the lengths that are left out at each end.
    seed : int
    """

    num_samples: int = 50_000
    epsilon: float = 1e-4
    interpolation: str = "slerp"
    sampling: str = "full"
    trim: float = 1.0
    seed: int = 2020

    def __post_init__(self) -> None:
        if self.num_samples < 2:
            raise UsageError(f"num_samples is {self.num_samples}; it must be at least 2", where="ppl.num_samples")
        if self.interpolation not in ("slerp", "lerp"):
            raise unknown("interpolation", self.interpolation, ["slerp", "lerp"])
        if self.sampling not in ("full", "end"):
            raise unknown("sampling", self.sampling, ["full", "end"])
        # The function refuses values that epsilon and trim may not have.
        of_squares(torch.ones(2), epsilon=self.epsilon, trim=self.trim)


@dataclass(frozen=True, repr=False)
class PathLength(Report):
    """A perceptual path length with its interval and its protocol; lower is better.

    Attributes
    ----------
    value : float
    std : float
        The standard deviation over the paths.
    interval : Interval
    protocol : str
        The options, the network and the precision that the value belongs to.
    """

    value: float
    std: float
    interval: Interval
    protocol: str
    warnings: tuple[str, ...] = ()

    def __str__(self) -> str:
        around = self.interval.words(self.value)
        return f"PPL  {self.value:.4g}  ({around}, {LEVEL:.0%})  lower is better\n  {self.protocol}"

    def table(self) -> Table:
        """Return the path length as a table of one row."""
        cell = Cell(self.interval.cell(self.value), is_number=True)
        record = {"ppl": self.value, "ppl_low": self.interval.low, "ppl_high": self.interval.high, "std": self.std}
        return Table(("PPL ↓",), ((cell,),), (Note("", self.protocol),), (record,))

    def to_dict(self) -> dict[str, Any]:
        """Return the path length as plain data; a value that is not finite is ``None``."""
        value = self.value if math.isfinite(self.value) else None
        facts = {"value": value, "std": self.std, "interval": self.interval.to_dict(), "protocol": self.protocol}
        return {"schema": SCHEMA, **facts, "higher_is_better": False}


DEFAULT = LatentPath()


def ppl(
    generator: Callable[[Tensor], Tensor],
    latents: int | Draw,
    *,
    path: LatentPath = DEFAULT,
    extractor: str | Lpips = "lpips",
    device: str | torch.device = "auto",
) -> PathLength:
    """Compute the perceptual path length of a generator.

    Lower is better; 0 is a generator that draws one image only.

    Parameters
    ----------
    generator : callable
        Latents, float32 [N, Z], to images in -1..1, float [N, 1 or 3, H, W]. Not to uint8: rounding to 256 levels, not
        the generator, would then make most of a step of 1e-4. A module runs in evaluation mode.
    latents : int or callable
        The dimension of standard normal latents, or a function of a count and a ``torch.Generator`` that draws others.
    path : LatentPath
        How many paths of which length.
    extractor : "lpips" or Lpips
        The network that measures the distance of two images.
    device : str
        ``"auto"``, ``"cpu"``, ``"cuda"``, ``"cuda:1"`` or ``"mps"``.

    Returns
    -------
    PathLength

    Raises
    ------
    UsageError
        Another extractor, a wrong option.
    InputError
        Images that are uint8, not in -1..1, or of another shape.
    WeightsError
        Weights of LPIPS that are missing or damaged.

    References
    ----------
    Karras, Laine, Aila: A Style-Based Generator Architecture for Generative Adversarial Networks. CVPR 2019,
    arXiv:1812.04948.
    """
    network = load_extractor(extractor)
    if not isinstance(network, Lpips):
        raise UsageError(f"PPL is a perceptual distance, which {network.name} does not measure", where="extractor")
    chosen = choose_device(device)
    network.to(chosen)
    starts, ends = _ends(latents, path)
    # A function has no parameters and stays on the chosen device; a module says where its latents must lie.
    module = generator if isinstance(generator, torch.nn.Module) else torch.nn.Module()
    home = next((value.device for value in module.parameters()), chosen)
    squares: list[Tensor] = []
    bar = progress_bar("paths", path.num_samples, True, unit="path")
    with OwnStreams(), torch.no_grad(), arithmetic(), evaluating(module), bar:
        for z in zip(starts.split(BATCH), ends.split(BATCH), strict=True):
            images = _checked(generator(torch.cat(z).to(home)), 2 * len(z[0]))
            found = network.forward(network.prepare_float(images.to(chosen)), ["perceptual"])["perceptual"]
            squares.append((found[: len(z[0])] - found[len(z[0]) :]).square().sum(dim=1).cpu())
            bar.update(len(z[0]))
    return _summed(torch.cat(squares), path, network)


def _summed(squares: Tensor, path: LatentPath, network: Lpips) -> PathLength:
    value, std, error = of_squares(squares, epsilon=path.epsilon, trim=path.trim)
    options = {"epsilon": f"{path.epsilon:g}", "interpolation": path.interpolation, "sampling": path.sampling}
    options |= {"trim": f"{path.trim:g}", "seed": f"{path.seed}"}
    said = ",".join(f"{name}={value}" for name, value in options.items())
    protocol = f"ppl({said})|{network.identity}|#{path.num_samples}|float32/float64|gm:{__version__}"
    ends = interval_ends.logarithmic(value, error or 0.0, interval_ends.quantile(len(squares) - 1))
    interval = Interval(*ends, "standard error over paths, logarithmic scale")
    return PathLength(value, std or 0.0, interval, protocol)


def _ends(latents: int | Draw, path: LatentPath) -> tuple[Tensor, Tensor]:
    """Return where the paths start and end, float32 [N, Z] each."""
    rng = torch.Generator().manual_seed(path.seed)
    if isinstance(latents, int):
        starts, goals = (torch.randn(path.num_samples, latents, generator=rng) for _ in range(2))
    else:
        starts, goals = (latents(path.num_samples, rng) for _ in range(2))
    between = torch.lerp if path.interpolation == "lerp" else _slerp
    # Where on the way a path begins: 0 is the first latent, 1 the second.
    share = torch.zeros(path.num_samples, 1, dtype=torch.float64)
    if path.sampling == "full":
        share.uniform_(generator=rng)
    # A step of 1e-4 has few digits left in float32.
    a, b = starts.double(), goals.double()
    share = share.to(a.device)
    return between(a, b, share).float(), between(a, b, share + path.epsilon).float()


def _slerp(a: Tensor, b: Tensor, share: Tensor) -> Tensor:
    """Return points on the arcs between latents, float64 [N, Z], for shares [N, 1] of the way."""
    cosine = torch.cosine_similarity(a, b, dim=1)[:, None].clamp(-1, 1)
    angle = torch.acos(cosine)
    found = (torch.sin((1 - share) * angle) * a + torch.sin(share * angle) * b) / torch.sin(angle)
    # Latents of one dimension lie on a line, where an arc is not defined.
    is_flat = cosine.abs() > 1 - 1e-7
    return torch.where(is_flat, a + (b - a) * share, found)


def _checked(images: Any, count: int) -> Tensor:
    """Return the images as float32 with three channels (InputError)."""
    is_tensor = isinstance(images, torch.Tensor)
    if not is_tensor or images.ndim != 4 or len(images) != count or images.shape[1] not in (1, 3):
        found = f"shape {list(images.shape)}" if is_tensor else type(images).__name__
        what = f"the generator returned {found} for {count} latents; expected [{count}, 1 or 3, H, W]"
        raise InputError(what, where="generator", code="E-SHAPE")
    if not images.is_floating_point():
        what = f"the generator returned {images.dtype}; a path of 1e-4 is lost in rounding to whole levels"
        raise InputError(what, where="generator", hint="Return floats in -1..1", code="E-DTYPE")
    if not float(images.abs().max()) <= OUTSIDE or float(images.min()) >= 0:
        what = f"the generator's images are in {float(images.min()):.3g}..{float(images.max()):.3g}; expected -1..1"
        raise InputError(what, where="generator", hint="Shift and scale them", code="E-RANGE")
    return images.float().expand(-1, 3, -1, -1)
