"""The figures of reports. Each figure is made only where its data were kept."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from ganmetrics.errors import GanMetricsError
from ganmetrics.metrics.fid import factor_of, frechet_from_traces, mean_of
from ganmetrics.metrics.prd import PrdCurve, prd_curve
from ganmetrics.numerics.resampling import seeded
from ganmetrics.numerics.root_trace import traces_of_factors
from ganmetrics.reporting.plotting import Drawing

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from torch import Tensor

    from ganmetrics.diagnosis.class_assignment import Classes
    from ganmetrics.diagnosis.missing_modes import Clusters, ModeShares
    from ganmetrics.evaluation.compare import Comparison
    from ganmetrics.measurement.statistics import Statistics
    from ganmetrics.reporting.palette import Palette
    from ganmetrics.scoring.result import Score

    Bars = tuple[Any, str | list[str]]

# Rows of each side that curves are computed from: more take seconds and move no curve visibly.
ROWS = 5_000
# Generated images that the map shows.
POINTS = 500
# Points of the curve of FID, and the generated images that a straight line through them needs.
NUM_FIDS, LEAST_FIDS = 6, 80
# Clusterings behind a curve of precision and recall.
RUNS = 3
# Classes that a histogram has room to name.
WIDE = 40


def of_sets(real: Statistics | None, fake: Statistics) -> Iterator[Drawing]:
    """Yield the figures that need features only: precision against recall, and FID against the number of images."""
    if real is None or real.features is None or fake.features is None:
        return
    sides = [_some(side.features) for side in (real, fake) if side.features is not None]
    try:
        yield _precision_recall(prd_curve(*sides, num_runs=RUNS))
        if len(sides[1]) >= LEAST_FIDS:
            yield _fid_by_count(*sides)
    except GanMetricsError:
        # There are too few images for a curve.
        return


def _some(rows: Tensor) -> Tensor:
    return rows[torch.from_numpy(seeded(0).permutation(len(rows))[:ROWS])]


def _precision_recall(curve: PrdCurve) -> Drawing:
    recall, precision = curve.recall.cpu().numpy(), curve.precision.cpu().numpy()

    def draw(axes: Axes, palette: Palette) -> None:
        axes.plot(recall, precision, color=palette.fake, linewidth=2)
        axes.fill_between(recall, precision, color=palette.fake, alpha=0.15, linewidth=0)
        axes.set(xlim=(0, 1.02), ylim=(0, 1.02), xlabel="recall", ylabel="precision")

    caption = (
        f"Attainable precision and recall of the distributions (Sajjadi et al. 2018): the curve reaches "
        f"{precision.max():.2f} in precision and {recall.max():.2f} in recall; a perfect generator fills the square."
    )
    return Drawing("precision-recall", "How real and how varied are the images?", caption, draw)


def _fid_by_count(real: Tensor, fake: Tensor) -> Drawing:
    sizes = np.unique(np.geomspace(max(LEAST_FIDS / 4, len(fake) / 16), len(fake), NUM_FIDS).astype(int))
    rng, mu, factor = seeded(0), mean_of(real.double()), factor_of(real.double())
    subsets = [fake[torch.from_numpy(rng.permutation(len(fake))[:size])].double() for size in sizes]
    values = [frechet_from_traces(mu, mean_of(x), traces_of_factors(factor, factor_of(x))) for x in subsets]
    # The bias is linear in 1/n only for large n, so the line is fitted to the larger half of the subsets.
    line = np.polynomial.Polynomial.fit(1 / sizes[len(sizes) // 2 :], values[len(sizes) // 2 :], 1)

    def draw(axes: Axes, palette: Palette) -> None:
        axes.plot(sizes, values, color=palette.fake, marker="o", linewidth=1.5)
        axes.axhline(line(0.0), color=palette.muted, linestyle="--", linewidth=1)
        axes.set(xscale="log", xlabel="number of fakes (log scale)", ylabel="Fréchet distance")
        axes.set_ylim(min(0.0, line(0.0)), 1.1 * max(values) or 1.0)
        axes.set_xticks(sizes[::2], [f"{size:,}" for size in sizes[::2]])
        axes.set_xticks([], minor=True)

    caption = (
        f"Fréchet distances of subsets of the fakes, {values[0]:.4g} at {sizes[0]:,} and {values[-1]:.4g} at "
        f"{sizes[-1]:,}: the bias falls as 1/n. The dashed line leads to infinitely many images, {line(0.0):.4g}."
    )
    return Drawing("fid-by-count", "Would more images lower FID?", caption, draw)


def class_histogram(classes: Classes) -> Drawing:
    """Draw the shares of the classes among real images beside those among generated images."""
    order = range(len(classes.names))
    shares = classes.shares
    if len(classes.names) > WIDE:
        # The classes that differ most are shown.
        gaps = (shares.real_shares - shares.fake_shares).abs()
        order = sorted(gaps.argsort(descending=True)[:WIDE].tolist())  # type: ignore[assignment]
    names = [classes.names[place] for place in order]
    real, fake = (side[list(order)].cpu().numpy() for side in (shares.real_shares, shares.fake_shares))

    def draw(axes: Axes, palette: Palette) -> None:
        _bars(axes, palette, (real, palette.real), (fake, palette.fake), {})
        axes.set_xticks(range(len(names)), names, rotation=0 if max(map(len, names)) < 3 else 60, ha="center")
        axes.set(ylabel="share of images")

    missing = f"missing: {', '.join(classes.missing_names[:20])}" if classes.missing_names else "none is missing"
    caption = f"Shares of the {classes.noun} among real and generated images, known from {classes.method}; {missing}."
    return Drawing("classes", "Which classes are missing or too frequent?", caption, draw)


def cluster_bars(found: Clusters) -> Drawing:
    """Draw how both sets fill the clusters of the real images, which NDB counts."""
    shares = found.shares
    # Clusters are sorted by how full they are, since their numbers mean nothing.
    order = (shares.fake_shares / shares.real_shares.clamp_min(1e-12)).argsort().tolist()
    real, fake = (side[order].cpu().numpy() for side in (shares.real_shares, shares.fake_shares))
    is_low, is_high = shares.is_low[order].tolist(), shares.is_high[order].tolist()

    def draw(axes: Axes, palette: Palette) -> None:
        of_real = [palette.bad if low else palette.real for low in is_low]
        of_fake = [palette.warn if high else palette.fake for high in is_high]
        more = {"real, too few fakes": palette.bad, "fake, too many": palette.warn}
        _bars(axes, palette, (real, of_real), (fake, of_fake), more)
        axes.set_xticks([])
        axes.set(xlabel="groups of real images, the emptiest first", ylabel="share of images")

    caption = (
        f"A pair of bars is one of {len(real)} groups of like real images, with the generated images near it: "
        f"{sum(is_low)} have significantly too few generated images and {sum(is_high)} too many, at 5 % for all."
    )
    return Drawing("clusters", "Which kinds of image are too rare or too frequent?", caption, draw)


def _bars(axes: Axes, palette: Palette, real: Bars, fake: Bars, more: Mapping[str, str]) -> None:
    """Draw the bars of both sides beside each other, with a key of the colours."""
    places = np.arange(len(real[0]))
    for shift, (heights, colours) in ((-0.2, real), (0.2, fake)):
        axes.bar(places + shift, heights, 0.38, color=colours)
    axes.grid(visible=False, axis="x")
    for words, colour in {"real": palette.real, "fake": palette.fake, **more}.items():
        axes.scatter([], [], marker="s", color=colour, label=words)
    axes.legend(frameon=False, fontsize=9, labelcolor=palette.ink)


def coverage_map(found: Clusters) -> Drawing:
    """Draw the clusters of the real images on their two strongest axes, coloured by what they lack."""
    shares = found.shares
    # A cluster may have lost all its real images.
    used = (shares.real_counts > 0).nonzero()[:, 0]
    ratios = (shares.fake_shares[used] / shares.real_shares[used]).cpu().numpy()
    centers = np.stack([found.plane[0][found.real_members == k].mean(dim=0).numpy() for k in used.tolist()])
    sizes = 1500 * shares.real_shares[used].cpu().numpy()
    fakes = found.plane[1][:POINTS].numpy()

    def draw(axes: Axes, palette: Palette) -> None:
        axes.scatter(fakes[:, 0], fakes[:, 1], s=4, color=palette.muted, alpha=0.5, linewidths=0, label="fakes")
        for low, high, colour, words in _steps(palette):
            is_in = (ratios >= low) & (ratios < high)
            axes.scatter(centers[is_in, 0], centers[is_in, 1], s=sizes[is_in], color=colour, alpha=0.6, linewidths=0)
            axes.scatter([], [], s=50, color=colour, alpha=0.6, label=f"{words} ({int(is_in.sum())})")
        _around(axes, np.concatenate([centers, np.quantile(fakes, [0.01, 0.99], axis=0)]))
        axes.set(xlabel="first axis", ylabel="second axis")
        axes.legend(frameon=False, fontsize=8, labelcolor=palette.ink, loc="best")

    caption = (
        "A circle is a group of real images that look alike, placed by the two directions in which images differ most. "
        "Its size is its share of the real images. Its colour is the share of the expected generated images: "
        f"{int((ratios < 0.1).sum())} of {len(ratios)} groups have below a tenth."
    )
    return Drawing("coverage-map", "Where are generated images missing?", caption, draw)


def _steps(palette: Palette) -> list[tuple[float, float, str, str]]:
    return [
        (0.0, 0.1, palette.bad, "below 10 %"),
        (0.1, 0.5, palette.warn, "10 to 50 %"),
        (0.5, np.inf, palette.real, "50 % and more"),
    ]


def _around(axes: Axes, points: Any) -> None:
    """Set limits that hold all points with room about them."""
    low, high = points.min(axis=0), points.max(axis=0)
    pad = 0.15 * np.maximum(high - low, 1e-9)
    axes.set(xlim=(low[0] - pad[0], high[0] + pad[0]), ylim=(low[1] - pad[1], high[1] + pad[1]))


def of_comparison(comparison: Comparison) -> Iterator[Drawing]:
    """Yield a figure for each score: the value of every set with its interval."""
    names = list(comparison.results)
    for key in next(iter(comparison.results.values())):
        scores = [comparison.results[name][key] for name in names]
        yield interval_figure(f"score-{key}", names, scores)


def of_scores(scores: Mapping[str, Any]) -> Drawing:
    """Draw the interval of each score in units of its value."""
    shown = [score for score in scores.values() if score.interval and score.value and math.isfinite(score.value)]
    names = [score.title for score in shown]
    arms = np.array([_arms(score) / abs(score.value) for score in shown]).T

    def draw(axes: Axes, palette: Palette) -> None:
        _error_bars(axes, palette, np.ones(len(names)), arms)
        axes.set_yticks(range(len(names)), names)
        # A score near 0, such as KID, has an interval of many times its value, beside which all others would vanish.
        low, high = axes.get_xlim()
        axes.set(xlim=(max(low, 0.0), min(high, 2.0)), xlabel="95 % interval over the value")

    caption = (
        "Each interval relative to its value: the widest tell the least. Bars that leave the axes reach below 0 or "
        "above twice the value."
    )
    return Drawing("uncertainty", "How certain is each score?", caption, draw)


def _arms(score: Score) -> Any:
    """Return how far an interval reaches below and above its value; 0 where there is none."""
    return np.abs(np.array(score.interval[:2]) - score.value) if score.interval else np.zeros(2)


def _error_bars(axes: Axes, palette: Palette, values: Any, arms: Any) -> None:
    """Draw values with their intervals, one below the other; an end without a bound leaves the axes."""
    known = np.where(np.isfinite(arms), arms, 0.0)
    low, high = (values - known[0]).min(), (values + known[1]).max()
    pad = 0.1 * ((high - low) or abs(high) or 1.0)
    # An unbounded end is drawn beyond the limits, so that its bar leaves the axes.
    arms = np.where(np.isfinite(arms), arms, high - low + 2 * pad)
    axes.errorbar(values, range(len(values)), xerr=arms, fmt="o", color=palette.fake, capsize=4)
    axes.set(xlim=(low - pad, high + pad), ylim=(len(values) - 0.5, -0.5))
    axes.grid(visible=False, axis="y")


def interval_figure(key: str, names: Sequence[str], scores: Sequence[Score]) -> Drawing:
    """Draw one score of several sets: each value with its interval, one below the other."""
    title, values = scores[0].title, np.array([score.value for score in scores])
    arms = np.array([_arms(score) for score in scores]).T
    direction = "higher" if scores[0].higher_is_better else "lower"

    def draw(axes: Axes, palette: Palette) -> None:
        _error_bars(axes, palette, values, arms)
        axes.set_yticks(range(len(names)), [short_name(name) for name in names])
        axes.set(xlabel=f"{title} ({direction} is better)")

    around = [f" ({score.interval.words(score.value)})" if score.interval else "" for score in scores]
    rows = "; ".join(f"{name} {score.value:.4g}{text}" for name, score, text in zip(names, scores, around, strict=True))
    return Drawing(key, title, f"Values with their 95 % intervals: {rows}.", draw)


def short_name(name: str) -> str:
    """Return the end of a long name, which has the room of an axis or a key."""
    return name if len(name) <= 24 else f"…{name[-23:]}"


def low_modes(shares: ModeShares) -> list[int]:
    """Return the modes with too few generated images, those that lost most first."""
    gaps = shares.real_shares - shares.fake_shares
    return [place for place in gaps.argsort(descending=True).tolist() if bool(shares.is_low[place])]
