"""The health of a GAN's training: known faults, told from its losses, gradients and samples."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ganmetrics.diagnosis import health_limits as limits
from ganmetrics.diagnosis.finding import Evidence, Finding, is_fault, mildest, rank, verdicts_of, worst
from ganmetrics.diagnosis.loss_signals import RECENT, circling, growth, has_fallen, recent, share_kept, share_left
from ganmetrics.diagnosis.sample_variety import variety
from ganmetrics.errors import InputError

if TYPE_CHECKING:
    Values = np.ndarray[Any, np.dtype[np.float64]]

DISCRIMINATOR = (
    "lower the discriminator's learning rate or skip its steps while its accuracy is above 0.9",
    "use the non-saturating, hinge or Wasserstein loss with a gradient penalty (Gulrajani et al. 2017)",
    "regularise the discriminator: spectral normalisation (Miyato et al. 2018), R1 (Mescheder et al. 2018), noise on "
    "its inputs, or augmentation where data are few (Karras et al. 2020)",
)


class Entry(NamedTuple):
    """The numbers that were logged at one step; ``nan`` where nothing was."""

    step: int
    d_loss: float = math.nan
    g_loss: float = math.nan
    g_grad_norm: float = math.nan
    d_accuracy: float = math.nan
    diversity: float = math.nan
    fine: float = math.nan
    coarse: float = math.nan


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
        # The steps at which a number was not finite.
        self._infinite: dict[str, list[int]] = {}

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
        """Log the numbers of a step and return what is wrong so far.

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
        slack = limits.ROUNDING
        if d_accuracy is not None and not (-slack <= float(d_accuracy) <= 1 + slack or math.isnan(d_accuracy)):
            raise InputError(f"d_accuracy is {d_accuracy}; expected 0..1", where="d_accuracy", code="E-RANGE")
        given = {"d_loss": d_loss, "g_loss": g_loss, "g_grad_norm": g_grad_norm, "d_accuracy": d_accuracy}
        numbers = {name: float(value) for name, value in given.items() if value is not None}
        seen = () if samples is None else variety(samples)
        for name, value in [*numbers.items(), *([("samples", seen[0])] if seen else [])]:
            if not math.isfinite(value):
                self._infinite.setdefault(name, []).append(step)
        self.entries.append(Entry(step, *(numbers.get(name, math.nan) for name in given), *seen))
        return tuple(sorted((one for one in self.findings() if one.is_fault), key=_by_rank))

    def findings(self) -> tuple[Finding, ...]:
        """Return every fault that was looked for, those with the verdict ``ok`` or ``cannot tell`` too."""
        checks = (self._divergence, self._discriminator, self._gradient, self._circling, self._collapse)
        return tuple(check() for check in checks)

    def _values(self, name: str) -> Values:
        """Return the finite values that were logged under a name, in order."""
        values = np.array([getattr(entry, name) for entry in self.entries])
        return values[np.isfinite(values)]

    @property
    def _is_critic(self) -> bool:
        """Whether the discriminator's loss is one without a scale: below 0, as Wasserstein's."""
        losses = self._values("d_loss")
        return bool(len(losses)) and bool(losses.min() < 0)

    def _divergence(self) -> Finding:
        name = "numbers diverge"
        advice = ("lower the learning rates", "clip gradients or regularise the discriminator", "train in float32")
        broken = {each: self._broken(each, steps) for each, steps in self._infinite.items()}
        for verdict in ("severe", "some"):
            texts = [f"{each} {text}" for each, (one, text) in broken.items() if one == verdict]
            if texts:
                return Finding(name, verdict, f"not finite: {', '.join(texts)}", (), advice)
        evidence = []
        for each in ("d_loss", "g_loss", "g_grad_norm"):
            values = self._values(each)
            if len(values) >= limits.LEAST:
                floors = limits.CRITIC_FLOORS if self._is_critic and each != "g_grad_norm" else limits.FLOORS
                evidence.append(Evidence(f"{each} against its size at first", growth(values, floors), *limits.EXPLODED))
                evidence.append(Evidence(f"{each} itself", float(np.median(np.abs(recent(values)))), *limits.HUGE))
        if not evidence:
            return Finding(name, "cannot tell", "too few losses and gradients were logged")
        return _worst(name, evidence, "sizes have exploded", "losses and gradients keep their size", advice)

    def _broken(self, name: str, steps: list[int]) -> tuple[str, str]:
        """Return the verdict of the steps at which a number was not finite, and when that was."""
        column = "diversity" if name == "samples" else name
        finite = [entry.step for entry in self.entries if math.isfinite(getattr(entry, column))]
        last = [step for step in steps if not finite or step > finite[-1]]
        # A scaler of mixed precision finds its scale by gradients that overflow, and skips their steps.
        if name == "g_grad_norm" and len(last or steps) <= limits.SKIPPED:
            return "ok", ""
        if last:
            return "severe", f"since step {last[0]}"
        recent_from = self.entries[-max(limits.LEAST, round(RECENT * len(self.entries))) :][0].step
        often = f"at {len(steps)} steps, the last of them {steps[-1]}" if len(steps) > 1 else f"at step {steps[0]}"
        return ("some" if steps[-1] >= recent_from else "ok"), f"{often}, and finite since"

    def _discriminator(self) -> Finding:
        name, well = "discriminator wins", "the discriminator can be fooled"
        losses, accuracies = self._values("d_loss"), self._values("d_accuracy")
        if len(losses) < limits.LEAST or self._is_critic:
            return Finding(name, "cannot tell", "too few losses of a discriminator that are logarithms were logged")
        evidence = [Evidence("loss of the discriminator", float(np.median(recent(losses))), *limits.SMALL_LOSS)]
        if len(accuracies) >= limits.LEAST:
            accuracy = float(np.median(recent(accuracies)))
            evidence.append(Evidence("accuracy of the discriminator", accuracy, *limits.CERTAIN))
        elif is_fault(evidence[0].verdict) and not self._is_logarithmic():
            what = "whether so small a loss is a discriminator's win, its accuracy (d_accuracy) would tell"
            return Finding(name, "cannot tell", what, tuple(evidence))
        said = "the discriminator tells all real images from all generated ones and teaches the generator nothing"
        return _mildest(name, evidence, said, well, DISCRIMINATOR)

    def _is_logarithmic(self) -> bool:
        """Return whether the two losses can be those of a logarithmic, non-saturating GAN.

        With u = -log(1 - D(fake)) the generator loses -log(1 - exp(-u)), which is convex in u; the mean of u is at most
        the discriminator's loss, or twice it where that is a mean of its two terms.
        """
        pairs = [(each.d_loss, each.g_loss) for each in self.entries if math.isfinite(each.d_loss + each.g_loss)]
        small = [(max(d, limits.LEAST_LOSS), g) for d, g in pairs if d <= limits.SMALL_LOSS[0]]
        fits = [g >= -limits.FIT * math.log(-math.expm1(-2 * d)) for d, g in small]
        return len(fits) >= limits.LEAST // 2 and all(fits)

    def _gradient(self) -> Finding:
        name, well = "gradient vanishes", "the generator's gradient keeps its size"
        values = self._values("g_grad_norm")
        if len(values) < limits.LEAST or values.max() <= 0:
            return Finding(name, "cannot tell", "too few norms of the generator's gradient (g_grad_norm) were logged")
        evidence = [Evidence("share of the largest gradient that is left", share_left(values), *limits.FADED)]
        if is_fault(evidence[0].verdict):
            if reason := self._good_end():
                return Finding(name, "ok", reason, tuple(evidence))
            if self._is_end_unknown():
                what = "whether a gradient that falls is lost or a loss has converged, g_loss would tell"
                return Finding(name, "cannot tell", what, tuple(evidence))
        said = "the generator gets no direction to move in"
        advice = ("replace the minimax loss by the non-saturating one (Goodfellow et al. 2014)", *DISCRIMINATOR)
        return _mildest(name, evidence, said, well, advice)

    def _good_end(self) -> str:
        """Return why a gradient that has become small is no fault; empty where no reason is seen."""
        known = self._known()
        if "g_loss" in known and has_fallen(known["g_loss"]):
            return "the generator's gradient has become small, and its loss has fallen with it"
        if "d_loss" in known and self._is_critic and has_fallen(np.abs(known["d_loss"])):
            return "the generator's gradient has become small, and the critic's distance has fallen with it"
        if "d_accuracy" in known and float(np.median(recent(known["d_accuracy"]))) <= limits.AT_CHANCE:
            return "the generator's gradient is small where the discriminator cannot decide"
        return ""

    def _is_end_unknown(self) -> bool:
        """Return whether too little was logged to tell a vanished gradient from that of a converged training."""
        known = self._known()
        is_blind = "g_loss" not in known and ("d_loss" not in known or has_fallen(known["d_loss"]))
        return is_blind and "d_accuracy" not in known

    def _known(self) -> dict[str, Values]:
        """Return what was logged often enough to be judged, by name."""
        values = {name: self._values(name) for name in ("d_loss", "g_loss", "d_accuracy")}
        return {name: series for name, series in values.items() if len(series) >= limits.LEAST}

    def _circling(self) -> Finding:
        name, well = "losses circle", "the losses do not swing in a steady period"
        advice = (
            "lower both learning rates, the generator's more (two time scales: Heusel et al. 2017)",
            "average the generator's weights over steps",
            "penalise the discriminator's gradient: R1 makes it converge (Mescheder et al. 2018)",
        )
        said, findings = "generator and discriminator chase each other without progress", []
        for each in ("d_loss", "g_loss"):
            values = self._values(each)
            values = values[len(values) // 2 :]
            if len(values) >= 3 * limits.LEAST:
                share, chance, swing = circling(values)
                evidence = [
                    Evidence(f"share of the variance of {each} in one period", share, *limits.PERIODIC),
                    Evidence("chance of such a period in noise", chance, *limits.CHANCE),
                    Evidence("swing against the mean", swing, limits.SWING, limits.SWING),
                ]
                findings.append(_mildest(name, evidence, said, well, advice))
        if not findings:
            return Finding(name, "cannot tell", "too few losses were logged")
        return max(findings, key=lambda finding: rank(finding.verdict))

    def _collapse(self) -> Finding:
        name, well = "samples grow alike", "the samples stay as varied as they were"
        spreads, fine, coarse = map(self._values, ("diversity", "fine", "coarse"))
        if len(spreads) < 2 * limits.LEAST:
            return Finding(name, "cannot tell", "too few samples were logged")
        advice = (
            "let the discriminator see several samples at once: minibatch statistics (Karras et al. 2018) or packing "
            "(Lin et al. 2018)",
            "take fewer generator steps for each of the discriminator, or lower the generator's learning rate",
            "go back to the last checkpoint before the fall and unroll or regularise from there",
        )
        if float(np.median(recent(spreads))) <= 0:
            return Finding(name, "severe", "the samples are copies of one image", (), advice)
        now = float(np.median(recent(spreads)))
        # Noise of little spread has many different samples, and is no sign of variety.
        is_like = (spreads > now / limits.ALIKE) & (spreads < now * limits.ALIKE)
        spread = share_kept(spreads, np.ones(len(spreads), bool))
        nearer = [Evidence("share of the samples' spread that is left", spread, *limits.POORER)]
        kept = min(share_kept(fine, is_like), share_kept(coarse, is_like))
        fewer = [
            Evidence("share of the different samples that is left", kept, *limits.FEWER),
            Evidence("different samples", float(np.median(recent(fine))), *limits.FEW),
        ]
        said = "the generator is collapsing to few images"
        findings = [_mildest(name, evidence, said, well, advice) for evidence in (nearer, fewer)]
        return max(findings, key=lambda finding: rank(finding.verdict))


def _worst(name: str, evidence: list[Evidence], bad: str, well: str, advice: tuple[str, ...]) -> Finding:
    """Return the verdict of the worst number."""
    return _stated(name, worst(verdicts_of(evidence)), evidence, bad, well, advice)


def _mildest(name: str, evidence: list[Evidence], bad: str, well: str, advice: tuple[str, ...]) -> Finding:
    """Return the verdict that all numbers bear."""
    return _stated(name, mildest(verdicts_of(evidence)), evidence, bad, well, advice)


def _stated(name: str, verdict: str, evidence: list[Evidence], bad: str, well: str, advice: tuple[str, ...]) -> Finding:
    is_bad = is_fault(verdict)
    return Finding(name, verdict, bad if is_bad else well, tuple(evidence), advice if is_bad else ())


def _by_rank(finding: Finding) -> int:
    return -rank(finding.verdict)
