"""Whether a training of a GAN is going wrong, from its losses, gradients and samples."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ganmetrics.diagnosis.finding import Evidence, Finding, mildest, rank, worst
from ganmetrics.errors import InputError

if TYPE_CHECKING:
    Values = np.ndarray[Any, np.dtype[np.float64]]

LEAST = 8  # entries before anything but a divergence is judged
RECENT = 0.25  # of the entries, the last of which a verdict is about
SIDE = 8  # pixels of the means by which samples are told apart
CERTAIN = (0.985, 0.995)  # accuracy of the discriminator
SMALL_LOSS = (0.05, 0.01)  # its loss in nats
FADED = (0.05, 0.02)  # share of the largest gradient of the generator that is left
EXPLODED = (100.0, 10_000.0)  # times the typical size
PERIODIC = (0.6, 0.75)  # share of the loss's variance in one period and its overtone
CHANCE = (1e-4, 1e-6)  # of so strong a period in noise
TURNS = 4  # that a period must have made
SWING = 0.25  # of a loss's mean, below which a period does no harm
POORER = (0.5, 0.2)  # share of the largest diversity that is left

DISCRIMINATOR = (
    "lower the discriminator's learning rate or skip its steps while its accuracy is above 0.9",
    "use the non-saturating, hinge or Wasserstein loss with a gradient penalty (Gulrajani et al. 2017)",
    "regularise the discriminator: spectral normalisation (Miyato et al. 2018), R1 (Mescheder et al. 2018), noise on "
    "its inputs, or augmentation where data are few (Karras et al. 2020)",
)


class Entry(NamedTuple):
    """What was logged at one step; ``nan`` where nothing was."""

    step: int
    d_loss: float = math.nan
    g_loss: float = math.nan
    g_grad_norm: float = math.nan
    d_accuracy: float = math.nan
    diversity: float = math.nan


class TrainingHealth:
    """Watches a training: log a few numbers now and then, and be told when they show a known fault.

    Faults that are looked for: a discriminator that wins, a generator whose gradient vanishes, losses that circle
    without progress, samples that grow alike, and numbers that diverge.

    Examples
    --------
    >>> health = TrainingHealth()
    >>> for step in range(20):
    ...     found = health.log(step, d_loss=1e-4, g_loss=9.0, g_grad_norm=1.0 / (1 + step) ** 3, d_accuracy=1.0)
    >>> [finding.name for finding in found]
    ['discriminator wins', 'gradient vanishes']

    References
    ----------
    Arjovsky, Bottou: Towards Principled Methods for Training Generative Adversarial Networks. ICLR 2017,
    arXiv:1701.04862.
    """

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self._infinite: dict[str, int] = {}

    def log(
        self,
        step: int,
        *,
        d_loss: float | None = None,
        g_loss: float | None = None,
        g_grad_norm: float | None = None,
        d_accuracy: float | None = None,
        samples: Any = None,
    ) -> tuple[Finding, ...]:
        """Note the numbers of a step and say what is wrong so far.

        Parameters
        ----------
        step : int
            Rising.
        d_loss, g_loss : float, optional
            Losses of discriminator and generator.
        g_grad_norm : float, optional
            Norm of the generator's gradient.
        d_accuracy : float, optional
            Share of reals and fakes that the discriminator tells right, in 0..1.
        samples : array_like, [N, C, H, W], optional
            Some of the generator's images, in any range that stays the same; at least two.

        Returns
        -------
        tuple of Finding
            The faults, the worst first; empty while all is well.

        Raises
        ------
        InputError
            A step that is not above the last, an accuracy outside 0..1, samples of another shape.
        """
        if self.entries and step <= self.entries[-1].step:
            raise InputError(f"step {step} comes after step {self.entries[-1].step}", where="step", code="E-RANGE")
        if d_accuracy is not None and not 0 <= float(d_accuracy) <= 1:
            raise InputError(f"d_accuracy is {d_accuracy}; expected 0..1", where="d_accuracy", code="E-RANGE")
        given = {"d_loss": d_loss, "g_loss": g_loss, "g_grad_norm": g_grad_norm, "d_accuracy": d_accuracy}
        numbers = {name: float(value) for name, value in given.items() if value is not None}
        for name, value in numbers.items():
            if not math.isfinite(value):
                self._infinite.setdefault(name, step)
        diversity = math.nan if samples is None else _diversity(samples)
        self.entries.append(Entry(step, **numbers, diversity=diversity))
        return tuple(sorted((one for one in self.findings() if one.verdict != "none"), key=_by_rank))

    def findings(self) -> tuple[Finding, ...]:
        """Every fault that was looked for, those with the verdict ``none`` too."""
        checks = (self._divergence, self._discriminator, self._gradient, self._circling, self._collapse)
        return tuple(check() for check in checks)

    def _values(self, name: str) -> Values:
        """What was logged under a name, in order, without gaps."""
        values = np.array([getattr(entry, name) for entry in self.entries])
        return values[np.isfinite(values)]

    def _left(self, name: str, words: str, limits: tuple[float, float]) -> list[Evidence]:
        """How much of its largest value a number has kept; nothing of too few values."""
        values = self._values(name)
        if len(values) < LEAST or values.max() <= 0:
            return []
        return [Evidence(words, float(np.median(_recent(values)) / values.max()), *limits)]

    def _divergence(self) -> Finding:
        name = "numbers diverge"
        advice = ("lower the learning rates", "clip gradients or regularise the discriminator", "train in float32")
        if self._infinite:
            text = ", ".join(f"{each} since step {step}" for each, step in self._infinite.items())
            return Finding(name, "severe", f"not finite: {text}", (), advice)
        evidence = []
        for each in ("d_loss", "g_loss", "g_grad_norm"):
            values = np.abs(self._values(each))
            if len(values) >= LEAST and (typical := float(np.median(values[: len(values) // 2]))) > 0:
                grown = float(np.median(_recent(values))) / typical
                evidence.append(Evidence(f"{each} against its first half", grown, *EXPLODED))
        return _worst(name, evidence, "sizes have exploded", "losses and gradients keep their size", advice)

    def _discriminator(self) -> Finding:
        name, well = "discriminator wins", "the discriminator can be fooled"
        losses, accuracies = self._values("d_loss"), self._values("d_accuracy")
        if len(losses) < LEAST or losses.min() < 0:  # a loss below 0 is Wasserstein's or a hinge: it says nothing
            return Finding(name, "none", "not judged: too few losses of a discriminator that are logarithms")
        evidence = [Evidence("its loss", float(np.median(_recent(losses))), *SMALL_LOSS)]
        if len(accuracies) >= LEAST:
            evidence.append(Evidence("its accuracy", float(np.median(_recent(accuracies))), *CERTAIN))
        said = "it tells all reals from all fakes and teaches the generator nothing"
        return _mildest(name, evidence, said, well, DISCRIMINATOR)

    def _gradient(self) -> Finding:
        name, well = "gradient vanishes", "the generator's gradient keeps its size"
        evidence = self._left("g_grad_norm", "share of the largest gradient that is left", FADED)
        if not evidence:
            return Finding(name, "none", "not judged: too few norms of the generator's gradient")
        said = "the generator gets no direction to move in"
        advice = ("replace the minimax loss by the non-saturating one (Goodfellow et al. 2014)", *DISCRIMINATOR)
        return _mildest(name, evidence, said, well, advice)

    def _circling(self) -> Finding:
        name, well = "losses circle", "the losses do not swing in a steady period"
        values = self._values("d_loss")
        values = values[len(values) // 2 :]
        if len(values) < 3 * LEAST:
            return Finding(name, "none", "not judged: too few losses of the discriminator")
        swing = float(values.std() / max(abs(values.mean()), 1e-12))
        share, chance = _period(values)
        evidence = [
            Evidence("share of the variance in one period", share, *PERIODIC),
            Evidence("chance of such a period in noise", chance, *CHANCE),
            Evidence("swing against the mean", swing, SWING, SWING),
        ]
        advice = (
            "lower both learning rates, the generator's more (two time scales: Heusel et al. 2017)",
            "average the generator's weights over steps",
            "penalise the discriminator's gradient: R1 makes it converge (Mescheder et al. 2018)",
        )
        return _mildest(name, evidence, "generator and discriminator chase each other without progress", well, advice)

    def _collapse(self) -> Finding:
        name, well = "samples grow alike", "the samples stay as varied as they were"
        evidence = self._left("diversity", "share of the largest diversity that is left", POORER)
        if not evidence:
            return Finding(name, "none", "not judged: too few samples were logged")
        advice = (
            "let the discriminator see several samples at once: minibatch statistics (Karras et al. 2018) or packing "
            "(Lin et al. 2018)",
            "take fewer generator steps for each of the discriminator, or lower the generator's learning rate",
            "go back to the last checkpoint before the fall and unroll or regularise from there",
        )
        return _mildest(name, evidence, "the generator is collapsing to few images", well, advice)


def _recent(values: Values) -> Values:
    return values[-max(1, round(RECENT * len(values))) :]


def _diversity(samples: Any) -> float:
    """The variance of small pictures of the samples, summed over their pixels."""
    import torch
    from torch.nn.functional import adaptive_avg_pool2d

    images = samples.detach().cpu() if isinstance(samples, torch.Tensor) else torch.as_tensor(np.asarray(samples))
    if images.ndim != 4 or len(images) < 2 or 0 in images.shape:
        what = f"samples are of shape {list(images.shape)}; expected [N, C, H, W] with N at least 2"
        raise InputError(what, where="samples", code="E-SHAPE")
    small = adaptive_avg_pool2d(images.double(), min(SIDE, *images.shape[2:])).flatten(1)
    return float(small.var(dim=0).sum())


def _period(values: Values) -> tuple[float, float]:
    """How much of the variance about a trend the strongest frequency and its double hold, and Fisher's g-test of it.

    The chance is that of g = peak / sum over m frequencies of white noise, m (1 - g)^(m - 1) to first order (1929).
    """
    places = np.arange(len(values))
    detrended = values - np.polyval(np.polyfit(places, values, 1), places)
    power = np.abs(np.fft.rfft(detrended)) ** 2
    peak = TURNS + int(power[TURNS:].argmax())
    if power.sum() <= 0:
        return 0.0, 1.0
    near = {index for center in (peak, 2 * peak) for index in (center - 1, center, center + 1) if index < len(power)}
    total, m = float(power[1:].sum()), len(power) - 1
    chance = min(1.0, m * (1 - float(power[peak]) / total) ** (m - 1))
    return float(power[sorted(near)].sum()) / total, chance


def _worst(name: str, evidence: list[Evidence], bad: str, well: str, advice: tuple[str, ...]) -> Finding:
    """The verdict of the worst number."""
    return _stated(name, worst(each.verdict for each in evidence), evidence, bad, well, advice)


def _mildest(name: str, evidence: list[Evidence], bad: str, well: str, advice: tuple[str, ...]) -> Finding:
    """The verdict that all numbers bear."""
    return _stated(name, mildest(each.verdict for each in evidence), evidence, bad, well, advice)


def _stated(name: str, verdict: str, evidence: list[Evidence], bad: str, well: str, advice: tuple[str, ...]) -> Finding:
    is_well = verdict == "none"
    return Finding(name, verdict, well if is_well else bad, tuple(evidence), () if is_well else advice)


def _by_rank(finding: Finding) -> int:
    return -rank(finding.verdict)
