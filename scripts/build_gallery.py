"""Build docs/generators.md and its pictures from the cards of the bundled generators.

    python scripts/build_gallery.py -o docs

Every number on the page is read from a card, so the page says what ``ganmetrics generators reproduce`` checks. The
prose between the tables stands in ``docs/generators.in.md``; a line ``{{name}}`` there gives way to a table or picture.
"""

from __future__ import annotations

import io
import os
import re
from collections.abc import Callable, Iterable
from pathlib import Path

import click
import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from scipy.stats import spearmanr

from ganmetrics._files import atomic_write
from ganmetrics.generators.cards import SAMPLES, Card, folders, read_card
from ganmetrics.scoring.result import readable

CARDS = {name: read_card(folder) for name, folder in folders().items()}
IMAGES = {name: card for name, card in CARDS.items() if any(score.name == "fid" for score in card.scores)}


def series(card: Card, name: str) -> tuple[list[float], list[float]]:
    """Iterations and values of one quantity of a training's log."""
    entries = [entry for entry in card.curve if name in entry]
    return [entry["iteration"] for entry in entries], [entry[name] for entry in entries]


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    head = list(head)
    lines = ["| " + " | ".join(row) + " |" for row in [head, ["---"] * len(head), *rows]]
    return "\n".join(lines)


def shown(card: Card, name: str) -> str:
    found = [score for score in card.scores if score.name == name]
    return f"{readable(found[0].value)} ± {found[0].std:.2g}" if found else ""


def healthy(data: str) -> list[Card]:
    found = [card for card in IMAGES.values() if card.data == data and not card.fault]
    return sorted(found, key=lambda card: card.score("fid").value)


def systems(data: str) -> str:
    head = ["generator", "FID", "IS", "KID", "classes > 5 %", "parameters", "training on one core"]
    rows = []
    for card in healthy(data):
        size = card.parameters.get("generator", sum(card.parameters.values()))
        time = f"{card.training['iterations']:,} iterations, {card.training['cpu_seconds'] / 60:.0f} min"
        scores = [shown(card, name) for name in ("fid", "is", "kid", "classes")]
        rows.append([f"[{card.name}](#{card.name})", *scores, f"{size:,}", time])
    return table(head, rows)


def broken() -> str:
    names = ("fid", "is", "classes", "largest_class", "nearness")
    head = ["generator", "what is wrong", "FID", "IS", "classes > 5 %", "largest class", "distance to learnt / unseen"]
    chosen = [CARDS["dcgan-mnist"], *(card for card in CARDS.values() if card.fault)]
    return table(head, ([card.name, card.fault or "nothing", *(shown(card, n) for n in names)] for card in chosen))


def others(names: Iterable[str]) -> str:
    rows = []
    for name in names:
        for score in CARDS[name].scores:
            rows.append([name, score.title, f"{readable(score.value)} ± {score.std:.2g}", score.protocol or "FID"])
    return table(["generator", "score", "value", "protocol"], rows)


def truncation() -> str:
    card = CARDS["stylegan2-mnist"]
    psis = [score.name.rpartition("_")[2] for score in card.scores if score.name.startswith("fid_psi")]
    rows = [[psi, shown(card, f"fid_psi_{psi}"), shown(card, f"spread_psi_{psi}")] for psi in psis]
    return table(["psi", "FID", "spread"], rows)


def targets() -> str:
    return table(["generator", "target"], ([name, target] for name, card in CARDS.items() for target in card.targets))


def gallery() -> str:
    parts = []
    for name, card in sorted(CARDS.items()):
        folder = f"../ganmetrics/generators/bundled/{name}"
        fault = f" **Broken on purpose**: {card.fault}." if card.fault else ""
        parts += [f"### {name}", "", f"{card.title} ({card.paper}): {card.summary}.{fault}", ""]
        parts += [f"`{card.training['command']}`", ""]
        if (folders()[name] / SAMPLES).exists():
            parts += [f"![samples of {name}]({folder}/{SAMPLES})", ""]
        else:
            parts += [f"[samples]({folder}/samples.txt)", ""]
    return "\n".join(parts).rstrip()


