"""``ganmetrics generators list|show|sample|train|export|reproduce|rescore``."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .grouped_help import Group

if TYPE_CHECKING:
    from ganmetrics.generators.cards import Card, CardScore

# Scores of each generator that the list shows.
NUM_LISTED = 3

quiet_option = click.option("--quiet", "-q", is_flag=True, help="Show no progress bar.")
force_option = click.option("--force", is_flag=True, help="Overwrite an output that exists.")


@click.group("generators", cls=Group, epilog="Example: ganmetrics generators reproduce dcgan-mnist")
def command() -> None:
    """Sample, score and train the reference generators.

    \b
    ganmetrics generators list
    ganmetrics generators sample dcgan-mnist -n 1000 -o fake/
    ganmetrics generators reproduce --all
    """


@command.command(name="list", epilog="Example: ganmetrics generators list")
@click.option("--json", "as_json", is_flag=True, help="Print the cards as JSON.")
def list_(as_json: bool) -> None:
    """List every generator with its first scores.

    `ganmetrics generators show` has all scores. Your own generators are found in the folders of GANMETRICS_GENERATORS.
    """
    from ganmetrics.generators.cards import folders, read_card

    cards = {name: read_card(folder) for name, folder in sorted(folders().items())}
    if as_json:
        facts = {name: json.loads(card.to_json()) for name, card in cards.items()}
        click.echo(json.dumps(facts, indent=1, ensure_ascii=False))
        return
    rows = [("NAME", "WHAT", "SCORES"), *((name, card.summary, _scores(card)) for name, card in cards.items())]
    widths = [max(len(row[i]) for row in rows) for i in range(2)]
    for name, what, scores in rows:
        click.echo(f"{name:<{widths[0]}}  {what:<{widths[1]}}  {scores}")


@command.command(epilog="Example: ganmetrics generators show dcgan-mnist")
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="Print the card as JSON.")
def show(name: str, as_json: bool) -> None:
    """Show the card of the generator NAME.

    A card has paper, data, training and scores. NAME may be a folder that holds a card.
    """
    from ganmetrics.generators import card

    found = card(name)
    click.echo(found.to_json() if as_json else "\n".join(_described(found)))


@command.command(epilog="Example: ganmetrics generators sample dcgan-mnist -n 1000 -o fake/")
@click.argument("name")
@click.option("-n", "--num", default=10_000, show_default=True, type=click.IntRange(min=1), help="Number of samples.")
@click.option("-o", "--output", required=True, metavar="DIR|FILE.npz", help="A folder for PNG files, or one npz file.")
@click.option(
    "--seed", default=0, show_default=True, type=click.IntRange(0, 2**63 - 1), help="Random seed for the latents."
)
@click.option("--labels", metavar="N[,N...]", help="Classes to draw in turn, if the generator has classes.")
@click.option(
    "--truncation", type=float, metavar="PSI", help="Truncation of a StyleGAN. 1 draws all images, 0 the mean image."
)
@click.option("--direction", type=click.Choice(["forward", "backward"]), help="Direction of a CycleGAN.")
@force_option
@quiet_option
def sample(
    name: str,
    num: int,
    output: str,
    seed: int,
    labels: str | None,
    truncation: float | None,
    direction: str | None,
    force: bool,
    quiet: bool,
) -> None:
    """Draw samples of the generator NAME.

    Images go into a folder or an npz file, points and sequences into an npz file. The first images of a seed are the
    same however many are drawn. `ganmetrics fid mnist-test DIR` scores them.
    """
    from ganmetrics.generators import load
    from ganmetrics.generators import sample_files as drawing
    from ganmetrics.generators.cards import SYSTEMS, folder_of, read_card

    makes = SYSTEMS[read_card(folder_of(name)).system].makes
    drawing.check_output(output, makes, force=force)
    options = {"labels": labels and _labels(labels, num), "truncation": truncation, "direction": direction}
    given = {key: value for key, value in options.items() if value is not None}
    samples = drawing.draw(load(name), num, seed=seed, options=given)
    drawing.write(samples, output, progress=not quiet)
    click.echo(f"{output}: {num} {makes} of {name}, seed {seed}")


@command.command(epilog="Example: ganmetrics generators train dcgan-mnist -o runs/dcgan --data data/")
@click.argument("name")
@click.option("-o", "--output", metavar="DIR", help="The folder for checkpoints, log and card.  [default: ./NAME]")
@click.option(
    "--data", metavar="DIR", help="A torchvision root folder.  [default: GANMETRICS_DATA_DIR, else the cache]"
)
@click.option(
    "--iterations", type=click.IntRange(min=1), metavar="N", help="Iterations in all.  [default: the recipe's]"
)
@click.option("--seed", default=0, show_default=True, type=click.IntRange(0, 2**63 - 1), help="Random seed.")
@click.option("--set", "changes", multiple=True, metavar="NAME=VALUE", help="Change a setting. May be repeated.")
@click.option("--device", default="auto", show_default=True, metavar="auto|cpu|cuda[:N]|mps",
              help="Where the networks are trained.")  # fmt: skip
@click.option(
    "--watch-every",
    type=click.IntRange(min=0),
    metavar="N",
    help="Log FID every N iterations. 0 logs none.  [default: 1000]",
)
@click.option("--resume", is_flag=True, help="Continue from the checkpoint in DIR.")
@quiet_option
def train(
    name: str,
    output: str | None,
    data: str | None,
    iterations: int | None,
    seed: int,
    changes: tuple[str, ...],
    device: str,
    watch_every: int | None,
    resume: bool,
    quiet: bool,
) -> None:
    """Train the generator of the recipe NAME.

    There is a checkpoint every minute, a log in JSON lines, and a card with scores at the end. An interrupted training
    continues with --resume, at the settings that it began with.
    """
    from ganmetrics.generators import reproduction, runs
    from ganmetrics.generators.training import CHECKPOINT

    folder = Path(output or name)
    # Settings that differ from the checkpoint's would make a training that nobody can reproduce.
    if resume and (iterations or seed or changes):
        raise click.UsageError("--resume goes on as the training began; leave out --iterations, --seed and --set.")
    if resume:
        run = runs.reopen(folder, name, data=data)
    else:
        run = runs.begin(name, folder, data=data, seed=seed, iterations=iterations, changes=changes)
    try:
        runs.train(run, device=device, watch_every=watch_every, progress=not quiet)
        runs.export(run, folder)
        click.echo("\n".join(_described(reproduction.rescore(folder))))
    # A signal ends the training in the middle of a step; its last checkpoint is whole.
    except SystemExit as ending:
        if not (folder / CHECKPOINT).exists():
            raise
        click.echo(f"interrupted; the checkpoint in {folder} goes on with --resume", err=True)
        raise click.exceptions.Exit(int(ending.code or 0)) from None


@command.command(epilog="Example: ganmetrics generators export runs/dcgan -o mine/dcgan")
@click.argument("run", metavar="DIR")
@click.option("-o", "--output", required=True, metavar="DIR", help="The folder for the card.")
@force_option
def export(run: str, output: str, force: bool) -> None:
    """Make a card of the training in DIR as it stands.

    The card is a folder with weights, samples and scores that `gm.generators.load` takes.
    """
    from ganmetrics.errors import UsageError
    from ganmetrics.generators import reproduction, runs
    from ganmetrics.generators.cards import CARD

    if (Path(output) / CARD).exists() and not force:
        raise UsageError("the folder holds a card already", where=output, hint="Pass --force", code="E-EXISTS")
    runs.export(runs.reopen(Path(run)), Path(output))
    click.echo("\n".join(_described(reproduction.rescore(Path(output)))))


@command.command(epilog="Example: ganmetrics generators reproduce --all")
@click.argument("name", required=False)
@click.option("--all", "everything", is_flag=True, help="Reproduce every bundled generator.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@quiet_option
def reproduce(name: str | None, everything: bool, as_json: bool, quiet: bool) -> None:
    """Check that NAME still has the scores on its card.

    The generator is sampled with the recorded seed and scored. The exit code is 1 where a score differs.
    """
    from ganmetrics._progress import progress_bar
    from ganmetrics.generators import cards, reproduction

    if everything == (name is not None):
        raise click.UsageError("Give the NAME of a generator, or --all.")
    chosen = sorted(cards.folders()) if name is None else [name]
    failed, report = 0, {}
    with progress_bar("reproducing", len(chosen), not quiet, unit="card") as bar:
        for each in chosen:
            compared = reproduction.reproduce(cards.folder_of(each))
            failed += not all(one.passed for one in compared)
            report[each] = [_compared(one) for one in compared]
            if not as_json:
                bar.clear()
                click.echo("\n".join(_lines(each, compared)))
            bar.update()
    if as_json:
        click.echo(json.dumps(report, indent=1))
    else:
        click.echo(f"{len(chosen) - failed} of {len(chosen)} generators reproduce their cards")
    sys.exit(1 if failed else 0)


@command.command(epilog="Example: ganmetrics generators rescore mine/dcgan")
@click.argument("names", nargs=-1, required=True)
@click.option("--data", metavar="DIR", help="Compute only the scores that need real data, from DIR.")
@quiet_option
def rescore(names: tuple[str, ...], data: str | None, quiet: bool) -> None:
    """Compute the scores of cards again and write them.

    Every score of the cards NAMES is computed with the present metrics.
    """
    from ganmetrics._progress import progress_bar
    from ganmetrics.generators import cards, reproduction

    for name in names:
        folder = cards.folder_of(name)
        if data is not None:
            click.echo("\n".join(_described(reproduction.rescore_on_data(folder, data))))
            continue
        with progress_bar(name[-40:], len(reproduction.SEEDS), not quiet, unit="seed") as bar:
            card = reproduction.rescore(folder, watch=bar.update)
        click.echo("\n".join(_described(card)))


def _labels(text: str, num: int) -> list[int]:
    try:
        classes = [int(part) for part in text.split(",")]
        return [classes[index % len(classes)] for index in range(num)]
    except ValueError:
        raise click.UsageError(f"--labels is {text!r}; give classes such as 3 or 0,1,7") from None


def _scores(card: Card) -> str:
    return "  ".join(f"{each.title} {_readable(each)}" for each in card.scores[:NUM_LISTED])


def _readable(score: CardScore) -> str:
    from ganmetrics.scoring.result import readable

    return f"{readable(score.value)} ± {score.std:.2g}"


def _described(card: Card) -> list[str]:
    facts = {
        "name": card.name,
        "system": f"{card.title}: {card.paper}",
        "what": card.summary,
        "fault": card.fault,
        "data": card.data,
        "settings": ", ".join(f"{name}={value}" for name, value in card.settings.items() if value != ""),
        "parameters": ", ".join(f"{name} {count:,}" for name, count in card.parameters.items()),
        "trained by": card.training["command"],
        "took": f"{card.training['iterations']:,} iterations, {card.training['cpu_seconds'] / 60:.0f} min of one core",
        "licence": card.licence,
    }
    lines = [f"{name:<11} {value}" for name, value in facts.items() if value]
    for score in [*card.scores, *card.data_scores]:
        better = "higher" if score.higher_is_better else "lower"
        lines += [f"{score.title:<24} {_readable(score):>20}  {better} is better"]
        lines += [f"  {score.signature or score.protocol}"]
    return lines + [f"target: {target}" for target in card.targets]


def _compared(one: Any) -> dict[str, Any]:
    facts = {"recorded": one.recorded.value, "found": one.found, "difference": one.difference}
    return {"name": one.recorded.name, **facts, "tolerance": one.recorded.tolerance, "passed": one.passed}


def _lines(name: str, compared: list[Any]) -> list[str]:
    verdict = "pass" if all(one.passed for one in compared) else "FAIL"
    lines = [f"{name}: {verdict}"]
    for one in compared:
        mark = "" if one.passed else "  <- differs"
        numbers = f"recorded {one.recorded.value:.6g}, found {one.found:.6g}, difference {one.difference:+.1e}"
        lines.append(f"  {one.recorded.title:<24} {numbers} (tolerance {one.recorded.tolerance:.1e}){mark}")
    return lines