def saved(figure: Figure, path: Path) -> str:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=80, bbox_inches="tight", metadata={"Software": None})
    plt.close(figure)
    with atomic_write(path) as stream:
        stream.write(buffer.getvalue())
    return f"![{path.stem}]({path.name})"


def fid_curves(output: Path) -> str:
    figure, axes = plt.subplots(figsize=(8, 4.5))
    for card in healthy("mnist"):
        iterations, values = series(card, "fid")
        axes.plot(iterations, values, label=card.name)
    axes.set(xlabel="iteration", ylabel="FID(digits), 2,000 images", yscale="log", title="FID along the trainings")
    axes.legend(fontsize=8)
    return saved(figure, output / "generators-fid.png")


def critic_against_fid(output: Path) -> str:
    figure, panels = plt.subplots(1, 2, figsize=(9, 3.8))
    notes = []
    for axes, name in zip(panels, ("wgan-mnist", "wgan-gp-mnist"), strict=True):
        card = CARDS[name]
        fids = dict(zip(*series(card, "fid"), strict=True))
        steps, estimates = series(card, "wasserstein")
        near = [min(range(len(steps)), key=lambda i, at=at: abs(steps[i] - at)) for at in fids]
        smooth = [sum(estimates[max(0, i - 2) : i + 3]) / len(estimates[max(0, i - 2) : i + 3]) for i in near]
        rho = spearmanr(smooth, list(fids.values())).statistic
        axes.plot(steps, estimates, lw=0.8, color="tab:orange")
        axes.set(title=name, xlabel="iteration", ylabel="critic's estimate")
        twin = axes.twinx()
        twin.plot(list(fids), list(fids.values()), "o-", ms=3)
        twin.set(ylabel="FID(digits)", yscale="log")
        notes.append(f"Rank correlation of the estimate and FID, {name}: {rho:.2f} over {len(fids)} points.")
    figure.tight_layout()
    return saved(figure, output / "generators-critic.png") + "\n\n" + " ".join(notes)


def curves_of(
    names: tuple[str, ...], quantities: tuple[str, ...], file: str, scale: str = "linear"
) -> Callable[[Path], str]:
    def draw(output: Path) -> str:
        figure, panels = plt.subplots(1, len(quantities), figsize=(4.5 * len(quantities), 3.6), squeeze=False)
        for axes, quantity in zip(panels[0], quantities, strict=True):
            for name in names:
                axes.plot(*series(CARDS[name], quantity), label=name, lw=1)
            axes.set(xlabel="iteration", ylabel=quantity, xscale=scale)
            axes.legend(fontsize=8)
        figure.tight_layout()
        return saved(figure, output / file)

    return draw


PIECES: dict[str, Callable[[Path], str]] = {
    "systems": lambda _: systems("mnist"),
    "fashion": lambda _: systems("fashion"),
    "broken": lambda _: broken(),
    "truncation": lambda _: truncation(),
    "translation": lambda _: others(name for name in CARDS if name.startswith("cyclegan")),
    "mixtures": lambda _: others(name for name, card in CARDS.items() if card.system == "pacgan"),
    "sequences": lambda _: others(name for name in CARDS if name.startswith("seqgan")),
    "style": lambda _: others(name for name in CARDS if name.startswith("style-transfer")),
    "targets": lambda _: targets(),
    "gallery": lambda _: gallery(),
    "fid-curves": fid_curves,
    "critic": critic_against_fid,
    "broken-curves": curves_of(
        ("dcgan-mnist", "dcgan-overpowered"), ("d_accuracy", "g_gradient"), "generators-broken.png", "log"
    ),
    "seqgan-curve": curves_of(("seqgan-oracle",), ("nll_oracle",), "generators-seqgan.png"),
}


@click.command()
@click.option("-o", "--output", default="docs", show_default=True, type=click.Path(file_okay=False, path_type=Path))
def main(output: Path) -> None:
    """Write the page and its pictures."""
    text = (output / "generators.in.md").read_text()
    page = re.sub(r"^\{\{([\w-]+)\}\}$", lambda match: PIECES[match[1]](output), text, flags=re.MULTILINE)
    with atomic_write(output / "generators.md") as stream:
        stream.write(page.encode())
    click.echo(f"{os.fspath(output / 'generators.md')}: {len(CARDS)} generators")


if __name__ == "__main__":
    main()
